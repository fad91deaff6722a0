"""What was found to speak for an answer, as plain data."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from graft.contracts import Box, Float32

T = TypeVar("T")
MATTERS = 0.02
"""A part speaks for a class or against it from this change of its probability on."""
NAMED = 3
"""So many parts are named in a sentence, at most."""
_SHARE = 0.4
"""Parts are named whose effect is at least this share of the largest."""
_DOWN, _ACROSS = ("top", "middle", "bottom"), ("left", "middle", "right")


class Part(NamedTuple):
    """A part of a text or a recording.

    Attributes:
        start: Where it begins: a character of the text from 0, or seconds.
        end: Where it ends.
        effect: By how much the probability falls (or the number changes) without it; below 0 it speaks against.
    """

    start: float
    end: float
    effect: float


@dataclass(frozen=True, slots=True, eq=False)
class Squares:
    """A picture's squares.

    Attributes:
        effects: ``(rows, columns) float32``: by how much the probability falls where that square is covered.
        box: The part of the upright picture that the squares divide: what the network sees of it.
        aspect: Width of the upright picture by its height.
    """

    effects: Float32
    box: Box
    aspect: float = 1.0


@dataclass(frozen=True, slots=True)
class Explanation:
    """What of an item speaks for an answer.

    Attributes:
        label: Which class is explained; ``""`` where the answer is a number.
        confidence: Its probability, or the number.
        kind: ``"squares"`` of a picture, ``"words"`` of a text, or ``"times"`` of a recording.
        found: What was measured, part by part.
        matters: From which effect on a part is worth naming.
        text: What was explained, where it was a text.
    """

    label: str
    confidence: float
    kind: str
    found: Squares | Sequence[Part]
    matters: float = MATTERS
    text: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: ``{kind, label, confidence}`` and the squares, words or spans."""
        head = {"kind": self.kind, "label": self.label, "confidence": self.confidence}
        if isinstance(self.found, Squares):
            rows, columns = self.found.effects.shape
            effects = [[_brief(effect) for effect in row] for row in self.found.effects.tolist()]
            return {**head, "rows": rows, "columns": columns, "effects": effects, "box": [*map(_brief, self.found.box)]}
        key = "words" if self.kind == "words" else "spans"
        return {**head, key: [part._replace(effect=_brief(part.effect))._asdict() for part in self.found]}

    @property
    def sentence(self) -> str:
        """What speaks for the answer, in words."""
        if isinstance(self.found, Squares):
            return self._of_squares(self.found)
        strong = strongest(self.found, self.matters, lambda part: part.effect)
        if not strong:
            return f"no single {'word' if self.kind == 'words' else 'moment'} decides it"
        if self.kind == "words":
            named = [f'"{self.text[int(part.start) : int(part.end)]}"' for part in strong]
        else:
            named = [f"{part.start:.1f} to {part.end:.1f} s" for part in joined(strong)]
        return f"mostly because of {', '.join(named)}"

    def _of_squares(self, found: Squares) -> str:
        rows, columns = found.effects.shape
        cells = [(row, column) for row in range(rows) for column in range(columns)]
        strong = strongest(cells, self.matters, lambda cell: float(found.effects[cell]), most=len(cells))
        if not strong:
            return "no single part of the picture decides it"
        weights = [float(found.effects[cell]) for cell in strong]
        down, across = (
            sum(weight * (cell[axis] + 0.5) for weight, cell in zip(weights, strong, strict=True)) / sum(weights) / size
            for axis, size in enumerate((rows, columns))
        )
        return f"mostly because of what is {_place(down, across)}"


def strongest(parts: Sequence[T], least: float, effect: Callable[[T], float], most: int = NAMED) -> list[T]:
    """The parts that speak most for an answer, the strongest first; none that hardly matters."""
    ranked = sorted(parts, key=lambda part: -effect(part))
    bound = max(least, _SHARE * effect(ranked[0])) if ranked else math.inf
    return [part for part in ranked[:most] if effect(part) >= bound]


def joined(parts: Sequence[Part]) -> list[Part]:
    """Parts in the order of time, those that follow one another as one."""
    found: list[Part] = []
    for part in sorted(parts):
        if found and math.isclose(found[-1].end, part.start, abs_tol=1e-6):
            found[-1] = found[-1]._replace(end=part.end, effect=found[-1].effect + part.effect)
        else:
            found.append(part)
    return found


def _place(down: float, across: float) -> str:
    """Where in a picture: thirds of its height and width."""
    vertical, horizontal = _DOWN[min(int(down * 3), 2)], _ACROSS[min(int(across * 3), 2)]
    if vertical == horizontal == "middle":
        return "in the middle"
    if vertical == "middle":
        return f"on the {horizontal}"
    return f"at the {vertical}" if horizontal == "middle" else f"at the {vertical} {horizontal}"


def _brief(number: float) -> float:
    return float(f"{number:.4g}")
