import numpy as np
import pytest

from graft.labelling.choosing import choose, doubt, uncertainty


def blobs(sizes, seed=0):
    """Round clouds of so many points each, far apart; which cloud each point is of."""
    chance = np.random.default_rng(seed)
    centres = 10 * np.eye(len(sizes), 16)
    which = np.repeat(np.arange(len(sizes)), sizes)
    return (centres[which] + 0.5 * chance.normal(size=(len(which), 16))).astype(np.float32), which


def test_a_label_is_asked_for_in_each_part_of_the_data_before_any_gets_a_second():
    x, which = blobs([40, 30, 20, 10])
    rows, scores = choose(x, np.ones(len(x)), 4)
    assert sorted(which[rows]) == [0, 1, 2, 3]
    assert scores == sorted(scores, reverse=True)
    assert all(score > 0 for score in scores)
    assert sum(scores) < 1


def test_an_outlier_waits():
    x, which = blobs([40, 40, 40, 1])
    rows, _ = choose(x, np.ones(len(x)), 2)
    assert 3 not in which[rows]


def test_where_the_model_is_sure_it_asks_nothing():
    x, which = blobs([30, 30, 30])
    rows, _ = choose(x, doubt(np.where(which == 1, 0.9, 0.0)), 2)
    assert set(which[rows]) == {1}


def test_a_copy_of_what_was_chosen_waits():
    x, which = blobs([1, 1, 1, 1])
    rows, _ = choose(np.repeat(x, 10, axis=0), np.ones(40), 4)
    assert sorted(np.repeat(which, 10)[rows]) == [0, 1, 2, 3]


def test_all_of_fewer_rows_than_were_asked_for():
    x, _ = blobs([2, 3])
    rows, _ = choose(x, np.ones(5), 9)
    assert sorted(rows) == [0, 1, 2, 3, 4]
    assert choose(np.ones((3, 4), np.float32), np.ones(3), 2)[1] == [0, 0]  # nothing to tell them apart by


def test_uncertainty_lies_between_nothing_and_one():
    p = np.array([[1, 0, 0], [0.5, 0.5, 0], [0.6, 0.3, 0.1]])
    assert uncertainty(p) == pytest.approx([0, 1, 0.7])
    assert uncertainty(np.array([[1.0, 0.5], [0.0, 1.0]]), several=True) == pytest.approx([0.5, 0])
