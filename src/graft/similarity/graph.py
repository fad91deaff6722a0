"""Nearly the nearest among very many: a graph of neighbours that is walked instead of comparing with every row.

The graph (HNSW, Malkov and Yashunin 2018, by the library usearch) only proposes candidates, which are then ranked by
their exact similarity. It is kept in memory and never written: its file format is read by code that trusts it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graft.contracts import Float32, Int, Progress, silent
from graft.errors import needing
from graft.executors import workers
from graft.learning.axes import leading
from graft.learning.neighbours import Neighbours, rank, unit

EXACT_UP_TO = 100_000
"""Among so many items every one is compared with the query."""
AXES = 256
"""The graph sees rows on so many principal axes at most, one byte for each."""
STEP = 8192
"""Rows that join the graph between two words of progress."""
LINKS, WIDTH_OF_BUILDING = 16, 64
"""Neighbours that a row keeps, and rows that are looked at to find them."""
CANDIDATES, WIDTH = 64, 160
"""Candidates that are ranked, and rows that are looked at to find them, where 10 or fewer are asked for."""


class Graph:
    """A graph over the rows of a matrix."""

    def __init__(self, x: Float32, progress: Progress = silent) -> None:
        """Build it.

        Args:
            x: ``(n, d) float32`` of unit length; it is kept, not copied.
            progress: Told how many rows have joined.

        Raises:
            MissingExtra: usearch is not installed.
        """
        self._x = x
        self._axes = leading(x, min(AXES, x.shape[1]))
        self._index = _new_index(self._axes.shape[1])
        # Equal rows join once: many copies of one would have none but each other for neighbours, out of reach for all.
        first: dict[bytes, int] = {}
        same = np.array([first.setdefault(row.tobytes(), at) for at, row in enumerate(x)], np.int64)
        self._by_content = np.argsort(same, kind="stable")
        self._ordered = same[self._by_content]
        distinct = np.array(sorted(first.values()), np.int64)
        for start in range(0, len(distinct), STEP):
            progress("index", start, len(distinct))
            rows = distinct[start : start + STEP]
            self._index.add(rows, unit(x[rows] @ self._axes), threads=workers())
        progress("index", len(distinct), len(distinct))

    def nearest(self, queries: Float32, k: int, own: Int | None = None) -> Neighbours:
        """As ``learning.neighbours.nearest``, but now and then a row is missed; ``k`` is at most the rows there are.

        Args:
            queries: ``(q, d) float32`` of unit length.
            k: How many.
            own: For each query the row that it is itself ``(q,) int64``, which is left out.
        """
        wanted = min(len(self._x), max(CANDIDATES, 2 * k + 1))
        self._index.expansion_search = max(WIDTH, 2 * wanted)
        keys = self._index.search(unit(queries @ self._axes), wanted, threads=workers()).keys
        found = []
        for place, (query, row) in enumerate(zip(queries, np.atleast_2d(keys), strict=True)):
            candidates = np.unique(row.astype(np.int64))
            candidates = self._with_copies(candidates[candidates < len(self._x)])
            if own is not None:
                candidates = candidates[candidates != own[place]]
            found.append(rank(query, self._x, candidates, k))
        least = min(len(one.rows) for one in found)  # a graph may lose a few where many rows are the same
        return Neighbours(
            np.stack([one.rows[:least] for one in found]), np.stack([one.similarity[:least] for one in found])
        )

    def _with_copies(self, rows: Int) -> Int:
        """These rows and all that are equal to one of them, ascending."""
        begin, end = (np.searchsorted(self._ordered, rows, side=side) for side in ("left", "right"))
        spans = [self._by_content[low:high] for low, high in zip(begin.tolist(), end.tolist(), strict=True)]
        return np.sort(np.concatenate(spans)) if spans else rows


def _new_index(width: int) -> Any:
    with needing(
        "search",
        otherwise=", or compare with every item: --exact (in Python exact=True).",
        message=f"More than {EXACT_UP_TO:,} items are searched through a graph, and usearch is not installed.",
    ):
        from usearch.index import Index
    return Index(ndim=width, metric="cos", dtype="i8", connectivity=LINKS, expansion_add=WIDTH_OF_BUILDING, multi=False)
