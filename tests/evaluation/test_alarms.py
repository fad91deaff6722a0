import numpy as np
import pytest
from scipy.stats import chi2

from graft.evaluation.alarms import false_alarms, poisson_interval


def test_alarms_are_counted_by_the_hour_of_background():
    y = np.array([0, 0, 0, 0, 1, 1])
    p = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [np.nan, np.nan], [0.8, 0.2], [0.1, 0.9]])
    found = false_alarms(p, y, np.array([600.0, 900.0, 300.0, 5000.0, 60.0, 60.0]), 0, "noise")
    assert (found.label, found.n, found.hours) == ("noise", 1, pytest.approx(0.5))
    assert found.per_hour == pytest.approx(2)
    assert 0 < found.low < 2 < found.high


def test_without_background_there_are_none():
    assert false_alarms(np.full((2, 2), 0.5), np.array([1, 1]), np.ones(2), 0, "noise") is None
    assert false_alarms(np.full((2, 2), np.nan), np.array([0, 0]), np.ones(2), 0, "noise") is None


@pytest.mark.parametrize("n", [0, 1, 2, 5, 20, 300])
def test_the_interval_is_nearly_the_exact_one(n):
    low, high = poisson_interval(n)
    assert high == pytest.approx(chi2.ppf(0.975, 2 * n + 2) / 2, rel=0.02)
    assert low == pytest.approx(chi2.ppf(0.025, 2 * n) / 2 if n else 0, rel=0.02, abs=0.02)
