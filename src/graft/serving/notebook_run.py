"""One run of a served notebook: what is known of it while it waits, runs, and is kept."""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from graft.notebooks import OutputEvent

State = Literal["queued", "running", "done", "failed", "stopped"]
ENDED = ("done", "failed", "stopped")
MOST_EVENTS = 2_000
"""The last of a run that are kept."""
MOST_TEXT = 8_192
"""Characters of one of them; of more the end is kept."""


class ServedRun:
    """One run; changed by the thread that runs it, read by that of the server.

    Attributes:
        id: Cannot be guessed.
        folder: What it leaves lies in.
        given: Values of parameters, as texts.
        shown: The same as they may be shown.
        limit: Seconds that it may take.
        cancelled: Ends it.
        state: How far it is.
        result: What it came to: the keys of ``graft run --json``.
        files: What it left, by the name under which it can be fetched.
        size: Bytes of them.
    """

    def __init__(self, place: Path, given: Mapping[str, str], shown: Mapping[str, Any], limit: float | None) -> None:
        self.id = secrets.token_urlsafe(12)
        self.folder = place / self.id
        self.given, self.shown, self.limit = dict(given), dict(shown), limit
        self.cancelled = threading.Event()
        self.state: State = "queued"
        self.result: dict[str, Any] | None = None
        self.files: dict[str, Path] = {}
        self.size = 0
        self._created, self._started, self._ended = _now(), "", ""
        self._began: float | None = None
        self._cell = self._cells = self._heard = 0
        self._events: deque[tuple[int, dict[str, Any]]] = deque(maxlen=MOST_EVENTS)

    @property
    def output(self) -> Path:
        """Where the executed copy and what the run left lie."""
        return self.folder / "result"

    def begin(self) -> None:
        """It runs now."""
        self._started, self._began, self.state = _now(), time.monotonic(), "running"

    def heard(self, event: OutputEvent) -> None:
        """Keep what it says."""
        self._cell, self._cells = event.cell, event.cells
        text = event.text if len(event.text) <= MOST_TEXT else "..." + event.text[-MOST_TEXT:]
        self._heard += 1
        self._events.append((self._heard, {"kind": event.kind, "cell": event.cell, "text": text}))

    def end(self, state: State, result: dict[str, Any], files: dict[str, Path]) -> None:
        """It has ended; the state is set last, for whoever sees it reads the rest."""
        seconds = 0.0 if self._began is None else round(time.monotonic() - self._began, 3)
        self.result, self.files, self._ended = {"seconds": seconds, **result}, files, _now()
        self.size = sum(path.stat().st_size for path in files.values())
        self.given = {}
        self.state = state

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.state in ENDED

    def events_after(self, number: int) -> list[tuple[int, dict[str, Any]]]:
        """Those that were kept after the one of this number, with their numbers."""
        return [(own, event) for own, event in list(self._events) if own > number]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able values."""
        told: dict[str, Any] = {
            "id": self.id,
            "state": self.state,
            "created": self._created,
            "started": self._started or None,
            "ended": self._ended or None,
            "parameters": self.shown,
            "progress": {"cell": self._cell, "cells": self._cells},
        }
        return {**told, **(self.result or {})} if self.is_over else told


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
