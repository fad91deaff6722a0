"""Figures of predicted numbers: what they are, how sure they are, and that they hold on items nobody has seen."""

import math

import numpy as np
import pytest

from graft.contracts import Float32, Float64, Int
from graft.data.items import Memory
from graft.data.split import choose_folds, stratified_group_folds
from graft.errors import DataError
from graft.evaluation.regression import judge_numbers, score_numbers
from graft.evaluation.rows import Rows
from graft.heads.regressor import Regressor
from graft.learning.regression import NumbersOutOfFold, fit_regressor
from graft.recipe import Recipe
from graft.results.regression import NumberFigures


def world(n: int, seed: int, noise: float = 0.5, d: int = 12) -> tuple[Float32, Float64]:
    """Features, and numbers that follow from them with noise."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d)).astype(np.float32)
    return x, x[:, :4].sum(axis=1) + noise * rng.standard_normal(n)


def items(n: int) -> list[Memory]:
    return [Memory(b"", f"{row}.png") for row in range(n)]


def fitted(x: Float32, y: Float64, units: Int | None = None) -> tuple[Regressor, NumbersOutOfFold, Rows]:
    units = np.arange(len(y)) if units is None else units
    strata = np.zeros(len(y), np.int64)
    n_folds, repeats = choose_folds(strata, units)
    folds = stratified_group_folds(strata, units, n_folds, 0, repeats)
    head, out = fit_regressor(x, y, (), folds, Recipe(), units)
    return head, out, Rows(x=x, y=strata, folds=folds, units=units, copies=units, items=items(len(y)), values=y)


def judged(x: Float32, y: Float64, units: Int | None = None) -> tuple[Regressor, NumberFigures]:
    head, out, rows = fitted(x, y, units)
    return head, judge_numbers(head, out, rows, Recipe())


def test_figures_are_those_of_the_textbook() -> None:
    y, said = np.array([1.0, 2.0, 3.0, 6.0]), np.array([[1.5, 2.0, 2.0, 7.0]])
    found = score_numbers(items(4), said, y, 0.75, np.arange(4), "by hand")
    assert found.mae.value == pytest.approx(2.5 / 4)
    assert found.rmse.value == pytest.approx(math.sqrt(2.25 / 4))
    assert found.r2.value == pytest.approx(1 - 2.25 / ((y - 3) ** 2).sum())
    assert found.interval_coverage.value == 0.5
    assert found.predicted == ((1.0, 1.5), (2.0, 2.0), (3.0, 2.0), (6.0, 7.0))
    assert [one.path for one in found.hardest] == ["2.png", "3.png", "0.png", "1.png"]
    assert (found.hardest[0].low, found.hardest[0].high) == (1.25, 2.75)


def test_errors_of_repetitions_count_each_for_itself() -> None:
    """Their mean would be off by less than any head is."""
    found = score_numbers(items(2), np.array([[1.0, 5.0], [3.0, 3.0]]), np.array([2.0, 4.0]), 0.5, np.arange(2), "")
    assert found.mae.value == 1.0
    assert found.interval_coverage.value == 0.0


def test_intervals_hold_on_fresh_items_and_so_does_what_is_said_of_them() -> None:
    fresh_x, fresh_y = world(4000, 999)
    held, said, ratios, within = [], [], [], []
    for seed in range(40):
        head, found = judged(*world(60, seed))
        answer = head.answer(fresh_x)
        error = np.abs(answer.value - fresh_y)
        held.append(((answer.low <= fresh_y) & (fresh_y <= answer.high)).mean())
        said.append(found.interval_coverage.value)
        ratios.append(found.mae.value / error.mean())
        within.append(found.mae.low <= error.mean() <= found.mae.high)
    assert 0.88 <= np.mean(held) <= 0.93
    assert abs(np.mean(said) - np.mean(held)) < 0.02
    assert 0.93 <= np.mean(ratios) <= 1.07
    assert np.mean(within) >= 0.93


def test_copies_do_not_narrow_an_interval() -> None:
    x, y = world(40, 3)
    _, once = judged(x, y)
    _, thrice = judged(np.repeat(x, 3, axis=0), np.repeat(y, 3), np.repeat(np.arange(40), 3))
    assert thrice.mae.value == pytest.approx(once.mae.value, rel=0.2)
    for name in ("mae", "rmse", "r2"):
        wide, narrow = (getattr(found, name) for found in (thrice, once))
        assert wide.high - wide.low > 0.8 * (narrow.high - narrow.low)


def test_the_learning_curve_falls_and_baselines_stand_beside() -> None:
    x, y = world(200, 5)
    _, found = judged(x, y)
    curve = found.learning_curve
    assert [point.n for point in curve] == sorted({point.n for point in curve})
    assert curve[0].mae > curve[-1].mae
    assert all(point.low <= point.mae <= point.high for point in curve)
    assert curve[-1].mae == pytest.approx(found.mae.value, rel=0.15)
    assert found.baselines["mean"] == pytest.approx(np.abs(y - y.mean()).mean(), rel=0.05)
    assert found.mae.value < found.baselines["nearest"] < found.baselines["mean"] * 1.2
    assert found.overfit_gap > 0


def test_numbers_of_noise_are_not_explained() -> None:
    x, _ = world(100, 0)
    _, found = judged(x, np.random.default_rng(1).standard_normal(100))
    assert found.r2.low < 0.05
    assert found.r2.value < 0.1


@pytest.mark.parametrize(("factor", "shift"), [(1e6, 0), (1e-6, 0), (1.0, 1e6), (-1e-3, -5), (1e60, 0)])
def test_the_unit_of_the_numbers_does_not_matter(factor: float, shift: float) -> None:
    x, y = world(60, 7)
    head, found = judged(x, y)
    other, same = judged(x, factor * y + shift)
    assert same.r2.value == pytest.approx(found.r2.value, abs=1e-3)
    assert same.mae.value == pytest.approx(abs(factor) * found.mae.value, rel=1e-3)
    assert same.interval_coverage == found.interval_coverage
    assert np.allclose(other.answer(x).value, factor * head.answer(x).value + shift, rtol=1e-3, atol=abs(factor) * 1e-2)


def test_what_is_unlike_all_that_was_learned_from_is_unknown() -> None:
    rng = np.random.default_rng(0)
    x = (rng.standard_normal((80, 30)) * 0.3 + np.eye(30)[0]).astype(np.float32)
    head, found = judged(x, x[:, 1].astype(np.float64))
    away = (rng.standard_normal((50, 30)) * 0.3 - np.eye(30)[0]).astype(np.float32)
    assert (head.answer(away).unknown_score > head.unknown.threshold).all()
    assert found.unknown.rate.low <= 0.05 <= found.unknown.rate.high


def test_too_few_or_one_number_are_refused() -> None:
    x, y = world(40, 0)
    with pytest.raises(DataError, match="All 40 items to train on have the same number, 5"):
        fitted(x, np.full(40, 5.0))
    with pytest.raises(DataError, match=r"There are 9 items to train on; .* 90% .* needs 10"):
        fitted(x[:9], y[:9])
    with pytest.raises(DataError, match="All 40 items to train on are copies of one another or of one group"):
        fitted(x, y, np.zeros(40, np.int64))


def test_of_few_groups_the_interval_is_as_wide_as_the_largest_error() -> None:
    x, y = world(40, 0)
    head, out, _ = fitted(x, y, np.arange(40) // 8)
    assert head.margin == pytest.approx(np.nanmax(np.abs(out.said - y)), rel=1e-6)
