"""From predicted numbers to the figures of the report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from graft.contracts import Float64, Int
from graft.data.dataset import Item
from graft.data.split import learning_curve_subsets
from graft.evaluation.growth import HELD_OUT, SHARES
from graft.evaluation.intervals import effective_size, held_out_interval, student
from graft.evaluation.judging import judged_on, plan_of, unknown, unknown_interval
from graft.evaluation.outcomes import HARDEST
from graft.evaluation.rows import Rows
from graft.executors import map_on_cores
from graft.heads.features import transform
from graft.heads.protocols import NumberHead
from graft.heads.regressor import LEVEL
from graft.learning.neighbours import nearest, unit
from graft.learning.regression import NumbersOutOfFold
from graft.learning.ridge import RidgeChoice
from graft.recipe import Recipe
from graft.results.figures import Interval
from graft.results.regression import ErrorPoint, JudgedNumber, NumberFigures, NumberScore

ERROR_CORRELATION = 3.0
"""By how much the errors of cross-validation count for less than independent ones, as ``FOLD_CORRELATION`` says of
accuracies. A training set of hard items has large errors out of fold, and makes a final model of small ones, so that
the distance between the two varies more than either. Measured on 25 to 200 drawn pictures, with exact numbers and with
noise of half their standard deviation: 2.2 on average, 5 at most. Errors are not carried to all items along the
learning curve: as they are they read 2 % too high on average, and carried 3 % too low, with more spread."""
SHOWN = 1000
"""So many points of predicted against given numbers are kept."""


def judge_numbers(regressor: NumberHead, out_of_fold: NumbersOutOfFold, rows: Rows, recipe: Recipe) -> NumberFigures:
    """Judge a regressor by what heads like it said of rows that they had not seen.

    Args:
        regressor: The final one, fitted to all rows; it is asked only for the over-fitting gap.
        out_of_fold: Predictions of rows by heads that had not seen them.
        rows: What it was fitted to; their ``values`` are the numbers ``(n,) float64``.
        recipe: How, with the seed of the learning curve's parts.
    """
    y = rows.values
    scored = np.flatnonzero(~np.isnan(out_of_fold.said).all(axis=0))
    curve = _curve(out_of_fold.choice, (y - regressor.centre) / regressor.scale, rows, recipe.seed)
    score = score_numbers(
        [rows.items[row] for row in scored.tolist()],
        out_of_fold.said[:, scored],
        y[scored],
        regressor.margin,
        rows.units[scored],
        f"{plan_of(rows.folds)}, each chosen without the fold that is judged",
        ERROR_CORRELATION,
    )
    missed = unknown_interval(out_of_fold.missed, rows, 1 - LEVEL)
    return NumberFigures(
        r2=score.r2,
        mae=score.mae,
        rmse=score.rmse,
        interval_coverage=replace(missed, value=1 - missed.value, low=1 - missed.high, high=1 - missed.low),
        margin=score.margin,
        predicted=score.predicted,
        hardest=score.hardest,
        baselines=_baselines(regressor, rows, y),
        learning_curve=tuple(
            ErrorPoint(point.n, *(regressor.scale * error for error in (point.mae, point.low, point.high)))
            for point in curve
        ),
        overfit_gap=score.mae.value - float(np.abs(regressor.answer(rows.x).value - y).mean()),
        judged_on=judged_on(len(scored), len(y), ""),
        unknown=unknown(regressor.unknown.threshold, out_of_fold.rejected, rows, recipe.unknown_rate),
    )


def score_numbers(
    items: Sequence[Item],
    said: Float64,
    y: Float64,
    margin: float,
    units: Int,
    method: str,
    correlation: float = 1.0,
) -> NumberScore:
    """R², MAE and RMSE with 95 % intervals, the share of numbers within their interval, and the hardest items.

    Args:
        items: ``n`` of them.
        said: What heads that had not seen them said ``(r, n) float64``.
        y: Their numbers ``(n,)``.
        margin: Half the width of the prediction interval.
        units: What shares its fate ``(n,) int64``.
        method: In words, how the predictions were come by.
        correlation: By how much the items count for less than independent ones, see ``ERROR_CORRELATION``.
    """
    errors = np.abs(said - y)
    size, square = errors.mean(axis=0), (errors**2).mean(axis=0)
    about = (y - y.mean()) ** 2
    one = np.ones(len(y))
    mae, mse = float(size.mean()), float(square.mean())
    unexplained = mse / float(about.mean()) if about.any() else math.nan
    in_words = f"{method}; interval of a ratio of means, copies and groups counted once"
    off, far = (_factor(error, one, units, correlation) for error in (size, square))
    share = _factor(square, about, units, correlation)
    value = said.mean(axis=0)
    order = np.argsort(-np.abs(value - y), kind="stable")[:HARDEST]
    shown = np.unique(np.linspace(0, len(y) - 1, min(len(y), SHOWN)).astype(np.int64))
    return NumberScore(
        r2=Interval(1 - unexplained, 1 - unexplained * share, 1 - unexplained / share, in_words),
        mae=Interval(mae, mae / off, mae * off, in_words),
        rmse=Interval(math.sqrt(mse), math.sqrt(mse / far), math.sqrt(mse * far), in_words),
        interval_coverage=held_out_interval(float((errors <= margin).mean()), units, f"{method}; Wilson interval"),
        margin=margin,
        predicted=tuple((float(y[row]), float(value[row])) for row in shown),
        hardest=tuple(
            JudgedNumber(items[row].name, float(y[row]), v, v - margin, v + margin)
            for row, v in zip(order.tolist(), value[order].tolist(), strict=True)
        ),
    )


def _factor(top: Float64, bottom: Float64, units: Int, correlation: float) -> float:
    """By which factor the ratio of two means may be too low or too high, at 95 %, above 1.

    The logarithm of a ratio varies as the mean of ``top / mean(top) - bottom / mean(bottom)`` does (the delta method);
    what shares its fate is summed up first (the sandwich estimator with clusters), and Student's t has as many degrees
    of freedom as clusters of unequal size are worth.
    """
    if not top.any() or not bottom.any():
        return 1.0
    influence = top / top.mean() - bottom / bottom.mean()
    totals = np.bincount(np.unique(units, return_inverse=True)[1].reshape(-1), influence)
    variance = float((totals**2).sum()) * len(totals) / max(len(totals) - 1, 1) / len(top) ** 2
    return math.exp(student(int(effective_size(units) + 1e-9) - 1) * math.sqrt(variance * correlation))


def _baselines(regressor: NumberHead, rows: Rows, y: Float64) -> dict[str, float]:
    """Mean absolute error of the mean of the other folds' numbers, and of that of the nearest of their items."""
    fold, phi = rows.folds[0], unit(transform(rows.x, regressor.stages, regressor.features))
    of_mean, of_nearest = [], []
    for held_out in np.unique(fold[fold >= 0]):
        asked, known = np.flatnonzero(fold == held_out), np.flatnonzero(fold != held_out)
        of_mean.append(np.abs(y[asked] - y[known].mean()))
        of_nearest.append(np.abs(y[asked] - y[known[nearest(phi[asked], phi[known], 1).rows[:, 0]]]))
    return {"mean": float(np.concatenate(of_mean).mean()), "nearest": float(np.concatenate(of_nearest).mean())}


