"""What was collected from where: a file of JSON lines in the folder, to which each outcome is appended.

A picture's line is on the disk before its file has its name, so that no picture is ever there without its source; where
the process was killed in between, the file is given its name at the next run.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from graft.collecting.pictures import SUFFIXES
from graft.data.listing import is_stray
from graft.errors import GraftError, OutputExists
from graft.files import sync_folder, write_synced

if sys.platform != "win32":
    import fcntl

NAME = ".graft-collect.jsonl"
"""Begins with a dot, so that it is no part of the data set."""

_ENDS = "|".join(re.escape(suffix) for suffix in SUFFIXES.values())
_FILE = re.compile(rf"\d{{4,9}}(?:{_ENDS})")
_PART = re.compile(rf"\.\d{{4,9}}(?:{_ENDS})\.part")
_MAX_LINE = 100_000


@dataclass(frozen=True, slots=True)
class Line:
    """What became of a picture.

    Attributes:
        state: ``kept``; ``duplicate`` of another one; ``refused`` for good; ``failed``, to be tried again.
        label: The class.
        query: What was searched for.
        provider: Where it was found.
        url: The picture's own address.
        time: When, in UTC.
        page: The address of its page.
        final_url: The address after redirects.
        title: What it is called on its page.
        licence: What is said of its licence.
        file: Its file, below the folder: ``label/0001.jpg``.
        sha256: Of the file.
        bytes: Of the file.
        width: In pixels; ``height`` likewise.
        look: By which near copies of it are found.
        of: The file that it is a duplicate of.
        reason: A stable word that says why it is not kept.
        message: The same in a sentence.
    """

    state: str
    label: str
    query: str
    provider: str
    url: str
    time: str
    page: str = ""
    final_url: str = ""
    title: str = ""
    licence: str = ""
    file: str = ""
    sha256: str = ""
    bytes: int = 0
    width: int = 0
    height: int = 0
    look: str = ""
    of: str = ""
    reason: str = ""
    message: str = ""


_TYPES = {field.name: int if field.type == "int" else str for field in fields(Line)}


class Manifest:
    """The folder and its manifest, open to one process at a time.

    Args:
        folder: Is made where it is not there.

    Raises:
        OutputExists: The folder holds files, and no manifest.
        GraftError: Another process collects into it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / NAME
        if folder.is_dir() and not self.path.exists() and any(not is_stray(entry.name) for entry in folder.iterdir()):
            raise OutputExists(
                f"{folder} holds files that graft collect did not put there; nothing was changed.",
                "Give a new folder: -o DIR.",
            )
        folder.mkdir(parents=True, exist_ok=True)
        self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
        try:
            self._lock()
            self.lines = list(self._read())
            self._end_torn_line()
            for label in {line.label for line in self.lines}:
                self._mend(label)
            sync_folder(folder)
        except BaseException:
            self.close()
            raise
        self._numbers: dict[str, int] = {}

    def close(self) -> None:
        """Let others collect into the folder."""
        os.close(self._handle)

    def there(self, line: Line) -> bool:
        """Whether a picture that was kept still is."""
        return line.state == "kept" and (self.folder / line.file).is_file()

    def append(self, line: Line) -> None:
        """Note an outcome, through to the disk."""
        known = {key: value for key, value in asdict(line).items() if value not in ("", 0)}
        text = json.dumps(known, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        written = 0
        while written < len(text):
            written += os.write(self._handle, text[written:])
        os.fsync(self._handle)
        self.lines.append(line)

    def keep(self, line: Line, content: bytes, suffix: str) -> Line:
        """Save a picture and note it; the line as it was noted, with the file's name."""
        folder = self.folder / line.label
        folder.mkdir(exist_ok=True)
        name = self._free_name(line.label, suffix)
        part = folder / f".{name}.part"
        write_synced(part, content)
        noted = Line(**{**asdict(line), "file": f"{line.label}/{name}"})
        self.append(noted)
        part.replace(folder / name)
        sync_folder(folder)
        return noted

    def _free_name(self, label: str, suffix: str) -> str:
        """A number that no file of the class has or had."""
        if label not in self._numbers:
            noted = [line.file.rpartition("/")[2] for line in self.lines if line.label == label and line.file]
            names = [*noted, *(entry.name for entry in (self.folder / label).iterdir())]
            self._numbers[label] = max(
                (int(found[0]) for name in names if (found := re.match(r"\d{1,9}", name))), default=0
            )
        self._numbers[label] += 1
        return f"{self._numbers[label]:04}{suffix}"

    def _lock(self) -> None:
        if sys.platform == "win32":
            return
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise GraftError(
                f"Another process collects into {self.folder}.", "Wait for it, or give another folder."
            ) from None

    def _read(self) -> Iterator[Line]:
        """The lines that can be read; a line that a crash cut short, or a stranger wrote, counts for nothing."""
        with self.path.open("rb") as file:
            while text := file.readline(_MAX_LINE):
                try:
                    line = _line(json.loads(text))
                except (ValueError, RecursionError):
                    continue
                if line:
                    yield line

    def _end_torn_line(self) -> None:
        size = os.fstat(self._handle).st_size
        with self.path.open("rb") as file:
            file.seek(max(0, size - 1))
            if file.read(1) not in (b"", b"\n"):
                os.write(self._handle, b"\n")

    def _mend(self, label: str) -> None:
        """Give the files their names that the last run had noted and not named, and remove what it had not noted."""
        noted = {line.file: line.sha256 for line in self.lines if line.state == "kept" and line.label == label}
        folder = self.folder / label
        for part in sorted(folder.iterdir()) if folder.is_dir() else ():
            if not _PART.fullmatch(part.name) or part.is_symlink():
                continue
            name = part.name.removeprefix(".").removesuffix(".part")
            wanted = noted.get(f"{label}/{name}")
            if wanted == hashlib.sha256(part.read_bytes()).hexdigest() and not (folder / name).exists():
                part.replace(folder / name)
            else:
                part.unlink()
            sync_folder(folder)


def _line(record: Any) -> Line | None:
    """A line of the manifest, if it is one: a folder may come from others, and its names lead to files."""
    if not isinstance(record, dict) or not all(
        isinstance(record.get(key, kind()), kind) for key, kind in _TYPES.items()
    ):
        return None
    try:
        line = Line(**{key: record[key] for key in _TYPES if key in record})
    except TypeError:
        return None
    label, slash, name = line.file.partition("/")
    named = slash and label == line.label and label == safe_name(label) and _FILE.fullmatch(name)
    return line if line.label == safe_name(line.label) and (named or (line.state != "kept" and not line.file)) else None


_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff/\\:*?"<>|]+')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)
_LONGEST_NAME = 120


def safe_name(label: str) -> str:
    """A class as the name of a folder on any system: ``open door`` stays, ``../a`` is ``a``; ``""`` if none is left."""
    name = " ".join(_FORBIDDEN.sub(" ", unicodedata.normalize("NFC", label)).split()).strip(". ")
    name = name.encode()[:_LONGEST_NAME].decode("utf-8", "ignore").strip(". ")
    if name and (_RESERVED.fullmatch(name) or is_stray(name)):
        name += "_"
    return name
