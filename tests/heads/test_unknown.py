import json

import numpy as np
import pytest

from graft.heads.unknown import UnknownRule
from graft.learning.unknown import PROTOTYPES, beyond, fit_unknown
from graft.metrics import auroc
from heads.blobs import folds


def directions(n, k, d, seed, centres):
    """Unit vectors around ``k`` of the given directions, and scores of a head that knows them."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    phi = centres[y] + 0.6 * rng.normal(size=(n, d)) / np.sqrt(d)
    phi /= np.linalg.norm(phi, axis=1, keepdims=True)
    return phi.astype(np.float32), y.astype(np.int64)


def centres(k, d, seed=0):
    rows = np.random.default_rng(seed).normal(size=(k, d))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def fit(phi, y, k, known, rate=0.05, repetitions=2):
    parts = folds(y, 5, repetitions)
    logits = np.stack([np.where((fold >= 0)[:, None], 10 * phi @ known.T, np.nan) for fold in parts])
    return fit_unknown(phi, y, k, parts, logits.astype(np.float32), rate)[0]


@pytest.mark.parametrize("k", [2, 5, 30])
def test_strangers_score_above_items_of_the_classes(k):
    known, strange = centres(k, 200), centres(3, 200, seed=1)
    rule = fit(*directions(20 * k, k, 200, 0, known), k, known.astype(np.float32))
    inside, _ = directions(300, k, 200, 1, known)
    outside, _ = directions(300, 3, 200, 2, strange)
    score = np.concatenate([rule.score(phi, 10 * phi @ known.T.astype(np.float32)) for phi in (inside, outside)])
    assert auroc(np.arange(600) >= 300, score) > 0.95
    assert len(rule.prototypes) == min(k, PROTOTYPES)


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_the_promised_share_of_new_items_is_called_unknown(rate):
    known = centres(4, 100)
    rule = fit(*directions(400, 4, 100, 0, known), 4, known.astype(np.float32), rate)
    phi, _ = directions(4000, 4, 100, 1, known)
    assert (rule.score(phi, 10 * phi @ known.T.astype(np.float32)) > rule.threshold).mean() == pytest.approx(
        rate, abs=0.05
    )


def test_undecided_is_more_unknown():
    known = centres(2, 50)
    rule = fit(*directions(40, 2, 50, 0, known), 2, known.astype(np.float32))
    phi = np.repeat(known[:1].astype(np.float32), 2, axis=0)
    sure, unsure = rule.score(phi, np.array([[8, 0], [1, 0.9]], np.float32))
    assert unsure > sure


def test_nothing_scored_calls_nothing_unknown():
    known = centres(3, 40)
    phi, y = directions(3, 3, 40, 0, known)
    rule = fit(phi, y, 3, known.astype(np.float32))
    assert not (rule.score(-phi, np.zeros((3, 3), np.float32)) > rule.threshold).any()
    json.dumps(rule.settings(), allow_nan=False)


def test_a_rate_of_nothing_calls_nothing_unknown():
    known = centres(2, 40)
    phi, y = directions(20, 2, 40, 0, known)
    rule = fit(phi, y, 2, known.astype(np.float32), rate=0.0)
    assert not (rule.score(-phi, np.zeros((20, 2), np.float32)) > rule.threshold).any()


@pytest.mark.parametrize("d", [96, 1280, 1752, 9000])
def test_it_takes_about_20_kb(d):
    known = centres(12, d)
    rule = fit(*directions(36, 12, d, 0, known), 12, known.astype(np.float32), repetitions=1)
    assert sum(array.nbytes for array in rule.arrays().values()) <= 20_480
    assert len(rule.prototypes) >= 1


def test_identical_items_do_not_divide_by_zero():
    phi = np.tile(np.array([[1, 0, 0]], np.float32), (12, 1))
    y = np.arange(12) % 2
    rule, _ = fit_unknown(phi, y, 2, folds(y, 3), np.zeros((1, 12, 2), np.float32), 0.05)
    assert np.isfinite(rule.score(np.array([[1, 0, 0], [0, 1, 0]], np.float32), np.zeros((2, 2), np.float32))).all()


def test_a_saved_rule_answers_digit_for_digit():
    known = centres(10, 60)
    phi, y = directions(50, 10, 60, 0, known)
    rule = fit(phi, y, 10, known.astype(np.float32))
    again = UnknownRule.restore(json.loads(json.dumps(rule.settings())), rule.arrays())
    logits = 10 * phi @ known.T.astype(np.float32)
    assert np.array_equal(rule.score(phi, logits), again.score(phi, logits))
    assert again.threshold == rule.threshold


def test_what_is_called_unknown_is_measured_by_thresholds_of_other_folds():
    known = centres(4, 100).astype(np.float32)
    phi, y = directions(400, 4, 100, 0, known)
    parts = folds(y, 5, 2)
    logits = np.stack([10 * phi @ known.T] * 2).astype(np.float32)
    rule, rejected = fit_unknown(phi, y, 4, parts, logits, 0.1)
    assert set(np.unique(rejected)) <= {0, 0.5, 1}
    assert rejected.mean() == pytest.approx(0.1, abs=0.02)
    fresh, _ = directions(4000, 4, 100, 1, known)
    assert (rule.score(fresh, 10 * fresh @ known.T) > rule.threshold).mean() == pytest.approx(rejected.mean(), abs=0.04)


def test_the_threshold_is_that_of_single_heads_and_not_of_their_mean():
    known = centres(2, 60).astype(np.float32)
    phi, y = directions(100, 2, 60, 0, known)
    parts, chance = folds(y, 5, 3), np.random.default_rng(3)
    logits = (10 * phi @ known.T + 3 * chance.normal(size=(3, 100, 2))).astype(np.float32)
    rule, _ = fit_unknown(phi, y, 2, parts, logits, 0.05)
    fresh, _ = directions(4000, 2, 60, 1, known)
    said = (10 * fresh @ known.T + 3 * chance.normal(size=(4000, 2))).astype(np.float32)
    assert (rule.score(fresh, said) > rule.threshold).mean() == pytest.approx(0.05, abs=0.025)


def test_what_was_not_held_out_is_not_measured():
    phi, y = directions(6, 2, 40, 0, centres(2, 40))
    _, rejected = fit_unknown(phi, y, 2, [np.full(6, -1)], np.full((1, 6, 2), np.nan, np.float32), 0.05)
    assert np.isnan(rejected).all()


def test_a_fold_has_no_part_in_the_threshold_that_it_is_held_against():
    score = np.array([[0, 1, 2, 3, 10, 11]], np.float32)
    fold = np.array([0, 0, 0, 1, 1, 1])
    # of three others the second counts: 10 for the first fold, which none reaches, and 1 for the second, which all pass
    assert beyond(score, score >= 0, [fold], 0.5).tolist() == [0, 0, 0, 1, 1, 1]
