"""What the decisions of a journal come to, and a data set as it is with them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from graft.contracts import Int
from graft.data.contents import clean_label
from graft.data.dataset import SEPARATOR, Dataset
from graft.data.decision import MAX_NAME, Decision, ItemKey
from graft.data.listing import shortened

_EXAMPLES = 3
_SHORT = 60


@dataclass(frozen=True, slots=True)
class Outcome:
    """What holds for one item.

    Attributes:
        action: ``"relabel"``, ``"drop"``, ``"keep"`` or ``"unsure"``; a ``merge`` keeps one item and drops the others.
        to: The new label, for ``relabel``.
        decision: What it follows from.
    """

    action: str
    to: str | None
    decision: Decision

    @property
    def effect(self) -> tuple[str, str | None]:
        """What two outcomes must have in common to be the same, whoever decided."""
        return self.action, self.to


@dataclass(frozen=True, slots=True)
class Conflict:
    """Different people decided differently on one item; ``standing`` is the later, and holds."""

    key: ItemKey
    standing: Outcome
    other: Outcome


@dataclass(frozen=True, slots=True)
class Standing:
    """What a journal comes to.

    Attributes:
        outcomes: What holds for each item, in the order of the decisions.
        conflicts: Where people disagreed.
        undone: The ``id`` of each decision that is undone, undos included.
        lost: Undos of what is not in the journal before them; they have no effect.
    """

    outcomes: Mapping[ItemKey, Outcome]
    conflicts: tuple[Conflict, ...] = ()
    undone: frozenset[str] = frozenset()
    lost: tuple[Decision, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Applied:
    """A data set with the decisions of a journal.

    Attributes:
        dataset: What remains of it, with the labels that were decided on, and with warnings of what did not fit.
        rows: Which rows of the given data set these are ``(m,) int64``.
        relabelled: Rows of the given data set that got another label.
        dropped: Rows of it that were left out.
        kept: Rows of it that were found right.
        unsure: Rows of it that nobody could judge; they stay as they are.
        unmatched: Items that decisions speak of and the data set does not have.
        conflicts: Where people disagreed.
    """

    dataset: Dataset
    rows: Int
    relabelled: tuple[int, ...]
    dropped: tuple[int, ...]
    kept: tuple[int, ...]
    unsure: tuple[int, ...]
    unmatched: tuple[ItemKey, ...]
    conflicts: tuple[Conflict, ...]


def keys_of(dataset: Dataset, digests: Sequence[str]) -> tuple[ItemKey, ...]:
    """What a journal calls each item of a data set by; ``digests`` are the hashes of their contents."""
    counts: Counter[tuple[str, str, str]] = Counter()
    keys = []
    for item, label, digest in zip(dataset.items, dataset.labels, digests, strict=True):
        same = (digest, item.name[:MAX_NAME], label)
        keys.append(ItemKey(*same, counts[same]))
        counts[same] += 1
    return tuple(keys)


def standing(decisions: Sequence[Decision]) -> Standing:
    """What holds now for each item: of several decisions on one item, the last in the file.

    What is undone counts as if it had never been written; where the undo is undone, it stands again, in its old place.
    A decision that is in the file twice, as in two journals that were joined, counts once.
    """
    first: dict[str, Decision] = {}
    for decision in decisions:
        first.setdefault(decision.id, decision)
    once = list(first.values())
    undone, lost = _undone(once)
    made: defaultdict[ItemKey, dict[str, Outcome]] = defaultdict(dict)
    outcomes: dict[ItemKey, Outcome] = {}
    for decision in once:
        if decision.id in undone:
            continue
        for key, outcome in _outcomes(decision):
            made[key][decision.who] = outcome
            outcomes.pop(key, None)  # so that the order is that of the last decisions
            outcomes[key] = outcome
    conflicts = [
        Conflict(key, outcome, other)
        for key, outcome in outcomes.items()
        for other in made[key].values()
        if other.effect != outcome.effect
    ]
    return Standing(outcomes, tuple(conflicts), undone, lost)


def apply(dataset: Dataset, digests: Sequence[str], decisions: Sequence[Decision]) -> Applied:
    """The data set with the decisions of a journal; the one that was given stays as it is.

    An item is found by content, label, name and running number. A file that was moved or renamed is found by content
    and label, where only one can be meant.

    Args:
        dataset: Items with the labels that the data give them.
        digests: Hash of each item's content.
        decisions: In the order of the journal.
    """
    found = standing(decisions)
    places, unmatched, moved = _places(keys_of(dataset, digests), found.outcomes)
    settled: dict[int, Outcome] = {}
    for key, outcome in found.outcomes.items():
        settled |= dict.fromkeys(places.get(key, ()), outcome)
    labels, tags = list(dataset.labels), list(dataset.tags)
    rows: dict[str, list[int]] = {action: [] for action in ("relabel", "drop", "keep", "unsure")}
    without_label = 0
    for row, outcome in sorted(settled.items()):
        action = outcome.action
        if action == "relabel":
            wanted = _tags(outcome.to or "") if dataset.tags else (clean_label(outcome.to or ""),)
            if not dataset.tags and not wanted[0]:
                without_label += 1
                continue
            action = "keep" if SEPARATOR.join(wanted) == labels[row] else "relabel"
            labels[row] = SEPARATOR.join(wanted)
            if dataset.tags:
                tags[row] = wanted
        rows[action].append(row)
    remaining = np.setdiff1d(np.arange(len(dataset)), rows["drop"])
    warnings = _warnings(found, unmatched, moved, without_label)
    mended = replace(dataset, labels=tuple(labels), tags=tuple(tags), warnings=(*dataset.warnings, *warnings)).select(
        remaining
    )
    return Applied(
        dataset=mended,
        rows=remaining,
        relabelled=tuple(rows["relabel"]),
        dropped=tuple(rows["drop"]),
        kept=tuple(rows["keep"]),
        unsure=tuple(rows["unsure"]),
        unmatched=unmatched,
        conflicts=found.conflicts,
    )


def _undone(decisions: Sequence[Decision]) -> tuple[frozenset[str], tuple[Decision, ...]]:
    """What is undone, the last undo first, for it decides whether those before it count; and undos of nothing."""
    place = {decision.id: number for number, decision in enumerate(decisions)}
    undone: set[str] = set()
    lost = []
    for number in reversed(range(len(decisions))):
        decision = decisions[number]
        if decision.undoes is None or decision.id in undone:
            continue
        if place.get(decision.undoes, number) < number:
            undone.add(decision.undoes)
        else:
            lost.append(decision)
    return frozenset(undone), tuple(reversed(lost))


def _outcomes(decision: Decision) -> list[tuple[ItemKey, Outcome]]:
    if decision.action == "merge":
        actions = ["keep", *["drop"] * (len(decision.items) - 1)]
    else:
        actions = [decision.action] * len(decision.items)
    return [(key, Outcome(action, decision.to, decision)) for key, action in zip(decision.items, actions, strict=True)]


def _places(
    keys: Sequence[ItemKey], outcomes: Mapping[ItemKey, Outcome]
) -> tuple[dict[ItemKey, list[int]], tuple[ItemKey, ...], list[ItemKey]]:
    """The rows that each key of a journal means, the keys that mean none, and those found under another name."""
    exact = {key: row for row, key in enumerate(keys)}
    places = {key: [exact[key]] for key in outcomes if key in exact}
    claimed = {row for rows in places.values() for row in rows}
    free: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        if row not in claimed:
            free[key.digest, key.label].append(row)
    gone: defaultdict[tuple[str, str], list[ItemKey]] = defaultdict(list)
    for key in outcomes:
        if key not in places and not key.copy:
            gone[key.digest, key.label].append(key)
    moved = []
    for alike, lost in gone.items():
        rows = free.get(alike, [])
        if rows and len(lost) >= len(rows) and len({outcomes[key].effect for key in lost}) == 1:
            places |= dict.fromkeys(lost, rows)
            moved += lost
    return places, tuple(key for key in outcomes if key not in places), moved


def _tags(to: str) -> tuple[str, ...]:
    return tuple(sorted({clean_label(tag) for tag in to.split(SEPARATOR)} - {""}))


def _warnings(found: Standing, unmatched: Sequence[ItemKey], moved: Sequence[ItemKey], without_label: int) -> list[str]:
    """What the user should know before believing that the journal was followed."""
    warnings = []
    if unmatched:
        speak = _count(len(unmatched), "item of the journal is", "items of the journal are")
        warnings.append(
            f"{speak} not in these data, or given another label there now: {_names(unmatched)}. "
            "What was decided about them has no effect."
        )
    if moved:
        speak = _count(
            len(moved),
            "item of the journal has another name now and was",
            "items of the journal have other names now and were",
        )
        warnings.append(f"{speak} found by content: {_names(moved)}.")
    if found.conflicts:
        first = found.conflicts[0]
        speak = _count(len(found.conflicts), "decision was", "decisions were")
        warnings.append(
            f"{speak} overruled by somebody else's later one: {_named(first.key)}, {_said(first.other)}, "
            f"then {_said(first.standing)}."
        )
    if found.lost:
        speak = _count(len(found.lost), "undo of the journal has", "undos of the journal have")
        warnings.append(f"{speak} no effect: what is to be undone does not stand before it.")
    if without_label:
        speak = _count(without_label, "item", "items")
        warnings.append(f"The journal takes the only label from {speak}; it was left as it is.")
    return warnings


def _said(outcome: Outcome) -> str:
    what = f"{outcome.action} to {outcome.to}" if outcome.action == "relabel" else outcome.action
    return f"{outcome.decision.who or 'somebody'}: {what}"


def _names(keys: Sequence[ItemKey]) -> str:
    more = f" and {len(keys) - _EXAMPLES:,} more" if len(keys) > _EXAMPLES else ""
    return ", ".join(map(_named, keys[:_EXAMPLES])) + more


def _named(key: ItemKey) -> str:
    return shortened(key.name, _SHORT)


def _count(n: int, one: str, many: str) -> str:
    return f"{n:,} {one if n == 1 else many}"
