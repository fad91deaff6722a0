"""``graft demo`` from outside."""

import json

import pytest

from graft.cli.demo import MARKER


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A folder in which the demo was run."""
    import graft.cli

    folder = tmp_path_factory.mktemp("demo") / "doors"
    assert graft.cli.run(["demo", "-o", str(folder)]) == 0
    return folder


def test_the_demo_leaves_photos_a_model_and_a_report(demo):
    assert sorted(path.name for path in demo.iterdir()) == [MARKER, "doors.graft", "new", "photos", "report.html"]
    assert len(list((demo / "photos").rglob("*.jpg"))) == 200
    report = json.loads((demo / "doors.graft" / "report.json").read_text())
    assert report["classes"] == ["closed", "open"]
    assert report["accuracy"]["value"] > 0.8


def test_what_the_demo_says_to_try_next_works(demo, run):
    found = run("predict", demo / "doors.graft", demo / "new", "--json")
    assert found.code == 0
    assert all(answer["label"] in ("open", "closed") for answer in found.json)


def test_again_is_refused_and_with_overwrite_only_what_was_drawn_goes(demo, run):
    found = run("demo", "-o", demo)
    assert found.code == 1
    assert "--overwrite" in found.err
    (demo / "mine.txt").write_text("a note")
    first = (demo / "photos" / "open").iterdir().__next__().read_bytes()
    found = run("demo", "-o", demo, "--overwrite", "--json")
    assert found.code == 0
    assert found.err == ""
    assert found.json["n_items"] == 200
    assert (demo / "mine.txt").read_text() == "a note"
    assert first in {path.read_bytes() for path in (demo / "photos" / "open").iterdir()}


def test_a_foreign_folder_is_left_alone(run, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "wedding.jpg").write_bytes(b"precious")
    for arguments in ((), ("--overwrite",)):
        found = run("demo", "-o", tmp_path, *arguments)
        assert found.code == 1
        assert "no demo made" in found.err
    assert [path.name for path in tmp_path.rglob("*")] == ["photos", "wedding.jpg"]


def test_a_file_in_its_place_is_left_alone(run, tmp_path):
    (tmp_path / "doors").write_text("mine")
    assert run("demo", "-o", tmp_path / "doors", "--overwrite").code == 1
    assert (tmp_path / "doors").read_text() == "mine"
