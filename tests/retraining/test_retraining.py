"""The new model takes the old one's place if it is better on items that neither has seen, and else not."""

import json
from pathlib import Path

import numpy as np
import pytest

import graft
import shapes
from graft.app.corrections import CorrectionFolder
from graft.bundle import version_of
from graft.encoders.embed import content_digest
from graft.errors import NotABundle, OutputExists
from graft.monitoring.log import PredictionLog
from graft.monitoring.log_format import LoggedModel
from graft.results.prediction import Prediction
from graft.retraining import retrain, roll_back
from graft.retraining.decisions import decisions_of
from graft.retraining.material import gather
from graft.run import Run
from months import contents, copied, data, month

OLD = month(0, 8, wrong=0.7)


def decisions(model):
    return [json.loads(line) for line in decisions_of(model).read_text().splitlines()]


def test_a_better_one_ships_and_the_old_one_can_come_back(in_use):
    before = contents(in_use)
    found = retrain(in_use, data(OLD, month(100, 30)))
    assert found.shipped, found.reason
    assert found.reason.startswith("The new model ships: on ")
    assert found.compared.difference.low > -0.01
    assert 75 <= found.compared.n == found.n_new <= 90  # some drawings are taken for copies of what it has seen
    assert found.compared.uses == 1
    previous = in_use.with_name("shapes.graft.previous")
    assert contents(previous) == before
    assert found.previous == str(previous)
    assert len(graft.load(in_use).training) == 24 + 90
    assert sorted(path.name for path in in_use.parent.iterdir()) == [
        "shapes.graft",
        "shapes.graft.decisions.jsonl",
        "shapes.graft.previous",
    ]
    new = contents(in_use)
    roll_back(in_use)
    assert (contents(in_use), contents(previous)) == (before, new)
    roll_back(in_use)
    assert (contents(in_use), contents(previous)) == (new, before)
    assert [line["shipped"] for line in decisions(in_use)] == [True] * 3


def test_wrong_labels_do_not_ship_and_nothing_changes(fine):
    before = contents(fine)
    found = retrain(fine, data(month(0, 12), month(100, 25, wrong=0.6)))
    assert not found.shipped
    assert found.reason.startswith(f"The model stays as it was: on {found.n_new} items that neither has seen")
    assert contents(fine) == before
    assert found.previous is None
    assert found.to_dict()["difference"]["low"] < -0.01


def test_new_labels_that_contradict_the_old_ones_do_not_ship_although_they_are_learned(fine):
    """All that is new is called otherwise: the new model is far better on new items, and worse on what was known."""
    known = data(month(0, 12), month(200, 25, turned=True))
    found = retrain(fine, known)
    assert not found.shipped
    assert "held out in turn" in found.reason
    assert "contradict" in found.reason
    assert found.compared.difference.value > 0.3
    assert retrain(fine, known, force=True).shipped


def test_the_same_items_pay_each_time(fine):
    known = data(month(0, 12), month(100, 20))
    levels = []
    for _ in range(3):
        found = retrain(fine, known)
        levels.append((round(found.compared.uses, 6), found.compared.level))
    assert levels == [(1, 0.95), (2, 1 - 0.05 / 4), (3, 1 - 0.05 / 9)]
    found = retrain(fine, data(month(0, 12), month(100, 10), month(300, 10)))
    assert found.compared.uses == 2.5  # half of them have decided three times


def test_a_test_split_decides_alone_without_what_the_model_has_seen(in_use):
    """Nor do copies of what the new one has learned, which straddle the given split."""
    items, labels = month(400, 20)
    resaved = [shapes.encoded(form, seed, "JPEG") for seed in range(100, 105) for form in shapes.FORMS]
    split = graft.Dataset.from_lists(
        [*items, *OLD[0][:12], *resaved, *month(100, 20)[0]],
        [*labels, *OLD[1][:12], *[*shapes.FORMS] * 5, *month(100, 20)[1]],
        splits=["test"] * (60 + 12 + 15) + ["train"] * 60,
    )
    found = retrain(in_use, split)
    assert 40 <= found.compared.n <= 60
    assert found.shipped
    assert found.compared.difference.method == "paired, 95 %"
    assert set(graft.load(in_use).training.splits) == {"test", "train"}


def test_copies_of_what_it_was_fitted_to_do_not_judge(fine, tmp_path):
    """The same photos saved as JPEG, and corrections that are copies of fitted items."""
    folder = CorrectionFolder(tmp_path / "corrections", "image")
    for seed in range(3):
        folder.save(shapes.encoded("circle", seed, "JPEG"), ["square"])
    folder.save(shapes.encoded("square", 0), ["circle"])  # byte for byte
    folder.save(shapes.encoded("triangle", 900), ["triangle"])  # a new one
    folder.save(shapes.encoded("triangle", 901), None)  # none of the classes
    used = graft.load(fine)
    resaved = ([shapes.encoded(form, seed, "JPEG") for seed in range(6) for form in shapes.FORMS], [*shapes.FORMS] * 6)
    found = gather(used, data(month(0, 12), resaved, month(100, 4)), folder.path, None, used.encoder, Run())
    fresh = np.flatnonzero(~found.seen)
    new = {content_digest(item) for item in (*month(100, 4)[0], shapes.encoded("triangle", 900))}
    missed = {found.embedded.digests[row] for row in fresh} - new
    assert len(missed) <= 3  # of 21: no threshold finds all copies of drawings that are so simple
    assert len(fresh) >= 10
    assert found.known.sum() == 36
    assert found.n_corrected == 5
    labels = dict(zip(found.embedded.digests, found.dataset.labels, strict=True))
    assert labels[content_digest(shapes.encoded("square", 0))] == "circle"
    assert len(labels) == len(found.dataset)  # each item once


