"""Tables of items and labels, whatever the format, as rows: an item, its label, its split and its group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from graft.cells import as_number
from graft.contracts import SEPARATOR
from graft.data.arrangement import SPLITS
from graft.data.items import MAX_ITEM_BYTES, Skipped
from graft.data.lists import is_0_or_1
from graft.decoding.containers import SHEETS, container_in
from graft.decoding.encoding import decode
from graft.decoding.formats import HEAD, describe_kind, is_text, sniff
from graft.decoding.packed import unpack
from graft.errors import DataError
from graft.job import Reading
from graft.reading.columns import TEXT_COLUMNS, USUAL, Chosen, Wanted, choose, find, plain, spelled
from graft.reading.delimited import read_delimited
from graft.reading.notices import MEASURED, TO_PREDICT
from graft.reading.parquet import read_parquet
from graft.reading.structured import is_structured, read_structured
from graft.reading.table import MAX_LABELS, Record, Table
from graft.reading.workbooks import read_workbook

_NEVER_TABLES = frozenset({"eps", "pdf", "rtf"})
"""Begin with plain text, which no table begins with."""
_FEW = 20
_WEB_PAGES = ("<!doctype", "<html", "<table", "<?xml")
"""How tables begin that web sites call .xls or .csv and that are none."""


class Row(NamedTuple):
    """One row of a manifest.

    Attributes:
        number: The line, or the row of a Parquet file, from 1.
        item: A path, or a text, as it stands there.
        label: Without white space around; ``""`` only in multi-label data.
        split: A value of ``SPLITS``; ``""`` where there is none.
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
    cells: Record | None = None


@dataclass(frozen=True, slots=True)
class ManifestRows:
    """A manifest's rows.

    Attributes:
        rows: What has an item and a label.
        skipped: What has not.
        columns: The columns that were read.
        text_column: A column of texts beside that of items, ``""`` where there is none.
        warnings: What the user should know of the reading.
    """

    rows: tuple[Row, ...]
    skipped: tuple[Skipped, ...]
    columns: Chosen
    text_column: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def holds_texts(self) -> bool:
        """The column of items is called as texts are; it may hold paths all the same."""
        return spelled(self.columns.item) in TEXT_COLUMNS


def parse_manifest(content: bytes, name: str, reading: Reading = USUAL) -> ManifestRows:
    """The rows of a manifest; its kind, encoding and delimiter are found out.

    Args:
        content: The file's bytes.
        name: How the file is called in errors.
        reading: What was asked for. Columns that it does not name are the first of ``LABEL_COLUMNS`` and
            ``ITEM_COLUMNS`` that are there, and ``group``; those that it remembers count before them. The modality
            decides between a column of paths and one of texts. In multi-label data rows may have any number of labels,
            none too; so they may if any cell is a list of several.

    Raises:
        MissingColumn: A column is not there.
        MissingExtra: It is of a format that an extra reads, and that is not installed.
        DataError: It cannot be read as a table, its labels are none, or it has a split that nobody knows.
    """
    wanted = Wanted.of(reading)
    table = read_table(content, name, wanted.names)
    columns = choose(table, wanted, name)
    if columns.splits:
        table.warnings.append(_told_of_splits(table, columns, name))
    multi_label = reading.multi_label or _are_several(table, columns.label, name)
    table.warnings += _warn_of_values(table, columns, name)
    texts = find(table.columns, None, TEXT_COLUMNS) or ""
    return ManifestRows(
        rows=tuple(_rows(table, columns, name, multi_label)),
        skipped=tuple(table.skipped),
        columns=columns,
        text_column="" if texts == columns.item else texts,
        warnings=tuple(table.warnings),
    )


def parse_texts(content: bytes, name: str, reading: Reading = USUAL) -> ManifestRows:
    """The texts of a table, without labels.

    Args:
        content: The file's bytes.
        name: How the file is called in errors.
        reading: Names the column of texts, where it is not the first of ``TEXT_COLUMNS`` that is there; the column that
            it remembers counts before those.

    Raises:
        MissingColumn: The column is not there.
        MissingExtra: It is of a format that an extra reads, and that is not installed.
        DataError: It cannot be read as a table.
    """
    wanted = Wanted.of(reading, labelled=False)
    table = read_table(content, name, wanted.names)
    columns = choose(table, wanted, name)
    rows = []
    for number, record in table.records:
        item, own = _item(record.get(columns.item), number, columns.item, name)
        rows.append(Row(number, item, "", content=own, cells=record))
    return ManifestRows(tuple(rows), tuple(table.skipped), columns, warnings=tuple(table.warnings))


