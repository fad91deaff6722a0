"""Cells of tables: what is written no spreadsheet takes for a formula and no terminal for a command."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

_FORMULA = re.compile(r"'*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
"""What a spreadsheet computes: https://owasp.org/www-community/attacks/CSV_Injection."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_LARGEST = 1e100
"""Squares of larger numbers, and their sums, leave the range of floating point."""
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def guarded(cell: str) -> str:
    """The cell with an apostrophe before what a spreadsheet would compute; ``unguarded`` takes it away again.

    A number below zero is computed by none, and stays one.
    """
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell


def unguarded(cell: str) -> str:
    """The cell without the apostrophe of ``guarded``, which spreadsheets do not show either."""
    return cell[1:] if cell[:1] == "'" and _FORMULA.match(cell) else cell


def shown(cell: str) -> str:
    """The cell as a person may look at it: as ``guarded``, and U+FFFD for what could drive a terminal."""
    return guarded(_UNSAFE.sub("\ufffd", cell))


def as_number(cell: str) -> float | None:
    """The number that a cell says: digits with a point, and an exponent where there is one; else ``None``.

    A comma makes it none: in one country it stands before decimals and in another between thousands, and a guess that
    is wrong would be a factor of a thousand.
    """
    value = float(cell) if _NUMBER.fullmatch(cell) else math.inf
    return value if abs(value) <= _LARGEST else None


class _Stream(Protocol):
    def write(self, text: str, /) -> Any: ...


class TableWriter:
    """Writes rows as CSV, of which every text is ``shown``; numbers are left as they are."""

    def __init__(self, stream: _Stream, delimiter: str = ",") -> None:
        """Nothing is written yet.

        Args:
            stream: Where to.
            delimiter: Between cells.
        """
        self._writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")

    def writerow(self, cells: Iterable[Any]) -> None:
        """Write a row."""
        self._writer.writerow([shown(cell) if isinstance(cell, str) else cell for cell in cells])


def unlike(names: Sequence[str], taken: Iterable[str], prefix: str) -> list[str]:
    """Names of columns, in their order, of which none is taken: with the prefix, as often as it needs, where it was.

    Args:
        names: What the columns would be called; all different.
        taken: What others are called, in whatever case.
        prefix: Put before those that collide.
    """
    others = {name.casefold() for name in taken}
    free = {name for name in names if name.casefold() not in others}
    used = others | {name.casefold() for name in free}
    found = []
    for name in names:
        own = name
        while name not in free and own.casefold() in used:
            own = f"{prefix}{own}"
        used.add(own.casefold())
        found.append(own)
    return found
