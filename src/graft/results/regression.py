"""What a fit or an evaluation finds out where an item has a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from graft.data.dataset import Skipped
from graft.results.facts import Facts
from graft.results.figures import Interval, Unknown


@dataclass(frozen=True, slots=True)
class ErrorPoint:
    """Mean absolute error after training on ``n`` items, with its 95 % interval."""

    n: int
    mae: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class JudgedNumber:
    """One held-out prediction: the item, its number, what the model said, and the prediction interval."""

    path: str
    given: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class NumberScore:
    """How well numbers are predicted.

    ``r2`` is the share of the variance that is explained, 1 less the mean squared error over the variance, and may lie
    below 0; ``mae`` the mean absolute error and ``rmse`` the root of the mean squared error, in the numbers' unit.
    ``interval_coverage`` is the share of numbers that lay in their 90 % prediction interval, which reaches ``margin``
    to either side. ``predicted`` has given and predicted numbers, evenly chosen where they are many; ``hardest`` the
    items with the largest errors.
    """

    r2: Interval
    mae: Interval
    rmse: Interval
    interval_coverage: Interval
    margin: float
    predicted: tuple[tuple[float, float], ...]
    hardest: tuple[JudgedNumber, ...]


@dataclass(frozen=True, kw_only=True)
class NumberFigures(NumberScore):
    """What cross-validation found.

    ``baselines`` are the mean absolute errors of the mean number and of the number of the nearest item;
    ``overfit_gap`` is how much larger the error is than on the items that were learned from. ``test`` is the score on
    a given test split, which was used once.
    """

    baselines: Mapping[str, float]
    learning_curve: tuple[ErrorPoint, ...]
    overfit_gap: float
    judged_on: str
    unknown: Unknown
    test: NumberScore | None = None


@dataclass(frozen=True, kw_only=True)
class NumberScores(NumberScore):
    """A model's score on items whose numbers are known."""

    n_items: int
    split: str
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def as_test(self) -> NumberScore:
        """The score as a report of a fit has it, where the items were its given test split."""
        return NumberScore(**{entry.name: getattr(self, entry.name) for entry in fields(NumberScore)})


@dataclass(frozen=True, kw_only=True)
class NumberRecord(NumberFigures, Facts):
    """Facts and figures together: what a report of numbers shows."""
