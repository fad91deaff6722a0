"""Which rows of a data set the keys of a journal mean, though files were renamed and rows were deleted since."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from graft.data.kinds import counted, some_of
from graft.data.listing import shortened
from graft.journal.decision import ItemKey

_SHORT = 60
_Content = tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class MatchedRows:
    """Where the items of a journal are.

    Attributes:
        rows: The rows that each key means.
        moved: Keys of items that have another name now.
        unmatched: Keys that mean no row.
        left: Hashes of the contents of all other rows.
    """

    rows: Mapping[ItemKey, Sequence[int]]
    moved: tuple[ItemKey, ...]
    unmatched: tuple[ItemKey, ...]
    left: frozenset[str]

    def warnings(self) -> Iterator[str]:
        """What was not found, and what was not found where it was."""
        if unmatched := self.unmatched:
            speak = counted(len(unmatched), "item of the journal is", "items of the journal are")
            yield (
                f"{speak} not in these data, or given another label there now: {names_of(unmatched)}. "
                "What was decided about them has no effect."
            )
        if moved := self.moved:
            speak = counted(
                len(moved),
                "item of the journal has another name now and was",
                "items of the journal have other names now and were",
            )
            yield f"{speak} found by content: {names_of(moved)}."


def match(keys: Sequence[ItemKey], effects: Mapping[ItemKey, Hashable], numbered: Sequence[bool]) -> MatchedRows:
    """Find the items of a journal: by all of the key, or by content and label where only one item can be meant.

    That is so where the same was decided on all copies that are not found by their names, and where there are as many
    copies as then: otherwise the item that is meant may be deleted, and another one left that was to stay.

    Args:
        keys: Of the data set's rows.
        effects: The journal's keys, and what each leads to; ``("drop", None)`` leaves the item out.
        numbered: Whether only a running number tells a row from others of its content, as in a table.
    """
    exact = {key: row for row, key in enumerate(keys)}
    places = {key: [exact[key]] for key in effects if key in exact}
    now = Counter(map(_content, keys))
    known = _by_content(effects)
    gone = _gone_by_count(known, effects, now, {key for key, (row,) in places.items() if numbered[row]})
    for key in gone:
        del places[key]
    claimed = {row for rows in places.values() for row in rows}
    free = _by_content({key: row for row, key in enumerate(keys) if row not in claimed})
    moved: dict[ItemKey, list[int]] = {}
    for content, rows in free.items():
        lost = [key for key in known.get(content, ()) if key not in places and key not in gone and not key.copy]
        as_many = lost and len(lost) >= len(rows) and now[content] >= max(key.copies for key in known[content])
        if as_many and len({effects[key] for key in lost}) == 1:
            moved |= {key: [exact[row] for row in rows] for key in lost}
            claimed |= {exact[row] for row in rows}
    places |= moved
    return MatchedRows(
        rows=places,
        moved=tuple(moved),
        unmatched=tuple(key for key in effects if key not in places),
        left=frozenset(key.digest for row, key in enumerate(keys) if row not in claimed),
    )


def names_of(keys: Sequence[ItemKey]) -> str:
    """The names of the first of them, and how many more there are."""
    return some_of([shortened(key.name, _SHORT) for key in keys])


def _gone_by_count(
    known: Mapping[_Content, Sequence[ItemKey]],
    effects: Mapping[ItemKey, Hashable],
    now: Mapping[_Content, int],
    numbered: set[ItemKey],
) -> set[ItemKey]:
    """Numbered rows that were to be dropped and may be deleted since, so that another has their number now."""
    gone: set[ItemKey] = set()
    for content, keys in known.items():
        dropped = [key for key in keys if effects[key] == ("drop", None)]
        there = [key for key in dropped if key in numbered]
        missing = max(key.copies for key in keys) - now[content] - (len(dropped) - len(there))
        gone.update(there[: max(missing, 0)])
    return gone


def _by_content(keys: Iterable[ItemKey]) -> dict[_Content, list[ItemKey]]:
    found: defaultdict[_Content, list[ItemKey]] = defaultdict(list)
    for key in keys:
        found[_content(key)].append(key)
    return found


def _content(key: ItemKey) -> _Content:
    return key.digest, key.label
