"""The gate: what is better beyond chance ships, and nothing else; parts keep units whole."""

import numpy as np
import pytest

from graft.metrics import log_losses
from graft.tuning.gate import FEW, FOLDS, LEAST, MOST, calibrated, decide, out_of_fold_plan, plan, set_aside


def answers(n, right, confidence=0.9, k=3, seed=0):
    """Probabilities of which so many items are named rightly, and their classes."""
    chance = np.random.default_rng(seed)
    y = chance.integers(k, size=n)
    named = np.where(np.arange(n) < right, y, (y + 1) % k)
    p = np.full((n, k), (1 - confidence) / (k - 1), np.float32)
    p[np.arange(n), named] = confidence
    return p, y


def test_what_is_better_beyond_chance_ships():
    before, y = answers(200, 170)
    after, _ = answers(200, 190)
    verdict = decide(before, after, y, np.arange(200))
    assert verdict.ships
    assert verdict.loss_difference < 0
    assert verdict.low < verdict.loss_difference < verdict.high < 0
    assert (verdict.accuracy_before, verdict.accuracy_after, verdict.n) == (0.85, 0.95, 200)
    assert verdict.doubt < 0.05
    assert "ships" in verdict.reason
    assert "200 items" in verdict.reason


def test_the_other_way_round_it_stays():
    before, y = answers(200, 190)
    after, _ = answers(200, 170)
    verdict = decide(before, after, y, np.arange(200))
    assert not verdict.ships
    assert verdict.low > 0
    assert verdict.doubt > 0.95
    assert "log loss is higher" in verdict.reason


def test_the_same_model_does_not_ship():
    p, y = answers(200, 170)
    verdict = decide(p, p, y, np.arange(200))
    assert not verdict.ships
    assert (verdict.loss_difference, verdict.doubt) == (0, 1)
    assert "no lower" in verdict.reason


def test_one_item_more_may_be_chance():
    before, y = answers(100, 90)
    after, _ = answers(100, 91)
    verdict = decide(before, after, y, np.arange(100))
    assert not verdict.ships
    assert verdict.loss_difference < 0
    assert "chance" in verdict.reason


def test_a_lower_loss_with_lower_accuracy_does_not_ship():
    before, y = answers(300, 250, confidence=0.99)
    after, _ = answers(300, 249, confidence=0.8)
    verdict = decide(before, after, y, np.arange(300))
    assert verdict.high < 0
    assert not verdict.ships
    assert "so is the accuracy" in verdict.reason


def test_copies_count_as_one():
    before, y = answers(100, 90)
    after, _ = answers(100, 95)
    copied = [np.tile(rows, (20, 1)) for rows in (before, after)]
    once = decide(before, after, y, np.arange(100))
    alone = decide(*copied, np.tile(y, 20), np.arange(2000))
    together = decide(*copied, np.tile(y, 20), np.tile(np.arange(100), 20))
    assert alone.high - alone.low < 0.5 * (once.high - once.low)
    assert (together.low, together.high) == pytest.approx((once.low, once.high), abs=1e-6)


@pytest.mark.parametrize("units", [1, FEW - 1])
def test_few_units_decide_nothing_however_many_items(units):
    before, y = answers(50, 10)
    after, _ = answers(50, 50)
    verdict = decide(before, after, y, np.arange(50) % units)
    assert not verdict.ships
    assert (verdict.low, verdict.high) == (-np.inf, np.inf)
    assert "too few" in verdict.reason
    assert decide(before, after, y, np.arange(50) % FEW).ships


