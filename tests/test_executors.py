"""Working side by side: one thread for each matrix product, and what a forked child finds."""

import os
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import graft
from children import forks, in_child
from graft import executors
from graft.encoders import encoder_for
from graft.encoders.cache import Cache, Entry
from graft.errors import Cancelled
from graft.executors import (
    CORES,
    Cores,
    checkpoint,
    cores_granted,
    map_on_cores,
    map_waiting,
    one_thread_each,
    renew_in_child,
    stopped_by,
)
from graft.model.fitting import fit_embedded
from graft.run import Run, Stopwatch
from graft.tasks.examples import embed_dataset

T = TypeVar("T")
R = TypeVar("R")


def blas_threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_the_last_to_leave_puts_back_what_was_there() -> None:
    with threadpool_limits(limits=2, user_api="blas"):
        inside, over = threading.Event(), threading.Event()

        def overlap() -> None:
            with one_thread_each():
                inside.set()
                over.wait()

        other = threading.Thread(target=overlap)
        with one_thread_each():
            other.start()
            inside.wait()
            assert blas_threads() == {1}
        assert blas_threads() == {1}  # the other is still at work
        over.set()
        other.join()
        assert blas_threads() == {2}


def test_a_limit_within_a_limit_and_one_that_fails_leave_nothing_behind() -> None:
    with threadpool_limits(limits=2, user_api="blas"):
        with pytest.raises(ZeroDivisionError), one_thread_each():
            map_on_cores(lambda divisor: 1 // divisor, [1, 0])
        assert blas_threads() == {2}


@forks
def test_a_child_does_not_keep_the_limit_of_threads_that_it_lacks() -> None:
    with threadpool_limits(limits=2, user_api="blas"):
        inside, over = threading.Event(), threading.Event()

        def elsewhere() -> None:
            with one_thread_each():
                inside.set()
                over.wait()

        other = threading.Thread(target=elsewhere)
        other.start()
        inside.wait()
        try:
            assert in_child(blas_threads) == {2}
            with one_thread_each():
                assert in_child(blas_threads) == {1}
        finally:
            over.set()
            other.join()


@forks
def test_a_lock_that_another_thread_holds_is_open_in_a_child() -> None:
    class Owner:
        def __init__(self) -> None:
            self.lock = threading.Lock()
            self.known = "what the parent knows"
            renew_in_child(self, lock=threading.Lock, known=None)

    owner = Owner()
    with owner.lock:
        assert in_child(lambda: owner.lock.acquire(blocking=False) and not hasattr(owner, "known"))
    assert owner.known


@forks
def test_a_cache_that_is_in_use_serves_a_child(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put("e", {b"before": Entry(np.ones(3, np.float32), {})})

    def work() -> list[bytes]:
        cache.put("e", {b"child": Entry(np.zeros(3, np.float32), {})})
        return sorted(cache.get([b"before", b"child"]))

    with cache._lock:  # as another thread would that is reading at that moment
        assert in_child(work) == [b"before", b"child"]
    assert sorted(cache.get([b"before", b"child"])) == [b"before", b"child"]


@forks
def test_a_child_answers_as_its_parent_did(model: graft.Model, photos: Path) -> None:
    """OpenVINO's threads are not there in a child, which would wait for them for ever."""
    items = sorted(photos.rglob("*.*"))[:4]
    before = model.predict(items)  # the network is open now
    labels, backend = in_child(lambda: ([answer.label for answer in model.predict(items)], model.encoder.backend))  # type: ignore[union-attr]
    assert labels == [answer.label for answer in before]
    assert backend == "onnxruntime f32"
    assert model.encoder is not None
    assert model.encoder.backend == model.report.backend  # the parent goes on as it was


@forks
def test_a_child_fits_and_its_embeddings_are_kept_as_what_they_are(model: graft.Model, photos: Path) -> None:
    assert model.encoder is not None
    in_the_child = in_child(lambda: (graft.fit(photos).report.accuracy.value, model.encoder.fingerprint))  # type: ignore[union-attr]
    assert in_the_child[0] == pytest.approx(model.report.accuracy.value, abs=0.15)
    assert "onnxruntime:f32" in in_the_child[1]


@forks
def test_a_child_of_a_child_answers(model: graft.Model, photos: Path) -> None:
    items = sorted(photos.rglob("*.*"))[:2]
    labels = [answer.label for answer in model.predict(items)]

    def again() -> list[str]:
        return [answer.label for answer in model.predict(items)]

    def twice() -> tuple[list[str], list[str]]:
        return again(), in_child(again)

    assert in_child(twice) == (labels, labels)


def test_work_within_work_waits_for_no_thread() -> None:
    def nested(depth: int) -> int:
        return 1 if depth == 0 else sum(CORES.map(nested, [depth - 1] * 3))

    assert sum(CORES.map(nested, [4] * 4)) == 4 * 3**4
    assert CORES.both(lambda: nested(2), lambda: CORES.both(lambda: nested(1), lambda: nested(0))) == (9, (3, 1))


def test_threads_are_made_once() -> None:
    names: set[str] = set()
    both = threading.Barrier(min(2, CORES.workers))

    def meet(_: int) -> None:
        names.add(threading.current_thread().name)
        both.wait(10)

    for _ in range(20):
        CORES.map(meet, range(min(2, CORES.workers)))
    assert len(names) <= 1 + CORES.workers  # the caller's and the pool's


def test_of_several_exceptions_that_of_the_first_item_is_raised_and_nothing_is_begun_after_one() -> None:
    begun: list[int] = []

    def fail(item: int) -> None:
        begun.append(item)
        raise ValueError(item)

    with pytest.raises(ValueError, match=r"^0$"):
        CORES.map(fail, range(1000))
    assert len(begun) <= CORES.workers


@forks
def test_a_child_has_threads_of_its_own() -> None:
    assert CORES.map(abs, range(-9, 0)) == list(range(9, 0, -1))
    assert in_child(lambda: CORES.map(abs, range(-9, 0))) == list(range(9, 0, -1))


def test_stopped_work_ends_on_every_thread_and_in_its_loops() -> None:
    cancelled = threading.Event()
    run = Run(cancelled=cancelled)

    def endless(_: int) -> None:
        cancelled.set()
        while True:
            checkpoint()

    with pytest.raises(Cancelled), run.working("fit"):
        CORES.map(endless, range(8))
    checkpoint()  # of nobody's work
    with pytest.raises(Cancelled), run.working("fit"):
        pytest.fail("begun")
    with pytest.raises(Cancelled):
        run.tell("fit", 0, 1)


def test_work_that_is_not_stopped_goes_on_beside_work_that_is() -> None:
    cancelled = threading.Event()
    cancelled.set()
    over: list[str] = []

    def other() -> None:
        with Run().working("fit"):
            CORES.map(lambda _: checkpoint(), range(100))
        over.append("done")

    thread = threading.Thread(target=other)
    with stopped_by(Run(cancelled=cancelled).check):
        thread.start()
        thread.join()
        with pytest.raises(Cancelled):
            checkpoint()
    assert over == ["done"]


class Alone(Cores):
    """An executor of one's own: everything on the thread that asks, and counted."""

    workers = 1

    def __init__(self) -> None:
        super().__init__()
        self.maps = self.limits = 0

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        self.maps += 1
        return [function(item) for item in items]

    def one_thread_each(self) -> AbstractContextManager[None]:
        self.limits += 1
        return super().one_thread_each()


def test_what_a_run_computes_is_shared_out_by_its_executor_wherever_that_is() -> None:
    alone = Alone()
    with Run(executor=alone).working("fit"):
        assert set(map_on_cores(lambda _: threading.current_thread(), range(9))) == {threading.current_thread()}
        assert alone.submit(lambda: map_on_cores(abs, [-1])).result() == [1]  # on a thread that works for it too
        with one_thread_each():
            assert (alone.maps, alone.limits) == (2, 2)
    assert map_on_cores(abs, [-1]) == [1]
    assert (alone.maps, alone.limits) == (2, 2)


def test_a_fit_on_an_executor_of_ones_own_is_the_same_fit(photos: Path) -> None:
    alone = Alone()
    dataset = graft.read(photos)
    encoder = encoder_for("image")
    usable, embedded = embed_dataset(encoder, dataset, Run())
    mine, others = (
        fit_embedded(usable, embedded, encoder, graft.Recipe(), run) for run in (Run(executor=alone), Run())
    )
    assert alone.maps > 5
    assert np.array_equal(mine.model.classifier.linear.weights, others.model.classifier.linear.weights)


def test_a_clock_counts_the_seconds_of_each_step() -> None:
    ticks = iter(range(100))
    run = Run(clock=Stopwatch(lambda: float(next(ticks))))
    with run.working("fit"), run.clock.timing("embed"):
        pass
    assert run.clock.seconds() == {"read": 0.0, "embed": 1.0, "fit": 3.0, "evaluate": 0.0, "total": 5.0}


@pytest.mark.parametrize(
    ("groups", "files", "cores"),
    [
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "max 100000\n"}, sys.maxsize),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000", "a/cpu.max": "100000 100000"}, 1),
        ("0::/a/b\n", {"cpu.max": "50000 100000"}, 1),  # what a container sees of its own group is the root
        ("4:cpu,cpuacct:/a\n0::/\n", {"cpu/a/cpu.cfs_quota_us": "300000", "cpu/a/cpu.cfs_period_us": "100000"}, 3),
        (
            "4:cpu,cpuacct:/\n",
            {"cpu,cpuacct/cpu.cfs_quota_us": "-1", "cpu,cpuacct/cpu.cfs_period_us": "100000"},
            sys.maxsize,
        ),
        ("4:memory:/a\n", {"cpu/a/cpu.cfs_quota_us": "100000", "cpu/a/cpu.cfs_period_us": "100000"}, sys.maxsize),
        ("0::/\n", {"cpu.max": "100000 0\n"}, sys.maxsize),
        ("0::/\n", {"cpu.max": "\n"}, sys.maxsize),
        ("", {}, sys.maxsize),
    ],
)
def test_a_containers_share_of_the_processor_counts(
    tmp_path: Path, groups: str, files: dict[str, str], cores: int
) -> None:
    (tmp_path / "groups").write_text(groups)
    for name, content in files.items():
        (tmp_path / "mounted" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mounted" / name).write_text(content)
    assert cores_granted(tmp_path / "groups", tmp_path / "mounted") == cores
    assert cores_granted(tmp_path / "missing") == sys.maxsize


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not say which cores may be used")
def test_as_many_threads_as_the_narrowest_of_affinity_and_quota(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(64)))
    monkeypatch.setattr("graft.executors._granted", lambda: 2)
    assert executors.workers() == 2
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {5})
    assert executors.workers() == 1


def test_what_waits_is_done_at_once_in_order_and_broken_off_when_it_is_stopped() -> None:
    met, told, stopped = threading.Barrier(4), list[int](), threading.Event()

    def one(number: int) -> int:
        met.wait(60)  # four at a time
        return -number

    assert map_waiting(one, range(8), 4, told.append, stopped.set) == [-number for number in range(8)]
    assert (told[0], told[-1]) == (0, 8)
    assert stopped.is_set()

    def cancel(done: int) -> None:
        if done:
            raise Cancelled("It is enough.")

    class Asked(Sequence[int]):
        """Knows how many of it were taken: those that are under way, or wait for a thread."""

        taken = 0

        def __len__(self) -> int:
            return 1000

        def __getitem__(self, place: Any) -> Any:
            self.taken += 1
            return range(1000)[place]

    asked, over = Asked(), threading.Event()

    def wait_for_the_end(number: int) -> None:
        assert not number or over.wait(60)

    with pytest.raises(Cancelled):
        map_waiting(wait_for_the_end, asked, 2, cancel, over.set)
    assert asked.taken < 20
