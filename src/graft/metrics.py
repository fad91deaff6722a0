"""What predictions are worth: pure functions on arrays.

Shapes: ``y`` and ``predicted`` are ``(n,) int64`` in ``[0, k)``; ``p`` is ``(n, k)``, its rows sum to 1. Where there is
nothing to measure (``n`` = 0) a mean is ``nan``.
"""

from __future__ import annotations

from math import erf, exp, pi, sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from graft.contracts import Array, Bool, Float64, Int

_ROUNDING = 1e-9
"""How far an effective number of successes may stray from 0 to n by floating-point rounding."""


class Reliability(NamedTuple):
    """Expected calibration error and its bins ``(bins,)``; the means of an empty bin are ``nan``.

    ``variance`` is that of the number of right items which the confidences of a bin expect.
    """

    ece: float
    confidence: Float64
    accuracy: Float64
    n: Int
    variance: Float64


def accuracy(y: Int, predicted: Int) -> float:
    """Share of items that were called what they are, 0 to 1; ``nan`` for no items."""
    return float(np.mean(y == predicted)) if len(y) else float("nan")


def confusion_matrix(y: Int, predicted: Int, k: int) -> Int:
    """How often class i was called class j: ``(k, k) int64``, given labels as rows, predictions as columns."""
    return np.bincount(y * k + predicted, minlength=k * k).reshape(k, k).astype(np.int64)


def log_loss(y: Int, p: Array) -> float:
    """Mean negative log likelihood of the given labels, in nats, >= 0; ``nan`` for no items.

    A probability of 0 counts as the smallest step of its type, so that the loss stays finite.
    """
    return float(log_losses(y, p).mean()) if len(y) else float("nan")


def log_losses(y: Int, p: Array) -> Float64:
    """Negative log likelihood of each given label ``(n,) float64``, in nats; see ``log_loss``."""
    given = p[np.arange(len(y)), y]
    return np.asarray(-np.log(np.clip(given, np.finfo(p.dtype).eps, 1.0).astype(np.float64)))


