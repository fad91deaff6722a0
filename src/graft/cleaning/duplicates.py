"""The same item twice: which stand in one cluster, and what is wrong with that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from graft.contracts import Array, Float32, Int


@dataclass(frozen=True, slots=True)
class DuplicateSet:
    """Items that are the same, or nearly so.

    Attributes:
        rows: Which, ascending; two at least.
        exact: Whether all have the same content.
        labels: The labels they bear, sorted; several are a contradiction.
        splits: The splits they stand in, sorted; several are a leak.
        groups: The given groups they belong to, sorted.
    """

    rows: tuple[int, ...]
    exact: bool
    labels: tuple[str, ...]
    splits: tuple[str, ...]
    groups: tuple[str, ...]

    @property
    def across_labels(self) -> bool:
        """Whether the same thing has two labels."""
        return len(self.labels) > 1

    @property
    def across_splits(self) -> bool:
        """Whether the same thing stands in two splits."""
        return len(self.splits) > 1

    @property
    def across_groups(self) -> bool:
        """Whether the same thing stands in two given groups."""
        return len(self.groups) > 1


@dataclass(frozen=True, slots=True, eq=False)
class Duplicates:
    """What is there more than once.

    Attributes:
        columns: The findings of each row, under the names that cleanlab gives them ``(n,)`` each: whether another row
            has the same content; whether another row stands in its cluster, with the same content or nearly; the
            score, 0 to 1, low is bad: 0 for equal content, 1 for a row that stands alone; and the other rows of its
            cluster, ascending ``(m,) int64``.
        sets: The clusters of two and more, worst first: across labels, across splits, across groups, exact, larger.
    """

    columns: Mapping[str, Array]
    sets: tuple[DuplicateSet, ...]


def duplicates_of(
    clusters: Int,
    digests: Sequence[str],
    labels: Sequence[str],
    splits: Sequence[str] = (),
    groups: Sequence[str] = (),
    likeness: Float32 | None = None,
) -> Duplicates:
    """What is there more than once.

    Args:
        clusters: Cluster of each row ``(n,) int64``; rows of equal content stand in one.
        digests: ``n`` content hashes.
        labels: One for each row.
        splits: One for each row, ``""`` where none was given; empty: none were.
        groups: The same.
        likeness: Of each row to the row most like it ``(n,) float32``, 0 to 1; without it every near-duplicate has the
            score 0.5.
    """
    n = len(clusters)
    splits, groups = splits or [""] * n, groups or [""] * n
    content = np.unique(np.asarray(digests, dtype=np.str_), return_inverse=True)[1].reshape(-1)
    exact = np.bincount(content, minlength=1)[content] > 1
    near, score, others = np.zeros(n, np.bool_), np.ones(n), np.empty(n, object)
    members = _rows_of_each(clusters)
    for rows in members:
        near[rows] = len(rows) > 1
        for row in rows.tolist():
            others[row] = rows[rows != row]
    score[near] = 0.5 if likeness is None else 1 - np.clip(likeness[near], 0, 1)
    score[exact] = 0
    sets = [
        DuplicateSet(
            rows=tuple(rows.tolist()),
            exact=len(np.unique(content[rows])) == 1,
            labels=_names(labels, rows),
            splits=_names(splits, rows),
            groups=_names(groups, rows),
        )
        for rows in members
        if len(rows) > 1
    ]
    columns = {
        "is_exact_duplicate_issue": exact,
        "is_near_duplicate_issue": near,
        "near_duplicate_score": score,
        "near_duplicate_sets": others,
    }
    return Duplicates(columns, tuple(sorted(sets, key=_harm)))


def _rows_of_each(clusters: Int) -> list[Int]:
    order = np.argsort(clusters, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(clusters[order])) + 1) if len(order) else []


def _names(names: Sequence[str], rows: Int) -> tuple[str, ...]:
    return tuple(sorted({names[row] for row in rows.tolist()} - {""}))


def _harm(found: DuplicateSet) -> tuple[bool, bool, bool, bool, int, tuple[int, ...]]:
    """Sorts the worst first."""
    return (
        not found.across_labels,
        not found.across_splits,
        not found.across_groups,
        not found.exact,
        -len(found.rows),
        found.rows,
    )
