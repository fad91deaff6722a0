"""The items behind the mistakes, small enough to travel inside the page: thumbnails, excerpts and players.

What speaks for an answer, where that was asked for, is squares over a picture, and a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from graft.decoding.encoding import decode_beginning
from graft.errors import GraftError
from graft.executors import map_on_cores
from graft.explanation import Explanation, Squares
from graft.report.markup import Content, Html, element, embedded, name, path
from graft.report.sounds import Sound, portable
from graft.report.words import EXCERPT, NBSP, duration, excerpt, percent
from graft.results.facts import Facts
from graft.results.figures import Judged

T = TypeVar("T")

MOST = 150
"""No page holds more pictures or excerpts than this,"""
SOUNDS = 36
"""nor more recordings than this,"""
SOUND_BYTES = 2_000_000
"""nor more bytes of them."""
EDGE = 360
"""Longest edge of a thumbnail in pixels."""
_GALLERIES = {"text": "texts", "audio": "sounds"}
_ACROSS = 700
"""Units of the drawing of squares along a picture's width."""
_VEIL = 0.7
"""How dark a square is that does not matter."""


@dataclass
class Exhibits:
    """Thumbnails, excerpts and recordings by the item's path; each thumbnail and recording travels once."""

    modality: str
    pictures: dict[str, str] = field(default_factory=dict)
    """Class of the style sheet that paints the item's thumbnail."""
    texts: dict[str, str] = field(default_factory=dict)
    sounds: dict[str, Sound] = field(default_factory=dict)
    spent: int = 0
    """Bytes of recordings."""
    rules: list[str] = field(default_factory=list)
    whys: Mapping[str, Explanation] = field(default_factory=dict)
    placed: dict[str, str] = field(default_factory=dict)
    """Id of the player that holds a recording, once it has been shown."""

    @property
    def css(self) -> str:
        """The style sheet that holds the thumbnails, as ``data:`` addresses."""
        return "\n".join(self.rules)

    @property
    def plays(self) -> bool:
        """Whether the page holds sound."""
        return self.spent > 0

    def gallery(self, cards: Iterable[Html]) -> Html:
        """Items side by side."""
        return element("ul", cards, class_=f"gallery {_GALLERIES.get(self.modality, '')}".strip())

    def card(self, judged: Judged, said: Content) -> Html:
        """An item of a gallery with its name, what is said of it, and why it was answered so."""
        file, length = self.caption(judged)
        called = element("div", path(file), class_="file", title=judged.path) if file else None
        long = element("div", length, class_="length") if length else None
        why = sentence(self.whys[judged.path]) if judged.path in self.whys else None
        caption = element("figcaption", called, long, said, why)
        return element("li", element("figure", self.show(judged), caption))

    def show(self, judged: Judged) -> Html:
        """The picture, the text or a player; in place of one that is gone, its name."""
        if (painted := self.pictures.get(judged.path)) is not None:
            what = f"{judged.path}, {judged.label}"
            over = overlay(self.whys.get(judged.path))
            picture = element("div", over, class_=f"picture {painted}", role="img", aria_label=what)
            return element("div", picture, class_="opens")
        if self.modality == "text":
            return element("blockquote", self.texts.get(judged.path) or excerpt(judged.path), dir="auto", lang="")
        if (sound := self.sounds.get(judged.path)) is not None:
            return self._player(judged, sound)
        if self.modality == "audio":
            return element("p", "Not kept in this page.", class_="silent")
        return element("div", element("span", path(judged.path)), class_="picture gone")

    def caption(self, judged: Judged) -> tuple[str, str]:
        """What the item is called in its caption, and how long it is; a text that is shown needs no name."""
        file = "/".join(judged.path.rsplit("/", 2)[-2:])
        if self.modality == "text":
            quoted, called = (
                text.removesuffix("…") for text in (self.texts.get(judged.path, ""), excerpt(judged.path))
            )
            return ("" if not quoted or quoted.startswith(called) or called.startswith(quoted) else file), ""
        sound = self.sounds.get(judged.path)
        length = duration(sound.seconds) if sound is not None else ""
        if length and sound is not None and sound.content and sound.kept:
            length += f", of which the first {sound.kept:g}{NBSP}s play here"
        return file, length

    def _player(self, judged: Judged, sound: Sound) -> Html:
        if not sound.content:
            return element(
                "p",
                "It cannot be played in this page: too large, or of a kind that browsers do not play.",
                class_="silent",
            )
        label = f"{judged.path.rsplit('/', 1)[-1]}, {judged.label}"
        home = self.placed.get(judged.path)
        if home is None:
            home = self.placed[judged.path] = f"sound-{len(self.placed)}"
            source = embedded(sound.kind, sound.content)
            return element("audio", controls=True, preload="none", id=home, aria_label=label, src=source)
        player = element("audio", controls=True, preload="none", data_as=home, aria_label=label)
        elsewhere = element("noscript", element("a", "Play it further up.", href=f"#{home}"))
        return element("div", player, elsewhere)


