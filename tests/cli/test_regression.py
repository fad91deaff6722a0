"""Models of numbers from outside."""

import csv
import dataclasses
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest

import graft
import shapes
from graft.encoders.embed import content_digest
from graft.errors import DataError, UsageError
from graft.journal.decision import Decision
from graft.journal.journal import Journal
from graft.journal.resolution import keys_of
from graft.report.numbers import NumberReport
from graft.results.facts import Facts

HEIGHTS = np.random.default_rng(1).uniform(10, 90, 48).round(1).tolist()


def table(folder, labels, name="heights.csv", splits=None):
    """A table of the pictures in a folder, with these labels."""
    with (folder / name).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "height", *(["split"] if splits else [])])
        for seed, label in enumerate(labels):
            writer.writerow([f"{seed:03}.png", label, *([splits[seed]] if splits else [])])
    return folder / name


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    """Pictures of bars, and a table of how high they are."""
    folder = tmp_path_factory.mktemp("data") / "bars"
    folder.mkdir()
    for seed, height in enumerate(HEIGHTS):
        (folder / f"{seed:03}.png").write_bytes(shapes.bar(height, seed))
    return table(folder, HEIGHTS)


@pytest.fixture(scope="module")
def saved(bars, tmp_path_factory):
    """A saved model of them."""
    place = tmp_path_factory.mktemp("models") / "bars.graft"
    graft.fit(graft.read(bars, label_column="height"), task="regression").save(place)
    return place


def test_fit_reports_numbers_and_saves_what_answers_again(run, bars, tmp_path):
    place, said = tmp_path / "m.graft", tmp_path / "said.csv"
    found = run("fit", bars, "--label-column", "height", "--task", "regression", "-o", place, "--json",
                "--report", tmp_path / "page.html", "--predictions", said)  # fmt: skip
    assert found.code == 0, found.err
    report = found.json
    assert report["recipe"]["task"] == "regression"
    assert report["warnings"] == []
    assert report["r2"]["low"] < report["r2"]["value"] < report["r2"]["high"] <= 1
    assert report["mae"]["value"] < report["baselines"]["mean"]
    assert 0.8 < report["interval_coverage"]["value"] <= 1
    assert len(report["predicted"]) == 48
    assert "accuracy" not in report
    again = graft.load(place)
    assert again.report.to_dict()["r2"] == report["r2"]
    items = graft.read(bars, label_column="height").items
    model = graft.fit(graft.read(bars, label_column="height"), task="regression")
    assert [answer.value for answer in again.predict(items)] == [answer.value for answer in model.predict(items)]
    rows = list(csv.DictReader(said.open()))
    assert set(rows[0]) == {"given", "split", "fold", "input", "value", "low", "high", "unknown", "error"}
    assert np.mean([float(r["low"]) <= float(r["given"]) <= float(r["high"]) for r in rows]) > 0.8
    page = (tmp_path / "page.html").read_text()
    assert "Predicted and given" in page
    assert "prediction interval" in page


def test_every_key_of_its_report_is_described():
    page = (Path(__file__).parents[2] / "docs" / "regression.md").read_text()
    described = set(re.findall(r"`(\w+)`", page.split("## What the report says")[1].split("\n## ")[0]))
    own = {entry.name for entry in dataclasses.fields(NumberReport)}
    own -= {entry.name for entry in dataclasses.fields(Facts)}
    assert own <= described


def test_predict_answers_a_number_with_its_interval(run, bars, saved):
    photo = bars.parent / "003.png"
    [answer] = run("predict", saved, photo, "--json").json
    assert set(answer) == {"input", "value", "low", "high", "unknown"}
    assert answer["low"] < answer["value"] < answer["high"]
    assert abs(answer["value"] - HEIGHTS[3]) < 10
    assert answer["unknown"] is False
    rows = list(csv.DictReader(io.StringIO(run("predict", saved, photo, "no.png", "--csv").out)))
    assert list(rows[0]) == ["input", "value", "low", "high", "unknown", "error"]
    assert float(rows[0]["value"]) == pytest.approx(answer["value"])
    assert rows[1]["value"] == ""
    assert "no.png" in rows[1]["error"]
    [line] = run("predict", saved, photo).out.splitlines()
    assert re.match(r"\d+\s+\(\d+ to \d+\)  .*003\.png$", line)


