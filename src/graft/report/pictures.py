"""The items behind the mistakes, small enough to travel inside the page: each one once, however often it is shown."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field

from graft.errors import GraftError
from graft.report.content import Judged, Report
from graft.report.markup import Html, element, path
from graft.report.words import clean

MOST = 150
"""No page holds more pictures than this."""
EDGE = 160
"""Longest edge of a thumbnail in pixels."""
_EXCERPT = 240


@dataclass
class Pictures:
    """Thumbnails and excerpts by the item's path."""

    classes: dict[str, str] = field(default_factory=dict)
    """Class of the style sheet that paints the item's thumbnail."""
    excerpts: dict[str, str] = field(default_factory=dict)
    rules: list[str] = field(default_factory=list)

    @property
    def css(self) -> str:
        """The style sheet that holds the thumbnails, as ``data:`` addresses."""
        return "\n".join(self.rules)

    def show(self, judged: Judged) -> Html:
        """The picture or the text; in place of one that is gone, its name."""
        if (painted := self.classes.get(judged.path)) is not None:
            return element("div", class_=f"picture {painted}", role="img", aria_label=f"{judged.path}, {judged.label}")
        if (excerpt := self.excerpts.get(judged.path)) is not None:
            return element("blockquote", excerpt, dir="auto")
        return element("div", element("span", path(judged.path)), class_="picture gone")


def gather(report: Report, wanted: Iterable[Judged]) -> Pictures:
    """Thumbnails of the first ``MOST`` of the wanted items that can still be read.

    Args:
        report: Where the items are.
        wanted: What is shown, the most important first; an item may stand in it twice.
    """
    pictures = Pictures()
    for judged in wanted:
        held = len(pictures.classes) + len(pictures.excerpts)
        item = report.items.get(judged.path)
        if held >= MOST or item is None or judged.path in pictures.classes or judged.path in pictures.excerpts:
            continue
        try:
            content = item.read()
            if report.modality == "image":
                _paint(pictures, judged.path, content)
            elif report.modality == "text":
                pictures.excerpts[judged.path] = _excerpt(content)
        except GraftError:
            continue
    return pictures


def _paint(pictures: Pictures, path: str, content: bytes) -> None:
    from graft.data.decode import thumbnail

    encoded = base64.b64encode(thumbnail(content, EDGE)).decode()
    painted = f"p{len(pictures.classes)}"
    pictures.classes[path] = painted
    pictures.rules.append(f".{painted}{{background-image:url(data:image/jpeg;base64,{encoded})}}")


def _excerpt(content: bytes) -> str:
    text = " ".join(clean(" ".join(content[: 8 * _EXCERPT].decode("utf-8", "replace").split())).split())
    return text if len(text) <= _EXCERPT else text[:_EXCERPT].rstrip() + "…"
