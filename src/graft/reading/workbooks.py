"""Sheets of .xlsx, .xls and .ods as tables."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from graft.data.listing import shortened
from graft.decoding.archive import READ_ERRORS
from graft.errors import DataError, needing
from graft.reading.columns import plain, spelled
from graft.reading.table import MAX_COLUMNS, MAX_ROWS, MAX_UNPACKED, Table

MAX_CELLS = 20_000_000
"""The rectangle that holds all cells of a sheet may have so many; it is held as a whole."""

_RATIO = 200
_SMALL = 1 << 26
_CELL = re.compile(rb'<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,3})(\d{1,12})"')
_ROW = re.compile(rb'<(?:\w+:)?row\s[^>]*?\br="(\d{1,12})"')
_SHARED = re.compile(rb'\bt="s"[^>]*>\s*<(?:\w+:)?v>(\d{1,9})<')
_SHARED_END = re.compile(rb"</(?:\w+:)?si>")
_OPEN_DOCUMENT = re.compile(
    rb"<(?P<end>/?)table:(?P<what>table|table-row|table-cell|covered-table-cell)(?=[\s/>])(?P<attributes>[^>]*?)(?P<empty>/?)>"
)
_REPEATED = re.compile(rb'table:number-(?:columns|rows)-repeated="(\d{1,12})"')
_CHUNK = 1 << 20
_CSV = "Save the sheet as CSV (UTF-8) and give that."


def read_workbook(content: bytes, name: str, kind: str, known: Collection[str]) -> Table:
    """A sheet as a table, its first row that holds something the header.

    Of several sheets the first visible one counts whose header has the most columns of known names.

    Args:
        content: The file.
        name: How it is called in errors.
        kind: ``"xlsx"``, ``"xls"`` or ``"ods"``.
        known: Names of columns that would be understood, in lower case.

    Raises:
        MissingExtra: python-calamine is not installed.
        DataError: It is damaged, encrypted, too large, or all sheets are empty.
    """
    with needing("tables", message=f"{name} is a spreadsheet, and python-calamine is not installed."):
        from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum
    try:
        if kind != "xls":
            _check_size(content, name, kind)
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        shown = [sheet.name for sheet in book.sheets_metadata if sheet.visible == SheetVisibleEnum.Visible]
        sheets = [(sheet, rows) for sheet in shown or book.sheet_names if (rows := _rows(book, sheet, name))]
    except (CalamineError, LookupError, *READ_ERRORS) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{name} cannot be read as a spreadsheet: {error}.", _CSV) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # a fault in the reader, raised past ``Exception``
            raise
        raise DataError(f"{name} cannot be read as a spreadsheet: it is damaged.", _CSV) from None
    if not sheets:
        raise DataError(f"{name} has no sheet that holds anything.", "Put a header and rows into its first sheet.")
    sheet, rows = max(sheets, key=lambda one: sum(spelled(str(cell)) in known for cell in one[1][0][1]))
    header = [plain(cell).strip() for cell in rows[0][1]]
    while header and not header[-1]:
        header.pop()
    table = Table(header, [(number, dict(zip(header, map(_cell, row), strict=False))) for number, row in rows[1:]])
    others = [shortened(other, 40) for other in book.sheet_names if other != sheet]
    rest = f" Not read: {', '.join(map(repr, others[:5]))}." if others else ""
    table.warnings.append(f"The sheet {shortened(sheet, 40)!r} of {name} was read ({len(rows) - 1:,} rows).{rest}")
    return table


def _rows(book: Any, sheet: str, name: str) -> list[tuple[int, list[Any]]]:
    """The rows of a sheet that hold something, with their numbers as the program shows them.

    Raises:
        DataError: There are too many rows or columns.
    """
    content = book.get_sheet_by_name(sheet)
    if content.total_height > MAX_ROWS or content.total_width > MAX_COLUMNS:
        raise _too_large(name, content.total_height, content.total_width)
    if content.height == 0:
        return []
    rows = enumerate(content.iter_rows(), 1)
    return [(number, row) for number, row in rows if any(cell not in ("", None) for cell in row)]


def _cell(value: Any) -> Any:
    """A cell; dates as they are written in ISO 8601."""
    if isinstance(value, datetime) and (value.hour, value.minute, value.second) == (0, 0, 0):
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _check_size(content: bytes, name: str, kind: str) -> None:
    """Bound what unpacks before anything does: the members' sizes, and the corner of the farthest cell.

    Raises:
        DataError: It is too large.
        READ_ERRORS: It is encrypted or damaged.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        infos = archive.infolist()
        unpacked = sum(info.file_size for info in infos)
        if unpacked > MAX_UNPACKED or (unpacked > _SMALL and unpacked > _RATIO * len(content)):
            raise DataError(
                f"{name} grows from {len(content) / 1e6:.1f} MB to {unpacked / 1e6:,.0f} MB when it is unpacked.",
                _CSV,
            )
        shared = _shared_lengths(archive)
        for info in infos:
            if not _holds_cells(info.filename.lower(), kind):
                continue
            with archive.open(info) as member:
                rows, columns, size = _corner(_chunks(member), kind, shared)
            if rows > MAX_ROWS or columns > MAX_COLUMNS or rows * columns > MAX_CELLS:
                raise _too_large(name, rows, columns)
            if size > MAX_UNPACKED:
                raise DataError(
                    f"{name} has texts of {size / 1e9:,.1f} GB when those that come again are written out; the "
                    f"limit is {MAX_UNPACKED / 1e9:.1f} GB.",
                    _CSV,
                )


