import io
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graft.data.dataset import File, Item, Memory
from graft.encoders import ENCODERS, encoder_for
from graft.encoders.cache import Cache
from graft.encoders.embed import chunks_of, embed
from graft.errors import UsageError
from graft.executors import CORES, workers
from graft.run import Run


def picture(seed: int, side: int = 64) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (4, 4, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return [Memory(picture(seed), f"picture {seed}") for seed in range(20)]


def test_rows_stand_in_the_items_order(items):
    encoder = encoder_for("image")
    whole = embed(encoder, items)
    assert whole.rows.tolist() == list(range(20))
    assert whole.x.shape == (20, encoder.dim)
    assert whole.x.dtype == np.float32
    for row in (0, 7, 19):
        alone = embed(encoder, [items[row]]).x[0]
        distance = np.linalg.norm(whole.x - alone, axis=1)
        assert distance.argmin() == row
        assert distance[row] <= 0.01 * np.linalg.norm(alone)  # another size of batch, in bf16 where there is
    assert set(whole.statistics) == set(encoder.statistics)
    assert (whole.statistics["width"] == 64).all()


def test_what_is_in_the_cache_is_not_embedded_again(items, tmp_path):
    encoder, cache = encoder_for("image"), Cache(tmp_path)
    cold = embed(encoder, items, Run(cache))
    warm = embed(encoder, items[5:] + items[:5], Run(Cache(tmp_path)))
    assert (cold.hits, cold.misses) == (0, 20)
    assert (warm.hits, warm.misses) == (20, 0)
    assert np.array_equal(np.roll(cold.x, -5, axis=0), warm.x)
    assert np.array_equal(np.roll(cold.statistics["brightness"], -5), warm.statistics["brightness"])


def test_the_same_content_under_another_name_is_a_hit(items, tmp_path):
    encoder, cache = encoder_for("image"), Cache(tmp_path)
    embed(encoder, items[:1], Run(cache))
    assert embed(encoder, [Memory(picture(0), "copy")], Run(cache)).hits == 1


def test_another_backend_has_entries_of_its_own(items, tmp_path):
    cache = Cache(tmp_path)
    embed(encoder_for("image", backend="openvino"), items[:2], Run(cache))
    assert embed(encoder_for("image", backend="onnxruntime"), items[:2], Run(cache)).hits == 0


def test_bad_items_are_named_and_the_others_served(items, tmp_path):
    bad = [Memory(b"", "empty.jpg"), Memory(b"no picture at all", "text.jpg"), File(tmp_path / "gone.jpg", "gone.jpg")]
    bad.append(Memory(picture(3)[:-200], "cut.png"))
    mixed = [bad[0], items[0], bad[1], items[1], bad[2], bad[3]]
    found = embed(encoder_for("image"), mixed, Run(Cache(tmp_path / "cache")))
    assert found.rows.tolist() == [1, 3]
    assert [entry.path for entry in found.skipped_items(mixed)] == ["empty.jpg", "text.jpg", "gone.jpg", "cut.png"]
    assert all(entry.reason for entry in found.skipped_items(mixed))
    assert np.array_equal(found.x, embed(encoder_for("image"), items[:2]).x)


def test_nothing_in_nothing_out():
    found = embed(encoder_for("image"), [])
    assert found.x.shape == (0, encoder_for("image").dim)


def test_a_stream_takes_only_a_few_chunks_ahead(items):
    taken = 0

    def endless() -> Iterator[Item]:
        nonlocal taken
        while True:
            taken += 1
            yield items[0]

    encoder = encoder_for("image")
    chunks = chunks_of(encoder, endless())
    for _ in range(3):
        next(chunks)
    assert taken <= (3 + 2 * workers()) * encoder.batch_size
    chunks.close()


def test_several_threads_may_share_an_encoder(items):
    encoder = encoder_for("image")
    expected = embed(encoder, items).x
    found: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: found.append(embed(encoder, items).x)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(np.array_equal(x, expected) for x in found)


def test_the_threads_that_embed_may_ask_for_embeddings_themselves(items):
    """As where copies are looked for beside something else; all of them at once, none may wait for another."""
    encoder = encoder_for("image")
    expected = embed(encoder, items).x
    busy = threading.Barrier(CORES.workers)

    def work() -> np.ndarray:
        busy.wait(60)
        return embed(encoder, items).x

    found = [CORES.submit(work) for _ in range(CORES.workers)]
    assert all(np.array_equal(future.result(120), expected) for future in found)


def test_the_table_tells_the_truth():
    for key, card in ENCODERS.items():
        encoder = encoder_for(key)
        assert (encoder.name, encoder.modality, encoder.dim) == (card.name, card.modality, card.dim)
        assert encoder_for(card.name) is encoder


def test_an_unknown_encoder_is_named():
    with pytest.raises(UsageError, match=r"There is no encoder 'resnet'\. Choose one of image \(efficientnet-lite0\)"):
        encoder_for("resnet")


def test_a_reason_does_not_repeat_the_name(tmp_path):
    items = [File(tmp_path / "gone.jpg", "gone.jpg"), Memory(b"", "b.jpg")]
    reasons = [one.reason for one in embed(encoder_for("image"), items).skipped_items(items)]
    assert reasons == ["It cannot be read: No such file or directory.", "The file is empty."]


def test_real_photos_of_a_kind_lie_together(shared: Path):
    photos = [
        File(path, path.name)
        for kind in ("ants", "bees")
        for path in sorted((shared / "ants_bees" / "train" / kind).iterdir())[:40]
    ]
    found = embed(encoder_for("image"), photos)
    x = found.x[:, -1280:]
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    similar = x @ x.T - 2 * np.eye(len(x))
    bees = np.array([photos[row].path.parent.name == "bees" for row in found.rows])
    assert (bees[similar.argmax(axis=1)] == bees).mean() > 0.8
