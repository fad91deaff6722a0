"""``graft demo`` from outside."""

import contextlib
import io
import json
import re
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import graft.cli as command_line
from cli.conftest import Outcome
from graft.cli.demo import MARKER
from graft.encoders.lru import EncoderLRU
from graft.samples import draw_doors


class Again(NamedTuple):
    """A folder, how it went without ``--overwrite``, the photos that lay there after that, and how it went with it."""

    folder: Path
    refused: Outcome
    before: int
    done: Outcome


@pytest.fixture(scope="module")
def again(tmp_path_factory):
    """Where a demo was stopped when it had drawn two photos, and how it went when it was run again."""
    folder = tmp_path_factory.mktemp("demo") / "doors"
    draw_doors(folder / "photos", n=2, seed=9)
    (folder / MARKER).touch()
    (folder / "photos" / "open" / "drawn_before.jpg").touch()
    (folder / "mine.txt").write_text("a note")
    refused = ran("-o", folder)
    before = len(list((folder / "photos").rglob("*.jpg")))
    return Again(folder, refused, before, ran("-o", folder, "--overwrite", "--json"))


def ran(*words):
    """How ``graft demo`` went."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = command_line.exit_code(["demo", *map(str, words)])
    return Outcome(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def demo(again):
    """A folder in which the demo was run."""
    return again.folder


def test_the_demo_leaves_photos_a_model_and_a_report(demo):
    parts = [MARKER, "doors.graft", "mine.txt", "new", "photos", "report.html"]
    assert sorted(path.name for path in demo.iterdir()) == parts
    assert len(list((demo / "photos").rglob("*.jpg"))) == 200
    report = json.loads((demo / "doors.graft" / "report.json").read_text())
    assert report["classes"] == ["closed", "open"]
    assert report["accuracy"]["value"] > 0.8


@pytest.fixture(scope="module")
def text_demo(tmp_path_factory):
    """A folder in which the text demo was run, and what it printed."""
    from graft.encoders.text import WEIGHTS

    if not WEIGHTS.is_here():
        pytest.skip("needs MiniLM's weights")

    folder = tmp_path_factory.mktemp("demo") / "messages"
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert command_line.exit_code(["demo", "text", "-o", str(folder)]) == 0
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


def test_again_is_refused_and_with_overwrite_only_what_was_drawn_goes(again):
    assert again.refused.code == 1
    assert "--overwrite" in again.refused.err
    assert again.before == 3
    assert (again.done.code, again.done.err) == (0, "")
    assert again.done.json["n_items"] == 200
    assert (again.folder / "mine.txt").read_text() == "a note"
    assert not (again.folder / "photos" / "open" / "drawn_before.jpg").exists()


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
