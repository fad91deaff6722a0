"""A file of lines that others append to as well: one write under a lock, on the disk before it is over."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from graft.files import sync_folder

_HEAD = 1 << 20


def append(path: Path, content: bytes, header: bytes = b"", check: Callable[[bytes, int], None] | None = None) -> None:
    """Append lines while nobody else writes; a last line that was cut short, by a kill amid a write, is closed first.

    Args:
        path: The file; a new one is made.
        content: The lines.
        header: What a new file begins with.
        check: Raises what speaks against it: given the first MiB of a file that is there, and the size to come.

    Raises:
        OSError: The disk is full, or refuses; then the file is as long as before.
    """
    with opened(path) as descriptor:
        size = os.fstat(descriptor).st_size
        if size and check is not None:
            check(read_at(descriptor, _HEAD, 0), size + len(content) + 1)
        if size:
            header = b"" if read_at(descriptor, 1, size - 1) == b"\n" else b"\n"
        write_whole(descriptor, header + content, sync=True)
        if not size:
            sync_folder(path.parent)


def write_whole(descriptor: int, content: bytes, *, sync: bool = False) -> None:
    """Append with one write, or leave the file as long as it was.

    Args:
        descriptor: The file, open for appending.
        content: What is written.
        sync: Whether it must be on the disk before this returns.

    Raises:
        OSError: The disk is full, or refuses.
    """
    size = os.fstat(descriptor).st_size
    try:
        if os.write(descriptor, content) < len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if sync:
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
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(opened(path, wait=False))
        except BlockingIOError:
            yield False
            return
        try:
            yield True
        finally:
            with contextlib.suppress(OSError):  # where an open file cannot be removed, it stays
                path.unlink()


@contextlib.contextmanager
def opened(path: Path, *, wait: bool = True) -> Iterator[int]:
    """The file, made where there is none, open for appending and locked against all others.

    Args:
        path: The file.
        wait: Whether to wait for the lock.

    Raises:
        BlockingIOError: Somebody else holds the lock, and is not waited for.
        OSError: It cannot be opened or locked.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    while True:
        descriptor = os.open(path, flags, 0o666)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError("it is no file")
            _lock(descriptor, _WAIT if wait else _AT_ONCE)
            try:
                if _is_still(path, descriptor):
                    yield descriptor
                    return
            finally:
                _lock(descriptor, _UNLOCK)
        finally:
            os.close(descriptor)


def _is_still(path: Path, descriptor: int) -> bool:
    """Whether the file has not been replaced between opening and locking it, as some editors do when they save."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def lock_at_once(descriptor: int) -> bool:
    """Whether an open file could be locked against all others; closing it unlocks it."""
    try:
        _lock(descriptor, _AT_ONCE)
    except BlockingIOError:
        return False
    return True


def read_lines(file: BinaryIO, limit: int) -> Iterator[tuple[bytes, int]]:
    """Each line and its length in bytes; of one longer than ``limit`` only the beginning, which does not end a line."""
    while line := file.readline(limit + 1):
        length, rest = len(line), line
        while length > limit and not rest.endswith(b"\n") and (rest := file.readline(limit)):
            length += len(rest)
        yield line, length


def read_at(descriptor: int, n: int, offset: int) -> bytes:
    """So many bytes from this place on, fewer at the end of the file."""
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.read(descriptor, n)


if sys.platform == "win32":
    import msvcrt

    _WAIT, _AT_ONCE, _UNLOCK = msvcrt.LK_LOCK, msvcrt.LK_NBLCK, msvcrt.LK_UNLCK
    _FAR = 1 << 30  # Windows locks bytes, and against reading too: one that no journal has

    def _lock(descriptor: int, how: int) -> None:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, how, 1)
        except PermissionError as error:  # what other systems call so
            raise BlockingIOError(*error.args) from None
else:
    import fcntl

    _WAIT, _AT_ONCE, _UNLOCK = fcntl.LOCK_EX, fcntl.LOCK_EX | fcntl.LOCK_NB, fcntl.LOCK_UN
    _lock = fcntl.flock
