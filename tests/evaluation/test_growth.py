import math
import os

import numpy as np
import pytest

from graft.contracts import Array, Bool, Float32, Int
from graft.data.split import stratified_group_folds
from graft.evaluation.growth import PARTS, Growth, _forecast_all, change_of_mix, measure_growth, on_cores

CLASSES = ("ants", "bees")


def one_dimension(seed: int, n: int, distance: float) -> tuple[Float32, Int]:
    """Two overlapping classes on a line: ``(n, 1) float32`` and their labels."""
    chance = np.random.default_rng(seed)
    y = np.arange(n) % 2
    return (chance.standard_normal((n, 1)) + distance * y[:, None]).astype(np.float32), y.astype(np.int64)


def nearest_mean(x: Float32, y: Int, noise: float = 0.0):
    """Heads that divide the line between the two class means; with ``noise``, worse from fewer items."""
    chance = np.random.default_rng(7)

    def fit_many(masks: Float32, asked: Bool | None = None) -> Array:
        named = []
        for mask in masks:
            low, high = (x[(mask > 0) & (y == label), 0].mean() for label in (0, 1))
            edge = (low + high) / 2 + noise * chance.standard_normal() / np.sqrt((mask > 0).sum())
            named.append((x[:, 0] > edge).astype(np.int64))
        return np.stack(named)

    return fit_many


def grown(x: Float32, y: Int, noise: float) -> Growth:
    folds = stratified_group_folds(y, np.arange(len(y)), 5, 0)[0]
    return measure_growth(nearest_mean(x, y, noise), y, folds, np.arange(len(y)), CLASSES, np.array([0.9, 0.9]), 0)


def test_what_grows_is_carried_to_all_items() -> None:
    growth = grown(*one_dimension(0, 200, 3.0), noise=20.0)
    assert growth.n_train == 160
    assert 0 < growth.power <= 1
    assert growth.carried(0.9, 160) == pytest.approx(0.9)
    assert 0.9 < growth.carried(0.9, 200) == pytest.approx(1 - 0.1 * 0.8**growth.power)
    assert growth.carried(1.0, 200) == 1.0
    assert growth.forecast[0].gain > 0


def test_what_is_learnt_already_is_carried_nowhere() -> None:
    growth = grown(*one_dimension(0, 200, 40.0), noise=0.0)
    assert growth.power == 0
    assert growth.carried(1.0, 200) == 1.0
    assert growth.forecast[0].gain == 0


def test_a_forecast_begins_where_the_carried_score_stands() -> None:
    growth = grown(*one_dimension(1, 200, 3.0), noise=20.0)
    end = growth.curve[-1].accuracy
    later = growth.carried(end, 200 + 20 * len(CLASSES))
    assert growth.forecast[0].gain == pytest.approx(later - growth.carried(end, 200))


def test_a_forecast_is_no_surer_than_luck_allows() -> None:
    few, many = (grown(*one_dimension(1, n, 3.0), noise=20.0) for n in (60, 600))
    widths = []
    for growth, n in ((few, 60), (many, 600)):
        error = 1 - growth.curve[-1].accuracy
        whole, *by_class = growth.forecast
        luck = 2 * 1.96 * np.sqrt(error * (1 - error) * (1 / n - 1 / (n + 40)))
        assert luck < whole.high - whole.low < 5 * luck
        assert all(one.low < 0 < one.high for one in by_class)
        widths.append(whole.high - whole.low)
    assert widths[0] > 3 * widths[1]


def test_nothing_scored_nothing_carried() -> None:
    x, y = one_dimension(0, 10, 3.0)
    growth = measure_growth(
        nearest_mean(x, y), y, np.full(10, -1), np.arange(10), CLASSES, np.array([np.nan, np.nan]), 0
    )
    assert (growth.curve, growth.forecast) == ((), ())
    assert growth.carried(0.5, 10) == 0.5


