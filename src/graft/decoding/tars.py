"""Tar archives of unknown origin, plain or packed by gzip: checked once, then read from any place by many threads.

Gzip can be read from its start only, so what is packed is unpacked once, into a temporary file that has no name and is
gone with the process. No member is ever written under a name of its own.
"""

from __future__ import annotations

import gzip
import os
import tarfile
import tempfile
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

from graft.errors import UnsafeArchive

_BLOCK = 512
_MAGIC = slice(257, 262)
_CHUNK = 1 << 20
_AGAIN = "It may be cut short; copy or download it again, or pack the folder anew."
_LARGEST_NOTE = 1 << 20
"""Bytes of a long name or of a header of remarks, which are held in memory."""
_NOTES = frozenset(
    {tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE}
)
_UNREADABLE = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError, RecursionError)
"""What ``tarfile`` raises for damage; for a note on a note on a note, and so on, a ``RecursionError``."""


class TarEntry(NamedTuple):
    """A file in a tar archive.

    Attributes:
        name: As the archive has it.
        is_link: A link, or a device: listed and never followed.
        offset: Where its bytes begin in the unpacked archive.
        size: How many they are.
    """

    name: str
    is_link: bool
    offset: int
    size: int


class ArchiveLimits(NamedTuple):
    """What an archive may hold.

    Attributes:
        total: Unpacked bytes.
        members: Files and folders.
        ratio: How many times larger than itself it may grow,
        ratio_from: from this number of unpacked bytes on; below, it may shrink as well as it likes.
    """

    total: int
    members: int = 2_000_000
    ratio: int = 200
    ratio_from: int = 1 << 28

    def check_growth(self, path: Path, size: int, unpacked: int, already: str = "") -> None:
        """Refuse an archive of ``size`` bytes that grows too large; ``already``: there may be more of it.

        Raises:
            UnsafeArchive: It does.
        """
        if unpacked > self.total or (unpacked > self.ratio_from and unpacked > self.ratio * size):
            raise UnsafeArchive(
                f"{path.name} grows from {size / 1e6:.1f} MB to {already}{unpacked / 1e6:,.0f} MB when it is unpacked.",
                "Unpack it yourself if you trust it, and give the folder.",
            )


def is_tar(path: Path) -> bool:
    """Whether a file is a tar archive, plain or packed by gzip, judged by its first block."""
    try:
        with path.open("rb") as file:
            block = file.read(_BLOCK)
            if block.startswith(b"\x1f\x8b"):
                file.seek(0)
                with gzip.GzipFile(fileobj=file) as packed:
                    block = packed.read(_BLOCK)
    except (OSError, EOFError, zlib.error):
        return False
    return block[_MAGIC] == b"ustar"


class Tar:
    """An open archive.

    Args:
        path: The file.
        limits: What it may hold.

    Raises:
        UnsafeArchive: It is broken or cut short, or grows beyond the limits.
        OSError: It cannot be read, or there is no room to unpack it.
    """

    def __init__(self, path: Path, limits: ArchiveLimits) -> None:
        self._lock = threading.Lock()
        self._file = _unpacked(path, limits)
        try:
            self.entries = list(_entries(path, self._file, limits))
        except BaseException:
            self._file.close()
            raise
        self._places = {entry.name: entry for entry in reversed(self.entries) if not entry.is_link}

    def members(self) -> Iterator[tuple[str, bool]]:
        """What each member is called, and whether it is a link."""
        return ((entry.name, entry.is_link) for entry in self.entries)

    def state(self, name: str) -> tuple[int, int]:
        """A member's size in bytes and its checksum, which a tar has not: 0."""
        return self._places[name].size, 0

    def beginning(self, name: str, n: int) -> bytes:
        """The first ``n`` bytes of a member at most. Thread-safe."""
        entry = self._places[name]
        with self._lock:
            self._file.seek(entry.offset)
            return self._file.read(min(n, entry.size))


def _unpacked(path: Path, limits: ArchiveLimits) -> BinaryIO:
    """The archive without gzip around it."""
    file = path.open("rb")
    if file.read(2) != b"\x1f\x8b":
        return file
    file.seek(0)
    size = max(1, os.fstat(file.fileno()).st_size)
    place = tempfile.TemporaryFile(prefix="graft-")  # noqa: SIM115 - open as long as the archive is
    try:
        with _in_words(path, "unpacked"), file, gzip.GzipFile(fileobj=file) as packed:
            total = 0
            while chunk := packed.read(_CHUNK):
                total += len(chunk)
                limits.check_growth(path, size, total, "more than ")
                place.write(chunk)
    except BaseException:
        place.close()
        raise
    place.flush()
    return place


@contextmanager
def _in_words(path: Path, what: str) -> Iterator[None]:
    """Say that an archive cannot be unpacked or read where it is damaged."""
    try:
        yield
    except UnsafeArchive:  # said already
        raise
    except _UNREADABLE as error:
        raise UnsafeArchive(f"{path.name} cannot be {what}: {error}.", _AGAIN) from None


def _entries(path: Path, file: BinaryIO, limits: ArchiveLimits) -> Iterator[TarEntry]:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)

    class Header(tarfile.TarInfo):
        """``tarfile`` reads long names and remarks whole: how long they say that they are is looked at first."""

        @classmethod
        def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
            header = super().frombuf(buf, encoding, errors)
            if header.type in _NOTES and header.size > _LARGEST_NOTE:
                raise UnsafeArchive(
                    f"{path.name} has a name or a remark of {header.size / 1e6:,.0f} MB.",
                    "Do not unpack it; pack the folder anew.",
                )
            if header.size < 0:
                raise UnsafeArchive(f"{path.name} has a member of a negative size.", _AGAIN)
            return header

    number = 0
    with _in_words(path, "read as a tar archive"), tarfile.open(None, "r:", file, tarinfo=Header) as archive:
        while info := archive.next():
            archive.members = []  # type: ignore[attr-defined]  # ``tarfile`` keeps all that it has seen
            number += 1
            if number > limits.members:
                raise UnsafeArchive(
                    f"{path.name} has more than {limits.members:,} members.", "Unpack it and give the folder."
                )
            if info.isdir():
                continue
            if info.offset_data + (info.size if info.isreg() else 0) > size:
                raise UnsafeArchive(f"{path.name} ends within {info.name!r}.", _AGAIN)
            plain = info.isreg() and not info.issparse()
            yield TarEntry(info.name, not plain, info.offset_data, info.size)
        file.seek(archive.offset)  # ``tarfile`` takes a header that is cut short or spoilt for the end
        end = file.read(_BLOCK)
        if len(end) < _BLOCK or any(end):
            raise UnsafeArchive(f"{path.name} ends after {number:,} members without the mark of its end.", _AGAIN)
