"""Prediction sets: as many classes as it takes to contain the true one with a given probability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Self

import numpy as np

from graft.contracts import Bool, Float32, Int
from graft.heads.restored import checked_number, count, number

_ROUNDING = 1e-6
"""A probability this close to the threshold counts as reaching it: float32 differs that much between processors."""
_BLOCKS = 10
"""Cross-validating the sets joins folds to at most this many blocks."""


@dataclass(frozen=True, slots=True)
class SetRule:
    """Which classes belong in an item's prediction set.

    Attributes:
        level: Share of sets that are to contain the true class.
        thresholds: A class is in the set from this probability on; 0, hence always, where its items were too few.
        counts: How many calibration items each class had.
    """

    level: float
    thresholds: tuple[float, ...]
    counts: tuple[int, ...]

    @property
    def needed(self) -> int:
        """Calibration items that a class needs at this level: 9 at 90 %."""
        return items_needed(self.level)

    @property
    def short(self) -> tuple[int, ...]:
        """Classes that had too few items, and are in every set."""
        return tuple(label for label, count in enumerate(self.counts) if count < self.needed)

    @property
    def complete(self) -> bool:
        """Whether every set holds every class."""
        return len(self.short) == len(self.counts)

    @property
    def guarantee(self) -> str:
        """What is promised, in words."""
        share = f"{self.level:.0%}"
        if self.complete:
            return f"Every class is returned: sets at {share} need {self.needed} held-out items of each class."
        promise = (
            f"Aimed at {share} for every class; the proven bound of cross-conformal prediction is "
            f"{max(0.0, 2 * self.level - 1):.0%}, for items drawn like these."
        )
        if self.short:
            promise += f" {len(self.short)} of {len(self.counts)} classes had fewer than {self.needed} held-out items"
            promise += " and stand in every set."
        return promise

    def sets(self, p: Float32) -> Bool:
        """The prediction sets ``(n, k) bool`` of calibrated probabilities ``p`` ``(n, k)``.

        A set may be empty: the item then fits no class as well as nearly all items of that class do. Filling it up
        with the most probable class would raise coverage to at least the accuracy, and the level would say nothing.
        """
        members: Bool = p >= np.asarray(self.thresholds) - _ROUNDING
        return members

    def to_dict(self) -> dict[str, Any]:
        """JSON-able values."""
        return {"level": self.level, "thresholds": list(self.thresholds), "counts": list(self.counts)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The rule that ``to_dict`` wrote.

        Raises:
            ValueError: A value is not what a rule can have.
        """
        thresholds, counts = values["thresholds"], values["counts"]
        if len(thresholds) != len(counts):
            raise ValueError(f"{len(thresholds)} thresholds for {len(counts)} classes")
        return cls(
            number(values, "level", above=0, below=1),
            tuple(
                checked_number(threshold, "a threshold of the sets", above=-1e-9, below=1.000001)
                for threshold in thresholds
            ),
            tuple(count(one, "a count of the sets") for one in counts),
        )


def items_needed(level: float) -> int:
    """The least n with a rank ``⌈(n + 1) level⌉`` that is at most n: ``⌈level / (1 - level)⌉``."""
    return ceil(level / (1 - level) - 1e-9)


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
    usable = np.flatnonzero(~np.isnan(p).any(axis=1))
    if not len(usable) or not len(folds):
        return float("nan"), float("nan")
    members = held_out_sets(p, y, k, level, folds)[usable]
    return int(members[np.arange(len(usable)), y[usable]].sum()) / len(usable), int(members.sum()) / len(usable)


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
