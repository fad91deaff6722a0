"""A number for each item."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graft.cells import as_number
from graft.contracts import Float64, Int, Targets
from graft.data.dataset import Dataset
from graft.data.split import merge
from graft.errors import DataError, UsageError
from graft.evaluation import AskedItems, Rows
from graft.evaluation.notices import warn_of_copies
from graft.evaluation.regression import judge_numbers, score_numbers
from graft.heads.regressor import Numbers, Regressor
from graft.learning.regression import LEAST, check_numbers, fit_regressor
from graft.reading.notices import TO_PREDICT
from graft.recipe import Recipe
from graft.report.numbers import NumberEvaluation, NumberReport
from graft.results.facts import HeadChoice
from graft.results.prediction import NumberPrediction
from graft.results.regression import NumberFigures, NumberScores
from graft.tasks.fit_result import FitResult


@dataclass(frozen=True, slots=True)
class Regression:
    """Every item has a number. See ``graft.contracts.Task`` for what the methods do."""

    name: str = "regression"
    words: bool = False
    tunable: bool = False
    growing: bool = False
    report: type[NumberReport] = NumberReport
    prediction: type[NumberPrediction] = NumberPrediction
    evaluation: type[NumberEvaluation] = NumberEvaluation

    @property
    def reading(self) -> Mapping[str, Any]:
        """Labels are read as texts, which need not be several; what they say is looked at here."""
        return {"min_classes": 1}

    def prepared(self, dataset: Dataset) -> Dataset:
        """The data set itself, whose labels are numbers, without the advice to predict them."""
        if dataset.tags:
            raise DataError(
                "The items of these data bear any number of labels, and a number was to be predicted.",
                "Give each item one number as its label.",
            )
        return replace(dataset, warnings=tuple(told for told in dataset.warnings if TO_PREDICT not in told))

    def check(self, dataset: Dataset, recipe: Recipe) -> None:
        """Whether every label is a number."""
        if recipe.head != "auto":
            raise UsageError(
                f"The head {recipe.head} names classes, and numbers were to be predicted.", "Leave the head at auto."
            )
        numbers_of(dataset)

    def check_known(self, dataset: Dataset, classes: Sequence[str]) -> None:
        """Whether every label is a number."""
        numbers_of(dataset)

    def check_saved(self, report: NumberReport, learned: Collection[str], classes: Sequence[str]) -> None:
        """Whether there are no classes."""
        if classes:
            raise ValueError(f"a model of numbers with the classes {', '.join(classes[:5])}")

    def targets(self, learned: Dataset, units: Int) -> Targets:
        """The numbers; folds are balanced by nothing."""
        y = numbers_of(learned)
        check_numbers(y, units)
        return Targets((), y, np.zeros(len(y), np.int64))

    def fit(self, rows: Rows, recipe: Recipe) -> FitResult:
        """Ridge, its strength and features by cross-validation."""
        head, out = fit_regressor(rows.x, rows.values, rows.stages, rows.folds, recipe, rows.units)
        chosen, size = out.choice.chosen, sum(array.nbytes for array in head.arrays().values())
        explained = 1 - ((out.said - rows.values) ** 2).mean(axis=0) / rows.values.var()  # its mean is R²
        choice = HeadChoice("ridge", chosen.features, chosen.strength, out.choice.why, size)
        value = out.said.mean(axis=0)
        answer = Numbers(value, value - head.margin, value + head.margin, np.full_like(out.rejected, np.nan))
        return FitResult(head, out, choice, explained, answer)

    def judge(self, found: FitResult, rows: Rows, recipe: Recipe) -> NumberFigures:
        """The figures of the report."""
        return judge_numbers(found.head, found.out_of_fold, rows, recipe)

    def score(self, answered: AskedItems, copies: Int, part: str) -> NumberScores:
        """R², errors, and whether intervals hold."""
        dataset, head = answered.dataset, answered.head
        assert isinstance(head, Regressor)
        y = numbers_of(dataset)
        method = "the given test split, used once" if part == "test" else f"held-out items ({part})"
        units = merge(copies, dataset.groups)
        found = score_numbers(dataset.items, answered.answer.value[None], y, head.margin, units, method)
        return NumberScores(**vars(found), n_items=len(y), split=part)

    def right(self, answered: AskedItems, among: Dataset) -> Float64:
        """1 less the squared error as a share of the variance of all numbers: the mean over all is R²."""
        error, spread = answered.answer.value - numbers_of(answered.dataset), float(numbers_of(among).var())
        found: Float64 = 1 - error**2 / (spread or 1.0)
        return found

    def shown(self, scores: NumberScores, report: NumberReport, answered: AskedItems) -> NumberFigures:
        """The same figures; what only a fit can tell is left out."""
        return NumberFigures(
            **vars(scores.as_test),
            baselines={},
            learning_curve=(),
            overfit_gap=float("nan"),
            judged_on=f"{scores.n_items:,} items ({scores.split})",
            unknown=report.unknown,
        )

    def warn(self, dataset: Dataset, digests: Sequence[str], whole: Int, train: Int, rows: Rows) -> tuple[str, ...]:
        """Of copies and splits."""
        units = len(np.unique(rows.units))
        few = f"The {len(rows.y):,} items to train on are worth {units} different ones: the others are near-copies of "
        few += "these, or of their groups. The interval is as wide as the largest error, and hardly known to hold."
        return (*warn_of_copies(dataset, digests, whole), *([few] if units < LEAST else []))


def numbers_of(dataset: Dataset) -> Float64:
    """The labels as numbers ``(n,) float64``, as ``graft.cells.as_number`` reads them.

    Raises:
        DataError: One is no finite number.
    """
    numbers = [as_number(label) for label in dataset.labels]
    if bad := [row for row, found in enumerate(numbers) if found is None]:
        label, item = dataset.labels[bad[0]], dataset.items[bad[0]].name
        others = f", and {len(bad) - 1:,} more are none" if len(bad) > 1 else ""
        comma = " A comma may divide decimals or thousands." if "," in label else ""
        raise DataError(
            f"The label {label[:40]!r} of {item[:80]} is no number to learn{others}.{comma}",
            "Write finite numbers like 1234.5 or 1.2e-3, with a point and no thousands separators. An item whose cell "
            "is empty is skipped.",
        )
    return np.array(numbers, np.float64)
