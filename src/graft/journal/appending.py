"""Appending to a file that others append to as well: one write under a lock, on the disk before it is over."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from graft.files import sync_folder

Prepare = Callable[[int, int], bytes]
"""From an open file and its size in bytes to what is to be appended."""


def append(path: Path, prepare: Prepare) -> None:
    """Append what ``prepare`` gives for the file as it is while nobody else writes; a new file is made.

    Raises:
        OSError: The disk is full, or refuses; then the file is as long as before.
    """
    with opened(path) as descriptor:
        size = os.fstat(descriptor).st_size
        _write(descriptor, size, prepare(descriptor, size))
        if not size:
            sync_folder(path.parent)


def _write(descriptor: int, size: int, content: bytes) -> None:
    """Append with one write and bring it to the disk, or leave the file as long as it was.

    Raises:
        OSError: The disk is full, or refuses.
    """
    try:
        if os.write(descriptor, content) < len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, size)
        raise


@contextlib.contextmanager
def lock_now(path: Path) -> Iterator[bool]:
    """Whether the file, made for this alone and gone afterwards, could be locked at once; held until the end.

    Raises:
        OSError: It cannot be made.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not lock_at_once(descriptor):
                yield False
                return
            if _is_still(path, descriptor):
                try:
                    yield True
                finally:
                    with contextlib.suppress(OSError):  # where an open file cannot be removed, it stays
                        path.unlink()
                return
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[int]:
    """The file, made where there is none, open for appending and locked against all others.

    Raises:
        OSError: It cannot be opened or locked.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    while True:
        descriptor = os.open(path, flags, 0o666)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError("it is no file")
            with _locked(descriptor):
                if _is_still(path, descriptor):
                    yield descriptor
                    return
        finally:
            os.close(descriptor)


def _is_still(path: Path, descriptor: int) -> bool:
    """Whether the file has not been replaced between opening and locking it, as some editors do when they save."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30  # Windows locks bytes, and against reading too: one that no journal has

    @contextlib.contextmanager
    def _locked(descriptor: int) -> Iterator[None]:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
        try:
            yield
        finally:
            os.lseek(descriptor, _FAR, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

    def lock_at_once(descriptor: int) -> bool:
        """Whether an open file could be locked against all others; closing it unlocks it."""
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def read_at(descriptor: int, n: int, offset: int) -> bytes:
        """So many bytes from this place on, fewer at the end of the file."""
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, n)
else:
    import fcntl

    @contextlib.contextmanager
    def _locked(descriptor: int) -> Iterator[None]:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield  # closing the file unlocks it

    def lock_at_once(descriptor: int) -> bool:
        """Whether an open file could be locked against all others; closing it unlocks it."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def read_at(descriptor: int, n: int, offset: int) -> bytes:
        """So many bytes from this place on, fewer at the end of the file."""
        return os.pread(descriptor, n, offset)
