"""Items, labels and groups as they stand in Python lists, arrays, and the columns of data frames."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from graft.data.contents import clean_label
from graft.data.items import Broken, File, Item, Member, Memory, Text, as_item, is_picture, is_sound
from graft.data.kinds import modality_of_values
from graft.errors import DataError, NothingToRead, UsageError

LabelSet = tuple[str, ...]

_SEVERAL = (list, tuple, set, frozenset)
ONE_ITEM = (str, bytes, bytearray, memoryview, os.PathLike, File, Member, Memory, Text, Broken)
"""What is an item by its type; pictures, arrays and recordings are told by what they hold."""


def is_missing(value: Any) -> bool:
    """Whether a value says that there is none: ``None``, NaN, pandas' ``NA`` and ``NaT``."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    # Not by comparing whatever it is with itself: that would read all the pixels of a picture.
    return isinstance(value, float | np.floating | Decimal | np.datetime64) and bool(value != value)


def is_frame(value: Any) -> bool:
    """Whether it is a table of named columns, such as a data frame of pandas or polars; none of them is imported."""
    return hasattr(value, "columns") and hasattr(value, "shape") and hasattr(value, "__getitem__")


def named(value: Any) -> str:
    """A label or group as text, cleaned as those of files are; ``""`` where it is missing.

    A whole number is written without a point, for a column with gaps holds floats where 0 and 1 were meant.
    """
    if is_missing(value):
        return ""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)
    return clean_label(str.__str__(value) if isinstance(value, str) else str(value))  # an ``Enum`` of texts is its text


def values_of(column: Any) -> list[Any]:
    """A list, an iterable, an array ``(n,)`` or ``(n, 1)``, or the column of a frame, as a list."""
    if is_frame(column):
        if len(column.columns) == 1:
            column = column[column.columns[0]]
        else:
            raise DataError(
                f"One column was meant, and there are {len(column.columns)}: {_some(column.columns)}.",
                f"Choose one: frame[{str(column.columns[0])!r}].",
            )
    if isinstance(column, np.ndarray) and column.ndim == 2 and column.shape[1] == 1:
        column = column[:, 0]
    return list(column)


def groups_of(given: Iterable[Any]) -> tuple[str, ...]:
    """The group of each item; ``""`` where it has none."""
    return tuple(map(named, values_of(given)))


def labels_of(given: Any) -> tuple[list[str], list[LabelSet]]:
    """The label of each item, ``""`` for none; or instead the labels of each, where any has a list of them.

    Args:
        given: One label or one list of labels for each item; or a frame of 0 and 1 whose columns are labels.

    Raises:
        DataError: The labels are rows of 0 and 1 without names, rows of other numbers, or objects.
    """
    if is_frame(given) and len(given.columns) > 1:
        return [], _label_sets_of_frame(given)
    values = [value.tolist() if isinstance(value, np.ndarray) and value.ndim else value for value in values_of(given)]
    for position, value in enumerate(values):
        if isinstance(value, Mapping):
            raise DataError(
                f"The label of item {position} is an object with the keys {_some(value)}.",
                "Give one label for each item, or a list of labels.",
            )
    rows = [value for value in values if isinstance(value, _SEVERAL)]
    if not rows:
        return [named(value) for value in values], []
    _refuse_numbers(given, rows)
    each = (value if isinstance(value, _SEVERAL) else (value,) for value in values)
    return [], [tuple(filter(None, map(named, labels))) for labels in each]


def items_of(given: Any, modality: str | None) -> tuple[tuple[Item, ...], str]:
    """The items of a list, and their modality.

    One that cannot be read is a ``Broken`` item in its place, so that it is named and skipped as a bad file is.

    Raises:
        UsageError: It is one item, and no list of them.
        NothingToRead: The list is empty.
        DataError: None of them can be read.
        MixedModalities: They are of several modalities.
    """
    # Arrays and pictures are packed as they come, for a generator of them may not fit into memory at once.
    values = [_packed(value, position, modality) for position, value in enumerate(as_iterable(given, modality))]
    if not values:
        raise NothingToRead("There are no items: the list is empty.", "Give at least two items of each class.")
    usable = [value for value in values if not is_missing(value) and not isinstance(value, Broken)]
    found, paths = modality_of_values(usable) if modality is None else (modality, modality != "text")
    items = tuple(
        File(Path(value), str(value)) if paths and isinstance(value, str) else readable(value, position, found)
        for position, value in enumerate(values)
    )
    broken = [item for item in items if isinstance(item, Broken)]
    if len(broken) == len(items):
        raise DataError(broken[0].message, broken[0].hint)
    return items, found


