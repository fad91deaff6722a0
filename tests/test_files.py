"""Files are written wholly or not at all."""

import errno
import os
from pathlib import Path

import pytest

from graft import files
from graft.errors import DataError, GraftError, refused_as


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "report.html"
    files.write_atomically(path, b"old")
    files.write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o666 & ~current_umask()


def test_who_reads_the_old_file_reads_it_to_its_end(tmp_path):
    path = tmp_path / "report.html"
    path.write_bytes(b"old" * 100_000)
    with path.open("rb") as reader:
        first = reader.read(3)
        files.write_atomically(path, b"new")
        assert first + reader.read() == b"old" * 100_000
    assert path.read_bytes() == b"new"


def current_umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_file_keeps_its_content_where_writing_fails(tmp_path):
    path = tmp_path / "folder"
    path.mkdir()
    with pytest.raises(OSError):
        files.write_atomically(path, b"new")
    with pytest.raises(FileNotFoundError):
        files.write_atomically(tmp_path / "missing" / "report.html", b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    files.write_atomically(tmp_path / "link.txt", b"new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


def test_a_place_is_tried_and_left_as_it_was(tmp_path):
    files.try_place(tmp_path / "new.graft")
    files.try_place(tmp_path / "deep" / "deeper" / "new.graft")
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("text")
    with pytest.raises(NotADirectoryError):
        files.try_place(tmp_path / "file" / "deeper" / "new.graft")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.fixture
def nobody(monkeypatch):
    """Neither the environment nor the system knows a home, as for a container's bare user."""

    def unknown(number):
        raise KeyError(number)

    for name in ("HOME", "GRAFT_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)
    files._own_temporary.cache_clear()
    yield
    files._own_temporary.cache_clear()


@pytest.mark.usefixtures("nobody")
def test_without_a_home_the_cache_is_of_this_process_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = files.cache_folder()
    assert folder.parent.parent == tmp_path
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    assert files.cache_folder() == folder
    assert files.expanded("~/photos") == Path("~/photos")


def test_a_folder_beside_takes_a_place_or_leaves_nothing(tmp_path):
    place = tmp_path / "models" / "new"
    with pytest.raises(FileNotFoundError), files.folder_beside(place) as made:
        (made / "half" / "written").touch()
    assert list(place.parent.iterdir()) == []
    with files.folder_beside(place) as made:
        (made / "whole").write_text("written")
        assert files.beside_already(place, "new") == [made]
        files.take_place(made, place)
    assert list(place.parent.iterdir()) == [place]
    assert (place / "whole").read_text() == "written"


def test_who_comes_second_leaves_the_place_to_the_first(tmp_path):
    place = tmp_path / "new"
    with files.folder_beside(place) as first, files.folder_beside(place) as second:
        (first / "a").touch()
        (second / "b").touch()
        files.take_place(first, place)
        files.take_place(second, place)
    assert [path.name for path in tmp_path.rglob("*")] == ["new", "a"]
    place.rename(tmp_path / "moved")
    with files.folder_beside(place) as made:
        place.touch()
        with pytest.raises(OSError, match="new"):
            files.take_place(made, place)


def test_what_the_system_refuses_is_said_with_its_reason(tmp_path):
    with pytest.raises(DataError) as caught, refused_as(DataError, "It cannot be read", "Look."):
        (tmp_path / "gone").read_bytes()
    assert (caught.value.message, caught.value.hint) == ("It cannot be read: No such file or directory.", "Look.")
    with pytest.raises(GraftError, match="It stays: the disk is full"), refused_as(GraftError, "It stays", "Wait."):
        raise OSError("the disk is full")


def test_a_full_disk_names_the_file_that_was_asked_for(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    place = tmp_path / "found.csv"
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="found") as told, files.written_whole(place) as file:
        file.write("row")
    assert (told.value.errno, told.value.filename) == (errno.ENOSPC, str(place))
    assert list(tmp_path.iterdir()) == []
