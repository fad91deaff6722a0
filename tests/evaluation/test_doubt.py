"""What is said where copies leave little or nothing to hold out."""

import numpy as np
import pytest

from graft.evaluation.doubt import crowded, doubted, warn_of_doubt, why_nothing_is_held_out
from graft.results.figures import Interval

COPIES_1, COPIES_OF = "1 holds nothing but copies of one item", "nothing but copies of one item each"


@pytest.mark.parametrize(
    ("y", "copies", "units", "why"),
    [
        ("ab", "01", "01", "each of the 2 classes has one item only"),
        ("aabb", "0011", "0011", "each of the 2 classes holds nothing but copies of one item"),
        ("aabb", "0123", "0011", "each of the 2 classes stands in one group"),
        ("aaabbc", "000123", "000112", "of 3 classes 1 has one item only, " + COPIES_1 + " and 1 stands in one group"),
        ("aabbcd", "001123", "001123", "of 4 classes 2 have one item only and 2 hold " + COPIES_OF),
        ("aabb", "0101", "0101", "each of the 2 classes shares its copies or groups with these"),
        ("aa", "00", "00", "the only class holds nothing but copies of one item"),
        ("", "", "", "there are no items"),
    ],
)  # fmt: skip
def test_the_true_reason_is_given(y, copies, units, why):
    numbers = (np.array([ord(sign) for sign in signs], np.int64) for signs in (y, copies, units))
    assert why_nothing_is_held_out(*numbers) == why


def test_the_interval_of_a_doubtful_score_reaches_down_to_guessing():
    found, alone = Interval(0.9, 0.8, 0.95, "asked"), np.arange(100)
    right = np.ones(100, np.bool_)
    right[:10] = False
    sure = doubted(found, right, np.zeros(100, np.bool_), alone, 2, 1.0)
    assert sure is found
    whole = doubted(found, right, np.ones(100, np.bool_), alone, 2, 1.0)
    assert (whole.value, whole.high) == (0.9, 0.95)
    assert whole.low < 0.5
    assert whole.method.endswith("as if 100 items were guessed, for copies")
    half = doubted(found, right, np.arange(100) >= 50, alone, 2, 1.0)
    assert whole.low < half.low < found.low


def test_what_could_not_be_told_is_said_in_items():
    assert warn_of_doubt(np.zeros(5, np.bool_), np.arange(5)) == []
    (said,) = warn_of_doubt(np.array([True, True, False]), np.arange(3))
    assert said.startswith("2 of the 3 items look like copies of a few")
    assert "cannot be trusted" in said


def test_many_copies_of_few_are_told():
    (said,) = warn_of_doubt(np.zeros(60, np.bool_), np.repeat(np.arange(6), 10))
    assert said.startswith("60 of the 60 items are copies or near-copies of one another: there are 6 different ones")
    assert warn_of_doubt(np.zeros(60, np.bool_), np.repeat(np.arange(30), 2)) == []


def test_a_class_of_few_things_is_crowded_however_many_items_it_has():
    y = np.repeat([0, 1, 2], [40, 40, 4])
    copies = np.concatenate([np.arange(40) // 10, 100 + np.arange(40) // 8, 200 + np.arange(4) // 2])
    assert crowded(y, copies).tolist() == [True] * 40 + [False] * 44
