"""How often what is none of the classes is taken for one: of 1,000 items, and in an hour of recordings."""

import math

import numpy as np
import pytest
from scipy.stats import chi2

from graft.evaluation.alarms import false_alarms, poisson_interval

P = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [np.nan, np.nan], [0.8, 0.2], [0.1, 0.9]])
Y = np.array([0, 0, 0, 0, 1, 1])


def test_alarms_are_counted_by_the_hour_of_background_and_by_the_thousand():
    seconds = np.array([600.0, 900.0, 300.0, 5000.0, 60.0, 60.0])
    found = false_alarms(P, Y, np.arange(6), ["noise", "yes"], seconds=seconds)
    assert (found.label, found.n, found.of, found.hours) == ("noise", 1, 3, pytest.approx(0.5))
    assert found.per_hour == pytest.approx(2)
    assert 0 < found.low < 2 < found.high
    assert found.per_thousand == pytest.approx(1000 / 3)
    assert 0 < found.per_thousand_low < 333 < found.per_thousand_high < 1000


def test_photos_and_texts_have_no_hours():
    found = false_alarms(P, Y, np.arange(6), ["other", "yes"])
    assert math.isnan(found.per_hour)
    assert (found.hours, found.n, found.of) == (0, 1, 3)
    assert found.per_thousand == pytest.approx(1000 / 3)


def test_copies_do_not_narrow_the_interval():
    p, y = np.tile([[0.9, 0.1]], (40, 1)), np.zeros(40, np.int64)
    alone = false_alarms(p, y, np.arange(40), ["none", "yes"])
    copied = false_alarms(p, y, np.arange(40) // 10, ["none", "yes"])
    assert alone.per_thousand == copied.per_thousand == 0
    assert copied.per_thousand_high > alone.per_thousand_high


def test_a_negative_class_taken_for_another_one_is_no_alarm():
    p = np.array([[0.1, 0.9, 0.0], [0.9, 0.1, 0.0], [0.1, 0.1, 0.8], [0.0, 0.9, 0.1]])
    found = false_alarms(p, np.array([0, 1, 1, 2]), np.arange(4), ["noise", "bin", "yes"], ["bin"])
    assert (found.label, found.labels, found.n, found.of) == ("noise, bin", ("noise", "bin"), 1, 3)


@pytest.mark.parametrize(
    ("y", "classes"), [([1, 1], ["noise", "yes"]), ([0, 0], ["noise", "silence"]), ([0, 1], ["yes", "no"])]
)
def test_without_background_beside_others_there_are_none(y, classes):
    assert false_alarms(np.full((2, 2), 0.5), np.array(y), np.arange(2), classes) is None


def test_what_was_not_judged_is_not_counted():
    assert false_alarms(np.full((2, 2), np.nan), np.array([0, 0]), np.arange(2), ["noise", "yes"]) is None


@pytest.mark.parametrize("n", [0, 1, 2, 5, 20, 300])
def test_the_interval_is_nearly_the_exact_one(n):
    low, high = poisson_interval(n)
    assert high == pytest.approx(chi2.ppf(0.975, 2 * n + 2) / 2, rel=0.02)
    assert low == pytest.approx(chi2.ppf(0.025, 2 * n) / 2 if n else 0, rel=0.02, abs=0.02)
