"""The report of a fit, and a score on labelled items: what was found, with what draws it for terminal and browser."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, cast

from graft.data.dataset import Skipped
from graft.data.guard import Inputs
from graft.errors import UsageError
from graft.report import html, text, words, writing
from graft.results.facts import Facts, plain
from graft.results.figures import ReportRecord
from graft.results.scores import Scores

SKIPPED = 10
"""So many skipped items are named in a text."""


class Shown(ABC):
    """What can be shown as a page."""

    @abstractmethod
    def page(self) -> str:
        """One self-contained HTML page."""

    @property
    @abstractmethod
    def inputs(self) -> Inputs:
        """What was read for it, over which nothing is written."""

    def to_html(self, path: str | Path | None = None, *, overwrite: bool = True) -> str:
        """One self-contained HTML page, written to ``path`` where one is given.

        Raises:
            OutputExists: ``path`` is there already and ``overwrite`` is false.
            OutputIsInput: ``path`` is a file that was read for it.
            UsageError: There is nothing to show.
        """
        if path is not None:
            self.inputs.check(path)
        page = self.page()
        if path is not None:
            writing.write(page, Path(path), overwrite=overwrite)
        return page


class ShownScores(Shown):
    """A model's score on labelled items, a dataclass.

    ``report`` is what ``to_html`` shows; it is no part of ``to_dict``.
    """

    report: Any
    warnings: tuple[str, ...]
    skipped: tuple[Skipped, ...]

    def to_dict(self: Any) -> dict[str, Any]:
        """JSON-able values; figures that only other tasks have are left out."""
        return {name: value for name, value in plain(self).items() if getattr(self, name) is not None}

    @property
    def inputs(self) -> Inputs:
        """The model and the data."""
        return cast("Inputs", self._known().inputs)

    def _known(self) -> Any:
        if self.report is None:
            raise UsageError("This evaluation knows no items to show.", "Take one from Model.evaluate.")
        return self.report

    def _notes(self) -> list[str]:
        """The warnings and the first of what was skipped, as lines."""
        lines = [f"\nWarning: {words.clean(warning)}" for warning in self.warnings]
        lines += [f"Skipped {words.clean(entry.path)}: {words.clean(entry.reason)}" for entry in self.skipped[:SKIPPED]]
        rest = len(self.skipped) - SKIPPED
        return [*lines, f"and {rest:,} more"] if rest > 0 else lines


@dataclass(frozen=True, kw_only=True)
class TaskReport(Facts, Shown):
    """What a fit found, whatever its task; the report of a task adds its figures.

    ``str(report)`` is for a terminal, ``to_html`` for a browser, ``to_dict`` for programs.
    """

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{type(self).__name__} has no {name!r}: it is the report of another task.")


@dataclass(frozen=True, kw_only=True)
class Report(ReportRecord, TaskReport):
    """What a fit to classes, or to any number of labels, found."""

    measure: ClassVar[str] = "accuracy"

    def __str__(self) -> str:
        return text.render(self)

    @property
    def summary(self) -> str:
        """What was fitted and how good it is, in a few words."""
        score = self.accuracy
        judged = score.value == score.value
        accuracy = f"accuracy {score.value:.3f} ({score.low:.3f} to {score.high:.3f})" if judged else "not judged"
        return f"{len(self.classes)} classes, {self.encoder}, {accuracy}"

    def page(self) -> str:
        """One self-contained HTML page."""
        return html.render(self)


@dataclass(frozen=True, kw_only=True)
class Evaluation(Scores, ShownScores):
    """A model's score on labelled items; ``report`` is what ``to_html`` shows."""

    report: Report | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        a = self.accuracy
        score = "Accuracy" if self.multi is None else "Exact match"
        names = {label: words.clean(label) for label in self.per_class}
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
            *self._notes(),
        ]
        return "\n".join(lines)

    def page(self) -> str:
        """One self-contained HTML page with the items behind the mistakes."""
        return html.render(self._known(), evaluated=True)

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
