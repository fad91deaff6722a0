"""Data at addresses of a real S3 server are read like those in folders."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import graft
from buckets import S3Server
from graft.errors import DataError, TooFewClasses
from graft.reading.collection import read_collection
from graft.reading.inputs import gather


@pytest.fixture(scope="module")
def remote(s3: S3Server, photos: Path) -> str:
    """The photos at an address, with a key that no file can have and a folder's marker."""
    address = s3.put_folder(photos, "remote/photos")
    s3.put("remote/photos/circle/", b"")
    s3.put("remote/photos/circle/\x01.png", b"x")
    return address


def test_a_folder_per_class_is_the_same_data_set(remote: str, photos: Path) -> None:
    there, here = graft.read(remote), graft.read(photos)
    assert [item.name for item in there.items] == [item.name for item in here.items]
    assert there.labels == here.labels
    assert (there.name, there.modality) == ("photos", "image")
    assert {one.code for one in there.skipped} == {"odd_key"}
    assert len(there.skipped) == 1


def test_a_table_of_texts_and_a_zip(s3: S3Server, photos: Path, tmp_path: Path) -> None:
    table = s3.put("remote/messages.csv", b"text,label\nhello,a\nhi,a\nbye,b\nciao,b\n")
    assert graft.read(table).labels == ("a", "a", "b", "b")
    assert [item.name for item in gather([table], "text")] == ["hello", "hi", "bye", "ciao"]
    packed = s3.put("remote/all.zip", Path(shutil.make_archive(str(tmp_path / "all"), "zip", photos)).read_bytes())
    assert graft.read(packed).labels == graft.read(photos).labels


def test_what_is_to_be_predicted_and_searched(remote: str) -> None:
    items = list(gather([f"{remote}square/", f"{remote}circle/000.png"], "image"))
    assert items[0].name == f"{remote}square/000.png"
    assert items[-1].name == f"{remote}circle/000.png"
    assert len(items) == 13
    assert len(read_collection(remote)) == 36


def test_a_fit_is_repeated_from_its_address(remote: str, photos: Path, s3: S3Server, tmp_path: Path) -> None:
    model = graft.fit(remote)
    model.save(tmp_path / "a.graft")
    assert model.job.reading.source == remote
    assert {one.path for one in model.job.plan.inputs} == {
        f"{remote}{name}" for name in ("circle", "square", "triangle")
    }
    graft.repeat(tmp_path / "a.graft").save(tmp_path / "b.graft")
    head = (tmp_path / "a.graft" / "manifest.json").read_bytes()
    assert json.loads(head)["files"] == json.loads((tmp_path / "b.graft" / "manifest.json").read_bytes())["files"]
    assert s3.put("remote/photos/square/000.png", (photos / "circle/001.png").read_bytes())
    try:
        with pytest.raises(DataError, match="changed since"):
            graft.repeat(tmp_path / "a.graft")
    finally:
        s3.put("remote/photos/square/000.png", (photos / "square/000.png").read_bytes())


def test_the_hash_of_a_table_stands_in_the_job(s3: S3Server) -> None:
    table = s3.put(
        "remote/numbers.csv", "".join(["text,label\n", *(f"{n} {n % 2},{n % 2}\n" for n in range(40))]).encode()
    )
    from graft.data.provenance import inputs_of

    dataset = graft.read(table)
    (found,) = inputs_of(dataset, ["x"] * len(dataset))
    assert found.path == table
    assert len(found.sha256) == 64


def test_errors_speak_of_the_address(s3: S3Server, remote: str, tmp_path: Path) -> None:
    with pytest.raises(TooFewClasses) as told:
        graft.read(f"{remote}circle/")
    assert f"{remote}circle" in str(told.value)
    assert "addresses/" not in str(told.value)
    s3.put("remote/broken.zip", b"PK\x03\x04broken")
    with pytest.raises(DataError) as other:
        graft.read("s3://private/remote/broken.zip")
    assert "broken.zip is not a zip" in str(other.value)
