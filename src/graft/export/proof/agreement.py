"""Whether two ways of answering the same items answer alike, and how far apart they are.

What decides is what people see: the label, the set, whether an item is unknown. Two machines never compute the very
same numbers, so that an item that lies on a threshold may fall to either side; such items are counted apart, and may be
few.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from graft.contracts import Array
from graft.export.precisions import FULL, HALF

TOLERANCE = {FULL: 0.005, HALF: 0.01}
"""By how much a probability may differ for each kind of weights; a number, by this share of its interval."""
FILE_TOLERANCE = 0.02
"""The same where both begin at a file, for decoders are not all alike. Of a large picture Graft decodes a part of the
pixels and a graph is given all of them; what the model itself makes of that difference comes on top."""
UNKNOWN_FACTOR = 10.0
"""Scores of what is unknown are in standard deviations and have no upper end: they may differ by so many times as much,
and by that share of themselves."""
NEAR_SHARE = 0.01
"""Of all items so many may lie so near to a threshold that they fall to its other side; one in any case."""

Answer = Mapping[str, Array]
"""What a graph gives for one item, by the name of its outputs: ``probabilities (1, k)`` and so on."""


class Boundary(NamedTuple):
    """Where answers tip over.

    Attributes:
        unknown: An item whose score is above it is unknown.
        members: From which probability on each class belongs to the set; of numbers ``()``.
        exclusive: Whether the most probable class is the answer; else the set is.
    """

    unknown: float
    members: tuple[float, ...]
    exclusive: bool


class Differing(NamedTuple):
    """An item that is not answered alike.

    Attributes:
        item: The name of its file.
        why: ``label``, ``set``, ``unknown``, ``difference``, ``unknown_score`` or ``error``; several are joined by
            commas.
        difference: Of its probabilities, or of its number as a share of the interval.
        expected: What the model said, in short.
        found: What was said now, or why nothing was.
    """

    item: str
    why: str
    difference: float
    expected: str
    found: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; a difference that is no number is ``null``."""
        return {**self._asdict(), "difference": self.difference if math.isfinite(self.difference) else None}


class _Pair(NamedTuple):
    item: str
    expected: Answer
    found: Answer | str
    otherwise: Answer

    def slack(self, name: str = "") -> float:
        """By how much the model's own answers on its two roads differ."""
        apart = _Pair(self.item, self.expected, self.otherwise, self.expected)
        return _difference_of(apart, name) if name else _difference(apart)


