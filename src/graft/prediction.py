"""What a model answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graft.data.dataset import Skipped
from graft.errors import ItemError
from graft.report.content import ClassFigures, Interval

SHOWN = 10
"""So many skipped items are named in a text."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer for one input.

    Attributes:
        input: The input's name.
        label: The most probable class; ``""`` where there is an ``error``.
        confidence: Its calibrated probability, 0 to 1.
        unknown: Whether the input looks like none of the classes.
        unknown_score: How much so; above the model's threshold means ``unknown``.
        scores: Calibrated probability of every class; they sum to 1.
        set: Classes that together contain the true one with the model's stated probability; empty where the input fits
            no class as well as nearly all of its items do.
        error: Why there is no answer, or ``None``.
    """

    input: str
    label: str = ""
    confidence: float = 0.0
    unknown: bool = False
    unknown_score: float = 0.0
    scores: Mapping[str, float] = field(default_factory=dict)
    set: tuple[str, ...] = ()
    error: ItemError | None = None

    def top(self, k: int | None = None) -> list[tuple[str, float]]:
        """The ``k`` most probable classes with their probabilities, best first."""
        return sorted(self.scores.items(), key=lambda pair: -pair[1])[:k]

    def to_dict(self, top: int | None = None) -> dict[str, Any]:
        """JSON-able: ``{input, label, confidence, unknown, unknown_score, scores, set}``, or ``{input, error}``."""
        if self.error is not None:
            error = self.error.to_dict()
            return {"input": self.input, "error": {"code": error["code"], "message": error["message"]}}
        return {
            "input": self.input,
            "label": self.label,
            "confidence": self.confidence,
            "unknown": self.unknown,
            "unknown_score": self.unknown_score,
            "scores": dict(self.top(top)),
            "set": list(self.set),
        }


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A model's score on labelled items. ``confusion`` has given labels as rows, the model's classes as columns."""

    accuracy: Interval
    macro_f1: float
    per_class: Mapping[str, ClassFigures]
    n_items: int
    split: str
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    ece: float
    coverage: float
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        from graft.report.words import clean

        a = self.accuracy
        names = {label: clean(label) for label in self.per_class}
        width = max([len("class"), *map(len, names.values())])
        lines = [
            f"Accuracy {a.value:.1%}, 95 % interval {a.low:.1%} to {a.high:.1%}  ({self.n_items} items, {self.split})",
            f"Macro F1 {self.macro_f1:.3f}   ECE {self.ece:.3f}   sets that hold the truth {self.coverage:.1%}",
            "",
            f"{'class':<{width}}  precision  recall      n",
            *(
                f"{names[label]:<{width}}  {_share(figures.precision):>9}  {_share(figures.recall):>6}  {figures.n:>5}"
                for label, figures in self.per_class.items()
            ),
            *(f"\nWarning: {clean(warning)}" for warning in self.warnings),
            *(f"Skipped {clean(entry.path)}: {clean(entry.reason)}" for entry in self.skipped[:SHOWN]),
        ]
        if len(self.skipped) > SHOWN:
            lines.append(f"and {len(self.skipped) - SHOWN:,} more")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able values."""
        from graft.report.content import plain

        values: dict[str, Any] = plain(self)
        return values


def _share(value: float) -> str:
    return f"{value:.1%}" if value == value else "-"
