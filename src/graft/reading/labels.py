"""Several labels for one item: cells of several, and one file in the folders of several classes."""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from pathlib import PurePosixPath

from graft.contracts import SEPARATOR
from graft.data.arrangement import Labelled
from graft.data.contents import clean_label
from graft.data.items import File, Item, Member, Memory, Text
from graft.data.kinds import UNREADABLE
from graft.decoding.archive import member_state

Tagged = tuple[Labelled, tuple[str, ...]]
"""A row and its labels, sorted."""


def label_set_of(row: Labelled) -> tuple[str, ...]:
    """The labels of a cell: those of a list, or those between ``|``; sorted, none twice."""
    given = row.label.split(SEPARATOR) if row.tags is None else row.tags
    return tuple(sorted({clean_label(tag) for tag in given} - {""}))


def merge_labels(rows: Iterable[Labelled]) -> tuple[list[Tagged], int]:
    """The rows with their labels, where the same item under several labels is one row with all of them.

    The same item is the same path or text, or a file of the same name, size and content, in the same split.

    Returns:
        The rows, and how many joined another.
    """
    tagged = [(row, label_set_of(row)) for row in rows]
    by_place = _merge(tagged, [place_of(row.item) for row, _ in tagged])
    merged = _merge(by_place, _contents([row for row, _ in by_place]))
    return merged, len(tagged) - len(merged)


def _merge(tagged: Sequence[Tagged], keys: Sequence[Hashable]) -> list[Tagged]:
    """One row, the first, for those of the same key and split that differ in their labels."""
    alike: defaultdict[Hashable, list[int]] = defaultdict(list)
    for position, ((row, _), key) in enumerate(zip(tagged, keys, strict=True)):
        alike[key, row.split].append(position)
    result: list[Tagged | None] = list(tagged)
    for positions in alike.values():
        if len({tagged[position][1] for position in positions}) > 1:
            every = {tag for position in positions for tag in tagged[position][1]}
            for position in positions:
                result[position] = None
            result[positions[0]] = (tagged[positions[0]][0], tuple(sorted(every)))
    return [one for one in result if one is not None]


def place_of(item: Item) -> str:
    """Where an item lies; a text or a file in memory lies nowhere and is known by itself."""
    if isinstance(item, Text):
        return item.text.strip()
    if isinstance(item, Memory):
        return f"{item.name}\0{hashlib.sha256(item.content).hexdigest()}"
    return os.path.normpath(item.path) if isinstance(item, File) else item.name


def _contents(rows: Sequence[Labelled]) -> list[Hashable]:
    """What tells the rows apart by content: a hash where names and sizes agree, else the place."""
    alike = [_likeness(row.item) for row in rows]
    counts = Counter(alike)
    return [
        _digest(row.item) if like and counts[like] > 1 else place_of(row.item)
        for row, like in zip(rows, alike, strict=True)
    ]


def _likeness(item: Item) -> Hashable:
    """Name and size, and what else is known without reading; ``None`` where nothing is."""
    name = PurePosixPath(item.name.replace("\\", "/")).name
    try:
        if isinstance(item, File):
            return name, item.path.stat().st_size
        return (name, *member_state(item.archive, item.member)) if isinstance(item, Member) else None
    except UNREADABLE:
        return None


def _digest(item: Item) -> Hashable:
    try:
        return hashlib.sha256(item.read()).digest()
    except UNREADABLE:
        return place_of(item)
