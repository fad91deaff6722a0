"""A table as it was read, whatever the format, and how large one may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graft.data.items import Skipped

MAX_ROWS = 5_000_000
MAX_COLUMNS = 16_384
"""As many as a sheet has."""
MAX_UNPACKED = 1 << 30
"""Bytes of a table when it is unpacked."""

MAX_LABELS = 10_000
"""Labels in one cell."""

Record = Mapping[str | None, Any]


@dataclass(slots=True)
class Table:
    """A table.

    Attributes:
        columns: Their names, as written.
        records: The number of each row or line, from 1, and its cells by column.
        skipped: Rows that could not be read.
        warnings: What the user should know of the reading.
        class_names: By column, the names of classes that its cells are numbers of.
    """

    columns: list[str]
    records: list[tuple[int, Record]] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    class_names: dict[str, list[str]] = field(default_factory=dict)

    @property
    def cells(self) -> list[Record]:
        """The records without their numbers."""
        return [record for _, record in self.records]
