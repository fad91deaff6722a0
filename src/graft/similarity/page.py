"""What was found as one self-contained page: thumbnails, excerpts and players; no scripts, no requests."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from graft.data.decode import thumbnail
from graft.data.encoding import decode_beginning
from graft.data.guard import PAGE_MARK
from graft.data.items import Item, Text
from graft.errors import GraftError
from graft.executors import map_on_cores
from graft.report.markup import Html, element, join, name, path
from graft.report.sounds import portable
from graft.report.words import EXCERPT, excerpt
from graft.similarity.matches import Found, Match

MOST = 500
"""So many items are shown; of those that follow, only the names."""
EDGE = 200
"""Longest edge of a thumbnail in pixels."""
CSS = Html("""
:root{color-scheme:light dark;font:16px/1.4 system-ui,sans-serif}
body{margin:2rem auto;padding:0 1rem;max-width:75rem}
section{display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));margin:1rem 0 3rem}
figure{margin:0;padding:.75rem;border:1px solid color-mix(in srgb,currentColor 20%,transparent);border-radius:.5rem}
img{width:100%;height:11rem;object-fit:contain} audio{width:100%} blockquote{margin:0}
figcaption{margin-top:.5rem;overflow-wrap:anywhere;font-size:.9rem} meter{width:100%}
""")


def render(found: Sequence[Found], modality: str, title: str) -> str:
    """The whole page; its content security policy allows its own style sheet and ``data:`` pictures and sound only."""
    matches = [match for one in found for match in one.matches][:MOST]
    shown = dict(zip(map(id, matches), map_on_cores(lambda one: _exhibit(one.item, modality), matches), strict=True))
    digest = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; media-src data:; style-src 'sha256-{digest}'; base-uri 'none'"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        Html(PAGE_MARK.decode()),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"Look-alikes in {title}"),
        element("style", CSS),
    )
    parts = [
        (
            element("h2", name(excerpt(one.heading))),
            element("p", str(one.error))
            if one.error is not None
            else element("section", [_figure(match, shown.get(id(match))) for match in one.matches]),
        )
        for one in found
    ]
    body = element("body", element("h1", "Look-alikes in ", name(title)), join(parts))
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _figure(match: Match, exhibit: Html | None) -> Html:
    said = f"{match.rank}. {match.similarity:.3f}" + (", the same content" if match.same else "")
    meter = element("meter", value=max(0.0, match.similarity), min=0, max=1, aria_label="similarity")
    label = (element("strong", name(match.label)), element("br")) if match.label else None
    called = None if isinstance(match.item, Text) and exhibit else path(match.name)
    return element("figure", exhibit, element("figcaption", meter, said, element("br"), label, called))


def _exhibit(item: Item, modality: str) -> Html | None:
    """The item itself; nothing where it cannot be read any more."""
    try:
        content = item.read()
        if modality == "text":
            return element("blockquote", excerpt(decode_beginning(content, 8 * EXCERPT)), dir="auto")
        if modality == "audio":
            sound = portable(content)
            source = f"data:{sound.kind};base64,{base64.b64encode(sound.content).decode()}"
            return element("audio", controls=True, preload="none", src=source) if sound.content else None
        small = base64.b64encode(thumbnail(content, EDGE)).decode()
        return element("img", src=f"data:image/jpeg;base64,{small}", alt=item.name)
    except GraftError:
        return None
