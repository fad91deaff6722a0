"""Answers on their way into a log: nothing that happens there changes or holds up an answer."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from graft.contracts import Float32
from graft.encoders.embed import Chunk, content_digest
from graft.errors import GraftError
from graft.heads.protocols import Answering
from graft.monitoring.log import PredictionLog
from graft.monitoring.log_format import LoggedModel

WAITING = 4096
"""So many items wait to be written at most; what comes then is not kept."""
WAITING_BYTES = 64 << 20
"""So much of their contents, where items are kept."""


@dataclass(frozen=True, slots=True)
class LogOptions:
    """Where answers are to be kept.

    Attributes:
        path: The log.
        max_bytes: Of a log that is begun; ``None``: what is usual, or what the log itself says.
        items: Whether the items are kept too.
    """

    path: Path
    max_bytes: int | None = None
    items: bool = False

    def keeper(
        self,
        folder: Path,
        classes: Sequence[str],
        head: Answering,
        told: Callable[[str], None],
        *,
        ordered: bool = True,
    ) -> LogKeeper:
        """What keeps the answers of the model in ``folder``; the log is begun or looked at now.

        Args:
            folder: The bundle.
            classes: Columns of its scores.
            head: What answers.
            told: Is given a line that says what goes wrong.
            ordered: Whether what comes first was there first; the files of a folder are in no order.

        Raises:
            DataError: The file is no log.
            OSError: It cannot be written.
        """
        batch = "" if ordered else secrets.token_hex(4)
        made = LoggedModel.of(folder, classes, head)
        log = PredictionLog(self.path, made, self.max_bytes, items=self.items, batch=batch)
        log.check()
        return LogKeeper(log, told)


class _Batch(NamedTuple):
    rows: Float32
    answers: Sequence[Any]
    contents: Sequence[bytes]
    size: int


class LogKeeper:
    """Appends to a log and says once what goes wrong with that, such as a full disk.

    Args:
        log: Where to.
        told: Is given the line that says so.
    """

    def __init__(self, log: PredictionLog, told: Callable[[str], None]) -> None:
        self.log = log
        self._told = told
        self._said: set[str] = set()
        self._waiting: deque[_Batch] = deque()
        self._items = self._bytes = 0
        self._changed = threading.Condition()
        self._ending = False
        self._writer: threading.Thread | None = None

    def keep(self, chunk: Chunk, answers: Sequence[Any]) -> None:
        """Append the answers to a chunk of items, now; those with an error are left out."""
        good = [answer for answer in answers if answer.error is None]
        found = chunk.embedded
        try:
            contents = [item.read() for item in chunk.readable] if self.log.items else None
            self.log.append(found.x, good, found.digests, contents)
        except (GraftError, OSError) as error:
            self._failed(error)

    def offer(self, rows: Float32, answers: Sequence[Any], contents: Sequence[bytes]) -> None:
        """Have answers appended by and by; returns at once.

        Args:
            rows: Embeddings ``(n, d) float32``.
            answers: One for each, none of them an error.
            contents: The items, by which they are known.
        """
        with self._changed:
            batch = _Batch(rows, answers, contents, sum(map(len, contents)))
            if self._items + len(rows) > WAITING or self._bytes + batch.size > WAITING_BYTES:
                self._say("slow", "Answers come faster than the log can be written: some of them are not kept in it.")
                return
            self._waiting.append(batch)
            self._items += len(rows)
            self._bytes += batch.size
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="graft-log", daemon=True)
                self._writer.start()
            self._changed.notify()

    def stop(self, limit: float) -> None:
        """Write what waits, for at most ``limit`` seconds."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        if self._writer is not None:
            self._writer.join(limit)

    def _write(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ending)
                if not self._waiting:
                    return
                batch = self._waiting.popleft()
                self._items -= len(batch.rows)
                self._bytes -= batch.size
            try:
                self.log.append(batch.rows, batch.answers, list(map(content_digest, batch.contents)), batch.contents)
            except (GraftError, OSError) as error:
                self._failed(error)

    def _failed(self, error: GraftError | OSError) -> None:
        why = str(error) if isinstance(error, GraftError) else f"{error.strerror or error}."
        self._say("failed", f"Answers are not kept in {self.log.path}: {why}")

    def _say(self, kind: str, line: str) -> None:
        if kind not in self._said:
            self._said.add(kind)
            self._told(line)
