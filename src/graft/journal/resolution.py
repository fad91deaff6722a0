"""The resolution of a journal: what holds for each item after all decisions; and a data set as it is with them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from graft.contracts import SEPARATOR, Int
from graft.data.contents import clean_label, label_set
from graft.data.dataset import Dataset
from graft.data.items import Text
from graft.data.kinds import counted
from graft.journal.decision import MAX_NAME, Decision, ItemKey
from graft.journal.matching import MatchedRows, match, names_of


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
    """Different people decided differently on one item; ``later`` is what holds."""

    key: ItemKey
    later: Outcome
    other: Outcome


@dataclass(frozen=True, slots=True)
class Resolution:
    """What the decisions of a journal resolve to.

    Attributes:
        outcomes: What holds for each item, in the order of the decisions.
        copies: Items that are dropped by a merge, and the item that is kept for each.
        conflicts: Where people disagreed.
        undone: The ``id`` of each decision that is undone, undos included.
        lost: Undos of what is not in the journal before them; they have no effect.
    """

    outcomes: Mapping[ItemKey, Outcome]
    copies: Mapping[ItemKey, ItemKey] = field(default_factory=dict)
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
    copies = Counter(zip(digests, dataset.labels, strict=True))
    keys = []
    for item, label, digest in zip(dataset.items, dataset.labels, digests, strict=True):
        same = (digest, item.name[:MAX_NAME], label)
        keys.append(ItemKey(*same, counts[same], copies[digest, label]))
        counts[same] += 1
    return tuple(keys)


def resolve(decisions: Sequence[Decision]) -> Resolution:
    """What holds now for each item: of several decisions on one item, the last in the file.

    A merge says nothing of the item that it keeps but that it stays: a label decided on before or after holds, and so
    does a later drop, which leaves out its copies too. Merges add up: a copy of a copy is one of the item that is kept.

    What is undone counts as if it had never been written; where the undo is undone, it stands again, in its old place.
    A decision that is in the file twice, as in two journals that were joined, counts once.
    """
    first: dict[str, Decision] = {}
    for decision in decisions:
        first.setdefault(decision.id, decision)
    once = list(first.values())
    undone, lost = _undone(once)
    tally = _Tally()
    for decision in once:
        if decision.id in undone:
            continue
        if decision.action == "merge":
            tally.merge(decision)
        else:
            tally.settle(decision)
    return Resolution(tally.outcomes, tally.kept, tally.conflicts(), undone, lost)


class _Tally:
    """What holds after each of the decisions, taken in their order."""

    def __init__(self) -> None:
        self.outcomes: dict[ItemKey, Outcome] = {}
        self.kept: dict[ItemKey, ItemKey] = {}  # the item that is kept for each copy; a copy of a copy is one of that
        self._copies: defaultdict[ItemKey, dict[ItemKey, None]] = defaultdict(dict)
        self._dropped: set[ItemKey] = set()  # not as copies
        self._said: dict[ItemKey, Outcome] = {}  # what was decided on an item itself
        self._made: defaultdict[ItemKey, dict[str, Outcome]] = defaultdict(dict)

    def settle(self, decision: Decision) -> None:
        change = self._dropped.update if decision.action == "drop" else self._dropped.difference_update
        change(decision.items)
        for key in decision.items:
            self._take_out(key)
            self._said[key] = Outcome(decision.action, decision.to, decision)
            self._note(key, self._said[key])

    def merge(self, decision: Decision) -> None:
        """Make one item of several, the first; where all of them were dropped on their own account, they stay so.

        Where the first is a copy of an item that is not named here, that item is kept instead; where it was dropped on
        its own account, the next takes its place.
        """
        heads = {key: self._head(key, decision.items) for key in decision.items}
        kept = next((head for head in heads.values() if head not in self._dropped), None)
        if kept is None:
            return
        joined = [key for pair in heads.items() for key in pair]
        joined += [copy for head in dict.fromkeys(joined) if head != kept for copy in self._copies.get(head, ())]
        copies = [key for key in dict.fromkeys(joined) if key != kept and key not in self._dropped]
        for key in (kept, *copies):
            self._take_out(key)
        self.kept |= dict.fromkeys(copies, kept)
        self._copies[kept] |= dict.fromkeys(copies)
        stays = Outcome("keep", None, decision)
        earlier = self._made[kept].get(decision.who, stays)
        self._made[kept][decision.who] = stays if earlier.decision.action == "merge" else earlier
        self._put(kept, self._said.get(kept, stays))
        for key in copies:
            self._note(key, Outcome("drop", None, decision))

    def conflicts(self) -> tuple[Conflict, ...]:
        return tuple(
            Conflict(key, outcome, other)
            for key, outcome in self.outcomes.items()
            for other in self._made[key].values()
            if _disagree(other, outcome)
        )

    def _head(self, key: ItemKey, named: Sequence[ItemKey]) -> ItemKey:
        head = self.kept.get(key, key)
        return key if head in named else head

    def _take_out(self, key: ItemKey) -> None:
        """Something else was decided on an item: from then on it is nobody's copy."""
        if (head := self.kept.pop(key, None)) is not None:
            del self._copies[head][key]

    def _note(self, key: ItemKey, outcome: Outcome) -> None:
        self._made[key][outcome.decision.who] = outcome
        self._put(key, outcome)

    def _put(self, key: ItemKey, outcome: Outcome) -> None:
        self.outcomes.pop(key, None)  # so that the order is that of the last decisions
        self.outcomes[key] = outcome


