"""Comma-separated text and its kin: delimiter, quotes and header are found out; an open quote swallows no rows."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any

from graft.cells import unguarded
from graft.data.items import Skipped
from graft.data.kinds import some_of
from graft.data.listing import shortened
from graft.errors import DataError
from graft.reading.table import MAX_COLUMNS, MAX_ROWS, Record, Table

MAX_CELL = 1 << 24
_DELIMITERS = (",", "\t", ";", "|")
_SNIFFED_ROWS = 50
_SHOWN = 60
"""Characters of a row in a message."""


_NumberedRow = tuple[int, list[str]]
"""The number of the last line that a row takes, and its cells."""


def read_delimited(text: str, name: str, known: Collection[str]) -> Table:
    """A table in delimited text.

    A quote that is never closed, or is closed in a later row, would make one cell of all that lies between (RFC 4180
    lets cells hold line breaks). Such a quote is read as a character of its cell, and told.

    Args:
        text: The table.
        name: How it is called in messages.
        known: Names of columns, in lower case, that settle what the delimiter is.

    Raises:
        DataError: It is no table or too large, or most rows have more cells than the header.
    """
    text, delimiter = text.removeprefix("\ufeff"), ""
    if text[:4].lower() == "sep=":  # Excel's own way to say it
        first, _, text = text.partition("\n")
        delimiter = first.strip()[4:5]
    lines = list(io.StringIO(text, newline=""))
    delimiter = delimiter or _sniff_delimiter(lines, name, known)
    open_quotes: list[str] = []
    if delimiter == "\t" and '"' in text and _quotes_mean_nothing(lines, name):
        rows: Iterable[_NumberedRow] = _plain_rows(lines, delimiter, name, quoting=csv.QUOTE_NONE)
    else:
        rows = list(_closing_rows(lines, delimiter, name, open_quotes))
    reader = iter(rows)
    header = next((cells for _, cells in reader if any(cell.strip() for cell in cells)), [])
    table = Table([column.strip() for column in header])
    if open_quotes:
        table.warnings.append(
            f"{name} has quotes that are never closed: {some_of(open_quotes)}. They were read as a part of the text; "
            'write "" for a quote inside quotes.'
        )
    if len(header) > MAX_COLUMNS:
        raise DataError(f"{name} has {len(header):,} columns; the limit is {MAX_COLUMNS:,}.", "Keep those that matter.")
    table.records = list(islice(_fitting(table, reader, delimiter, name), MAX_ROWS + 1))
    if len(table.records) > MAX_ROWS:
        raise DataError(f"{name} has more than {MAX_ROWS:,} rows.", "Give a part of it.")
    return table


def _fitting(table: Table, rows: Iterable[_NumberedRow], delimiter: str, name: str) -> Iterator[tuple[int, Record]]:
    """Rows by the table's columns; what has more cells than the header was cut inside a text, and is skipped.

    Raises:
        DataError: Most rows have.
    """
    header, skipped = table.columns, table.skipped
    n, too_wide = 0, 0
    for number, row in rows:
        if not any(row):
            continue
        n += 1
        if len(header) == 1:  # then there is nothing to cut
            row = [delimiter.join(row)]
        if header and any(cell.strip() for cell in row[len(header) :]):
            too_wide += 1
            reason = f"Row {number} has {len(row)} cells and the header {len(header)}: put the text in quotes."
            skipped.append(Skipped(f"{name}, row {number}", reason, "columns"))
            continue
        yield number, dict(zip(header, row, strict=False))
    if 2 * too_wide > n:
        first = next(one.reason for one in skipped if one.code == "columns")
        raise DataError(
            f"{too_wide:,} of the {n:,} rows of {name} have more cells than the header. {first}",
            f'Put cells that hold {delimiter!r} in quotes: "one{delimiter} two".',
        )


def _sniff_delimiter(lines: Sequence[str], name: str, known: Collection[str]) -> str:
    """The delimiter that cuts the first rows into the same number of columns, and into most of them."""

    def score(delimiter: str) -> tuple[float, int]:
        rows = _closing_rows(lines, delimiter, name, [])
        widths = [len(cells) for _, cells in islice(rows, _SNIFFED_ROWS) if cells]
        if not widths or widths[0] < 2:
            return 0.0, 0
        return sum(width == widths[0] for width in widths) / len(widths), widths[0]

    # Labels may hold a second delimiter in every row, but a header that is known settles it.
    first_line = next((line.lstrip().lower() for line in lines if line.strip()), "")

    def names_known(delimiter: str) -> int:
        return len(set(known).intersection(cell.strip(' "\r\n') for cell in first_line.split(delimiter)))

    return max(_DELIMITERS, key=lambda delimiter: (min(2, names_known(delimiter)), *score(delimiter)))


def _quotes_mean_nothing(lines: Sequence[str], name: str) -> bool:
    """Whether quotes in tab-separated text are part of it: then every line has all columns, and quoting joins lines."""
    widths = [len(row) for _, row in _plain_rows(lines, "\t", name, quoting=csv.QUOTE_NONE) if row]
    return len(set(widths)) == 1 and len(widths) > sum(1 for _, row in _plain_rows(lines, "\t", name) if row)


def _plain_rows(lines: Sequence[str], delimiter: str, name: str, **how: Any) -> Iterator[_NumberedRow]:
    """Rows as Python's ``csv`` reads them."""
    reader = _reader(lines, delimiter, **how)
    try:
        for row in reader:
            yield reader.line_num, [unguarded(cell) for cell in row]
    except csv.Error as error:
        raise _unreadable(name, reader.line_num, error) from None


