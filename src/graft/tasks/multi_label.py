"""Any number of labels for each item."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graft.contracts import Int, Targets
from graft.data.dataset import Dataset
from graft.errors import TooFewClasses
from graft.evaluation import AskedItems, Rows
from graft.evaluation.multi_label import judge_multi_label, warn_of_the_labels
from graft.evaluation.notices import check_shared_labels
from graft.heads.classifier import Answer
from graft.learning.multi_label import check_multi_label_head, fit_multi_label, strata_of
from graft.recipe import Recipe
from graft.report import Report
from graft.results.figures import Calibration, Figures
from graft.results.scores import Scores
from graft.tasks.classification import Classification, check_report, check_test, chosen_of, figures_of
from graft.tasks.fit_result import FitResult


@dataclass(frozen=True, slots=True)
class MultiLabel(Classification):
    """Every item bears any number of labels, and what is not said here is as where it is of one class."""

    name: str = "multi_label"
    words: bool = False
    tunable: bool = False
    growing: bool = False

    @property
    def reading(self) -> Mapping[str, Any]:
        """Cells like ``a|b`` are lists of labels."""
        return {"multi_label": True}

    def prepared(self, dataset: Dataset) -> Dataset:
        """A label alone is a list of one."""
        return dataset.with_tags()

    def check(self, dataset: Dataset, recipe: Recipe) -> None:
        """Whether the head will do, and the test split shares a label with what is to be trained on."""
        check_multi_label_head(recipe.head)
        check_test(dataset.tags, dataset.splits)

    def check_known(self, dataset: Dataset, classes: Sequence[str]) -> None:
        """Whether the model knows any label of the data."""
        check_shared_labels("The data", dataset.with_tags().every_label, "the model", classes)

    def check_saved(self, report: Report, learned: Collection[str], classes: Sequence[str]) -> None:
        """Whether the report is of these labels."""
        check_report(report, classes, several=True)

    def targets(self, learned: Dataset, units: Int) -> Targets:
        """Which labels each row bears; folds are balanced by its rarest."""
        if len(set(learned.tags)) < 2:
            same = ", ".join(learned.tags[0]) or "none at all"
            raise TooFewClasses(
                f"All {len(learned)} items to train on have the same labels: {same}.",
                "A classifier needs items with a label and items without it.",
            )
        return Targets(learned.classes, learned.indicator, strata_of(learned.indicator, units))

    def fit(self, rows: Rows, recipe: Recipe) -> FitResult:
        """A logistic regression for each label, calibrated."""
        head, out = fit_multi_label(rows.x, rows.values, rows.units, rows.stages, rows.folds, recipe)
        right = np.where(out.scored, out.right, np.nan)
        answer = Answer(out.p, out.sets, np.full_like(out.rejected, np.nan))
        return FitResult(head, out, chosen_of(out.choice, head), right, answer)

    def judge(self, found: FitResult, rows: Rows, recipe: Recipe) -> Figures:
        """The figures of the report."""
        return judge_multi_label(found.head, found.out_of_fold, rows, recipe)

    def shown(self, scores: Scores, report: Report, answered: AskedItems) -> Figures:
        """Nothing but the figures."""
        return figures_of(scores, report, calibration=Calibration(scores.ece), hardest=(), mistakes=())

    def warn(self, dataset: Dataset, digests: Sequence[str], whole: Int, train: Int, rows: Rows) -> tuple[str, ...]:
        """Of labels, copies and splits."""
        return warn_of_the_labels(dataset, digests, whole, rows.values, rows.classes)
