"""The journal: what people decided about the items of a data set, one line for each decision, never rewritten.

The first line is a header, ``{"graft_journal": 1, "data": name}``; every other line is a ``Decision`` as JSON. A line
is appended with one write, under a lock, and is on the disk before ``append`` returns. The data themselves are never
touched: ``graft.journal.resolution`` says what the decisions come to, and applies them to a data set in memory.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from typing import BinaryIO

from graft.errors import DataError, GraftError, refused_as
from graft.files import did_you_mean, expanded
from graft.journal.appending import append, read_lines
from graft.journal.decision import Decision

SCHEMA = 1
MAX_LINE = 1 << 20
"""Bytes of a line; longer ones are not read."""
MAX_FILE = 512 << 20
"""Bytes of a journal."""

_HEADER = "graft_journal"
_BOM = b"\xef\xbb\xbf"
_NAMED = 5
_LOOKED_AT = 10
_NOTHING, _BAD = "nothing", "bad"


@dataclass(frozen=True, slots=True)
class JournalState:
    """What was read of a journal so far.

    Attributes:
        decisions: In the order of the file.
        n_bad: How many lines could not be used.
        bad: The numbers of the first of them, from 1.
        offset: Bytes that were read.
        lines: Lines that were read.
        file: Which file they came from; another one at the same path is read from its beginning.
        path: Where it lies.
    """

    decisions: tuple[Decision, ...] = ()
    n_bad: int = 0
    bad: tuple[int, ...] = ()
    offset: int = 0
    lines: int = 0
    file: tuple[int, int] = (0, 0)
    path: str = ""


class Journal:
    """The journal at a path. The object holds no state: any number of them, in any number of processes, may append."""

    def __init__(self, path: str | os.PathLike[str], data: str = "") -> None:
        """The file is made by the first ``append``.

        Args:
            path: The file; its folder must be there.
            data: What the data set is called, for the header of a new file.
        """
        self.path = expanded(path)
        self.data = data

    def append(self, *decisions: Decision) -> None:
        """Write decisions, all of them or none; once this returns, they are on the disk.

        A last line that was cut short, by a kill amid a write, is closed off first. If the disk refuses, the journal is
        as it was before.

        Raises:
            DataError: There is another kind of file at the path, or the decision is about too many items at once.
            GraftError: Nothing can be written there, or the journal would grow too large.
        """
        lines = [decision.to_line() for decision in decisions]
        for decision, line in zip(decisions, lines, strict=True):
            if len(line) > MAX_LINE:
                raise DataError(
                    f"A decision about {len(decision.items):,} items is too long for a line of {self.path.name}.",
                    "Divide it into several.",
                )
        self._check_place()
        header = json.dumps({_HEADER: SCHEMA, "data": self.data}).encode() + b"\n"
        not_saved = f"The decision was not saved: {self.path} cannot be written"
        with refused_as(GraftError, not_saved, "Make room on the disk, or choose another place for the journal."):
            append(self.path, b"".join(lines), header, self._check_kind)

    def read(self) -> tuple[Decision, ...]:
        """All decisions, in the order of the file; ``follow`` says more.

        Raises:
            DataError: There is no journal at the path, or it is too large or written by a newer Graft.
        """
        return self.follow().decisions

    def follow(self, earlier: JournalState | None = None) -> JournalState:
        """All decisions; of the file, only what was appended since ``earlier`` is read.

        Lines that hold no decision are counted and named. A last line that is not complete yet is left for later.

        Raises:
            DataError: There is no journal at the path, or it is too large or written by a newer Graft.
        """
        self._check_place()
        try:
            with self.path.open("rb") as file:
                state = os.fstat(file.fileno())
                identity = (state.st_dev, state.st_ino)
                if earlier is None or earlier.file != identity or state.st_size < earlier.offset:
                    earlier = JournalState(file=identity)
                    self._check_kind(file.read(MAX_LINE), state.st_size)
                file.seek(earlier.offset)
                return self._read_on(file, earlier)
        except FileNotFoundError:
            raise DataError(
                f"There is no journal at {self.path}.",
                did_you_mean(self.path) or "Check the spelling; relative paths start where you are.",
            ) from None
        except OSError as error:
            raise DataError(
                f"{self.path} cannot be read: {error.strerror or error}.", "Check its permissions."
            ) from None

    def _read_on(self, file: BinaryIO, earlier: JournalState) -> JournalState:
        decisions, bad, n_bad = list(earlier.decisions), list(earlier.bad), earlier.n_bad
        offset, number = earlier.offset, earlier.lines
        for line, length in read_lines(file, MAX_LINE):  # the beginning of a longer one is no JSON
            found = self._parse(line)
            if found == _BAD and not line.endswith(b"\n") and length <= MAX_LINE:
                break  # being written just now, or cut short: the next append closes it off
            offset, number = offset + length, number + 1
            if isinstance(found, Decision):
                decisions.append(found)
            elif found == _BAD:
                n_bad += 1
                bad += [number] if len(bad) < _NAMED else []
        if offset > MAX_FILE:
            raise self._is_too_large(offset)
        return JournalState(tuple(decisions), n_bad, tuple(bad), offset, number, earlier.file, str(self.path))

    def _parse(self, line: bytes) -> Decision | str:
        """The decision on a line; or whether there is nothing on it, or nothing that can be used."""
        line = line.removeprefix(_BOM)
        if not line.strip():
            return _NOTHING
        try:
            values = json.loads(line)
            if isinstance(values, dict) and _HEADER in values:
                self._check_schema(values[_HEADER])
                return _NOTHING
            return Decision.from_dict(values)
        except _NewerJournal:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return _BAD

    def _check_schema(self, schema: object) -> None:
        if not isinstance(schema, int) or schema > SCHEMA:
            raise _NewerJournal(
                f"{self.path} was written by a newer Graft: its schema is {str(schema)[:20]}, and {SCHEMA} is known.",
                "Update Graft: pip install --upgrade graft-learn",
            )

    def _check_place(self) -> None:
        """Whether there is a folder for the journal, and nothing but a file in its place."""
        folder = self.path.parent
        try:
            with contextlib.suppress(OSError):
                self.path.lstat()
        except ValueError as error:  # a NUL, or half a character
            raise DataError(f"{str(self.path)!r} is no path: {error}.", "Check its spelling.") from None
        if not folder.is_dir():
            found = "is a file" if folder.exists() else "is not there"
            raise DataError(f"The folder {folder} for {self.path.name} {found}.", "Name a folder that is there.")
        if self.path.exists() and not self.path.is_file():
            raise DataError(f"{self.path} is no file.", "Name a file for the journal, such as photos.journal.")

    def _check_kind(self, head: bytes, size: int) -> None:
        """Whether a file that begins so is a journal, by any of its first lines; an empty one may become one."""
        if size > MAX_FILE:
            raise self._is_too_large(size)
        lines = head.split(b"\n", _LOOKED_AT)[:_LOOKED_AT]
        if size and not any(isinstance(self._parse(line), Decision) or _is_header(line) for line in lines):
            raise DataError(
                f"{self.path} is no journal: its first lines hold no decision.", "Name another file for the journal."
            )

    def _is_too_large(self, size: int) -> DataError:
        return DataError(
            f"{self.path} is {size / 1e6:,.0f} MB; a journal holds {MAX_FILE / 1e6:,.0f} MB at most.",
            "Begin a new journal.",
        )


class _NewerJournal(DataError):
    """Ends the reading, where other errors of a line only cost the line."""


def _is_header(line: bytes) -> bool:
    """Whether a line is the header, or the part of it that a kill left."""
    line, header = line.removeprefix(_BOM).rstrip(), f'{{"{_HEADER}"'.encode()
    return line.startswith(header) or (len(line) > 2 and header.startswith(line))
