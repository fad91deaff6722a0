"""95 % intervals that are honest about what cross-validation does to independence."""

from __future__ import annotations

import math

import numpy as np

from graft.contracts import Int
from graft.metrics import wilson
from graft.report.content import Interval

FOLD_CORRELATION = 1.4
"""By how much cross-validation's items count for less than independent ones: the variance of the distance between the
cross-validated score and the accuracy of the final model, as a multiple of the binomial variance. Fold models share
most of their training items, and the final model is one draw among many (Nadeau & Bengio 2003; Bates, Hastie &
Tibshirani 2023 found naive intervals too short by 20 to 60 %).

Measured as ``benchmarks/honesty.py`` draws, 20 to 100 items of each class: 1.1 on photos, and 1.4 on texts and on
embeddings with noise added, which were not used to set it; without ``Growth.carried`` 1.3 and 1.9. With 2 to 7 items
of each class 1.2 and 1.7. At 1.4 intervals are 1.2 times as wide as Wilson's."""


def effective_size(clusters: Int) -> float:
    """How many independent items the rows are worth, when those of one cluster are copies of each other.

    ``(sum of sizes)^2 / sum of squared sizes`` (Kish 1965). ``clusters`` is ``(n,) int64``.
    """
    if len(clusters) == 0:
        return 0.0
    sizes = np.bincount(np.unique(clusters, return_inverse=True)[1]).astype(np.float64)
    return float(sizes.sum() ** 2 / (sizes**2).sum())


def held_out_interval(accuracy: float, clusters: Int, method: str) -> Interval:
    """Wilson's interval for items that no part of the fit has seen."""
    return _interval(accuracy, effective_size(clusters), method)


def cross_validated_interval(accuracy: float, clusters: Int, method: str) -> Interval:
    """Wilson's interval with as many items as cross-validation's correlated ones are worth."""
    return _interval(accuracy, effective_size(clusters) / FOLD_CORRELATION, method)


def _interval(accuracy: float, n: float, method: str) -> Interval:
    if n == 0 or math.isnan(accuracy):
        return Interval(math.nan, 0.0, 1.0, method)
    low, high = wilson(accuracy * n, n)
    return Interval(accuracy, low, high, method)
