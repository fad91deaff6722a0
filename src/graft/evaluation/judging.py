"""From out-of-fold predictions to the figures of the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from graft.contracts import Array, Bool, Float32, Int
from graft.evaluation.alarms import false_alarms, poisson_interval
from graft.evaluation.doubt import crowded, doubted, why_nothing_is_held_out
from graft.evaluation.grouping import group_effect
from graft.evaluation.growth import Growth, is_rare, measure_growth, on_cores
from graft.evaluation.intervals import (
    THRESHOLD_CORRELATION,
    correlation_of,
    cross_validated_interval,
    effective_size,
    group_design_effect,
    no_score,
    with_unjudged,
)
from graft.evaluation.outcomes import Outcomes, named_by
from graft.evaluation.rows import Rows
from graft.executors import map_on_cores
from graft.heads.conformal import SetRule
from graft.heads.features import transform
from graft.heads.protocols import CalibratedHead, LabelHead
from graft.learning import HEADS
from graft.learning.classifier import OutOfFold
from graft.learning.conformal import measured
from graft.learning.lexical import tfidf_accuracy
from graft.learning.rule import bias_corrected
from graft.learning.selection import class_weights
from graft.metrics import exact_match, label_f1
from graft.recipe import Recipe
from graft.results.figures import ClassFigures, Figures, Interval, Judged, PredictionSets, Unknown

OVERFIT_ROWS = 2000
"""The score on what was learned from is measured on at least so many rows, where there are as many."""
TYPICAL = 4
"""Of each class at most so many typical examples are kept, and of all classes together"""
TYPICAL_IN_ALL = 60
"""so many."""
NEIGHBOURS = 1 << 24
"""The nearest neighbours of held-out rows are looked for in so many pairs, at least of ``LEAST_NEIGHBOURS`` rows."""
LEAST_NEIGHBOURS = 2000
PART = 8192
"""So many rows are compared at a time."""


def judge(classifier: CalibratedHead, out_of_fold: OutOfFold, rows: Rows, recipe: Recipe) -> tuple[Figures, Growth]:
    """Judge a classifier by what heads like it said of rows that they had not seen; and what more rows bring.

    Args:
        classifier: The final one, fitted to all rows; it is scored only for the over-fitting gap.
        out_of_fold: Predictions of rows by heads that had not seen them.
        rows: What it was fitted to.
        recipe: How, with the seed of bootstrap draws and of the learning curve's parts.
    """
    y, folds, classes, seed, choice = rows.y, rows.folds, rows.classes, recipe.seed, out_of_fold.choice
    scored, k = np.flatnonzero(out_of_fold.scored), len(classes)
    said = Outcomes.of_classes(classes, out_of_fold.p[scored], y[scored])
    weights = class_weights(y, k)
    head = HEADS[choice.chosen.head]

    z = choice.axes.z  # the same scores from fewer columns
    own = choice.logits[choice.index]  # (r, n, k); (0, n, k) where nothing was held out
    named = np.where(np.isnan(own[..., 0]), -1, own.argmax(axis=2))

    def fit_some(masks: Float32, asked: Bool) -> Array:
        heads = head.fit(z, y, k, masks * weights, [choice.chosen.strength])
        predicted = np.full(masks.shape, -1, np.int64)
        for answers, rows, (linear,) in zip(predicted, asked, heads, strict=True):
            answers[rows] = linear.scores_of(z, rows).argmax(axis=1)
        return predicted

    fit_many = on_cores(fit_some, k)
    recall = np.array([entry.recall for entry in said.per_class(rows.copies[scored]).values()])
    design_effect = group_design_effect(said.right, rows.groups_of(scored))
    end = named[0] if len(named) else None
    growth = measure_growth(fit_many, y, rows.fold, rows.copies, classes, recall, seed, end, design_effect)
    groups = None
    if rows.ignoring:
        groups = group_effect(fit_many, y, rows.groups, named, rows.ignoring, seed)
    figures = judged_by_folds(
        said,
        growth,
        classifier,
        out_of_fold,
        rows,
        recipe,
        kinds=y,
        sampled=OVERFIT_ROWS,
        doubtful=crowded(y, rows.copies) if rows.doubtful is None else rows.doubtful | crowded(y, rows.copies),
        nothing="" if len(scored) else why_nothing_is_held_out(y, rows.copies, rows.units),
        unjudged=1 - len(scored) / len(y),
        macro_f1=judged_macro_f1(said),
        per_class=judged_by_class(said, growth, rows, scored),
        sets=prediction_sets(classifier.sets, out_of_fold.p, y, folds),
        groups=groups,
        false_alarms=false_alarms(out_of_fold.p, y, rows.copies, classes, rows.negatives, rows.seconds, design_effect),
        typical=typical(rows, out_of_fold),
    )
    return figures, growth


def judged_by_folds(
    said: Outcomes,
    growth: Growth,
    classifier: LabelHead,
    out_of_fold: OutOfFold,
    rows: Rows,
    recipe: Recipe,
    *,
    kinds: Int,
    sampled: int,
    doubtful: Bool,
    nothing: str,
    unjudged: float,
    **others: Any,
) -> Figures:
    """What there is to say of classes and of labels alike.

    Args:
        said: Of the rows that were scored.
        growth: What more rows bring.
        classifier: As for ``judge``.
        out_of_fold: As for ``judge``.
        rows: As for ``judge``.
        recipe: As for ``judge``.
        kinds: Which rows have the same answer ``(n,) int64``, for baselines.
        sampled: The score on what was learned from is measured on at least so many rows, where there are as many.
        doubtful: Which rows may have copies on both sides of a split, or are copies of few things ``(n,) bool``.
        nothing: Why nothing is judged; ``""`` where something is.
        unjudged: The share of the rows of which it is not known how they would fare.
        others: The other figures.
    """
    scored, n, folds, choice = np.flatnonzero(out_of_fold.scored), len(rows.y), rows.folds, out_of_fold.choice
    corrected, _ = bias_corrected(choice.correct, choice.losses, rows.units, recipe.seed, choice.plain)
    expected = growth.carried(corrected, n)
    design_effect = group_design_effect(said.right, rows.groups_of(scored))
    method = method_of(folds, len(choice.configurations), nothing, "" if said.exclusive else "exact match in ")
    copies, k = rows.copies[scored], len(rows.classes)
    score = cross_validated_interval(expected, copies, method, design_effect, correlation_of(len(folds)))
    score = doubted(score, said.right, doubtful[scored], copies, k, design_effect)
    phi = transform(rows.x, classifier.stages, classifier.features)
    baselines = {"majority": majority_baseline(kinds[scored]), "nearest": nearest_baseline(phi, kinds, rows.fold)}
    if rows.words:
        baselines["tf-idf"] = tfidf_accuracy(rows.words.z, kinds, k, folds)
    every = max(1, len(scored) // sampled)
    sample, items = scored[::every], [rows.items[row] for row in scored.tolist()]
    texts = [rows.words.texts[row] for row in sample.tolist()] if rows.words else None
    on_training = exact_match(
        said.given[::every], named_by(classifier.answer(rows.x[sample], texts), exclusive=said.exclusive)
    )
    if said.too_few:
        score, expected = no_score(said.too_few if len(scored) else method), float("nan")
        baselines, growth = dict.fromkeys(baselines, expected), replace(growth, curve=(), forecast=())
    multi = said.multi
    return Figures(
        classes=rows.classes,
        accuracy=with_unjudged(score, unjudged),
        baselines=baselines,
        confusion=said.confusion,
        judged_on=judged_on(len(scored), n, nothing),
        calibration=said.calibration,
        overfit_gap=on_training - expected,
        learning_curve=growth.curve,
        forecast=growth.forecast,
        unknown=unknown(classifier.unknown.threshold, out_of_fold.rejected, rows, recipe.unknown_rate),
        hardest=said.hardest(items),
        mistakes=said.mistakes(items),
        multi_label=multi is not None,
        multi=multi and replace(multi, exact_match=expected),
        unjudged=unjudged,
        **others,
    )


def judged_by_class(said: Outcomes, growth: Growth, rows: Rows, scored: Int) -> dict[str, ClassFigures]:
    """Figures of each class out of fold, with intervals as wide as folds call for.

    A fold takes from a class a part of its items, at least one, and where the others outnumber it that costs it more
    than its part of the score: recall of 10 items among 200 reads 7 points low (``benchmarks/simulated.py``). The error
    of a rare class is carried to all of its items along a power law of its own, where halving them was tried, else
    along that of all items.

    Args:
        said: What the scored rows were called.
        growth: What more items bring.
        rows: All rows.
        scored: Which of them were scored.
    """
    kept = np.ones(len(rows.classes))
    for label in np.intersect1d(said.y, np.flatnonzero(is_rare(np.bincount(rows.y, minlength=len(kept))))).tolist():
        folds = len(np.unique(rows.fold[(rows.y == label) & (rows.fold >= 0)]))  # each of these took a part of it
        kept[label] = (1 - 1 / max(folds, 2)) ** growth.power_of(label)
    return said.per_class(rows.copies[scored], rows.groups_of(scored), correlation_of(len(rows.folds)), kept)


def unknown(threshold: float, rejected: Array, rows: Rows, asked: float) -> Unknown:
    """The threshold of the unknown score, and the share that lies above it; arguments as of ``unknown_interval``."""
    return Unknown(threshold, asked, unknown_interval(rejected, rows, asked))


def unknown_interval(rejected: Array, rows: Rows, asked: float) -> Interval:
    """The share of items of the classes that is called unknown, out of fold.

    What an item that lies far out adds to the share that is counted, it takes from the true one, for it moves the
    threshold. So the low end is also that of the count which the threshold was set to, at least one item of n.

    Args:
        rejected: Of each row, as in ``OutOfFold``.
        rows: What was judged.
        asked: The share that the threshold was set to.
    """
    known = np.flatnonzero(~np.isnan(rejected))
    effect = group_design_effect(rejected[known], rows.groups_of(known))
    value = float(rejected[known].mean(dtype=np.float64)) if len(known) else float("nan")
    found = cross_validated_interval(
        value, rows.copies[known], "out of fold; Wilson interval", effect, THRESHOLD_CORRELATION
    )
    if not len(known):
        return found
    n = effective_size(rows.copies[known]) / effect / THRESHOLD_CORRELATION
    least, _ = poisson_interval(max(1, int(min(value, asked) * n)))
    return replace(found, low=min(found.low, least / n))


def prediction_sets(rule: SetRule, p: Array, y: Int, folds: Sequence[Int]) -> PredictionSets:
    """What a rule promises of prediction sets, and what it holds on held-out rows.

    Args:
        rule: How sets are made.
        p: Probabilities of each row, by heads that had not seen it ``(n, k)``; ``nan`` where not scored.
        y: Their classes ``(n,) int64``.
        folds: For each repetition the fold of each row.
    """
    coverage, size = measured(p, y, len(rule.counts), rule.level, folds)
    return PredictionSets(rule.level, coverage, size, rule.complete, rule.guarantee, len(rule.short))


def method_of(folds: Sequence[Int], tried: int, nothing: str, score: str = "") -> str:
    """How a score was come by, in words.

    Args:
        folds: As in ``Rows``.
        tried: Among how many heads was chosen.
        nothing: Why nothing was held out; ``""`` where something was.
        score: What it begins with.
    """
    if nothing:
        return f"not judged: {nothing}"
    chosen = f", corrected for choosing among {tried} heads (bootstrap bias-corrected)" if tried > 1 else ""
    carried = ", carried to all items along the learning curve"
    return f"{score}{plan_of(folds)}{chosen}{carried}; Wilson interval widened for the correlation of folds"


def plan_of(folds: Sequence[Int]) -> str:
    """``5-fold cross-validation, repeated 3 times``."""
    times = f", repeated {len(folds)} times" if len(folds) > 1 else ""
    return f"{int(folds[0].max()) + 1}-fold cross-validation{times}"


def judged_on(scored: int, n: int, nothing: str) -> str:
    """Of which items figures speak, in words."""
    if nothing:
        return f"nothing: {nothing}"
    every = "all" if scored == n else f"{scored} of the"
    return f"{every} {n} training items, each by heads that had not seen it"


def typical(rows: Rows, out_of_fold: OutOfFold) -> tuple[Judged, ...]:
    """Items that were named rightly out of fold and lie nearest to the mean of their class, class by class.

    At most ``TYPICAL`` of each and ``TYPICAL_IN_ALL`` together, of copies one: they are for people to look at.

    Args:
        rows: What the model was fitted to.
        out_of_fold: What heads that had not seen the rows said of them.
    """
    each = max(1, min(TYPICAL, TYPICAL_IN_ALL // max(1, len(rows.classes))))
    right = out_of_fold.scored.copy()
    right[right] = out_of_fold.p[right].argmax(axis=1) == rows.y[right]
    found: list[Judged] = []
    for index, label in enumerate(rows.classes):
        own = np.flatnonzero(right & (rows.y == index))
        if not len(own):
            continue
        mean = (right & (rows.y == index)).astype(np.float32) @ rows.x / len(own)  # without a copy of the rows
        order = own[np.argsort(-(rows.x @ mean)[own], kind="stable")]
        _, first = np.unique(rows.copies[order], return_index=True)
        for row in order[np.sort(first)[:each]].tolist():
            sure = float(out_of_fold.p[row, index])
            found.append(Judged(rows.items[row].name, label, label, sure, sure))
    return tuple(found[:TYPICAL_IN_ALL])


def judged_macro_f1(said: Outcomes) -> float:
    """Mean F1 of the classes that were judged; those of which nothing was held out have none."""
    judged = said.given.any(axis=0)
    return float("nan") if said.too_few else label_f1(said.given[:, judged], said.named[:, judged])[1]


def majority_baseline(y: Int) -> float:
    """Accuracy of always naming the most frequent class."""
    return float(np.bincount(y).max() / len(y)) if len(y) else float("nan")


def nearest_baseline(phi: Float32, y: Int, folds: Int) -> float:
    """Out-of-fold accuracy of the single nearest neighbour by cosine similarity.

    From about 4,000 rows on it is measured on an even sample of the held-out ones: the work is that of ``NEIGHBOURS``
    pairs, and ``LEAST_NEIGHBOURS`` rows give it to within 1.5 points in the middle of the range.

    Args:
        phi: Features ``(n, d) float32``.
        y: ``(n,) int64``.
        folds: Fold of each row ``(n,) int64``; a row's neighbours are those of other folds.
    """
    length = np.maximum(np.sqrt(np.einsum("nd,nd->n", phi, phi)), np.finfo(np.float32).tiny)
    scored = np.flatnonzero(folds >= 0)
    wanted = min(len(scored), max(LEAST_NEIGHBOURS, NEIGHBOURS // max(len(y), 1)))
    if not wanted:
        return float("nan")
    sample = scored[np.linspace(0, len(scored) - 1, wanted).astype(np.int64)]
    blocks = []
    for fold in np.unique(folds[sample]):
        held_out = sample[folds[sample] == fold]
        train = np.flatnonzero(folds != fold)
        blocks += [(train, held_out[start : start + 512]) for start in range(0, len(held_out), 512)]  # bounded memory

    def right(block: tuple[Int, Int]) -> int:
        train, rows = block
        asked, best, nearest = phi[rows], np.full(len(rows), -np.inf, np.float32), np.zeros(len(rows), np.int64)
        for part in np.split(train, range(PART, len(train), PART)):
            cosine = (asked @ phi[part].T) / length[part]
            place = cosine.argmax(axis=1)
            value = cosine[np.arange(len(rows)), place]
            nearest, best = np.where(value > best, part[place], nearest), np.maximum(value, best)
        return int((y[nearest] == y[rows]).sum())

    return sum(map_on_cores(right, blocks)) / wanted
