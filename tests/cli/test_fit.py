"""``graft fit`` from outside."""

import json
import os
from pathlib import Path

import pytest

import shapes

KEYS = {
    "encoder", "classes", "n_items", "n_skipped", "skipped", "accuracy", "macro_f1", "baselines", "per_class",
    "calibration", "overfit_gap", "learning_curve", "forecast", "seconds", "cache", "warnings", "model", "report",
}  # fmt: skip


def test_json_holds_what_is_promised(run, photos, tmp_path):
    root = shapes.folders(tmp_path / "photos", {"circle": 8, "square": 8})
    shapes.bad_files(root / "circle")
    found = run("fit", root, "-o", tmp_path / "m.graft", "--report", tmp_path / "r.html", "--json")
    report = found.json
    assert found.code == 0
    assert found.err == ""
    assert set(report) >= KEYS
    assert "test" not in report
    assert report["encoder"] == "efficientnet-lite0"
    assert report["classes"] == ["circle", "square"]
    assert (report["n_items"], report["n_skipped"]) == (16, 4)
    assert all(set(entry) >= {"path", "reason"} for entry in report["skipped"])
    assert set(report["accuracy"]) == {"value", "low", "high", "method"}
    assert set(report["baselines"]) == {"majority", "nearest"}
    assert all(set(row) >= {"precision", "recall", "n"} for row in report["per_class"].values())
    assert set(report["per_class"]) == {"circle", "square"}
    assert "ece" in report["calibration"]
    assert all(set(point) == {"n", "accuracy", "low", "high"} for point in report["learning_curve"])
    assert all(set(row) == {"label", "extra", "gain", "low", "high"} for row in report["forecast"])
    assert report["forecast"][0]["label"] == "all"
    assert set(report["seconds"]) == {"read", "embed", "fit", "evaluate", "total"}
    assert set(report["cache"]) == {"hits", "misses"}
    assert report["model"] == str(tmp_path / "m.graft")
    assert report["report"] == str(tmp_path / "r.html")
    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>")


def test_a_test_split_joins_the_json(run, tmp_path):
    for split, first in (("train", 0), ("test", 50)):
        shapes.folders(tmp_path / "data" / split, {"circle": 5, "square": 5}, first)
    report = run("fit", tmp_path / "data", "-o", tmp_path / "m.graft", "--json").json
    assert set(report["test"]) >= {"value", "low", "high"}
    assert (report["n_train"], report["n_test"]) == (10, 10)


def test_other_data_can_be_the_test(run, photos, tmp_path):
    fresh = shapes.folders(tmp_path / "fresh", {"circle": 3, "square": 3}, first=60)
    report = run("fit", photos, "--test", fresh, "-o", tmp_path / "m.graft", "--json").json
    assert (report["n_train"], report["n_test"]) == (36, 6)


def test_what_was_never_scored_is_null(run, tmp_path):
    root = shapes.folders(tmp_path / "photos", {"circle": 1, "square": 1})
    report = run("fit", root, "-o", tmp_path / "m.graft", "--json").json
    assert report["accuracy"]["value"] is None
    assert report["learning_curve"] == []
    assert report["unknown"]["threshold"] is None
    assert any("one item only" in warning for warning in report["warnings"])


def test_the_text_shows_the_report_and_what_to_do_next(run, photos, tmp_path):
    found = run("fit", photos, "-o", tmp_path / "m.graft", "--report", tmp_path / "r.html")
    assert found.code == 0
    assert "36 photos in 3 classes" in found.out
    assert f"graft predict {tmp_path / 'm.graft'}" in found.out
    assert str(tmp_path / "r.html") in found.out
    assert "\x1b" not in found.out
    assert found.err == ""


