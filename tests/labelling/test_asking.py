import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import graft
import shapes
from graft.decoding.sound import wav_bytes
from graft.errors import DataError, NothingToRead, UsageError
from graft.labelling import label_next
from graft.labelling import pool as pooling
from graft.model import fit_embeddings
from graft.samples.messages import write_messages, write_new_messages


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A model of four circles and four squares."""
    return graft.fit(shapes.folders(tmp_path_factory.mktemp("small") / "data", {"circle": 4, "square": 4}))


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    """Twenty photos without labels, two of them copies, four the model's own, and two that cannot be read."""
    folder = tmp_path_factory.mktemp("pool")
    for seed in range(100, 107):
        for label in ("circle", "square"):
            (folder / f"{label}{seed}.png").write_bytes(shapes.encoded(label, seed))
    for seed in range(2):
        for label in ("circle", "square"):
            (folder / f"own {label}{seed}.png").write_bytes(shapes.encoded(label, seed))
    for seed in (100, 101):
        (folder / f"copy{seed}.png").write_bytes(shapes.encoded("circle", seed))
    (folder / "cut.jpg").write_bytes(shapes.encoded("circle", 1, "JPEG", 300)[:2000])
    (folder / "empty.png").write_bytes(b"")
    return folder


def test_everything_in_a_folder_is_accounted_for(small, pool):
    found = label_next(small, pool, 5)
    assert len(found) == 5
    assert (found.n_items, found.n_labelled, found.n_copies) == (14, 4, 2)
    assert {skipped.code for skipped in found.skipped} == {"truncated", "empty"}
    assert {skipped.path for skipped in found.skipped} == {f"{pool}/cut.jpg", f"{pool}/empty.png"}
    names = [suggestion.item.name for suggestion in found]
    assert len(set(names)) == 5
    assert not any("own" in name for name in names)
    for suggestion in found:
        answer = small.predict_one(suggestion.item)
        assert (suggestion.predicted, suggestion.confidence) == (answer.label, pytest.approx(answer.confidence))
        assert suggestion.reason
    assert found[:2] == (found[0], found[1])


def test_the_same_twice_and_whatever_stands_in_memory(small, pool):
    again = [path.read_bytes() for path in sorted(pool.iterdir())]
    first, second = label_next(small, pool, 5), label_next(small, again, 5)
    assert [entry.item.read() for entry in first] == [entry.item.read() for entry in second]
    assert [entry.score for entry in first] == [entry.score for entry in second]


def test_a_pool_smaller_than_the_wish(small, pool):
    assert len(label_next(small, pool, 500)) == 14


@pytest.mark.parametrize("n", [0, -1, 2.5, None])
def test_a_wish_for_less_than_one(small, pool, n):
    with pytest.raises(UsageError, match=f"{n} items were asked for"):
        label_next(small, pool, n)


def test_a_data_set_gives_its_items(small, tmp_path):
    shapes.folders(tmp_path, {"circle": 3, "square": 3}, first=600)
    found = label_next(small, graft.read(tmp_path), 4)
    assert (len(found), found.n_items) == (4, 6)


def test_when_all_is_labelled_nothing_is_left(small, pool):
    found = label_next(small, sorted(pool.glob("own*.png")))
    assert (len(found), found.n_items, found.n_labelled) == (0, 0, 4)


def test_no_items_and_none_that_can_be_read(small, pool, tmp_path):
    with pytest.raises(NothingToRead, match="no items"):
        label_next(small, tmp_path)
    with pytest.raises(NothingToRead, match=r"None of the 2 items can be read.*cut\.jpg"):
        label_next(small, [pool / "cut.jpg", pool / "empty.png"])


def test_a_photo_saved_again_is_not_asked_for_twice(small, tmp_path):
    for seed in range(200, 212):
        content = shapes.encoded("circle" if seed % 2 else "square", seed)
        (tmp_path / f"{seed}.png").write_bytes(content)
        buffer = io.BytesIO()
        Image.open(io.BytesIO(content)).save(buffer, "JPEG", quality=92)
        (tmp_path / f"{seed}.jpg").write_bytes(buffer.getvalue())
    stems = [entry.item.path.stem for entry in label_next(small, tmp_path, 6)]
    assert len(set(stems)) == 6


