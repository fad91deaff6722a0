"""``graft verify``."""

import contextlib
import io
import shutil

import pytest

import graft.cli


@pytest.fixture(scope="module")
def said(saved, photos, tmp_path_factory):
    """An export with items of data, and what the command that made it said."""
    folder, out = tmp_path_factory.mktemp("exports") / "shapes of mine", io.StringIO()
    command = ["export", saved, "--to", "onnx", "--precision", "fp16", "-o", folder, "--data", photos]
    with contextlib.redirect_stdout(out):
        assert graft.cli.exit_code([str(word) for word in command]) == 0
    return folder, out.getvalue()


@pytest.fixture(scope="module")
def exported(said):
    return said[0]


def test_an_export_is_told_to_be_what_it_was(run, exported):
    done = run("verify", exported)
    assert (done.code, done.err) == (0, "")
    assert "69 golden items, 36 of them from data" in done.out
    assert "76 of 76 as they were" in done.out
    assert "ok: it answers as the model did." in done.out
    told = run("verify", exported, "--json").json
    assert (told["ok"], told["target"], told["goldens"], told["data_items"]) == (True, "onnx", 69, 36)
    assert told["agreement"] == 1
    assert told["largest_difference"] < told["tolerance"] == 0.01
    assert told["mb"] < 10


def test_one_that_differs_ends_with_3_and_says_in_what(run, exported, tmp_path):
    place = tmp_path / "copy"
    shutil.copytree(exported, place)
    (place / "goldens" / "001.jpg").write_bytes((place / "goldens" / "002.jpg").read_bytes())
    (place / "requirements.txt").unlink()
    (place / "more.txt").touch()
    done = run("verify", place)
    assert done.code == 3
    assert "changed: goldens/001.jpg; missing: requirements.txt; not part of the export: more.txt" in done.out
    assert "001.jpg    a door, open: " in done.out
    assert "the model said" in done.out
    assert done.out.rstrip().endswith("Not ok.")
    told = run("verify", place, "--json")
    assert told.code == 3
    assert told.json["files"] == {
        "changed": ["goldens/001.jpg"],
        "missing": ["requirements.txt"],
        "extra": ["more.txt"],
    }
    (one,) = told.json["differing"]
    assert (one["item"], one["expected"] != one["found"]) == ("001.jpg", True)


def test_what_is_no_export_ends_with_1_and_three_parts(run, saved, tmp_path):
    for place in (saved, tmp_path / "nothing"):
        done = run("verify", place)
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith("Error: ")
        assert "Give " in done.err
        assert run("verify", place, "--json").json["error"]["code"] == "export"


def test_export_says_whose_items_leave(said, photos):
    out = said[1]
    assert f"36 of them are items of {photos}: their files leave with the export." in out
    assert "Proof   100.0% of 69 golden items answered alike" in out
    assert "verify" in out.splitlines()[-1]
