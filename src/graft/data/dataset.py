"""The data set: items, labels, splits and groups, immutable."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np

from graft.contracts import Int
from graft.data.archive import READ_ERRORS, read_member
from graft.errors import DataError, ItemError, NothingToRead

MAX_ITEM_BYTES = 512 * 1024 * 1024
"""An item's file may be this large; nothing is read without a bound."""


class Item(Protocol):
    """Something that can be read: a file, a member of a zip, or a value in memory."""

    @property
    def name(self) -> str:
        """How the item is called in reports and errors."""

    def read(self) -> bytes:
        """The item's content.

        Raises:
            ItemError: It cannot be read, or is larger than ``MAX_ITEM_BYTES``.
        """


@dataclass(frozen=True, slots=True)
class File:
    """An item that is a file of the user's."""

    path: Path
    name: str

    def read(self) -> bytes:
        """The file's bytes, bounded."""
        try:
            if not stat.S_ISREG(self.path.stat().st_mode):  # a FIFO or a device would hang the read, or never end
                raise ItemError("unreadable", f"{self.name} is not a regular file.", "Give a file.")
            with self.path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                return _bounded(file.read(MAX_ITEM_BYTES + 1) if size <= MAX_ITEM_BYTES else b"", size, self.name)
        except OSError as error:
            if "://" in self.name:
                raise ItemError(
                    "unreadable", f"{self.name} is a web address: download it first.", "Give the file."
                ) from None
            raise ItemError(
                "unreadable", f"{self.name} cannot be read: {error.strerror or error}.", "Check that it is there."
            ) from None


@dataclass(frozen=True, slots=True)
class Member:
    """An item that is a file in a zip; its archive was checked when it was read."""

    archive: Path
    member: str
    name: str

    def read(self) -> bytes:
        """The member's bytes, bounded; its checksum is verified by ``zipfile``."""
        try:
            return _bounded(*read_member(self.archive, self.member, MAX_ITEM_BYTES), self.name)
        except READ_ERRORS as error:
            raise ItemError(
                "unreadable", f"{self.name} cannot be read from the zip: {error}.", "Zip it again."
            ) from None


@dataclass(frozen=True, slots=True)
class Memory:
    """An item that is held in memory, as the bytes of a file."""

    content: bytes
    name: str

    def read(self) -> bytes:
        """The bytes themselves."""
        return _bounded(self.content, len(self.content), self.name)


@dataclass(frozen=True, slots=True)
class Skipped:
    """An item that could not be used, and why."""

    path: str
    reason: str
    code: str = "bad_item"

    def to_dict(self) -> dict[str, str]:
        """``{path, reason, code}``, as in the report."""
        return {"path": self.path, "reason": self.reason, "code": self.code}