def _shared_lengths(archive: zipfile.ZipFile) -> list[int]:
    """How long each text is that cells share by its number, in bytes with its markup."""
    lengths = [0]
    name = next((name for name in archive.namelist() if name.lower() == "xl/sharedstrings.xml"), None)
    if name is None:
        return []
    with archive.open(name) as member:
        for chunk in _chunks(member):
            first, *others = _SHARED_END.split(chunk)
            lengths[-1] += len(first)
            lengths += map(len, others)
    return lengths


def _too_large(name: str, rows: int, columns: int) -> DataError:
    return DataError(
        f"{name} has a sheet of {rows:,} rows and {columns:,} columns; the limits are {MAX_ROWS:,} rows, "
        f"{MAX_COLUMNS:,} columns and {MAX_CELLS:,} cells.",
        "Delete what lies far from the table, or save the table as CSV.",
    )


def _holds_cells(member: str, kind: str) -> bool:
    return member == "content.xml" if kind == "ods" else member.startswith("xl/worksheets/") and member.endswith(".xml")


def _chunks(member: Any) -> Iterator[bytes]:
    """A member piece by piece, each ending with a whole tag."""
    rest = b""
    while piece := member.read(_CHUNK):
        piece = rest + piece
        cut = piece.rfind(b">") + 1
        rest = piece[cut:]
        if len(rest) > MAX_UNPACKED >> 4:
            raise ValueError("a tag of absurd length")
        yield piece[:cut]


def _corner(chunks: Iterator[bytes], kind: str, shared: Sequence[int]) -> tuple[int, int, int]:
    """The number of rows and columns that a sheet spans, at most, and the bytes of the texts that come again in it."""
    if kind == "ods":
        return _open_document_corner(chunks)
    rows = columns = weight = 0
    for chunk in chunks:
        for letters, row in _CELL.findall(chunk):
            rows, columns = max(rows, int(row)), max(columns, _column_number(letters))
        rows = max([rows, *map(int, _ROW.findall(chunk))])
        if shared:
            weight += sum(shared[at] for text in _SHARED.findall(chunk) if (at := int(text)) < len(shared))
    return rows, columns, weight


def _open_document_corner(chunks: Iterator[bytes]) -> tuple[int, int, int]:
    """The same for all sheets of an OpenDocument; runs of empty cells and rows that close a sheet do not count."""
    rows = columns = row = column = last = times = weight = begin = passed = most = 0
    for chunk in chunks:
        for tag in _OPEN_DOCUMENT.finditer(chunk):
            what, attributes = tag["what"], tag["attributes"]
            repeats = int(found[1]) if (found := _REPEATED.search(attributes)) else 1
            if what == b"table":
                row = 0
            elif what == b"table-row" and tag["end"]:
                row += times
                rows, columns = max(rows, row if last else 0), max(columns, last)
                weight += (passed + tag.start() - begin) * times * most if last and times * most > 1 else 0
            elif what == b"table-row":
                column, last, times, most, begin = 0, 0, repeats, 1, passed + tag.end()
                row += repeats if tag["empty"] else 0
            elif not tag["end"]:
                column += repeats
                if not tag["empty"] or b"office:value" in attributes:
                    last, most = column, max(most, repeats)
        passed += len(chunk)
    return rows, columns, weight


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number