def test_the_curve_grows_with_the_items() -> None:
    growth = grown(*one_dimension(2, 400, 3.0), noise=20.0)
    sizes = [point.n for point in growth.curve]
    assert sizes == [40, 80, 160, 240, 320]
    assert growth.curve[-1].accuracy > growth.curve[0].accuracy
    assert all(point.low <= point.accuracy <= point.high for point in growth.curve)
    assert [forecast.label for forecast in growth.forecast] == ["all", *CLASSES]
    assert all(forecast.low <= forecast.gain <= forecast.high for forecast in growth.forecast)
    assert all(forecast.extra == 20 for forecast in growth.forecast)


def test_many_rows_need_only_the_first_folds():
    x, y = one_dimension(6, 10_000, 2.0)
    folds = stratified_group_folds(y, np.arange(len(y)), 5, 0)[0]
    asked_for = []

    def fit_many(masks: Float32, asked: Bool | None = None) -> Array:
        asked_for.append(asked)
        return nearest_mean(x, y, noise=20.0)(masks)

    growth = measure_growth(fit_many, y, folds, np.arange(len(y)), CLASSES, np.array([0.9, 0.9]), 0)
    assert len(asked_for) == 1
    assert np.array_equal(asked_for[0].any(axis=0), folds < 2)
    assert [point.n for point in growth.curve] == [1000, 2000, 4000, 6000, 8000]
    assert growth.curve[0].high - growth.curve[0].low < 0.04
    whole, *by_class = growth.forecast
    assert whole.gain > 0
    assert sum(forecast.gain for forecast in by_class) == pytest.approx(whole.gain)


def test_the_end_of_the_curve_may_be_known():
    x, y = one_dimension(7, 300, 3.0)
    folds = stratified_group_folds(y, np.arange(len(y)), 5, 0)[0]
    masks = (folds != np.arange(5)[:, None]).astype(np.float32)
    named = nearest_mean(x, y)(masks)[folds, np.arange(len(y))]
    rest = (y, folds, np.arange(len(y)), CLASSES, np.array([0.9, 0.9]), 0)
    assert measure_growth(nearest_mean(x, y), *rest, named=named) == measure_growth(nearest_mean(x, y), *rest)


def test_the_same_seed_gives_the_same_growth() -> None:
    x, y = one_dimension(3, 60, 2.0)
    assert grown(x, y, noise=5.0) == grown(x, y, noise=5.0)


@pytest.mark.parametrize("n", [4, 5, 6, 9])
def test_tiny_sets_do_no_harm(n: int) -> None:
    x, y = one_dimension(4, n, 8.0)
    folds = stratified_group_folds(y, np.arange(n), n, 0)[0]
    growth = measure_growth(nearest_mean(x, y), y, folds, np.arange(n), CLASSES, np.array([1.0, np.nan]), 0)
    assert all(0 <= point.accuracy <= 1 and 2 <= point.n < n for point in growth.curve)
    few = [label for label, count in zip(CLASSES, np.bincount(y), strict=True) if count < 4]
    whole, *single = growth.forecast
    assert sorted(entry.label for entry in single[: len(few)]) == few  # first of all, whatever they gain
    assert all(math.isnan(entry.gain) for entry in single[: len(few)])
    for entry in (whole, *single[len(few) :]):
        assert np.isfinite([entry.gain, entry.low, entry.high]).all()


def test_the_classes_share_the_gain_of_all() -> None:
    growth = grown(*one_dimension(5, 200, 2.0), noise=10.0)
    whole, *by_class = growth.forecast
    assert whole.gain > 0
    assert sum(forecast.gain for forecast in by_class) == pytest.approx(whole.gain)


def test_equal_numbers_of_every_class_change_the_mix() -> None:
    assert change_of_mix(np.array([30, 30])) == 0
    assert change_of_mix(np.array([60, 20])) == pytest.approx(2 * (60 / 80 - 80 / 120) / 4)
    assert change_of_mix(np.array([20, 20]), 0) == pytest.approx(2 * (40 / 60 - 1 / 2) / 4)


