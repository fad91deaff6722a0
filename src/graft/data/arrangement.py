"""What a source holds, by its layout: items with their labels, and what is left over."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import NamedTuple

from graft.data.items import Item, Skipped

SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""Names of splits, in lower case, and which split each means."""


class Labelled(NamedTuple):
    """An item with all that the data say about it; whether it can be read is not known yet.

    Attributes:
        item: A file, or a text.
        label: As it was found.
        split: A value of ``SPLITS``, or ``""``.
        group: ``""`` where there is none.
        tags: The labels of a cell that is a list; ``None`` for other cells, and for folders.
        inside: The path inside the class folder, or as a manifest has it; ``""`` for texts.
    """

    item: Item
    label: str
    split: str = ""
    group: str = ""
    tags: tuple[str, ...] | None = None
    inside: str = ""


@dataclass(slots=True)
class Arrangement:
    """What a source holds, before its files are looked into."""

    rows: list[Labelled] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unlabelled: list[Item] = field(default_factory=list)
    """Files that lie beside the class folders, or in no folder at all."""
    empty_folders: list[str] = field(default_factory=list)
    """Folders where classes are, without any file."""
    flat_splits: list[str] = field(default_factory=list)
    """Folders called as splits are, where nothing says the labels of the files."""
    nested: str = ""
    """What is to be said of folders inside class folders, unless a pattern says what they are."""
    manifests: list[str] = field(default_factory=list)
    """The manifests that were read."""
    missing: list[str] = field(default_factory=list)
    """Files that they name and that are not there, each with its row."""
    negatives: list[str] = field(default_factory=list)
    """Labels of folders that are marked as holding what is none of the other classes."""
    text_columns: list[str] = field(default_factory=list)
    """Columns of texts that stand beside columns of paths."""
    columns: dict[str, str] = field(default_factory=dict)
    """The columns that were read, as arguments of ``read``."""
    strays: Counter[str] = field(default_factory=Counter)
    """How often each name was met that operating systems leave behind."""

    def add(self, other: Arrangement) -> None:
        """Take over everything from ``other``: lists and counts grow, and of what is one the first stays."""
        for one in fields(self):
            own, more = getattr(self, one.name), getattr(other, one.name)
            setattr(self, one.name, own + more if isinstance(own, list | Counter) else own or more)
