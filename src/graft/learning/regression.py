"""Fitting a model of numbers: ridge, its prediction interval, and what it does not know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graft.contracts import Float32, Float64, Int, Stages
from graft.errors import DataError
from graft.heads.features import transform
from graft.heads.regressor import LEVEL, Regressor
from graft.learning.ridge import RidgeChoice, choose_ridge, unswayed
from graft.learning.unknown import PROTOTYPES, beyond, fit_unknown, quantile
from graft.recipe import Recipe

LEAST = 10
"""So many items are needed: of 9 errors the largest is all that an interval for 90 % could be made of."""

LEAST_SPREAD = 1e-100
"""Squares of smaller differences leave the range of floating point, as those of numbers over 1e100 do."""


@dataclass(frozen=True, slots=True, eq=False)
class NumbersOutOfFold:
    """What is known of the training rows from heads that have not seen them.

    Attributes:
        choice: What cross-validation tried and took.
        said: Predicted numbers ``(r, n) float64`` in each repetition; ``nan`` where not scored. The head of each row
            was fitted and chosen on other folds than the row's own.
        missed: In which share of the repetitions the number of each row lay outside of an interval that it had no part
            in ``(n,) float32``.
        rejected: In which share of them it was called unknown ``(n,) float32``; see ``fit_unknown``.
    """

    choice: RidgeChoice
    said: Float64
    missed: Float32
    rejected: Float32


def fit_regressor(
    x: Float32, y: Float64, stages: Stages, folds: Sequence[Int], recipe: Recipe, units: Int
) -> tuple[Regressor, NumbersOutOfFold]:
    """Choose features and strength, fit all rows, and set the interval by what was said of rows not seen.

    The interval is the final head's number, plus and minus the ``⌈(n + 1) 0.9⌉``-th smallest of n out-of-fold errors:
    cross-conformal residuals (Vovk, Annals of Mathematics and Artificial Intelligence 74, 2015) around one head, where
    CV+ (Barber, Candès, Ramdas and Tibshirani, Annals of Statistics 49, 2021) would keep and ask the head of each fold.
    A head that has seen all rows errs a little less than those of folds, so that the interval is rather too wide; that
    it holds is measured out of fold, and by ``benchmarks regression`` on further pictures.

    Args:
        x: Embeddings ``(n, dim) float32``.
        y: The numbers ``(n,) float64``.
        stages: Widths of the encoder's stages; they sum to ``dim``.
        folds: For each repetition the fold of each row; -1: always trained on, never scored.
        recipe: Its ``unknown_rate`` counts here.
        units: What shares its fate ``(n,) int64``.

    Raises:
        DataError: There are fewer than ``LEAST`` items, nothing can be held out, or all numbers are the same.
    """
    check_numbers(y, units)
    centre, scale = float(y.mean()), float(y.std())
    choice = choose_ridge(x, (y - centre) / scale, stages, folds)
    said = centre + scale * unswayed(choice, folds)
    scored = ~np.isnan(said)
    errors = (np.abs(said - y) / scale).astype(np.float32)
    margin = scale * max(quantile(errors[scored], len(np.unique(units)), 1 - LEVEL), float(np.finfo(np.float32).eps))
    phi = transform(x, stages, choice.chosen.features)
    parts = min(PROTOTYPES, len(y) // 4)
    part = (np.argsort(np.argsort(y, kind="stable"), kind="stable") * parts // len(y)).astype(np.int64)
    unknown, rejected = fit_unknown(phi, part, parts, folds, errors[:, :, None], recipe.unknown_rate)
    linear = choice.smoother.linear((y - centre) / scale, choice.chosen.strength)
    regressor = Regressor(stages, choice.chosen.features, linear, unknown, centre, scale, margin)
    return regressor, NumbersOutOfFold(choice, said, beyond(errors, scored, folds, 1 - LEVEL), rejected)


def check_numbers(y: Float64, units: Int) -> None:
    """Whether there is something to learn, and something to hold out.

    Args:
        y: The numbers of the training items ``(n,) float64``.
        units: What shares its fate ``(n,) int64``.

    Raises:
        DataError: There is not.
    """
    if len(y) < LEAST:
        raise DataError(
            f"There are {len(y)} items to train on; an interval that is to hold in {LEVEL:.0%} of cases needs {LEAST}.",
            "Add items with their numbers.",
        )
    if y.min() == y.max():
        raise DataError(
            f"All {len(y):,} items to train on have the same number, {y[0]:g}.", "Give items with other numbers too."
        )
    if (spread := float(np.ptp(y))) < LEAST_SPREAD:
        raise DataError(
            f"The {len(y):,} items to train on have numbers that differ by {spread:g} at most, which is too little to "
            "square.",
            "Give the numbers in a smaller unit.",
        )
    if len(np.unique(units)) < 2:
        raise DataError(
            f"All {len(y):,} items to train on are copies of one another or of one group: none can be held out.",
            "Add items of other things, or of another group.",
        )
