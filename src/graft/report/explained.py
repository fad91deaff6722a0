"""What speaks for an answer, as a report draws it: squares over a picture, and a sentence."""

from __future__ import annotations

from collections.abc import Mapping

from graft.explanation import Explanation, Squares
from graft.report import words
from graft.report.markup import Html, element, name

_ACROSS = 700
"""Units of the drawing along a picture's width."""
_VEIL = 0.7
"""How dark a square is that does not matter."""


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
    given = f", {words.percent(why.confidence, 0)} to the finished model" if why.label else ""
    return element("div", "Why ", name(why.label or "this number"), given, f": {why.sentence}.", class_="because")
