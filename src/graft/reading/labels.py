"""Several labels for one item: cells of several, and one file in the folders of several classes."""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from pathlib import PurePosixPath

from graft.contracts import SEPARATOR
from graft.data.arrangement import Labelled
from graft.data.contents import label_set
from graft.data.items import File, Item, Member, Memory, Text
from graft.data.kinds import UNREADABLE
from graft.decoding.archive import member_state


def merge_labels(rows: Iterable[Labelled]) -> list[Labelled]:
    """The rows with their labels as ``tags``, where the same item under several labels is one row with all of them.

    The same item is the same path or text, or a file of the same name, size and content, in the same split.
    """
    tagged = [
        row._replace(tags=label_set(row.label.split(SEPARATOR) if row.tags is None else row.tags)) for row in rows
    ]
    by_place = _merge(tagged, [place_of(row.item) for row in tagged])
    return _merge(by_place, _contents(by_place))


def _merge(rows: Sequence[Labelled], keys: Sequence[Hashable]) -> list[Labelled]:
    """One row, the first, for those of the same key and split that differ in their labels."""
    alike: defaultdict[Hashable, list[int]] = defaultdict(list)
    for position, (row, key) in enumerate(zip(rows, keys, strict=True)):
        alike[key, row.split].append(position)
    merged = dict(enumerate(rows))
    for first, *others in alike.values():
        label_sets = {rows[position].tags or () for position in (first, *others)}
        if len(label_sets) > 1:
            merged[first] = rows[first]._replace(tags=tuple(sorted(set().union(*label_sets))))
            for position in others:
                del merged[position]
    return list(merged.values())


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
