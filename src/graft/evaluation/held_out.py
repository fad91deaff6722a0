"""Scoring on items that were given as a test."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graft.contracts import Bool, Float32, Int
from graft.errors import DataError
from graft.evaluation.intervals import held_out_interval
from graft.heads.classifier import Classifier
from graft.metrics import (
    accuracy,
    confusion_matrix,
    expected_calibration_error,
    macro_f1,
    precision_recall_f1,
    set_coverage,
    wilson,
)
from graft.prediction import Evaluation
from graft.report.content import ClassFigures


def check_shared_labels(what: str, labels: Sequence[str], whose: str, known: Sequence[str]) -> None:
    """Whether anything at all can be named rightly; ask before the work, not after it.

    Args:
        what: How the data to score are called.
        labels: Their labels.
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


def score_held_out(
    classifier: Classifier,
    classes: Sequence[str],
    x: Float32,
    labels: Sequence[str],
    clusters: Int,
    split: str,
    texts: Sequence[str] | None = None,
) -> Evaluation:
    """Score a classifier on embeddings ``x`` ``(n, dim) float32`` with these labels, none of which it was fitted on.

    An item whose label the classifier does not know counts as wrong: it cannot be named rightly.

    Args:
        classifier: What is scored.
        classes: Its classes.
        x: Embeddings.
        labels: One for each row.
        clusters: What is a copy of what ``(n,) int64``, so that copies do not narrow the interval.
        split: What these items are called in the result.
        texts: The texts themselves, for a classifier that looks at words.
    """
    names = [*classes, *sorted(set(labels) - set(classes))]
    index = {label: position for position, label in enumerate(names)}
    y = np.array([index[label] for label in labels], np.int64)
    answer = classifier.answer(x, texts)
    predicted = answer.p.argmax(axis=1).astype(np.int64)
    known = y < len(classes)
    return Evaluation(
        accuracy=held_out_interval(accuracy(y, predicted), clusters, "held-out items, Wilson interval"),
        macro_f1=macro_f1(y, predicted, len(names)),
        per_class=class_figures(y, predicted, names),
        n_items=len(y),
        split=split,
        classes=tuple(names),
        confusion=confusion(y, predicted, len(names)),
        ece=expected_calibration_error(y[known], answer.p[known]).ece,
        coverage=_coverage(answer.sets, y, known),
        warnings=_warn_of_strangers(names[len(classes) :], int((~known).sum())),
    )


def class_figures(y: Int, predicted: Int, classes: Sequence[str]) -> dict[str, ClassFigures]:
    """Precision and recall of each class, with Wilson's 95 % interval of the recall; ``nan`` for what did not occur."""
    scores = precision_recall_f1(y, predicted, len(classes))
    called = np.bincount(predicted, minlength=len(classes))
    figures = {}
    for position, label in enumerate(classes):
        n = int(scores.n[position])
        low, high = wilson(round(float(scores.recall[position]) * n), n)
        figures[label] = ClassFigures(
            precision=float(scores.precision[position]) if called[position] else float("nan"),
            recall=float(scores.recall[position]) if n else float("nan"),
            n=n,
            recall_low=low,
            recall_high=high,
        )
    return figures


def confusion(y: Int, predicted: Int, k: int) -> tuple[tuple[int, ...], ...]:
    """Given labels as rows, predictions as columns."""
    return tuple(tuple(int(count) for count in row) for row in confusion_matrix(y, predicted, k))


def _warn_of_strangers(labels: Sequence[str], items: int) -> tuple[str, ...]:
    if not labels:
        return ()
    return (f"The model does not know {some(labels)}: the {items} items with such labels count as wrong.",)


def some(labels: Sequence[str]) -> str:
    """The first five labels, and whether there are more."""
    return ", ".join(labels[:5]) + (", ..." if len(labels) > 5 else "")


def _coverage(sets: Bool, y: Int, known: Bool) -> float:
    covered = set_coverage(sets[known], y[known]) * known.sum() if known.any() else 0.0
    return float(covered / len(y)) if len(y) else float("nan")
