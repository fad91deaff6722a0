"""What was collected from where: a file of JSON lines in the folder, to which each outcome is appended.

A picture's line is on the disk before its file has its name, so that no picture is ever there without its source; where
the process was killed in between, the file is given its name at the next run.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, replace
from itertools import count, filterfalse
from pathlib import Path

from graft.collecting.entry import ENDS, ManifestEntry, read_entry
from graft.data.listing import is_stray
from graft.data.names import safe_name
from graft.errors import DataError, GraftError, OutputExists
from graft.files import sha256_of, sync_folder, write_synced
from graft.journal.appending import lock_at_once

NAME = ".graft-collect.jsonl"
"""Begins with a dot, so that it is no part of the data set."""
MAX_FILE = 512 << 20
"""Bytes of a manifest."""

_PART = re.compile(rf"\.[0-9]{{4,9}}(?:{ENDS})\.part")
_NUMBER = re.compile(r"[0-9]{1,9}")
_MAX_LINE = 100_000
_FLAGS = sum(getattr(os, name, 0) for name in ("O_BINARY", "O_NOFOLLOW", "O_NONBLOCK"))


class Manifest:
    """The folder and its manifest, open to one process at a time.

    Args:
        folder: Is made where it is not there.
        labels: The classes that are to be collected.

    Raises:
        OutputExists: The folder holds files, and no manifest; or something else is in the place of a folder or file.
        DataError: The manifest is too large.
        GraftError: Another process collects into it.
    """

    def __init__(self, folder: Path, labels: Collection[str]) -> None:
        self.folder, self.path = folder, folder / NAME
        self._check_place(labels)
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | _FLAGS, 0o644)
        self._file = os.fdopen(handle, "a+b")
        try:
            if not lock_at_once(self._file.fileno()):
                raise GraftError(f"Another process collects into {folder}.", "Wait for it, or give another folder.")
            # The last outcome of each picture holds, so that it counts once though it was tried in an earlier run.
            self.outcomes = {(line.label, line.url): line for line in self._read()}
            self._mend()
            sync_folder(folder)
        except BaseException:
            self.close()
            raise
        self._numbers: dict[str, Iterator[int]] = {}

    def close(self) -> None:
        """Let others collect into the folder."""
        self._file.close()

    def counts(self) -> Counter[str]:
        """How many pictures of each class were kept, and still are."""
        kept = (line for line in self.outcomes.values() if line.state == "kept")
        return Counter(line.label for line in kept if (self.folder / line.file).is_file())

    def append(self, line: ManifestEntry) -> None:
        """Note an outcome, through to the disk."""
        known = {key: value for key, value in asdict(line).items() if value not in ("", 0)}
        text = json.dumps(known, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        self._file.write(text)
        self._file.flush()
        os.fsync(self._file.fileno())
        self.outcomes[line.label, line.url] = line

    def keep(self, line: ManifestEntry, content: bytes, suffix: str) -> ManifestEntry:
        """Save a picture and note it; the line as it was noted, with the file's name."""
        folder = self.folder / line.label
        folder.mkdir(exist_ok=True)
        name = self._free_name(line.label, suffix)
        part = folder / f".{name}.part"
        write_synced(part, content)
        noted = replace(line, file=f"{line.label}/{name}")
        self.append(noted)
        part.replace(folder / name)
        sync_folder(folder)
        return noted

    def _free_name(self, label: str, suffix: str) -> str:
        """The lowest number that no file of the class has or had."""
        folder = self.folder / label
        if label not in self._numbers:
            noted = [line.file.rpartition("/")[2] for line in self.outcomes.values() if line.label == label]
            names = [*noted, *(entry.name for entry in folder.iterdir())]
            taken = {int(found[0]) for name in names if (found := _NUMBER.match(name))}
            self._numbers[label] = filterfalse(taken.__contains__, count(1))
        free = (f"{number:04}{suffix}" for number in self._numbers[label])
        return next(
            name
            for name in free  # somebody may have put a file there meanwhile
            if not os.path.lexists(folder / name) and not os.path.lexists(folder / f".{name}.part")
        )

    def _check_place(self, labels: Collection[str]) -> None:
        """Whether the folder is one that this may be done to; links in it could lead to the files of others."""
        folder, new = self.folder, "Give a new folder: -o DIR."
        if os.path.lexists(folder) and not folder.is_dir():
            raise OutputExists(f"{folder} is no folder; nothing was changed.", new)
        there = os.path.lexists(self.path)
        if folder.is_dir() and not there and any(not is_stray(entry.name) for entry in folder.iterdir()):
            raise OutputExists(f"{folder} holds files that graft collect did not put there; nothing was changed.", new)
        if there and (self.path.is_symlink() or not self.path.is_file()):
            raise OutputExists(f"{self.path} is a link or no file; nothing was changed.", new)
        for inner in (folder / label for label in labels):
            if inner.is_symlink() or (inner.exists() and not inner.is_dir()):
                raise OutputExists(f"{inner} is a link or no folder; nothing was changed.", f"Remove it, or: {new}")

    def _read(self) -> Iterator[ManifestEntry]:
        """The lines that can be read; a line that a crash cut short, or somebody else wrote, counts for nothing."""
        if (size := self._file.seek(0, os.SEEK_END)) > MAX_FILE:
            raise DataError(
                f"{self.path} is {size / 1e6:,.0f} MB; a manifest holds {MAX_FILE / 1e6:,.0f} MB at most.",
                "Collect into a new folder: -o DIR.",
            )
        self._file.seek(0)
        text = b"\n"
        for text in iter(lambda: self._file.readline(_MAX_LINE), b""):
            try:
                line = read_entry(json.loads(text))
            except (ValueError, RecursionError):
                continue
            if line:
                yield line
        if not text.endswith(b"\n"):
            self._file.write(b"\n")

    def _mend(self) -> None:
        """Give the files their names that the last run had noted and not named, and remove what it had not noted.

        All classes are looked through: a kill may have come before the first line of one.
        """
        noted = {line.file: line.sha256 for line in self.outcomes.values() if line.state == "kept"}
        labels = {line.label for line in self.outcomes.values()}
        labels |= {entry.name for entry in self.folder.iterdir() if entry.name == safe_name(entry.name)}
        for folder in (self.folder / label for label in sorted(labels)):
            parts = folder.iterdir() if folder.is_dir() and not folder.is_symlink() else ()
            for part in sorted(part for part in parts if _PART.fullmatch(part.name)):
                _mend_part(part, noted)


def _mend_part(part: Path, noted: Mapping[str, str]) -> None:
    if not stat.S_ISREG(part.lstat().st_mode):
        return
    named = part.with_name(part.name.removeprefix(".").removesuffix(".part"))
    wanted = noted.get(f"{part.parent.name}/{named.name}")
    if wanted and not os.path.lexists(named) and wanted == sha256_of(part.absolute()):
        part.replace(named)
    else:
        part.unlink()
    sync_folder(part.parent)