def read_table(content: bytes, name: str, known: Collection[str]) -> Table:
    """A table of any format, told by its content.

    Args:
        content: The file's bytes.
        name: How the file is called in errors.
        known: Names of columns that would be understood, in lower case.

    Raises:
        MissingExtra: It is of a format that an extra reads, and that is not installed.
        DataError: It cannot be read as a table.
    """
    if sniff(content[:HEAD]) == "gzip":
        content = unpack(content, name, MAX_ITEM_BYTES)
    if content.startswith(b"PAR1"):
        return read_parquet(content, name, known)
    if (kind := container_in(content)) in SHEETS:
        return read_workbook(content, name, kind, known)
    head = content[:HEAD]
    if not kind and (not is_text(head) or sniff(head) in _NEVER_TABLES):
        kind = sniff(head) or ""
    if kind:
        what, advice = describe_kind(kind, "text")
        broken = " It may be cut short: copy or save it again." if kind == "zip" else ""
        raise DataError(f"{name} is {what}, and no table.", advice + broken)
    decoded = decode(content)
    if decoded.text.lstrip()[:9].lower().startswith(_WEB_PAGES):
        raise DataError(
            f"{name} is a web page or XML, and no table, whatever it is called.",
            "Open it in a spreadsheet program, and save the table as CSV (UTF-8).",
        )
    if is_structured(decoded.text):
        table = read_structured(decoded.text, name)
    else:
        table = read_delimited(decoded.text, name, known)
    table.warnings = [*decoded.told(name), *table.warnings]
    return table


def _rows(table: Table, columns: Chosen, name: str, multi_label: bool) -> Iterator[Row]:
    called: set[str] = set()
    names = table.class_names.get(columns.label, [])
    for number, record in table.records:
        item, content = _item(record.get(columns.item), number, columns.item, name)
        if content is not None and item in called:  # two files of one name are two items
            item = f"row {number}, {item}"
        called.update((item,) if content is not None else ())
        cell = record.get(columns.label)
        tags = _label_set(cell, names, number, name)
        label = _label(cell, names, number, name) if tags is None else SEPARATOR.join(tags)
        if not item.strip() or not (label or (multi_label and columns.label in record)):
            item = item.strip()
            missing = "label" if item else "item"
            reason = f"Row {number} has no {missing}."
            table.skipped.append(Skipped(item or f"{name}, row {number}", reason, f"no_{missing}"))
            continue
        group, split = (_cell(record.get(column)) if column else "" for column in (columns.group, columns.split))
        meaning = columns.splits or SPLITS
        if split and spelled(split) not in meaning:
            raise DataError(
                f"Row {number} of {name} has the split {split.lower()!r}.", "Use train, val or test, or leave it empty."
            )
        yield Row(number, item, label, meaning.get(spelled(split), ""), group, tags, content)


def _are_several(table: Table, label: str, name: str) -> bool:
    """Whether labels come in lists of several.

    Raises:
        DataError: The lists are rows of 0 and 1 that name nothing.
    """
    lists = [cell for record in table.cells if isinstance(cell := record.get(label), list | tuple)]
    widths = {len(cell) for cell in lists}
    values = (value for cell in lists for value in cell)
    if len(widths) == 1 and min(widths) > 1 and label not in table.class_names and all(map(is_0_or_1, values)):
        (width,) = widths
        raise DataError(
            f"The labels of {name} are rows of {width} numbers 0 and 1, which say that a label is there and not "
            f"what it is called; the first is {list(lists[0])[:10]}.",
            f'Write the names of the labels instead, such as ["late", "damaged"], in the column {label!r}.',
        )
    return max(widths, default=0) > 1


