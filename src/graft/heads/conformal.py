"""Prediction sets: as many classes as it takes to contain the true one with a given probability."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Self

import numpy as np

from graft.contracts import Bool, Float32, Float64
from graft.heads.restored import checked_number, count, number

_ROUNDING = 1e-6
"""A probability this close to the threshold counts as reaching it: float32 differs that much between processors."""


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
        """Calibration items that a class needs at this level, 9 at 90 %: the least n with a rank that is at most n.

        The rank is ``⌈(n + 1) level⌉``, and so n ``⌈level / (1 - level)⌉``.
        """
        return ceil(self.level / (1 - self.level) - 1e-9)

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
        members: Bool = p >= self.reached
        return members

    @property
    def reached(self) -> Float64:
        """From which probability on a class is in the set ``(k,) float64``."""
        return np.asarray(self.thresholds, np.float64) - _ROUNDING

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
