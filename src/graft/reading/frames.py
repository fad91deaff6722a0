"""Data frames as data sets: the columns are found by their names, as those of a table in a file are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from graft.data.dataset import Dataset
from graft.data.lists import values_of
from graft.errors import MissingColumn
from graft.job import Reading
from graft.reading.columns import ITEM_COLUMNS, LABEL_COLUMNS


def read_frame(frame: Any, reading: Reading) -> Dataset:
    """The items and labels of a data frame of pandas or polars.

    Args:
        frame: Has a row for each item.
        reading: Names the columns, where they are not the first of ``ITEM_COLUMNS`` and ``LABEL_COLUMNS`` that are
            there, and ``group``; and the modality, which is found out if not given.

    Raises:
        MissingColumn: A column is not there.
        DataError: No item can be read, or none has a label.
    """
    columns = list(frame.columns)
    items = _column(columns, reading.item_column, ITEM_COLUMNS[reading.modality], "items", "item_column")
    labels = _column(columns, reading.label_column, LABEL_COLUMNS, "labels", "label_column")
    asked = reading.group_column
    groups = _column(columns, asked, (), "groups", "group_column") if asked else _find(columns, "group")
    splits = _find(columns, "split")
    dataset = Dataset.from_lists(
        values_of(frame[items]),
        values_of(frame[labels]),
        groups=None if groups is None else values_of(frame[groups]),
        splits=None if splits is None else values_of(frame[splits]),
        modality=reading.modality,
    )
    return replace(dataset, columns={"item_column": str(items), "label_column": str(labels)})


def _column(columns: Sequence[Any], asked: str | None, usual: Sequence[str], what: str, argument: str) -> Any:
    if asked is not None and asked in columns:
        return asked
    found = next((own for name in (usual if asked is None else (asked,)) if (own := _find(columns, name))), None)
    if found is None:
        wanted = "any of " + ", ".join(usual) if asked is None else repr(asked)
        raise MissingColumn(
            f"The data frame has no column of {what} called {wanted}; its columns are "
            f"{', '.join(repr(str(column)) for column in columns[:30]) or 'none'}.",
            f"Name the right one: graft.read(frame, {argument}=...), or give lists: graft.fit(frame['...'], "
            "frame['...']).",
        )
    return found


def _find(columns: Sequence[Any], name: str) -> Any | None:
    return next((column for column in columns if str(column).strip().lower() == name.strip().lower()), None)
