"""From out-of-fold predictions to the figures of the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from graft.contracts import Array, Bool, Float32, Int
from graft.data.dataset import Item
from graft.evaluation.alarms import false_alarms, poisson_interval
from graft.evaluation.doubt import crowded, doubted, why_nothing_is_held_out
from graft.evaluation.grouping import group_effect
from graft.evaluation.growth import Growth, is_rare, measure_growth, on_cores
from graft.evaluation.held_out import TOO_FEW, class_figures, confusion
from graft.evaluation.intervals import (
    THRESHOLD_CORRELATION,
    correlation_of,
    cross_validated_interval,
    effective_size,
    enough_judged,
    group_design_effect,
    no_score,
    with_unjudged,
)
from graft.evaluation.rows import Rows
from graft.executors import map_on_cores
from graft.heads.features import transform
from graft.heads.protocols import CalibratedHead
from graft.learning import HEADS
from graft.learning.classifier import OutOfFold
from graft.learning.conformal import measured
from graft.learning.lexical import tfidf_accuracy
from graft.learning.rule import bias_corrected
from graft.learning.selection import class_weights
from graft.metrics import accuracy, debiased_calibration_error, expected_calibration_error, precision_recall_f1
from graft.recipe import Recipe
from graft.results.figures import (
    Calibration,
    ClassFigures,
    Figures,
    Interval,
    Judged,
    PredictionSets,
    ReliabilityBin,
    Unknown,
)

HARDEST = 24
"""How many of the hardest items the report names."""
EXAMPLES_PER_CELL = 6
"""How many examples it keeps of each kind of mistake."""
EXAMPLES = 200
"""How many mistakes it keeps in all."""
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
    x, y, folds, fold, classes, seed = rows.x, rows.y, rows.folds, rows.fold, rows.classes, recipe.seed
    scored = np.flatnonzero(out_of_fold.scored)
    p, given = out_of_fold.p[scored], y[scored]
    predicted = p.argmax(axis=1).astype(np.int64) if len(scored) else np.empty(0, np.int64)
    choice = out_of_fold.choice
    corrected, _ = bias_corrected(choice.correct, choice.losses, rows.units, seed, choice.plain)
    k = len(classes)
    recall = np.array([entry.recall for entry in class_figures(given, predicted, classes).values()])
    weights = class_weights(y, k)
    head = HEADS[choice.chosen.head]

    z = choice.axes.z  # the same scores from fewer columns
    own = choice.logits[choice.index, :1]  # (1, n, k); (0, n, k) where nothing was held out
    named = np.where(np.isnan(own[..., 0]), -1, own.argmax(axis=2))

    def fit_some(masks: Float32, asked: Bool) -> Array:
        heads = head.fit(z, y, k, masks * weights, [choice.chosen.strength])
        predicted = np.full(masks.shape, -1, np.int64)
        for answers, rows, (linear,) in zip(predicted, asked, heads, strict=True):
            answers[rows] = linear.scores_of(z, rows).argmax(axis=1)
        return predicted

    fit_many = on_cores(fit_some, k)
    right = predicted == given
    design_effect = group_design_effect(right, rows.groups_of(scored))
    end = named[0] if len(named) else None
    growth = measure_growth(fit_many, y, fold, rows.copies, classes, recall, seed, end, design_effect)
    expected = growth.carried(corrected, len(y))
    sample = scored[:: max(1, len(scored) // OVERFIT_ROWS)]
    texts = [rows.words.texts[row] for row in sample.tolist()] if rows.words else None
    on_training = classifier.answer(x[sample], texts).p.argmax(axis=1).astype(np.int64)
    phi = transform(x, classifier.stages, classifier.features)
    baselines = {"majority": majority_baseline(given, k), "nearest": nearest_baseline(phi, y, fold)}
    if rows.words:
        baselines["tf-idf"] = tfidf_accuracy(rows.words.z, y, k, folds)
    nothing = "" if len(scored) else why_nothing_is_held_out(y, rows.copies, rows.units)
    method = method_of(folds, len(choice.configurations), nothing)
    correlation = correlation_of(len(folds))
    score = cross_validated_interval(expected, rows.copies[scored], method, design_effect, correlation)
    doubtful = crowded(y, rows.copies) if rows.doubtful is None else rows.doubtful | crowded(y, rows.copies)
    score = doubted(score, right, doubtful[scored], rows.copies[scored], k, design_effect)
    mean_f1, unjudged = judged_macro_f1(given, predicted, k), 1 - len(scored) / len(y)
    if not enough_judged(given):
        score, mean_f1, expected = no_score(TOO_FEW if len(scored) else method), float("nan"), float("nan")
        baselines, growth = dict.fromkeys(baselines, mean_f1), replace(growth, curve=(), forecast=())
    said = judged_items([rows.items[row] for row in scored.tolist()], p, given, classes)
    figures = Figures(
        classes=classes,
        accuracy=with_unjudged(score, unjudged),
        macro_f1=mean_f1,
        baselines=baselines,
        per_class=judged_by_class(given, predicted, growth, rows, scored),
        confusion=confusion(given, predicted, k),
        judged_on=judged_on(len(scored), len(y), nothing),
        calibration=calibration(p, given),
        overfit_gap=accuracy(y[sample], on_training) - expected,
        learning_curve=growth.curve,
        forecast=growth.forecast,
        sets=_sets(classifier, out_of_fold, y, folds),
        unknown=unknown(classifier.unknown.threshold, out_of_fold.rejected, rows, recipe.unknown_rate),
        hardest=hardest(said),
        mistakes=mistakes(said),
        groups=group_effect(fit_many, y, rows.groups, choice.correct[choice.index], rows.ignoring, seed)
        if rows.ignoring
        else None,
        false_alarms=false_alarms(out_of_fold.p, y, rows.copies, classes, rows.negatives, rows.seconds, design_effect),
        typical=typical(rows, out_of_fold),
        unjudged=unjudged,
    )
    return figures, growth


def judged_by_class(given: Int, predicted: Int, growth: Growth, rows: Rows, scored: Int) -> dict[str, ClassFigures]:
    """Figures of each class out of fold, with intervals as wide as folds call for.

    A fold takes from a class a part of its items, at least one, and where the others outnumber it that costs it more
    than its part of the score: recall of 10 items among 200 reads 7 points low (``benchmarks/simulated.py``). The error
    of a rare class is carried to all of its items along a power law of its own, where halving them was tried, else
    along that of all items.

    Args:
        given: Class of each scored row.
        predicted: What it was called.
        growth: What more items bring.
        rows: All rows.
        scored: Which of them were scored.
    """
    kept = np.ones(len(rows.classes))
    for label in np.intersect1d(given, np.flatnonzero(is_rare(np.bincount(rows.y, minlength=len(kept))))).tolist():
        folds = len(np.unique(rows.fold[(rows.y == label) & (rows.fold >= 0)]))  # each of these took a part of it
        kept[label] = (1 - 1 / max(folds, 2)) ** growth.power_of(label)
    groups, correlation = rows.groups_of(scored), correlation_of(len(rows.folds))
    return class_figures(given, predicted, rows.classes, rows.copies[scored], groups, correlation, kept)


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


def _sets(classifier: CalibratedHead, out_of_fold: OutOfFold, y: Int, folds: Sequence[Int]) -> PredictionSets:
    rule = classifier.sets
    coverage, size = measured(out_of_fold.p, y, len(rule.counts), rule.level, folds)
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


def calibration(p: Array, y: Int) -> Calibration:
    """Expected calibration error of the top class's probability, less chance, and its bins. ``p`` is ``(n, k)``."""
    found = expected_calibration_error(y, p)
    bins = [
        ReliabilityBin(float(confidence), float(accuracy), int(n))
        for confidence, accuracy, n in zip(found.confidence, found.accuracy, found.n, strict=True)
        if n
    ]
    return Calibration(debiased_calibration_error(y, p), tuple(bins))


