"""Judging where an item bears any number of labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from graft.contracts import Array, Bool, Float32, Int, Progress, silent
from graft.data.dataset import SEPARATOR, Dataset, Item
from graft.errors import DataError
from graft.evaluation.growth import Growth, measure_growth
from graft.evaluation.intervals import cross_validated_interval, held_out_interval
from graft.evaluation.judging import (
    EXAMPLES,
    EXAMPLES_PER_CELL,
    HARDEST,
    calibration,
    majority_baseline,
    nearest_baseline,
)
from graft.evaluation.notices import warn_of_the_data
from graft.executors import map_on_cores, workers
from graft.heads.binary import fit_binary
from graft.heads.features import transform
from graft.heads.selection import bias_corrected
from graft.heads.tags import (
    TagClassifier,
    TagsOutOfFold,
    balance,
    confidence_of,
    fit_rule,
    strata_of,
    units_with,
)
from graft.metrics import average_precision, exact_match, hamming_loss, label_f1, label_scores, wilson
from graft.prediction import Evaluation
from graft.report.content import Calibration, ClassFigures, Interval, Judged, MultiLabelFigures, Unknown

NAMED = 5
"""So many labels are named in a message."""


@dataclass(frozen=True, slots=True, eq=False)
class TagJudgement:
    """What cross-validation says of a classifier of any number of labels; the fields are those of ``Report``."""

    accuracy: Interval
    macro_f1: float
    multi: MultiLabelFigures
    baselines: dict[str, float]
    per_class: dict[str, ClassFigures]
    judged_on: str
    calibration: Calibration
    overfit_gap: float
    growth: Growth
    unknown: Unknown
    hardest: tuple[Judged, ...]
    mistakes: tuple[Judged, ...]


def judge_tags(
    classifier: TagClassifier,
    out_of_fold: TagsOutOfFold,
    x: Float32,
    given: Bool,
    folds: Sequence[Int],
    units: Int,
    classes: Sequence[str],
    items: Sequence[Item],
    unknown_rate: float,
    seed: int,
    progress: Progress = silent,
) -> TagJudgement:
    """Judge a classifier by what heads like it said of rows that they had not seen.

    Args:
        classifier: The final one, fitted to all rows; it is scored only for the over-fitting gap.
        out_of_fold: Predictions of rows by heads that had not seen them.
        x: Embeddings ``(n, dim) float32``.
        given: Which labels each row bears ``(n, k) bool``.
        folds: For each repetition the fold of each row.
        units: What is a copy of what, or of one group ``(n,) int64``.
        classes: The labels.
        items: The items behind the rows.
        unknown_rate: Share of items that the unknown score's threshold lets through as unknown.
        seed: Of bootstrap draws and of the learning curve's parts.
        progress: Told how far the work has come.
    """
    rows = np.flatnonzero(out_of_fold.scored)
    p, sets, truth = out_of_fold.p[rows], out_of_fold.sets[rows], given[rows]
    choice = out_of_fold.choice
    corrected, _ = bias_corrected(choice.correct, choice.losses, units, seed, choice.plain)
    fold = folds[0] if folds else np.full(len(given), -1, np.int64)
    growth = _grow(out_of_fold, given, fold, units, seed, progress)
    expected = growth.carried(corrected, len(given))
    figures = measure(p, sets, truth)
    own = classifier.answer(x[rows]).sets
    combination = np.unique(given, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    judged = [items[row] for row in rows.tolist()]
    lone = units_with(given, units) < 2  # cannot be held out: heads that have not seen them know nothing of them
    per_class = label_figures(truth, sets, classes)
    per_class |= {classes[j]: ClassFigures(np.nan, np.nan, 0, 0.0, 1.0) for j in np.flatnonzero(lone).tolist()}
    return TagJudgement(
        accuracy=cross_validated_interval(expected, units[rows], _method(folds, len(choice.configurations))),
        macro_f1=figures.macro_f1,
        multi=replace(figures, exact_match=expected),
        baselines={
            "majority": majority_baseline(combination[rows], int(combination.max(initial=0)) + 1),
            "nearest": nearest_baseline(transform(x, classifier.stages, classifier.features), combination, fold),
        },
        per_class=per_class,
        judged_on=_judged_on(len(rows), len(given)),
        calibration=sets_calibration(p, sets, truth),
        overfit_gap=exact_match(truth, own) - expected,
        growth=growth,
        unknown=Unknown(classifier.unknown.threshold, unknown_rate),
        hardest=hardest(judged, p, sets, truth, classes),
        mistakes=mistakes(judged, p, sets, truth, classes),
    )


def measure(p: Float32, sets: Bool, given: Bool) -> MultiLabelFigures:
    """The figures of predicted labels ``sets`` and probabilities ``p``, all ``(n, k)``, of which ``given`` are right.

    Precision is averaged over the labels that occur among these items.
    """
    micro, macro = label_f1(given, sets)
    precisions = [average_precision(given[:, j], p[:, j]) for j in np.flatnonzero(given.any(axis=0))]
    return MultiLabelFigures(
        micro_f1=micro,
        macro_f1=macro,
        hamming_loss=hamming_loss(given, sets),
        exact_match=exact_match(given, sets),
        mean_average_precision=float(np.mean(precisions)) if precisions else float("nan"),
        labels_per_item=float(given.sum(axis=1).mean()) if len(given) else float("nan"),
    )


def label_figures(given: Bool, sets: Bool, classes: Sequence[str]) -> dict[str, ClassFigures]:
    """Precision and recall of each label, with Wilson's 95 % interval of the recall; ``nan`` for what did not occur."""
    scores = label_scores(given, sets)
    called = sets.sum(axis=0)
    figures = {}
    for j, label in enumerate(classes):
        n = int(scores.n[j])
        low, high = wilson(round(float(scores.recall[j]) * n), n)
        figures[label] = ClassFigures(
            precision=float(scores.precision[j]) if called[j] else float("nan"),
            recall=float(scores.recall[j]) if n else float("nan"),
            n=n,
            recall_low=low,
            recall_high=high,
        )
    return figures