def test_corrections_are_learned(in_use, tmp_path):
    folder = CorrectionFolder(tmp_path / "corrections", "image")
    assert retrain(in_use, data(OLD), corrections=folder.path).n_corrected == 0  # there are none yet
    folder.save(shapes.encoded("circle", 999), None)
    assert retrain(in_use, data(OLD), corrections=folder.path).n_corrected == 0
    for item, label in zip(*month(100, 20), strict=True):
        folder.save(item, [label])
    found = retrain(in_use, data(OLD), corrections=folder.path)
    assert found.shipped
    assert found.n_corrected == 60
    assert 50 <= found.n_new == found.compared.n


def test_a_class_that_is_missing_does_not_go(fine):
    items, labels = month(100, 10)
    kept = [row for row, label in enumerate(labels) if label != "square"]
    found = retrain(fine, data(([items[row] for row in kept], [labels[row] for row in kept])))
    assert found.reason == "The model stays as it was: the data hold nothing of square, which it knows."
    assert any("36 of the 36 items" in warning for warning in found.warnings)


def test_data_without_anything_new_are_judged_in_turn(fine):
    """Its own recipe, fitted to the same items in the same folds, is as good as the new one."""
    found = retrain(fine, data(month(0, 12)))
    assert not found.shipped
    assert found.compared.difference.value == 0
    assert (found.n_new, found.compared.n) == (0, 36)


def test_what_the_log_says_stands_beside(fine, tmp_path):
    log = tmp_path / "log.jsonl"
    model = LoggedModel(version_of(fine), "classification", shapes.FORMS, 4)
    told = [Prediction("", form, 1.0, scores=dict.fromkeys(shapes.FORMS, 0.3)) for form in ["circle"] * 9 + ["square"]]
    PredictionLog(log, model).append(np.zeros((10, 4), np.float32), told, [f"{k:032}" for k in range(10)])
    found = retrain(fine, data(month(0, 12)), log=log)
    assert found.answers == {"circle": 0.9, "square": 0.1, "triangle": 0.0}
    assert any("90% are circle, and of the data 33%" in warning for warning in found.warnings)
    found = retrain(fine, data(month(0, 12)), log=tmp_path / "none.jsonl")
    assert any("There is no log" in warning for warning in found.warnings)


def test_numbers_and_several_labels(tmp_path):
    heights = [10.0 + 2 * k for k in range(40)]
    bars = graft.Dataset.from_lists([shapes.bar(height, k) for k, height in enumerate(heights)], heights)
    graft.fit(bars.select(range(0, 40, 4)), task="regression").save(tmp_path / "bars.graft")
    found = retrain(tmp_path / "bars.graft", bars)
    assert found.measure == "R²"
    assert "R² is 0." in found.reason
    items, labels = month(0, 8)
    tags = [[label, "drawn"] if row % 2 else [label] for row, label in enumerate(labels)]
    graft.fit(items, tags).save(tmp_path / "tags.graft")
    more, own = month(100, 8)
    found = retrain(
        tmp_path / "tags.graft", graft.Dataset.from_lists([*items, *more], [*tags, *([label] for label in own)])
    )
    assert found.measure == "exact match"
    assert found.compared.n == 48  # too few new ones to decide alone


def test_there_is_nothing_to_go_back_to(fine):
    before = contents(fine)
    with pytest.raises(NotABundle, match="There is no earlier model"):
        roll_back(fine)
    assert contents(fine) == before


def test_a_link_to_the_model_stays_a_link(poor, tmp_path):
    (tmp_path / "versions").mkdir()
    model = copied(poor, tmp_path / "versions")
    link = tmp_path / "in_use.graft"
    link.symlink_to(model)
    found = retrain(link, data(OLD, month(100, 30)))
    assert found.shipped
    assert Path(found.previous or "").resolve() == model.resolve().with_name(f"{model.name}.previous")
    assert graft.load(found.previous or "")
    assert link.is_symlink()
    assert len(graft.load(link).training) == 114


def a_file(place, elsewhere):
    place.write_text("mine")


def a_folder(place, elsewhere):
    place.mkdir()
    (place / "mine.txt").write_text("mine")


def a_link(place, elsewhere):
    place.symlink_to(elsewhere)


def a_link_to_nothing(place, elsewhere):
    place.symlink_to("nowhere")


@pytest.mark.parametrize("make", [a_file, a_folder, a_link, a_link_to_nothing])
def test_what_lies_in_the_place_of_the_earlier_model_is_neither_lost_nor_loses_one(in_use, good, tmp_path, make):
    place = in_use.with_name(f"{in_use.name}.previous")
    make(place, good)
    before = contents(in_use)
    with pytest.raises(OutputExists, match="is no model"):
        retrain(in_use, data(OLD, month(100, 30)), force=True)
    assert contents(in_use) == before
    assert place.is_symlink() or place.exists()
    assert not place.is_dir() or place.is_symlink() or (place / "mine.txt").read_text() == "mine"
