"""A model's score on labelled items, with what draws it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from graft.report import html
from graft.report.report import Report, ShownScores
from graft.report.words import clean
from graft.results.scores import Scores


@dataclass(frozen=True, kw_only=True)
class Evaluation(Scores, ShownScores):
    """A model's score on labelled items; ``report`` is what ``to_html`` shows."""

    report: Report | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
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
            *self._notes(),
        ]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able values."""
        values = ShownScores.to_dict(self)
        if self.multi is None:
            del values["multi"]
        return values

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