def judged_items(items: Sequence[Item], p: Array, y: Int, classes: Sequence[str]) -> list[Judged]:
    """What was said of each item, by probabilities ``(n, k)`` of the classes; ``y`` is the given one ``(n,) int64``."""
    rows, best = np.arange(len(y)), p.argmax(axis=1)
    told = zip(items, y.tolist(), best.tolist(), p[rows, best].tolist(), p[rows, y].tolist(), strict=True)
    return [Judged(item.name, classes[own], classes[top], sure, given) for item, own, top, sure, given in told]


def hardest(judged: Sequence[Judged], believed: Array | None = None) -> tuple[Judged, ...]:
    """The items whose given label the model believes least, hardest first.

    Args:
        judged: All items.
        believed: How much each is believed ``(n,)``; by default the probability of what was given.
    """
    order = np.argsort([one.given for one in judged] if believed is None else believed, kind="stable")
    return tuple(judged[row] for row in order[:HARDEST].tolist())


def mistakes(judged: Sequence[Judged]) -> tuple[Judged, ...]:
    """Examples of every kind of mistake, the surest first: at most ``EXAMPLES_PER_CELL`` for a cell of the matrix."""
    wrong = [one for one in judged if one.predicted != one.label]
    seen: Counter[tuple[str, str]] = Counter()
    kept: list[Judged] = []
    for one in sorted(wrong, key=lambda one: -one.confidence):
        seen[one.label, one.predicted] += 1
        if seen[one.label, one.predicted] <= EXAMPLES_PER_CELL:
            kept.append(one)
    return tuple(kept[:EXAMPLES])


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


def judged_macro_f1(y: Int, predicted: Int, k: int) -> float:
    """Mean F1 of the classes that were judged, 0 to 1; those of which nothing was held out have none."""
    scores = precision_recall_f1(y, predicted, k)
    return float(scores.f1[scores.n > 0].mean()) if len(y) else float("nan")


def majority_baseline(y: Int, k: int) -> float:
    """Accuracy of always naming the most frequent class."""
    return float(np.bincount(y, minlength=k).max() / len(y)) if len(y) else float("nan")


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
