"""Children in which files are decoded: what one takes with it is one item."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest

import graft
import shapes
from serving_checks import in_base64, same

pytest.importorskip("fastapi", reason="FastAPI is not installed: pip install 'graft-learn[serve]'")

from graft.contracts import LIMITS, Prepared
from graft.encoders import encoder_for
from graft.errors import ItemError
from graft.serving import decoders as module
from graft.serving.decoders import Decoders
from graft.serving.limits import ServerLimits
from graft.serving.packing import pack_prepared, unpack_prepared

PHOTO = shapes.encoded("circle", 1)


def die(content: bytes) -> bytes:
    """What a damaged file may do to its decoder."""
    os.kill(os.getpid(), signal.SIGSEGV)
    return content


def take_memory(content: bytes) -> bytes:
    """More than a child may have."""
    return bytes(int(content))


def spin(content: bytes) -> bytes:
    """For ever."""
    while True:
        pass


def threads(content: bytes) -> bytes:
    """How many threads there are after a matrix product."""
    matrix = np.ones((600, 600), np.float32)
    assert (matrix @ matrix).shape == (600, 600)
    return str(sum(1 for _ in Path("/proc/self/task").iterdir())).encode()


def limits(content: bytes) -> bytes:
    """Of memory and of time."""
    import resource

    return repr([resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU)]).encode()


READERS = {b"d": die, b"m": take_memory, b"s": spin, b"t": threads, b"l": limits}


@pytest.fixture(scope="module")
def one_child():
    found = Decoders(encoder_for("image"), ServerLimits().item, READERS, children=1)
    found.start()
    yield found
    found.stop()


def decoded(children: Decoders) -> np.ndarray:
    value: np.ndarray = unpack_prepared(children.submit(PHOTO).result()).value
    return value


def test_a_child_decodes_as_the_encoder_does(one_child: Decoders) -> None:
    assert np.array_equal(decoded(one_child), encoder_for("image").prepare(PHOTO).value)


def test_a_child_that_dies_costs_its_item_an_error_and_the_next_is_answered(one_child: Decoders) -> None:
    found = [one_child.submit(b"", b"d"), one_child.submit(PHOTO), one_child.submit(b"no picture")]
    with pytest.raises(ItemError, match="ended") as error:
        found[0].result()
    assert error.value.reason == "corrupt"
    assert unpack_prepared(found[1].result()).value.shape == (224, 224, 3)
    with pytest.raises(ItemError, match="not a picture"):
        found[2].result()


def test_a_child_takes_no_more_than_its_memory_and_goes_on(one_child: Decoders) -> None:
    before = one_child.died
    with pytest.raises(ItemError, match="memory") as error:
        one_child.submit(b"2000000000", b"m").result()
    assert error.value.reason == "too_large"
    assert one_child.died == before
    assert decoded(one_child).shape == (224, 224, 3)
    memory, time = eval(one_child.submit(b"", b"l").result())
    assert 800_000_000 < memory < 2_000_000_000
    assert 0 < time < 1000


def test_a_child_that_does_not_answer_is_replaced(one_child: Decoders, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded(one_child)
    monkeypatch.setattr(module, "PATIENCE", 0.2)
    slow = one_child.submit(b"", b"s")
    with pytest.raises(ItemError, match="longer than") as error:
        slow.result()
    assert error.value.reason == "too_slow"
    monkeypatch.undo()
    assert decoded(one_child).shape == (224, 224, 3)


def test_a_child_is_replaced_after_so_many_items(one_child: Decoders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RECYCLED", 1)
    assert [decoded(one_child).shape for _ in range(3)] == [(224, 224, 3)] * 3
    assert one_child.submit(b"", b"l").result()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="this system does not say how many threads there are")
def test_a_child_has_one_thread(one_child: Decoders) -> None:
    assert one_child.submit(b"", b"t").result() == b"1"


def test_there_are_no_more_children_than_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, children in ((1, 1), (2, 2), (64, 4)):
        monkeypatch.setattr(module, "workers", lambda cores=cores: cores)
        assert len(Decoders(encoder_for("image"), LIMITS)._threads) == children


def test_a_file_that_kills_its_decoder_fails_alone(start, saved: Path, model: graft.Model, monkeypatch) -> None:
    """Through the whole server: the child is killed from outside in the middle of an item."""
    server = start(saved)
    decoders = server.server.decoders
    decoders._arguments[2][b"d"] = die
    assert decoders.submit(b"", b"d").exception() is not None
    reply = server.predict({"images": [in_base64(PHOTO), "AAAA"]})
    same(reply.json["predictions"][:1], model.predict([PHOTO], cache=None))


@pytest.mark.parametrize(
    "value",
    [
        np.arange(12, dtype=np.uint8).reshape(2, 2, 3),
        (np.ones((3, 2), np.float32),),
        ((np.zeros(2, np.int64), np.ones((1, 1), np.float32)), (np.ones(0, np.float32),)),
    ],
)
def test_arrays_travel_as_they_are(value) -> None:
    found = unpack_prepared(pack_prepared(Prepared(value, {"width": 3.0})))
    assert found.statistics == {"width": 3.0}

    def equal(a, b) -> bool:
        if isinstance(a, tuple):
            return len(a) == len(b) and all(map(equal, a, b))
        return bool(a.dtype == b.dtype and a.shape == b.shape and (a == b).all())

    assert equal(value, found.value)


@pytest.mark.parametrize("message", [b"", b"\x05\0\0\0{}", b"\xff\xff\xff\xff", b"\2\0\0\0{}"])
def test_a_message_that_is_none_is_refused(message: bytes) -> None:
    with pytest.raises((ValueError, LookupError, TypeError, module.struct.error)):
        unpack_prepared(message)
