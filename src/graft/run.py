"""The one context value: what a piece of work is done with, beside what it is done on and how.

Data and recipe say what comes out; a ``Run`` changes nothing of that. It is made where work enters the library, and is
handed down as it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from graft.contracts import Executor, Progress, Store, silent
from graft.errors import Cancelled
from graft.executors import CORES, stopped_by


class Flag(Protocol):
    """What somebody sets to stop the work, such as a ``threading.Event``."""

    def is_set(self) -> bool:
        """Whether it was set."""


class _Never:
    """The flag that nobody holds."""

    def is_set(self) -> bool:
        return False


NEVER: Flag = _Never()


class Stopwatch:
    """Seconds of each step of a run.

    Args:
        now: Tells seconds.
    """

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self.now = now
        self._start = now()
        self._seconds: dict[str, float] = dict.fromkeys(("read", "embed", "fit", "evaluate"), 0.0)

    @contextmanager
    def timing(self, step: str) -> Iterator[None]:
        """Add the time of the block to ``step``."""
        start = self.now()
        try:
            yield
        finally:
            self._seconds[step] += self.now() - start

    def seconds(self) -> dict[str, float]:
        """Seconds of each step and in all, to the millisecond."""
        total = self.now() - self._start
        return {step: round(value, 3) for step, value in (*self._seconds.items(), ("total", total))}


@dataclass(frozen=True, slots=True)
class Run:
    """What a piece of work is done with. ``Run()`` keeps nothing, tells nobody, and is never stopped.

    Attributes:
        cache: Where embeddings are kept, if anywhere.
        progress: Told how far the work has come.
        clock: Counts the seconds of its steps.
        executor: Owns the threads.
        cancelled: Once it is set, the work ends with ``Cancelled``.
    """

    cache: Store | None = None
    progress: Progress = silent
    clock: Stopwatch = field(default_factory=Stopwatch)
    executor: Executor = CORES
    cancelled: Flag = NEVER

    def check(self) -> None:
        """Called wherever work may end: within batches, and between fits.

        Raises:
            Cancelled: The work is to end.
        """
        if self.cancelled.is_set():
            raise Cancelled(
                "The work was stopped before it was done.",
                "What was embedded is in the cache; the same call goes on from there.",
            )

    def tell(self, step: str, done: int, total: int) -> None:
        """Say how far a step has come, which is a good moment to end it.

        Raises:
            Cancelled: The work is to end.
        """
        self.check()
        self.progress(step, done, total)

    def at_work(self) -> AbstractContextManager[None]:
        """Within, ``cancelled`` ends what is computed, and ``executor`` shares it out, wherever it is not told so."""
        return stopped_by(self.check, self.executor)

    @contextmanager
    def working(self, step: str) -> Iterator[None]:
        """What takes long and is no embedding: timed as ``step``, products on one thread, ended by ``cancelled``."""
        self.check()
        with self.clock.timing(step), self.executor.one_thread_each(), self.at_work():
            yield


PLAIN = Run()
"""For work that keeps nothing, tells nobody, and is never stopped."""
