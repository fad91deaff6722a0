"""HTML and SVG that cannot come out unescaped or unbalanced: elements are calls, and every plain string is escaped."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Sequence

from graft.report.words import clean

_VOID = frozenset({"br", "meta", "wbr"})


class Html(str):
    """Markup that is finished. Every other string is the user's, and is escaped wherever it is put."""

    __slots__ = ()


Content = str | int | Iterable["Content"] | None
Attribute = str | float | bool | None


def element(name: str, *content: Content, **attributes: Attribute) -> Html:
    """One element with everything in it.

    Args:
        name: The tag.
        content: Strings (escaped), numbers, finished ``Html``, iterables of these; ``None`` is nothing.
        attributes: ``class_`` is ``class``, ``aria_label`` is ``aria-label``; ``None`` and ``False`` leave it out, and
            ``True`` writes the bare name.
    """
    start = f"<{name}{''.join(_attribute(key, value) for key, value in attributes.items())}>"
    return Html(start) if name in _VOID else Html(f"{start}{join(content)}</{name}>")


def embedded(kind: str, content: bytes) -> str:
    """The address of what travels inside the page itself, such as ``data:image/jpeg;base64,...``."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def join(content: Content) -> Html:
    """All of it in a row, escaped where it is not yet ``Html``."""
    if content is None:
        return Html("")
    if isinstance(content, Html):
        return content
    if isinstance(content, str | int):
        return Html(html.escape(clean(str(content))))
    return Html("".join(join(part) for part in content))


def table(
    kind: str,
    columns: Sequence[tuple[str, str]],
    rows: Iterable[Sequence[Content]],
    *,
    named: bool = True,
    caption: str = "",
) -> Html:
    """A table, a line for each of ``rows``.

    Args:
        kind: Its class in the style sheet.
        columns: The head of each column and the class of its cells; without any head there is no line of them.
        rows: What stands in the cells.
        named: Whether the first cell of a row says what the row is, if it holds anything.
        caption: What is said of it to those who do not see it.
    """

    def cell(at: int, content: Content) -> Html:
        own = columns[at][1] or None
        if named and at == 0 and content is not None:
            return element("th", content, scope="row", class_=own)
        return element("td", content, class_=own)

    heads = element("tr", (element("th", head, scope="col", class_=own or None) for head, own in columns))
    body = (element("tr", (cell(at, content) for at, content in enumerate(row))) for row in rows)
    top = element("thead", heads) if any(head for head, _ in columns) else None
    told = element("caption", caption, class_="hidden") if caption else None
    return element("table", told, top, element("tbody", body), class_=kind)


def scrolled(content: Html, label: str) -> Html:
    """What may be wider than the page, in a region of its own."""
    return element("div", content, class_="scroll", tabindex=0, role="region", aria_label=label)


def folded(summary: str, content: Content) -> Html:
    """What is shown once its summary is opened."""
    return element("details", element("summary", summary), content)


def name(text: str) -> Html:
    """A label or file name, kept apart from the direction of the text around it."""
    return element("bdi", text)


def path(text: str) -> Html:
    """A path, which may break after a slash."""
    return _breaking(text, "(?<=/)")


def label(text: str) -> Html:
    """A label in a narrow column, which may break where programs join words: after ``_``, ``-``, ``.`` or a slash."""
    return _breaking(text, r"(?<=[\w][_\-./])(?=\w)")


def _breaking(text: str, where: str) -> Html:
    return element("bdi", ((element("wbr"), part) if i else part for i, part in enumerate(re.split(where, text))))


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    key = key.rstrip("_").replace("_", "-")
    if value is True:
        return f" {key}"
    shown = value if isinstance(value, str) else f"{value:.5g}"
    return f' {key}="{html.escape(clean(shown))}"'
