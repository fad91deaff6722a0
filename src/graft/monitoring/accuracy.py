"""How accurate a model probably is now, on items without labels, where only the shares of classes have moved.

As long as items of a class look as they did, the calibrated probabilities of a model are right but for the shares of
the classes, which are found from the probabilities themselves by expectation-maximisation (Saerens, Latinne and
Decaestecker, "Adjusting the outputs of a classifier to new a priori probabilities", Neural Computation 14, 2002). The
estimate is the mean of what they then say of the answers.

How far it may be off is told by another estimate, which takes nothing from probabilities: the shares of now under which
the counts of the answers are likeliest, given what was confused with what out of fold (Lipton, Wang and Smola,
"Detecting and correcting for label shift with black box predictors", ICML 2018), and the classes' own accuracies.

The interval holds what is uncertain of both sides: rows of the confusion matrix and counts of answers are drawn again
and again from what is likely to stand behind them, and so is how many of these items are right by chance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graft.contracts import Float64

DRAWS = 600
LEAST_ITEMS = 50
"""Of fewer answers no accuracy is estimated."""
LATEST = 1000
"""So many of the last items at most say how it is now."""
_PRIOR = 2.0
"""Items that stand for what is known of a class before any of it was judged: that it is like the others."""
_WEIGHT = 0.6
"""How far the estimate is off, in parts of how far the one from counts alone is; chosen on other draws of shares."""
_STEPS = 60
_HALF_WIDTH = 0.05
_SURE = 0.8


@dataclass(frozen=True, slots=True)
class AccuracyNow:
    """An estimate, or why there is none.

    Attributes:
        value: The accuracy, with the ends of its 95 % interval; ``None`` where none can be given.
        low: Lower end.
        high: Upper end.
        reason: Why there is none, or what it rests on.
        n: Of so many items.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""
    n: int = 0


def labels_needed(accuracy: float) -> int:
    """How many items have to be labelled to know an accuracy within 5 points with 95 % confidence.

    It may have fallen: what is expected is at most 80 %.
    """
    expected = min(accuracy, _SURE) if math.isfinite(accuracy) else 0.5
    expected = max(expected, 0.5)
    return math.ceil(1.96**2 * expected * (1 - expected) / _HALF_WIDTH**2)


def accuracy_now(confusion: Float64, p: Float64, doubt: float = 1.0) -> tuple[float, float, float]:
    """Value, and ends of the 95 % interval, of the accuracy of items that were answered so.

    Args:
        confusion: Out-of-fold answers ``(k, k)``: given classes as rows.
        p: Calibrated probabilities of the classes ``(n, k)``.
        doubt: How many of the judged items count as one, where they come in groups.
    """
    n, k = p.shape
    counts = np.bincount(p.argmax(axis=1), minlength=k).astype(np.float64)
    judged = confusion / doubt
    right = np.trace(judged) / max(judged.sum(), 1)
    answered = judged.sum(axis=0) + 0.5
    # A class that was not judged is right as often as the others, and taken for these as often as they are answered.
    others = np.tile(answered, (k, 1)) * (1 - np.eye(k))
    expected = right * np.eye(k) + (1 - right) * others / np.maximum(others.sum(axis=1, keepdims=True), 1e-9)
    rows = judged + _PRIOR * np.maximum(expected, 1e-3)
    chance = np.random.default_rng(0)
    drawn = chance.standard_gamma(np.broadcast_to(rows, (DRAWS, k, k)))
    drawn[0] = rows
    drawn /= drawn.sum(axis=2, keepdims=True)
    seen = chance.standard_gamma(np.broadcast_to(counts + 0.5 / k, (DRAWS, k)))
    seen[0] = counts + 0.5 / k
    seen /= seen.sum(axis=1, keepdims=True)
    shares = shares_of(drawn, seen)
    accuracy = np.clip((shares * np.diagonal(drawn, axis1=1, axis2=2)).sum(axis=1), 0, 1)
    value = believed(np.asarray(p, np.float64), confusion.sum(axis=1))
    likely = np.clip(value + _WEIGHT * (accuracy - accuracy[1:].mean()), 0, 1)
    spread = np.sqrt(likely * (1 - likely) / n)
    met = np.clip(likely + spread * chance.standard_normal(DRAWS), 0, 1)
    low, high = np.quantile(met[1:], (0.025, 0.975))
    return value, float(min(low, value)), float(max(high, value))


def believed(p: Float64, fitted: Float64) -> float:
    """How many of the likeliest answers are right, by their probabilities under the shares of classes of now.

    Args:
        p: Calibrated probabilities ``(n, k)``, under the shares that the model was fitted to.
        fitted: How many items of each class it was fitted to ``(k,)``.
    """
    before = (fitted + 0.5) / (fitted + 0.5).sum()
    now, own = before, p
    for _ in range(_STEPS):
        own = np.maximum(p, 1e-9) * (now / before)
        own /= own.sum(axis=1, keepdims=True)
        now = (own.sum(axis=0) + _PRIOR * before) / (len(p) + _PRIOR)
    return float(own[np.arange(len(p)), p.argmax(axis=1)].mean())


def shares_of(rows: Float64, seen: Float64) -> Float64:
    """The shares of classes ``(..., k)`` under which these shares of answers are likeliest (expectation-maximisation).

    Args:
        rows: How often each class is answered to items of each ``(..., k, k)``.
        seen: Shares of the answers ``(..., k)``.
    """
    shares = np.full(seen.shape, 1 / seen.shape[-1])
    for _ in range(_STEPS):
        answered = np.einsum("...k,...kj->...j", shares, rows)
        shares = shares * np.einsum("...kj,...j->...k", rows, seen / np.maximum(answered, 1e-12))
        shares /= shares.sum(axis=-1, keepdims=True)
    return np.asarray(shares)


def effective(accuracy: float, low: float, high: float, n: int) -> float:
    """How many judged items count as one: from the width of the interval that the report gives."""
    if not (n and math.isfinite(accuracy) and math.isfinite(high - low)) or not 0 < accuracy < 1:
        return 1.0
    half = (high - low) / 2
    return max(1.0, n * half**2 / (1.96**2 * accuracy * (1 - accuracy)))


def counted(labels: Sequence[str], classes: Sequence[str]) -> Float64:
    """How often each class was answered ``(k,)``."""
    place = {name: column for column, name in enumerate(classes)}
    return np.bincount([place[label] for label in labels if label in place], minlength=len(classes)).astype(np.float64)
