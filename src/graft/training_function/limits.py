"""Whether the time and the memory of a function will do: said as soon as it can be known, and watched until the end.

What is known beforehand is how many items and bytes there are. What an item takes is measured here, on the first
items themselves; what the fit takes afterwards is allowed for by the row.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graft.errors import Cancelled, FunctionLimit

MEMORY = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"
SECONDS = "GRAFT_TRAIN_SECONDS"
"""In the environment: how long training may take where the platform does not say it."""
LOOKED_AT = 3.0
"""Seconds of embedding, once its first items are through, after which the time of an item is believed; or a tenth of
the time that is left."""
FIT_SECONDS, FIT_SECONDS_PER_ROW = 5.0, 0.002
"""What is allowed for the fit, its figures and the report: three times what two cores took for up to 20,000 rows."""
FIT_MB, FIT_COPIES = 60.0, 5.0
"""What is allowed for their memory: a base, and so many copies of all embeddings; 45 and 4 were measured."""
FULL = 0.95
"""Share of the memory at which training ends by itself, before it is ended without a word."""
ELSEWHERE = (
    "a container without this limit (graft export --to docker; Cloud Run jobs, Azure Container Apps jobs) or a "
    "SageMaker job (sagemaker_job.py in that export)"
)
_EVERY = 0.05
_MB = 1 << 20


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a function may take.

    Attributes:
        seconds: Until it is ended; ``None`` where nobody ends it.
        memory_mb: Of memory; ``None`` where nobody said it.
    """

    seconds: float | None
    memory_mb: int | None

    @classmethod
    def of(cls, context: Any) -> Allowance:
        """What the platform says: by the context of a call, the environment, or the control group of a container."""
        left = getattr(context, "get_remaining_time_in_millis", None)
        told = os.environ.get(SECONDS, "")
        seconds = left() / 1000 if callable(left) else float(told) if told.isascii() and told.isdigit() else None
        memory = str(os.environ.get(MEMORY) or getattr(context, "memory_limit_in_mb", None) or "")
        return cls(seconds, int(memory) if memory.isascii() and memory.isdigit() and int(memory) else group_mb())

    @property
    def margin(self) -> float:
        """Seconds that are kept for saying why, or for writing what was made."""
        return min(20.0, max(2.0, 0.05 * (self.seconds or 0.0)))