@dataclass(frozen=True)
class Dataset:
    """Labelled items. Nothing in it changes; ``select`` makes a smaller one.

    Attributes:
        items: What is to be classified.
        labels: One label for each item.
        splits: ``"train"``, ``"val"``, ``"test"``, or ``""`` where none was given.
        groups: Items of one group (speaker, patient, burst) never straddle a split; ``""`` where none was given.
        modality: ``"image"``, ``"text"`` or ``"audio"``.
        skipped: What could not be read, and why.
        warnings: What the user should know about the data.
        name: How the data set is called; the default name of its model.
    """

    items: tuple[Item, ...]
    labels: tuple[str, ...]
    splits: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    modality: str = "image"
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[str, ...] = ()
    name: str = "model"

    def __post_init__(self) -> None:
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
        counts = ", ".join(f"{label}: {n}" for label, n in sorted(Counter(self.labels).items())[:8])
        return f"Dataset({self.name!r}, {len(self)} {self.modality} items, {len(self.classes)} classes, {{{counts}}})"

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The labels that occur, sorted."""
        return tuple(sorted(set(self.labels)))

    @cached_property
    def y(self) -> Int:
        """Index into ``classes`` of each item ``(n,) int64``."""
        index = {label: i for i, label in enumerate(self.classes)}
        return np.array([index[label] for label in self.labels], dtype=np.int64)

    def select(self, rows: Sequence[int] | Int) -> Self:
        """The data set of these rows only, in this order."""
        rows = [int(row) for row in rows]
        return replace(
            self,
            items=tuple(self.items[row] for row in rows),
            labels=tuple(self.labels[row] for row in rows),
            splits=tuple(self.splits[row] for row in rows),
            groups=tuple(self.groups[row] for row in rows),
        )

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
        splits: Iterable[str] | None = None,
        groups: Iterable[Any] | None = None,
        name: str = "model",
    ) -> Self:
        """A data set from Python lists.

        Args:
            items: Paths (``str`` or ``Path``), ``bytes`` of files, PIL images, or arrays ``(h, w)``, ``(h, w, 3)`` or
                ``(h, w, 4)``: ``uint8``, or floats from 0 to 1.
            labels: One label for each item; they are turned into ``str``.
            splits: ``"train"``, ``"val"`` or ``"test"`` for each item.
            groups: Items of one group never straddle a split.
            name: How the data set is called.

        Raises:
            DataError: The lists differ in length, or an item is of a type that Graft cannot read.
            NothingToRead: The lists are empty.
        """
        wrapped = tuple(as_item(value, position) for position, value in enumerate(items))
        if not wrapped:
            raise NothingToRead("There are no items: the list is empty.", "Give at least two items of each class.")
        return cls(
            items=wrapped,
            labels=tuple(str(label) for label in labels),
            splits=tuple(str(split) for split in splits) if splits is not None else (),
            groups=tuple(str(group) for group in groups) if groups is not None else (),
            name=name,
        )


def as_item(value: Any, position: int = 0) -> Item:
    """The item for a path, the bytes of a file, a PIL image or an array.

    Raises:
        DataError: The value is of a type that Graft cannot read.
    """
    if isinstance(value, File | Member | Memory):
        return value
    if isinstance(value, str | Path):
        return File(Path(value), str(value))
    if isinstance(value, bytes | bytearray | memoryview):
        return Memory(bytes(value), f"item {position}")
    if isinstance(value, np.ndarray):
        return Memory(_array_as_png(value, position), f"item {position}")
    if hasattr(value, "convert") and hasattr(
        value, "save"
    ):  # a PIL image, without importing PIL for those who have none
        return Memory(_picture_as_png(value, position), f"item {position}")
    raise DataError(
        f"Item {position} cannot be read: it is of type {type(value).__name__}.",
        "Give a path, the bytes of a file, a PIL image, or an array of pixels.",
    )


def _bounded(content: bytes, size: int, name: str) -> bytes:
    if max(size, len(content)) > MAX_ITEM_BYTES:
        raise ItemError(
            "too_large",
            f"{name} is {size / 1e6:.0f} MB; the limit is {MAX_ITEM_BYTES / 1e6:.0f} MB.",
            "Make it smaller.",
        )
    return content


def _array_as_png(array: Any, position: int) -> bytes:
    from PIL import Image

    pixels = np.asarray(array)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    grey_or_colour = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    if not grey_or_colour or 0 in pixels.shape:
        raise DataError(
            f"Item {position} is not a picture: an array of shape {pixels.shape}.",
            "Give (height, width), (height, width, 3) or (height, width, 4).",
        )
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8) * 255
    elif np.issubdtype(pixels.dtype, np.floating):
        if not np.isfinite(pixels).all() or pixels.min() < 0 or pixels.max() > 1:
            raise DataError(
                f"Item {position} has pixels from {pixels.min():g} to {pixels.max():g}.",
                "Floating-point pixels go from 0 to 1; give uint8 for 0 to 255.",
            )
        pixels = np.rint(pixels * 255).astype(np.uint8)
    elif pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    elif pixels.dtype != np.uint8:
        raise DataError(
            f"Item {position} has pixels of type {pixels.dtype}.", "Give uint8, uint16, or floats from 0 to 1."
        )
    return _picture_as_png(Image.fromarray(np.ascontiguousarray(pixels)), position)


def _picture_as_png(picture: Any, position: int) -> bytes:
    buffer = io.BytesIO()
    try:
        if picture.mode == "I":
            picture = picture.convert("I;16")
        if picture.mode not in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
            picture = picture.convert("RGB")
        picture.save(buffer, format="PNG", compress_level=1)
    except (OSError, ValueError, SyntaxError) as error:  # a file behind it that was opened and never read
        raise DataError(
            f"Item {position} cannot be read: {error}.", "Check the file that it was opened from."
        ) from None
    return buffer.getvalue()
