"""Doing several things at once on this machine's cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def workers() -> int:
    """How many threads are worth having: one for each core that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_on_cores(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """``[function(item) for item in items]``, one item on each core at a time.

    Every item has one core to itself, so that the work is done side by side without waiting for one another.
    """
    items = list(items)
    with one_thread_each():
        if len(items) < 2 or workers() < 2:
            return [function(item) for item in items]
        with ThreadPoolExecutor(min(workers(), len(items)), thread_name_prefix="graft") as pool:
            return list(pool.map(function, items))


def run_on_cores(first: Callable[[], T], second: Callable[[], R]) -> tuple[T, R]:
    """``(first(), second())``, side by side where there are two cores."""
    with one_thread_each():
        if workers() < 2:
            return first(), second()
        with ThreadPoolExecutor(1, thread_name_prefix="graft") as pool:
            waiting = pool.submit(first)
            other = second()
            return waiting.result(), other


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Matrix products run on the thread that asks for them.

    The heads' matrices are small. Threads that a BLAS library adds on its own spin while they wait for each other: on
    cores that are busy with something else that made a fit ten times slower, and on idle ones it gained little.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield
