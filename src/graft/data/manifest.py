"""Tables of items and labels: CSV, TSV and JSON lines in any usual encoding, and Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graft.data.dataset import Skipped
from graft.errors import DataError, MissingColumn, MissingExtra

ITEM_COLUMNS = ("path", "file_name", "audio", "text", "sentence")
LABEL_COLUMNS = ("label", "target", "category")
TEXT_COLUMNS = frozenset({"text", "sentence"})
NOT_OFFERED = TEXT_COLUMNS | {"audio"}
"""Understood, so that what they hold can be refused by its name; this version reads pictures."""

MAX_CELL = 1 << 24
_DELIMITERS = (",", "\t", ";", "|")
_SNIFFED_ROWS = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a manifest, as it stands there, without the white space around.

    Attributes:
        number: The line, or the row of a Parquet file, from 1.
        item: A path, or a text.
        label: Never empty.
        split: As written, in lower case; ``""`` where there is none.
        group: ``""`` where there is none.
    """

    number: int
    item: str
    label: str
    split: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest's rows; ``item_column`` is the column that the items came from."""

    rows: tuple[Row, ...]
    skipped: tuple[Skipped, ...]
    item_column: str

    @property
    def holds_texts(self) -> bool:
        """The items are texts, not paths."""
        return self.item_column.lower() in TEXT_COLUMNS


def parse_manifest(
    content: bytes, name: str, *, label_column: str | None = None, item_column: str | None = None
) -> Manifest:
    """The rows of a manifest; its kind, encoding and delimiter are found out.

    Args:
        content: The file's bytes.
        name: How the file is called in errors.
        label_column: The column of labels; by default the first of ``LABEL_COLUMNS`` that is there.
        item_column: The column of items; by default the first of ``ITEM_COLUMNS`` that is there.

    Raises:
        MissingColumn: A column is not there.
        MissingExtra: It is a Parquet file, and pyarrow is not installed.
        DataError: It cannot be read as a table, or items have several labels.
    """
    skipped: list[Skipped] = []
    if content.startswith(b"PAR1"):
        columns, records = _read_parquet(content, name, filter(None, (label_column, item_column)))
    elif (text := decode_text(content)).lstrip().startswith("{"):
        columns, records = _read_json_lines(text, name, skipped)
    elif _begins_with_a_list(text):
        raise DataError(f"{name} is a JSON list.", "Write one object a line (JSONL).")
    else:
        columns, records = _read_delimited(text, name)
    labels = _find_column(columns, label_column, LABEL_COLUMNS, name, "labels", "label_column")
    items = _find_column(columns, item_column, ITEM_COLUMNS, name, "items", "item_column")
    splits, groups = _find_optional(columns, "split"), _find_optional(columns, "group")
    rows: list[Row] = []
    for number, record in records:
        item, label = _cell(record.get(items)), _label(record.get(labels), number, name)
        if not item or not label:
            missing = "label" if item else "item"
            skipped.append(Skipped(item or f"{name}, row {number}", f"Row {number} has no {missing}.", f"no_{missing}"))
            continue
        rows.append(Row(number, item, label, _cell(record.get(splits)).lower(), _cell(record.get(groups))))
    return Manifest(tuple(rows), tuple(skipped), items)


def decode_text(content: bytes) -> str:
    """Text in UTF-8, UTF-16 (with a byte order mark, or Latin letters enough to tell without), or Windows-1252."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    start = content[:2000]
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if start[offset::2].count(0) > 0.4 * len(start) / 2:
            return content.decode(encoding, "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError:  # five bytes have no meaning in Windows-1252
        return content.decode("latin-1")


Records = Iterable[tuple[int, Mapping[str | None, Any]]]


def _read_delimited(text: str, name: str) -> tuple[list[str], Records]:
    lines = text.removeprefix("\ufeff")
    delimiter = None
    if lines[:4].lower() == "sep=":  # Excel's own way to say it
        first, _, lines = lines.partition("\n")
        delimiter = first.strip()[4:5] or None
    delimiter = delimiter or _sniff_delimiter(lines, name)
    reader = _csv_rows(lines, delimiter, name)
    columns = next((row for _, row in reader), [])
    header = [column.strip() for column in columns]
    return header, ((number, dict(zip(header, row, strict=False))) for number, row in reader if any(row))


def _sniff_delimiter(text: str, name: str) -> str:
    """The delimiter that cuts the first rows into the same number of columns, and into most of them."""

    def score(delimiter: str) -> tuple[float, int]:
        widths = []
        for _, row in _csv_rows(text, delimiter, name):
            widths.append(len(row))
            if len(widths) == _SNIFFED_ROWS:
                break
        if not widths or widths[0] < 2:
            return 0.0, 0
        return sum(width == widths[0] for width in widths) / len(widths), widths[0]

    # Labels may hold a second delimiter in every row, but a header that is known settles it.
    first_line = text.lstrip().split("\n", 1)[0].lower()
    known = {*ITEM_COLUMNS, *LABEL_COLUMNS}

    def names_known(delimiter: str) -> int:
        return len(known.intersection(cell.strip(' "\r') for cell in first_line.split(delimiter)))

    return max(_DELIMITERS, key=lambda delimiter: (min(2, names_known(delimiter)), *score(delimiter)))


def _csv_rows(text: str, delimiter: str, name: str) -> Iterator[tuple[int, list[str]]]:
    if csv.field_size_limit() < MAX_CELL:  # a limit of the whole process; raised, never lowered
        csv.field_size_limit(MAX_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise DataError(
            f"{name} cannot be read as a table: line {reader.line_num}: {error}.", "Check its quotes."
        ) from None


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
        wanted = {*ITEM_COLUMNS, *LABEL_COLUMNS, "split", "group", *(name.strip().lower() for name in asked)}
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
    found = ", ".join(repr(column) for column in columns[:30]) or "none"
    wanted = repr(asked) if asked else "any of " + ", ".join(column for column in usual if column not in NOT_OFFERED)
    raise MissingColumn(
        f"{name} has no column of {what} called {wanted}; its columns are {found}.",
        f"Name the right one: --{argument.replace('_', '-')} (in Python {argument}=), or rename it.",
    )


def _find_optional(columns: Sequence[str], wanted: str) -> str | None:
    return next((column for column in columns if column.strip().lower() == wanted), None)


def _label(value: Any, number: int, name: str) -> str:
    if isinstance(value, list | tuple):
        if len(value) > 1:
            raise DataError(
                f"Row {number} of {name} has {len(value)} labels: {', '.join(map(str, value[:5]))}.",
                "This version gives each item one label; keep the most important one.",
            )
        value = value[0] if value else None
    return _cell(value)


def _cell(value: Any) -> str:
    if value is None or value != value:
        return ""
    return str(value).strip()
