"""Tar archives: read as zips are, and refused for the same reasons."""

import contextlib
import gzip
import io
import os
import tarfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from data.planted import PETS, plant, rows
from graft.decoding import archive, tars
from graft.decoding.archive import list_members, member_state, peek_member, read_member
from graft.errors import GraftError, UnsafeArchive
from graft.reading.inputs import gather
from graft.reading.read import read

SUFFIXES = [".tar", ".tar.gz", ".tgz", ".dat"]


def packed(folder, path, form=tarfile.PAX_FORMAT):
    mode = "w" if path.suffix == ".tar" else "w:gz"
    with tarfile.open(path, mode, format=form) as file:
        file.add(folder, arcname=".")
    return path


def made(path, *members):
    """A tar of members: name, content, and what else its header says."""
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as file:
        for name, content, header in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in header.items():
                setattr(info, key, value)
            file.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_tars_read_as_folders_do(pets, tmp_path, suffix, form):
    dataset = read(packed(pets, tmp_path / f"a{suffix}", form))
    assert rows(dataset) == PETS
    assert dataset.items[0].read() == (pets / "cat/1.jpg").read_bytes()
    assert [item.read() for item in gather([tmp_path / f"a{suffix}"])] == [item.read() for item in read(pets).items]


def test_long_names_and_names_in_any_alphabet(tmp_path):
    plant(tmp_path / "set", f"{'a' * 120}/{'b' * 120}.jpg", "küche/ü.jpg")
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        assert read(packed(tmp_path / "set", tmp_path / f"{form}.tgz", form)).classes == ("a" * 120, "küche")


def test_a_table_in_a_tar(pets, tmp_path):
    (pets / "labels.csv").write_text("path,label\ncat/1.jpg,one\ndog/3.jpg,two\n../../etc/passwd,two\n")
    dataset = read(packed(pets, tmp_path / "a.tar.gz"))
    assert dataset.classes == ("one", "two")
    assert [one.code for one in dataset.skipped] == ["missing"]


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../outside.jpg", "cat/../../outside.jpg", "C:/windows.jpg", "..\\out.jpg"]
)
def test_members_that_reach_outside_are_refused(tmp_path, name):
    path = made(tmp_path / "a.tar", ("cat/1.jpg", b"1", {}), (name, b"2", {}))
    with pytest.raises(UnsafeArchive, match="reaches outside"):
        list_members(path)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_listed_and_never_followed(pets, tmp_path, kind):
    content = (pets / "cat/1.jpg").read_bytes()
    path = made(
        tmp_path / "a.tar.gz",
        ("cat/1.jpg", content, {}),
        ("dog/2.jpg", content, {}),
        ("dog/3.jpg", b"", {"type": kind, "linkname": "/etc/passwd"}),
    )
    dataset = read(path)
    assert [(one.path, one.code) for one in dataset.skipped] == [("dog/3.jpg", "link")]
    assert len(dataset) == 2


def test_a_member_of_the_same_name_is_named(pets, tmp_path):
    content = (pets / "cat/1.jpg").read_bytes()
    path = made(tmp_path / "a.tar", ("cat/1.jpg", content, {}), ("dog/1.jpg", content, {}), ("cat/1.jpg", b"x", {}))
    dataset = read(path)
    assert [(one.path, one.code) for one in dataset.skipped] == [("cat/1.jpg", "repeated")]
    assert [item.read() for item in dataset.items] == [content] * 2


def test_a_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "TARS", archive.TARS._replace(ratio_from=1 << 22))
    path = made(tmp_path / "a.tar.gz", ("cat/1.jpg", bytes(1 << 23), {}))
    with pytest.raises(UnsafeArchive, match="grows from"):
        list_members(path)


def test_what_is_larger_than_the_bound_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "TARS", archive.TARS._replace(total=1 << 20))
    path = made(tmp_path / "a.tar.gz", ("cat/1.jpg", os.urandom(1 << 21), {}))
    with pytest.raises(UnsafeArchive, match="grows from"):
        list_members(path)


def test_very_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "TARS", archive.TARS._replace(members=5))
    path = made(tmp_path / "a.tar", *((f"cat/{number}.jpg", b"1", {}) for number in range(6)))
    with pytest.raises(UnsafeArchive, match=r"^a\.tar has more than 5 members") as caught:
        list_members(path)
    assert caught.value.hint == "Unpack it and give the folder."


