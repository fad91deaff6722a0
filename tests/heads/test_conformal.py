import json

import numpy as np
import pytest

from graft.heads.calibration import probabilities
from graft.heads.conformal import SetRule
from graft.learning.conformal import fit_sets, held_out_sets, measured
from heads.blobs import folds


def draw(n, k, seed, sharpness=1.5):
    """Items, and probabilities that are right about them."""
    rng = np.random.default_rng(seed)
    p = probabilities((rng.normal(size=(n, k)) * sharpness).astype(np.float32), 1.0)
    return p, (p.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)


@pytest.mark.parametrize(("level", "needed"), [(0.9, 9), (0.95, 19), (0.8, 4), (0.5, 1)])
def test_how_many_items_a_class_needs(level, needed):
    assert SetRule(level, (), ()).needed == needed


@pytest.mark.parametrize("k", [2, 6])
@pytest.mark.parametrize("level", [0.8, 0.9])
def test_sets_hold_the_truth_as_often_as_they_say(k, level):
    coverage = []
    for seed in range(30):
        p, y = draw(60 * k, k, seed)
        q, z = draw(1000, k, 1000 + seed)
        coverage.append(fit_sets(p, y, k, level).sets(q)[np.arange(1000), z].mean())
    assert level - 0.01 < np.mean(coverage) < level + 0.03


def test_every_class_is_covered_not_only_the_easy_one():
    p, y = draw(4000, 2, 0)
    p[y == 1, 1] *= 0.5  # class 1 is often taken for class 0
    p[:, 0] = 1 - p[:, 1]
    members = fit_sets(p, y, 2, 0.9).sets(p)
    for label in (0, 1):
        assert members[y == label, label].mean() == pytest.approx(0.9, abs=0.01)


def test_too_few_items_return_every_class_and_say_so():
    p, y = draw(16, 2, 0)
    y = np.arange(16) % 2
    rule = fit_sets(p, y, 2, 0.9)
    assert rule.complete
    assert rule.sets(p).all()
    assert "9 held-out items" in rule.guarantee


def test_one_short_class_stands_in_every_set():
    p, y = draw(300, 3, 0)
    y[y == 2] = 0
    y[:4] = 2
    rule = fit_sets(p, y, 3, 0.9)
    assert rule.short == (2,)
    assert not rule.complete
    members = rule.sets(p)
    assert members[:, 2].all()
    assert not members[:, :2].all()
    assert "1 of 3 classes" in rule.guarantee


def test_nine_items_are_enough():
    p = np.tile(np.array([[0.9, 0.1], [0.1, 0.9]], np.float32), (9, 1))
    rule = fit_sets(p, np.arange(18) % 2, 2, 0.9)
    assert not rule.short
    assert np.array_equal(rule.sets(p[:2]), [[True, False], [False, True]])


def test_a_set_may_be_empty():
    rule = SetRule(0.9, (0.8, 0.8), (20, 20))
    p = np.array([[0.6, 0.4], [0.1, 0.9]], np.float32)
    assert np.array_equal(rule.sets(p), [[False, False], [False, True]])


def test_rows_that_were_not_scored_do_not_count():
    p, y = draw(100, 2, 3)
    gaps = np.concatenate([p, np.full((5, 2), np.nan, np.float32)])
    assert fit_sets(gaps, np.concatenate([y, np.zeros(5, np.int64)]), 2, 0.9) == fit_sets(p, y, 2, 0.9)


def test_it_survives_json():
    rule = fit_sets(*draw(100, 3, 1), 3, 0.9)
    assert SetRule.from_dict(json.loads(json.dumps(rule.to_dict()))) == rule


def test_the_measured_coverage_is_that_of_new_items():
    p, y = draw(900, 3, 5)
    coverage, size = measured(p, y, 3, 0.9, folds(y))
    q, z = draw(5000, 3, 6)
    members = fit_sets(p, y, 3, 0.9).sets(q)
    assert coverage == pytest.approx(members[np.arange(5000), z].mean(), abs=0.03)
    assert size == pytest.approx(members.sum(axis=1).mean(), abs=0.1)
    assert np.isnan(measured(np.full((4, 2), np.nan, np.float32), np.zeros(4, np.int64), 2, 0.9, [])).all()


def test_no_item_has_a_part_in_the_threshold_of_its_own_set():
    p = np.linspace(0.1, 1, 10, dtype=np.float32)[:, None]
    y = np.zeros(10, np.int64)
    members = held_out_sets(p, y, 1, 0.9, [np.arange(10)])
    assert members[:, 0].tolist() == [False] + [True] * 9  # the least of all ten would be its own threshold
    assert fit_sets(p, y, 1, 0.9).sets(p).all()
    unscored = np.where(np.arange(10)[:, None] < 5, np.nan, p).astype(np.float32)
    assert not held_out_sets(unscored, y, 1, 0.9, [np.arange(10)])[:5].any()
