"""One temperature, fitted on out-of-fold scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graft.contracts import Float32, Int
from graft.heads.calibration import probabilities
from graft.learning.logistic import ABSENT

_ROWS = 4096
"""A temperature has one degree of freedom: more rows than this are thinned out evenly."""
_BLOCKS = 10
"""Cross-fitting joins folds to at most this many blocks."""


def fit_temperature(logits: Float32, y: Int, items: int | None = None) -> float:
    """The temperature with the least log loss (Guo, Pleiss, Sun and Weinberger, ICML 2017), kept finite.

    Labels are smoothed as Platt did (1999): ``n`` items that are all right support a confidence of
    ``(n + 1) / (n + 2)`` and no more, so that few items and perfect separation give sane probabilities. The objective
    is convex in the inverse temperature; Newton's method with bounded steps.

    Args:
        logits: Out-of-fold scores ``(m, k) float32``; rows with ``nan`` are left out.
        y: ``(m,) int64``.
        items: How many different items the rows show, for rows that repeat; by default ``m``.

    Returns:
        A temperature > 0; 1 where there is nothing to fit.
    """
    usable = np.flatnonzero(~np.isnan(logits).any(axis=1))
    if not len(usable):
        return 1.0
    items = len(usable) if items is None else items
    rows = usable[:: -(-len(usable) // _ROWS)]
    z = logits[rows].astype(np.float64)
    z -= z.max(axis=1, keepdims=True)
    k = z.shape[1]
    smoothing = min(1.0, k / ((k - 1) * (items + 2)))
    present = z > ABSENT / 2
    everywhere = np.where(present, z, 0.0).sum(axis=1) / present.sum(axis=1)
    target = float(((1 - smoothing) * z[np.arange(len(rows)), y[rows]] + smoothing * everywhere).mean())
    spread = float(np.sqrt((np.where(present, z, 0.0) ** 2).mean()))
    if spread < 1e-12:
        return 1.0
    inverse = 1 / spread
    for _ in range(50):
        p = np.exp(inverse * z)
        p /= p.sum(axis=1, keepdims=True)
        mean = (p * z).sum(axis=1)
        slope = float(mean.mean()) - target
        curvature = float(((p * z * z).sum(axis=1) - mean * mean).mean())
        step = -slope / max(curvature, 1e-300)
        following = min(max(inverse + step, inverse / 3, 1e-3 / spread), inverse * 3, 1e3 / spread)
        if abs(following - inverse) < 1e-4 * inverse:
            break
        inverse = following
    return 1 / following


def cross_fitted(logits: Float32, y: Int, folds: Sequence[Int]) -> Float32:
    """Probabilities whose temperature was fitted on other folds than the one it is used on.

    Args:
        logits: Out-of-fold scores ``(r, n, k) float32``, ``nan`` where a row was not scored.
        y: ``(n,) int64``.
        folds: For each repetition the fold of each row ``(n,) int64``, -1 where it was not scored.

    Returns:
        ``(r, n, k) float32``, ``nan`` where ``logits`` is.
    """
    p = np.full_like(logits, np.nan)
    for repetition, fold in enumerate(folds):
        block = np.where(fold >= 0, fold % _BLOCKS, -1)
        for held_out in np.unique(block[block >= 0]):
            inside = block == held_out
            others = np.flatnonzero((block >= 0) & ~inside)
            temperature = fit_temperature(logits[repetition, others], y[others])
            p[repetition, inside] = probabilities(logits[repetition, inside], temperature)
    return p


def mean_answer(p: Float32) -> Float32:
    """The mean over repetitions of ``(r, n, k)``; rows that were never scored stay ``nan``."""
    mean = np.full(p.shape[1:], np.nan, np.float32)
    scored = ~np.isnan(p).all(axis=(0, 2))
    if scored.any():  # the mean of nothing comes with a warning
        mean[scored] = np.nanmean(p[:, scored], axis=0)
    return mean
