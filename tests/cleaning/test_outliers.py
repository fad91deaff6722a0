import numpy as np
import pytest

from graft.cleaning.outliers import NEIGHBOURS, score_outliers


def cones(n=120, dim=32, seed=0):
    """Unit vectors around two directions."""
    chance = np.random.default_rng(seed)
    centres = 4 * np.eye(2, dim)
    x = centres[np.arange(n) % 2] + chance.normal(size=(n, dim)) * 0.5
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def strangers(dim, count, seed=1):
    x = np.random.default_rng(seed).normal(size=(count, dim))
    x[:, :2] = 0
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("dim", [32, 400])  # fewer columns than are kept, and more
def test_what_is_like_nothing_else_is_an_outlier(dim):
    x = np.concatenate([cones(dim=dim), strangers(dim, 3)])
    found = score_outliers(x, np.arange(123))
    assert np.flatnonzero(found.is_issue).tolist() == [120, 121, 122]
    assert (found.score[120:] < 0.5).all()
    assert (found.score[:120] > 0.5).all()
    assert found.score.dtype == np.float32
    assert ((found.score >= 0) & (found.score <= 1)).all()


def test_nothing_stands_out_much_where_all_are_alike():
    flagged = [score_outliers(cones(seed=seed), np.arange(120)).is_issue.mean() for seed in range(10)]
    assert np.mean(flagged) < 0.03


def test_a_copy_is_no_evidence_that_an_item_belongs():
    x = np.concatenate([cones(), np.repeat(strangers(32, 1), 2, axis=0)])
    clusters = np.append(np.arange(121), 120)
    found = score_outliers(x, clusters)
    assert np.flatnonzero(found.is_issue).tolist() == [120, 121]
    assert found.distance[[120, 121]] == pytest.approx(0, abs=1e-5)
    assert 121 not in found.neighbours[120]
    assert 120 not in found.neighbours[121]


def test_neighbours_are_the_nearest_others():
    x = cones()
    found = score_outliers(x, np.arange(120))
    similarity = x @ x.T
    np.fill_diagonal(similarity, -2)
    assert found.neighbours.shape == (120, NEIGHBOURS)
    assert found.distance == pytest.approx(1 - similarity.max(axis=1), abs=1e-5)
    wanted = np.argsort(-similarity, axis=1)[:, :NEIGHBOURS]
    assert [set(row) for row in found.neighbours.tolist()] == [set(row) for row in wanted.tolist()]


def test_a_family_of_copies_larger_than_the_neighbourhood():
    x = np.concatenate([cones(), np.repeat(cones(2)[:1], 40, axis=0)])
    clusters = np.concatenate([np.arange(120), np.full(40, 120)])
    found = score_outliers(x, clusters)
    assert np.isfinite(found.score).all()
    assert not found.is_issue[:120].any()


@pytest.mark.parametrize("n", [1, 2, 3, 5, 9])
def test_few_items_are_no_outliers(n):
    found = score_outliers(cones(n), np.arange(n))
    assert found.score.shape == (n,)
    assert np.isfinite(found.score).all()
    assert not found.is_issue.any()


def test_equal_items_are_no_outliers():
    found = score_outliers(np.ones((20, 8), np.float32), np.arange(20))
    assert not found.is_issue.any()
    assert np.isfinite(found.score).all()


def test_a_row_of_zeros_does_no_harm():
    x = cones()
    x[5] = 0
    found = score_outliers(x, np.arange(120))
    assert np.isfinite(found.score).all()
    assert np.flatnonzero(found.is_issue).tolist() == [5]
