"""What a model answers, and how it is scored."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import shapes
from graft.data.dataset import Memory
from graft.errors import (
    DataError,
    ItemError,
    NothingToRead,
)
from graft.executors import workers
from graft.model import MAYBE_SEEN, SEEN


def test_a_path_bytes_a_picture_and_its_pixels_are_the_same(model, photos):
    path = photos / "circle" / "000.png"
    picture = Image.open(path)
    forms = [str(path), path, path.read_bytes(), bytearray(path.read_bytes()), picture, np.asarray(picture)]
    answers = [model.predict_one(form).scores for form in forms]
    assert all(answer == answers[0] for answer in answers)


def test_arrays_of_every_usual_kind(model):
    pixels = np.asarray(shapes.picture("square", 3))
    whole = model.predict_one(pixels).scores
    assert model.predict_one((pixels / 255).astype(np.float32)).scores == whole
    assert model.predict_one(pixels.astype(np.uint16) * 257).scores == whole
    opaque = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    assert model.predict_one(opaque).scores == whole
    grey = np.asarray(shapes.picture("square", 3).convert("L"))
    assert model.predict_one(grey).scores == model.predict_one(np.dstack([grey] * 3)).scores
    assert model.predict_one(grey[:, :, None]).scores == model.predict_one(grey).scores
    assert model.predict_one(grey > 127).scores == model.predict_one((grey > 127).astype(np.uint8) * 255).scores


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I", "F", "I;16"])
def test_pictures_of_every_mode(model, mode):
    picture = shapes.picture("circle", 3)
    for step in {"I": ("L", "I"), "F": ("L", "F"), "I;16": ("L", "I", "I;16")}.get(mode, (mode,)):
        picture = picture.convert(step)
    assert 0 < model.predict_one(picture).confidence <= 1


def test_a_picture_whose_file_is_cut_is_named(model):
    cut = Image.open(io.BytesIO(shapes.encoded("circle", 1, "JPEG", 300)[:1500]))
    good, bad = model.predict([shapes.encoded("circle", 0), cut])
    assert good.label == "circle"
    assert "Item 1 cannot be read" in bad.error.message
    assert "truncated" in bad.error.message


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "is missing: it is None"),
        (float("nan"), "is missing: it is nan"),
        (3.5, "float"),
        ({"path": "a.jpg"}, "dict"),
        (np.zeros((2, 3, 4, 5)), r"shape \(2, 3, 4, 5\)"),
        (np.zeros((5, 5, 2), np.uint8), r"shape \(5, 5, 2\)"),
        (np.zeros((0, 5, 3), np.uint8), "shape"),
        (np.full((5, 5, 3), 200.0), "from 200 to 200"),
        (np.full((5, 5, 3), np.nan), "nan"),
        (np.zeros((5, 5, 3), np.int32), "int32"),
    ],
)
def test_a_value_of_a_wrong_type_is_named(model, value, words):
    good, bad = model.predict([shapes.encoded("circle", 0), value])
    assert good.label == "circle"
    assert (bad.input, bad.label) == ("item 1", "")
    assert re.search(f"Item 1 .*{words}", bad.error.message)
    assert bad.error.hint
    with pytest.raises(ItemError, match=words):
        model.predict_one(value)


def test_what_cannot_be_read_has_an_error_and_the_others_an_answer(model, tmp_path):
    good = tmp_path / "good.png"
    good.write_bytes(shapes.encoded("circle", 1))
    answers = model.predict([tmp_path / "gone.png", good, b"", b"rubbish", good])
    assert [answer.error.reason if answer.error else None for answer in answers] == [
        "unreadable",
        None,
        "empty",
        "not_a_picture",
        None,
    ]
    assert [answer.input for answer in answers] == [
        str(tmp_path / "gone.png"),
        str(good),
        "item 2",
        "item 3",
        str(good),
    ]
    assert answers[1] == answers[4]
    assert answers[0].label == ""
    with pytest.raises(ItemError) as caught:
        model.predict_one(tmp_path / "gone.png")
    assert caught.value.reason == "unreadable"
    with pytest.raises(ItemError):
        model.predict_proba([good, b"rubbish"])


def test_no_inputs_give_no_answers(model):
    assert model.predict([]) == []
    assert model.predict_proba([]).shape == (0, 3)


def test_probabilities_are_those_of_the_answers(model, photos):
    files = sorted(photos.rglob("*.png"))[:9]
    p = model.predict_proba(files)
    assert p.dtype == np.float32
    assert np.abs(p.sum(axis=1) - 1).max() < 1e-5
    scores = [[answer.scores[label] for label in model.classes] for answer in model.predict(files)]
    assert np.abs(p - np.array(scores)).max() < 0.02  # fresh or from the cache, in whatever batch


def test_what_is_nothing_of_the_kind_is_unknown(model):
    def noise(seed):
        return np.random.default_rng(seed).integers(0, 255, (96, 96, 3), dtype=np.uint8)

    assert sum(model.predict_one(noise(seed)).unknown for seed in range(5)) >= 4


def test_predict_takes_only_a_few_inputs_ahead(model):
    content, taken = shapes.encoded("circle", 0), 0

    def source():
        nonlocal taken
        for number in range(most + 150):
            taken += 1
            yield Memory(content, f"{number}")

    most = model.encoder.batch_size * 2 * workers()
    answers = model.stream(source())
    for given in range(100):
        assert next(answers).input == str(given)
        assert taken - given <= most
    answers.close()
    assert taken <= 100 + most


def test_evaluate_scores_given_labels(model, tmp_path):
    fresh = shapes.folders(tmp_path / "fresh", {"circle": 5, "square": 5}, first=100)
    found = model.evaluate(fresh)
    assert found.n_items == 10
    assert found.split == "all items"
    assert 0 < found.accuracy.low < found.accuracy.value <= found.accuracy.high <= 1
    assert found.per_class["triangle"].n == 0
    assert found.warnings == ()
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["per_class"]["triangle"]["recall"] is None
    assert "Accuracy" in str(found)


def test_evaluate_takes_a_single_class_and_unknown_labels(model, tmp_path):
    one = shapes.folders(tmp_path / "one", {"circle": 3}, first=100)
    assert model.evaluate(one).n_items == 3
    strangers = shapes.folders(tmp_path / "strangers", {"hexagon": 5, "circle": 5}, first=100)
    found = model.evaluate(strangers)
    assert found.accuracy.value <= 0.5
    assert any("does not know hexagon" in warning for warning in found.warnings)


def test_evaluate_on_what_was_learnt_from_says_so(model, photos, tmp_path):
    assert SEEN.format("accuracy") in model.evaluate(photos).warnings
    for split in ("train", "test"):
        shapes.folders(tmp_path / split, {"circle": 2, "square": 2}, first=50 if split == "test" else 80)
    assert MAYBE_SEEN in model.evaluate(tmp_path, split="train").warnings
    found = model.evaluate(tmp_path)
    assert (found.n_items, found.split, found.warnings) == (4, "test split", ())


def test_evaluate_without_that_part_says_which_there_are(model, photos):
    with pytest.raises(DataError, match="no val part: the data have none"):
        model.evaluate(photos, split="val")


def test_evaluate_lists_what_it_skipped(model, tmp_path):
    root = shapes.folders(tmp_path / "photos", {"circle": 2, "square": 2}, first=60)
    expected = shapes.bad_files(root / "square")
    found = model.evaluate(root)
    assert found.n_items == 4
    assert {Path(entry.path).name: entry.code for entry in found.skipped} == expected
    for good in root.rglob("0*.png"):
        good.write_bytes(b"\x89PNG\r\n\x1a\n gone")
    with pytest.raises(NothingToRead):
        model.evaluate(root)


def test_a_model_shows_itself_in_a_line(model):
    assert repr(model).startswith(
        f"Model('{model.report.name}', {len(model.classes)} classes, efficientnet-lite0, accuracy "
    )
    assert len(repr(model)) < 120
