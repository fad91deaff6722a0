import numpy as np
import pytest

from graft.heads.calibration import probabilities
from graft.learning.calibration import cross_fitted, fit_temperature
from graft.learning.logistic import ABSENT
from graft.metrics import expected_calibration_error
from heads.blobs import folds


def draw(n, k, temperature, seed=0):
    """Scores whose softmax at ``temperature`` is the truth."""
    rng = np.random.default_rng(seed)
    logits = (rng.normal(size=(n, k)) * 2).astype(np.float32)
    p = probabilities(logits, 1.0)
    y = (p.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return logits * np.float32(temperature), y


@pytest.mark.parametrize("temperature", [0.05, 1.0, 30.0])
@pytest.mark.parametrize("k", [2, 10])
def test_the_true_temperature_is_found(temperature, k):
    logits, y = draw(4000, k, temperature)
    assert fit_temperature(logits, y) == pytest.approx(temperature, rel=0.1)


@pytest.mark.parametrize("n", [4, 20, 500])
@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_perfect_separation_supports_no_more_than_its_items(n, k, scale):
    y = np.arange(n) % k
    logits = (np.eye(k, dtype=np.float32)[y] + 0.01 * np.random.default_rng(0).normal(size=(n, k))) * scale
    temperature = fit_temperature(logits.astype(np.float32), y)
    confidence = probabilities(logits.astype(np.float32), temperature).max(axis=1).mean()
    assert confidence == pytest.approx((n + 1) / (n + 2), abs=0.01)


def test_nothing_to_fit_is_one():
    assert fit_temperature(np.zeros((0, 3), np.float32), np.zeros(0, np.int64)) == 1
    assert fit_temperature(np.full((4, 3), np.nan, np.float32), np.zeros(4, np.int64)) == 1
    assert fit_temperature(np.ones((4, 3), np.float32), np.zeros(4, np.int64)) == 1


def test_all_wrong_is_very_unsure():
    y = np.arange(40) % 2
    logits = 10 * np.eye(2, dtype=np.float32)[1 - y]
    assert probabilities(logits, fit_temperature(logits, y)).max() < 0.52


def test_a_class_that_a_fold_lacked_does_not_spoil_the_others():
    logits, y = draw(500, 3, 2.0)
    with_absent = np.concatenate([logits, np.full((500, 1), ABSENT, np.float32)], axis=1)
    assert fit_temperature(with_absent, y) == pytest.approx(2.0, rel=0.2)


def test_repeated_rows_are_no_more_items():
    y = np.arange(10) % 2
    logits = np.eye(2, dtype=np.float32)[y]
    many = fit_temperature(np.tile(logits, (20, 1)), np.tile(y, 20), items=10)
    assert many == pytest.approx(fit_temperature(logits, y), rel=1e-2)


def test_probabilities_sum_to_one_whatever_the_scale():
    logits = np.array([[1e4, -1e4, 0], [0, 0, 0], [-3e4, -3e4, -3e4]], np.float32)
    for temperature in (1e-3, 1.0, 1e5):
        p = probabilities(logits, temperature)
        assert np.isfinite(p).all()
        assert p.sum(axis=1) == pytest.approx(1)


def test_cross_fitting_is_calibrated_and_leaves_gaps():
    logits, y = draw(600, 3, 5.0)
    fold = folds(y)[0]
    fold[:7] = -1
    scores = logits[None].copy()
    scores[0, :7] = np.nan
    p = cross_fitted(scores, y, [fold])
    assert np.isnan(p[0, :7]).all()
    assert p[0, 7:].sum(axis=1) == pytest.approx(1)
    assert expected_calibration_error(y[7:], p[0, 7:]).ece < 0.06


def test_a_fold_does_not_see_its_own_labels():
    logits, y = draw(100, 2, 1.0)
    fold = folds(y)[0]
    before = cross_fitted(logits[None], y, [fold])[0]
    y = y.copy()
    y[fold == 0] = 1 - y[fold == 0]
    after = cross_fitted(logits[None], y, [fold])[0]
    assert np.array_equal(before[fold == 0], after[fold == 0])
    assert not np.array_equal(before[fold == 1], after[fold == 1])
