"""What classes that were added took from the old ones, in words and figures."""

from __future__ import annotations

from collections.abc import Callable

from graft.report import words
from graft.results.figures import ClassesAdded, RecallChange

LOSERS = 3
"""At most this many classes are named in a sentence."""


def losses(found: ClassesAdded) -> list[tuple[str, RecallChange]]:
    """The old classes, the one that lost most first."""
    return sorted(
        found.recall.items(),
        key=lambda row: (row[1].after - row[1].before if words.known(row[1].before, row[1].after) else 2.0, row[0]),
    )


def change_of(found: RecallChange) -> tuple[str, str, str, str, str]:
    """Recall before and after, their difference, how many items were lost to the new classes, and of how many."""
    difference = words.points(found.after - found.before)
    return words.percent(found.before), words.percent(found.after), difference, f"{found.lost_to_new:,}", f"{found.n:,}"


def changed(change: RecallChange) -> bool:
    """Whether the new classes made a difference to an old one."""
    return change.lost_to_new > 0 or (words.known(change.before, change.after) and change.before != change.after)


def added(found: ClassesAdded, name: Callable[[str], str] = words.clean) -> str:
    """What the old classes lost to the new ones; ``name`` shows the labels."""
    if not found.classes:
        return "No class is new."
    shown = [name(entry) for entry in found.classes[:LOSERS]]
    if len(found.classes) > LOSERS:
        new = f"the {len(found.classes)} new classes"
    else:
        new = f"the new {'class' if len(shown) == 1 else 'classes'} {_enumerated(shown)}"
    losers = sorted(
        ((entry, change) for entry, change in found.recall.items() if change.lost_to_new > 0),
        key=lambda row: (-row[1].lost_to_new, row[1].n, row[0]),
    )
    if not losers:
        return f"No old class lost an item to {new}."
    first, change = losers[0]
    parts = [f"{name(first)} lost {change.lost_to_new:,} of {words.amount(change.n, '')} to {new}"]
    parts += [f"{name(entry)} {change.lost_to_new:,} of {change.n:,}" for entry, change in losers[1:LOSERS]]
    if rest := losers[LOSERS:]:
        lost = sum(change.lost_to_new for _, change in rest)
        parts.append(f"{words.count(len(rest), 'other class', 'other classes')} {lost:,} in all")
    return ", ".join(parts) + "."


def _enumerated(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
