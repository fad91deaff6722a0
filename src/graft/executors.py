"""Several things at once on this machine's cores, what ends that, and what of it a forked child must not inherit."""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
import weakref
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar, copy_context
from functools import lru_cache
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")


def workers() -> int:
    """How many threads are worth having: one for each core that this process may use.

    A container's share of the processor's time counts as well: threads beyond it would wait, all at once, until their
    next turn.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, _granted())


@lru_cache(maxsize=1)
def _granted() -> int:
    return cores_granted()


def cores_granted(groups: Path = Path("/proc/self/cgroup"), mounted: Path = Path("/sys/fs/cgroup")) -> int:
    """How many cores' time the control groups of this process grant, rounded up; very many where nothing is said.

    Args:
        groups: Says which groups these are: lines such as ``0::/a/b``, or ``4:cpu,cpuacct:/a/b`` of older kernels.
        mounted: Where the groups' files are.
    """
    least = float("inf")
    try:
        entries = [entry.split(":", 2) for entry in groups.read_text().splitlines()]
    except OSError:
        return sys.maxsize
    for _, kinds, path in (entry for entry in entries if len(entry) == 3):
        if kinds and "cpu" not in kinds.split(","):
            continue
        roots = [mounted / kinds, mounted / "cpu"] if kinds else [mounted]
        own = PurePosixPath(path.lstrip("/"))
        # A group's own quota, and those of all above it; a container may see its own group at the root alone.
        for folder in (root / part for root in roots for part in (own, *own.parents)):
            least = min(least, _quota(folder))
    return sys.maxsize if least == float("inf") else max(1, math.ceil(least))


def _quota(folder: Path) -> float:
    """The cores that a group's files grant; infinity where they grant all, or say nothing."""
    try:
        if (file := folder / "cpu.max").exists():
            quota, period = file.read_text().split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        share = float(quota) / float(period)
    except (OSError, ValueError, ZeroDivisionError):  # "max" is no number either
        return float("inf")
    return share if share > 0 else float("inf")


