"""What a model answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from graft.data.dataset import Skipped
from graft.errors import ItemError, UsageError
from graft.results.figures import ClassFigures, Interval, MultiLabelFigures, Report

SHOWN = 10
"""So many skipped items are named in a text."""


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

    def top(self, k: int | None = None) -> list[tuple[str, float]]:
        """The ``k`` most probable classes with their probabilities, best first."""
        return sorted(self.scores.items(), key=lambda pair: -pair[1])[:k]

    def to_dict(self, top: int | None = None) -> dict[str, Any]:
        """JSON-able: ``{input, label, confidence, unknown, unknown_score, scores, set}``, or ``{input, error}``.

        A model of any number of labels adds ``labels``.
        """
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
            **({} if self.labels is None else {"labels": list(self.labels)}),
        }


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A model's score on labelled items. ``confusion`` has given labels as rows, the model's classes as columns.

    Where items bear any number of labels, ``multi`` has the figures that take their place: ``accuracy`` is the exact
    match, ``confusion`` is empty, and there is no ``coverage``.

    ``report`` is what ``to_html`` shows; it is no part of ``to_dict``.
    """

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
    multi: MultiLabelFigures | None = None
    report: Report | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        from graft.report.words import clean

        a = self.accuracy
        score = "Accuracy" if self.multi is None else "Exact match"
        names = {label: clean(label) for label in self.per_class}
        width = max([len("class"), *map(len, names.values())])
        between = f"{score} {a.value:.1%}, 95 % interval {a.low:.1%} to {a.high:.1%}"
        lines = [
            f"{between if a.value == a.value else a.method.capitalize()}  ({self.n_items} items, {self.split})",
            self._others(),
            "",
            f"{'class' if self.multi is None else 'label':<{width}}  precision  recall      n",
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
        from graft.results.figures import plain

        values: dict[str, Any] = plain(replace(self, report=None))
        del values["report"]
        if self.multi is None:
            del values["multi"]
        return values

    def to_html(self, path: str | Path | None = None, *, overwrite: bool = True) -> str:
        """One self-contained HTML page with the items behind the mistakes, written to ``path`` where one is given.

        Raises:
            OutputExists: ``path`` is there already and ``overwrite`` is false.
            OutputIsInput: ``path`` is the model, or among the data.
            UsageError: The evaluation did not come from ``Model.evaluate``, and knows no items.
        """
        from graft.report.html import render, write

        if self.report is None:
            raise UsageError("This evaluation knows no items to show.", "Take one from Model.evaluate.")
        if path is not None:
            self.report.inputs.check(path)
        page = render(self.report, evaluated=True)
        if path is not None:
            write(page, Path(path), overwrite=overwrite)
        return page

    def _others(self) -> str:
        """The figures beside the score, in a line."""
        m = self.multi
        if m is None:
            f1, ece = _three(self.macro_f1), _three(self.ece)
            return f"Macro F1 {f1}   ECE {ece}   sets that hold the truth {_share(self.coverage)}"
        return (
            f"Micro F1 {_three(m.micro_f1)}   macro F1 {_three(m.macro_f1)}   Hamming loss {_three(m.hamming_loss)}   "
            f"mean average precision {_three(m.mean_average_precision)}   ECE {_three(self.ece)}"
        )


def _three(value: float) -> str:
    return f"{value:.3f}" if value == value else "-"


def _share(value: float) -> str:
    return f"{value:.1%}" if value == value else "-"
