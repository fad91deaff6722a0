"""One class for each item."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graft.contracts import Float64, Int, Targets
from graft.data.dataset import Dataset
from graft.errors import DataError, TooFewClasses
from graft.evaluation import AskedItems, Rows, judge, score_held_out, warn_of_the_data
from graft.evaluation.notices import check_shared_labels
from graft.evaluation.outcomes import Outcomes
from graft.heads.classifier import Answer
from graft.learning.classifier import fit_classifier
from graft.learning.conformal import held_out_sets
from graft.learning.selection import Choice, check_head
from graft.reading.notices import TO_PREDICT, warn_of_numbers
from graft.recipe import Recipe
from graft.report import Evaluation, Report
from graft.results.facts import HeadChoice
from graft.results.figures import Figures
from graft.results.prediction import Prediction
from graft.results.scores import Scores
from graft.tasks.fit_result import FitResult


@dataclass(frozen=True, slots=True)
class Classification:
    """Every item is of exactly one of the classes. See ``graft.contracts.Task`` for what the methods do."""

    name: str = "classification"
    words: bool = True
    tunable: bool = True
    growing: bool = True
    report: type[Report] = Report
    prediction: type[Prediction] = Prediction
    evaluation: type[Evaluation] = Evaluation

    @property
    def reading(self) -> Mapping[str, Any]:
        """Nothing that ``graft.read`` does not do by itself."""
        return {}

    def prepared(self, dataset: Dataset) -> Dataset:
        """The data set itself; one whose items bear any number of labels is of another task."""
        if dataset.tags:
            raise DataError(
                f"The items of these data bear any number of labels, and {self.name} gives each item one class.",
                "Leave the task at auto, or give data with one label for each item.",
            )
        return dataset

    def check(self, dataset: Dataset, recipe: Recipe) -> None:
        """Whether the test split shares a label with what is to be trained on."""
        check_head(recipe.head)
        check_test([(label,) for label in dataset.labels], dataset.splits)

    def check_known(self, dataset: Dataset, classes: Sequence[str]) -> None:
        """Whether the model knows any label of the data."""
        if dataset.tags:
            raise DataError(
                "The items of these data bear any number of labels, and the model gives each item one class.",
                "Score it on data with one label for each item.",
            )
        check_shared_labels("The data", dataset.labels, "the model", classes)

    def check_saved(self, report: Report, learned: Collection[str], classes: Sequence[str]) -> None:
        """Whether the report is of these classes, and the items learned from bear their names."""
        check_report(report, classes, several=False)
        if strange := sorted(set(learned) - set(classes)):
            raise ValueError(f"the training items have a label that is no class: {strange[0]!r}")

    def targets(self, learned: Dataset, units: Int) -> Targets:
        """The number of each row's class, which folds are balanced by as well."""
        if len(learned.classes) < 2:
            raise TooFewClasses(
                f"There is only one class with items to train on, {learned.classes[0]!r}.",
                "A classifier needs at least two: add a folder (or rows) with another label.",
            )
        return Targets(learned.classes, learned.y, learned.y)

    def fit(self, rows: Rows, recipe: Recipe) -> FitResult:
        """Choose a head by cross-validation and calibrate it."""
        k = len(rows.classes)
        head, out = fit_classifier(rows.x, rows.y, k, rows.stages, rows.folds, recipe, rows.units, rows.words)
        right = (np.nan_to_num(out.p).argmax(axis=1) == rows.y).astype(np.float64)
        right[~out.scored] = np.nan
        sets = held_out_sets(out.p, rows.y, k, head.sets.level, rows.folds)
        answer = Answer(out.p, sets, np.full_like(out.rejected, np.nan))
        return FitResult(head, out, chosen_of(out.choice, head), right, answer)

    def judge(self, found: FitResult, rows: Rows, recipe: Recipe) -> Figures:
        """The figures of the report."""
        figures, _ = judge(found.head, found.out_of_fold, rows, recipe)
        return figures

    def score(self, answered: AskedItems, copies: Int, part: str) -> Scores:
        """Accuracy and all that goes with it."""
        return score_held_out(answered, copies, part)

    def right(self, answered: AskedItems, among: Dataset) -> Float64:
        """Whether exactly what an item has is named."""
        return Outcomes.of(answered).right.astype(np.float64)

    def shown(self, scores: Scores, report: Report, answered: AskedItems) -> Figures:
        """The figures, and the mistakes; to a class that the model does not know it gives no probability."""
        said, items = Outcomes.of(answered), answered.dataset.items
        exhibits = {"hardest": said.hardest(items), "mistakes": said.mistakes(items)}
        return figures_of(scores, report, calibration=said.calibration, **exhibits)

    def warn(self, dataset: Dataset, digests: Sequence[str], whole: Int, train: Int, rows: Rows) -> tuple[str, ...]:
        """Of labels, copies and splits."""
        told = any(TO_PREDICT in warning for warning in dataset.warnings)
        hint = () if told else warn_of_numbers(dataset.labels)
        return (*hint, *warn_of_the_data(dataset, digests, whole, train, rows.y, rows.classes))


def check_test(tags: Sequence[Sequence[str]], splits: Sequence[str]) -> None:
    """Whether the test split shares a label with what is to be trained on.

    Args:
        tags: The labels of each item.
        splits: The split of each.

    Raises:
        DataError: It does not.
    """
    parts = list(zip(tags, splits, strict=True))
    learned = {label for own, split in parts if split != "test" for label in own}
    tested = {label for own, split in parts if split == "test" for label in own}
    if learned:
        check_shared_labels("The test data", tested, "the training data", learned)


def check_report(report: Report, classes: Sequence[str], *, several: bool) -> None:
    """Whether a report is of these classes or labels.

    Raises:
        ValueError: It is not.
    """
    if report.classes != tuple(classes) or report.multi_label != several:
        raise ValueError(f"the report is of another model: {report.modality}, {', '.join(report.classes[:5])}")
    if report.confusion and {len(report.confusion), *map(len, report.confusion)} != {len(classes)}:
        raise ValueError(f"the confusion matrix of the report is not one of {len(classes)} classes")


def chosen_of(choice: Choice, head: Any) -> HeadChoice:
    """What a report says of the choice of a head."""
    chosen, size = choice.chosen, sum(array.nbytes for array in head.arrays().values())
    return HeadChoice(chosen.head, chosen.features, chosen.strength, choice.why, size)


def figures_of(scores: Scores, report: Report, **behind: Any) -> Figures:
    """Scores as the figures of a report; what only a fit can tell is left out.

    Args:
        scores: Of labelled items.
        report: Of the model's fit.
        behind: ``calibration``, ``hardest`` and ``mistakes``.
    """
    return Figures(
        classes=scores.classes,
        accuracy=scores.accuracy,
        macro_f1=scores.macro_f1,
        baselines={},
        per_class=scores.per_class,
        confusion=scores.confusion,
        judged_on=f"{scores.n_items:,} items ({scores.split})",
        overfit_gap=float("nan"),
        learning_curve=(),
        forecast=(),
        unknown=report.unknown,
        multi_label=report.multi_label,
        multi=scores.multi,
        unjudged=report.unjudged,
        **behind,
    )
