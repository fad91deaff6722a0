"""The threads that embed: one for each core of this process, however many ask for embeddings."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from graft.executors import one_thread_each, renew_in_child, workers

P = ParamSpec("P")
T = TypeVar("T")

_pool: ThreadPoolExecutor | None = None
_starting = threading.Lock()
renew_in_child(sys.modules[__name__], _starting=threading.Lock, _pool=lambda: None)


def submit(function: Callable[P, T], *args: P.args, **options: P.kwargs) -> Future[T]:
    """Do this on one of the threads, on one core, when one is free; whoever came first is served first.

    It must not wait for anything else that is submitted here.
    """
    global _pool
    with _starting:
        if _pool is None:
            _pool = ThreadPoolExecutor(workers(), thread_name_prefix="graft-embed")
        return _pool.submit(_on_one_core, partial(function, *args, **options))


def _on_one_core(work: Callable[[], T]) -> T:
    # Of recordings the energies are matrix products, whose last digits depend on how many threads share them.
    with one_thread_each():
        return work()
