"""Items that are none of the classes: far from all others in what the encoder sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graft.contracts import Bool, Float32, Int
from graft.learning.axes import leading
from graft.learning.neighbours import Neighbours, nearest, unit

NEIGHBOURS = 10
"""Nearest items that are kept of each, and that the distance is the mean of."""
COLUMNS = 256
"""The nearest are looked for on so many principal axes; the rest of the features hardly moves them."""
FAR = 2.5
"""Robust standard deviations beyond the median from which an item is far from all others: of ordinary items about
1 % lie there, of items of other picture sets that were mixed in two thirds or more (``docs/clean.md``)."""
ENOUGH = 10
"""Of fewer items none can be said to be far from the rest."""


@dataclass(frozen=True, slots=True, eq=False)
class Outliers:
    """How far each item is from the others.

    Attributes:
        score: ``(n,) float32``, 0 to 1, low is bad: 0.5 at the bound of ``is_issue``.
        is_issue: ``(n,) bool``.
        neighbours: The nearest other items, none a copy of it where there are others ``(n, k) int64``.
        distance: To the nearest of all, copies too: 1 - cosine ``(n,) float32``.
    """

    score: Float32
    is_issue: Bool
    neighbours: Int
    distance: Float32


def score_outliers(features: Float32, clusters: Int) -> Outliers:
    """Score items by the mean cosine distance to their nearest neighbours that are no copies of them.

    Distances of ordinary items are skewed, and their logarithms hardly, so that the bound is set on logarithms.

    Args:
        features: ``(n, d) float32``.
        clusters: Near-duplicates ``(n,) int64``; a copy is no evidence that an item belongs.
    """
    n = len(features)
    reduced = unit(features if features.shape[1] <= COLUMNS else features @ leading(features, COLUMNS))  # not centred
    largest = int(np.bincount(clusters).max(initial=1))
    found = nearest(reduced, reduced, NEIGHBOURS + min(largest - 1, NEIGHBOURS), own=np.arange(n))
    if n < ENOUGH:
        distance = 1 - found.similarity[:, 0] if found.rows.shape[1] else np.ones(n)
        return Outliers(np.ones(n, np.float32), np.zeros(n, np.bool_), found.rows, distance.clip(0).astype(np.float32))
    kept, cosine = _without_copies(found, clusters)
    distance = np.log(np.maximum(1 - np.nanmean(cosine, axis=1), 1e-6))
    middle = np.median(distance)
    spread = max(float(np.median(np.abs(distance - middle))) / 0.6745, 1e-6)  # 0.6745: of a normal distribution
    z = (distance - middle) / spread
    score = 1 / (1 + np.exp(z - FAR))
    nearest_of_all = 1 - found.similarity[:, 0]
    return Outliers(score.astype(np.float32), np.asarray(z > FAR), kept, nearest_of_all.clip(0).astype(np.float32))


def _without_copies(found: Neighbours, clusters: Int) -> tuple[Int, Float32]:
    """The first ``NEIGHBOURS`` that are no copies; an item that has only copies keeps those."""
    copy = clusters[found.rows] == clusters[:, None]
    copy[copy.all(axis=1)] = False
    order = np.argsort(copy, axis=1, kind="stable")[:, :NEIGHBOURS]
    rows = np.take_along_axis(found.rows, order, axis=1)
    cosine = np.where(np.take_along_axis(copy, order, axis=1), np.nan, np.take_along_axis(found.similarity, order, 1))
    return rows, cosine.astype(np.float32)
