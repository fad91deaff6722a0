"""How many items may be waiting for their answers at once: whoever comes when there are more is told to come again."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from graft.serving.bodies import overloaded
from graft.serving.limits import ServerLimits

LONGEST = 30
"""Seconds after which somebody is asked to come again, at most."""
_MEMORY = 0.9
"""Of the time of an item so much is remembered from those before."""


class Admission:
    """Counts the items of all requests that are being answered; used from one thread, that of the server.

    Attributes:
        waiting: How many there are now.
    """

    def __init__(self, limits: ServerLimits) -> None:
        self._limits = limits
        self.waiting = 0
        self._seconds = 0.0
        self._since = time.monotonic()

    def check(self) -> None:
        """Whether there is room for one at all; asked before a body is read.

        Raises:
            Problem: There is not.
        """
        if self.waiting >= self._limits.waiting:
            raise overloaded("The server has as many items to answer as it may hold.", self.retry_after)

    @contextmanager
    def items(self, n: int) -> Iterator[None]:
        """Within, ``n`` items wait for their answers.

        Raises:
            Problem: There are too many before them.
        """
        if self.waiting and self.waiting + n > self._limits.waiting:
            raise overloaded(
                f"The server has {self.waiting:,} items to answer already, and may hold {self._limits.waiting:,}.",
                self.retry_after,
            )
        if not self.waiting:
            self._since = time.monotonic()
        self.waiting += n
        try:
            yield
        finally:
            self.waiting -= n
            now = time.monotonic()
            if n:
                self._seconds += (1 - _MEMORY) * ((now - self._since) / n - self._seconds)
            self._since = now

    @property
    def retry_after(self) -> int:
        """Seconds until those that wait now should be done."""
        return min(max(1, math.ceil(self.waiting * self._seconds)), LONGEST)