def _closing_rows(lines: Sequence[str], delimiter: str, name: str, open_quotes: list[str]) -> Iterator[_NumberedRow]:
    """Rows of text whose quotes may be open; where one swallows rows, its line is a row and the quote a character.

    Args:
        lines: The table.
        delimiter: Between cells.
        name: Of the table.
        open_quotes: Takes the lines that hold such a quote, each with its number.
    """
    # As people write by hand: "a", "b".
    blank_first = delimiter != "\t" and any(f'{delimiter} "' in line for line in lines)

    @cache
    def usual() -> frozenset[tuple[int, str]]:
        return _repeated(lines, delimiter, width)

    width = start = 0
    while start < len(lines):
        reader = _reader(
            map(lines.__getitem__, range(start, len(lines))), delimiter, strict=True, skipinitialspace=blank_first
        )
        at = start
        try:
            for row in reader:
                end = start + reader.line_num
                width = width or len(row)
                if end > at + 1 and width > 1 and _swallows(lines[at:end], delimiter, width, usual()):
                    break
                yield end, [unguarded(cell) for cell in row]
                at = end
            else:
                return
        except csv.Error as error:
            if "limit" in str(error):
                raise _unreadable(name, at + 1, error) from None
        row, is_open = _one_line(lines[at], delimiter, blank_first)
        if is_open:
            open_quotes.append(f"line {at + 1} ({shortened(lines[at].strip(), _SHOWN)})")
        width = width or len(row)
        yield at + 1, [unguarded(cell) for cell in row]
        start = at + 1


def _repeated(lines: Sequence[str], delimiter: str, width: int) -> frozenset[tuple[int, str]]:
    """What stands twice or more in a column of the lines that hold no quote, such as labels: places and values."""
    plain = (line.rstrip("\r\n").split(delimiter) for line in lines if '"' not in line)
    counts = Counter(
        (place, cell.strip()) for cells in plain if len(cells) == width for place, cell in enumerate(cells) if cell
    )
    return frozenset(value for value, n in counts.items() if n > 1)


def _swallows(lines: Sequence[str], delimiter: str, width: int, usual: Collection[tuple[int, str]]) -> bool:
    """Whether the lines of one quoted row are rows themselves: as wide as the header, with values that rows have.

    What stands before the quote in the first line, and behind it in the last, belongs to the row in any case.
    """
    last = len(lines) - 1
    for number, line in enumerate(lines):
        cells = [cell.strip() for cell in line.split(delimiter)]
        if len(cells) != width:
            continue
        opens = max((place for place, cell in enumerate(cells) if cell.startswith('"')), default=-1)
        closes = min((place for place, cell in enumerate(cells) if cell.endswith('"')), default=width)
        tell = cells[: closes if number == last else width]
        if any((place, cell) in usual and (number or place > opens) for place, cell in enumerate(tell)):
            return True
    return False


def _one_line(line: str, delimiter: str, blank_first: bool) -> tuple[list[str], bool]:
    """The cells of a line by itself, and whether it opens a quote that it does not close."""
    closed = _reader([line, "\n"], delimiter, skipinitialspace=blank_first)
    row: list[str] = next(closed, [])
    if closed.line_num == 1:
        return row, False
    return next(_reader([line], delimiter, quoting=csv.QUOTE_NONE), []), True


def _reader(lines: Iterable[str], delimiter: str, **how: Any) -> Any:
    if csv.field_size_limit() < MAX_CELL:  # a limit of the whole process; raised, never lowered
        csv.field_size_limit(MAX_CELL)
    return csv.reader(lines, delimiter=delimiter, **how)


def _unreadable(name: str, line: int, error: csv.Error) -> DataError:
    return DataError(f"{name} cannot be read as a table: line {line}: {error}.", "Check its quotes.")
