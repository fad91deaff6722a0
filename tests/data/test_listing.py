import os
import zipfile

import pytest

from graft.data.dataset import Memory
from graft.data.listing import Listing, is_stray, list_archive, list_folder, peek, walk
from graft.errors import ItemError


def plant(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode(errors="surrogateescape"))


def names(listing):
    return [entry.item.name for entry in listing.entries]


def test_sorted_by_path_and_without_strays(tmp_path):
    plant(tmp_path, "b/2.jpg", "b/1.jpg", "a/x/3.jpg", "a/4.jpg", "c.txt")
    plant(
        tmp_path,
        ".DS_Store",
        "a/Thumbs.db",
        "b/.ipynb_checkpoints/1.jpg",
        "__MACOSX/b/._1.jpg",
        "b/desktop.ini",
        "b/~$notes.xlsx",
    )
    listing = list_folder(tmp_path)
    assert names(listing) == ["a/4.jpg", "a/x/3.jpg", "b/1.jpg", "b/2.jpg", "c.txt"]
    assert listing.folders == {"a", "b"}
    assert listing.strays == {
        ".DS_Store": 1, "Thumbs.db": 1, ".ipynb_checkpoints": 1, "__MACOSX": 1, "desktop.ini": 1,
        "~$notes.xlsx": 1,
    }  # fmt: skip
    assert listing.entries[0].item.read() == b"a/4.jpg"


def test_a_zip_lists_as_its_folder_does(tmp_path):
    plant(tmp_path / "f", "b/2.jpg", "a/x/3.jpg", "a/4.jpg", "c.txt", ".DS_Store", "__MACOSX/a/._4.jpg")
    with zipfile.ZipFile(tmp_path / "f.zip", "w") as file:
        for path in (tmp_path / "f").rglob("*"):
            file.write(path, path.relative_to(tmp_path / "f"))
    folder, archive = list_folder(tmp_path / "f"), list_archive(tmp_path / "f.zip")
    assert names(folder) == names(archive)
    assert [entry.item.read() for entry in folder.entries] == [entry.item.read() for entry in archive.entries]
    assert folder.folders == archive.folders
    assert archive.strays.total() == 2


def test_linked_files_are_read_and_loops_of_folders_end(tmp_path):
    plant(tmp_path, "data/a/1.jpg", "elsewhere/2.jpg", "elsewhere/3.jpg")
    (tmp_path / "data/a/link.jpg").symlink_to(tmp_path / "elsewhere/2.jpg")
    (tmp_path / "data/a/up").symlink_to(tmp_path / "data")
    (tmp_path / "data/a/self").symlink_to("self")
    (tmp_path / "data/a/nowhere.jpg").symlink_to(tmp_path / "gone.jpg")
    (tmp_path / "data/0").symlink_to(tmp_path / "elsewhere")
    listing = list_folder(tmp_path / "data")
    assert names(listing) == ["0/2.jpg", "0/3.jpg", "a/1.jpg", "a/link.jpg", "a/nowhere.jpg", "a/self"]
    assert [(one.path, one.code) for one in listing.skipped] == [("a/up", "link")]
    assert listing.entries[3].item.read() == b"elsewhere/2.jpg"
    for broken in listing.entries[4:]:
        with pytest.raises(ItemError):
            broken.item.read()


def test_many_links_to_each_other_end_soon(tmp_path):
    for level in range(24):  # every path through them is another of 2 ** 24
        (tmp_path / f"{level}").mkdir()
        for side in "ab":
            (tmp_path / f"{level}" / side).symlink_to(tmp_path / f"{(level + 1) % 24}")
    plant(tmp_path, "7/1.jpg")
    assert names(list_folder(tmp_path)) == ["7/1.jpg"]


def test_a_folder_keeps_its_own_name_when_a_link_to_it_sorts_first(tmp_path):
    plant(tmp_path, "v2/1.jpg")
    (tmp_path / "latest").symlink_to(tmp_path / "v2")
    assert names(list_folder(tmp_path)) == ["v2/1.jpg"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may open every folder")
def test_a_folder_that_cannot_be_opened_is_named(tmp_path):
    plant(tmp_path, "a/1.jpg", "b/2.jpg")
    (tmp_path / "b").chmod(0)
    listing = list_folder(tmp_path)
    (tmp_path / "b").chmod(0o700)
    assert names(listing) == ["a/1.jpg"]
    assert [(one.path, one.code) for one in listing.skipped] == [("b", "unreadable")]


def test_names_that_are_no_unicode_can_be_printed(tmp_path):
    try:
        plant(tmp_path, os.fsdecode(b"caf\xe9/1.jpg"))
    except OSError:
        pytest.skip("this file system takes only Unicode names")
    (entry,) = list_folder(tmp_path).entries
    assert entry.item.name.encode() == "caf\ufffd/1.jpg".encode()
    assert entry.item.read()


def test_walking_is_lazy(tmp_path):
    plant(tmp_path, *(f"{n}/1.jpg" for n in range(3)))
    steps = walk(tmp_path, Listing())
    assert next(steps).item.name == "0/1.jpg"
    plant(tmp_path, "1/0.jpg")
    assert [entry.item.name for entry in steps] == ["1/0.jpg", "1/1.jpg", "2/1.jpg"]


def test_peek_reads_only_the_start_and_waits_for_nothing(tmp_path):
    (tmp_path / "long").write_bytes(bytes(range(256)))
    os.mkfifo(tmp_path / "pipe")
    entries = {entry.item.name: entry.item for entry in list_folder(tmp_path).entries}
    assert peek(entries["long"]) == bytes(range(32))
    with pytest.raises(ItemError, match="not a regular file"):
        peek(entries["pipe"])
    assert peek(Memory(b"x" * 100, "m")) == b"x" * 32


@pytest.mark.parametrize("name", [".hidden", "Thumbs.db", "THUMBS.DB", "__MACOSX", "._1.jpg", "desktop.ini"])
def test_strays(name):
    assert is_stray(name)
    assert not is_stray("photo" + name)