def test_the_default_place_is_the_datas_name_in_the_present_folder(run, photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("fit", f"{photos}/").code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["photos.graft"]
    (tmp_path / "list.csv").write_text(
        "path,label\n" + "".join(f"{p},{p.parent.name}\n" for p in photos.rglob("*.png"))
    )
    assert run("fit", "list.csv").code == 0
    assert (tmp_path / "list.graft").is_dir()


def test_what_is_there_is_refused_before_any_work(run, photos, saved, tmp_path):
    before = {path.name: path.read_bytes() for path in saved.iterdir()}
    found = run("fit", tmp_path / "nowhere", "-o", saved)  # the data would be an error too, if they were looked at
    assert found.code == 1
    assert "already there" in found.err
    page = tmp_path / "page.html"
    page.write_text("mine")
    found = run("fit", tmp_path / "nowhere", "-o", tmp_path / "new.graft", "--report", page, "--json")
    assert found.code == 1
    assert found.json["error"]["code"] == "output_exists"
    assert page.read_text() == "mine"
    assert {path.name: path.read_bytes() for path in saved.iterdir()} == before


def test_a_place_that_takes_nothing_is_refused_before_any_work(run, tmp_path):
    (tmp_path / "file").write_text("")
    found = run("fit", tmp_path / "nowhere", "-o", tmp_path / "file" / "m.graft")
    assert "cannot be saved" in found.err
    found = run("fit", tmp_path / "nowhere", "-o", tmp_path / "m.graft", "--report", tmp_path / "file" / "r.html")
    assert "The report cannot be written" in found.err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_names_that_nobody_knows_are_usage_errors(run, photos, tmp_path):
    for option in ("--encoder", "--head", "--backend"):
        found = run("fit", photos, "-o", tmp_path / "m.graft", option, "nonsense", "--json")
        assert (found.code, found.json["error"]["code"]) == (2, "usage")
        assert "'nonsense'" in found.json["error"]["message"]


def test_recordings_among_the_photos_can_be_skipped(run, tmp_path):
    root = shapes.folders(tmp_path / "photos", {"circle": 4, "square": 4})
    for number in range(2):
        (root / "circle" / f"{number}.wav").write_bytes(b"RIFF\x24\0\0\0WAVEfmt " + bytes(100))
    refused = run("fit", root, "-o", tmp_path / "m.graft", "--json")
    assert refused.json["error"]["code"] == "mixed_modalities"
    assert "--modality image" in refused.json["error"]["hint"]
    report = run("fit", root, "-o", tmp_path / "m.graft", "--modality", "image", "--json").json
    assert (report["n_items"], report["n_skipped"]) == (8, 2)


def test_a_test_set_of_other_labels_is_refused(run, photos, tmp_path):
    other = shapes.folders(tmp_path / "other", {"hexagon": 2, "star": 2})
    found = run("fit", photos, "--test", other, "-o", tmp_path / "m.graft")
    assert found.code == 1
    words = "The test data share no label with the training data (hexagon, star / circle, square, triangle)."
    assert words in found.err


def test_overwrite_replaces_a_bundle_and_nothing_else(run, photos, tmp_path):
    target = tmp_path / "m.graft"
    assert run("fit", photos, "-o", target).code == 0
    assert run("fit", photos, "-o", target, "--overwrite", "--seed", "3").code == 0
    assert json.loads((target / "manifest.json").read_text())["recipe"]["seed"] == 3
    foreign = tmp_path / "thesis"
    foreign.mkdir()
    (foreign / "chapter1.txt").write_text("It was a dark and stormy night.")
    assert run("fit", photos, "-o", foreign, "--overwrite").code == 1
    assert [path.name for path in foreign.iterdir()] == ["chapter1.txt"]


@pytest.mark.parametrize(
    ("make", "code", "words"),
    [
        (lambda root: root / "nowhere", "nothing_to_read", "nothing at"),
        (lambda root: root, "nothing_to_read", "is empty"),
        (lambda root: shapes.folders(root, {"circle": 3}), "too_few_classes", "only one class, 'circle'"),
        (lambda root: write(root / "a.csv", "path,klass\na.png,x\n"), "missing_column", "'klass'"),
        (lambda root: write(root / "a.zip", "PK\x03\x04 and no more"), "unsafe_archive", "a.zip"),
        (lambda root: write(root / "notes.txt", "Dear all"), "missing_column", "notes.txt"),
    ],
)
def test_data_that_cannot_be_used(run, tmp_path, make, code, words):
    target = tmp_path / "m.graft"
    (tmp_path / "data").mkdir()
    found = run("fit", make(tmp_path / "data"), "-o", target, "--json")
    assert found.code == 1
    assert found.json["error"]["code"] == code
    assert words in found.json["error"]["message"]
    assert found.json["error"]["hint"]
    assert not target.exists()


def write(path, text):
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fit"], "Missing argument"),
        (["fit", "x", "--seed", "many"], "--seed"),
        (["fit", "x", "--seed", "-1"], "seed"),
        (["fit", "x", "--modality", "smell"], "--modality"),
        (["fit", "x", "--colour", "red"], "--colour"),
    ],
)
def test_usage(run, arguments, words):
    found = run(*arguments)
    assert found.code == 2
    assert words in found.err
    assert found.out == ""
    found = run(*arguments, "--json")
    assert found.code == 2
    assert found.json["error"]["code"] == "usage"
    assert words in found.json["error"]["message"]


