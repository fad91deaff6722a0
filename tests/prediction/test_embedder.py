"""Single requests from many threads, embedded together."""

import re
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import numpy as np
import pytest

from children import forks, in_child
from contracts import BAD, GOOD
from graft.contracts import LIMITS, Float32, ItemLimits, Prepared
from graft.encoders import encoder_for
from graft.encoders.cache import Cache
from graft.encoders.embed import content_digest, content_key
from graft.errors import Cancelled, EncoderError, ItemError
from graft.executors import checkpoint, stopped_by, workers
from graft.prediction import embedder
from graft.prediction.embedder import TOGETHER, Embedder

LONG = 60


class Letters:
    """An encoder of texts that counts letters, tells what it was given at once, and can be held up."""

    name = version = fingerprint = "letters"
    modality, backend, stages, dim, batch_size, statistics = "text", "none", ((26,),), 26, 128, ()

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.may_go = threading.Event()
        self.may_go.set()
        self.held = threading.Semaphore(0)

    def prepare(self, content: bytes, limits: ItemLimits = LIMITS) -> Prepared:
        if not content:
            raise ItemError("empty", "The text is empty.", "Write one.")
        return Prepared(content.decode(), {})

    def embed(self, batch: Sequence[Any]) -> Float32:
        self.held.release()
        assert self.may_go.wait(LONG)
        checkpoint()  # as networks do between two calls
        self.batches.append(list(batch))
        if "crash" in batch:
            raise RuntimeError("the network cannot take this")
        if "no encoder" in batch:
            raise EncoderError("There is no encoder.", "Get one.")
        return np.array([[text.count(chr(97 + i)) for i in range(26)] for text in batch], np.float32)

    def warm(self) -> None:
        self.embed(["a"])

    def hold(self, own: Embedder) -> list[Future[Any]]:
        """Keep all threads busy until ``may_go``; what is asked for meanwhile has to wait."""
        self.may_go.clear()
        self.held = threading.Semaphore(0)
        waiting = []
        for _ in range(workers()):
            waiting += own.submit(self, [b"first"])
            assert self.held.acquire(timeout=LONG)
        return waiting


def expected(texts: Sequence[str]) -> Float32:
    return Letters().embed(texts)


@pytest.fixture
def letters() -> Letters:
    return Letters()


@pytest.mark.parametrize("modality", ["image", "text", "audio"])
def test_many_threads_get_what_each_would_alone(modality):
    encoder = encoder_for(modality)
    contents = [GOOD[modality](seed) for seed in range(24)]
    alone = np.concatenate([encoder.embed([encoder.prepare(content).value]) for content in contents])
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda content: embedder.embed(encoder, [content]), contents))
    x = np.concatenate([one.x for one in found])
    tolerance = 1e-2 if encoder.backend.endswith("bf16") else 1e-5
    assert np.abs(x - alone).max() <= tolerance * np.abs(alone).max()
    assert all(set(one.statistics) == set(encoder.statistics) for one in found)


def test_what_waits_goes_together_and_no_more_than_so_many(letters):
    own = Embedder()
    first = letters.hold(own)
    texts = [f"text {chr(97 + i)}" for i in range(20)]
    with ThreadPoolExecutor(20) as pool:  # from a thread each
        later = [
            future for asked in pool.map(lambda text: own.submit(letters, [text.encode()]), texts) for future in asked
        ]
    letters.may_go.set()
    x = np.stack([future.result(LONG).entry.vector for future in later])
    assert np.array_equal(x, expected(texts))
    wait(first, LONG)
    sizes = [len(batch) for batch in letters.batches if batch != ["first"]]
    assert sorted(sizes) == [4, TOGETHER, TOGETHER]


def test_a_request_is_served_at_once_where_nobody_else_asks(letters):
    assert np.array_equal(Embedder().embed(letters, [b"abc"]).x, expected(["abc"]))
    assert letters.batches == [["abc"]]


def test_answers_stand_in_the_order_of_the_request(letters):
    texts = [chr(97 + i % 26) * (i + 1) for i in range(50)]
    found = Embedder().embed(letters, [text.encode() for text in texts])
    assert np.array_equal(found.x, expected(texts))
    assert found.rows.tolist() == list(range(50))


def test_nothing_asked_nothing_answered(letters):
    assert Embedder().embed(letters, []).x.shape == (0, 26)


@pytest.mark.parametrize("modality", ["image", "text", "audio"])
def test_a_broken_item_fails_alone(modality):
    encoder = encoder_for(modality)
    bad, good = BAD[modality], [GOOD[modality](0), GOOD[modality](1)]
    found = embedder.embed(encoder, [good[0], *bad, good[1]])
    assert found.rows.tolist() == [0, len(bad) + 1]
    assert sorted(found.skipped) == list(range(1, len(bad) + 1))
    assert all(isinstance(error, ItemError) and error.reason for error in found.skipped.values())


def test_what_the_network_cannot_take_fails_alone(letters):
    own = Embedder()
    letters.hold(own)
    good, bad, other = (own.submit(letters, [content])[0] for content in (b"good", b"crash", b"other"))
    letters.may_go.set()
    with pytest.raises(RuntimeError, match="cannot take this"):
        bad.result(LONG)
    assert np.array_equal(good.result(LONG).entry.vector, expected(["good"])[0])
    assert np.array_equal(other.result(LONG).entry.vector, expected(["other"])[0])


