"""Working side by side: one thread for each matrix product, and what a forked child finds."""

import threading
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import graft
from children import forks, in_child
from graft.encoders.cache import Cache, Entry
from graft.executors import map_on_cores, one_thread_each, renew_in_child


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
