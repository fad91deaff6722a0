"""Writing that others see wholly or not at all, even if the process is killed: temporary name, sync, rename.

And where Graft may keep what can be had again.
"""

from __future__ import annotations

import atexit
import errno
import hashlib
import io
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TextIO

_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux
_LOOKED_THROUGH = 10_000
"""So many names of a folder are looked through for one that was misspelt."""
_DATE = (1980, 1, 1, 0, 0, 0)
"""The first that a zip can hold."""


def expanded(path: str | os.PathLike[str]) -> Path:
    """With the home folder in the place of ``~``; as it is where nobody knows that, as in a container's bare user."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Of a file's bytes, read in parts.

    Raises:
        OSError: It is no file, or cannot be read.
    """
    place = expanded(path)
    if not place.is_file():
        raise FileNotFoundError(f"no file at {path}")
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cache_folder() -> Path:
    """``$GRAFT_CACHE``, else ``$XDG_CACHE_HOME/graft``, else ``~/.cache/graft``; without a home a temporary folder."""
    if given := os.environ.get("GRAFT_CACHE"):
        return expanded(given)
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path("~/.cache").expanduser()) / "graft"
    except RuntimeError:
        return _own_temporary() / "graft"


@cache
def _own_temporary() -> Path:
    """A folder of this process alone, which goes with it: what lies in a shared one could be somebody else's."""
    folder = Path(tempfile.mkdtemp(prefix="graft-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def write_atomically(path: str | Path, data: bytes) -> None:
    """Write a file so that others see the old content or the new, never a part.

    Raises:
        OSError: The folder is missing or cannot be written to, or the disk is full; then nothing has changed.
    """
    with _in_place_of(path) as temporary:
        write_synced(temporary, data)


@contextmanager
def written_whole(path: str | Path) -> Iterator[TextIO]:
    """A text file in UTF-8 to write into, which takes its place once all is on the disk; after an error, nothing has.

    Raises:
        OSError: The folder cannot be made or written to, or the disk is full.
    """
    Path(path).resolve().parent.mkdir(parents=True, exist_ok=True)
    with _in_place_of(path) as temporary, temporary.open("x", encoding="utf-8", errors="replace", newline="") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _in_place_of(path: str | Path) -> Iterator[Path]:
    """A name beside a file to write to, which takes the place of the file at the end; after an error, nothing has."""
    path = Path(path).resolve()
    temporary = beside(path, "new")
    try:
        yield temporary
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        if error.filename in (None, str(temporary)):  # a full disk names no file, and nobody knows the temporary one
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def try_place(path: str | Path) -> None:
    """Make and remove a folder where ``path``, or the first of its parents that is not there yet, would be made.

    Permissions alone do not tell: some file systems take nothing from anybody.

    Raises:
        OSError: Nothing can be made there.
    """
    path = Path(path).resolve()
    while not os.path.lexists(path.parent):
        path = path.parent
    trial = beside(path, "new")
    try:
        trial.mkdir()
    finally:  # after Ctrl-C as well, which comes as soon as the folder is there
        with suppress(FileNotFoundError):
            trial.rmdir()


def did_you_mean(path: str | Path) -> str:
    """``Did you mean photos/doors?`` of a path that is not there, where something beside it is called alike; or "".

    The first part that is not there is the one that was misspelt; an extension may be missing, too.
    """
    given = expanded(path)
    wrong = next((part for part in (*reversed(given.parents), given) if not os.path.lexists(part)), None)
    if wrong is None:
        return ""
    try:
        with os.scandir(wrong.parent) as found:
            names = sorted(entry.name for entry in islice(found, _LOOKED_THROUGH) if not entry.name.startswith("."))
    except (OSError, ValueError):
        return ""
    asked = wrong.name.casefold()
    exact = [name for name in names if asked in (name.casefold(), Path(name).stem.casefold())]
    alike = exact or [
        name for name in names if name.casefold() in get_close_matches(asked, map(str.casefold, names), 1)
    ]
    rest = given.relative_to(wrong)
    likely = next((place for name in alike if os.path.lexists(place := wrong.with_name(name) / rest)), None)
    return "" if likely is None else f"Did you mean {likely}?"


def beside(path: Path, kind: str) -> Path:
    """A name that nobody uses yet, in the same folder and thus on the same disk."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.{kind}")


@contextmanager
def folder_beside(place: Path, mode: int = 0o777) -> Iterator[Path]:
    """A new folder beside ``place``, to be filled and renamed to it; what was not renamed is removed.

    Raises:
        OSError: It, or the folder that ``place`` is to lie in, cannot be made.
    """
    made = beside(place, "new")
    made.mkdir(mode, parents=True)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def take_place(made: Path, place: Path) -> None:
    """Give a folder its name, unless another process was first, with the same.

    Raises:
        OSError: The disk refuses.
    """
    try:
        made.rename(place)
    except OSError:
        if not place.is_dir():
            raise


def beside_already(path: Path, kind: str) -> list[Path]:
    """What is there under the names that ``beside`` makes, sorted."""
    pattern = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{16}}\.{kind}")
    if not path.parent.is_dir():
        return []
    return sorted(entry for entry in path.parent.iterdir() if pattern.fullmatch(entry.name))


def clear_unfinished(folder: Path, after: float = 3600.0) -> None:
    """Remove what writers of a folder have left beside it that were killed; younger ones may be at work.

    Args:
        folder: The folder.
        after: Seconds.
    """
    with suppress(FileNotFoundError):
        for unfinished in beside_already(folder, "new"):
            if time.time() - unfinished.stat().st_mtime > after:
                shutil.rmtree(unfinished, ignore_errors=True)


def write_synced(path: Path, data: bytes) -> None:
    """Write a file that is not there yet, through to the disk."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def exchange(first: Path, second: Path) -> bool:
    """Let two names change places in one step: at every instant each is there. Whether the system can do that.

    Raises:
        OSError: One of them is not there, or the disk refuses.
    """
    if not sys.platform.startswith("linux"):
        return False
    import ctypes

    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:  # a C library from before 2018
        return False
    if rename(_HERE, os.fsencode(first.absolute()), _HERE, os.fsencode(second.absolute()), _EXCHANGE) == 0:
        return True
    if (code := ctypes.get_errno()) in (errno.EINVAL, errno.ENOSYS, errno.EPERM):  # not this kernel, or file system
        return False
    raise OSError(code, os.strerror(code), str(first))


def sync_folder(folder: Path) -> None:
    """Bring a folder's names to the disk."""
    if os.name == "nt":  # Windows cannot sync a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def zipped(files: Iterable[tuple[str, bytes]], *, compressed: bool = True) -> bytes:
    """A zip of files that any other user can read, whatever their modes and dates were; the same files, the same bytes.

    Args:
        files: Places with ``/``, and what is to lie there; shared libraries among them may be run, the others be read.
        compressed: Whether they are: what is not shows no library's version.
    """
    import zipfile

    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in files:
            entry = zipfile.ZipInfo(name, _DATE)
            mode = 0o755 if name.endswith(".so") or ".so." in name else 0o644
            entry.create_system, entry.external_attr = 3, (stat.S_IFREG | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
            archive.writestr(entry, content)
    return made.getvalue()