@dataclass(frozen=True, eq=False)
class Agreement:
    """How alike the answers to some items are.

    Attributes:
        boundary: Where answers tip over.
        tolerance: By how much they may differ.
        classes: The labels, to name them.
    """

    boundary: Boundary
    tolerance: float
    classes: Sequence[str] = ()
    pairs: list[_Pair] = field(default_factory=list)

    def add(self, item: str, expected: Answer, found: Answer | str, otherwise: Answer | None = None) -> None:
        """One more item.

        Args:
            item: The name of its file.
            expected: What the model said.
            found: What is said now, or why nothing is.
            otherwise: What the model itself said of the same item in another form: the answers may be as much farther
                apart as that is.
        """
        self.pairs.append(_Pair(item, expected, found, expected if otherwise is None else otherwise))

    def __len__(self) -> int:
        return len(self.pairs)

    @cached_property
    def largest_difference(self) -> float:
        """Of all probabilities, or of numbers as a share of their interval; infinite where an answer is no number."""
        return max((_difference(pair) for pair in self.pairs), default=0.0)

    @property
    def reported(self) -> float | None:
        """``largest_difference``, or ``None`` where it is no number that JSON has."""
        return self.largest_difference if math.isfinite(self.largest_difference) else None

    @cached_property
    def largest_of_unknown(self) -> float:
        """Of all scores of what is unknown."""
        return max((_difference_of(pair, "unknown_score") for pair in self.pairs), default=0.0)

    @cached_property
    def near(self) -> tuple[str, ...]:
        """Items that fall to the other side of a threshold to which they are nearer than the largest difference."""
        return tuple(pair.item for pair in self.pairs if self._turned(pair) and not self._faults(pair))

    @property
    def most_near(self) -> int:
        """So many of them may be."""
        return max(1, int(len(self.pairs) * NEAR_SHARE))

    @cached_property
    def share(self) -> float:
        """The share of the items, those near to a threshold left out, with the same label, set and unknown."""
        counted = [pair for pair in self.pairs if pair.item not in self.near]
        return sum(not self._turned(pair) for pair in counted) / len(counted) if counted else 1.0

    @cached_property
    def differing(self) -> tuple[Differing, ...]:
        """What is not as it should be, the worst first."""
        crowded = self.near if len(self.near) > self.most_near else ()
        found = [
            self._told(pair, faults or self._turned(pair))
            for pair in self.pairs
            if (faults := self._faults(pair)) or pair.item in crowded
        ]
        return tuple(sorted(found, key=lambda one: (-one.difference, one.item)))

    @property
    def ok(self) -> bool:
        """Whether the answers are alike."""
        return not self.differing

    def _faults(self, pair: _Pair) -> list[str]:
        """What of an item differs by more than may be."""
        if isinstance(pair.found, str):
            return ["error"]
        faults = []
        most = UNKNOWN_FACTOR * self.tolerance
        reach = min(self.largest_difference, self.tolerance)  # what is wrong altogether excuses nothing
        reach_of_unknown = min(self.largest_of_unknown, most * (1 + abs(self.boundary.unknown)))
        for decision, distance in self._turned(pair).items():
            if decision == "unknown":
                near = distance <= reach_of_unknown + pair.slack("unknown_score")
            else:
                near = distance <= reach + pair.slack()
            if not near:
                faults.append(decision)
        if not _difference(pair) <= self.tolerance + pair.slack():
            faults.append("difference")
        score = float(pair.expected["unknown_score"][0])
        if not _difference_of(pair, "unknown_score") <= most * (1 + abs(score)) + pair.slack("unknown_score"):
            faults.append("unknown_score")
        return faults

    def _turned(self, pair: _Pair) -> dict[str, float]:
        """What was decided otherwise, and how far the model's own answer is from the threshold."""
        expected, found = pair.expected, pair.found
        if isinstance(found, str):
            return {"error": math.inf}
        turned: dict[str, float] = {}
        scores = (float(answer["unknown_score"][0]) for answer in (expected, found))
        before, now = (score > self.boundary.unknown for score in scores)
        if before != now:
            turned["unknown"] = abs(float(expected["unknown_score"][0]) - self.boundary.unknown)
        if "probabilities" not in expected:
            return turned
        p = expected["probabilities"][0].astype(np.float64)
        best, other = int(p.argmax()), int(found["probabilities"][0].argmax())
        if best != other and self.boundary.exclusive:
            turned["label"] = float(p[best] - p[other]) / 2
        if (moved := expected["set"][0] != found["set"][0]).any():
            turned["set"] = float(np.abs(p - self.boundary.members)[moved].max())
        return turned

    def _told(self, pair: _Pair, why: Sequence[str] | Mapping[str, float]) -> Differing:
        found = pair.found if isinstance(pair.found, str) else self._said(pair.found)
        return Differing(pair.item, ", ".join(why), _difference(pair), self._said(pair.expected), found)

    def _said(self, answer: Answer) -> str:
        mark = " (unknown)" if answer["unknown_score"][0] > self.boundary.unknown else ""
        if "value" in answer:
            value, low, high = (float(answer[name][0]) for name in ("value", "low", "high"))
            return f"{value:.6g} ({low:.6g} to {high:.6g}){mark}"
        best = int(answer["probabilities"][0].argmax())
        inside = ", ".join(self._name(place) for place in np.flatnonzero(answer["set"][0])[:5].tolist())
        return f"{self._name(best)} {answer['probabilities'][0][best]:.4f} [{inside}]{mark}"

    def _name(self, place: int) -> str:
        return self.classes[place] if place < len(self.classes) else str(place)


def _difference(pair: _Pair) -> float:
    if "value" not in pair.expected:
        return _difference_of(pair, "probabilities")
    width = float(pair.expected["high"][0] - pair.expected["low"][0])
    apart = max(_difference_of(pair, name) for name in ("value", "low", "high"))
    return apart / width if width > 0 else math.inf


def _difference_of(pair: _Pair, name: str) -> float:
    if isinstance(pair.found, str):
        return math.inf
    apart = float(np.abs(pair.expected[name].astype(np.float64) - pair.found[name].astype(np.float64)).max())
    return apart if math.isfinite(apart) else math.inf
