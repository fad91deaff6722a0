"""``graft demo`` from outside."""

import contextlib
import io
import json
import re
import sys

import pytest

from graft.cli.demo import MARKER
from graft.encoders.lru import EncoderLRU


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A folder in which the demo was run."""
    import graft.cli

    folder = tmp_path_factory.mktemp("demo") / "doors"
    assert graft.cli.exit_code(["demo", "-o", str(folder)]) == 0
    return folder


def test_the_demo_leaves_photos_a_model_and_a_report(demo):
    assert sorted(path.name for path in demo.iterdir()) == [MARKER, "doors.graft", "new", "photos", "report.html"]
    assert len(list((demo / "photos").rglob("*.jpg"))) == 200
    report = json.loads((demo / "doors.graft" / "report.json").read_text())
    assert report["classes"] == ["closed", "open"]
    assert report["accuracy"]["value"] > 0.8


@pytest.fixture(scope="module")
def text_demo(tmp_path_factory):
    """A folder in which the text demo was run, and what it printed."""
    import graft.cli
    from graft.encoders.text import WEIGHTS

    if not WEIGHTS.is_here():
        pytest.skip("needs MiniLM's weights")

    folder = tmp_path_factory.mktemp("demo") / "messages"
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert graft.cli.exit_code(["demo", "text", "-o", str(folder)]) == 0
    return folder, printed.getvalue()


def test_the_text_demo_leaves_messages_a_model_and_a_report(text_demo):
    folder, _ = text_demo
    parts = [MARKER, "messages.csv", "messages.graft", "new", "report.html"]
    assert sorted(path.name for path in folder.iterdir()) == parts
    report = json.loads((folder / "messages.graft" / "report.json").read_text())
    assert report["classes"] == ["account", "damaged", "delivery", "payment", "praise", "refund"]
    assert 0.8 < report["accuracy"]["value"] < 0.97


def test_the_text_demo_names_new_messages_and_finds_most_of_what_was_planted(text_demo):
    _, printed = text_demo
    answers = [line for line in printed.splitlines() if '%  "' in line]
    assert len(answers) == 8
    assert sum(line.endswith("(right)") for line in answers) >= 6
    found = re.search(r"Of the 13 messages .*, (\d+) stand among", printed)
    assert found, printed
    assert int(found[1]) >= 8


def test_what_the_text_demo_says_to_try_next_works(text_demo, run):
    folder, _ = text_demo
    found = run("predict", folder / "messages.graft", folder / "new", "--json")
    assert found.code == 0
    assert len(found.json) == 8
    assert all("label" in answer for answer in found.json)


def test_the_text_demo_again_replaces_its_messages_only(text_demo, run):
    folder, _ = text_demo
    assert run("demo", "text", "-o", folder).code == 1
    (folder / "mine.txt").write_text("a note")
    found = run("demo", "text", "-o", folder, "--seed", 1, "--overwrite", "--json")
    assert found.code == 0
    assert found.json["n_items"] == 240
    assert (folder / "mine.txt").read_text() == "a note"
    (folder / "mine.txt").unlink()


def test_without_its_extra_the_text_demo_says_so_and_leaves_room_for_another_try(run, tmp_path, monkeypatch):
    pytest.importorskip("tokenizers")
    folder = tmp_path / "messages"
    with monkeypatch.context() as patch:
        patch.setattr("graft.encoders.LOADED", EncoderLRU())
        patch.setitem(sys.modules, "tokenizers", None)
        for _ in range(2):
            found = run("demo", "text", "-o", folder)
            assert found.code == 1
            assert "graft-learn[text]" in found.err
        assert [path.name for path in folder.iterdir()] == [MARKER]


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
