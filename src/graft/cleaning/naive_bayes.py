"""Naive Bayes on binned features, cross-validated: how well a few numbers alone separate classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from graft.contracts import Array, Bool, Float64, Int

FOLDS = 5
MOST_BINS = 12
PRIOR = 2.0
"""Items' worth of belief that a class is spread over the bins as all items are."""


class Rates(NamedTuple):
    """Of a cross-validated classifier.

    Attributes:
        accuracy: Balanced: the mean recall of the classes that are judged; chance is 1 in as many.
        against_rest: Balanced accuracy of each class against the rest ``(k,)``; chance is a half, and ``nan`` stands
            for a class that is not judged.
    """

    accuracy: float
    against_rest: Float64


def into_bins(values: Array, bins: int) -> Int:
    """Bin of each value ``(n,) int64``: one for each of few different values, else as many items in each."""
    known = np.unique(values[np.isfinite(values)])
    if len(known) <= 1:
        return np.zeros(len(values), np.int64)
    if len(known) <= bins:
        edges = (known[1:] + known[:-1]) / 2
    else:
        cuts = np.quantile(values[np.isfinite(values)], np.linspace(0, 1, bins + 1)[1:-1])
        edges, times = np.unique(cuts, return_counts=True)
        edges = np.sort(np.append(edges, np.nextafter(edges[times > 1], np.inf)))  # what many have is a bin of its own
    return np.where(np.isfinite(values), np.searchsorted(edges, values, side="right"), len(edges) + 1)


def assign_folds(units: Int, seed: int) -> Int:
    """A fold for each item ``(n,) int64``, the same for all of one unit."""
    _, unit = np.unique(units, return_inverse=True)
    places = np.random.default_rng(seed).permutation(unit.max() + 1) % FOLDS
    return np.asarray(places[unit], np.int64)


def cross_validate(features: Sequence[Int], y: Int, k: int, folds: Int, judged: Bool) -> Rates:
    """Cross-validated naive Bayes, all classes being as likely.

    Args:
        features: Bin of each item ``(n,) int64`` for each feature.
        y: Class of each item ``(n,) int64``.
        k: Number of classes.
        folds: Fold of each item ``(n,) int64``.
        judged: Which classes ``(k,) bool`` have enough items; the others are known and never named.
    """
    n = len(y)
    seen = np.zeros((FOLDS, k))
    np.add.at(seen, (folds, y), 1)
    seen = seen.sum(axis=0) - seen  # (folds, k): items to learn from
    logs = np.zeros((n, k), np.float32)
    for bins in features:
        logs += _log_likelihood(bins, y, k, folds, seen)[folds, bins]
    logs[:, ~judged] = -np.inf
    winners = logs.argmax(axis=1)
    totals = np.maximum(1, np.bincount(y, minlength=k))
    recall = np.bincount(y[winners == y], minlength=k) / totals
    ours = _named_against_rest(logs, seen, folds)
    true = np.bincount(y[ours[np.arange(n), y]], minlength=k)
    false_share = (ours.sum(axis=0) - true) / np.maximum(1, n - totals)
    against_rest = (true / totals + 1 - false_share) / 2
    return Rates(float(np.nanmean(np.where(judged, recall, np.nan))), np.where(judged, against_rest, np.nan))


def _log_likelihood(bins: Int, y: Int, k: int, folds: Int, seen: Float64) -> Array:
    """Of each bin in each class, by the items outside of each fold: ``(folds, bins, k) float32``."""
    width = int(bins.max()) + 1
    counts = np.bincount((folds * width + bins) * k + y, minlength=FOLDS * width * k).reshape(FOLDS, width, k)
    counts = counts.sum(axis=0) - counts
    overall = (counts.sum(axis=2, keepdims=True) + 1 / width) / (counts.sum(axis=(1, 2), keepdims=True) + 1)
    return np.asarray(np.log((counts + PRIOR * overall) / (seen[:, None, :] + PRIOR)), np.float32)


def _named_against_rest(logs: Array, seen: Float64, folds: Int) -> Bool:
    """Which items are said to be of which class where it is as likely as all others together ``(n, k) bool``."""
    peak = logs.max(axis=1, keepdims=True)
    weights = (seen / np.maximum(1, seen.sum(axis=1, keepdims=True))).astype(np.float32)[folds]
    density = np.exp(logs - peak)
    joint = density * weights
    rest = (joint.sum(axis=1, keepdims=True) - joint) / np.maximum(1e-9, weights.sum(axis=1, keepdims=True) - weights)
    return np.asarray(density > rest)