def test_odd_names_of_files_and_classes(run, tmp_path):
    root = tmp_path / "photos"
    for label in ("<script>alert(1)<", "ü 門 😀", "  spaced  ", "\x1b[31mred", "l" * 200):
        folder = root / label
        folder.mkdir(parents=True)
        for seed, name in enumerate(("a\nb.png", "ü😀.png", "--json", "\x1b[2J.png")):
            (folder / name).write_bytes(shapes.encoded(label, seed))
    found = run("fit", root, "-o", tmp_path / "m.graft", "--report", tmp_path / "r.html")
    assert found.code == 0
    assert "\x1b" not in found.out
    page = (tmp_path / "r.html").read_text()
    assert "<script>alert" not in page
    answers = run("predict", tmp_path / "m.graft", root)
    assert answers.code == 0
    assert "\x1b" not in answers.out
    assert len(answers.out.splitlines()) == 20
    report = run("fit", root, "-o", tmp_path / "m.graft", "--overwrite", "--json").json
    assert "spaced" in report["classes"]
    assert report["n_items"] == 20


def test_names_that_are_no_utf8(run, tmp_path):
    root = tmp_path / "photos"
    for label in ("circle", "square"):
        (root / label).mkdir(parents=True)
        for seed in range(3):
            (root / label / os.fsdecode(b"caf\xe9%d.png" % seed)).write_bytes(shapes.encoded(label, seed))
    assert run("fit", root, "-o", tmp_path / "m.graft", "--json").json["n_items"] == 6
    answers = run("predict", tmp_path / "m.graft", root, "--json").json
    assert {answer["label"] for answer in answers} <= {"circle", "square"}
    assert all("caf\ufffd" in answer["input"] for answer in answers)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_skipped(run, tmp_path):
    root = shapes.folders(tmp_path / "photos", {"circle": 3, "square": 3})
    (root / "circle" / "000.png").chmod(0)
    report = run("fit", root, "-o", tmp_path / "m.graft", "--json").json
    assert [entry["code"] for entry in report["skipped"]] == ["unreadable"]


def test_no_cache_leaves_none(graft, photos, tmp_path):
    environment = {**os.environ, "GRAFT_CACHE": str(tmp_path / "cache")}
    found = graft("fit", photos, "-o", tmp_path / "m.graft", "--no-cache", "--json", env=environment)
    assert json.loads(found.stdout)["cache"] == {"hits": 0, "misses": 36}
    assert not (tmp_path / "cache").exists()


def test_a_folder_in_which_a_model_was_saved_can_be_fitted_again(run, tmp_path, monkeypatch):
    root = shapes.folders(tmp_path / "photos", {"circle": 4, "square": 4})
    monkeypatch.chdir(root)
    assert run("fit", ".", "--report", "report.html").code == 0
    assert sorted(path.name for path in Path().iterdir()) == ["circle", "photos.graft", "report.html", "square"]
    report = run("fit", ".", "--report", "report.html", "--overwrite", "--json").json
    assert report["classes"] == ["circle", "square"]
    assert [entry["path"] for entry in report["skipped"]] == ["report.html"]


def test_why_needs_a_report_to_stand_in(run, photos, tmp_path):
    refused = run("fit", photos, "-o", tmp_path / "m.graft", "--why")
    assert refused.code == 2
    assert "Give --report FILE.html." in refused.err
    assert not (tmp_path / "m.graft").exists()
