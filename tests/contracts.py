"""Checks that every encoder and every head must pass; a new line in a table is checked by itself.

Each check takes the part and fails where it does not keep its contract.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

from graft.contracts import Encoder, Head
from graft.errors import ItemError

GOOD = {"image": lambda seed: _picture(seed), "text": lambda seed: _text(seed), "audio": lambda seed: _sound(seed)}
BAD = {
    "image": [b"", b"not a picture", b"\xff\xd8\xff\xe0 cut short"],
    "text": [b"", b" \n\t "],
    "audio": [b"", b"not a recording", b"RIFF\x10\x00\x00\x00WAVEcut short"],
}


def check_shape_and_type(encoder: Encoder) -> None:
    """Embeddings are ``(n, dim) float32``, finite, and the stages sum to ``dim``."""
    x = encoder.embed(_batch(encoder, 3))
    assert x.shape == (3, encoder.dim)
    assert x.dtype == np.float32
    assert np.isfinite(x).all()
    assert sum(map(sum, encoder.stages)) == encoder.dim


def check_batch_invariance(encoder: Encoder) -> None:
    """An item's embedding does not depend on its neighbours in the batch, up to the rounding of the precision.

    A runtime may add up in another order for another size of batch; a bf16 number has 8 significant bits.
    """
    batch = _batch(encoder, 5)
    whole = encoder.embed(batch)
    alone = np.concatenate([encoder.embed([value]) for value in batch])
    tolerance = 1e-2 if encoder.backend.endswith("bf16") else 1e-5
    assert np.abs(whole - alone).max() <= tolerance * np.abs(whole).max()


def check_determinism(encoder: Encoder) -> None:
    """The same content gives the same embedding, digit for digit."""
    assert np.array_equal(encoder.embed(_batch(encoder, 4)), encoder.embed(_batch(encoder, 4)))


def check_bad_items_are_named(encoder: Encoder) -> None:
    """Bad content raises ``ItemError`` with a reason, and leaves the encoder in order."""
    before = encoder.embed(_batch(encoder, 1))
    for content in BAD[encoder.modality]:
        with pytest.raises(ItemError) as caught:
            encoder.prepare(content)
        assert caught.value.reason
        assert caught.value.message
    assert np.array_equal(before, encoder.embed(_batch(encoder, 1)))


def check_statistics(encoder: Encoder) -> None:
    """What is promised to be measured is measured."""
    statistics = encoder.prepare(GOOD[encoder.modality](0)).statistics
    assert set(statistics) == set(encoder.statistics)
    assert all(np.isfinite(value) for value in statistics.values())


def check_threads(encoder: Encoder) -> None:
    """Several threads may use one encoder."""
    batch = _batch(encoder, 4)
    expected = encoder.embed(batch)
    found: list[bool] = []
    threads = [
        threading.Thread(target=lambda: found.append(np.array_equal(encoder.embed(batch), expected))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 4


def check_identity(encoder: Encoder) -> None:
    """Version and fingerprint are there, and the fingerprint holds the version."""
    assert encoder.version
    assert encoder.version in encoder.fingerprint
    assert encoder.name in encoder.fingerprint


def check_warm(encoder: Encoder) -> None:
    """Warming changes nothing, and may be asked for at any time."""
    before = encoder.embed(_batch(encoder, 2))
    encoder.warm()
    assert np.array_equal(encoder.embed(_batch(encoder, 2)), before)


def check_learns(head: Head) -> None:
    """Well separated classes are told apart on rows that were held out."""
    x, y = _blobs(n=90, d=20, k=3)
    weights = (np.arange(90) // 3 % 3 != 0).astype(np.float32)[None]
    for linear in head.fit(x, y, 3, weights, head.strengths)[0]:
        held_out = weights[0] == 0
        assert (linear.scores(x[held_out]).argmax(axis=1) == y[held_out]).mean() > 0.95


def check_head_shapes(head: Head) -> None:
    """One ``Linear`` for each subset and strength, in float32."""
    x, y = _blobs(n=40, d=7, k=4)
    found = head.fit(x, y, 4, np.ones((3, 40), np.float32), head.strengths)
    assert [len(row) for row in found] == [len(head.strengths)] * 3
    for linear in found[0]:
        assert linear.weights.shape == (7, 4)
        assert linear.bias.shape == (4,)
        assert linear.weights.dtype == linear.bias.dtype == np.float32


def check_a_mask_is_a_subset(head: Head) -> None:
    """A row of weight 0 is as good as not there, in more and in fewer dimensions than rows."""
    for d in (10, 100):
        x, _ = _blobs(n=60, d=d, k=3)
        y = np.random.default_rng(1).integers(0, 3, 60)  # by chance, so that every row pulls the head its way
        kept = np.arange(60) % 4 != 0
        masked = head.fit(x, y, 3, kept.astype(np.float32)[None], head.strengths[:1])[0][0]
        alone = head.fit(x[kept], y[kept], 3, np.ones((1, int(kept.sum())), np.float32), head.strengths[:1])[0][0]
        a, b = _probabilities(masked.scores(x)), _probabilities(alone.scores(x))
        assert np.abs(a - b).max() < 0.01


def check_many_at_once_is_one_by_one(head: Head) -> None:
    """Subsets that are fitted together do not see each other."""
    x, y = _blobs(n=60, d=30, k=3)
    masks = (np.arange(60)[None] % 5 != np.arange(5)[:, None]).astype(np.float32)
    together = head.fit(x, y, 3, masks, head.strengths[:2])
    for mask, row in zip(masks, together, strict=True):
        for linear, other in zip(row, head.fit(x, y, 3, mask[None], head.strengths[:2])[0], strict=True):
            assert np.abs(_probabilities(linear.scores(x)) - _probabilities(other.scores(x))).max() < 0.01


def check_a_missing_class_is_never_named(head: Head) -> None:
    """A class without rows in a subset gets a very low score."""
    x, y = _blobs(n=60, d=10, k=3)
    without = (y != 1).astype(np.float32)[None]
    for linear in head.fit(x, y, 3, without, head.strengths)[0]:
        assert (linear.scores(x).argmax(axis=1) != 1).all()
        assert np.isfinite(linear.scores(x)).all()


def check_one_item_a_class(head: Head) -> None:
    """One shot is enough for a fit."""
    x, y = _blobs(n=3, d=50, k=3)
    for linear in head.fit(x, y, 3, np.ones((1, 3), np.float32), head.strengths)[0]:
        assert (linear.scores(x).argmax(axis=1) == y).all()


def check_extremes(head: Head) -> None:
    """Features that are constant, or the same for all rows, give finite scores."""
    y = np.arange(20) % 2
    for x in (np.zeros((20, 5), np.float32), np.ones((20, 5), np.float32), np.eye(20, dtype=np.float32)):
        for linear in head.fit(x, y, 2, np.ones((1, 20), np.float32), head.strengths)[0]:
            assert np.isfinite(linear.scores(x)).all()


ENCODER_CHECKS: list[Callable[[Encoder], None]] = [
    check_shape_and_type,
    check_batch_invariance,
    check_determinism,
    check_bad_items_are_named,
    check_statistics,
    check_threads,
    check_identity,
    check_warm,
]
HEAD_CHECKS: list[Callable[[Head], None]] = [
    check_learns,
    check_head_shapes,
    check_a_mask_is_a_subset,
    check_many_at_once_is_one_by_one,
    check_a_missing_class_is_never_named,
    check_one_item_a_class,
    check_extremes,
]


def _batch(encoder: Encoder, n: int) -> list[object]:
    return [encoder.prepare(GOOD[encoder.modality](seed)).value for seed in range(n)]


def _picture(seed: int) -> bytes:
    import io

    from PIL import Image

    pixels = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((320, 240), Image.Resampling.BICUBIC).save(buffer, "JPEG")
    return buffer.getvalue()


def _text(seed: int) -> bytes:
    """Of different length, the longest beyond any network's window."""
    words = ("the", "parcel", "never", "came", "where", "is", "my", "refund", "Grüße", "\N{SNOWMAN}", "日本語")
    random = np.random.default_rng(seed)
    return " ".join(random.choice(words, size=4 + 300 * (seed % 3))).encode()


def _sound(seed: int) -> bytes:
    """A chirp of a third of a second to more than two, at 8 kHz."""
    import io
    import wave

    seconds = np.arange(3000 + 8000 * (seed % 3)) / 8000
    tone = np.sin(2 * np.pi * (200 + 40 * seed) * seconds * (1 + seconds)) * np.hanning(len(seconds))
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((20000 * tone).astype("<i2").tobytes())
    return buffer.getvalue()


def _blobs(n: int, d: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit rows around ``k`` directions, classes in turn."""
    random = np.random.default_rng(0)
    y = np.arange(n) % k
    x = random.normal(size=(k, d))[y] + 0.3 * random.normal(size=(n, d))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32), y


def _probabilities(scores: np.ndarray) -> np.ndarray:
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)
