"""The end of a server: what runs is finished, what comes meanwhile is told, and idle connections hold nothing up."""

from __future__ import annotations

import time
from collections.abc import Callable

from graft.serving.problems import Problem


class Draining:
    """Whether a server is about to end, and whether it may.

    Attributes:
        begun: Whether somebody has asked it to end.
        running: Requests that are being answered.
        busy: Says whether anything else has to be finished.

    Args:
        delay: Seconds in which it goes on as before once it was asked to end, so that a load balancer notices.
        limit: Seconds after which what still runs is given up.
    """

    def __init__(self, delay: float = 0.0, limit: float = 30.0) -> None:
        self.delay = delay
        self.limit = limit
        self.running = 0
        self.busy: Callable[[], bool] = lambda: False
        self._since: float | None = None

    @property
    def begun(self) -> bool:
        """Whether somebody has asked it to end."""
        return self._since is not None

    def begin(self) -> None:
        """The server is to end; ``done`` says when it may."""
        if self._since is None:
            self._since = time.monotonic()

    def check(self) -> None:
        """Whether it takes anything new.

        Raises:
            Problem: It is about to end.
        """
        if self.begun:
            raise Problem(503, "draining", "The server is about to end.", "Ask another one.")

    @property
    def done(self) -> bool:
        """Whether it may end now: nothing runs any more, or it has taken too long."""
        if self._since is None:
            return False
        passed = time.monotonic() - self._since
        return passed >= self.delay and (not (self.running or self.busy()) or passed >= self.delay + self.limit)