def expected_calibration_error(y: Int, p: Array, bins: int | None = None) -> Reliability:
    """Mean distance between confidence (the largest probability) and accuracy, over equal-width bins ``(low, high]``.

    Guo, Pleiss, Sun, Weinberger: On Calibration of Modern Neural Networks, ICML 2017, equation 3. 0 says that, bin
    by bin, items that were predicted with confidence 0.8 are right in 80 % of all cases; ``nan`` for no items.

    Args:
        y: ``(n,) int64``.
        p: ``(n, k)``.
        bins: How many; by default one for each 20 items, from 5 to 15. Few items in many bins differ from their
            confidence by chance, and the error would say so (Roelofs et al., AISTATS 2022).
    """
    bins = bins or int(np.clip(len(y) // 20, 5, 15))
    confidence = p.max(axis=1).astype(np.float64)  # (n,)
    right = (p.argmax(axis=1) == y).astype(np.float64)
    bin_of = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    n = np.bincount(bin_of, minlength=bins)
    confidence_sum = np.bincount(bin_of, weights=confidence, minlength=bins)
    right_sum = np.bincount(bin_of, weights=right, minlength=bins)
    return Reliability(
        ece=float(np.abs(confidence_sum - right_sum).sum() / len(y)) if len(y) else float("nan"),
        confidence=_ratio(confidence_sum, n, empty=np.nan),
        accuracy=_ratio(right_sum, n, empty=np.nan),
        n=n.astype(np.int64),
        variance=np.asarray(np.bincount(bin_of, weights=confidence * (1 - confidence), minlength=bins), np.float64),
    )


def debiased_calibration_error(y: Int, p: Array, bins: int | None = None) -> float:
    """Expected calibration error less what chance adds to it, 0 to 1; ``nan`` for no items.

    The distance between confidence and accuracy is never negative, so that chance alone makes it positive: 100 items
    of a perfectly calibrated model read about 0.05. How much chance adds to the distance ``g`` of a bin is estimated
    as Kumar, Liang and Ma do (Verified Uncertainty Calibration, NeurIPS 2019, and their library's
    ``normal_debiased_ce``): by the mean of ``|N(g, s^2)|``, less ``|g|``, with ``s^2`` the variance of the bin's
    accuracy, here ``sum of confidence (1 - confidence) / n^2``, which small bins do not make 0. The mean of a folded
    normal is ``s sqrt(2 / pi) exp(-g^2 / 2 s^2) + g erf(g / s sqrt(2))`` (Leone, Nelson and Nottingham 1961).

    Args:
        y: ``(n,) int64``.
        p: ``(n, k)``.
        bins: As in ``expected_calibration_error``.
    """
    found = expected_calibration_error(y, p, bins)
    if not len(y):
        return found.ece
    error = 0.0
    for n, gap, v in zip(found.n, np.abs(found.confidence - found.accuracy), found.variance, strict=True):
        if not n:
            continue
        s = sqrt(max(float(v), 0.0)) / float(n)
        by_chance = s * sqrt(2 / pi) * exp(-(gap**2) / (2 * s**2)) + gap * erf(gap / (s * sqrt(2))) - gap if s else 0.0
        error += float(n) / len(y) * float(gap - by_chance)
    return max(0.0, error)


def auroc(positive: Bool, score: Array) -> float:
    """Probability that a random positive scores above a random negative, ties counted half: 0 to 1.

    The Mann-Whitney U statistic over its maximum (Hanley and McNeil, Radiology 143, 1982).

    Args:
        positive: ``(n,) bool``.
        score: ``(n,)``, larger for positives.

    Returns:
        The area under the ROC curve; ``nan`` where there are no positives or no negatives.
    """
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if not n_positive or not n_negative:
        return float("nan")
    _, position, ties = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(ties) - (ties - 1) / 2)[position]  # mean rank of the tied, from 1
    u = rank[positive].sum() - n_positive * (n_positive + 1) / 2
    return float(u / (n_positive * n_negative))


def wilson(successes: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson, JASA 22, 1927), without continuity correction.

    Args:
        successes: How many were right, 0 to ``n``.
        n: How many there were; fractions serve as effective sample sizes.
        level: Confidence level, in (0, 1).

    Returns:
        ``(low, high)`` within [0, 1]; ``(0, 1)`` where ``n`` is 0: nothing is known.

    Raises:
        ValueError: ``successes`` does not lie between 0 and ``n``.
    """
    if not -_ROUNDING * n <= successes <= n * (1 + _ROUNDING):
        raise ValueError(f"successes must lie between 0 and n, and are {successes} of {n}")
    if not n:
        return 0.0, 1.0
    share, z = min(1.0, max(0.0, successes / n)), NormalDist().inv_cdf((1 + level) / 2)
    centre, half = n * share + z * z / 2, z * sqrt(n * share * (1 - share) + z * z / 4)
    low, high = (centre - half) / (n + z * z), (centre + half) / (n + z * z)
    # The clips take away rounding only: the interval contains its share and stays within [0, 1].
    return max(0.0, min(share, low)), min(1.0, max(share, high))


def set_coverage(sets: Bool, y: Int) -> float:
    """Share of prediction sets ``(n, k) bool`` that contain the given class, 0 to 1; ``nan`` for no items."""
    return float(sets[np.arange(len(y)), y].mean()) if len(y) else float("nan")


def set_size(sets: Bool) -> float:
    """Mean number of classes in prediction sets ``(n, k) bool``, 0 to k; ``nan`` for no items."""
    return float(sets.sum(axis=1).mean()) if len(sets) else float("nan")


def exact_match(given: Bool, predicted: Bool) -> float:
    """Share of items whose labels ``(n, k) bool`` are all right and complete, 0 to 1; ``nan`` for no items."""
    return float((given == predicted).all(axis=1).mean()) if len(given) else float("nan")


def hamming_loss(given: Bool, predicted: Bool) -> float:
    """Share of all decisions on a label ``(n, k) bool`` that are wrong, 0 to 1; ``nan`` for no items."""
    return float((given != predicted).mean()) if given.size else float("nan")


def label_f1(given: Bool, predicted: Bool) -> tuple[float, float]:
    """F1 over all decisions on a label (micro), and the mean F1 of the labels that occur, given or predicted (macro).

    ``given`` and ``predicted`` are ``(n, k) bool``; ``nan`` where no label occurs.
    """
    hits, either = (given & predicted).sum(axis=0), given.sum(axis=0) + predicted.sum(axis=0)
    if not either.any():
        return float("nan"), float("nan")
    return float(2 * hits.sum() / either.sum()), float((2 * hits / np.maximum(either, 1))[either > 0].mean())


def average_precision(positive: Bool, score: Array) -> float:
    """Mean, over the positives, of the precision among all that score at least as high: 0 to 1.

    Args:
        positive: ``(n,) bool``.
        score: ``(n,)``, larger for positives; tied ones stand on one rank.

    Returns:
        ``nan`` where there are no positives.
    """
    if not positive.any():
        return float("nan")
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))  # of each rank
    hits = positive[order].cumsum()[last]
    return float((np.diff(hits, prepend=0) * hits / (last + 1)).sum() / hits[-1])


def _ratio(numerator: Array, denominator: Array, empty: float) -> Float64:
    result = np.full(len(numerator), empty)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result
