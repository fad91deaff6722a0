"""The signal with which a platform takes a machine away, and what is still done then."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

GRACE = 120.0
"""Seconds that platforms leave between SIGTERM and SIGKILL."""
SPARE = 20.0
"""Of these so many are kept for ending, should the work not heed the signal by itself."""
STOPPED = 128 + signal.SIGTERM
"""The exit code of what was told to end, as a shell gives it."""


class Stopping:
    """A flag that SIGTERM sets; ``graft.run.Run`` ends the work by it.

    Args:
        last: Called should the work not end by itself in time; after it the process ends.
        grace: Seconds from the signal to that.
    """

    def __init__(self, last: Callable[[], None], grace: float = GRACE - SPARE) -> None:
        self._last = last
        self._grace = grace
        self._set = threading.Event()

    def is_set(self) -> bool:
        """Whether the signal came."""
        return self._set.is_set()

    def heed(self) -> None:
        """Let SIGTERM set the flag. A container's first process would not even be ended by it otherwise."""
        signal.signal(signal.SIGTERM, self._told)

    def _told(self, _signal: int, _frame: FrameType | None) -> None:
        if not self._set.is_set():
            self._set.set()
            timer = threading.Timer(self._grace, self._end)
            timer.daemon = True
            timer.start()

    def _end(self) -> None:
        try:
            self._last()
        finally:
            os._exit(STOPPED)