def _curve(choice: RidgeChoice, y: Float64, rows: Rows, seed: int) -> tuple[ErrorPoint, ...]:
    """The learning curve, of scaled numbers."""
    fold, strength, z = rows.folds[0], choice.chosen.strength, choice.smoother.z
    scored = fold >= 0
    n_folds = int(fold.max()) + 1
    n_train = round(float(scored.sum()) * (1 - 1 / n_folds) + float((~scored).sum()))
    sizes = sorted({max(2, round(share * n_train)) for share in SHARES})
    used = int(np.searchsorted(np.bincount(fold[scored]).cumsum(), HELD_OUT)) + 1
    subsets = learning_curve_subsets(np.zeros(len(y), np.int64), fold, sizes, seed)[:, :used]
    asked = np.flatnonzero(scored & (fold < used))
    errors = np.empty((len(sizes), len(y)))

    def fit_one(task: tuple[int, int]) -> None:
        size, held_out = task
        own = np.flatnonzero(fold == held_out)
        weights, intercept = choice.smoother.fitted(y, strength, np.flatnonzero(subsets[size, held_out]))
        errors[size, own] = np.abs(z[own] @ weights + intercept - y[own])

    map_on_cores(fit_one, [(size, held_out) for size in range(len(sizes)) for held_out in range(subsets.shape[1])])
    curve, one = [], np.ones(len(asked))
    for size, row in zip(sizes, errors[:, asked], strict=True):
        factor, mae = _factor(row, one, rows.units[asked], ERROR_CORRELATION), float(row.mean())
        curve.append(ErrorPoint(size, mae, mae / factor, mae * factor))
    return tuple(curve)
