"""The data set: items, labels, splits and groups, immutable."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from graft.contracts import SEPARATOR, Bool, Int
from graft.data.items import MAX_ITEM_BYTES, Broken, File, Item, Member, Memory, Skipped, Text, as_item
from graft.data.kinds import check_modality
from graft.data.lists import groups_of, items_of, labels_of, named
from graft.errors import DataError
from graft.files import expanded
from graft.job import Reading

__all__ = [
    "MAX_ITEM_BYTES", "Broken", "Dataset", "File", "Item", "Member", "Memory", "Skipped", "Text", "as_item",
    "negative_classes",
]  # fmt: skip

NEGATIVES = frozenset(
    {
        "background", "background_noise", "noise", "silence", "none", "none_of_these", "none_of_the_above", "nothing",
        "other", "others", "unknown",
    }
)  # fmt: skip
"""Names, in lower case, of a class that holds whatever is none of the others."""


@dataclass(frozen=True)
class Dataset:
    """Labelled items. Nothing in it changes; ``select`` makes a smaller one.

    Attributes:
        items: What is to be classified.
        labels: One label for each item; where an item has several, they are joined by ``|``.
        splits: ``"train"``, ``"val"``, ``"test"``, or ``""`` where none was given.
        groups: Items of one group (speaker, patient, burst) never straddle a split; ``""`` where none was given.
        modality: ``"image"``, ``"text"`` or ``"audio"``.
        skipped: What could not be read, and why.
        warnings: What the user should know about the data.
        name: How the data set is called; the default name of its model.
        tags: In multi-label data the labels of each item, sorted; an item may have none. Else empty, and each item has
            one label.
        columns: The columns of the table that it was read from, as arguments of ``read``; a model remembers them.
        sources: The files and folders that it was read from, over which nothing is written.
        negatives: Labels of what is none of the other classes, where the user said so: by a ``-`` before the name of
            the folder. Other such classes are known by their name, see ``negative_classes``.
        reading: How it was read, where ``graft.read`` read it and nothing was left out since.
    """

    items: tuple[Item, ...]
    labels: tuple[str, ...]
    splits: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    modality: str = "image"
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[str, ...] = ()
    name: str = "model"
    tags: tuple[tuple[str, ...], ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict, compare=False)
    sources: tuple[Path, ...] = field(default=(), compare=False)
    negatives: tuple[str, ...] = ()
    reading: Reading | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.tags:
            object.__setattr__(self, "tags", tuple(tuple(sorted(set(tags))) for tags in self.tags))
            object.__setattr__(self, "labels", tuple(map(SEPARATOR.join, self.tags)))
        blank = ("",) * len(self.items)
        object.__setattr__(self, "splits", self.splits or blank)
        object.__setattr__(self, "groups", self.groups or blank)
        for column, values in (("labels", self.labels), ("splits", self.splits), ("groups", self.groups)):
            if len(values) != len(self.items):
                raise DataError(
                    f"There must be one of {column} for each item: {len(self.items)} items, {len(values)} {column}.",
                    "Give lists of the same length.",
                )
        if strange := set(self.splits) - {"", "train", "val", "test"}:
            raise DataError(
                f"There is no split called {', '.join(map(repr, sorted(strange)[:5]))}.",
                'Use "train", "val" or "test", or "" for none.',
            )

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        counts = ", ".join(f"{label}: {n}" for label, n in sorted(Counter(self.every_label).items())[:8])
        return f"Dataset({self.name!r}, {len(self)} {self.modality} items, {len(self.classes)} classes, {{{counts}}})"

    @property
    def every_label(self) -> tuple[str, ...]:
        """The label of each item; in multi-label data, all labels of one item after those of the other."""
        return tuple(itertools.chain(*self.tags)) if self.tags else self.labels

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The labels that occur, sorted; in multi-label data, each for itself."""
        return tuple(sorted(set(self.every_label)))

    @cached_property
    def y(self) -> Int:
        """Index into ``classes`` of each item ``(n,) int64``.

        Raises:
            DataError: The items have any number of labels each.
        """
        if self.tags:
            raise DataError("An item of multi-label data has no one class.", "Use Dataset.indicator.")
        index = {label: i for i, label in enumerate(self.classes)}
        return np.array([index[label] for label in self.labels], dtype=np.int64)

    @cached_property
    def indicator(self) -> Bool:
        """Which of ``classes`` each item has ``(n, k) bool``."""
        return self.bearing(self.classes)

    def bearing(self, classes: Sequence[str]) -> Bool:
        """Which of these each item has ``(n, k) bool``; all that there are must be among them."""
        index = {label: i for i, label in enumerate(classes)}
        indicator = np.zeros((len(self), len(index)), dtype=np.bool_)
        for row, tags in enumerate(self.tags or ((label,) for label in self.labels)):
            indicator[row, [index[tag] for tag in tags]] = True
        return indicator

    def select(self, rows: Sequence[int] | Int) -> Self:
        """The data set of these rows only, in this order."""
        rows = [int(row) for row in rows]
        return replace(
            self,
            items=tuple(self.items[row] for row in rows),
            labels=tuple(self.labels[row] for row in rows),
            splits=tuple(self.splits[row] for row in rows),
            groups=tuple(self.groups[row] for row in rows),
            tags=tuple(self.tags[row] for row in rows) if self.tags else (),
            reading=None,
        )

    def joined(self, other: Self) -> Self:
        """Both as one, the items of the other last; where either names splits, what names none is there to learn from.

        Where one of them is multi-label, both are.
        """
        first, second = (self.with_tags(), other.with_tags()) if self.tags or other.tags else (self, other)
        splits = (*first.splits, *second.splits)
        return replace(
            first,
            items=(*first.items, *second.items),
            labels=(*first.labels, *second.labels),
            splits=tuple(split or "train" for split in splits) if any(splits) else splits,
            groups=(*first.groups, *second.groups),
            skipped=(*first.skipped, *second.skipped),
            warnings=tuple(dict.fromkeys((*first.warnings, *second.warnings))),
            tags=(*first.tags, *second.tags),
            sources=tuple(dict.fromkeys((*first.sources, *second.sources))),
            negatives=tuple(dict.fromkeys((*first.negatives, *second.negatives))),
            reading=None,
        )

    def read_with(self, *paths: str | os.PathLike[str] | None) -> Self:
        """The same data, which these files were read for too, such as a journal."""
        more = (expanded(path) for path in paths if path is not None)
        return replace(self, sources=tuple(dict.fromkeys((*self.sources, *more))))

    def with_tags(self) -> Self:
        """The same as multi-label data, each item with its one label."""
        return self if self.tags else replace(self, tags=tuple((label,) if label else () for label in self.labels))

    def fingerprint(self, digests: Sequence[str]) -> str:
        """One hash of contents (``digests``, one for each item), labels, splits and groups; file names do not count."""
        rows = sorted(zip(digests, self.labels, self.splits, self.groups, strict=True))
        return hashlib.sha256(repr(rows).encode()).hexdigest()

    @classmethod
    def from_lists(
        cls,
        items: Iterable[Any],
        labels: Iterable[Any],
        *,
        splits: Iterable[Any] | None = None,
        groups: Iterable[Any] | None = None,
        modality: str | None = None,
        name: str = "model",
    ) -> Self:
        """A data set from Python lists, arrays, or columns of a data frame.

        An item that cannot be read is named and skipped by whatever uses the data, as a bad file is.

        Args:
            items: Paths (``str`` or ``Path``) or ``bytes`` of files; for pictures also PIL images, or arrays
                ``(h, w)``, ``(h, w, 3)`` or ``(h, w, 4)``: ``uint8``, or floats from 0 to 1; for texts ``str``; for
                recordings tuples ``(samples, rate)`` of an array ``(n,)`` or ``(n, channels)`` and samples a second.
            labels: One label for each item, turned into ``str``, without white space around it; or a list, tuple or
                set of labels for each, which makes the data multi-label, as does a data frame of 0 and 1 whose columns
                are called as the labels. An item whose label is ``None``, NaN or ``""`` is skipped.
            splits: ``"train"``, ``"val"`` or ``"test"`` for each item; ``None`` and ``""`` for none.
            groups: Items of one group never straddle a split; ``None``, NaN and ``""`` are no group.
            modality: ``"image"``, ``"text"`` or ``"audio"``, found by the items if not given. A ``str`` is then a text
                if texts are asked for, and else a path; if nothing is asked for, it is a path where most are.
            name: How the data set is called.

        Raises:
            DataError: The lists differ in length, no item is of a type that Graft can read, none has a label, or the
                labels are rows of 0 and 1 without names.
            UsageError: ``items`` is one item.
            MixedModalities: The items are of several modalities.
            NothingToRead: The lists are empty.
        """
        check_modality(modality)
        found, kind = items_of(items, modality)
        own, tags = labels_of(labels)
        dataset = cls(
            items=found,
            labels=tuple(own),
            splits=tuple(map(named, splits)) if splits is not None else (),
            groups=groups_of(groups) if groups is not None else (),
            modality=kind,
            name=name,
            tags=tuple(tags),
        )
        return dataset if tags else dataset._without_the_unlabelled()

    def _without_the_unlabelled(self) -> Self:
        """The items that have a label; the others are skipped.

        Raises:
            DataError: None has one.
        """
        rows = [row for row, label in enumerate(self.labels) if label]
        if len(rows) == len(self):
            return self
        if not rows:
            raise DataError(f"None of the {len(self)} items has a label.", "Give one for each item.")
        missing = [item for item, label in zip(self.items, self.labels, strict=True) if not label]
        skipped = (Skipped(item.name, "It has no label.", "no_label") for item in missing)
        return replace(self.select(rows), skipped=(*self.skipped, *skipped))


def negative_classes(classes: Iterable[str], marked: Iterable[str] = ()) -> tuple[str, ...]:
    """The classes that hold what is none of the others, in their order.

    Args:
        classes: All names.
        marked: Those that the user said to be such. The others are known by their name: ``NEGATIVES``, in any case.
    """
    said = set(marked)
    return tuple(
        name
        for name in classes
        if name in said or name.strip().casefold().replace(" ", "_").replace("-", "_").strip("_") in NEGATIVES
    )
