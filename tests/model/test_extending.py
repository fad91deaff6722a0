"""More classes for a fitted model."""

import shutil

import numpy as np
import pytest

import graft
import shapes
from graft.encoders.cache import Cache
from graft.errors import DataError, UsageError


@pytest.fixture
def start(tmp_path):
    """A model of circles and squares, saved, whose photos are gone; and the cache that knows them."""
    cache = Cache(tmp_path / "cache")
    photos = shapes.folders(tmp_path / "photos", {"circle": 10, "square": 10})
    graft.fit(photos, cache=cache).save(tmp_path / "two.graft")
    shutil.rmtree(photos)
    return tmp_path / "two.graft", cache


def test_a_class_is_added_without_the_old_photos(start, tmp_path):
    saved, cache = start
    model = graft.load(saved)
    more = shapes.folders(tmp_path / "more", {"triangle": 10})
    extended = graft.extend(model, more, cache=cache)
    assert extended.classes == ("circle", "square", "triangle")
    assert model.classes == ("circle", "square")
    assert extended.report.n_items == 30
    assert extended.report.name == "photos"
    assert extended.predict_one(shapes.encoded("triangle", 900)).label == "triangle"
    added = extended.report.added
    assert added.classes == ("triangle",)
    assert set(added.recall) == {"circle", "square"}
    for change in added.recall.values():
        assert change.n == 10
        assert 0 <= change.after <= 1
        assert 0 <= change.lost_to_new <= 10
    assert "triangle" in str(extended.report)
    assert "triangle" in extended.report.to_html()


def test_it_is_the_model_of_all_items_at_once(start, tmp_path):
    saved, cache = start
    shapes.folders(tmp_path / "photos", {"circle": 10, "square": 10, "triangle": 10})
    at_once = graft.fit(tmp_path / "photos", cache=cache)
    extended = graft.extend(graft.load(saved), shapes.folders(tmp_path / "more", {"triangle": 10}), cache=cache)
    assert np.array_equal(extended.classifier.linear.weights, at_once.classifier.linear.weights)
    assert extended.report.accuracy == at_once.report.accuracy


def test_it_can_be_saved_and_extended_again(start, tmp_path):
    saved, cache = start
    more = shapes.folders(tmp_path / "more", {"triangle": 6, "circle": 12})  # 10 of the circles are known already
    graft.extend(graft.load(saved), more, cache=cache).save(tmp_path / "three.graft")
    again = graft.load(tmp_path / "three.graft")
    assert again.report.n_items == 28
    assert again.report.added.classes == ("triangle",)
    stars = shapes.folders(tmp_path / "stars", {"star": 5})
    assert graft.extend(again, stars, cache=cache).classes == ("circle", "square", "star", "triangle")


def test_what_the_cache_has_lost_must_be_given_again(start, tmp_path):
    saved, _ = start
    empty = Cache(tmp_path / "empty")
    more = shapes.folders(tmp_path / "more", {"triangle": 6})
    with pytest.raises(DataError, match=r"20 of the 20 items of the first fit are not in the cache.*--old"):
        graft.extend(graft.load(saved), more, cache=empty)
    with pytest.raises(DataError, match="Give the old items"):
        graft.extend(graft.load(saved), more, cache=None)
    half = shapes.folders(tmp_path / "half", {"circle": 10, "square": 4})
    with pytest.raises(DataError, match="6 of the 20 items of the first fit are not among the old items"):
        graft.extend(graft.load(saved), more, old=half, cache=empty)
    old = shapes.folders(tmp_path / "old", {"circle": 10, "square": 10})
    assert graft.extend(graft.load(saved), more, old=old, cache=empty).classes == ("circle", "square", "triangle")


def test_a_test_split_stays_one(tmp_path):
    cache = Cache(tmp_path / "cache")
    photos = tmp_path / "photos"
    shapes.folders(photos / "train", {"circle": 8, "square": 8})
    shapes.folders(photos / "test", {"circle": 4, "square": 4}, first=100)
    model = graft.fit(photos, cache=cache)
    extended = graft.extend(model, shapes.folders(tmp_path / "more", {"triangle": 8}), cache=cache)
    assert (extended.report.n_train, extended.report.n_test) == (24, 8)
    assert extended.report.test is not None


def test_a_model_of_a_matrix_cannot_be_extended(tmp_path):
    x = np.eye(20, dtype=np.float32)
    matrix = graft.model.fit_embeddings(x, ["a", "b"] * 10)
    with pytest.raises((DataError, UsageError)):
        graft.extend(matrix, shapes.folders(tmp_path / "more", {"triangle": 6}))


def test_an_old_and_a_new_photo_of_one_name_are_two(start, tmp_path):
    saved, cache = start
    old = shapes.folders(tmp_path / "old", {"circle": 10, "square": 10})
    more = shapes.folders(tmp_path / "more", {"circle": 3, "triangle": 6}, first=100)
    (more / "circle" / "100.png").rename(more / "circle" / "000.png")  # as an old one is called
    report = graft.extend(graft.load(saved), more, old=old, cache=cache).report
    assert report.n_items == 29
    assert len(report.items) == 29
    assert {"circle/000.png", "more/circle/000.png"} <= set(report.items)


def test_texts_are_added_without_the_old_ones(tmp_path):
    cache = Cache(tmp_path / "cache")
    old = [f"my parcel number {n} has not come, where is it" for n in range(8)]
    old += [f"please send the money for order {n} back to me" for n in range(8)]
    model = graft.fit(graft.Dataset.from_lists(old, ["delivery"] * 8 + ["refund"] * 8), cache=cache)
    new = [f"i cannot log in to account {n}, it says the password is wrong" for n in range(6)]
    extended = graft.extend(model, graft.Dataset.from_lists([*new, new[0]], ["account"] * 7), cache=cache)
    assert extended.classes == ("account", "delivery", "refund")
    assert any("no TF-IDF" in warning for warning in extended.report.warnings)
    assert "tf-idf" not in extended.report.baselines
    assert extended.predict_one("the password for my account is refused").label == "account"
    whole = graft.extend(
        model, graft.Dataset.from_lists(new, ["account"] * 6), cache=cache, old=graft.Dataset.from_lists(old, old)
    )
    assert not any("no TF-IDF" in warning for warning in whole.report.warnings)


def test_more_of_the_old_classes_only(start, tmp_path):
    saved, cache = start
    more = shapes.folders(tmp_path / "more", {"circle": 3}, first=100)
    report = graft.extend(graft.load(saved), more, cache=cache).report
    assert report.added.classes == ()
    assert "No class is new." in str(report)
    assert "No class is new." in report.to_html()