def gather(report: Facts, wanted: Iterable[Judged]) -> Exhibits:
    """What can still be read of the wanted items, within the limits of a page.

    Args:
        report: Where the items are.
        wanted: What is shown, the most important first; an item may stand in it twice.
    """
    exhibits = Exhibits(report.modality, whys=report.whys)
    paths = list(dict.fromkeys(judged.path for judged in wanted if judged.path in report.items))
    if report.modality == "image":
        for key, small in _made(small_picture, report, paths[:MOST]):
            painted = exhibits.pictures[key] = f"p{len(exhibits.pictures)}"
            exhibits.rules.append(f".{painted}{{background-image:url({small})}}")
    elif report.modality == "text":
        exhibits.texts.update(_made(quote, report, paths[:MOST]))
    elif report.modality == "audio":
        for key, sound in _made(portable, report, paths[:SOUNDS]):
            if exhibits.spent + len(sound.content) <= SOUND_BYTES:
                exhibits.sounds[key] = sound
                exhibits.spent += len(sound.content)
    return exhibits


def _made(make: Callable[[bytes], T], report: Facts, paths: Sequence[str]) -> Iterator[tuple[str, T]]:
    """What was made of each item, side by side; one that cannot be read any more is left out."""

    def attempt(key: str) -> T | None:
        try:
            return make(report.items[key].read())
        except GraftError:
            return None

    for key, thing in zip(paths, map_on_cores(attempt, paths), strict=True):
        if thing is not None:
            yield key, thing


def small_picture(content: bytes) -> str:
    """The address of a picture's thumbnail, which travels inside the page.

    Raises:
        ItemError: It cannot be read.
    """
    from graft.decoding.decode import thumbnail

    return embedded("image/jpeg", thumbnail(content, EDGE))


def quote(content: bytes) -> str:
    """The beginning of a text, as much as a page shows."""
    return excerpt(decode_beginning(content, 8 * EXCERPT))


def legend(whys: Mapping[str, Explanation]) -> str:
    """What the squares mean; nothing where there are none."""
    if not any(isinstance(why.found, Squares) for why in whys.values()):
        return ""
    return (
        " Squares were covered one at a time: a clear one speaks for what is explained, a pale one against it, "
        "a dark one does not matter; beside them the network sees nothing."
    )


def overlay(why: Explanation | None) -> Html | None:
    """Squares to lie over a picture that is shown whole: what does not matter is veiled; nothing for other items."""
    if why is None or not isinstance(why.found, Squares):
        return None
    rows, columns = why.found.effects.shape
    high = _ACROSS / why.found.aspect
    left, top, right, bottom = why.found.box
    most = max(float(abs(why.found.effects).max()), why.matters)
    squares = [
        element(
            "rect",  # of side 1, as the style sheet says
            class_="against" if effect <= -why.matters else None,
            x=column,
            y=row,
            fill_opacity=f"{_VEIL * (1 - abs(effect) / most if abs(effect) >= why.matters else 1):.2g}",
        )
        for row, line in enumerate(why.found.effects.tolist())
        for column, effect in enumerate(line)
    ]
    scale = f"scale({(right - left) * _ACROSS / columns:.5g} {(bottom - top) * high / rows:.5g})"
    placed = element("g", squares, transform=f"translate({left * _ACROSS:.5g} {top * high:.5g}) {scale}")
    return element("svg", placed, viewBox=f"0 0 {_ACROSS} {high:.5g}", class_="squares", aria_hidden="true")


def sentence(why: Explanation) -> Html:
    """The same in words."""
    given = f", {percent(why.confidence, 0)} to the finished model" if why.label else ""
    return element("div", "Why ", name(why.label or "this number"), given, f": {why.sentence}.", class_="because")
