"""Tables of items and labels: CSV, TSV and JSON lines in any usual encoding, and Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from graft.data.dataset import SEPARATOR
from graft.data.delimited import Records, read_delimited
from graft.data.encoding import decode
from graft.data.items import Skipped
from graft.data.listing import shortened
from graft.errors import DataError, MissingColumn, MissingExtra

PATH_COLUMNS = ("path", "file_name", "audio")
TEXT_COLUMNS = ("text", "sentence")
LABEL_COLUMNS = ("label", "target", "category", "labels")
ITEM_COLUMNS = {
    None: (*PATH_COLUMNS, *TEXT_COLUMNS, "image"),
    "image": (*PATH_COLUMNS, "image", *TEXT_COLUMNS),
    "text": (*TEXT_COLUMNS, *PATH_COLUMNS),
    "audio": ("audio", "path", "file_name", *TEXT_COLUMNS),
}
"""By the modality that was asked for: names of the column of items, the best first."""

_ABSENT = object()


class Row(NamedTuple):
    """One row of a manifest.

    Attributes:
        number: The line, or the row of a Parquet file, from 1.
        item: A path, or a text, as it stands there.
        label: Without white space around; ``""`` only in multi-label data.
        split: As written, in lower case; ``""`` where there is none.
        group: ``""`` where there is none.
        tags: The labels of a cell that is a list; ``None`` for other cells.
        content: The bytes of the file, where the cell holds them; ``item`` is then what it is called.
        cells: The whole row by its columns, of what is to be predicted.
    """

    number: int
    item: str
    label: str
    split: str = ""
    group: str = ""
    tags: tuple[str, ...] | None = None
    content: bytes | None = None
    cells: Mapping[str | None, Any] | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest's rows.

    Attributes:
        rows: What has an item and a label.
        skipped: What has not.
        item_column: The column that the items came from.
        text_column: A column of texts beside it, ``""`` where there is none.
        warnings: What the user should know of how it was read.
    """

    rows: tuple[Row, ...]
    skipped: tuple[Skipped, ...]
    item_column: str
    text_column: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def holds_texts(self) -> bool:
        """The column of items is called as texts are; it may hold paths all the same."""
        return self.item_column.strip().lower() in TEXT_COLUMNS


def parse_manifest(
    content: bytes,
    name: str,
    *,
    label_column: str | None = None,
    item_column: str | None = None,
    group_column: str | None = None,
    modality: str | None = None,
    multi_label: bool = False,
) -> Manifest:
    """The rows of a manifest; its kind, encoding and delimiter are found out.

    Args:
        content: The file's bytes.
        name: How the file is called in errors.
        label_column: The column of labels; by default the first of ``LABEL_COLUMNS`` that is there.
        item_column: The column of items; by default the first of ``ITEM_COLUMNS`` that is there.
        group_column: The column of groups; by default ``group``, if it is there.
        modality: What was asked for; it decides between a column of paths and one of texts.
        multi_label: Rows may have any number of labels, none too; so they may if any cell is a list of several.

    Raises:
        MissingColumn: A column is not there.
        MissingExtra: It is a Parquet file, and pyarrow is not installed.
        DataError: It cannot be read as a table.
    """
    asked = tuple(filter(None, (label_column, item_column, group_column)))
    skipped: list[Skipped] = []
    notes: list[str] = []
    columns, records = _read_table(content, name, asked, skipped, notes)
    labels = _find_column(columns, label_column, LABEL_COLUMNS, name, "labels", "label_column")
    items = _find_column(columns, item_column, ITEM_COLUMNS[modality], name, "items", "item_column")
    splits, groups = _find_optional(columns, "split"), _find_optional(columns, "group")
    if group_column:
        groups = _find_column(columns, group_column, (), name, "groups", "group_column")
    _refuse_twins(columns, (labels, items, splits, groups), name)
    texts = next(filter(None, (_find_optional(columns, usual) for usual in TEXT_COLUMNS)), "")
    return Manifest(
        rows=tuple(_rows(records, (items, labels, splits, groups), name, skipped, multi_label)),
        skipped=tuple(skipped),
        item_column=items,
        text_column="" if texts == items else texts,
        warnings=tuple(notes),
    )


def parse_texts(content: bytes, name: str, *, item_column: str | None = None) -> Manifest:
    """The texts of a table, without labels.

    Args:
        content: The file's bytes.
        name: How the file is called in errors.
        item_column: The column of texts; by default the first of ``TEXT_COLUMNS`` that is there.

    Raises:
        MissingColumn: The column is not there.
        MissingExtra: It is a Parquet file, and pyarrow is not installed.
        DataError: It cannot be read as a table.
    """
    skipped: list[Skipped] = []
    notes: list[str] = []
    columns, records = _read_table(content, name, (item_column,) if item_column else (), skipped, notes)
    items = _find_column(columns, item_column, TEXT_COLUMNS, name, "texts", "item_column")
    _refuse_twins(columns, (items,), name)
    rows = []
    for number, record in records:
        item, own = _item(record.get(items), number, items, name)
        rows.append(Row(number, item, "", content=own, cells=record))
    return Manifest(tuple(rows), tuple(skipped), items, warnings=tuple(notes))


Columns = tuple[str, str, str | None, str | None]


def _read_table(
    content: bytes, name: str, asked: tuple[str, ...], skipped: list[Skipped], notes: list[str]
) -> tuple[list[str], Records]:
    """The columns, and each row by its columns; ``asked`` are columns of unusual names."""
    if content.startswith(b"PAR1"):
        return _read_parquet(content, name, asked)
    decoded = decode(content)
    notes += decoded.told(name)
    text = decoded.text
    if text.lstrip().startswith("{"):
        return _read_json_lines(text, name, skipped)
    if _begins_with_a_list(text):
        raise DataError(f"{name} is a JSON list.", "Write one object a line (JSONL).")
    known = {*ITEM_COLUMNS[None], *LABEL_COLUMNS, *(column.strip().lower() for column in asked)}
    return read_delimited(text, name, known, skipped, notes)