def _warn_of_values(table: Table, columns: Chosen, name: str) -> Iterator[str]:
    """Labels that are measurements or ids, or numbers with their names in the column beside."""
    cells = (_cell(record.get(columns.label)) for record in table.cells)
    labels = Counter(filter(None, cells))
    n = labels.total()
    if n < _FEW or columns.label in table.class_names:
        return
    numbers = all(as_number(label) is not None for label in labels)
    named = f"{columns.label}_text", f"{columns.label}_name"
    beside = find([column for column in table.columns if column != columns.label], None, named) if numbers else None
    if beside:
        advice = f"--label-column {beside} (in Python label_column={beside!r})."
        yield f"The column {columns.label!r} of {name} holds numbers, and {beside!r} seems to name them: {advice}"
    elif 2 * len(labels) > n or (numbers and len(labels) > MEASURED):
        what = "numbers, as if measured" if numbers else "ids" if 10 * len(labels) > 9 * n else "values"
        found = f"{len(labels):,} different {what} in {n:,} rows ({', '.join(list(labels)[:3])}, ...)"
        advice = "choose another column by --label-column (in Python label_column=), or put numbers into ranges."
        advice += f" {TO_PREDICT}" if numbers and len(labels) > MEASURED else ""
        yield (
            f"The column of labels {columns.label!r} of {name} holds {found}. Labels are few names that recur: {advice}"
        )


def _told_of_splits(table: Table, columns: Chosen, name: str) -> str:
    counts = Counter(columns.splits[spelled(_cell(record.get(columns.split)))] for record in table.cells)
    parts = ", ".join(f"{split} {counts[split]:,}" for split in ("train", "val", "test") if counts[split])
    return f"The column {columns.split!r} of {name} was read as the split: {parts}. To have none, rename the column."


def _item(value: Any, number: int, column: str, name: str) -> tuple[str, bytes | None]:
    """A path or text; or what a file is called and its bytes, where the cell holds them.

    Raises:
        DataError: The cell is an object of another kind.
    """
    if isinstance(value, bytes):
        return f"{name}, row {number}", value
    if not isinstance(value, dict):
        return plain(value), None
    content, path = value.get("bytes"), value.get("path")
    if not {"bytes", "path"} & value.keys() or not isinstance(content, bytes | None):
        keys = ", ".join(repr(key)[:30] for key in list(value)[:5]) or "none"
        raise DataError(
            f"The column {column!r} of {name} holds objects with the keys {keys}; the first is in row {number}.",
            "Give paths, texts, or files as objects with the keys 'bytes' and 'path'.",
        )
    called = _cell(path)
    return (called, None) if content is None else (called or f"{name}, row {number}", content)


def _label_set(value: Any, names: Sequence[str], number: int, name: str) -> tuple[str, ...] | None:
    """The labels of a cell that is a list."""
    if not isinstance(value, list | tuple):
        return None
    if len(value) > MAX_LABELS:
        raise DataError(
            f"The cell of labels in row {number} of {name} holds {len(value):,}; the limit is {MAX_LABELS:,}.",
            "Choose the column of labels: --label-column (in Python label_column=).",
        )
    return tuple(filter(None, (_label(one, names, number, name) for one in value)))


def _label(value: Any, names: Sequence[str], number: int, name: str) -> str:
    """A label as text; a number of a class whose names are known as that name, -1 as none.

    Raises:
        DataError: It is an object, or a number that no class has.
    """
    if isinstance(value, Mapping | bytes | list | tuple):
        what = "a list in a list" if isinstance(value, list | tuple) else "bytes"
        keys = ", ".join(repr(key)[:30] for key in list(value)[:5]) if isinstance(value, Mapping) else ""
        raise DataError(
            f"The label in row {number} of {name} is {f'an object with the keys {keys}' if keys else what}.",
            "Give each label as a text or number, and several as a list of them.",
        )
    if not names or isinstance(value, str) or value is None or value != value:
        return _cell(value)
    at = int(value)
    if at == value and -1 <= at < len(names):
        return names[at] if at >= 0 else ""
    raise DataError(
        f"The label in row {number} of {name} is {value}, and the file names {len(names)} classes, from 0 on.",
        "Write the table again, with the names of all classes or the labels as text.",
    )


def _cell(value: Any) -> str:
    return plain(value).strip()
