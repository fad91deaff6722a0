"""Whether the new model takes the old one's place: both are judged on the same items, which neither has seen.

The interval of the paired difference is Wald's with one half added to the count of either kind of disagreement (Agresti
and Min, Simple improved confidence intervals for comparing matched proportions, Statistics in Medicine 24, 2005); the
plain one is too short where the models disagree on few items: at 100 items and 2 % disagreement it holds the truth in
78 % of cases, and this one in 99 %. It is taken over units, so that copies of one item count once, with Student's
quantile for as many as unequal ones are worth, and its level rises with each month that the same items decide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from graft.contracts import Float64, Int
from graft.evaluation.intervals import effective_size, student_quantile
from graft.metrics import wilson
from graft.results.figures import Interval

LEVEL = 0.95
"""Of the interval, where the items decide for the first time."""
MARGIN = 0.01
"""The new model ships only if it is not worse by more than this, beyond chance."""
LEAST, LEAST_UNITS = 20, 5
"""From fewer items, or from fewer that do not share their fate, nothing can be told."""


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """What the gate decided on some items.

    Attributes:
        ships: Whether the new model is better.
        before: Of the model in use, with its 95 % interval.
        after: Of the new one.
        difference: ``after`` less ``before``, with the interval that decides.
        level: Of that interval.
        n: Items that decided.
        uses: How often these items decide, this time included: 1 where none of them has before.
    """

    ships: bool
    before: Interval
    after: Interval
    difference: Interval
    level: float
    n: int
    uses: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: ``{n, difference{value, low, high}, level, uses}``."""
        found = self.difference
        return {
            "n": self.n,
            "difference": {"value": found.value, "low": found.low, "high": found.high},
            "level": self.level,
            "uses": self.uses,
        }


def level_of(uses: float) -> float:
    """The level of the interval where the same items decide for the ``uses``-th time.

    What may go wrong is 2.5 % on one side, then a quarter of that, then a ninth, and so on: 4.2 % in all, however often
    the same items are asked.
    """
    return 1 - (1 - LEVEL) / max(uses, 1.0) ** 2


def decide(
    before: Float64, after: Float64, units: Int, *, uses: float = 1.0, correlation: float = 1.0
) -> PairedComparison:
    """Compare two models on the same items.

    The new one ships if the lower end of the interval of the difference lies above ``-MARGIN``, and the difference
    above 0.

    Args:
        before: How good each answer of the model in use is ``(n,)``, 1 at best.
        after: The same of the new one.
        units: What shares its fate, such as copies ``(n,) int64``.
        uses: How often these items decide, this time included.
        correlation: By how much items count for less, for they were held out in turn: ``FOLD_CORRELATION``.
    """
    level = level_of(uses)
    difference = paired(after - before, units, level, correlation)
    enough = len(units) >= LEAST and effective_size(units) >= LEAST_UNITS
    ships = bool(enough and difference.low > -MARGIN and difference.value > 0)
    return PairedComparison(
        ships,
        mean_of(before, units, correlation),
        mean_of(after, units, correlation),
        difference,
        level,
        len(units),
        uses,
    )


def paired(difference: Float64, units: Int, level: float = LEVEL, correlation: float = 1.0) -> Interval:
    """The mean of paired differences with its interval.

    Args:
        difference: Of each item ``(n,)``; of right and wrong answers -1, 0 or 1.
        units: What shares its fate ``(n,) int64``.
        level: Of the interval.
        correlation: The variance is enlarged by this.
    """
    if not len(difference):
        return Interval(math.nan, -1.0, 1.0, "no items")
    totals = np.bincount(np.unique(units, return_inverse=True)[1].reshape(-1), difference)
    n = len(difference) + 2.0
    centre = float(difference.sum()) / n
    variance = (float((totals**2).sum()) + 1 - n * centre**2) / n**2
    reach = student_quantile(level, effective_size(units) - 1) * math.sqrt(max(variance, 0.0) * correlation)
    return Interval(float(difference.mean()), centre - reach, centre + reach, f"paired, {100 * level:.4g} %")


def mean_of(values: Float64, units: Int, correlation: float = 1.0) -> Interval:
    """A mean with its 95 % interval: Wilson's where answers are right or wrong, else the normal one over units."""
    if not len(values):
        return Interval(math.nan, 0.0, 1.0, "no items")
    mean = float(values.mean())
    if np.isin(values, (0.0, 1.0)).all():
        n = effective_size(units) / correlation
        return Interval(mean, *wilson(mean * n, n), "items that neither has seen")
    totals = np.bincount(np.unique(units, return_inverse=True)[1].reshape(-1), values - mean)
    reach = (
        student_quantile(LEVEL, effective_size(units) - 1)
        * math.sqrt(float((totals**2).sum()) * correlation)
        / len(values)
    )
    return Interval(mean, mean - reach, mean + reach, "items that neither has seen")
