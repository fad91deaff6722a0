"""The charts' geometry."""

import itertools
import math
import re

import pytest

from graft.report import charts
from graft.results.figures import CurvePoint, Forecast, Interval, ReliabilityBin


def test_interval_stands_where_it_belongs() -> None:
    chart = charts.interval(Interval(0.94, 0.9, 0.97), "accent")

    assert 'cx="94.00%"' in chart
    assert re.search(r'<line x1="90\.00%" y1="50%" x2="97\.00%"[^>]*class="range"', chart)
    assert 'class="interval accent"' in chart


def test_baseline_is_a_dot_without_a_line_and_no_figure_is_nothing() -> None:
    assert 'class="range"' not in charts.interval(Interval(0.5, 0.5, 0.5))
    assert "<circle" not in charts.interval(Interval(math.nan, math.nan, math.nan))


def test_bar_stays_on_its_track() -> None:
    assert 'width="100.00%"' in charts.bar(1.2, 0.9, 1.4)
    assert 'class="fill"' not in charts.bar(math.nan, math.nan, math.nan)


def test_learning_curve_rises_to_the_right_and_its_forecast_goes_on() -> None:
    curve = [CurvePoint(n, a, a - 0.05, a + 0.02) for n, a in ((20, 0.7), (40, 0.8), (80, 0.9))]

    chart = charts.learning_curve(curve, Forecast("all", 20, 0.02, 0.0, 0.04), classes=2)

    places = re.search(r'<polyline points="([^"]*)" class="line"', chart)
    assert places is not None
    xs, ys = zip(*(map(float, place.split(",")) for place in places[1].split()), strict=True)
    assert list(xs) == sorted(xs)
    assert list(ys) == sorted(ys, reverse=True)
    ahead = re.search(r'<polyline points="([^"]*)" class="line ahead"', chart)
    assert ahead is not None
    assert float(ahead[1].split()[-1].split(",")[0]) > xs[-1]
    assert max(xs) < charts.WIDTH
    assert 0 < min(ys) < max(ys) < charts.HEIGHT


@pytest.mark.parametrize("accuracy", [0.0, 0.5, 1.0])
def test_learning_curve_of_one_point(accuracy: float) -> None:
    chart = charts.learning_curve([CurvePoint(1, accuracy, math.nan, math.nan)], None, 2)

    assert chart.count('class="dot"') == 1
    assert "nan" not in chart


def test_reliability_leaves_out_empty_bins() -> None:
    bins = [ReliabilityBin(0.6, 0.5, 10), ReliabilityBin(math.nan, math.nan, 0), ReliabilityBin(0.95, 0.96, 90)]

    chart = charts.reliability(bins)

    assert chart.count('class="bubble"') == 2
    assert "nan" not in chart
    radii = [float(radius) for radius in re.findall(r'r="([\d.]+)" class="bubble"', chart)]
    assert radii[1] > radii[0]


def test_lines_over_epochs_fall_and_the_best_has_a_dot() -> None:
    falling = charts.Curve("trial 1", [(0, 0.9), (1, math.nan), (2, 0.5), (3, 0.6)], marked=2)

    chart = charts.by_epoch([falling, charts.Curve("nothing", [(0, math.nan)])], "Log loss")

    [places] = re.findall(r'<polyline points="([^"]*)"', chart)
    xs, ys = zip(*(map(float, place.split(",")) for place in places.split()), strict=True)
    assert len(xs) == 3
    assert ys[0] < ys[2] < ys[1], "what is less stands lower"
    assert chart.count("<circle") == 1
    assert 'aria-label="Log loss by epoch: trial 1 from 0.9 to 0.6"' in chart
    assert set(re.findall(r'text-anchor="middle">(\d+)<', chart)) == {"0", "1", "2", "3"}


@pytest.mark.parametrize("figure", [0.0, 2.5e-5, 0.3, 1234.5])
@pytest.mark.parametrize("from_zero", [True, False])
def test_one_point_is_a_dot_inside_its_axes(figure: float, from_zero: bool) -> None:
    chart = charts.by_epoch([charts.Curve("trial", [(1, figure)])], "Seconds", from_zero)

    [y] = re.findall(r'cy="([\d.]+)"', chart)
    assert 0 < float(y) < charts.HEIGHT
    assert "nan" not in chart


@pytest.mark.parametrize("low", [0.0, 1980.0, 1.7e15, -3e89, 123_456_789.0])
def test_figures_beside_an_axis_leave_its_name_room_and_differ(low: float) -> None:
    chart = charts.scatter([(low, low + 5), (low + max(40, abs(low) / 1e6), low + 20)], 8.0)

    beside = re.findall(r'<text x="([0-9.]+)"[^>]*text-anchor="end">([^<]*)<', chart)
    assert len({figure for _, figure in beside}) == len(beside) > 2
    assert all(float(x) - 6 * len(figure) > 18 for x, figure in beside)
    below = re.findall(r'<text x="([0-9.]+)"[^>]*text-anchor="middle">([^<]*)<', chart)
    places = [(float(x) - 3 * len(figure), float(x) + 3 * len(figure)) for x, figure in below]
    assert all(one[1] < other[0] for one, other in itertools.pairwise(places))