def test_of_many_items_a_sample_is_kept(small, monkeypatch):
    monkeypatch.setattr(pooling, "CANDIDATES", 8)
    photos = [shapes.encoded(label, seed) for seed in range(300, 320) for label in ("circle", "square")]
    found = label_next(small, photos, 20)
    assert (found.n_items, len(found)) == (40, 8)
    assert {entry.item.read() for entry in found} < set(photos)


def test_reasons(small):
    noise = np.random.default_rng(0).integers(0, 255, (96, 96, 3), np.uint8)
    photos = [shapes.picture(label, seed) for seed in range(400, 410) for label in ("circle", "square", "triangle")]
    rule = small.classifier.unknown
    strict = replace(small, classifier=replace(small.classifier, unknown=replace(rule, threshold=-1e9)))
    assert label_next(strict, [noise], 1)[0].reason == "unlike anything it has learned from"
    lax = replace(small, classifier=replace(small.classifier, unknown=replace(rule, threshold=1e9)))
    for entry in label_next(lax, photos, 30):
        if entry.confidence < 0.74:
            assert (
                entry.reason == f"between {entry.predicted} and {'square' if entry.predicted == 'circle' else 'circle'}"
            )
        elif entry.confidence > 0.76:
            assert entry.reason == "typical of many that have no label yet"


def test_texts(tmp_path):
    model = graft.fit(write_messages(tmp_path / "messages.csv").path)
    texts = [path.read_text() for path, _ in write_new_messages(tmp_path / "new")]
    found = label_next(model, texts, 3)
    assert {entry.item.text for entry in found} <= set(texts)
    (tmp_path / "unlabelled.csv").write_text("text\n" + "".join(f'"{text.strip()}"\n' for text in texts))
    assert label_next(model, tmp_path / "unlabelled.csv", 3).n_items == len(texts)


def test_recordings(tmp_path):
    chance = np.random.default_rng(0)

    def sound(slope):
        time = np.arange(8000) / 16000
        pitch = chance.uniform(150, 300) * 2 ** (slope * time)
        return (0.3 * np.sin(2 * np.pi * np.cumsum(pitch) / 16000)).astype(np.float32)

    for label, slope in (("up", 2), ("down", -2)):
        (tmp_path / "data" / label).mkdir(parents=True)
        for take in range(5):
            (tmp_path / "data" / label / f"{take}.wav").write_bytes(wav_bytes(sound(slope), 16000))
    model = graft.fit(tmp_path / "data")
    found = label_next(model, [(sound(slope), 16000) for slope in (2, -2, 0) * 3], 4)
    assert (len(found), found.n_items) == (4, 9)


def test_any_number_of_labels(tmp_path):
    def both(seed):
        image = Image.new("RGB", (192, 96))
        image.paste(shapes.picture("circle", seed), (0, 0))
        image.paste(shapes.picture("square", seed), (96, 0))
        return image

    items = [shapes.picture(label, seed) for seed in range(6) for label in ("circle", "square")]
    labels = [["circle"], ["square"]] * 6 + [["circle", "square"]] * 4
    model = graft.fit(graft.Dataset.from_lists([*items, *map(both, range(4))], labels))
    found = label_next(
        model, [*map(both, range(50, 54)), *(shapes.picture("circle", seed) for seed in range(60, 64))], 8
    )
    assert len(found) == 8
    assert {entry.predicted for entry in found} <= {"", "circle", "square", "circle|square"}
    assert all(entry.reason.split(" ")[0] in ("unlike", "not", "typical") for entry in found)


def test_a_model_of_a_matrix_cannot_read_items():
    x = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
    with pytest.raises(DataError, match="matrix"):
        label_next(fit_embeddings(x, ["a", "b"] * 6), [b"1"])
