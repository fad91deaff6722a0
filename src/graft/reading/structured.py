"""Tables of JSON: an object a line, a list of objects, or columns as lists."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from graft.data.items import Skipped
from graft.errors import DataError
from graft.reading.table import MAX_COLUMNS, MAX_ROWS, Table

_OPENED = re.compile(r"\{|\[\s*[\[{]")
_SHAPES = "Write a list of objects, or one object a line (JSONL)."


def is_structured(text: str) -> bool:
    """Whether a text begins as JSON does, or a line of it; ``[path],label`` is a header of CSV."""
    start = text.lstrip()
    return bool(_OPENED.match(start)) or (start.startswith("[") and _document(text)[0] is not None)


def read_structured(text: str, name: str) -> Table:
    """The rows of JSON in any of the shapes that other programs write.

    Raises:
        DataError: It is none of them, broken, or too large.
    """
    first = text.lstrip().split("\n", 1)[0]
    is_object = not first.startswith("[") and isinstance(_document(first)[0], dict)
    if is_object:  # a whole one in the first line: one a line
        table = _lines(text, name)
        if len(table.records) > 1 or table.skipped or not _rows_of(table.records[0][1]):
            return _bounded(table, name)
    document, fault = _document(text)
    if document is None and first.startswith("["):
        raise DataError(f"{name} cannot be read as JSON: {fault}.", "Copy or write it again.")
    if document is None:
        return _bounded(_lines(text, name), name)
    rows = _rows_of(document)
    if rows is None:
        raise DataError(f"{name} is JSON, and no table.", _SHAPES)
    return _bounded(_collected(list(enumerate(rows, 1)), name, "Entry"), name)


def _document(text: str) -> tuple[Any, str]:
    """The JSON value that a text is as a whole; ``None`` where it is none, and what is wrong with it."""
    try:
        return json.loads(text), "it holds nothing"
    except RecursionError:
        return None, "its lists are nested too deeply"
    except ValueError as error:
        return None, str(error)


def _rows_of(document: Any) -> Sequence[Any] | None:
    """The rows in a document: itself, its one list of objects, or its columns put side by side."""
    if isinstance(document, list):
        return document
    if not isinstance(document, Mapping) or not document:
        return None
    values = list(document.values())
    lists = [value for value in values if isinstance(value, list) and any(isinstance(one, dict) for one in value)]
    if len(lists) == 1:
        return lists[0]
    columns = list(document)
    if all(isinstance(value, dict) for value in values) and len({tuple(value) for value in values}) == 1:
        values = [list(value.values()) for value in values]  # as pandas writes a frame by default
    if all(isinstance(value, list) for value in values) and len({len(value) for value in values}) == 1:
        return [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]
    return None


def _lines(text: str, name: str) -> Table:
    rows = [(number, _document(line)[0]) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    return _collected(rows, name, "Line")


def _collected(rows: Sequence[tuple[int, Any]], name: str, what: str) -> Table:
    table = Table([])
    columns: dict[str, None] = {}
    for number, record in rows:
        if not isinstance(record, dict):
            table.skipped.append(Skipped(f"{name}, row {number}", f"{what} {number} is not a JSON object.", "not_json"))
            continue
        columns.update(dict.fromkeys(record))
        table.records.append((number, record))
    table.columns = list(columns)
    if not table.records:
        first = f"; the first is {what.lower()} {rows[0][0]}" if rows else ""
        raise DataError(f"No {what.lower()} of {name} is a JSON object{first}.", _SHAPES)
    return table


def _bounded(table: Table, name: str) -> Table:
    if len(table.records) > MAX_ROWS or len(table.columns) > MAX_COLUMNS:
        raise DataError(
            f"{name} has {len(table.records):,} rows of {len(table.columns):,} columns; the limits are {MAX_ROWS:,} "
            f"and {MAX_COLUMNS:,}.",
            "Give a part of it.",
        )
    return table
