"""Thresholds of prediction sets, from the probabilities of items that their head had not seen."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np

from graft.contracts import Bool, Float32, Int
from graft.heads.conformal import SetRule
from graft.metrics import set_coverage, set_size

_BLOCKS = 10
"""Cross-validating the sets joins folds to at most this many blocks."""


def fit_sets(p: Float32, y: Int, k: int, level: float) -> SetRule:
    """Cross-conformal prediction sets, calibrated for each class on its own.

    The score of an item is one minus the probability that an out-of-fold head gave its label; a class is in the set of
    a new item if its score there is at most the ``⌈(n + 1) level⌉``-th smallest of the n scores of that class
    (Mondrian cross-conformal prediction: Vovk, Annals of Mathematics and Artificial Intelligence 74, 2015; the least
    ambiguous sets: Sadinle, Lei and Wasserman, JASA 114, 2019). With folds, a marginal coverage of ``1 - 2α`` is
    proven for ``level = 1 - α`` (up to a term that vanishes with the size of the folds: Vovk, Nouretdinov, Manokhin
    and Gammerman, 2018; Barber, Candès, Ramdas and Tibshirani, Annals of Statistics 49, 2021); about ``1 - α`` is what
    one sees.

    Args:
        p: Calibrated out-of-fold probabilities ``(n, k) float32``; rows with ``nan`` are left out.
        y: ``(n,) int64``.
        k: Number of classes.
        level: In (0, 1).
    """
    usable = np.flatnonzero(~np.isnan(p).any(axis=1))
    given, label = p[usable, y[usable]], y[usable]
    thresholds, counts = [], []
    for c in range(k):
        own = np.sort(given[label == c])[::-1]  # falling probability is rising score
        rank = ceil((len(own) + 1) * level - 1e-9)
        thresholds.append(float(own[rank - 1]) if rank <= len(own) else 0.0)
        counts.append(len(own))
    return SetRule(level, tuple(thresholds), tuple(counts))


def measured(p: Float32, y: Int, k: int, level: float, folds: Sequence[Int]) -> tuple[float, float]:
    """Coverage and mean size of the sets on items that neither their head nor their thresholds have seen.

    Args:
        p: As in ``fit_sets``.
        y: As in ``fit_sets``.
        k: As in ``fit_sets``.
        level: As in ``fit_sets``.
        folds: Repetitions of the folds, ``(n,) int64`` each; the first is used.

    Returns:
        ``(coverage, mean size)``, ``nan`` where nothing was scored.
    """
    usable = ~np.isnan(p).any(axis=1) & bool(len(folds))
    members = held_out_sets(p, y, k, level, folds)[usable]
    return set_coverage(members, y[usable]), set_size(members)


def held_out_sets(p: Float32, y: Int, k: int, level: float, folds: Sequence[Int]) -> Bool:
    """The sets ``(n, k) bool`` of items by thresholds from the other folds; empty where nothing was scored.

    Args:
        p: As in ``fit_sets``.
        y: As in ``fit_sets``.
        k: As in ``fit_sets``.
        level: As in ``fit_sets``.
        folds: As in ``measured``.
    """
    members = np.zeros(p.shape, np.bool_)
    block = np.where(~np.isnan(p).any(axis=1), folds[0] % _BLOCKS, -1) if len(folds) else np.full(len(y), -1)
    for held_out in np.unique(block[block >= 0]):
        inside, others = np.flatnonzero(block == held_out), np.flatnonzero((block >= 0) & (block != held_out))
        members[inside] = fit_sets(p[others], y[others], k, level).sets(p[inside])
    return members
