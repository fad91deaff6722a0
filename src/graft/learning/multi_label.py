"""Any number of labels for one item: a logistic regression for each label, chosen, calibrated and judged together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graft.contracts import Bool, Float32, Float64, Int, Linear, Stages
from graft.errors import UsageError
from graft.executors import map_on_cores
from graft.heads.features import DESCRIPTIONS, available, transform
from graft.heads.multi_label import THRESHOLD, MultiLabelClassifier, firmness_of, sigmoid
from graft.learning.axes import principal
from graft.learning.calibration import mean_answer
from graft.learning.classifier import OutOfFold, without_own_vote
from graft.learning.logistic import fit_binary
from graft.learning.rule import select
from graft.learning.selection import MANY_ROWS, Choice, Configuration
from graft.learning.unknown import fit_unknown
from graft.recipe import Recipe

HEAD = "logistic"
"""The only head that there is for labels that do not exclude each other."""
STRENGTHS = (1.0, 8.0, 64.0, 512.0)
"""Values of C that cross-validation tries. All labels share one: one for each changed the loss by about 1 %, to
either side."""
_START = 64.0
"""Where nothing can be scored."""
_PRIOR = 16.0
"""How firmly the calibration of a label is held to that of all labels: as by so many items with p(1 - p) = 1."""
_SCORES = 1 << 26
"""Out-of-fold scores that are kept, at most; the grid is thinned out until they fit."""
_BLOCKS = 10
"""Cross-fitting joins folds to at most this many blocks."""


@dataclass(frozen=True, slots=True, eq=False)
class MultiLabelOutOfFold(OutOfFold):
    """What is known of the training rows from heads that have not seen them; ``p`` are independent probabilities.

    Attributes:
        sets: The labels that they were given ``(n, k) bool``; all false where not scored.
        right: Whether these were exactly the given ones ``(n,) bool``; false where not scored.
    """

    sets: Bool
    right: Bool


def strata_of(given: Bool, units: Int) -> Int:
    """One class for each item ``(n,) int64``, so that folds can be balanced: its rarest label.

    Every label is then about as frequent in each fold as the items of rarer labels leave it free to be. Labels that
    only one unit bears cannot be held out; they count where an item has no other. Items without labels are a class.

    Args:
        given: Which labels each item bears ``(n, k) bool``.
        units: What stands together in every split ``(n,) int64``.
    """
    frequency = units_with(given, units)
    order = np.where(frequency > 1, frequency, len(given) + 1)
    rarest = np.where(given, order, len(given) + 2).argmin(axis=1)
    return np.asarray(np.where(given.any(axis=1), rarest, given.shape[1]), dtype=np.int64)


def units_with(given: Bool, units: Int) -> Int:
    """In how many units each label occurs ``(k,) int64``; see ``strata_of``."""
    return np.array([len(np.unique(units[column])) for column in given.T], np.int64)


def check_multi_label_head(head: str) -> None:
    """Whether a recipe may ask for this head where items bear any number of labels.

    Raises:
        UsageError: It may not.
    """
    if head not in ("auto", HEAD):
        raise UsageError(
            f"The head {head} gives each item one class, and these items bear any number of labels.",
            f"Leave the head at auto, or take {HEAD}.",
        )


def fit_multi_label(
    x: Float32, given: Bool, units: Int, stages: Stages, folds: Sequence[Int], recipe: Recipe
) -> tuple[MultiLabelClassifier, MultiLabelOutOfFold]:
    """Choose features and a strength, fit every label to all rows, and calibrate on rows that heads had not seen.

    Args:
        x: Embeddings ``(n, dim) float32``.
        given: Which labels each row bears ``(n, k) bool``.
        units: What stands together in every split ``(n,) int64``.
        stages: Widths of the encoder's stages; they sum to ``dim``.
        folds: For each repetition the fold of each row; -1: always trained on, never scored.
        recipe: Its ``head`` and ``unknown_rate`` count here.

    Raises:
        UsageError: The recipe asks for another head than the logistic one.
    """
    check_multi_label_head(recipe.head)
    choice = choose_multi_label(x, given, stages, folds, units)
    scores = choice.logits[choice.index]  # (r, n, k)
    scored = ~np.isnan(scores).all(axis=(0, 2)) if len(folds) else np.zeros(len(given), np.bool_)
    rule = fit_rule(scores, given)
    phi = transform(x, stages, choice.chosen.features)
    present, strata = np.unique(strata_of(given, units), return_inverse=True)
    firmness = firmness_of(rule.apply(scores))
    unknown, rejected = fit_unknown(phi, strata, len(present), folds, firmness, recipe.unknown_rate)
    everything = np.ones((1, len(given)), np.float32)
    [[head]] = fit_binary(choice.axes.z, given, balance(given), everything, [choice.chosen.strength])
    classifier = MultiLabelClassifier(
        stages=stages,
        features=choice.chosen.features,
        linear=rule.into(choice.axes.restore(head)),
        unknown=unknown,
    )

    def said(scores: Float32) -> Float32:
        return mean_answer(sigmoid(calibrated(scores, given, folds)))

    p = without_own_vote(choice, said(scores), folds, said)
    sets = p >= THRESHOLD  # not of rows that were never scored: those are ``nan``
    right = scored & (sets == given).all(axis=1)
    return classifier, MultiLabelOutOfFold(choice, p, scored, rejected, sets, right)


def balance(given: Bool) -> Float32:
    """Weights ``(n, k) float32``, mean 1 for each label, that let those who bear it count as much as all others.

    A rare label is otherwise held down by the strength that suits the others. What it does to the probabilities is
    undone by calibration.
    """
    n = len(given)
    bearing = given.sum(axis=0)
    with np.errstate(divide="ignore"):
        weights = np.where(given, n / (2 * bearing), n / (2 * (n - bearing)))
    return np.where((bearing == 0) | (bearing == n), 1, weights).astype(np.float32)


def choose_multi_label(x: Float32, given: Bool, stages: Stages, folds: Sequence[Int], units: Int) -> Choice:
    """Try features and strengths on the given folds; the rule is that of ``selection.choose``.

    The loss of a row is the sum of its labels' log losses after calibration; it is right where all labels are. Both
    are those of a calibration that was fitted without the row, as ``calibrated`` does it.
    """
    n, k = given.shape
    grid = _grid(stages, len(folds) * n * k, n)
    scores = np.full((len(grid), len(folds), n, k), np.nan, np.float32)
    weights = balance(given)
    held_out = [(r, fold == f) for r, fold in enumerate(folds) for f in np.unique(fold[fold >= 0])]
    features = list(dict.fromkeys(entry.features for entry in grid))
    axes = dict(zip(features, map_on_cores(lambda key: principal(transform(x, stages, key)), features), strict=True))

    def score(task: tuple[str, list[tuple[int, Bool]]]) -> None:
        key, part = task
        places = [i for i, entry in enumerate(grid) if entry.features == key]
        masks = np.stack([(~out).astype(np.float32) for _, out in part])
        found = fit_binary(axes[key].z, given, weights, masks, [grid[i].strength for i in places])
        for (repetition, out), heads in zip(part, found, strict=True):
            for place, linear in zip(places, heads, strict=True):
                scores[place, repetition, out] = linear.scores(axes[key].z[out])

    # The heads of a task are held at once.
    many = max(1, (1 << 24) // max(len(grid) * k * (max(own.z.shape[1] for own in axes.values()) + 1), 1))
    parts = [held_out[start : start + many] for start in range(0, len(held_out), many)]
    map_on_cores(score, [(key, part) for key in features for part in parts])
    losses, correct = _losses(scores, given, folds)
    plain = np.array([entry.features == grid[0].features for entry in grid])
    distance = [abs(np.log(entry.strength / _START)) if p else np.inf for entry, p in zip(grid, plain, strict=True)]
    index, why = int(np.argmin(distance)), "Nothing could be held out, so nothing could be compared: the plain choice."
    common = np.flatnonzero(~np.isnan(losses).any(axis=0))
    if len(common):
        once = np.ones((1, len(common)), np.float32)
        index = int(select(losses[:, common], once, plain, units[common])[0])
        why = _why(grid, losses[:, common].mean(axis=1, dtype=np.float64), index)
    return Choice(
        configurations=grid,
        logits=scores,
        temperatures=np.ones(len(grid)),
        losses=losses,
        correct=correct,
        plain=plain,
        index=index,
        why=why,
        groups=units,
        axes=axes[grid[index].features],
        final=None,
    )


def _grid(stages: Stages, scores: int, n: int) -> tuple[Configuration, ...]:
    features = list(available(stages))
    strengths = list(STRENGTHS[:-1] if n >= MANY_ROWS else STRENGTHS)  # many rows outweigh the weakest, the slowest
    while len(strengths) > 1 and len(features) * len(strengths) * scores > _SCORES:
        strengths.pop()
    return tuple(Configuration(f, HEAD, strength) for f in features for strength in strengths)


def _losses(scores: Float32, given: Bool, folds: Sequence[Int]) -> tuple[Float32, Float32]:
    """Log loss of each row, and the share of repetitions in which all its labels were right: ``(c, n)`` each."""
    losses, correct = np.full((2, len(scores), len(given)), np.nan, np.float32)
    scored = ~np.isnan(scores[0, :, :, 0])  # (r, n)
    rows = np.flatnonzero(scored.any(axis=0))
    times = scored.sum(axis=0)[rows]

    def judge(i: int) -> None:
        logits = calibrated(scores[i], given, folds)
        right = ((logits >= 0) == given).all(axis=2) & scored
        losses[i, rows] = -np.nansum(_log_likelihood(logits, given), axis=0)[rows] / times
        correct[i, rows] = right.sum(axis=0)[rows] / times

    map_on_cores(judge, range(len(scores)))
    return losses, correct


def _why(grid: Sequence[Configuration], loss: Float64, index: int) -> str:
    best = int(loss.argmin())
    chosen, other = (_words(grid[i]) for i in (index, best))
    if best != index:
        against = f"a log loss of {loss[best]:.3f} against {loss[index]:.3f}"
        return f"{chosen} was kept: {other} had {against}, which may be chance."
    return f"{chosen} had the least log loss ({loss[best]:.3f}, all labels together) of {len(loss)} tried."


def _words(entry: Configuration) -> str:
    return f"{entry.head} for each label on {DESCRIPTIONS[entry.features]} (strength {entry.strength:g})"


def calibrated(scores: Float32, given: Bool, folds: Sequence[Int]) -> Float32:
    """Log odds ``(r, n, k) float32`` of out-of-fold scores, each row calibrated as ``rules_without`` says."""
    logits = np.full_like(scores, np.nan)
    for own, result, fold in zip(scores, logits, folds, strict=True):
        result[:] = rules_without(own, given, fold).apply(own)
    return logits


def rules_without(scores: Float32, given: Bool, fold: Int) -> PlattScaling:
    """For each row the calibration that is fitted without its own block of folds.

    A rule that has seen a row has moved the decision on it towards its labels, which flatters exact matches.

    Args:
        scores: Of one repetition ``(n, k) float32``, ``nan`` where a row was not scored.
        given: Which labels each row bears ``(n, k) bool``.
        fold: Of each row ``(n,) int64``; -1: not scored.

    Returns:
        Slopes and shifts ``(n, k)``; rows that were not scored have that of all others.
    """
    block = np.where(fold >= 0, fold % _BLOCKS, -1)
    slope, shift = np.empty((2, *scores.shape))
    for held_out in np.unique(block):
        others = np.flatnonzero((block >= 0) & (block != held_out))
        rule = fit_rule(scores[None, others], given[others])
        slope[block == held_out], shift[block == held_out] = rule.slope, rule.shift
    return PlattScaling(slope, shift)


@dataclass(frozen=True, slots=True, eq=False)
class PlattScaling:
    """Log odds of each label from the score of its head: ``slope * score + shift``.

    Each is ``(k,) float64``, or ``(n, k)`` where every row has a rule of its own.
    """

    slope: Float64
    shift: Float64

    def apply(self, scores: Float32) -> Float32:
        """Calibrated log odds, the labels on the last axis; ``nan`` stays ``nan``."""
        return np.asarray(scores * self.slope.astype(np.float32) + self.shift.astype(np.float32), dtype=np.float32)

    def of(self, rows: Int | Bool) -> PlattScaling:
        """The rules of some rows, where every row has its own."""
        return PlattScaling(self.slope[rows], self.shift[rows])

    def into(self, head: Linear) -> Linear:
        """The head whose scores are calibrated log odds, its weights as a bundle keeps them."""
        weights = (head.weights * self.slope).astype(np.float16).astype(np.float32)
        return Linear(weights, (head.bias * self.slope + self.shift).astype(np.float32))


def fit_rule(scores: Float32, given: Bool) -> PlattScaling:
    """Platt scaling (1999) of each label, held to that of all labels together.

    One slope and one shift are fitted to all decisions on all labels; then a slope and a shift for each label, with a
    penalty on their distance from the common ones. A label with a handful of items has little to say on its own and
    takes what the others say; one with hundreds decides for itself. On three sets the log loss was below that of
    scaling each label alone (with 60 items 1.59 against 1.81 at most); the common rule alone did as well with 60
    items, and worse with 600 (2.27 against 2.20 at most).

    Args:
        scores: Out-of-fold scores ``(r, n, k) float32``, ``nan`` where a row was not scored.
        given: Which labels each row bears ``(n, k) bool``.
    """
    k = given.shape[1]
    usable = ~np.isnan(scores).any(axis=2)  # (r, n)
    if not usable.any():
        return PlattScaling(np.ones(k), np.zeros(k))
    repetition, row = np.nonzero(usable)
    z = scores[repetition, row].astype(np.float64)  # (m, k)
    y = given[row].astype(np.float64)
    weight = (1 / usable.sum(axis=0)[row])[:, None]  # repetitions of a row count as one row
    spread = max(float(np.sqrt(np.average(z**2))), 1e-9)
    bearing, bare = float((weight * y).sum()), float((weight * (1 - y)).sum())
    smoothed = np.where(y > 0, (bearing + 1) / (bearing + 2), 1 / (bare + 2))
    start = np.array([[1 / spread], [0.0]])
    column = (-1, 1)
    every = np.broadcast_to(weight, z.shape).reshape(column)
    common = _platt(z.reshape(column), smoothed.reshape(column), every, start, 1e-6)
    slope, shift = _platt(z, y, weight, np.repeat(common, k, axis=1), _PRIOR)
    return PlattScaling(slope, shift)


def _platt(z: Float64, target: Float64, weight: Float64, start: Float64, prior: float) -> Float64:
    """Slopes and shifts ``(2, k)`` of the columns of ``z`` ``(m, k)`` by Newton's method with bounded steps."""
    a, b = start.copy()
    pull = prior / start[0] ** 2
    for _ in range(50):
        p = sigmoid(a * z + b)
        residual, curvature = weight * (p - target), weight * p * (1 - p)
        g_a = (residual * z).sum(axis=0) + pull * (a - start[0])
        g_b = residual.sum(axis=0) + prior * (b - start[1])
        aa = (curvature * z * z).sum(axis=0) + pull + 1e-12
        ab = (curvature * z).sum(axis=0)
        bb = curvature.sum(axis=0) + prior
        det = np.maximum(aa * bb - ab * ab, 1e-12 * aa * bb)
        step_a = np.clip((bb * g_a - ab * g_b) / det, -0.7 * a, 0.7 * a)
        step_b = np.clip((aa * g_b - ab * g_a) / det, -2, 2)
        a, b = np.maximum(a - step_a, 1e-3 * start[0]), b - step_b
        if np.abs(step_a).max() < 1e-5 * a.max() and np.abs(step_b).max() < 1e-5:
            break
    return np.stack([a, b])


def _log_likelihood(logits: Float32, given: Bool) -> Float32:
    """Log probability of the given labels, all of a row together: ``(r, n)``; ``nan`` where not scored."""
    signed = np.where(given, logits, -logits)
    return np.asarray((np.minimum(signed, 0) - np.log1p(np.exp(-np.abs(signed)))).sum(axis=2), dtype=np.float32)
