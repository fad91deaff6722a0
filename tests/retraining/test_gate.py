"""The gate: how often its interval holds, what it lets pass, and that what decides again pays."""

import numpy as np
import pytest

from graft.retraining.gate import LEAST, decide, level_of, paired, student_quantile

SEED = 0


def answers(chance, n, difference, changed):
    """Right and wrong answers of two models that disagree on so many items, the second better by so much."""
    kind = chance.choice(3, size=n, p=[(changed + difference) / 2, (changed - difference) / 2, 1 - changed])
    both = (chance.random(n) < 0.9).astype(float)
    return np.where(kind == 2, both, kind == 1), np.where(kind == 2, both, kind == 0)


@pytest.mark.parametrize("n", [100, 200, 400])
@pytest.mark.parametrize("changed", [0.02, 0.05, 0.1, 0.2])
def test_the_interval_holds_in_95_of_100_also_where_models_hardly_differ(n, changed):
    chance = np.random.default_rng(SEED)
    for difference in (0.0, -changed / 4, changed / 2):
        held = 0
        for _ in range(400):
            before, after = answers(chance, n, difference, changed)
            found = paired(after - before, np.arange(n))
            held += found.low <= difference <= found.high
        assert held >= 0.92 * 400


def test_worse_ones_stay_and_better_ones_ship():
    chance = np.random.default_rng(SEED)
    shipped = {True: [], False: []}
    for _ in range(400):
        for worse in (True, False):
            difference = chance.uniform(-0.05, -0.01) if worse else chance.uniform(0.03, 0.08)
            shipped[worse].append(decide(*answers(chance, 200, difference, 0.1), np.arange(200)).ships)
    assert np.mean(shipped[True]) <= 0.05
    assert np.mean(shipped[False]) >= 0.6


def test_months_that_use_the_same_items_never_go_wrong_more_often_than_in_5_of_100():
    assert level_of(1) == 0.95
    assert sum((1 - level_of(k)) / 2 for k in range(1, 10_000)) < 0.042
    chance, wrong = np.random.default_rng(SEED), 0
    for _ in range(300):
        before, _ = answers(chance, 200, 0.0, 0.1)
        months = (np.where(chance.random(200) < 0.055, 1 - before, before) for _ in range(24))  # each worse by 4 points
        wrong += any(decide(before, after, np.arange(200), uses=use).ships for use, after in enumerate(months, 1))
    assert wrong <= 0.05 * 300


def test_copies_count_once():
    before, after = np.zeros(200), np.r_[np.ones(30), np.zeros(170)]
    units = np.arange(200)
    units[:30] = 0  # all that is better is one item
    assert decide(before, after, np.arange(200)).ships
    assert not decide(before, after, units).ships


def test_few_items_decide_nothing():
    before = np.zeros(LEAST - 1)
    assert not decide(before, before + 1, np.arange(LEAST - 1)).ships
    before = np.zeros(LEAST)
    assert decide(before, before + 1, np.arange(LEAST)).ships


def test_few_groups_decide_where_they_agree():
    """Of six speakers the new model is better on each, by about as much."""
    groups, before, after = np.repeat(np.arange(6), 40), np.ones(240), np.ones(240)
    before[np.r_[0:5, 40:46, 80:85, 120:124, 160:165, 200:206]] = 0
    assert decide(before, after, groups).ships
    once = np.ones(240)
    once[:31] = 0  # as much in all, and on one of them alone
    assert not decide(once, after, groups).ships
    assert not decide(before[:120], after[:120], groups[:120]).ships  # three are too few


@pytest.mark.parametrize(("level", "freedom", "quantile"), [(0.95, 5, 2.571), (0.95, 199, 1.972), (0.9875, 10, 3.038)])
def test_students_quantile(level, freedom, quantile):
    assert student_quantile(level, freedom) == pytest.approx(quantile, rel=0.003)


def test_held_out_in_turn_is_worth_less():
    before, after = np.r_[np.zeros(8), np.ones(92)], np.r_[np.ones(8), np.zeros(2), np.ones(90)]
    plain, turn = (decide(before, after, np.arange(100), correlation=c).difference for c in (1.0, 1.4))
    assert turn.low < plain.low < plain.value == turn.value == pytest.approx(0.06)
