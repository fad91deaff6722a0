"""Whether a tuned model ships: it has to be better, beyond chance, on items that nothing was chosen on.

Before anything else a part of the items is set aside for both models, near-duplicates and groups whole. Of few items
every one is held out in its turn instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graft.contracts import Bool, Float32, Float64, Int
from graft.data.split import stratified_group_folds
from graft.heads.calibration import probabilities
from graft.learning.calibration import cross_fitted, fit_temperature
from graft.metrics import accuracy, log_losses
from graft.report.words import percent

SHARE = 0.2
"""Of the items this part is set aside for the gate."""
VALIDATION = 0.1
"""Of the others this part tells when to stop."""
CALIBRATED_IN = 5
"""Parts of the rows that were held out; the temperature of one is fitted on the others."""
LEVEL = 0.9
"""Of the interval: a model that is no better gets below 0 in one case of twenty. See ``docs/augmentation.md``."""
SPREAD = 0.05
"""Of each prediction this share is spread over all classes before it is judged. The loss of an item has a bound then:
one that may bear a wrong label does not decide alone, and the gate keeps back fewer of those that are better."""
LEAST = 400
"""Fewer items than this tell too little of a difference: then every item is held out in its turn."""
MOST = 2000
"""More are not needed for it."""
FOLDS = 3
FOLDS_OF_FEW, FEW_OF_A_CLASS = 5, 20
"""Of classes of fewer items, as most are, what is held out is missed more: then there are more folds."""

FEW = 10
"""Of fewer units than this no bootstrap says how far off they may be: then nothing ships."""

NAMES_ALONE = (
    "The model stays as it was: the tuned one is better, but only by the names of the classes; of an untuned head that "
    "has learned from them too the bounded log loss is no higher"
)
"""Why nothing ships where it is not the training that helps."""

_AT_ONCE = 1 << 22
"""Drawn units that are held at once (32 MB)."""


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Rows to fit to, rows that tell when to stop, and rows that decide: ``int64`` each, ascending and disjoint."""

    fit: Int
    validation: Int
    gate: Int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate decided.

    Attributes:
        ships: Whether the tuned model takes the place of the one that went in.
        reason: Why, in one sentence.
        loss_difference: Log loss of the tuned model less that of the one that went in, in nats, ``SPREAD`` of each
            prediction spread over all classes; below 0 is better.
        low: Lower end of its interval.
        high: Upper end.
        doubt: Share of the bootstrap's draws in which the tuned model is no better.
        accuracy_before: Of the model that went in, 0 to 1.
        accuracy_after: Of the tuned one.
        n: Items that decided.
    """

    ships: bool
    reason: str
    loss_difference: float
    low: float
    high: float
    doubt: float
    accuracy_before: float
    accuracy_after: float
    n: int


def decide(
    before_p: Float32,
    after_p: Float32,
    y: Int,
    units: Int,
    *,
    rival_p: Float32 | None = None,
    level: float = LEVEL,
    draws: int = 2000,
    seed: int = 0,
) -> Verdict:
    """Compare two models on the same held-out items.

    The tuned one ships if the percentile interval of the paired bootstrap over units (Efron and Tibshirani, An
    Introduction to the Bootstrap, 1993, chapter 13) of the difference of log losses lies below 0, and its accuracy is
    not lower. Both have to be ``calibrated`` in the same way, or else the sharper one has an edge that is none.

    Args:
        before_p: What the model that went in says ``(n, k) float32``.
        after_p: What the tuned one says ``(n, k) float32``.
        y: Given classes ``(n,) int64``.
        units: What shares its fate, such as near-duplicates ``(n,) int64``.
        rival_p: What a head on the network as it was says that has learned from the names of classes too, as the tuned
            one has ``(n, k) float32``. Its loss has to be higher than the tuned one's, or else training has done harm
            that names make up for.
        level: Of the two-sided interval, in (0, 1).
        draws: Of the bootstrap.
        seed: Every random choice follows from it.
    """
    right_before, right_after = accuracy(y, before_p.argmax(axis=1)), accuracy(y, after_p.argmax(axis=1))
    difference = log_losses(y, _spread(after_p)) - log_losses(y, _spread(before_p))
    mean = float(difference.mean())
    drawn = _drawn_means(difference, units, draws, seed)
    low, high = (float(end) for end in np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], method="nearest"))
    ships = bool(high < 0 and right_after >= right_before)
    reason = _reason(ships, (mean, low, high), (right_before, right_after), len(y))
    if ships and rival_p is not None:
        left = float((log_losses(y, _spread(after_p)) - log_losses(y, _spread(rival_p))).mean())
        if left >= 0:
            ships, reason = False, f"{NAMES_ALONE} ({left:+.3f})."
    return Verdict(ships, reason, mean, low, high, float(np.mean(drawn >= 0)), right_before, right_after, len(y))


def calibrated(scores: Float32, y: Int, units: Int, *, seed: int = 0) -> Float32:
    """Probabilities ``(n, k) float32``, each row's by the temperature that fits the others.

    Args:
        scores: Of the rows that were held out ``(n, k) float32``.
        y: Their classes ``(n,) int64``.
        units: What shares its fate ``(n,) int64``.
        seed: Every random choice follows from it.
    """
    fold = stratified_group_folds(y, units, CALIBRATED_IN, seed)[0]
    p: Float32 = cross_fitted(scores[None], y, [fold])[0]
    alone = np.isnan(p).any(axis=1)  # those of a class that stands in one unit
    p[alone] = probabilities(scores[alone], fit_temperature(scores, y))
    return p


def set_aside(y: Int, units: Int, *, share: float = SHARE, seed: int = 0) -> Parts:
    """One part for the gate, of about ``share`` of the rows and at most about ``MOST``.

    Every class is spread over the parts in proportion, as far as units that stay whole allow. Rows of a class that
    stands in one unit are always fitted to.

    Args:
        y: Class of each row ``(n,) int64``.
        units: What has to stay together ``(n,) int64``.
        share: In (0, 0.5].
        seed: Every random choice follows from it.
    """
    folds = stratified_group_folds(y, units, max(round(1 / share), len(y) // MOST), seed)[0]
    return _parts(y, units, folds == 0, seed)


def out_of_fold_plan(y: Int, units: Int, *, folds: int = FOLDS, seed: int = 0) -> tuple[Parts, ...]:
    """Parts whose gates hold out every row once, but those of a class that stands in one unit.

    Both models are fitted and stopped anew in each; ``decide`` takes what they say of all gates together.

    Args:
        y: Class of each row ``(n,) int64``.
        units: What has to stay together ``(n,) int64``.
        folds: How many.
        seed: Every random choice follows from it.
    """
    fold = stratified_group_folds(y, units, folds, seed)[0]
    return tuple(_parts(y, units, fold == held_out, seed) for held_out in range(int(fold.max(initial=-1)) + 1))


def plan(y: Int, units: Int, seed: int = 0) -> tuple[Parts, ...]:
    """One part where there are ``LEAST`` items for it, else folds; nothing where no row can be held out."""
    parts = set_aside(y, units, seed=seed)
    if len(parts.gate) >= LEAST:
        return (parts,)
    few = bool(len(y)) and np.median(np.unique(y, return_counts=True)[1]) < FEW_OF_A_CLASS
    return out_of_fold_plan(y, units, folds=FOLDS_OF_FEW if few else FOLDS, seed=seed)


def _spread(p: Float32) -> Float32:
    spread: Float32 = ((1 - SPREAD) * p + SPREAD / p.shape[1]).astype(np.float32)
    return spread


def _parts(y: Int, units: Int, gate: Bool, seed: int) -> Parts:
    rest = np.flatnonzero(~gate)
    stops = stratified_group_folds(y[rest], units[rest], round(1 / VALIDATION), seed)[0] == 0
    return Parts(rest[~stops], rest[stops], np.flatnonzero(gate))


def _drawn_means(difference: Float64, units: Int, draws: int, seed: int) -> Float64:
    """Mean difference over units drawn with replacement ``(draws,)``; anything at all where they are too few."""
    own = np.unique(units, return_inverse=True)[1].reshape(-1)
    sums, sizes = np.bincount(own, difference), np.bincount(own)
    if len(sums) < FEW:
        return np.where(np.arange(draws) % 2, np.inf, -np.inf)
    chance = np.random.default_rng(seed)
    step = max(1, _AT_ONCE // len(sums))
    means = []
    for start in range(0, draws, step):
        drawn = chance.integers(len(sums), size=(min(step, draws - start), len(sums)))
        means.append(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1))
    return np.concatenate(means)


def _reason(ships: bool, loss: tuple[float, float, float], right: tuple[float, float], n: int) -> str:
    mean, low, high = loss
    figures = (
        f"({mean:+.3f}, {low:+.3f} to {high:+.3f}; accuracy {percent(right[0])} before, {percent(right[1])} after)"
    )
    if ships:
        return f"The tuned model ships: on {n:,} items held out from both its bounded log loss is lower {figures}."
    if np.isinf(high):
        why = "nothing can be told, they are too few"
    elif high < 0:
        why = "the bounded log loss is lower, but so is the accuracy"
    elif low > 0:
        why = "the bounded log loss is higher"
    elif mean < 0:
        why = "a bounded log loss so little lower may be chance"
    else:
        why = "the bounded log loss is no lower"
    return f"The model stays as it was: of the tuned one, on {n:,} items held out from both, {why} {figures}."
