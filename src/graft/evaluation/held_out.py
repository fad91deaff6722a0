"""Scoring on items that were given as a test."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from graft.contracts import Array, Bool, Int
from graft.errors import DataError
from graft.evaluation.intervals import (
    LEAST_CLASSES,
    LEAST_ITEMS,
    enough_judged,
    group_design_effect,
    held_out_interval,
    no_score,
    recall_interval,
)
from graft.evaluation.rows import Answered
from graft.metrics import (
    confusion_matrix,
    debiased_calibration_error,
    macro_f1,
    precision_recall_f1,
    set_coverage,
)
from graft.results.figures import ClassFigures, Interval
from graft.results.scores import Scores

TOO_FEW = f"no score: fewer than {LEAST_CLASSES} classes have {LEAST_ITEMS} judged items each"
"""Why there is none."""


def check_shared_labels(what: str, labels: Collection[str], whose: str, known: Collection[str]) -> None:
    """Whether anything at all can be named rightly; ask before the work, not after it.

    Args:
        what: How the data to score are called.
        labels: Their labels; if there is none, there is nothing to say against it.
        whose: Whose classes ``known`` are.
        known: What the classifier can name.

    Raises:
        DataError: Not one label is known.
    """
    if labels and not set(labels) & set(known):
        raise DataError(
            f"{what} share no label with {whose} ({some(sorted(set(labels)))} / {some(sorted(set(known)))}).",
            "Check that these data belong together, and that their labels are spelled alike.",
        )


def score_held_out(answered: Answered, clusters: Int, split: str) -> Scores:
    """Score a classifier by its answers to items that it was not fitted to; of given groups, for new ones.

    An item whose label the classifier does not know counts as wrong: it cannot be named rightly.

    Args:
        answered: The items and its answers.
        clusters: What is a copy of what ``(n,) int64``, so that copies do not narrow the interval.
        split: What these items are called in the result.
    """
    answer, classes = answered.answer, answered.classes
    labels, groups = answered.dataset.labels, answered.dataset.groups
    names = [*classes, *sorted(set(labels) - set(classes))]
    index = {label: position for position, label in enumerate(names)}
    y = np.array([index[label] for label in labels], np.int64)
    predicted = answer.p.argmax(axis=1).astype(np.int64)
    known = y < len(classes)
    scored = enough_judged(y)
    return Scores(
        accuracy=held_out_score(y == predicted, clusters, groups, "held-out items", "" if scored else TOO_FEW),
        macro_f1=macro_f1(y, predicted, len(names)) if scored else float("nan"),
        per_class=class_figures(y, predicted, names, clusters, groups),
        n_items=len(y),
        split=split,
        classes=tuple(names),
        confusion=confusion(y, predicted, len(names)),
        ece=debiased_calibration_error(y[known], answer.p[known]),
        coverage=_coverage(answer.sets, y, known),
        warnings=warn_of_unknown_labels(names[len(classes) :], int((~known).sum())),
    )


def held_out_score(right: Bool, clusters: Int, groups: Sequence[str], what: str, none: str = "") -> Interval:
    """The share of held-out items that are right, with its interval; of new groups, where there are groups.

    Args:
        right: ``(n,) bool``.
        clusters: What is a copy of what ``(n,) int64``.
        groups: The group of each item; empty where there are none.
        what: How the items are called.
        none: Why there is no score, where there is none.
    """
    if none:
        return no_score(f"{none} ({int(right.sum())} of {len(right)} were right)")
    grouped = len(set(groups) - {""}) > 1
    effect = group_design_effect(right, groups) if grouped else 1.0
    value = float(right.mean()) if len(right) else float("nan")
    method = f"{what}, Wilson interval" + (", widened for groups" if grouped else "")
    return held_out_interval(value, clusters, method, effect)


def class_figures(
    y: Int,
    predicted: Int,
    classes: Sequence[str],
    copies: Int | None = None,
    groups: Sequence[str] = (),
    correlation: float = 1.0,
    kept: Array | None = None,
) -> dict[str, ClassFigures]:
    """Precision and recall of each class, with a 95 % interval of the recall; ``nan`` for what did not occur.

    Args:
        y: Class of each item ``(n,) int64``.
        predicted: What it was called ``(n,) int64``.
        classes: Their names.
        copies: What is a copy of what ``(n,) int64``; by default nothing.
        groups: The group of each item, ``""`` for none; empty where there are none.
        correlation: By how much items count for less than independent ones, see ``correlation_of``.
        kept: Which part of its error each class keeps with all of its items ``(k,)``; by default all of it.
    """
    scores = precision_recall_f1(y, predicted, len(classes))
    called = np.bincount(predicted, minlength=len(classes))
    figures = {}
    for position, label in enumerate(classes):
        rows = np.flatnonzero(y == position)
        recall = float(scores.recall[position]) if len(rows) else float("nan")
        recall = recall if kept is None else 1 - (1 - recall) * float(kept[position])
        own = [groups[row] for row in rows.tolist()] if groups else []
        effect = correlation * (group_design_effect(predicted[rows] == position, own) if own else 1.0)
        low, high = recall_interval(recall, np.arange(len(rows)) if copies is None else copies[rows], effect)
        figures[label] = ClassFigures(
            precision=float(scores.precision[position]) if called[position] else float("nan"),
            recall=recall,
            n=len(rows),
            recall_low=low,
            recall_high=high,
        )
    return figures


def confusion(y: Int, predicted: Int, k: int) -> tuple[tuple[int, ...], ...]:
    """Given labels as rows, predictions as columns."""
    return tuple(tuple(int(count) for count in row) for row in confusion_matrix(y, predicted, k))


def warn_of_unknown_labels(labels: Sequence[str], items: int) -> tuple[str, ...]:
    """What to say of so many items with labels that the model does not know."""
    if not labels:
        return ()
    return (f"The model does not know {some(labels)}: the {items} items with such labels count as wrong.",)


def some(labels: Sequence[str]) -> str:
    """The first five labels, and whether there are more."""
    return ", ".join(labels[:5]) + (", ..." if len(labels) > 5 else "")


def _coverage(sets: Bool, y: Int, known: Bool) -> float:
    covered = set_coverage(sets[known], y[known]) * known.sum() if known.any() else 0.0
    return float(covered / len(y)) if len(y) else float("nan")
