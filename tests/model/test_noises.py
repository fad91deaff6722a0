"""What a model of sounds hears where there is nothing to hear; and classes that hold what is none of the others."""

import json

import numpy as np
import pytest

import graft
import shapes
from graft.report import Report

RATE = 16_000


def hum(pitch, chance):
    """Half a second of a hum ``(8000,) float32``."""
    time = np.arange(8_000) / RATE
    sound = sum(np.sin(2 * np.pi * pitch * n * time) / n for n in range(1, 8))
    return np.asarray(0.2 * sound * np.hanning(len(time)) + chance.normal(0, 0.001, len(time)), np.float32)


def hiss(chance):
    return np.asarray(chance.normal(0, 0.1, 8_000), np.float32)


def fitted(**sounds):
    """A model of recordings, a dozen of each class."""
    chance = np.random.default_rng(0)
    made = [(label, make(chance)) for label, make in sounds.items() for _ in range(12)]
    dataset = graft.Dataset.from_lists([(samples, RATE) for _, samples in made], [label for label, _ in made])
    return graft.fit(dataset, graft.Recipe(unknown_rate=0.0), cache=None)


def heard(model):
    return [warning for warning in model.report.warnings if warning.startswith("Asked 60 s of")]


def low(chance):
    return hum(110 * chance.uniform(0.95, 1.05), chance)


def high(chance):
    return hum(330 * chance.uniform(0.95, 1.05), chance)


def test_a_class_that_takes_noise_is_named():
    said = heard(fitted(low=low, high=high))
    assert [warning.split(",")[0] for warning in said] == [
        "Asked 60 s of silence", "Asked 60 s of white noise", "Asked 60 s of pink noise",
    ]  # fmt: skip
    assert all("the model hears " in warning and " %" not in warning and "% of it" in warning for warning in said)
    assert all("as a class called background" in warning for warning in said)


def test_background_may_take_it():
    said = heard(fitted(low=low, high=high, background=hiss))
    assert not any("white noise" in warning or "background in" in warning for warning in said)
    marked = heard(fitted(low=low, high=high, hissing=hiss))
    assert any("white noise, the model hears hissing" in warning for warning in marked)


def test_models_of_photos_and_matrices_are_not_asked(photos):
    assert not heard(graft.fit(photos))


def test_a_dash_marks_a_class_as_none_of_the_others_and_is_no_part_of_its_name(tmp_path):
    root = shapes.folders(tmp_path / "photos", {"circle": 10, "square": 10, "-triangle": 10, "-1": 10})
    dataset = graft.read(root)
    assert dataset.classes == ("-1", "circle", "square", "triangle")
    assert dataset.negatives == ("triangle",)
    model = graft.fit(dataset)
    assert model.classes == dataset.classes  # it stays a class and an answer
    found = model.report.false_alarms
    assert (found.label, found.of, found.labels) == ("triangle", 10, ("triangle",))
    assert found.per_thousand == pytest.approx(100 * found.n)
    assert found.per_thousand_low <= found.per_thousand < found.per_thousand_high
    said = json.loads(json.dumps(model.report.to_dict()))["false_alarms"]
    assert (said["per_hour"], said["of"]) == (None, 10)
    assert Report.from_dict(model.report.to_dict()).false_alarms.labels == ("triangle",)
    assert "of 1,000 photos of triangle would be taken for another class" in " ".join(str(model.report).split())


def test_a_marked_class_stays_one_when_the_model_is_extended(tmp_path):
    root = shapes.folders(tmp_path / "photos", {"circle": 8, "-square": 8})
    model = graft.fit(root)
    new = shapes.folders(tmp_path / "new", {"triangle": 8})
    assert graft.extend(model, new).report.false_alarms.label == "square"


@pytest.mark.parametrize("label", ["Other", "none"])
def test_texts_of_none_of_these_are_counted_too(label):
    texts = [f"the parcel {word} has not come" for word in ("red", "blue", "small", "large", "heavy", "old")]
    others = [f"{word} is nice today" for word in ("sun", "rain", "music", "bread", "tea", "walking")]
    report = graft.fit(graft.Dataset.from_lists([*texts, *others], ["late"] * 6 + [label] * 6, modality="text")).report
    assert (report.false_alarms.label, report.false_alarms.of) == (label, 6)


def test_what_is_exported_is_marked_again(tmp_path):
    from graft.cleaning import export

    dataset = graft.read(shapes.folders(tmp_path / "photos", {"circle": 3, "-square": 3}))
    export(dataset, tmp_path / "copy")
    assert graft.read(tmp_path / "copy").negatives == ("square",)