def test_evaluate_scores_it(run, bars, saved, tmp_path):
    found = run("evaluate", saved, bars, "--json", "--report", tmp_path / "page.html")
    assert found.code == 0, found.err
    assert found.json["n_items"] == 48
    assert found.json["mae"]["value"] < 5
    assert any("believe the errors" in warning for warning in found.json["warnings"])
    assert "Evaluation of" in (tmp_path / "page.html").read_text()
    text = run("evaluate", saved, bars).out
    assert text.startswith(("R² 0.9", "R² 1.0"))
    refused = run("evaluate", saved, bars, "--min-accuracy", "0.9")
    assert refused.code == 2
    assert "predicts numbers" in refused.err


def test_a_test_split_is_scored_once(bars):
    splits = ["test" if seed % 4 == 0 else "train" for seed in range(48)]
    data = graft.read(table(bars.parent, HEIGHTS, "split.csv", splits), label_column="height")
    report = graft.fit(data, task="regression").report
    assert report.n_test == 12
    assert report.score is report.test
    assert report.test.mae.low < report.test.mae.value < report.test.mae.high
    assert "the given test split, used once" in report.test.mae.method


def test_what_is_said_of_numbers_that_were_taken_for_classes(bars):
    with_hint = graft.read(bars, label_column="height")
    assert any("--task regression" in warning for warning in with_hint.warnings)
    assert graft.fit(with_hint, task="regression").report.warnings == ()
    listed = graft.Dataset.from_lists(
        [item.path for item in with_hint.items], [str(number % 24) for number in range(48)]
    )
    assert any("24 different numbers" in warning for warning in graft.fit(listed).report.warnings)
    few = graft.Dataset.from_lists([item.path for item in with_hint.items], [str(number % 4) for number in range(48)])
    assert not any("regression" in warning for warning in graft.fit(few).report.warnings)


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("1,5", r"'1,5' of 007\.png is no number.*A comma may divide decimals or thousands"),
        ("nan", "'nan' of 007"),
        ("inf", "'inf' of 007"),
        ("tall", "'tall' of 007"),
        ("1e101", "'1e101' of 007"),
        ("0x10", "'0x10' of 007"),
        ("1_000", "'1_000' of 007"),
    ],
)
def test_a_label_that_is_no_number_is_named(bars, label, said):
    labels = [label if seed == 7 else height for seed, height in enumerate(HEIGHTS)]
    with pytest.raises(DataError, match=said):
        graft.fit(graft.read(table(bars.parent, labels, "bad.csv"), label_column="height"), task="regression")


def test_an_item_without_a_number_is_skipped(bars):
    labels = ["" if seed == 7 else height for seed, height in enumerate(HEIGHTS)]
    data = graft.read(table(bars.parent, labels, "gap.csv"), label_column="height")
    report = graft.fit(data, task="regression").report
    assert (report.n_items, report.n_skipped) == (47, 1)


def test_a_journal_mends_numbers_and_a_job_repeats_the_fit(run, bars, saved, tmp_path):
    data = graft.read(bars, label_column="height")
    keys = keys_of(data, [content_digest(item.read()) for item in data.items])
    journal = Journal(tmp_path / "bars.journal", data.name)
    journal.append(Decision("relabel", keys[:1], to="1,5"))
    with pytest.raises(DataError, match="'1,5' of 000"):
        graft.fit(data, task="regression", journal=journal.path)
    journal.append(Decision("relabel", keys[:1], to="33.5"))
    journal.append(Decision("drop", keys[1:2]))
    report = graft.fit(data, task="regression", journal=journal.path).report
    assert (report.n_items, report.journal.relabelled, report.journal.dropped) == (47, 1, 1)
    assert "1 relabelled, 1 dropped" in str(report)
    made = run("fit", bars, "--label-column", "height", "--task", "regression", "-o", tmp_path / "m.graft")
    again = run("fit", "--job", tmp_path / "m.graft", "-o", tmp_path / "again.graft")
    assert (made.code, again.code) == (0, 0), again.err
    heads = [(tmp_path / name / "head.safetensors").read_bytes() for name in ("m.graft", "again.graft")]
    assert heads[0] == heads[1]


def test_one_number_for_all_is_refused(run, bars, tmp_path):
    same = table(bars.parent, [5] * 48, "same.csv")
    found = run("fit", same, "--label-column", "height", "--task", "regression", "-o", tmp_path / "m.graft", "--json")
    assert found.code == 1
    assert "All 48 items to train on have the same number, 5." in found.json["error"]["message"]