class Watch:
    """Told how far training has come, and asked whether it is to end: progress and flag of the run.

    Args:
        allowed: What the function may take.
        dim: Numbers of an embedding; 0 where that is not known yet.
        now: Tells seconds.
    """

    def __init__(self, allowed: Allowance, dim: int = 0, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self.allowed = allowed
        self.dim = dim
        self.why: FunctionLimit | None = None
        self.ms_per_item: float | None = None
        self.encoder = "the encoder"
        self._start = self.now()
        self._step, self._done, self._total = "read", 0, 0
        self._first: tuple[float, int] | None = None
        self._looked = float("-inf")
        self._lock = threading.Lock()

    @property
    def left(self) -> float:
        """Seconds until training has to end."""
        if self.allowed.seconds is None:
            return float("inf")
        return self.allowed.seconds - self.allowed.margin - (self.now() - self._start)

    def __call__(self, step: str, done: int, total: int) -> None:
        """Hear how far it has come.

        Raises:
            FunctionLimit: What is left to do takes longer, or more memory, than there is.
        """
        self._step, self._done, self._total = step, done, total
        if step != "embed" or not total:
            return
        if not done:
            self._first = None
            self._check_memory(total)
            return
        now = self.now()
        if self._first is None:  # the first items waited for the network to be opened
            self._first = now, done
            return
        since, before = self._first
        if done > before and now - since >= min(LOOKED_AT, max(0.0, self.left) / 10):
            self.ms_per_item = 1000 * (now - since) / (done - before)
            self._check_time(done - before, done, total)

    def is_set(self) -> bool:
        """Whether there is only time left to say why, or hardly any memory."""
        now = self.now()
        with self._lock:
            if self.why is None and now - self._looked >= _EVERY:
                self._looked = now
                self.why = self._over()
            return self.why is not None

    def check(self) -> None:
        """Whether there is time left for more than saying why.

        Raises:
            FunctionLimit: There is not; or hardly any memory.
        """
        if self.is_set() and self.why is not None:
            raise self.why

    @contextmanager
    def saying_why(self) -> Iterator[None]:
        """Within, work that was stopped because of this ends with what it was stopped for.

        Raises:
            FunctionLimit: It was.
        """
        try:
            yield
        except Cancelled:
            if self.why is None:
                raise
            raise self.why from None

    def check_room(self, needed: int, free: int) -> None:
        """Whether what is fetched fits the disk.

        Raises:
            FunctionLimit: It does not.
        """
        if needed > free:
            raise FunctionLimit(
                f"The data have {needed / _MB:,.0f} MB, and the function's disk has {free / _MB:,.0f} MB left.",
                f"Give the function a larger ephemeral storage (up to 10,240 MB), or train in {ELSEWHERE}.",
            )

    def _check_time(self, measured: int, done: int, total: int) -> None:
        assert self.ms_per_item is not None
        needed = self.ms_per_item / 1000 * (total - done) + FIT_SECONDS + FIT_SECONDS_PER_ROW * total
        if needed > self.left:
            whole = needed + (self.now() - self._start)
            raise FunctionLimit(
                f"Training on {total:,} items takes about {_minutes(whole)} here ({self.encoder}, "
                f"{self.ms_per_item:,.0f} ms for each item, measured on {measured:,} of them), and the function was "
                f"given {_minutes(self.allowed.seconds or 0)}.",
                f"Train in {ELSEWHERE}; more memory brings a function more of a processor, too.",
            )

    def _check_memory(self, total: int) -> None:
        if self.allowed.memory_mb is None or not self.dim:
            return
        needed = (resident_mb() or 0.0) + FIT_MB + FIT_COPIES * total * self.dim * 4 / _MB
        if needed > self.allowed.memory_mb:
            raise FunctionLimit(
                f"Training on {total:,} items takes about {needed:,.0f} MB of memory ({self.encoder}, {self.dim:,} "
                f"numbers for each item), and the function was given {self.allowed.memory_mb:,} MB.",
                f"Give the function more memory (up to 10,240 MB), or train in {ELSEWHERE}.",
            )

    def _over(self) -> FunctionLimit | None:
        where = f"{self._step}, {self._done:,} of {self._total:,}" if self._total else self._step
        if self.left <= 0:
            return FunctionLimit(
                f"Training was stopped {self.allowed.margin:.0f} s before the function's limit of "
                f"{_minutes(self.allowed.seconds or 0)}, at this step: {where}. Nothing was written.",
                f"Train in {ELSEWHERE}.",
            )
        held = resident_mb()
        if self.allowed.memory_mb is not None and held is not None and held > FULL * self.allowed.memory_mb:
            return FunctionLimit(
                f"Training was stopped with {held:,.0f} MB of the function's {self.allowed.memory_mb:,} MB of memory "
                f"in use, at this step: {where}. Nothing was written.",
                f"Give the function more memory (up to 10,240 MB), or train in {ELSEWHERE}.",
            )
        return None


def resident_mb() -> float | None:
    """Memory that this process holds now; ``None`` where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / _MB
    except (OSError, ValueError, IndexError, AttributeError):
        return None


def group_mb(mounted: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Memory that a container's control group grants; ``None`` where it says nothing."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            granted = int((mounted / name).read_text())
        except (OSError, ValueError):  # "max" is no number
            continue
        return granted // _MB if granted < 1 << 50 else None
    return None


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:,.0f} minutes" if seconds >= 120 else f"{seconds:,.0f} s"
