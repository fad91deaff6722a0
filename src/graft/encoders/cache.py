"""Embeddings by content: what was embedded once is not embedded again.

One SQLite file in write-ahead mode: safe for several processes and for ``kill -9``, nothing to repair by hand. It may
be deleted at any time. A cache that cannot be used (full disk, damaged file) never stops the work: it then only costs
time. One that cannot be written to is read all the same; an entry that is not what was written counts as missing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graft.contracts import Float32
from graft.encoders.limits import bytes_allowed
from graft.errors import UsageError
from graft.executors import renew_in_child
from graft.files import cache_folder

DEFAULT_LIMIT = 4_000_000_000
"""Bytes; about 500,000 pictures. ``GRAFT_CACHE_LIMIT`` changes it."""
LEAST_SECRET = 16
KEEP = 0.8
"""Share of the limit that is left after the least recently used entries went."""
STALE = 3600 * 1_000_000_000
"""Nanoseconds after which a use is noted again: reading should rarely have to write."""
TIMEOUT = 30.0
"""Seconds to wait for another process that writes."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS embeddings (
    key BLOB PRIMARY KEY, encoder TEXT NOT NULL, used INTEGER NOT NULL, vector BLOB NOT NULL, statistics TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS by_use ON embeddings (used);
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept of one item: its embedding ``(d,) float32`` and what was measured when it was decoded."""

    vector: Float32
    statistics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """What the cache holds: entries for each encoder, bytes on disk, the limit in bytes."""

    path: str
    entries: Mapping[str, int]
    size: int
    limit: int


class Cache:
    """The embeddings on disk. All methods are safe to call from several threads and processes.

    Args:
        folder: Where its file lies; ``None``: ``cache_folder()``.
        limit: Bytes that it may take; ``None`` leaves it to the environment.
        secret: At least 16 bytes that its keys depend on. Who does not have them can neither find an entry nor tell
            whether there is one for a content that he knows, and finds none by asking another cache of the same file.
            Without one, keys are hashes of content and encoder, which anybody who has both can tell.

    Raises:
        UsageError: The secret is too short, or no bytes; or the environment's limit is no number.
    """

    def __init__(self, folder: Path | None = None, limit: int | None = None, *, secret: bytes | None = None) -> None:
        if secret is not None and not (isinstance(secret, bytes) and len(secret) >= LEAST_SECRET):
            found = f"has {len(secret)} bytes" if isinstance(secret, bytes) else f"is of type {type(secret).__name__}"
            raise UsageError(
                f"The secret of the cache {found}.",
                f"Give at least {LEAST_SECRET} bytes that nobody can guess, such as secrets.token_bytes(32).",
            )
        self._secret = secret
        self.path = (folder or cache_folder()) / "embeddings.sqlite"
        self.limit = limit if limit is not None else bytes_allowed("GRAFT_CACHE_LIMIT", DEFAULT_LIMIT)
        self._why_off: str | None = None
        self._why_closed: str | None = None
        self._damaged = 0
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._size = 0
        # SQLite's connections are for one process; the child opens its own.
        renew_in_child(self, _lock=threading.Lock, _connection=lambda: None)

    @property
    def trouble(self) -> str | None:
        """What is to be said of the cache: why it is not used, or not written to, or what in it was damaged."""
        entries = "1 entry" if self._damaged == 1 else f"{self._damaged:,} entries"
        damaged = f"{entries} of the cache {self.path} were damaged and counted as missing." if self._damaged else None
        return self._why_off or self._why_closed or damaged

    def get(self, keys: Sequence[bytes], dim: int | None = None) -> dict[bytes, Entry]:
        """The entries that are there, of these keys, and are what was written; ``dim`` is the length of a vector."""
        found: dict[bytes, Entry] = {}
        stale: list[tuple[int, bytes]] = []
        asked = {self._key(key): key for key in keys}
        own = list(asked)
        now = time.time_ns()
        with self._alone(self._give_up):
            connection = self._open()
            for start in range(0, len(own) if connection else 0, 500):  # SQLite bounds the number of parameters
                part = own[start : start + 500]
                marks = ", ".join("?" * len(part))
                query = f"SELECT key, used, vector, statistics FROM embeddings WHERE key IN ({marks})"  # noqa: S608
                for key, used, vector, statistics in connection.execute(query, part):  # type: ignore[union-attr]
                    if (entry := _unpacked(vector, statistics, dim)) is None:
                        self._damaged += _is_signed(statistics)
                        continue
                    found[asked[key]] = entry
                    if not isinstance(used, int) or now - used > STALE:
                        stale.append((now, key))
        self._write("UPDATE embeddings SET used = ? WHERE key = ?", stale)
        return found

    def put(self, encoder: str, entries: Mapping[bytes, Entry]) -> None:
        """Keep these entries, and make room when the limit is passed."""
        now = time.time_ns()
        rows = [
            (self._key(key), encoder, now, *_packed(entry))
            for key, entry in entries.items()
            if np.isfinite(entry.vector).all()
        ]
        self._write("INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?, ?, ?)", rows)
        self._size += sum(len(row[3]) + len(row[4]) + 128 for row in rows)
        if self._size > self.limit:
            self._make_room()

    def info(self) -> CacheInfo:
        """What the cache holds."""
        entries: dict[str, int] = {}
        if self.path.exists():
            query = "SELECT encoder, COUNT(*) FROM embeddings GROUP BY encoder ORDER BY encoder"
            with self._alone(self._give_up):
                connection = self._open()
                rows = connection.execute(query) if connection else ()
                entries = {str(encoder): count for encoder, count in rows}
        return CacheInfo(str(self.path), entries, _bytes_on_disk(self.path), self.limit)

    def clear(self) -> int:
        """Delete everything; the number of bytes that were freed."""
        with self._lock:
            before = _bytes_on_disk(self.path)
            self._why_off = None
            self._damaged = 0
            try:
                if before and (connection := self._open()) and not self._why_closed:
                    # Emptied in place, not unlinked: another process may have the file open.
                    connection.execute("DELETE FROM embeddings")
                    _shrink(connection)
            except sqlite3.Error as error:
                self._give_up(error)
                if _is_damage(error) and _unlink(self.path):
                    self._why_off = None
            self._size = 0
            return max(0, before - _bytes_on_disk(self.path))

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            if self._connection:
                self._connection.close()
            self._connection = None

    def _key(self, key: bytes) -> bytes:
        """What stands in the file for a key."""
        return key if self._secret is None else hmac.digest(self._secret, key, "sha256")

    @contextmanager
    def _alone(self, failed: Callable[[sqlite3.Error], None]) -> Iterator[None]:
        """Inside is one thread at a time; what goes wrong with the file ends it, and is noted."""
        with self._lock:
            try:
                yield
            except sqlite3.Error as error:
                failed(error)

    def _open(self) -> sqlite3.Connection | None:
        if self._why_off is None and self._connection is None:
            try:
                self._connection = self._connect()
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    raise
                if not _unlink(self.path):
                    self._why_off = (
                        f"The cache {self.path} is not used: the file is damaged, and cannot be deleted. "
                        "Set GRAFT_CACHE to another folder."
                    )
                    return None
                self._connection = self._connect()  # it was no database: nothing in it was worth a failed run
            except OSError as error:
                self._give_up(error)
            self._size = _bytes_on_disk(self.path)
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        if _is_there(self.path) and not _can_write(self.path):
            return self._connect_to_read()
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        connection = sqlite3.connect(self.path, timeout=TIMEOUT, check_same_thread=False, isolation_level=None)
        try:
            _switch_to_wal(connection)
            connection.execute("PRAGMA synchronous = NORMAL")  # survives kill -9; a power cut may lose the last entries
            connection.executescript(SCHEMA)
        except sqlite3.Error as error:
            connection.close()
            if _is_there(self.path) and _name(error).startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")):
                return self._connect_to_read()  # a file system that takes nothing, whatever the permissions say
            raise
        return connection

    def _connect_to_read(self) -> sqlite3.Connection:
        """What there is, where nothing can be written; even the files that SQLite needs beside one that may change.

        Should another process be writing after all, an entry may be torn: its checksum tells.
        """
        for rest in ("mode=ro", "mode=ro&immutable=1"):
            connection = sqlite3.connect(
                f"{self.path.resolve().as_uri()}?{rest}", uri=True, check_same_thread=False, isolation_level=None
            )
            try:
                connection.execute("SELECT key FROM embeddings LIMIT 1").fetchone()
                break
            except sqlite3.Error as error:
                connection.close()
                if "immutable" in rest or _is_damage(error):
                    raise
        self._why_closed = f"The cache {self.path} is read and not written to: its folder is read-only."
        return connection

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        if not rows:
            return
        with self._alone(self._stop_writing):
            connection = self._open()
            if connection and not self._why_closed:
                _write_all(connection, statement, rows)

    def _make_room(self) -> None:
        """Drop the least recently used entries until ``KEEP`` of the limit is left."""
        query = "SELECT rowid, LENGTH(vector) + LENGTH(statistics) + 128 FROM embeddings ORDER BY used DESC"
        with self._alone(self._stop_writing):
            connection = self._open()
            if connection is None or self._why_closed:
                return
            kept, gone = 0, []
            for row, size in connection.execute(query):
                if kept + size > self.limit * KEEP:
                    gone.append((row,))
                else:
                    kept += size
            _write_all(connection, "DELETE FROM embeddings WHERE rowid = ?", gone)
            _shrink(connection)
            self._size = kept

    def _stop_writing(self, error: sqlite3.Error) -> None:
        """What is there can still be read, unless the file itself is broken."""
        if _is_damage(error):
            self._give_up(error)
        else:
            self._why_closed = f"The cache {self.path} is not written to: {_words(error)}"

    def _give_up(self, error: Exception) -> None:
        self._why_off = f"The cache {self.path} is not used: {_words(error)}"
        if self._connection:
            self._connection.close()
        self._connection = None


_CHECKSUM = '{"_sha256": "'
_DIGITS = 16


def _packed(entry: Entry) -> tuple[bytes, str]:
    """Vector and statistics as they are kept, the statistics with a checksum of both before them."""
    vector = np.ascontiguousarray(entry.vector, np.float32).tobytes()
    rest = json.dumps(dict(entry.statistics))[1:]
    rest = f'", {rest}' if entry.statistics else f'"{rest}'
    return vector, f"{_CHECKSUM}{_checksum(vector, rest)}{rest}"


def _unpacked(vector: object, statistics: object, dim: int | None) -> Entry | None:
    """The entry, or ``None`` where it is not what was written, or of another length."""
    if not isinstance(vector, bytes) or not isinstance(statistics, str) or not _is_signed(statistics):
        return None
    start = len(_CHECKSUM) + _DIGITS
    if statistics[len(_CHECKSUM) : start] != _checksum(vector, statistics[start:]):
        return None
    if len(vector) % 4 or (dim is not None and len(vector) != 4 * dim):
        return None
    values = np.frombuffer(vector, np.float32)
    if not np.isfinite(values).all():
        return None
    measured = json.loads(statistics)
    del measured["_sha256"]
    return Entry(values, measured)


def _is_signed(statistics: object) -> bool:
    """Whether there is a checksum at all; entries of an older Graft have none."""
    return isinstance(statistics, str) and statistics.startswith(_CHECKSUM)


def _checksum(vector: bytes, rest: str) -> str:
    return hashlib.sha256(vector + rest.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def _write_all(connection: sqlite3.Connection, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Run a statement for each of the rows, or for none of them."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(statement, rows)


def _shrink(connection: sqlite3.Connection) -> None:
    """Give the space of what was deleted back to the disk."""
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _words(error: Exception) -> str:
    """What is wrong, and what can be done about it."""
    if isinstance(error, OSError):
        return f"{error.strerror or error}. Set GRAFT_CACHE to a folder that can be written to."
    return next((words for name, words in _TROUBLES.items() if _name(error).startswith(name)), f"{error}.")


_TROUBLES: Mapping[str, str] = {
    "SQLITE_FULL": "the disk is full. Make room, or set GRAFT_CACHE to a folder on another disk.",
    "SQLITE_READONLY": "it cannot be written to. Set GRAFT_CACHE to a folder that can.",
    "SQLITE_CANTOPEN": "the file cannot be opened. Check its permissions, or set GRAFT_CACHE to another folder.",
    "SQLITE_IOERR": "the disk does not take or give what is asked; it may be full or failing. Make room, or set "
    "GRAFT_CACHE to a folder on another disk.",
    "SQLITE_BUSY": "another program holds it.",
    "SQLITE_LOCKED": "another program holds it.",
    "SQLITE_CORRUPT": "the file is damaged. Empty it with graft cache clear.",
    "SQLITE_NOTADB": "the file is damaged. Empty it with graft cache clear.",
}
"""By the beginning of SQLite's name for it."""


def _name(error: Exception) -> str:
    return str(getattr(error, "sqlite_errorname", None) or "")


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _can_write(path: Path) -> bool:
    """Whether permissions allow to change the file, and to make those that SQLite puts beside it."""
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK)


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Write-ahead mode; of several processes that make the file at once, one after the other.

    SQLite does not wait for the lock that this change of mode needs, whatever the timeout says.
    """
    deadline = time.monotonic() + TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _is_damage(error: Exception) -> bool:
    """Whether the file is broken; a full disk, a lock or a missing permission is an ``OperationalError``."""
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)


def _unlink(path: Path) -> bool:
    """Delete the file and what SQLite puts beside it, if that is allowed."""
    try:
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    except OSError:
        return False
    return True


def _bytes_on_disk(path: Path) -> int:
    return sum(file.stat().st_size for file in (path, path.with_name(path.name + "-wal")) if file.exists())