def sets_calibration(p: Float32, sets: Bool, given: Bool) -> Calibration:
    """How far the probability that exactly the predicted labels are right can be believed. All are ``(n, k)``."""
    wrong = (sets != given).any(axis=1).astype(np.int64)
    return calibration(confidence_of(p, sets)[:, None], wrong)


def hardest(items: Sequence[Item], p: Float32, sets: Bool, given: Bool, classes: Sequence[str]) -> tuple[Judged, ...]:
    """The items whose given labels, all together, the model believes least, hardest first."""
    believed = np.log(np.maximum(np.where(given, p, 1 - p), np.finfo(np.float32).tiny)).sum(axis=1)
    order = np.argsort(believed, kind="stable")[:HARDEST]
    return tuple(_judged(items[row], p[row], sets[row], given[row], classes) for row in order.tolist())


def mistakes(items: Sequence[Item], p: Float32, sets: Bool, given: Bool, classes: Sequence[str]) -> tuple[Judged, ...]:
    """Examples of items that were given other labels than their own, the surest first, and of every kind a few."""
    sure = confidence_of(p, sets)
    wrong = np.flatnonzero((sets != given).any(axis=1))
    seen: dict[bytes, int] = {}
    kept: list[Judged] = []
    for row in wrong[np.argsort(-sure[wrong], kind="stable")].tolist():
        kind = sets[row].tobytes() + given[row].tobytes()
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] <= EXAMPLES_PER_CELL and len(kept) < EXAMPLES:
            kept.append(_judged(items[row], p[row], sets[row], given[row], classes))
    return tuple(kept)


def check_shared_tags(what: str, tags: Sequence[Sequence[str]], whose: str, known: Sequence[str]) -> None:
    """Whether anything at all can be found; ask before the work, not after it.

    Args:
        what: How the data to score are called.
        tags: The labels of each item; if no item has any, there is nothing to say against it.
        whose: Whose labels ``known`` are.
        known: What the classifier can find.

    Raises:
        DataError: Not one label is known.
    """
    found = {tag for own in tags for tag in own}
    if found and not found & set(known):
        raise DataError(
            f"{what} share no label with {whose} ({_some(sorted(found))} / {_some(sorted(set(known)))}).",
            "Check that these data belong together, and that their labels are spelled alike.",
        )


def score_tags(
    classifier: TagClassifier,
    classes: Sequence[str],
    x: Float32,
    tags: Sequence[Sequence[str]],
    clusters: Int,
    split: str,
) -> Evaluation:
    """Score a classifier on embeddings ``x`` ``(n, dim) float32`` with these labels, none of which it was fitted on.

    Labels that the classifier does not know cannot be found: an item that bears one is not matched exactly.

    Args:
        classifier: What is scored.
        classes: Its labels.
        x: Embeddings.
        tags: The labels of each row.
        clusters: What is a copy of what ``(n,) int64``, so that copies do not narrow the interval.
        split: What these items are called in the result.
    """
    strange = sorted({tag for own in tags for tag in own} - set(classes))
    names = [*classes, *strange]
    given = indicator(tags, names)
    answer = classifier.answer(x)
    beyond = ((0, 0), (0, len(strange)))
    p, sets = np.pad(answer.p, beyond), np.pad(answer.sets, beyond)
    figures = measure(p, sets, given)
    unknown = int(given[:, len(classes) :].any(axis=1).sum())
    warnings = (
        [f"The model does not know {_some(strange)}: the {unknown} items with such labels count as wrong."]
        if strange
        else []
    )
    return Evaluation(
        accuracy=held_out_interval(figures.exact_match, clusters, "exact match on held-out items, Wilson interval"),
        macro_f1=figures.macro_f1,
        per_class=label_figures(given, sets, names),
        n_items=len(given),
        split=split,
        classes=tuple(names),
        confusion=(),
        ece=sets_calibration(p, sets, given).ece,
        coverage=float("nan"),
        warnings=tuple(warnings),
        multi=figures,
    )