@pytest.mark.parametrize("before", [[], [("cat/0.jpg", b"0", {})], [("cat", b"", {"type": tarfile.DIRTYPE})]])
def test_a_remark_without_end_is_refused_before_it_is_read(tmp_path, monkeypatch, before):
    monkeypatch.setattr(tars, "_LARGEST_NOTE", 1000)
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as file:
        for name, content, header in before:
            info = tarfile.TarInfo(name)
            info.size, info.type = len(content), header.get("type", tarfile.REGTYPE)
            file.addfile(info, io.BytesIO(content))
        info = tarfile.TarInfo("cat/1.jpg")
        info.pax_headers = {"comment": "x" * 2000}
        file.addfile(info)
    with pytest.raises(UnsafeArchive, match="a name or a remark of"):
        list_members(path)


@pytest.mark.parametrize(
    "kind", [tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE]
)
def test_names_and_remarks_of_every_kind_have_a_bound(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(tars, "_LARGEST_NOTE", 1000)
    path = made(tmp_path / "a.tar", ("a note", b"x" * 2000, {"type": kind}), ("cat/1.jpg", b"1", {}))
    with pytest.raises(UnsafeArchive, match="a name or a remark of"):
        list_members(path)


def test_notes_on_notes_without_end_are_refused(tmp_path):
    notes = [("a note", b"x", {"type": tarfile.GNUTYPE_LONGNAME})] * 2000
    path = made(tmp_path / "a.tar", *notes, ("cat/1.jpg", b"1", {}))
    with pytest.raises(UnsafeArchive, match="copy or download it again"):
        list_members(path)


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz"])
@pytest.mark.parametrize("kept", [0.3, 0.7, 0.95])
def test_cut_short_is_said(pets, tmp_path, suffix, kept):
    for number in range(20):
        (pets / f"cat/x{number}.jpg").write_bytes(os.urandom(5000))
    content = packed(pets, tmp_path / f"a{suffix}").read_bytes()
    (tmp_path / f"b{suffix}").write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(UnsafeArchive, match="copy or download it again"):
        list_members(tmp_path / f"b{suffix}")


def test_spoilt_anywhere_is_listed_or_refused(pets, tmp_path):
    content = bytearray(packed(pets, tmp_path / "a.tar").read_bytes())
    path = tmp_path / "b.tar"
    for position in range(0, len(content), 97):
        spoilt = content.copy()
        spoilt[position] ^= 0xFF
        path.write_bytes(spoilt)
        with contextlib.suppress(GraftError):
            assert len(read(path)) <= len(PETS)


def test_many_threads_share_one_archive(tmp_path):
    contents = {f"cat/{number}.jpg": os.urandom(3000 + number) for number in range(50)}
    path = made(tmp_path / "a.tar.gz", *((name, content, {}) for name, content in contents.items()))
    names = [*contents] * 20
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda name: read_member(path, name, 1 << 20)[0], names))
    assert found == [contents[name] for name in names]
    assert peek_member(path, "cat/3.jpg", 7) == contents["cat/3.jpg"][:7]
    assert read_member(path, "cat/3.jpg", 100) == (b"", 3003)
    assert member_state(path, "cat/3.jpg") == (3003, 0)


def test_a_table_packed_by_gzip_is_no_tar(tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"text,label\n" + b"hello there,a\nbye then,b\n" * 30))
    assert not tars.is_tar(tmp_path / "a.csv.gz")
    assert read(tmp_path / "a.csv.gz").classes == ("a", "b")


def test_nothing_is_left_behind(pets, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    read(packed(pets, tmp_path / "a.tar.gz"))
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize("spoilt", [False, True])
def test_what_ends_before_its_end_is_refused_wherever_it_is_cut(pets, tmp_path, spoilt):
    path = made(tmp_path / "a.tar", *((f"cat/{number}.txt", b"a text", {}) for number in range(9)))
    content = path.read_bytes()[: 9 * 1024]  # a block for each header, and one for what follows
    for kept in range(1024, len(content) + 1, 256):
        rest = b"\xff" * 512 if spoilt else b""
        path.write_bytes(content[:kept] + rest)
        with pytest.raises(UnsafeArchive, match="copy or download it again"):
            list_members(path)
