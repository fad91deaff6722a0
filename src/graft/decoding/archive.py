"""Zip and tar files of unknown origin: checked once, read through one shared handle, never unpacked.

Nothing is written, so a member's name cannot overwrite anything; archives that try are refused all the same, for the
next program that unpacks them may be less careful.
"""

from __future__ import annotations

import os
import stat
import struct
import sys
import threading
import zipfile
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from graft.decoding.tars import ArchiveLimits, Tar, is_tar
from graft.errors import UnsafeArchive
from graft.executors import renew_in_child

ZIPS = ArchiveLimits(total=1 << 40)
TARS = ArchiveLimits(total=1 << 36)
"""One that is packed needs so much room among the temporary files."""

READ_ERRORS: tuple[type[Exception], ...] = (
    OSError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    KeyError,
    RuntimeError,
    EOFError,
    ValueError,
)
"""What reading a member can raise: damage, encryption, and methods that Python cannot unpack (a ``RuntimeError``)."""

try:
    from lzma import LZMAError

    READ_ERRORS += (LZMAError,)
except ImportError:  # a Python built without lzma
    pass

_END_RECORD = b"PK\x05\x06"
_END_RECORD_64 = b"PK\x06\x06"


class ZipEntry(NamedTuple):
    """A file in a zip or tar.

    Attributes:
        member: Its name as the archive has it.
        parts: The same as a path's parts.
        is_link: Links are listed and never followed.
    """

    member: str
    parts: tuple[str, ...]
    is_link: bool


def list_members(path: Path) -> list[ZipEntry]:
    """Every file in the archive, in the order of its directory.

    Raises:
        UnsafeArchive: It is broken or cut short, encrypted, a bomb, or has members that reach outside it.
        OSError: The file cannot be read.
    """
    return [ZipEntry(name, _parts(path, name), is_link) for name, is_link in _opened(path).members()]


def read_member(path: Path, member: str, limit: int) -> tuple[bytes, int]:
    """A member's content, or nothing where it is larger than ``limit``, and its size in bytes. Thread-safe.

    Raises:
        READ_ERRORS: It cannot be read.
    """
    archive = _opened(path)
    size, _ = archive.state(member)
    return (archive.beginning(member, size + 1) if size <= limit else b""), size


def peek_member(path: Path, member: str, n: int) -> bytes:
    """A member's first ``n`` bytes. Thread-safe.

    Raises:
        READ_ERRORS: It cannot be read.
    """
    return _opened(path).beginning(member, n)


def member_state(path: Path, member: str) -> tuple[int, int]:
    """A member's size in bytes and its checksum, as the archive's directory has them; a tar has no checksum: 0.

    Raises:
        READ_ERRORS: It cannot be read.
    """
    return _opened(path).state(member)


class _Zip(zipfile.ZipFile):
    """An open zip that is read as a ``Tar`` is.

    Raises:
        UnsafeArchive: It is broken or cut short, encrypted, a bomb, or has very many members.
        OSError: It cannot be read.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            directory = directory_of_zip(file)
        members, size = directory or (0, 0)  # the count may lie, the size is what is read
        if members > ZIPS.members or (size != 0xFFFFFFFF and size > ZIPS.members * 200):
            raise UnsafeArchive(
                f"{path.name} has {members:,} members; the limit is {ZIPS.members:,}.", "Unpack it and give the folder."
            )
        try:  # turns the whole directory into objects
            super().__init__(path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, EOFError) as error:
            broken = f"cannot be read as a zip: {error}" if directory else "is not a zip, or its end is missing"
            raise UnsafeArchive(
                f"{path.name} {broken}.",
                "It may be cut short; copy or download it again, or zip the folder anew.",
            ) from None
        try:
            _check_totals(path, self.infolist())
        except UnsafeArchive:
            self.close()
            raise

    def members(self) -> Iterator[tuple[str, bool]]:
        """What each member is called, and whether it is a link."""
        files = (info for info in self.infolist() if not info.is_dir())
        return ((info.filename, stat.S_ISLNK(info.external_attr >> 16)) for info in files)

    def state(self, name: str) -> tuple[int, int]:
        """A member's size in bytes and its checksum."""
        info = self.getinfo(name)
        return info.file_size, info.CRC

    def beginning(self, name: str, n: int) -> bytes:
        """The first ``n`` bytes of a member at most; with one more than it has, its checksum is looked at."""
        with _lock:  # ``ZipFile`` counts its open members without a lock; reading them has one of its own
            file = self.open(name)
        try:
            return file.read(n)
        finally:
            with _lock:
                file.close()


_lock = threading.RLock()
renew_in_child(sys.modules[__name__], _lock=threading.RLock)


def _opened(path: Path) -> _Zip | Tar:
    """The archive as it is now."""
    state = path.stat()
    if not stat.S_ISREG(state.st_mode):  # an index may name anything; a FIFO would hang the read, holding the lock
        raise OSError(f"{path.name} is not a regular file")
    with _lock:
        return _handle(os.getpid(), path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=8)
def _handle(process: int, path: Path, changed: int, size: int) -> _Zip | Tar:
    """An archive in use, kept open: opening one reads its whole directory.

    A handle belongs to a process (a fork would share the position in the file) and to a state of the file; it closes
    itself once nobody reads from it any more.
    """
    return Tar(path, TARS) if is_tar(path) else _Zip(path)


def _parts(path: Path, member: str) -> tuple[str, ...]:
    name = member.replace("\\", "/")  # some programs write Windows' own separators
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or (len(name) > 1 and name[1] == ":"):
        raise UnsafeArchive(
            f"{path.name} has a member that reaches outside it: {member!r}.",
            "Do not unpack it; pack the folder anew.",
        )
    return parts


def _check_totals(path: Path, infos: list[zipfile.ZipInfo]) -> None:
    packed, unpacked = sum(info.compress_size for info in infos), sum(info.file_size for info in infos)
    size = path.stat().st_size
    if any(info.flag_bits & 0x1 for info in infos):
        raise UnsafeArchive(f"{path.name} is encrypted.", "Unpack it with its password and give the folder.")
    if packed > size:
        raise UnsafeArchive(
            f"{path.name} has members that overlap: {packed:,} bytes of them in a file of {size:,}.",
            "Zip the folder anew.",
        )
    ZIPS.check_growth(path, size, unpacked)


def directory_of_zip(file: BinaryIO) -> tuple[int, int] | None:
    """How many members and how many bytes the directory of a zip has, as its end says; ``None`` without an end."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - (1 << 16) - 128))
    tail = file.read()
    if (end := tail.rfind(_END_RECORD)) < 0:
        return None
    members = int.from_bytes(tail[end + 10 : end + 12], "little")
    if members == 0xFFFF and (large := tail.rfind(_END_RECORD_64, 0, end)) >= 0:
        members = int.from_bytes(tail[large + 32 : large + 40], "little")
    return members, int.from_bytes(tail[end + 12 : end + 16], "little")
