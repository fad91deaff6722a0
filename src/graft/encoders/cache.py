"""Embeddings by content: what was embedded once is not embedded again.

One SQLite file in write-ahead mode: safe for several processes and for ``kill -9``, nothing to repair by hand. It may
be deleted at any time. A cache that cannot be used (read-only folder, full disk, damaged file) never stops the work: it
then only costs time.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graft.contracts import Float32
from graft.errors import UsageError
from graft.executors import renew_in_child

DEFAULT_LIMIT = 4_000_000_000
"""Bytes; about 500,000 pictures. ``GRAFT_CACHE_LIMIT`` changes it."""
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


def cache_folder() -> Path:
    """``$GRAFT_CACHE``, else ``$XDG_CACHE_HOME/graft``, else ``~/.cache/graft``."""
    if given := os.environ.get("GRAFT_CACHE"):
        return Path(given).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path("~/.cache").expanduser()) / "graft"


class Cache:
    """The embeddings on disk. All methods are safe to call from several threads and processes."""

    def __init__(self, folder: Path | None = None, limit: int | None = None) -> None:
        self.path = (folder or cache_folder()) / "embeddings.sqlite"
        self.limit = limit if limit is not None else _limit_from_environment()
        self.trouble: str | None = None
        """Why the cache is not used, or ``None``."""
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._size = 0
        # SQLite's connections are for one process; the child opens its own.
        renew_in_child(self, _lock=threading.Lock, _connection=lambda: None)

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Entry]:
        """The entries that are there, of these keys."""
        found: dict[bytes, Entry] = {}
        stale: list[tuple[int, bytes]] = []
        now = time.time_ns()
        with self._lock:
            try:
                connection = self._open()
                for start in range(0, len(keys) if connection else 0, 500):  # SQLite bounds the number of parameters
                    part = keys[start : start + 500]
                    query = f"SELECT key, used, vector, statistics FROM embeddings WHERE key IN ({_marks(len(part))})"  # noqa: S608
                    for key, used, vector, statistics in connection.execute(query, part):  # type: ignore[union-attr]
                        found[key] = Entry(np.frombuffer(vector, np.float32), json.loads(statistics))
                        if now - used > STALE:
                            stale.append((now, key))
            except (sqlite3.Error, ValueError) as error:
                self._give_up(error)
                return {}
        self._write("UPDATE embeddings SET used = ? WHERE key = ?", stale)
        return found

    def put(self, encoder: str, entries: Mapping[bytes, Entry]) -> None:
        """Keep these entries, and make room when the limit is passed."""
        now = time.time_ns()
        rows = [
            (
                key,
                encoder,
                now,
                np.ascontiguousarray(entry.vector, np.float32).tobytes(),
                json.dumps(dict(entry.statistics)),
            )
            for key, entry in entries.items()
        ]
        self._write("INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?, ?, ?)", rows)
        self._size += sum(len(row[3]) + len(row[4]) + 128 for row in rows)
        if self._size > self.limit:
            self._make_room()

    def info(self) -> CacheInfo:
        """What the cache holds."""
        entries: dict[str, int] = {}
        if self.path.exists():
            with self._lock:
                try:
                    if connection := self._open():
                        rows = connection.execute(
                            "SELECT encoder, COUNT(*) FROM embeddings GROUP BY encoder ORDER BY encoder"
                        )
                        entries = dict(rows)
                except sqlite3.Error as error:
                    self._give_up(error)
        return CacheInfo(str(self.path), entries, _bytes_on_disk(self.path), self.limit)

    def clear(self) -> int:
        """Delete everything; the number of bytes that were freed."""
        with self._lock:
            before = _bytes_on_disk(self.path)
            self.trouble = None
            try:
                if before and (connection := self._open()):
                    # Emptied in place, not unlinked: another process may have the file open.
                    connection.execute("DELETE FROM embeddings")
                    connection.execute("VACUUM")
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error as error:
                self._give_up(error)
                if _is_damage(error):
                    _unlink(self.path)
                    self.trouble = None
            self._size = 0
            return max(0, before - _bytes_on_disk(self.path))

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            if self._connection:
                self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection | None:
        if self.trouble is None and self._connection is None:
            try:
                self._connection = self._connect()
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    raise
                _unlink(self.path)  # not a database: nothing in it is worth a failed run
                self._connection = self._connect()
            except OSError as error:
                self._give_up(error)
            self._size = _bytes_on_disk(self.path)
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        connection = sqlite3.connect(self.path, timeout=TIMEOUT, check_same_thread=False, isolation_level=None)
        try:
            _switch_to_wal(connection)
            connection.execute("PRAGMA synchronous = NORMAL")  # survives kill -9; a power cut may lose the last entries
            connection.executescript(SCHEMA)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        if not rows:
            return
        with self._lock:
            try:
                if connection := self._open():
                    connection.execute("BEGIN IMMEDIATE")
                    try:
                        connection.executemany(statement, rows)
                        connection.execute("COMMIT")
                    except BaseException:
                        connection.execute("ROLLBACK")
                        raise
            except sqlite3.Error as error:
                self._give_up(error)

    def _make_room(self) -> None:
        """Drop the least recently used entries until ``KEEP`` of the limit is left."""
        with self._lock:
            try:
                connection = self._open()
                if connection is None:
                    return
                sizes = connection.execute(
                    "SELECT rowid, LENGTH(vector) + LENGTH(statistics) + 128 FROM embeddings ORDER BY used DESC"
                )
                kept, gone = 0, []
                for row, size in sizes:
                    kept += size
                    if kept > self.limit * KEEP:
                        gone.append((row,))
                        kept -= size
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany("DELETE FROM embeddings WHERE rowid = ?", gone)
                connection.execute("COMMIT")
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                self._size = kept
            except sqlite3.Error as error:
                self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        advice = " Empty it with graft cache clear." if _is_damage(error) else ""
        self.trouble = f"The cache {self.path} is not used: {error}.{advice}"
        if self._connection:
            self._connection.close()
        self._connection = None


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


def _unlink(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _marks(n: int) -> str:
    return ", ".join("?" * n)


def _bytes_on_disk(path: Path) -> int:
    return sum(file.stat().st_size for file in (path, path.with_name(path.name + "-wal")) if file.exists())


def _limit_from_environment() -> int:
    given = os.environ.get("GRAFT_CACHE_LIMIT")
    if given is None:
        return DEFAULT_LIMIT
    try:
        return int(float(given))
    except ValueError:
        raise UsageError(f"GRAFT_CACHE_LIMIT is {given!r}.", "Give a number of bytes, such as 2e9.") from None
