import math

import pytest

from graft.tuning.schedules import Course, rates_by_depth, share_of_rate


def test_rates_rise_in_a_line_and_fall_like_a_cosine() -> None:
    assert share_of_rate(0.05, 0.1) == pytest.approx(0.5)
    assert share_of_rate(0.1, 0.1) == pytest.approx(1.0)
    assert share_of_rate(0.55, 0.1) == pytest.approx(0.5)
    assert share_of_rate(1.0, 0.1) == pytest.approx(0.0)
    assert share_of_rate(0.0, 0.0) == 1.0


def test_lower_groups_learn_slower() -> None:
    assert rates_by_depth(3, 1.0, 0.5) == (0.25, 0.5, 1.0)
    assert rates_by_depth(0, 1.0, 0.5) == ()


def test_without_a_limit_every_step_goes_an_equal_part() -> None:
    course = Course(10, 5, math.inf, lambda: 1e9)
    fractions = []
    while left := course.left:
        course.advance(left, 1.0)
        fractions.append(course.fraction)
    assert fractions == pytest.approx([step / 10 for step in range(1, 11)])


def test_a_machine_that_gets_slower_still_ends_in_time() -> None:
    now = 0.0
    course = Course(1000, 10, 100.0, lambda: now, looks=2.0)
    while left := course.left:
        seconds = 0.1 if course.step < 100 else 1.0
        now += seconds
        course.advance(left, seconds)
        if course.step % course.steps_per_epoch == 0:
            now += course.looks
    assert 90 <= now <= 98
    assert course.fraction > 0.95
