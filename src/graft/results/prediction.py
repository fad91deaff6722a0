"""What a model answers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from graft.errors import ItemError

UNLIKE = "perhaps unlike all that it learned from"


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer for one input.

    Where items bear any number of labels, ``labels`` are those predicted, and what is said of one class is said of all
    of them together.

    Attributes:
        input: The input's name.
        label: The most probable class; ``""`` where there is an ``error``. Several labels are joined by ``|``, sorted.
        confidence: Its calibrated probability, 0 to 1; that several labels are exactly the right ones, each decided
            for itself.
        unknown: Whether the input looks like none of the classes.
        unknown_score: How much so; above the model's threshold means ``unknown``.
        scores: Calibrated probability of every class; they sum to 1, unless items bear any number of labels.
        set: Classes that together contain the true one with the model's stated probability; empty where the input fits
            no class as well as nearly all of its items do.
        error: Why there is no answer, or ``None``.
        labels: The predicted labels, the most probable first, of a model of any number of labels; there may be none.
            ``None`` for any other model.
    """

    input: str
    label: str = ""
    confidence: float = 0.0
    unknown: bool = False
    unknown_score: float = 0.0
    scores: Mapping[str, float] = field(default_factory=dict)
    set: tuple[str, ...] = ()
    error: ItemError | None = None
    labels: tuple[str, ...] | None = None

    columns: ClassVar[tuple[str, ...]] = ("label", "confidence", "unknown", "set")

    def cells(self) -> tuple[str | float, ...]:
        """What stands in a table, a cell for each of ``columns``."""
        return self.label, float(f"{self.confidence:.6g}"), str(self.unknown).lower(), "|".join(self.set)

    @property
    def said(self) -> tuple[str, str]:
        """The class, or all labels where there may be several; and how sure that is."""
        label = self.label if self.labels is None else ", ".join(self.labels) or "no label"
        return label, f"{self.confidence:>6.1%}"

    @property
    def doubt(self) -> str:
        """What else it could be; nothing where that is clear."""
        if self.unknown:
            return "perhaps none of the classes" if self.labels is None else UNLIKE
        if self.labels is not None or len(self.set) < 2:
            return ""
        return "could be " + " or ".join(self.set[:5]) + (" ..." if len(self.set) > 5 else "")

    def top(self, k: int | None = None) -> list[tuple[str, float]]:
        """The ``k`` most probable classes with their probabilities, best first."""
        return sorted(self.scores.items(), key=lambda pair: -pair[1])[:k]

    def to_dict(self, top: int | None = None) -> dict[str, Any]:
        """JSON-able: ``{input, label, confidence, unknown, unknown_score, scores, set}``, or ``{input, error}``.

        A model of any number of labels adds ``labels``.
        """
        if self.error is not None:
            return _refused(self.input, self.error)
        return {
            "input": self.input,
            "label": self.label,
            "confidence": self.confidence,
            "unknown": self.unknown,
            "unknown_score": self.unknown_score,
            "scores": dict(self.top(top)),
            "set": list(self.set),
            **({} if self.labels is None else {"labels": list(self.labels)}),
        }


@dataclass(frozen=True, slots=True)
class NumberPrediction:
    """The number that is predicted for one input.

    Attributes:
        input: The input's name.
        value: The number; ``nan`` where there is an ``error``.
        low: With ``high`` the interval that holds the true one with the model's stated probability.
        high: See ``low``.
        unknown: Whether the input is like none of those that the model learned from.
        error: Why there is no answer, or ``None``.
    """

    input: str
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    unknown: bool = False
    error: ItemError | None = None

    label: ClassVar[str] = ""
    labels: ClassVar[tuple[str, ...] | None] = None
    columns: ClassVar[tuple[str, ...]] = ("value", "low", "high", "unknown")

    def cells(self) -> tuple[str | float, ...]:
        """What stands in a table, a cell for each of ``columns``."""
        digits = max(10, _significant(self.value, self.high - self.value) + 2)
        numbers = (float(f"{number:.{digits}g}") for number in (self.value, self.low, self.high))
        return (*numbers, str(self.unknown).lower())

    @property
    def said(self) -> tuple[str, str]:
        """The number, and its interval."""
        value, low, high = (near(number, self.high - self.value) for number in (self.value, self.low, self.high))
        return value, f"({low} to {high})"

    @property
    def doubt(self) -> str:
        """Whether it is hardly to be believed."""
        return UNLIKE if self.unknown else ""

    def top(self, k: int | None = None) -> list[tuple[str, float]]:
        """There are no classes to rank."""
        return []

    def to_dict(self, top: int | None = None) -> dict[str, Any]:
        """JSON-able: ``{input, value, low, high, unknown}``, or ``{input, error}``."""
        if self.error is not None:
            return _refused(self.input, self.error)
        return {"input": self.input, "value": self.value, "low": self.low, "high": self.high, "unknown": self.unknown}


def near(value: float, margin: float) -> str:
    """A number to as many digits as its interval, which reaches ``margin`` to either side, gives meaning to."""
    digits = 1 - math.floor(math.log10(margin)) if margin > 0 else 6
    if digits > 9 or abs(value) >= 1e16:
        return f"{value:.{_significant(value, margin)}g}"
    return f"{value:{',' if 1e4 <= abs(value) < 1e12 else ''}.{max(digits, 0)}f}"  # no comma in a year


def _significant(value: float, margin: float) -> int:
    """How many of a number's digits have a meaning where it is known to ``margin``; a ``float`` has 17."""
    if not (margin > 0 and abs(value) > 0):
        return 2
    return min(max(2 + math.floor(math.log10(abs(value))) - math.floor(math.log10(margin)), 2), 17)


def _refused(name: str, error: ItemError) -> dict[str, Any]:
    told = error.to_dict()
    return {"input": name, "error": {"code": told["code"], "message": told["message"]}}
