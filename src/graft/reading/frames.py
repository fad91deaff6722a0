"""Data frames as data sets: the columns are found by their names, as those of a table in a file are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from graft.data.dataset import Dataset
from graft.data.lists import values_of
from graft.errors import MissingColumn
from graft.job import Reading
from graft.reading.columns import GROUP_COLUMN, ITEM_COLUMNS, LABEL_COLUMNS, SPLIT_COLUMNS, Wanted


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
    usual = {
        "item_column": ITEM_COLUMNS[reading.modality],
        "label_column": LABEL_COLUMNS,
        "group_column": (GROUP_COLUMN,),
        "split_column": SPLIT_COLUMNS[:1],
    }
    asked = {what: name for what, name in Wanted.of(reading).asked.items() if name or what != "group_column"}
    columns = list(frame.columns)
    found = {what: _find(columns, asked.get(what), names) for what, names in usual.items()}
    for what, column in found.items():
        if column is None and (what in asked or what in ("item_column", "label_column")):
            wanted = repr(asked[what]) if what in asked else f"any of {', '.join(usual[what])}"
            raise MissingColumn(
                f"The data frame has no column of {what.removesuffix('_column')}s called {wanted}; its columns are "
                f"{', '.join(repr(str(column)) for column in columns[:30]) or 'none'}.",
                f"Name the right one: graft.read(frame, {what}=...), or give lists: graft.fit(frame['...'], "
                "frame['...']).",
            )
    values: list[Any] = [None if column is None else values_of(frame[column]) for column in found.values()]
    items, labels, groups, splits = values
    dataset = Dataset.from_lists(items, labels, groups=groups, splits=splits, modality=reading.modality)
    return replace(dataset, columns={what: str(found[what]) for what in ("item_column", "label_column")})


def _find(columns: Sequence[Any], asked: Any | None, usual: Sequence[str]) -> Any | None:
    if asked is not None and asked in columns:
        return asked
    there = {str(column).strip().lower(): column for column in reversed(columns)}
    names = usual if asked is None else (asked.strip().lower(),)
    return next((there[name] for name in names if name in there), None)