def readable(value: Any, position: int, modality: str) -> Item:
    """The item for a value in Python; a ``Broken`` one where it is of a type that Graft cannot read."""
    try:
        if is_missing(value):
            raise DataError(f"Item {position} is missing: it is {value!r}.", "Leave it out.")
        return as_item(value, position, modality)
    except DataError as error:
        return Broken(f"item {position}", "unreadable", error.message, error.hint)


def as_iterable(given: Any, modality: str | None = None, instead: str = "give a list of one: [item]") -> Iterable[Any]:
    """The items of a list, an array, a data set or the column of a frame; strings have letters, which are no items.

    Args:
        given: What should be a list.
        modality: Of the items, where it is known.
        instead: What to do with one item.

    Raises:
        UsageError: It is one item, or nothing that has items.
    """
    if isinstance(items := getattr(given, "items", None), tuple):  # a data set
        return items
    if is_frame(given):
        return values_of(given)
    if isinstance(given, ONE_ITEM) or _is_one_value(given, modality):
        raise UsageError(
            f"A list of items is wanted, and this is one: {_described(given)}.", f"{instead[0].upper()}{instead[1:]}."
        )
    if isinstance(given, Mapping) or not isinstance(given, Iterable):
        raise UsageError(f"A list of items is wanted, and this is {_described(given)}.", "Give a list.")
    return given


def _is_one_value(given: Any, modality: str | None) -> bool:
    """A picture, the pixels of one, or samples with their rate."""
    if hasattr(given, "convert") and hasattr(given, "save"):
        return True
    if isinstance(given, np.ndarray) and given.dtype.kind in "bfiu" and modality in (None, "image"):
        return given.ndim == 2 or (given.ndim == 3 and given.shape[2] in (1, 3, 4))
    return modality in (None, "audio") and is_sound(given) and isinstance(given[1], int | np.integer)


def _packed(value: Any, position: int, modality: str | None) -> Any:
    """The item for an array, a PIL image, or samples and their rate, which say their modality; the rest as it is."""
    for own, is_one in (("image", is_picture), ("audio", is_sound)):
        if modality in (None, own) and is_one(value):
            return readable(value, position, own)
    return value


def _label_sets_of_frame(frame: Any) -> list[LabelSet]:
    """The names of the columns that hold 1 in each row."""
    names = [str(column) for column in frame.columns]
    columns = [list(frame[column]) for column in frame.columns]
    for name, column in zip(names, columns, strict=True):
        if strange := [value for value in column if not is_0_or_1(value)]:
            raise DataError(
                f"One column of labels was meant, and there are {len(names)}: {_some(names)}; {name!r} holds "
                f"{strange[0]!r}.",
                f"Choose one: frame[{names[0]!r}]; or give columns of 0 and 1, each called as its label.",
            )
    return [tuple(name for name, on in zip(names, row, strict=True) if on) for row in zip(*columns, strict=True)]


def _refuse_numbers(given: Any, rows: Sequence[Any]) -> None:
    """Rows of 0 and 1 say which labels an item has and not what they are called; other numbers are no labels."""
    width = len(rows[0])
    ordered = all(isinstance(row, list | tuple) and len(row) == width for row in rows)
    if width and ordered and all(is_0_or_1(value) for row in rows for value in row):
        raise DataError(
            f"The labels are rows of 0 and 1, {width} in each, and do not say what the labels are called.",
            "Give the names: labels = [[name for name, on in zip(names, row) if on] for row in rows], or a data frame "
            "whose columns are called so; numbers that are names as text, '0' and '1'.",
        )
    if isinstance(given, np.ndarray) and given.dtype.kind in "bfiuc":
        raise DataError(
            f"The labels are an array of shape {given.shape}.", "Give one label for each item, or lists of labels."
        )


def is_0_or_1(value: Any) -> bool:
    """Whether it says that something is so or not, and no more."""
    return isinstance(value, bool | int | float | np.bool_ | np.integer | np.floating) and value in (0, 1)


def _described(value: Any) -> str:
    """``the str 'abc'``, ``an array of shape (2, 3)``, ``of type int``."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, str | os.PathLike):
        text = os.fspath(value) if isinstance(value, os.PathLike) else value
        return f"the {type(value).__name__} {str(text)[:60]!r}"
    return f"of type {type(value).__name__}"


def _some(names: Iterable[Any]) -> str:
    return ", ".join(repr(str(name)) for name in list(names)[:5])
