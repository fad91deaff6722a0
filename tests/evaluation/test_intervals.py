"""Intervals: Wilson's for independent items, wider for copies and for cross-validation."""

import math

import numpy as np
import pytest

from graft.evaluation.intervals import (
    FOLD_CORRELATION,
    correlation_of,
    cross_validated_interval,
    effective_size,
    enough_judged,
    enough_labels_judged,
    group_design_effect,
    held_out_interval,
    recall_interval,
    with_unjudged,
)
from graft.metrics import wilson


def alone(n):
    return np.arange(n, dtype=np.int64)


def test_items_that_stand_alone_count_fully():
    assert effective_size(alone(40)) == 40
    assert effective_size(alone(0)) == 0


@pytest.mark.parametrize(
    ("clusters", "expected"),
    [
        ([7, 7, 7, 7], 1),
        ([0, 0, 1, 1], 2),
        ([0, 0, 0, 1], 16 / 10),
        ([5, 9, 9], 9 / 5),
    ],
)
def test_copies_count_for_less(clusters, expected):
    assert effective_size(np.array(clusters)) == pytest.approx(expected)


def test_effective_size_lies_between_one_and_n_and_never_counts_more_than_clusters():
    random = np.random.default_rng(0)
    for _ in range(50):
        clusters = random.integers(0, random.integers(1, 30), random.integers(1, 60))
        size = effective_size(clusters)
        assert 1 <= size <= len(np.unique(clusters)) + 1e-9


def test_held_out_items_have_wilsons_interval():
    found = held_out_interval(0.9, alone(50), "how")
    assert (found.low, found.high) == pytest.approx(wilson(45, 50))
    assert (found.value, found.method) == (0.9, "how")


def test_cross_validation_widens_it():
    plain, wider = held_out_interval(0.9, alone(50), ""), cross_validated_interval(0.9, alone(50), "")
    assert wider.low < plain.low
    assert plain.high < wider.high
    assert (wider.low, wider.high) == pytest.approx(wilson(45 / FOLD_CORRELATION, 50 / FOLD_CORRELATION))


def test_items_that_are_held_out_once_count_for_less():
    once, often = (cross_validated_interval(0.9, alone(80), "", 1.0, correlation_of(times)) for times in (1, 2))
    assert (often.low, often.high) == pytest.approx(wilson(72 / 1.4, 80 / 1.4))
    assert (once.low, once.high) == pytest.approx(wilson(72 / 1.65, 80 / 1.65))
    assert once.high - once.low < 1.1 * (often.high - often.low)


def test_one_mistake_of_few_items_leaves_room_for_nearly_none():
    assert recall_interval(0.9, alone(10), 1.0) == pytest.approx((wilson(9, 10)[0], 1 - 0.0513 / 10))
    assert recall_interval(0.5, alone(10), 1.0) == pytest.approx(wilson(5, 10))
    assert recall_interval(1.0, alone(10), 1.0) == pytest.approx(wilson(10, 10))


def test_copies_widen_it():
    copies = held_out_interval(0.75, np.arange(40) // 4, "")
    ten = held_out_interval(0.75, alone(10), "")
    assert (copies.low, copies.high) == pytest.approx((ten.low, ten.high))


@pytest.mark.parametrize("accuracy", [0.0, 1.0])
@pytest.mark.parametrize("interval", [held_out_interval, cross_validated_interval])
def test_a_perfect_score_is_not_certain(accuracy, interval):
    found = interval(accuracy, alone(30), "")
    assert 0 <= found.low <= accuracy <= found.high <= 1
    assert 0.05 < found.high - found.low < 0.3


def test_nothing_is_known_of_nothing():
    for found in (held_out_interval(0.5, alone(0), "m"), cross_validated_interval(math.nan, alone(9), "m")):
        assert math.isnan(found.value)
        assert (found.low, found.high, found.method) == (0.0, 1.0, "m")


def test_wilsons_interval_holds_the_truth_as_often_as_it_says():
    random = np.random.default_rng(0)
    draws = random.binomial(60, 0.9, 2000) / 60
    held = [found.low <= 0.9 <= found.high for found in (held_out_interval(share, alone(60), "") for share in draws)]
    assert 0.93 < np.mean(held) < 0.98


def test_items_of_a_group_that_fare_alike_count_for_less():
    rng = np.random.default_rng(0)
    groups = [f"speaker {i // 100}" for i in range(4000)]
    alone = rng.random(4000) < 0.9
    together = rng.random(4000) < np.repeat(rng.beta(9, 1, 40), 100)
    quantile = (2.04 / 1.96) ** 2
    assert 1 <= group_design_effect(alone, groups) < 3.5 * quantile
    assert group_design_effect(together, groups) > 4
    assert group_design_effect(np.ones(4000, bool), groups) == pytest.approx(1.99)  # 39 degrees count as many
    assert group_design_effect(alone, [""] * 4000) == group_design_effect(alone, ["one"] * 4000) == 1


def test_few_groups_tell_less_of_how_groups_differ():
    right = np.tile([True, True, True, False], 100)
    few, many = ([f"{i * n // 400}" for i in range(400)] for n in (4, 40))
    assert group_design_effect(right, few) > group_design_effect(right, many)


def test_groups_of_very_unequal_size_are_worth_few():
    right = np.tile([True, True, True, False], 100)
    equal = [f"{i // 50}" for i in range(400)]
    unequal = ["0"] * 393 + [f"{i}" for i in range(1, 8)]
    assert group_design_effect(right, unequal) == pytest.approx((12.71 / 1.96) ** 2 * max(1, 1 + 385 * 0.01), rel=0.02)
    assert group_design_effect(right, equal) < 2.5


def test_a_score_takes_five_items_of_two_classes():
    assert enough_judged(np.repeat([0, 1, 2], [5, 5, 1]))
    assert not enough_judged(np.repeat([0, 1, 2], [9, 4, 4]))
    assert not enough_judged(alone(0))
    given = np.array([[True, True]] * 5 + [[True, False]] * 4)
    assert not enough_labels_judged(given)
    assert enough_labels_judged(np.concatenate([given, given[-1:]]))


def test_items_that_were_not_judged_may_be_wrong_or_right():
    found = with_unjudged(held_out_interval(0.9, alone(50), "how"), 0.25)
    low, high = wilson(45, 50)
    assert (found.value, found.low, found.high) == pytest.approx((0.9, 0.75 * low, 0.75 * high + 0.25))
