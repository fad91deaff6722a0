"""The nearest rows, exactly."""

import numpy as np
import pytest

from graft.learning import neighbours
from graft.learning.neighbours import nearest, unit


def points(n, d=16, seed=0):
    return unit(np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32))


@pytest.mark.parametrize("block", [1 << 22, 700, 1])
def test_as_sorting_all_cosines(monkeypatch, block):
    monkeypatch.setattr(neighbours, "BLOCK", block)
    x, queries = points(300), points(40, seed=1)
    found = nearest(queries, x, 7)
    cosine = queries.astype(np.float64) @ x.T.astype(np.float64)
    assert (found.rows == np.argsort(-cosine, axis=1)[:, :7]).all()
    assert np.allclose(found.similarity, -np.sort(-cosine, axis=1)[:, :7], atol=1e-6)


def test_many_rows_in_any_order():
    x = points(5001, d=3)
    x = x[np.argsort(x[:, 0])]
    queries = points(30, d=3, seed=1)
    cosine = np.round(queries.astype(np.float64) @ x.T.astype(np.float64), 7)
    assert (nearest(queries, x, 12).rows == np.argsort(-cosine, axis=1, kind="stable")[:, :12]).all()


def test_the_work_may_be_divided_by_rows(monkeypatch):
    x, query = points(501), points(1, seed=1)
    whole = nearest(query, x, 5)
    monkeypatch.setattr(neighbours, "SMALL", 0)
    assert (nearest(query, x, 5).rows == whole.rows).all()


def test_a_row_is_not_its_own_neighbour():
    x = points(50)
    found = nearest(x, x, 49, own=np.arange(50))
    assert found.rows.shape == (50, 49)
    assert not (found.rows == np.arange(50)[:, None]).any()


def test_ties_come_in_the_order_of_the_rows(monkeypatch):
    monkeypatch.setattr(neighbours, "CHUNK", 100)
    x = points(400)
    x[100:300] = x[7]
    found = nearest(x[7:8], x, 250)
    assert found.rows[0, :201].tolist() == [7, *range(100, 300)]
    assert nearest(x[7:8], x, 3).rows.tolist() == [[7, 100, 101]]


def test_fewer_rows_than_asked_for():
    x = points(3)
    assert nearest(x, x, 10).rows.shape == (3, 3)
    assert nearest(x, x, 10, own=np.arange(3)).rows.shape == (3, 2)
    assert nearest(x[:1], x[:1], 10, own=np.array([0])).rows.shape == (1, 0)
    assert nearest(x[:0], x, 2).rows.shape == (0, 0)


def test_zeros_are_like_nothing():
    x = np.concatenate([np.zeros((1, 16), np.float32), points(5)])
    assert nearest(unit(x[:1]), unit(x), 6).similarity.tolist() == [[0.0] * 6]
