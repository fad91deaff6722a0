"""Vectors that were computed elsewhere, checked before anything is compared with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graft.contracts import Float32
from graft.data.dataset import Dataset, Memory
from graft.errors import DataError, ItemError, NothingToRead, UsageError
from graft.learning.neighbours import unit

_PLAIN = 2.0**60
"""The squares of numbers between this and its inverse stay within float32."""


def rows_of(x: Any) -> Float32:
    """A matrix of embeddings as rows of unit length ``(n, d) float32``.

    Raises:
        NothingToRead: It has no rows.
        DataError: It is no matrix of numbers, or not all are finite.
    """
    matrix = _as_float32(x)
    if matrix is None or matrix.ndim != 2 or (len(matrix) and not matrix.shape[1]):
        raise DataError(f"The embeddings are {_described(x, matrix)}.", "Give an array (n, d): a row for each item.")
    if not len(matrix):
        raise NothingToRead("There are no embeddings: the matrix has no rows.", "Give a row for each item.")
    if len(bad := np.flatnonzero(~np.isfinite(_largest(matrix)))):
        raise DataError(
            f"{len(bad):,} of {len(matrix):,} embeddings hold numbers that are not finite in float32; the first is row "
            f"{bad[0]}.",
            "Leave these rows out, or embed them again.",
        )
    return _unit(matrix)


def items_of(n: int, labels: Sequence[Any] | None, names: Sequence[Any] | None) -> Dataset:
    """What stands for the rows of such a matrix.

    Args:
        n: How many rows.
        labels: One for each; ``None`` for one that has none.
        names: One for each; by default ``row 0``, ``row 1``, ...

    Raises:
        DataError: There are more or fewer than rows.
    """
    called = [f"row {row}" for row in range(n)] if names is None else _one_for_each(n, names, "names")
    return Dataset(
        tuple(Memory(b"", name) for name in called),
        tuple([""] * n if labels is None else _one_for_each(n, labels, "labels")),
        name="embeddings",
    )


def query_of(query: Any, width: int) -> Float32 | ItemError:
    """A query as a vector of unit length ``(d,) float32``, or why it cannot be compared.

    Raises:
        UsageError: It is no vector of so many numbers.
    """
    vector = _as_float32(query)
    if vector is None or vector.shape != (width,):
        raise UsageError(
            f"A query of this index is a vector of {width} numbers; this one is {_described(query, vector)}.",
            "Embed it as the rows were. Several queries go to search_many.",
        )
    if not np.isfinite(vector).all():
        return ItemError("corrupt", "The query holds numbers that are not finite in float32.", "Embed it again.")
    return np.asarray(_unit(vector[None])[0])


def _as_float32(value: Any) -> Float32 | None:
    if isinstance(value, str | bytes):
        return None
    try:
        with np.errstate(over="ignore"):  # what becomes infinite is refused
            return np.asarray(value, np.float32)
    except (TypeError, ValueError):
        return None


def _unit(x: Float32) -> Float32:
    """As ``unit``, for rows of any length: the squares of very large and very small numbers leave float32."""
    largest = _largest(x)
    far = (largest > 0) & ((largest > _PLAIN) | (largest < 1 / _PLAIN))
    if far.any():
        x = x.copy()
        x[far] /= largest[far, None]
    return unit(x)


def _largest(x: Float32) -> Float32:
    """The largest size of a number in each row ``(n,) float32``; NaN where there is one."""
    return np.asarray(np.maximum(x.max(axis=1), -x.min(axis=1)))


def _described(value: Any, array: Float32 | None) -> str:
    if array is not None:
        return f"an array of shape {array.shape}"
    shown = repr(value)
    return f"of type {type(value).__name__}, {shown if len(shown) <= 40 else shown[:39] + '…'}"


def _one_for_each(n: int, values: Sequence[Any], what: str) -> list[str]:
    if isinstance(values, str) or len(values) != n:
        found = repr(values) if isinstance(values, str) else f"{len(values):,} {what}"
        raise DataError(
            f"There must be one of {what} for each row: {n:,} rows, {found}.", "Give a list of that length."
        )
    return ["" if value is None else str(value) for value in values]
