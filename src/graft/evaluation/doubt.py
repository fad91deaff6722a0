"""What to say, and how far to trust a score, where copies leave little or nothing to hold out."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from graft.contracts import Bool, Int
from graft.evaluation.intervals import cross_validated_interval
from graft.results.figures import Interval

ENOUGH = 5
"""Of a class that is fewer different things, a score says little."""
CROWD = 3
"""Where so many items are copies of one on average, it is said."""

_REASONS = (
    ("has one item only", "have one item only"),
    ("holds nothing but copies of one item", "hold nothing but copies of one item each"),
    ("stands in one group", "stand in one group each"),
    ("shares its copies or groups with these", "share their copies or groups with these"),
)


def why_nothing_is_held_out(y: Int, copies: Int, units: Int) -> str:
    """Why of no class an item could be held out, in words: how many classes there are of each kind.

    Args:
        y: Class of each item ``(n,) int64``.
        copies: What is a copy of what ``(n,) int64``.
        units: What has to stay together, by copies and by given groups ``(n,) int64``.
    """
    found: Counter[int] = Counter()
    for label in np.unique(y):
        rows = y == label
        parts = (int(rows.sum()), *(len(np.unique(what[rows])) for what in (copies, units)))
        found[next((place for place, n in enumerate(parts) if n == 1), len(parts))] += 1
    total = sum(found.values())
    if not total:
        return "there are no items"
    if len(found) == 1:
        (kind,) = found
        every = "the only class" if total == 1 else f"each of the {total:,} classes"
        return f"{every} {_REASONS[kind][0]}"
    parted = [f"{n:,} {_REASONS[kind][n > 1]}" for kind, n in sorted(found.items())]
    return f"of {total:,} classes {', '.join(parted[:-1])} and {parted[-1]}"


def crowded(y: Int, copies: Int) -> Bool:
    """Which rows belong to a class that has ``ENOUGH`` items and is not so many different things ``(n,) bool``.

    Args:
        y: Class of each row ``(n,) int64``.
        copies: What is a copy of what ``(n,) int64``.
    """
    things = np.bincount(np.unique(np.stack([y, copies]), axis=1)[0], minlength=1)
    return np.asarray((np.bincount(y, minlength=1) >= ENOUGH)[y] & (things < ENOUGH)[y], np.bool_)


def doubted(found: Interval, right: Bool, doubtful: Bool, copies: Int, k: int, design_effect: float) -> Interval:
    """An accuracy whose interval reaches down to where the items that are doubtful for their copies were only guessed.

    Args:
        found: The accuracy, cross-validated.
        right: Whether each item was named rightly ``(n,) bool``.
        doubtful: Which may have copies on both sides of a split, or are copies of few things ``(n,) bool``.
        copies: What is known to be a copy of what ``(n,) int64``.
        k: Number of classes.
        design_effect: As for ``cross_validated_interval``.
    """
    if not doubtful.any() or np.isnan(found.value):
        return found
    flattered = float((right[doubtful] - 1 / k).sum()) / len(right)
    least = cross_validated_interval(max(0.0, found.value - max(0.0, flattered)), copies, "", design_effect)
    method = f"{found.method}; its lower end as if {int(doubtful.sum()):,} items were guessed, for copies"
    return replace(found, low=min(found.low, least.low), method=method)


def warn_of_doubt(doubtful: Bool, copies: Int) -> list[str]:
    """What to say of a score that copies may flatter, or that rests on few things.

    Args:
        doubtful: Which items may have copies on both sides of a split ``(n,) bool``.
        copies: What is known to be a copy of what ``(n,) int64``.
    """
    n, several = int(doubtful.sum()), np.bincount(copies, minlength=1)
    said = []
    if n:
        advice = "Keep one of each, or say in a column group (or with --pattern) which belong together."
        said.append(
            f"{n:,} of the {len(doubtful):,} items look like copies of a few: perhaps they are, perhaps their classes "
            "look so much alike. If they are copies, the score cannot be trusted, and its interval reaches down to "
            f"guessing for them. {advice}"
        )
    again = int(several[several > 1].sum())
    if 2 * again > len(copies) and not doubtful.any() and len(several) * CROWD <= len(copies):
        said.append(
            f"{again:,} of the {len(copies):,} items are copies or near-copies of one another: there are "
            f"{len(several):,} different ones, and the score counts these."
        )
    return said
