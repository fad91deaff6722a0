"""A model in one file: the same bytes each time, and nothing else is taken for one."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import graft
from graft.errors import BundleError, GraftError, NotABundle, UnsafeArchive
from graft.model.packed import model_folder, packed


def test_what_is_packed_is_the_folder_and_always_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    content = packed(saved)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            f"shapes.graft/{path.name}": path.read_bytes() for path in saved.iterdir()
        }
        assert archive.namelist()[-1] == "shapes.graft/manifest.json"
        assert {oct(entry.external_attr >> 16) for entry in archive.infolist()} == {"0o100644"}
    again = tmp_path / "shapes.graft"
    again.mkdir()
    for path in saved.iterdir():
        (again / path.name).write_bytes(path.read_bytes())
        os.utime(again / path.name, (0, 0))
        (again / path.name).chmod(0o600)
    assert packed(again) == content


def test_it_is_unpacked_once_and_loaded(saved: Path, tmp_path: Path, model: graft.Model) -> None:
    file = tmp_path / "doors.graft.zip"
    file.write_bytes(packed(saved))
    folder = model_folder(file)
    assert folder.name == "doors.graft"
    assert graft.load(folder).classes == model.classes
    at = folder.stat().st_ino
    assert model_folder(str(file)).stat().st_ino == at


def test_what_is_no_packed_model_stays_as_it_is(saved: Path, tmp_path: Path) -> None:
    assert model_folder(saved) == saved
    assert model_folder(tmp_path / "none.graft.zip") == tmp_path / "none.graft.zip"


def zipped(**files: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "/"), data)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (lambda: b"no zip", UnsafeArchive),
        (lambda: zipped(a=b"a"), NotABundle),
        (lambda: zipped(**{"a.graft__manifest.json": b"{}", "b__c": b""}), NotABundle),
        (lambda: zipped(**{"a.graft__manifest.json": b"{}", "a.graft__b__c": b""}), NotABundle),
        (lambda: zipped(**{"a.graft__manifest.json": b"{}", "..__c": b""}), UnsafeArchive),
        (lambda: zipped(**{"a.graft__manifest.json": b"{}"}, **{f"a.graft__{n}": b"" for n in range(40)}), NotABundle),
    ],
)
def test_whatever_else_a_file_holds_is_refused_and_nothing_is_left(
    content: Callable[[], bytes], error: type[GraftError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAFT_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "a.graft.zip"
    file.write_bytes(content())
    with pytest.raises(error):
        model_folder(file)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [file]


def test_what_was_changed_inside_is_told_when_it_is_loaded(saved: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.graft.zip"
    content = packed(saved)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name.replace("/", "__"): archive.read(name) for name in archive.namelist()}
    files["shapes.graft__report.json"] = files["shapes.graft__report.json"].replace(b"0", b"1", 1)
    file.write_bytes(zipped(**files))
    with pytest.raises(BundleError, match="changed"):
        graft.load(model_folder(file))