def indicator(tags: Sequence[Sequence[str]], classes: Sequence[str]) -> Bool:
    """Which of ``classes`` each item bears ``(n, k) bool``; labels that are not among them are left out."""
    index = {label: j for j, label in enumerate(classes)}
    given = np.zeros((len(tags), len(classes)), np.bool_)
    for row, own in enumerate(tags):
        given[row, [index[tag] for tag in own if tag in index]] = True
    return given


def warn_of_the_tags(
    dataset: Dataset, digests: Sequence[str], clusters: Int, train: Int, given: Bool, classes: Sequence[str]
) -> tuple[str, ...]:
    """As ``warn_of_the_data``, and of labels that tell nothing, because all training items bear them.

    Args:
        dataset: All items.
        digests: Content hash of each.
        clusters: Cluster of near-duplicates of each ``(n,) int64``.
        train: Rows to train on.
        given: Which labels each training row bears ``(m, k) bool``.
        classes: The labels.
    """
    bearing = np.nonzero(given)[1]  # one entry for each label of each item, as if it were a class of its own
    every = np.arange(len(dataset))  # what stands only in the test part is asked label by label
    notes = [*warn_of_the_data(dataset, digests, clusters, every, bearing, classes)]
    if always := [label for label, column in zip(classes, given.T, strict=True) if column.all()]:
        notes.append(f"{_some(always)}: all training items bear it, so it tells nothing and is always predicted.")
    if strange := sorted({tag for own in dataset.tags for tag in own} - set(classes)):
        notes.append(f"{_some(strange)}: only in the test split, so items with such labels count as wrong there.")
    return tuple(notes)


def _grow(out_of_fold: TagsOutOfFold, given: Bool, fold: Int, units: Int, seed: int, progress: Progress) -> Growth:
    """The learning curve of exact matches; a row that is matched is called its own stratum, any other nothing."""
    choice = out_of_fold.choice
    z, weights = choice.axes.z, balance(given)
    strata = strata_of(given, units)
    rule = fit_rule(choice.logits[choice.index], given)

    def called(scores: Float32, rows: Int | Bool) -> Int:
        right = ((rule.apply(scores) >= 0) == given[rows]).all(axis=1)
        return np.where(right, strata[rows], -1)

    def fit_some(task: tuple[Float32, Bool]) -> Array:
        masks, asked = task
        found = fit_binary(z, given, weights, masks, [choice.chosen.strength])
        named = np.full(masks.shape, -1, np.int64)
        for names, rows, (linear,) in zip(named, asked, found, strict=True):
            names[rows] = called(linear.scores(z[rows]), rows)
        return named

    def fit_many(masks: Float32, asked: Bool | None = None) -> Array:
        asked = np.ones(masks.shape, np.bool_) if asked is None else asked
        parts = min(workers(), len(masks))
        named = np.empty(masks.shape, np.int64)
        tasks = [(masks[part::parts], asked[part::parts]) for part in range(parts)]
        for part, found in enumerate(map_on_cores(fit_some, tasks)):
            named[part::parts] = found
        return named

    # So many items have, on average, one of each label: what a forecast for "20 more of each" needs.
    once = max(1, round(given.shape[1] / max(float(given.sum(axis=1).mean()), 1.0)))
    known = choice.logits[choice.index]
    end = called(known[0], np.arange(len(given))) if len(known) else None
    return measure_growth(fit_many, strata, fold, units, ("",) * once, np.empty(0), seed, progress, end)


def _judged(item: Item, p: Float32, sets: Bool, given: Bool, classes: Sequence[str]) -> Judged:
    label, predicted = (SEPARATOR.join(classes[j] for j in np.flatnonzero(own).tolist()) for own in (given, sets))
    sure, believed = (float(confidence_of(p[None], own[None])[0]) for own in (sets, given))
    return Judged(item.name, label, predicted, sure, believed)


def _method(folds: Sequence[Int], tried: int) -> str:
    if not folds or folds[0].max(initial=-1) < 1:
        return "not judged: no label has two items of which one could be held out"
    plan = f"{int(folds[0].max()) + 1}-fold cross-validation" + (f", repeated {len(folds)} times" if folds[1:] else "")
    chosen = f", corrected for choosing among {tried} heads (bootstrap bias-corrected)" if tried > 1 else ""
    carried = ", carried to all items along the learning curve"
    return f"exact match in {plan}{chosen}{carried}; Wilson interval widened for the correlation of folds"


def _judged_on(scored: int, n: int) -> str:
    if not scored:
        return "nothing: no label has two items of which one could be held out"
    every = "all" if scored == n else f"{scored} of the"
    return f"{every} {n} training items, each by heads that had not seen it"


def _some(labels: Sequence[str]) -> str:
    return ", ".join(labels[:NAMED]) + (", ..." if len(labels) > NAMED else "")
