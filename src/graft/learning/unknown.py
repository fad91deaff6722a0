"""From which score on an input is called unknown: prototypes of the classes, and a threshold from rows not seen."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np

from graft.contracts import NEVER, Bool, Float32, Float64, Int
from graft.heads.unknown import UnknownRule, distance_to, margin_of

PROTOTYPES = 8
_NUMBERS = 10_240
"""Prototypes hold at most this many float16 numbers, 20 KB, whatever the width of the features."""
_PASSES = 25
_BLOCKS = 10
"""What is called unknown is measured with folds joined to at most this many blocks."""


def fit_unknown(
    phi: Float32, y: Int, k: int, folds: Sequence[Int], logits: Float32, rate: float
) -> tuple[UnknownRule, Float32]:
    """Prototypes of all rows, and a threshold from rows whose prototypes and head had not seen them.

    The threshold is the ``⌈(n + 1)(1 - rate)⌉``-th smallest out-of-fold score of n items, so that about the share
    ``rate`` of further items like these is called unknown; with fewer than ``1 / rate - 1`` items it is the largest.
    Scores of an item in several repetitions count by their share each: their mean would spread less than what one head
    says of a new item, and too many of those would be called unknown.

    What really is called unknown is measured: each item is held against a threshold from the other folds.

    Args:
        phi: Features ``(n, d) float32``.
        y: ``(n,) int64``.
        k: Number of classes.
        folds: For each repetition the fold of each row ``(n,) int64``; -1: never scored.
        logits: Out-of-fold scores of the head ``(r, n, k) float32``, ``nan`` where a row was not scored.
        rate: Share of in-class items that may be called unknown, in [0, 1).

    Returns:
        The rule, and in which share of the repetitions each row was called unknown by a threshold that it had no part
        in ``(n,) float32``; ``nan`` where that is not known.
    """
    rejected = np.full(len(y), np.nan, np.float32)
    sums, sizes = _class_sums(phi, y, k)
    prototypes = _prototypes(sums, sizes)
    distance = np.full((len(folds), len(y)), np.nan, np.float32)
    for repetition, fold in enumerate(folds):
        for held_out in np.unique(fold[fold >= 0]):
            rows = np.flatnonzero(fold == held_out)
            taken, fewer = _class_sums(phi[rows], y[rows], k)
            if (sizes > fewer).any():
                distance[repetition, rows] = distance_to(phi[rows], _prototypes(sums - taken, sizes - fewer))
    margin = margin_of(logits)
    scored: Bool = ~(np.isnan(distance) | np.isnan(margin))
    if not scored.any():
        return UnknownRule(prototypes, NEVER, (0.0, 1.0), (0.0, 1.0)), rejected
    rule = UnknownRule(prototypes, NEVER, _moments(distance[scored]), _moments(margin[scored]))
    if not rate:
        return rule, rejected
    score = rule.combined(distance, margin)  # nan where not scored
    threshold = quantile(score[scored], int(scored.any(axis=0).sum()), rate)
    return UnknownRule(prototypes, threshold, rule.distance, rule.margin), beyond(score, scored, folds, rate)


def quantile(scores: Float32, n: int, rate: float) -> float:
    """The ``⌈(n + 1)(1 - rate)⌉``-th smallest of the scores of ``n`` items, each of which may have several."""
    share = min(1.0, ceil((n + 1) * (1 - rate) - 1e-9) / n)
    rank = ceil(share * len(scores) - 1e-9)
    return float(np.partition(scores, rank - 1)[rank - 1])


def beyond(score: Float32, scored: Bool, folds: Sequence[Int], rate: float) -> Float32:
    """In which share of the repetitions each row lies above the ``quantile`` of the rows of other folds ``(n,)``.

    Args:
        score: ``(r, n) float32``.
        scored: Where there is one ``(r, n) bool``.
        folds: As in ``fit_unknown``; joined to at most ``_BLOCKS``.
        rate: As in ``quantile``.
    """
    called = np.full(score.shape, np.nan, np.float32)
    for repetition, fold in enumerate(folds):
        block = np.where(scored[repetition], fold % _BLOCKS, -1)
        for held_out in np.unique(block[block >= 0]):
            others = score[repetition, (block >= 0) & (block != held_out)]
            if len(others):
                rows = np.flatnonzero(block == held_out)
                called[repetition, rows] = score[repetition, rows] > quantile(others, len(others), rate)
    known = ~np.isnan(called)
    times = known.sum(axis=0)
    share = np.where(known, called, np.float32(0)).sum(axis=0) / np.maximum(times, 1)
    return np.where(times > 0, share, np.float32(np.nan)).astype(np.float32)


def _moments(values: Float32) -> tuple[float, float]:
    mean, spread = float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))
    return mean, max(spread, 1e-3 * abs(mean), 1e-6)


def _class_sums(phi: Float32, y: Int, k: int) -> tuple[Float64, Int]:
    """Sum of each class's rows ``(k, d)``, and how many they are ``(k,)``."""
    one_hot = np.zeros((k, len(y)), np.float32)
    one_hot[y, np.arange(len(y))] = 1
    return (one_hot @ phi).astype(np.float64), np.bincount(y, minlength=k)


def _prototypes(sums: Float64, sizes: Int) -> Float32:
    """Directions of the class means, grouped where they are too many; ``(m, d) float32`` of float16 numbers."""
    present = sizes > 0
    means = _unit(sums[present] / sizes[present, None])
    room = max(1, min(PROTOTYPES, _NUMBERS // means.shape[1]))
    if len(means) > room:
        means = _unit(_centres(means, room))
    return means.astype(np.float16).astype(np.float32)


def _centres(points: Float64, count: int) -> Float64:
    """Spherical k-means, begun from points that are far from one another; nothing in it is random."""
    picked = [int((points @ points.mean(axis=0)).argmax())]
    for _ in range(count - 1):
        picked.append(int((points @ points[picked].T).max(axis=1).argmin()))
    centres = points[picked]
    for _ in range(_PASSES):
        nearest = (points @ centres.T).argmax(axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, points)
        following = np.where((sums != 0).any(axis=1)[:, None], _unit(sums), centres)
        if np.array_equal(following, centres):
            break
        centres = following
    return centres


def _unit(rows: Float64) -> Float64:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))