def _disagree(one: Outcome, other: Outcome) -> bool:
    """Whether both cannot hold; that a merge keeps an item contradicts nothing but that it is dropped."""
    if any(outcome.action == "keep" and outcome.decision.action == "merge" for outcome in (one, other)):
        return "drop" in (one.action, other.action)
    return one.effect != other.effect


def apply(dataset: Dataset, digests: Sequence[str], decisions: Sequence[Decision]) -> Applied:
    """The data set with the decisions of a journal; the one that was given stays as it is.

    An item is found by content, label, name and running number. A file that was moved or renamed is found by content
    and label, where only one can be meant. Where the item that a merge keeps is gone, the first of its copies that is
    there stands for it.

    Args:
        dataset: Items with the labels that the data give them.
        digests: Hash of each item's content.
        decisions: In the order of the journal.
    """
    found = resolve(decisions)
    effects = {key: outcome.effect for key, outcome in found.outcomes.items()}
    places = match(keys_of(dataset, digests), effects, [isinstance(item, Text) for item in dataset.items])
    settled: dict[int, Outcome] = {}
    for key, outcome in found.outcomes.items():
        settled |= dict.fromkeys(places.rows.get(key, ()), outcome)
    stand_ins = _stand_ins(found, places)
    for key, kept in stand_ins.items():
        settled[places.rows[key][0]] = found.outcomes[kept]
    labels, tags = list(dataset.labels), list(dataset.tags)
    rows: dict[str, list[int]] = {action: [] for action in ("relabel", "drop", "keep", "unsure")}
    without_label = 0
    for row, outcome in sorted(settled.items()):
        action = outcome.action
        if action == "relabel":
            wanted = (
                label_set((outcome.to or "").split(SEPARATOR)) if dataset.tags else (clean_label(outcome.to or ""),)
            )
            if not dataset.tags and not wanted[0]:
                without_label += 1
                continue
            action = "keep" if SEPARATOR.join(wanted) == labels[row] else "relabel"
            labels[row] = SEPARATOR.join(wanted)
            if dataset.tags:
                tags[row] = wanted
        rows[action].append(row)
    remaining = np.setdiff1d(np.arange(len(dataset)), rows["drop"])
    warnings = (*dataset.warnings, *_told(found, places, [*stand_ins], without_label))
    mended = replace(dataset, labels=tuple(labels), tags=tuple(tags), warnings=warnings)
    return Applied(
        dataset=mended.select(remaining),
        rows=remaining,
        relabelled=tuple(rows["relabel"]),
        dropped=tuple(rows["drop"]),
        kept=tuple(rows["keep"]),
        unsure=tuple(rows["unsure"]),
        unmatched=places.unmatched,
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


def _stand_ins(found: Resolution, places: MatchedRows) -> dict[ItemKey, ItemKey]:
    """For each kept item that is gone the first of its copies that is there; and which it stands for."""
    stand_ins: dict[ItemKey, ItemKey] = {}
    for key, kept in found.copies.items():
        is_gone = kept not in places.rows and kept.digest not in places.left
        if is_gone and found.outcomes[kept].action != "drop" and key in places.rows and kept not in stand_ins.values():
            stand_ins[key] = kept
    return stand_ins


def _told(found: Resolution, places: MatchedRows, stand_ins: Sequence[ItemKey], without_label: int) -> Iterator[str]:
    """What the user should know before believing that the journal was followed."""
    yield from places.warnings()
    if stand_ins:
        speak = counted(len(stand_ins), "copy stands", "copies stand")
        yield f"{speak} for an item that was to be kept and is gone: {names_of(stand_ins)}."
    if found.conflicts:
        first = found.conflicts[0]
        speak = counted(len(found.conflicts), "decision was", "decisions were")
        yield (
            f"{speak} overruled by somebody else's later one: {names_of([first.key])}, {_said(first.other)}, "
            f"then {_said(first.later)}."
        )
    if found.lost:
        speak = counted(len(found.lost), "undo of the journal has", "undos of the journal have")
        yield f"{speak} no effect: what is to be undone does not stand before it."
    if without_label:
        speak = counted(without_label, "item", "items")
        yield f"The journal takes the only label from {speak}; it was left as it is."


def _said(outcome: Outcome) -> str:
    what = f"{outcome.action} to {outcome.to}" if outcome.action == "relabel" else outcome.action
    return f"{outcome.decision.who or 'somebody'}: {what}"
