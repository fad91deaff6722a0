"""Embeddings that were computed elsewhere, and their labels: what a head can be fitted to."""

from __future__ import annotations

from typing import Any

import numpy as np

from graft.contracts import Float32
from graft.data.lists import labels_of
from graft.errors import DataError

LARGEST = 1e18
"""Squares of larger numbers, and sums of these, are beyond what float32 holds."""


def check_matrix(x: Any) -> Float32:
    """The matrix ``(n, d) float32``.

    Raises:
        DataError: It is no matrix of numbers, has no columns, or holds numbers that are not finite or too large.
    """
    try:
        matrix = np.asarray(x)
        if matrix.dtype != np.float32:  # of what is float32 there is no second copy
            matrix = matrix.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"The embeddings are no matrix of numbers: {error}.", "Give (n, d) numbers.") from None
    if matrix.ndim != 2 or not matrix.size:
        raise DataError(
            f"The embeddings have the shape {matrix.shape}.",
            "Give a matrix (n, d): a row for each item, and at least one column.",
        )
    largest = max(-float(matrix.min()), float(matrix.max()))
    if not np.isfinite(largest):
        bad = ~np.isfinite(matrix)
        row, column = np.argwhere(bad)[0].tolist()
        raise DataError(
            f"The embeddings hold {int(bad.sum()):,} numbers that are not finite, in {int(bad.any(axis=1).sum()):,} of "
            f"{len(matrix):,} rows; the first is {matrix[row, column]} in row {row}, column {column}.",
            "Leave these rows out, or compute them again.",
        )
    if largest > LARGEST:
        row, column = np.unravel_index(np.abs(matrix).argmax(), matrix.shape)
        raise DataError(
            f"The embeddings are too large to compute with: {matrix[row, column]:g} in row {row}, column {column}.",
            "Scale them, so that a row has a length of about 1.",
        )
    return np.ascontiguousarray(matrix, np.float32)


def labels_of_rows(given: Any) -> tuple[str, ...]:
    """The label of each row.

    Raises:
        DataError: A row has none, or several.
    """
    labels, tags = labels_of(given)
    if tags:
        raise DataError("A row of embeddings takes one label, and these are lists.", "Give one label for each row.")
    if missing := [row for row, label in enumerate(labels) if not label]:
        more = f" ({len(missing):,} rows have none)" if len(missing) > 1 else ""
        raise DataError(f"Row {missing[0]} has no label{more}.", "Leave out rows without a label.")
    return tuple(labels)
