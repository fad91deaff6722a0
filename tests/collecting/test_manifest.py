"""Folders that come from others, or from a run that was killed."""

import json
import os
import subprocess
import sys

import pytest

from collecting.server import photo
from graft.collecting import collect
from graft.collecting.manifest import MAX_FILE, NAME
from graft.errors import DataError, OutputExists

KILLED = """
import os, sys
import graft.collecting.manifest as manifest
write = manifest.write_synced
def write_and_die(path, content):
    write(path, content)
    os._exit(9)
manifest.write_synced = write_and_die
manifest_of, source = sys.argv[1:]
from graft.collecting import collect
collect(["open"], manifest_of, source=source)
"""
BASE = {"label": "open", "query": "open", "provider": "pages", "url": "http://a.example/1", "time": "now"}


@pytest.fixture
def saved(tmp_path):
    """A saved page with three pictures beside it."""
    beside = tmp_path / "saved" / "page_files"
    beside.mkdir(parents=True)
    for seed in range(3):
        (beside / f"{seed}.jpg").write_bytes(photo(seed))
    (tmp_path / "saved" / "page.html").write_text("")
    return tmp_path / "saved" / "page.html"


def collected(folder, *lines):
    """A folder with a manifest of these lines."""
    folder.mkdir()
    (folder / NAME).write_text("".join(json.dumps(BASE | line) + "\n" for line in lines))
    return folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_killed_before_the_first_line_of_a_class(saved, tmp_path):
    out = tmp_path / "out"
    assert subprocess.run([sys.executable, "-c", KILLED, out, saved]).returncode == 9
    assert names(out / "open") == [".0001.jpg.part"]
    assert collect(["open"], out, source=saved).classes["open"].kept == 3
    assert names(out / "open") == ["0001.jpg", "0002.jpg", "0003.jpg"]


def test_what_is_in_the_way_of_a_part_is_left_alone(saved, tmp_path):
    out = collected(tmp_path / "out")
    (tmp_path / "mine").write_bytes(b"mine")
    (out / "open").mkdir()
    (out / "open" / ".0001.jpg.part").symlink_to(tmp_path / "mine")
    (out / "open" / ".0002.jpg.part").mkdir()
    assert collect(["open"], out, source=saved).classes["open"].kept == 3
    assert names(out / "open") == [".0001.jpg.part", ".0002.jpg.part", "0003.jpg", "0004.jpg", "0005.jpg"]
    assert (tmp_path / "mine").read_bytes() == b"mine"


def test_numbers_do_not_run_out(saved, tmp_path):
    out = collected(tmp_path / "out", {"state": "kept", "file": "open/999999999.jpg", "sha256": "0"})
    for _ in range(2):
        assert collect(["open"], out, source=saved).classes["open"].kept == 3
    assert names(out / "open") == ["0001.jpg", "0002.jpg", "0003.jpg"]


def test_what_appears_during_a_run_is_not_replaced(saved, tmp_path):
    out = tmp_path / "out"

    def watch(stage, done, of):
        if done == 1:
            (out / "open" / "0002.jpg").write_bytes(b"mine")

    assert collect(["open"], out, source=saved, progress=watch).classes["open"].kept == 3
    assert (out / "open" / "0002.jpg").read_bytes() == b"mine"


def test_a_class_that_is_a_link_is_refused(saved, tmp_path):
    out = collected(tmp_path / "out")
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / ".0001.jpg.part").write_bytes(b"theirs")
    (out / "open").symlink_to("../victim")
    with pytest.raises(OutputExists, match="link"):
        collect(["open"], out, source=saved)
    assert collect(["shut"], out, source=saved).classes["shut"].kept == 3
    assert names(tmp_path / "victim") == [".0001.jpg.part"]


def test_a_manifest_that_is_a_link_or_a_pipe_is_refused(saved, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "notes.jsonl").write_text("")
    (tmp_path / "out" / NAME).symlink_to("../notes.jsonl")
    with pytest.raises(OutputExists, match="link"):
        collect(["open"], tmp_path / "out", source=saved)
    assert (tmp_path / "notes.jsonl").read_text() == ""
    (tmp_path / "out" / NAME).unlink()
    os.mkfifo(tmp_path / "out" / NAME)
    call = "import sys; from graft.collecting import collect; collect(['open'], sys.argv[1], source=sys.argv[2])"
    ended = subprocess.run([sys.executable, "-c", call, tmp_path / "out", saved], capture_output=True)
    assert b"OutputExists" in ended.stderr


def test_a_manifest_has_bounds(saved, tmp_path):
    out = collected(tmp_path / "out")
    os.truncate(out / NAME, MAX_FILE + 1)
    with pytest.raises(DataError, match="MB at most"):
        collect(["open"], out, source=saved)


def test_a_file_is_no_folder(saved, tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(OutputExists, match="no folder"):
        collect(["open"], tmp_path / "out", source=saved)
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize(
    "line",
    [
        {"state": "refused", "reason": "\x1b[31mred\nNext: rm -rf ~"},
        {"state": "refused", "reason": "a" * 41},
        {"state": "refused", "reason": ""},
        {"state": "lost", "reason": "busy"},
        {"state": "duplicate", "of": "open/0001.jpg"},
    ],
)
def test_states_and_reasons_of_others_are_not_believed(saved, tmp_path, line):
    out = collected(tmp_path / "out", line, {"state": "refused", "reason": "status_404", "url": "http://b.example/"})
    done = collect(["open"], out, source=saved).classes["open"]
    assert (done.kept, done.duplicates, done.refused, done.failed) == (3, 0, {"status_404": 1}, {})
