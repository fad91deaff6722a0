"""What ``graft tune`` has trained is not lost where it cannot be saved, and what it says does not break the bar."""

import os
import pty
import subprocess
import sys
import tempfile

import pytest

pytest.importorskip("torch", reason="tuning needs torch")

import graft
from cli.conftest import shown_on
from graft.cli.tune import _save
from graft.errors import BundleError, OutputExists
from graft.tuning.kept import place_of
from graft.tuning.tuning import Tuned

A_NOTE_BESIDE_A_BAR = """
from graft.cli.output import progress_bar
from graft.cli.tune import _Notes

with progress_bar() as progress:
    progress("embed", 3, 3)
    note = _Notes(quiet=False)
    note("Trial 1 of 3.")
    note("loss 0.125", live=True)
"""


def _tuned(model, shipped=True):
    return Tuned(model, shipped, "It is better.", {}, {}, (), 1.0, shipped, ())


def _kept(folder):
    """The first run of a tuning that was to be saved in the folder."""
    checkpoint = folder / ".new.graft.tune"
    place_of(checkpoint, 0).write_bytes(b"a run")
    return checkpoint


def test_what_cannot_be_saved_there_is_saved_beside_the_model_that_went_in(model, tmp_path):
    checkpoint, blocked = _kept(tmp_path), tmp_path / "file"
    blocked.write_text("mine")
    spare = tmp_path / "models"
    spare.mkdir()
    with pytest.raises(BundleError) as caught:
        _save(_tuned(model), blocked / "new.graft", checkpoint, spare, overwrite=False)
    (place,) = spare.iterdir()
    assert str(place) in caught.value.message
    assert graft.load(place).classes == model.classes
    assert sorted(tmp_path.iterdir()) == [blocked, spare]  # the runs are forgotten


def test_a_model_that_was_put_there_meanwhile_stays(model, tmp_path):
    target, spare = tmp_path / "new.graft", tmp_path / "models"
    spare.mkdir()
    model.save(target)
    before = {path.name: path.read_bytes() for path in target.iterdir()}
    with pytest.raises(OutputExists, match="saved as"):
        _save(_tuned(model), target, _kept(tmp_path), spare, overwrite=False)
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before
    assert len(list(spare.iterdir())) == 1


def test_among_the_temporary_files_only_its_owner_can_open_it(model, tmp_path, monkeypatch):
    blocked, temporary = tmp_path / "file", tmp_path / "temporary"
    blocked.write_text("mine")
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with pytest.raises(BundleError) as caught:
        _save(_tuned(model), blocked / "new.graft", _kept(tmp_path), blocked, overwrite=False)
    (folder,) = temporary.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert str(folder / "new.graft") in caught.value.message
    assert graft.load(folder / "new.graft").classes == model.classes


def test_where_no_folder_takes_it_the_runs_are_kept(model, tmp_path, monkeypatch):
    checkpoint, blocked = _kept(tmp_path), tmp_path / "file"
    blocked.write_text("mine")
    monkeypatch.setattr(tempfile, "tempdir", str(blocked))
    with pytest.raises(BundleError) as caught:
        _save(_tuned(model), blocked / "new.graft", checkpoint, blocked, overwrite=False)
    assert "The runs are kept" in caught.value.hint
    assert place_of(checkpoint, 0).exists()


def test_a_model_that_stayed_as_it_was_is_saved_nowhere_else(model, tmp_path):
    blocked, spare = tmp_path / "file", tmp_path / "models"
    blocked.write_text("mine")
    spare.mkdir()
    with pytest.raises(BundleError):
        _save(_tuned(model, shipped=False), blocked / "new.graft", tmp_path / ".tune", spare, overwrite=False)
    assert not list(spare.iterdir())


def test_model_and_report_of_one_name_are_refused_before_the_work(run, saved, photos, tmp_path):
    found = run("tune", saved, photos, "-o", tmp_path / "both", "--report", tmp_path / "both")
    assert found.code == 2
    assert "both" in found.err
    assert not list(tmp_path.iterdir())


def test_notes_stand_on_lines_of_their_own_beside_a_bar():
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", A_NOTE_BESIDE_A_BAR], stderr=theirs, env={**os.environ, "COLUMNS": "80", "TERM": "xterm"}
    ):
        os.close(theirs)
        shown = shown_on(ours)
    for note in (b"Trial 1 of 3.", b"loss 0.125"):
        assert b"\x1b[2K" + note + b"\r\n" in shown  # the bar's line is erased before
