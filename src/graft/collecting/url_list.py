"""Pictures from lists of addresses: CSV, JSON lines, or plain text with one a line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graft.collecting.found import Found, as_text
from graft.decoding.encoding import decode_text
from graft.errors import DataError, MissingColumn, NothingToRead

SUFFIXES = (".csv", ".tsv", ".jsonl", ".txt")
MAX_BYTES = 100_000_000
_URLS = ("url", "image_url", "image", "source")
_LABELS = ("label", "class", "query", "category", "target")
_PAGES = ("page", "page_url")
_LICENCES = ("licence", "license")


@dataclass(frozen=True, slots=True)
class UrlList:
    """Addresses by query.

    Attributes:
        found: For each label of the lists its pictures; those without a label, under ``""``, answer any query.
    """

    found: Mapping[str, Sequence[Found]]

    @classmethod
    def read(cls, path: Path) -> UrlList:
        """Read a list, or every list in a folder.

        A table has a column ``url`` and may have ``label``, ``page``, ``title`` and ``licence``. In a folder, a list
        without labels is called as its label is.

        Raises:
            NothingToRead: There is no list.
            DataError: It cannot be read.
        """
        files = [path]
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and file.name[0] != ".")
        found: dict[str, list[Found]] = {}
        for file in files:
            for label, picture in _read(file):
                found.setdefault(label or (file.stem if path.is_dir() else ""), []).append(picture)
        if not found:
            raise NothingToRead(
                f"{path} holds no addresses.",
                "Give a text file with one a line, or a table with the columns label and url.",
            )
        return cls(found)

    def queries(self) -> Sequence[str]:
        """The labels of the lists."""
        return tuple(label for label in self.found if label)

    def search(self, query: str) -> Iterator[Found]:
        """The pictures of this label, whatever its case, then those without any."""
        for label, pictures in self.found.items():
            if label.casefold() == query.casefold():
                yield from pictures
        yield from self.found.get("", ())


def _read(file: Path) -> Iterator[tuple[str, Found]]:
    if not file.is_file():
        raise NothingToRead(f"There is no file {file}.", "Give a list of addresses.")
    if file.stat().st_size > MAX_BYTES:
        raise DataError(f"{file} has more than {MAX_BYTES // 1_000_000} MB.", "Cut it in pieces.")
    text = decode_text(file.read_bytes()).removeprefix("\ufeff")
    if file.suffix.lower() == ".jsonl" or text.lstrip().startswith("{"):
        yield from _named(_json_lines(text, file), file)
    elif file.suffix.lower() in (".csv", ".tsv"):
        first = text.partition("\n")[0]
        delimiter = max(",\t;", key=first.count)
        try:
            yield from _named(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter), file)
        except csv.Error as error:
            raise DataError(f"{file} cannot be read as a table: {error}.", "Check its quotes.") from None
    else:
        lines = (line.strip() for line in text.splitlines())
        yield from (("", Found(line)) for line in lines if line and not line.startswith("#"))


def _json_lines(text: str, file: Path) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        try:
            row = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError):
            row = ""
        if isinstance(row, dict):
            yield row
        elif row is not None:
            raise DataError(f"Line {number} of {file} is not a JSON object.", "Write one object a line (JSONL).")


def _named(rows: Iterator[Mapping[str, Any]], file: Path) -> Iterator[tuple[str, Found]]:
    for row in rows:
        cells = {str(name).strip().lower(): cell for name, cell in row.items()}
        if not any(name in cells for name in _URLS):
            raise MissingColumn(
                f"{file} has no column of addresses; its columns are {', '.join(map(repr, cells))[:300]}.",
                "Call it url; label, page, title and licence may stand beside it.",
            )

        def first(names: Sequence[str], cells: Mapping[str, Any] = cells) -> str:
            return next((as_text(cells[name], 1 << 20) for name in names if cells.get(name)), "")

        if url := first(_URLS):
            yield first(_LABELS), Found(url, first(_PAGES), first(("title",))[:1000], first(_LICENCES)[:1000])
