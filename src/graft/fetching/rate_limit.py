"""What a file may cost, and the rate limit of each host: few connections at a time, and pauses between."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from graft.errors import ItemError


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost.

    Attributes:
        max_bytes: Of the file, as sent and as unpacked.
        connect: Seconds until the connection stands.
        read: Seconds without a byte.
        total: Seconds from the first connection to the last byte, redirects included.
        redirects: How many are followed.
        tries: how often a file is asked for before it is given up.
        backoff: Seconds before the second try, more or less; doubled for each further one.
        max_rest: A server that asks for a longer rest, in seconds, is asked no more in this run.
    """

    max_bytes: int = 20_000_000
    connect: float = 10.0
    read: float = 10.0
    total: float = 60.0
    redirects: int = 5
    tries: int = 3
    backoff: float = 1.0
    max_rest: float = 60.0


class RateLimiter:
    """Limits how often each host is asked, and by how many at a time. Thread-safe.

    Args:
        delay: Seconds between two requests to a host.
        at_once: Connections to a host at a time.
    """

    def __init__(self, delay: float = 0.5, at_once: int = 2) -> None:
        self._delay, self._at_once = delay, at_once
        self._changed = threading.Condition(threading.RLock())
        self._in_flight: defaultdict[str, int] = defaultdict(int)
        self._next: defaultdict[str, float] = defaultdict(float)

    def try_acquire(self, host: str) -> bool:
        """Whether the host may be asked now; whoever has acquired it releases it."""
        with self._changed:
            now = time.monotonic()
            if self._in_flight[host] >= self._at_once or now < self._next[host]:
                return False
            self._in_flight[host] += 1
            self._next[host] = now + self._delay
            return True

    def acquire(self, host: str, remaining: Callable[[], float], most: float) -> None:
        """Wait until the host may be asked.

        Args:
            host: Whom to ask.
            remaining: How many seconds there are left to wait; it raises when there are none.
            most: A rest of more seconds is not waited for.

        Raises:
            ItemError: ``busy``: the host rests for longer than there is time.
        """
        with self._changed:
            while not self.try_acquire(host):  # whose lock may be taken twice by one thread
                left, rest = remaining(), self._next[host] - time.monotonic()
                if rest > min(left, most):
                    raise ItemError("busy", f"The host {host} asks for a long rest.", "Run the same command later.")
                self._changed.wait(min(left, max(0.01, rest)))

    def wake(self) -> None:
        """Let those who wait see whether there is time left."""
        with self._changed:
            self._changed.notify_all()

    def release(self, host: str) -> None:
        """Another may ask the host."""
        with self._changed:
            self._in_flight[host] -= 1
            self._changed.notify_all()

    def rest(self, host: str, seconds: float) -> None:
        """Leave a host alone for so long."""
        with self._changed:
            self._next[host] = max(self._next[host], time.monotonic() + seconds)

    def pause(self, host: str) -> float:
        """Seconds until a host may be asked, as far as its delay and rest go."""
        with self._changed:
            return max(0.0, self._next[host] - time.monotonic())
