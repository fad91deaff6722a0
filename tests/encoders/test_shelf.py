"""The encoders of a process: made once, without waiting for others, and put away when they take too much room."""

import gc
import pickle
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from children import forks, in_child
from contracts import GOOD
from graft.encoders import ENCODERS, encoder_for, moved_to
from graft.encoders.image import ImageEncoder
from graft.encoders.joined import JoinedEncoder
from graft.encoders.lru import SMALLEST, EncoderLRU
from graft.encoders.runtime import Backend
from graft.encoders.text import TextEncoder
from graft.errors import EncoderError, UsageError

LONG = 60
ORT = Backend("onnxruntime", "f32")


def an_encoder(megabytes: float = 1.0) -> ImageEncoder:
    return ImageEncoder(ORT, megabytes=megabytes)


def is_open(encoder: ImageEncoder) -> bool:
    return "_opened" in encoder.__dict__


def test_two_threads_that_ask_for_one_encoder_get_the_same():
    lru, made = EncoderLRU(), []
    asked, may_go = threading.Semaphore(0), threading.Event()

    def make() -> ImageEncoder:
        made.append(an_encoder())
        assert may_go.wait(LONG)
        return made[-1]

    def ask() -> object:
        asked.release()
        return lru.made("one", (), make)

    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(ask) for _ in range(4)]
        for _ in waiting:
            assert asked.acquire(timeout=LONG)
        may_go.set()
        found = [future.result(LONG) for future in waiting]
    assert len(made) == 1
    assert all(encoder is made[0] for encoder in found)


def test_who_asks_for_another_encoder_does_not_wait():
    lru, begun, may_go = EncoderLRU(), threading.Event(), threading.Event()

    def slow() -> ImageEncoder:
        begun.set()
        assert may_go.wait(LONG)
        return an_encoder()

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lru.made, "slow", (), slow)
        assert begun.wait(LONG)
        assert lru.made("fast", (), an_encoder).megabytes == 1.0
        assert not waiting.done()
        may_go.set()
        waiting.result(LONG)


def test_one_that_could_not_be_made_is_tried_again():
    lru = EncoderLRU()

    def fail() -> ImageEncoder:
        raise EncoderError("It cannot be had.", "Try again.")

    with pytest.raises(EncoderError):
        lru.made("one", (), fail)
    assert lru.made("one", (), an_encoder) is lru.made("one", (), fail)


def test_what_was_not_used_for_longest_is_put_away(monkeypatch):
    monkeypatch.setattr("graft.encoders.lru.LOADED", EncoderLRU(limit=40_000_000))
    first, second, third = an_encoder(19.0), an_encoder(18.0), an_encoder(18.5)
    picture = GOOD["image"](0)
    before = first.embed([first.prepare(picture).value])
    second.warm()
    assert is_open(first)
    assert is_open(second)
    first.warm()
    third.warm()
    assert [is_open(encoder) for encoder in (first, second, third)] == [True, False, True]
    assert np.array_equal(second.embed([second.prepare(picture).value]), before)  # whoever has it goes on
    assert [is_open(encoder) for encoder in (first, second, third)] == [False, True, True]


def test_one_that_is_too_large_alone_stays_while_it_is_used(monkeypatch):
    monkeypatch.setattr("graft.encoders.lru.LOADED", EncoderLRU(limit=1))
    first, second = an_encoder(), an_encoder()
    for encoder in (first, first, second):
        encoder.warm()
        assert is_open(encoder)
    assert not is_open(first)


def test_one_that_nobody_has_any_more_goes_when_it_is_put_away():
    lru = EncoderLRU(limit=1_500_000)
    gone = weakref.ref(lru.made("one", (), an_encoder))
    gc.collect()
    assert gone() is not None  # asked for again it would be the same
    kept = lru.made("two", (), an_encoder)
    gc.collect()
    assert gone() is None
    lru.made("three", (), an_encoder)
    assert lru.made("two", (), an_encoder) is kept


def test_one_that_is_forgotten_is_closed_and_may_be_asked_again(monkeypatch):
    lru = EncoderLRU()
    monkeypatch.setattr("graft.encoders.lru.LOADED", lru)
    kept, done = an_encoder(), an_encoder()
    for encoder in (kept, done):
        encoder.warm()
    lru.forget(done)
    assert [is_open(encoder) for encoder in (kept, done)] == [True, False]
    done.warm()
    assert is_open(done)


def test_the_environment_sets_the_limit(monkeypatch):
    lru, first, second = EncoderLRU(), an_encoder(), an_encoder()
    monkeypatch.setenv("GRAFT_ENCODERS_LIMIT", "1.5e6")
    first.warm()
    lru.use(first)
    lru.use(second)
    assert not is_open(first)
    monkeypatch.setenv("GRAFT_ENCODERS_LIMIT", "much")
    with pytest.raises(UsageError, match=r"GRAFT_ENCODERS_LIMIT is 'much'\. Give a number of bytes"):
        lru.use(first)


def test_opening_one_does_not_hold_up_another_of_its_kind(monkeypatch):
    begun, may_go = threading.Event(), threading.Event()
    slow, fast = TextEncoder(ORT), TextEncoder(ORT)
    whole = TextEncoder._open

    def _open(self: TextEncoder) -> object:
        if self is slow:
            begun.set()
            assert may_go.wait(LONG)
        return whole(self)

    monkeypatch.setattr(TextEncoder, "_open", _open)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(slow.warm)
        assert begun.wait(LONG)
        fast.warm()
        assert not waiting.done()
        may_go.set()
        waiting.result(LONG)


@pytest.mark.parametrize("key", ENCODERS)
def test_warm_opens_the_network_by_the_smallest_item(key):
    encoder = replace(encoder_for(key))
    assert not is_open(encoder)
    encoder.warm()
    assert is_open(encoder)
    assert encoder.embed([encoder.prepare(SMALLEST[encoder.modality]).value]).shape == (1, encoder.dim)
    assert not is_open(pickle.loads(pickle.dumps(encoder)))


def test_several_as_one_are_warmed_each():
    members = an_encoder(), an_encoder()
    JoinedEncoder(members).warm()
    assert all(map(is_open, members))


def test_the_table_says_how_large_they_are():
    assert all(encoder_for(key).megabytes == card.megabytes for key, card in ENCODERS.items())


@forks
def test_a_child_does_not_wait_for_what_its_parent_was_making():
    lru, begun, may_go = EncoderLRU(), threading.Event(), threading.Event()

    def slow() -> ImageEncoder:
        begun.set()
        assert may_go.wait(LONG)
        return an_encoder()

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lru.made, "one", (), slow)
        assert begun.wait(LONG)
        try:
            assert in_child(lambda: lru.made("one", (), an_encoder).megabytes) == 1.0
        finally:
            may_go.set()
        waiting.result(LONG)


def test_an_encoder_that_is_moved_twice_is_opened_once():
    encoder, backend = encoder_for("image"), Backend("onnxruntime", "f32")
    assert moved_to(encoder, backend) is moved_to(encoder, backend)
    assert moved_to(encoder, backend).backend == str(backend)
