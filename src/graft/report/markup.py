"""HTML and SVG that cannot come out unescaped or unbalanced: elements are calls, and every plain string is escaped."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

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


def join(content: Content) -> Html:
    """All of it in a row, escaped where it is not yet ``Html``."""
    if content is None:
        return Html("")
    if isinstance(content, Html):
        return content
    if isinstance(content, str | int):
        return Html(html.escape(clean(str(content))))
    return Html("".join(join(part) for part in content))


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