def _rows(records: Records, columns: Columns, name: str, skipped: list[Skipped], multi_label: bool) -> Iterator[Row]:
    items, labels, splits, groups = columns
    records = list(records)
    cells = (record.get(labels) for _, record in records)
    multi_label = multi_label or any(len(cell) > 1 for cell in cells if isinstance(cell, list | tuple))
    called: set[str] = set()
    for number, record in records:
        item, content = _item(record.get(items), number, items, name)
        if content is not None and item in called:  # two files of one name are two items
            item = f"row {number}, {item}"
        called.update((item,) if content is not None else ())
        cell = record.get(labels, _ABSENT)
        tags = _tags(cell)
        label = "" if cell is _ABSENT else SEPARATOR.join(tags) if tags is not None else _cell(cell)
        if not item or item.isspace() or not (label or (multi_label and cell is not _ABSENT)):
            item = item.strip()
            missing = "label" if item else "item"
            skipped.append(Skipped(item or f"{name}, row {number}", f"Row {number} has no {missing}.", f"no_{missing}"))
            continue
        split = _cell(record.get(splits)).lower() if splits else ""
        yield Row(number, item, label, split, _cell(record.get(groups)) if groups else "", tags, content)


def _read_json_lines(text: str, name: str, skipped: list[Skipped]) -> tuple[list[str], Records]:
    records: list[tuple[int, Mapping[str | None, Any]]] = []
    columns: dict[str, None] = {}
    broken: list[int] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            record = None
        if not isinstance(record, dict):
            broken.append(number)
            reason = f"Line {number} is not a JSON object."
            skipped.append(Skipped(f"{name}, row {number}", reason, "not_json"))
            continue
        columns.update(dict.fromkeys(record))
        records.append((number, record))
    if not records:
        raise DataError(
            f"No line of {name} is a JSON object; the first is line {broken[0]}.", "Write one object a line (JSONL)."
        )
    return list(columns), records


def _begins_with_a_list(text: str) -> bool:
    try:
        return isinstance(json.JSONDecoder().raw_decode(text.lstrip())[0], list)
    except (ValueError, RecursionError):
        return False


def _read_parquet(content: bytes, name: str, asked: Iterable[str]) -> tuple[list[str], Records]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise MissingExtra(
            f"{name} is a Parquet file, and pyarrow is not installed.", "pip install 'graft-learn[parquet]'"
        ) from None
    try:
        file = parquet.ParquetFile(pyarrow.BufferReader(content))
        columns = [str(column) for column in file.schema_arrow.names]
        wanted = {*ITEM_COLUMNS[None], *LABEL_COLUMNS, "split", "group", *(name.strip().lower() for name in asked)}
        needed = [column for column in columns if column.strip().lower() in wanted]
        rows = [row for batch in file.iter_batches(columns=needed) for row in batch.to_pylist()]
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{name} cannot be read as Parquet: {error}.", "Copy or write it again.") from None
    return columns, enumerate(rows, 1)


def _find_column(
    columns: Sequence[str], asked: str | None, usual: Sequence[str], name: str, what: str, argument: str
) -> str:
    """The column's name as the manifest spells it; case does not matter."""
    spelled = {column.strip().lower(): column for column in reversed(columns)}
    for candidate in (asked,) if asked else usual:
        if candidate in columns:
            return candidate
        if candidate.strip().lower() in spelled:
            return spelled[candidate.strip().lower()]
    found = ", ".join(repr(shortened(column, 30)) for column in columns[:12]) or "none"
    wanted = repr(asked) if asked else "any of " + ", ".join(usual)
    raise MissingColumn(
        f"{name} has no column of {what} called {wanted}; its columns are {found}.",
        f"Name the right one: --{argument.replace('_', '-')} (in Python {argument}=), or rename it. If the "
        "first line is data and no header, put one above it: text,label",
    )


def _find_optional(columns: Sequence[str], wanted: str) -> str | None:
    return next((column for column in columns if column.strip().lower() == wanted), None)


def _refuse_twins(columns: Sequence[str], used: Iterable[str | None], name: str) -> None:
    """Of two columns of one name nobody knows which is meant."""
    for column in filter(None, used):
        if (n := columns.count(column)) > 1:
            raise DataError(f"{name} has {n} columns called {column!r}.", "Rename or remove all but one.")


def _item(value: Any, number: int, column: str, name: str) -> tuple[str, bytes | None]:
    """A path or text; or what a file is called and its bytes, where the cell holds them.

    Raises:
        DataError: The cell is an object of another kind.
    """
    if isinstance(value, bytes):
        return f"{name}, row {number}", value
    if not isinstance(value, dict):
        return _text(value), None
    content, path = value.get("bytes"), value.get("path")
    if not {"bytes", "path"} & value.keys() or not isinstance(content, bytes | None):
        keys = ", ".join(repr(key)[:30] for key in list(value)[:5]) or "none"
        raise DataError(
            f"The column {column!r} of {name} holds objects with the keys {keys}; the first is in row {number}.",
            "Give paths, texts, or files as objects with the keys 'bytes' and 'path'.",
        )
    called = _cell(path)
    return (called, None) if content is None else (called or f"{name}, row {number}", content)


def _tags(value: Any) -> tuple[str, ...] | None:
    """The labels of a cell that is a list."""
    return tuple(filter(None, map(_cell, value))) if isinstance(value, list | tuple) else None


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None or value != value else str(value)


def _cell(value: Any) -> str:
    return _text(value).strip()