def test_the_same_seed_gives_the_same_interval():
    chance = np.random.default_rng(0)
    before, after = (chance.dirichlet(np.ones(3), 80).astype(np.float32) for _ in range(2))
    y = chance.integers(3, size=80)
    first, again, other = (decide(before, after, y, np.arange(80), seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first.low != other.low


def test_a_stricter_level_widens_the_interval():
    before, y = answers(80, 60)
    after, _ = answers(80, 70)
    wide, narrow = (decide(before, after, y, np.arange(80), level=level) for level in (0.95, 0.8))
    assert wide.low < narrow.low < narrow.high < wide.high
    assert wide.doubt == narrow.doubt


def test_a_sharper_model_gains_nothing_once_both_are_calibrated():
    chance = np.random.default_rng(0)
    y = chance.integers(3, size=600)
    scores = (3 * np.eye(3)[y] + 2 * chance.standard_normal((600, 3))).astype(np.float32)
    plain, sharp = (calibrated(s, y, np.arange(600)) for s in (scores, 5 * scores))
    assert np.abs(plain - sharp).max() < 1e-3
    assert not decide(plain, sharp, y, np.arange(600)).ships


def test_rows_that_no_part_can_hold_are_calibrated_too():
    scores = np.random.default_rng(1).standard_normal((21, 3)).astype(np.float32)
    y = np.array([*[0, 1] * 10, 2])
    p = calibrated(scores, y, np.arange(21))
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)


def test_parts_are_disjoint_whole_and_of_every_class():
    y = np.repeat(np.arange(4), 150)
    units = np.arange(600) // 3
    parts = set_aside(y, units, seed=3)
    together = np.concatenate([parts.fit, parts.validation, parts.gate])
    assert sorted(together.tolist()) == list(range(600))
    for one, other in ((parts.fit, parts.gate), (parts.fit, parts.validation), (parts.validation, parts.gate)):
        assert not np.intersect1d(units[one], units[other]).size
    assert abs(len(parts.gate) - 120) <= 6
    for part in (parts.fit, parts.validation, parts.gate):
        assert set(y[part].tolist()) == {0, 1, 2, 3}


def test_a_class_of_one_unit_is_always_fitted_to():
    y = np.concatenate([np.repeat([0, 1], 50), [2, 2]])
    units = np.concatenate([np.arange(100), [100, 100]])
    for parts in (set_aside(y, units), *out_of_fold_plan(y, units)):
        assert {100, 101} <= set(parts.fit.tolist())


def test_the_folds_hold_out_every_row_once():
    y = np.repeat(np.arange(3), 20)
    units = np.arange(60) // 2
    folds = out_of_fold_plan(y, units, seed=1)
    assert len(folds) == FOLDS
    assert sorted(np.concatenate([parts.gate for parts in folds]).tolist()) == list(range(60))
    for parts in folds:
        assert not np.intersect1d(units[parts.gate], units[np.concatenate([parts.fit, parts.validation])]).size
        assert len(parts.validation)


def test_few_items_are_held_out_in_their_turn_and_many_once():
    few = plan(np.repeat([0, 1], 2 * LEAST), np.arange(4 * LEAST))
    many = plan(np.repeat([0, 1], 3 * LEAST), np.arange(6 * LEAST))
    assert (len(few), len(many)) == (FOLDS, 1)
    assert len(many[0].gate) >= LEAST


def test_a_part_of_very_many_items_is_not_larger_than_it_must_be():
    n = 20 * MOST
    parts = set_aside(np.arange(n) % 2, np.arange(n))
    assert abs(len(parts.gate) - MOST) <= 2


def test_nothing_can_be_held_out_where_every_class_is_one_unit():
    y = np.repeat([0, 1], 5)
    assert plan(y, y) == ()


def test_what_names_alone_bring_is_not_the_trainings():
    before, y = answers(200, 170)
    after, _ = answers(200, 190)
    verdict = decide(before, after, y, np.arange(200), rival_p=after)
    assert not verdict.ships
    assert "only by the names" in verdict.reason
    assert verdict.high < 0
    assert decide(before, after, y, np.arange(200), rival_p=before).ships


def test_one_item_that_is_lost_for_sure_does_not_decide():
    before, y = answers(200, 180)
    after, _ = answers(200, 190)
    after[0] = np.where(np.arange(3) == y[0], 1e-7, 0.5)
    losses = log_losses(y, after) - log_losses(y, before)
    drawn = np.random.default_rng(0).choice(losses, (2000, 200)).mean(axis=1)
    assert np.quantile(drawn, 0.95) > 0
    assert decide(before, after, y, np.arange(200)).ships