def test_an_encoder_that_cannot_be_had_is_said_to_all(letters):
    own = Embedder()
    letters.hold(own)
    asked = [own.submit(letters, [content])[0] for content in (b"good", b"no encoder")]
    letters.may_go.set()
    for future in asked:
        with pytest.raises(EncoderError, match="There is no encoder"):
            future.result(LONG)
    assert np.array_equal(own.embed(letters, [b"abc"]).x, expected(["abc"]))


def test_what_nobody_waits_for_any_more_is_not_embedded(letters):
    own = Embedder()
    letters.hold(own)
    gone, kept = own.submit(letters, [b"gone", b"kept"])
    assert gone.cancel()
    letters.may_go.set()
    kept.result(LONG)
    assert ["kept"] in letters.batches


def test_each_encoder_has_a_line_of_its_own(letters):
    own, other = Embedder(), Letters()
    letters.hold(own)
    here, there = own.submit(letters, [b"here"])[0], own.submit(other, [b"there"])[0]
    letters.may_go.set()
    wait([here, there], LONG)
    assert ["here"] in letters.batches
    assert other.batches == [["there"]]
    assert not own._lines  # and none is remembered once nobody waits


def test_each_cache_has_a_line_of_its_own(letters, tmp_path):
    own, contents = Embedder(), [b"mine", b"theirs", b"of nobody"]
    mine, theirs = Cache(tmp_path, secret=b"1" * 16), Cache(tmp_path, secret=b"2" * 16)
    letters.hold(own)
    asked = [
        own.submit(letters, [content], cache)[0] for content, cache in zip(contents, (mine, theirs, None), strict=True)
    ]
    letters.may_go.set()
    for future in asked:
        future.result(LONG)
    keys = [content_key(letters, content_digest(content)) for content in contents]
    assert (set(mine.get(keys)), set(theirs.get(keys))) == ({keys[0]}, {keys[1]})


def test_who_stops_his_own_work_stops_nobody_elses(letters):
    def stop() -> None:
        raise Cancelled("Stopped.", "Begin again.")

    own = Embedder()
    letters.hold(own)
    with stopped_by(stop):
        (mine,) = own.submit(letters, [b"mine"])
    (other,) = own.submit(letters, [b"other"])
    letters.may_go.set()
    assert np.array_equal(other.result(LONG).entry.vector, expected(["other"])[0])
    assert np.array_equal(mine.result(LONG).entry.vector, expected(["mine"])[0])


def test_what_was_embedded_is_not_embedded_again(letters, tmp_path):
    cache = Cache(tmp_path)
    cold = embedder.embed(letters, [b"abc", b"b"], cache)
    warm = embedder.embed(letters, [b"b", b"abc", b"c"], cache)
    assert (cold.hits, cold.misses, warm.hits, warm.misses) == (0, 2, 2, 1)
    assert np.array_equal(warm.x, expected(["b", "abc", "c"]))
    assert letters.batches == [["abc", "b"], ["c"]]


def test_without_a_cache_nothing_is_kept(letters, tmp_path):
    embedder.embed(letters, [b"abc"])
    assert embedder.embed(letters, [b"abc"]).misses == 1


def test_all_share_the_threads_of_the_process(letters):
    for _ in range(3):
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda i: Embedder().embed(letters, [b"abc"] * 20), range(8)))
    assert sum(thread.name.startswith("graft_") for thread in threading.enumerate()) <= workers()


@forks
def test_a_forked_child_serves_its_own_requests(letters):
    own = Embedder()
    before = own.embed(letters, [b"abc"]).x
    first = letters.hold(own)
    waiting = own.submit(letters, [b"the parent's"])

    def work() -> tuple[bool, int]:
        letters.may_go.set()
        letters.batches.clear()
        same = np.array_equal(own.embed(letters, [b"abc"]).x, before)
        return same, len(letters.batches)

    try:
        assert in_child(work) == (True, 1)  # and not what waits in the parent
    finally:
        letters.may_go.set()
    wait([*first, *waiting], LONG)
    assert np.array_equal(waiting[0].result().entry.vector, expected(["the parent's"])[0])


@pytest.mark.parametrize(
    ("modality", "limits", "found"),
    [
        ("image", ItemLimits(pixels=10_000), "The picture is 320 x 240 pixels"),
        ("text", ItemLimits(characters=10), r"The text has \d+ characters; the limit is 10\."),
        ("audio", ItemLimits(seconds=0.1), r"The recording is 0\.4 seconds long; the limit is 0\.1\."),
        ("image", ItemLimits(bytes=100), r"The item has [\d,]+ bytes; the limit is 100\."),
    ],
)
def test_a_server_may_lower_what_it_takes(modality, limits, found, tmp_path):
    encoder, content, cache = encoder_for(modality), GOOD[modality](0), Cache(tmp_path)
    refused = embedder.embed(encoder, [content], cache, limits).skipped[0]
    assert refused.reason == "too_large"
    assert re.match(found, refused.message)
    assert embedder.embed(encoder, [content], cache).rows.tolist() == [0]


def test_who_has_other_limits_waits_in_another_line(letters):
    own = Embedder()
    letters.hold(own)
    strict = own.submit(letters, [b"four"], limits=ItemLimits(bytes=3))[0]
    usual = own.submit(letters, [b"five"])[0]
    letters.may_go.set()
    assert np.array_equal(usual.result(LONG).entry.vector, expected(["five"])[0])
    with pytest.raises(ItemError, match="4 bytes; the limit is 3"):
        strict.result(LONG)
