"""What was found as one self-contained page that looks like the report: each query beside what is most like it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graft.data.items import Item, Text
from graft.errors import GraftError
from graft.executors import map_on_cores
from graft.report.exhibits import quote, small_picture
from graft.report.markup import Html, element, embedded, name, path
from graft.report.page import document
from graft.report.sounds import portable
from graft.report.words import amount, count, excerpt
from graft.similarity.matches import Match, SearchResult

MOST = 500
"""So many items are shown; of those that follow, only the names."""
CSS = """
.query .picture, .gallery .picture { aspect-ratio: 1; }
.query .picture img, .gallery .picture img { display: block; width: 100%; height: 100%; object-fit: contain; }
dialog .picture img { display: block; width: 100%; height: 100%; object-fit: contain; }
.query figcaption { margin-top: 0.5rem; color: var(--quiet); font-size: 0.875rem; overflow-wrap: anywhere; }
.query .asked { font: 400 1.25rem/1.45 var(--serif); color: var(--ink); }
.query h2 + * { margin-top: 0.75rem; }
meter { display: block; width: 100%; height: 0.5rem; margin-bottom: 0.375rem; }
meter::-webkit-meter-bar { height: 0.375rem; border: 0; border-radius: 0; background: var(--wash); }
meter::-webkit-meter-optimum-value { border-radius: 0; background: var(--accent); }
meter::-moz-meter-bar { background: var(--accent); }
"""
_GALLERIES = {"text": "gallery texts", "audio": "gallery sounds"}


def render(found: Sequence[SearchResult], modality: str, title: str, queries: Sequence[Item] = ()) -> str:
    """The whole page; see ``document`` for what it may do.

    Args:
        found: What was found, query by query.
        modality: Of the items.
        title: What was searched.
        queries: The queries themselves, in the same order, to show them.
    """
    matches = [match for one in found for match in one.matches]

    def exhibits(items: Sequence[Item]) -> Iterator[Html | None]:
        """Each is taken in its turn by the section that shows it; what is beyond the limit has none."""
        return iter(map_on_cores(lambda item: _exhibit(item, modality), items[:MOST]))

    asked, shown = exhibits(queries), exhibits([match.item for match in matches])
    sections = [_section(one, place, next(asked, None), shown, modality) for place, one in enumerate(found)]
    said = f"{amount(len(matches), modality)} for {count(len(found), 'query', 'queries')}, the most alike first"
    top = element("header", element("h1", "Look-alikes in ", name(title)), element("p", said, class_="quiet"))
    body = [top, element("main", sections)]
    return document(f"Look-alikes in {title}", body, css=CSS, sound=modality == "audio")


def _section(one: SearchResult, place: int, asked: Html | None, shown: Iterator[Html | None], modality: str) -> Html:
    heading = element("h2", f"Query {place + 1}", id=f"q{place}")
    if modality == "text":
        query = element("p", name(excerpt(one.heading)), class_="asked", dir="auto")
    else:
        query = element("figure", asked, element("figcaption", path(one.heading)))
    if one.error is not None:
        answer = element("p", str(one.error), class_="note")
    elif not one.matches:
        answer = element("p", "Nothing is so alike.")
    else:
        figures = (element("li", _figure(match, next(shown, None))) for match in one.matches)
        answer = element("ul", figures, class_=_GALLERIES.get(modality, "gallery"))
    margin = element("div", heading, query, class_="margin query")
    return element("section", margin, element("div", answer), aria_labelledby=f"q{place}")


def _figure(match: Match, exhibit: Html | None) -> Html:
    said = f"{match.rank}. {match.similarity:.3f}" + (", the same content" if match.same else "")
    meter = element("meter", value=max(0.0, match.similarity), min=0, max=1, aria_label="similarity")
    label = (element("strong", name(match.label)), element("br")) if match.label else None
    called = None if isinstance(match.item, Text) and exhibit else element("div", path(match.name), class_="file")
    return element("figure", exhibit, element("figcaption", meter, said, element("br"), label, called))


def _exhibit(item: Item, modality: str) -> Html | None:
    """The item itself; nothing where it cannot be read any more."""
    try:
        content = item.read()
        if modality == "text":
            return element("blockquote", quote(content), dir="auto")
        if modality == "audio":
            sound = portable(content)
            source = embedded(sound.kind, sound.content)
            return element("audio", controls=True, preload="none", src=source) if sound.content else None
        picture = element("img", src=small_picture(content), alt="")
        inner = element("div", picture, class_="picture", role="img", aria_label=item.name)
        return element("div", inner, class_="opens")
    except GraftError:
        return None