class _Limit:
    """One thread for every BLAS library of the process, as long as anybody asks for it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._users: Counter[int] = Counter()
        self._before: dict[tuple[str, int], tuple[Any, int]] = {}
        self._libraries: Sequence[Any] = ()
        self._modules = 0

    def enter(self, thread: int) -> None:
        """Set the limit; a library that was loaded since the last time is limited too."""
        from threadpoolctl import ThreadpoolController

        with self.lock:
            self._users[thread] += 1
            if self._modules != len(sys.modules):  # what has not changed is not looked for again: that takes half a ms
                self._libraries = ThreadpoolController().select(user_api="blas").lib_controllers
                self._modules = len(sys.modules)
            for library in self._libraries:
                # On OpenMP every thread has a limit of its own; else there is one for the process.
                own = thread if getattr(library, "threading_layer", "") == "openmp" else _PROCESS
                if (library.filepath, own) not in self._before:
                    self._before[library.filepath, own] = library, library.get_num_threads()
                    _set_threads(library, 1)

    def leave(self, thread: int) -> None:
        """Put back what was there: for this thread, and for the process if nobody else is left."""
        with self.lock:
            self._users[thread] -= 1
            self._settle()

    def keep_only(self, thread: int) -> None:
        """A child has one thread, that which forked; the other users are gone."""
        self.lock = threading.Lock()
        self._users = Counter({thread: self._users[thread]})
        self._settle()

    def _settle(self) -> None:
        self._users += Counter()  # without those that have left
        for path, own in list(self._before):
            if own not in self._users and not (own == _PROCESS and self._users):
                _set_threads(*self._before.pop((path, own)))


def _set_threads(library: Any, threads: int) -> None:
    """Set a limit from whichever thread: threadpoolctl 3.8 hears one alone, the first, until it is told otherwise."""
    clear = getattr(library, "clear_controlling_thread", lambda force: None)
    clear(force=True)
    library.set_num_threads(threads)
    clear(force=True)


_PROCESS = 0
"""Of no thread in particular; threads have other numbers."""
_limit = _Limit()


class Cores:
    """This machine's cores; keeps ``graft.contracts.Executor``.

    The threads are the process's own and are made once. Who waits for items works on them too, so that work within work
    never waits for a thread.
    """

    def __init__(self) -> None:
        self._pool = _new_pool()
        renew_in_child(self, _pool=_new_pool)

    @property
    def workers(self) -> int:
        """One thread for each core that this process may use."""
        return workers()

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """``[function(item) for item in items]``, one item on each core at a time.

        Every item has one core to itself, so that the work is done side by side without waiting for one another. Of
        several exceptions that of the first item is raised; no item is begun after one, nor after the work was stopped.
        """
        items = list(items)
        with self.one_thread_each():
            if len(items) < 2 or workers() < 2:
                return [_next(function, item) for item in items]
            return _side_by_side(self, function, items)

    def both(self, first: Callable[[], T], second: Callable[[], R]) -> tuple[T, R]:
        """``(first(), second())``, side by side where there are two cores."""
        with self.one_thread_each():
            if workers() < 2:
                return first(), second()
            begun = self.submit(first)
            try:
                other = second()
            except BaseException:
                if not begun.cancel():
                    wait([begun])
                raise
            return first() if begun.cancel() else begun.result(), other

    def submit(self, function: Callable[[], T]) -> Future[T]:
        """Begin ``function()`` when a thread is free; it must not wait for others that were submitted."""
        return self._pool.submit(copy_context().run, function)

    @contextmanager
    def one_thread_each(self) -> Iterator[None]:
        """Matrix products run on the thread that asks for them.

        The heads' matrices are small. Threads that a BLAS library adds on its own spin while they wait for each other:
        on cores that are busy with something else that made a fit ten times slower, and on idle ones it gained little.
        How a sum is divided among threads changes its last digits as well: with one, they do not depend on the
        machine's cores.

        The limit is the process's. Whoever comes first sets it, and the last to leave puts back what was there.
        """
        me = threading.get_ident()
        _limit.enter(me)
        try:
            yield
        finally:
            _limit.leave(me)


def _new_pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers(), thread_name_prefix="graft")


def _next(function: Callable[[T], R], item: T) -> R:
    checkpoint()
    return function(item)


def _side_by_side(cores: Cores, function: Callable[[T], R], items: Sequence[T]) -> list[R]:
    waiting = deque(enumerate(items))
    results: dict[int, R] = {}
    errors: dict[int, BaseException] = {}

    def work() -> None:
        while not errors and waiting:
            try:
                place, item = waiting.popleft()
            except IndexError:  # another thread was faster
                return
            try:
                results[place] = _next(function, item)
            except BaseException as error:
                errors[place] = error

    helpers = [cores.submit(work) for _ in range(min(workers(), len(items)) - 1)]
    try:
        work()
    finally:
        waiting.clear()
        wait([helper for helper in helpers if not helper.cancel()])
    if errors:
        raise errors[min(errors)]
    return [results[place] for place in range(len(items))]


_GLANCE = 0.2
"""Seconds after which who waits says how far the work has come."""


def map_waiting(
    function: Callable[[T], R], items: Sequence[T], at_once: int, tell: Callable[[int], None], stop: Callable[[], None]
) -> list[R]:
    """``[function(item) for item in items]`` where that waits for others, as for a network, rather than works.

    Args:
        function: Called on so many threads of their own.
        items: What it is called with.
        at_once: How many threads.
        tell: Told now and then how many items are done; what it raises ends the work.
        stop: Called in the end, whatever happened: what is under way is to break off.
    """
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="graft-wait")
    results: dict[int, R] = {}
    try:
        left, waiting = iter(enumerate(items)), dict[Future[R], int]()
        while len(results) < len(items):
            begun = islice(left, 4 * at_once - len(waiting))
            waiting |= {pool.submit(function, item): place for place, item in begun}
            tell(len(results))
            for one in wait(waiting, timeout=_GLANCE, return_when=FIRST_COMPLETED).done:
                results[waiting.pop(one)] = one.result()
        tell(len(items))
    finally:
        stop()
        pool.shutdown(wait=True, cancel_futures=True)
    return [results[place] for place in range(len(items))]


_renewed: list[tuple[weakref.ref[Any], dict[str, Callable[[], Any] | None]]] = []
_left_behind: list[object] = []
"""What a child has no use for and must not take apart either: threads that it lacks would have to help."""


def renew_in_child(owner: Any, **attributes: Callable[[], Any] | None) -> None:
    """What a forked child finds in the place of an object's attributes.

    Locks that another thread held stay locked in a child for ever, and connections and networks whose threads are gone
    hang. Of the process itself only the thread that forked lives on.

    Args:
        owner: An object, or a module, with a ``__dict__``.
        attributes: Makes the new value; ``None`` forgets the old one, so that a cached property is computed again.
    """
    _renewed.append((weakref.ref(owner, _forget), attributes))


def _forget(gone: weakref.ref[Any]) -> None:
    _renewed[:] = [entry for entry in _renewed if entry[0] is not gone]


def _renew() -> None:
    for reference, attributes in _renewed:
        if (owner := reference()) is None:
            continue
        for name, make in attributes.items():
            _left_behind.append(owner.__dict__.pop(name, None))
            if make is not None:
                owner.__dict__[name] = make()
    _limit.keep_only(threading.get_ident())


if hasattr(os, "register_at_fork"):
    # No other thread is in the middle of setting a limit while the process is copied.
    os.register_at_fork(
        before=lambda: _limit.lock.acquire(), after_in_parent=lambda: _limit.lock.release(), after_in_child=_renew
    )

CORES = Cores()
"""The executor of this process."""


@contextmanager
def stopped_by(check: Callable[[], None], executor: Any = None) -> Iterator[None]:
    """Within, ``checkpoint`` calls ``check``, on this thread and on those that work for it.

    Args:
        check: Raises ``Cancelled`` where the work is to end.
        executor: Does what is to be done at once from then on, an ``Executor``; by default that which does it now.
    """
    token = _work.set((check, executor or _work.get()[1]))
    try:
        yield
    finally:
        _work.reset(token)


def checkpoint() -> None:
    """A place where long computations may end, called within their loops: they know nothing of who waits for them.

    Raises:
        Cancelled: Somebody has stopped the work that this is a part of.
    """
    _work.get()[0]()


def map_on_cores(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """``Executor.map`` of the work that this is a part of."""
    results: list[R] = _work.get()[1].map(function, items)
    return results


def one_thread_each() -> AbstractContextManager[None]:
    """``Executor.one_thread_each`` of the work that this is a part of."""
    limit: AbstractContextManager[None] = _work.get()[1].one_thread_each()
    return limit


_work: ContextVar[tuple[Callable[[], None], Any]] = ContextVar("graft_work", default=(lambda: None, CORES))
"""What ends the work that a thread does, and what shares it out; ``Run.at_work`` says both."""


def on_sigterm(handle: Callable[[int, Any], Any]) -> AbstractContextManager[None]:
    """Within, SIGTERM is handled; where it was ignored, and off the main thread, which alone heeds it, it stays so.

    Args:
        handle: Is given the signal's number and the frame, as by ``signal.signal``.
    """
    return _handled(signal.SIGTERM, handle, signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN)


@contextmanager
def interrupts() -> Iterator[Callable[[], None]]:
    """Within, Ctrl-C is remembered: modules written in C drop what is raised while they are loaded.

    Where Ctrl-C does not raise ``KeyboardInterrupt``, and off the main thread, all stays as it is.

    Yields:
        Raises ``KeyboardInterrupt`` on the main thread where Ctrl-C came and was lost.
    """
    heard = threading.Event()

    def interrupt(number: int, frame: Any) -> None:
        heard.set()
        signal.default_int_handler(number, frame)

    def heed() -> None:
        if heard.is_set() and threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt

    with _handled(signal.SIGINT, interrupt, signal.getsignal(signal.SIGINT) is signal.default_int_handler):
        yield heed


@contextmanager
def _handled(number: int, handle: Callable[[int, Any], Any], wanted: bool) -> Iterator[None]:
    """Within, a signal is handled if that is wanted and this is the main thread."""
    if not wanted or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(number, handle)
    try:
        yield
    finally:
        signal.signal(number, before)
