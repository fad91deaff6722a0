"""The rule by which cross-validation takes one of many, and how much choosing by it flatters."""

from __future__ import annotations

import numpy as np

from graft.contracts import Bool, Float32, Float64, Int
from graft.executors import checkpoint

HURDLE = 2.5
"""A challenger must beat the plain choice by this many standard errors of the paired difference of losses.

One-sided 5 % (1.645), times 1.5 because the training sets of five folds overlap (the corrected variance of Nadeau and
Bengio, Machine Learning 52, 2003, is 2.25 times the naive one).
"""
LOW_HURDLE = 1.0
MANY_HELD_OUT = 1000
"""From so many held-out rows on ``LOW_HURDLE`` is enough: what chance can choose there is hardly worse."""
_DRAWS = (200, 1000)
"""Bootstrap draws, at least and at most: the more rows, the fewer tell as much."""
_DRAWN = 2_000_000
"""Rows that are drawn in all, between these bounds."""


def bias_corrected(
    correct: Float32, losses: Float32, groups: Int, seed: int, plain: Bool | None = None
) -> tuple[float, Float64]:
    """Accuracy of choosing and fitting, free of the optimism of having chosen on the same items.

    Bootstrap bias-corrected cross-validation (Tsamardinos, Greasidou and Borboudakis, Machine Learning 107, 2018):
    draw the out-of-fold predictions with replacement, choose on what was drawn by the same rule, score what was
    not drawn. Nothing is refitted. Whole groups are drawn, since near-duplicates share their fate. Where only the one
    that was taken was scored on all rows, what is found on the common ones is carried over: its own accuracy on all
    rows, less what choosing was found to flatter it by.

    Args:
        correct: ``(c, n) float32`` as in ``Choice``.
        losses: ``(c, n) float32`` as in ``Choice``.
        groups: Group of each row ``(n,) int64``.
        seed: Of the draws.
        plain: ``(c,) bool`` as in ``Choice``; by default the least loss wins.

    Returns:
        The corrected accuracy, 0 to 1 (``nan`` where nothing was scored), and the accuracy of each draw.
    """
    rows = np.flatnonzero(~(np.isnan(correct).any(axis=0) | np.isnan(losses).any(axis=0)))
    if not len(rows):
        return float("nan"), np.empty(0)
    right, loss = correct[:, rows], losses[:, rows]
    _, group = np.unique(groups[rows], return_inverse=True)
    taken = int(select(loss, np.ones((1, len(rows)), np.float32), plain, group)[0])
    beyond = float(np.nanmean(correct[taken]) - right[taken].mean())
    size = int(group.max()) + 1
    rng = np.random.default_rng(seed)
    accuracies = []
    wanted = int(np.clip(_DRAWN // len(rows), *_DRAWS))
    chunk = max(1, (1 << 22) // max(len(rows), size))
    for start in range(0, wanted, chunk):
        checkpoint()
        draws = min(chunk, wanted - start)
        drawn = rng.integers(size, size=(draws, size)) + size * np.arange(draws)[:, None]
        times = np.bincount(drawn.ravel(), minlength=draws * size).reshape(draws, size).astype(np.float32)
        counts = times if size == len(rows) and (np.diff(group) > 0).all() else times[:, group]
        winners = select(loss, counts, plain, group)
        out = (counts == 0).astype(np.float32)
        scored = out.sum(axis=1)
        hits = np.einsum("bn,bn->b", right[winners], out)
        accuracies.append((hits[scored > 0] / scored[scored > 0]).astype(np.float64))
    draws_of_all = np.concatenate(accuracies) + beyond
    if not len(draws_of_all):  # one group: nothing is ever left out
        return float(right[taken].mean()), draws_of_all
    return float(draws_of_all.mean()), draws_of_all


def select(losses: Float32, counts: Float32, plain: Bool | None, groups: Int) -> Int:
    """The rule of ``selection.choose``, for rows that count ``counts`` ``(b, n)`` times: ``(b,)`` indices.

    The standard error is that of clusters: with every row on its own the usual one of a mean.
    """
    total = counts.sum(axis=1)
    mean = (counts @ losses.T) / total[:, None]  # (b, c)
    best: Int = mean.argmin(axis=1)
    if plain is None or plain.all() or not plain.any():
        return best
    base = np.where(plain, mean, np.inf).argmin(axis=1)
    gain = losses[base] - losses[best]  # (b, n)
    mean_gain = np.einsum("bn,bn->b", gain, counts) / total
    gain -= mean_gain[:, None]
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    if len(starts) < len(groups):
        gain = np.add.reduceat((gain * (counts > 0))[:, order], starts, axis=1)  # (b, groups)
        counts = np.maximum.reduceat(counts[:, order], starts, axis=1)
    drawn = counts.sum(axis=1)
    hurdle = LOW_HURDLE if losses.shape[1] >= MANY_HELD_OUT else HURDLE
    error = np.sqrt(np.einsum("bg,bg,bg->b", gain, gain, counts) * drawn / np.maximum(drawn - 1, 1)) / total
    return np.asarray(np.where(mean_gain > hurdle * error, best, base), dtype=np.int64)
