"""The nearest rows by cosine, exactly: matrix products in blocks that fit into memory."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from graft.contracts import Float32, Float64, Int
from graft.executors import map_on_cores, workers

BLOCK = 1 << 22
"""So many similarities at most are held for each core."""
SMALL = 1 << 24
"""Products of no more multiplications than this are not worth a second thread."""
SLACK = 1e-5
"""Sums in float32 may be off by so much, whatever the order of their terms."""
CHUNK = 4096
"""So many rows at a time are made float64: thousands of copies of one item are all tied."""
GROUPS = 256
"""Into so many groups at least the scores of a query are divided."""
DIGITS = 7
"""Decimal places in which similarities are compared; rows that agree in all of them are tied."""


class Neighbours(NamedTuple):
    """The nearest rows of each query, best first; ties in the order of the rows.

    Attributes:
        rows: ``(q, k) int64``.
        similarity: Cosine ``(q, k) float64`` from -1 to 1.
    """

    rows: Int
    similarity: Float64


def unit(x: Float32) -> Float32:
    """Rows ``(n, d)`` scaled to length 1 ``float32``; a row of zeros stays zero."""
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return np.asarray(x / np.maximum(length, np.finfo(np.float32).tiny), np.float32)


def nearest(queries: Float32, x: Float32, k: int, own: Int | None = None) -> Neighbours:
    """The ``k`` rows of ``x`` that are most like each query.

    Args:
        queries: ``(q, d) float32`` of unit length.
        x: ``(n, d) float32`` of unit length.
        k: How many; fewer are found where there are fewer.
        own: For each query the row that it is itself ``(q,) int64``, which is left out.
    """
    k = min(k, len(x) - (own is not None))
    if k < 1 or not len(queries):
        return Neighbours(np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0)))
    step = max(1, BLOCK // len(x))
    if len(queries) <= step:
        return _select(_products(queries, x), queries, x, k, own)

    def find(start: int) -> Neighbours:
        part = slice(start, start + step)
        return _select(queries[part] @ x.T, queries[part], x, k, None if own is None else own[part])

    parts = map_on_cores(find, range(0, len(queries), step))
    return Neighbours(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def rank(query: Float32, x: Float32, candidates: Int, k: int) -> Neighbours:
    """The ``k`` nearest to one query ``(d,)`` of these rows of ``x``, by sums that depend on the row alone."""
    wide = query.astype(np.float64)
    parts = [candidates[start : start + CHUNK] for start in range(0, len(candidates), CHUNK)]
    exact = np.concatenate([np.einsum("nd,d->n", x[part].astype(np.float64), wide) for part in parts])
    exact = np.round(exact, DIGITS)
    order = np.lexsort((candidates, -exact))[:k]
    return Neighbours(candidates[order], np.clip(exact[order], -1.0, 1.0))


def _products(queries: Float32, x: Float32) -> Float32:
    """``queries @ x.T``, the rows of ``x`` divided among the cores."""
    if len(queries) * x.size <= SMALL or workers() < 2:
        return queries @ x.T
    step = -(-len(x) // workers())
    parts = map_on_cores(lambda start: queries @ x[start : start + step].T, range(0, len(x), step))
    return np.concatenate(parts, axis=1)


def _select(scores: Float32, queries: Float32, x: Float32, k: int, own: Int | None) -> Neighbours:
    if own is not None:
        scores[np.arange(len(scores)), own] = -np.inf
    least = _bounds(scores, k) - SLACK
    found = [
        rank(query, x, np.flatnonzero(row >= low), k) for query, row, low in zip(queries, scores, least, strict=True)
    ]
    return Neighbours(np.stack([one.rows for one in found]), np.stack([one.similarity for one in found]))


def _bounds(scores: Float32, k: int) -> Float32:
    """For each row ``(q,)`` a value that at least ``k`` of its scores reach, and hardly more.

    The k-th largest of the maxima of many groups: much cheaper than the k-th largest of all. Rows that stand together
    are often alike, so a group is every g-th of them.
    """
    n = scores.shape[1]
    groups = max(GROUPS, 8 * k)
    if n >= 4 * groups:
        whole = n - n % groups
        scores = scores[:, :whole].reshape(len(scores), -1, groups).max(axis=1)
    return np.asarray(np.partition(scores, scores.shape[1] - k, axis=1)[:, -k])