def test_a_class_that_the_others_outnumber_has_a_power_of_its_own() -> None:
    x, y = one_dimension(8, 240, 2.0)
    kept = np.flatnonzero((y == 0) | (np.arange(240) % 12 == 1))  # 120 and 20
    x, y = x[kept], y[kept]
    folds = stratified_group_folds(y, np.arange(len(y)), 5, 0)[0]
    rest = (y, folds, np.arange(len(y)), CLASSES, np.array([0.9, 0.5]), 0)

    def reluctant(masks: Float32, asked: Bool | None = None) -> Array:
        """The rarer the second class, the further out the edge."""
        edges = [2 - 0.02 * (mask[y == 1] > 0).sum() for mask in masks]
        return np.stack([(x[:, 0] > edge).astype(np.int64) for edge in edges])

    growth = measure_growth(reluctant, *rest)
    assert set(growth.powers) == {1}
    assert 0 < growth.power_of(1) <= 1
    assert growth.power_of(0) == growth.power


def test_the_high_end_follows_a_curve_that_falls_ever_faster() -> None:
    _, y = one_dimension(9, 300, 6.0)
    folds = stratified_group_folds(y, np.arange(300), 5, 0)[0]
    wrong = np.random.default_rng(0).permutation(300)

    def falling(masks: Float32, asked: Bool | None = None) -> Array:
        """An error of exp(-n / 80)."""
        named = np.tile(y, (len(masks), 1))
        for row, mask in zip(named, masks, strict=True):
            flipped = wrong[: round(300 * float(np.exp(-(mask > 0).sum() / 80)))]
            row[flipped] = 1 - row[flipped]
        return named

    whole = measure_growth(falling, y, folds, np.arange(300), CLASSES, np.array([0.9, 0.9]), 0).forecast[0]
    now, later = np.exp(-300 / 80), np.exp(-340 / 80)
    assert whole.gain < now - later < whole.high
    assert whole.low < 0.5 * whole.gain


def test_the_high_end_of_many_classes_goes_on_along_the_steepest() -> None:
    m = 20_000
    errors = np.array([0.8, 0.7, 0.55, 0.4, 0.3])
    right = np.arange(m) >= errors[:, None] * m
    sizes = np.array([10, 20, 40, 60, 80])
    whole, power = _forecast_all(sizes, right, 100, 20, 0, 1.0, 0.0)
    doubled = np.log2(0.55 / 0.3)  # the last doubling, steeper than the law
    assert 0 < power < doubled
    steep = 0.3 * (1.25**-doubled - 6.25**-doubled)
    luck = 1.96 * np.sqrt(0.3 * 0.7 * (1 / 100 - 1 / 500))
    assert whole.gain == pytest.approx(0.3 * (1.25**-power - 6.25**-power))
    assert whole.high - whole.gain == pytest.approx(np.hypot(steep - whole.gain, luck), rel=0.03)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no cores to choose here")
def test_what_is_fitted_together_does_not_depend_on_the_cores() -> None:
    masks = np.arange(1, 11, dtype=np.float32)[:, None]

    def together(k: int) -> list[list[float]]:
        parts = []

        def fit_some(some: Float32, asked: Bool) -> Array:
            parts.append(some[:, 0].tolist())
            return some.astype(np.int64)

        assert (on_cores(fit_some, k)(masks) == masks).all()
        return sorted(parts)

    cores = os.sched_getaffinity(0)
    on_all = [together(k) for k in (2, 20)]
    try:
        os.sched_setaffinity(0, {min(cores)})
        assert [together(k) for k in (2, 20)] == on_all
    finally:
        os.sched_setaffinity(0, cores)
    assert [len(parts) for parts in on_all] == [2, PARTS]