def test_differences_that_vanish_when_they_are_squared_are_refused(run, bars, tmp_path):
    tiny = table(bars.parent, [f"{height}e-300" for height in HEIGHTS], "tiny.csv")
    found = run("fit", tiny, "--label-column", "height", "--task", "regression", "-o", tmp_path / "m.graft", "--json")
    assert found.code == 1
    assert "too little to square" in found.json["error"]["message"]


def test_numbers_of_any_size_are_written_so_that_they_differ(run, bars, tmp_path):
    times = table(bars.parent, [1_700_000_000_000_000 + round(10 * height) for height in HEIGHTS], "times.csv")
    place, page = tmp_path / "m.graft", tmp_path / "m.html"
    fitted = run("fit", times, "--label-column", "height", "--task", "regression", "-o", place, "--report", page)
    assert re.search(r"given 17000000000\d{5}, predicted 17000000000\d{5}", " ".join(fitted.out.split()))
    ticks = re.findall(r'text-anchor="end">([^<]*)<', page.read_text())
    assert len(ticks) == len(set(ticks))
    shown = run("predict", place, bars.parent / "000.png").out
    assert re.match(r"17000000000\d{5}  \(17000000000\d{5} to 17000000000\d{5}\)", shown), shown
    row = next(csv.DictReader(io.StringIO(run("predict", place, bars.parent / "000.png", "--csv").out)))
    assert float(row["low"]) < float(row["value"]) < float(row["high"])
    huge = table(bars.parent, [f"-{height}e90" for height in HEIGHTS], "huge.csv")
    fitted = run("fit", huge, "--label-column", "height", "--task", "regression", "-o", tmp_path / "h.graft")
    assert not re.search(r"\d{13}|\d,\d{3},", fitted.out)


def test_numbers_below_zero_stay_numbers_in_tables(run, bars, tmp_path):
    below = table(bars.parent, [-height for height in HEIGHTS], "below.csv")
    said = tmp_path / "said.csv"
    done = run("fit", below, "--label-column", "height", "--task", "regression", "-o", tmp_path / "m.graft",
               "--predictions", said)  # fmt: skip
    assert done.code == 0, done.err
    assert [float(row["given"]) for row in csv.DictReader(said.open())] == [-height for height in HEIGHTS]


def test_an_interval_that_does_not_hold_is_not_promised_again(run, bars, saved, tmp_path):
    other = table(bars.parent, [5000] * 48, "other.csv")
    page = tmp_path / "other.html"
    done = run("evaluate", saved, other, "--label-column", "height", "--report", page)
    assert done.code == 0, done.err
    shown = re.sub("<[^>]*>", " ", page.read_text())
    assert re.search(r"only 0.0\s% of them by at most", shown)
    assert "all numbers are the same" in shown
    assert "9 of 10" not in shown


def test_there_are_no_classes_to_rank(run, bars, saved):
    told = run("predict", saved, bars.parent / "000.png", "--top", 2)
    assert (told.code, "predicts numbers, which have no ranks" in told.err) == (2, True)


def test_what_it_cannot_do_is_said(bars, saved):
    model, data = graft.load(saved), graft.read(bars, label_column="height")
    with pytest.raises(DataError, match="predicts numbers: no class can be added"):
        graft.extend(model, data)
    with pytest.raises(UsageError, match="predicts numbers"):
        graft.label_next(model, data)
    with pytest.raises(UsageError, match="numbers have none"):
        graft.compare(data, ["image", "image-large"], graft.Recipe(task="regression"))
    with pytest.raises(UsageError, match="names classes"):
        graft.fit(data, task="regression", head="logistic")
    from graft.tuning.tuning import tune

    with pytest.raises(UsageError, match="cannot be tuned"):
        tune(model, data)


def test_a_broken_bundle_of_numbers_is_refused(saved, tmp_path):
    from graft.prediction import load_head

    head = load_head(saved)
    for name, value in (("scale", 0.0), ("margin", -1.0), ("centre", float("nan"))):
        settings = {**head.head.settings(), name: value}
        with pytest.raises(ValueError, match=name):
            type(head.head).restore(settings, head.head.arrays())
    with pytest.raises(ValueError, match="numbers with the classes"):
        head.head.check(["a", "b"], "image")
    assert json.dumps(head.head.settings())
