import io
import stat
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from graft.data.items import Member
from graft.decoding import archive
from graft.decoding.archive import READ_ERRORS, list_members, peek_member, read_member
from graft.errors import ItemError, UnsafeArchive


def make(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members:
            file.writestr(name, content)
    return path


def test_members_are_listed_and_read(tmp_path):
    path = make(tmp_path / "a.zip", [("cats/", b""), ("cats/1.jpg", b"one"), ("dogs/2.jpg", b"two" * 100)])
    assert [(entry.parts, entry.is_link) for entry in list_members(path)] == [
        (("cats", "1.jpg"), False),
        (("dogs", "2.jpg"), False),
    ]
    assert read_member(path, "dogs/2.jpg", 1000) == (b"two" * 100, 300)
    assert read_member(path, "dogs/2.jpg", 299) == (b"", 300)
    assert peek_member(path, "dogs/2.jpg", 4) == b"twot"


@pytest.mark.parametrize(
    "name",
    ["../evil.jpg", "cats/../../evil.jpg", "/etc/passwd", "C:/evil.jpg", "C:\\evil.jpg", "..\\evil.jpg", "\\\\host\\x"],
)
def test_members_that_reach_outside_are_refused(tmp_path, name):
    path = make(tmp_path / "a.zip", [("cats/1.jpg", b"one"), (name, b"evil")])
    with pytest.raises(UnsafeArchive, match="reaches outside"):
        list_members(path)


def test_windows_separators_are_understood(tmp_path):
    path = make(tmp_path / "a.zip", [("cats\\1.jpg", b"one")])
    (entry,) = list_members(path)
    assert entry.parts == ("cats", "1.jpg")
    assert read_member(path, entry.member, 10) == (b"one", 3)


def test_links_are_marked(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        link = zipfile.ZipInfo("cats/link.jpg")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        file.writestr(link, "/etc/passwd")
    assert [entry.is_link for entry in list_members(tmp_path / "a.zip")] == [True]


def test_a_bomb_is_refused(tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr("zeros.bin", bytes(archive.ZIPS.ratio_from + 1))
    with pytest.raises(UnsafeArchive, match="grows from"):
        list_members(path)


def test_what_shrinks_well_and_is_small_is_no_bomb(tmp_path):
    path = make(tmp_path / "a.zip", [("a.bmp", bytes(5_000_000))], zipfile.ZIP_DEFLATED)
    assert len(list_members(path)) == 1


def test_a_directory_that_claims_very_many_members_is_refused(tmp_path):
    path = make(tmp_path / "a.zip", [("a", b"1")])
    content = bytearray(path.read_bytes())
    end = content.rindex(b"PK\x05\x06")
    content[end + 12 : end + 16] = (3_000_000_000).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(UnsafeArchive, match="limit"):
        list_members(path)


def test_overlapping_members_are_refused(tmp_path):
    path = make(tmp_path / "a.zip", [(f"{n}.bin", bytes([n]) * 4000) for n in range(4)])
    content = path.read_bytes()
    first = content.index(b"PK\x01\x02")
    directory = bytearray(content[first:])
    entry = 46 + len("0.bin")
    whole = bytearray(content[: 4000 + 30 + len("0.bin")])
    for n in range(4):  # every entry of the directory points to the one file
        directory[n * entry + 42 : n * entry + 46] = (0).to_bytes(4, "little")
    end = directory.rindex(b"PK\x05\x06")
    directory[end + 16 : end + 20] = len(whole).to_bytes(4, "little")
    path.write_bytes(bytes(whole + directory))
    with pytest.raises(UnsafeArchive, match="overlap"):
        list_members(path)


def test_encrypted_is_refused(tmp_path):
    path = make(tmp_path / "a.zip", [("a.jpg", b"1")])
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    path.write_bytes(content)
    with pytest.raises(UnsafeArchive, match="encrypted"):
        list_members(path)


@pytest.mark.parametrize("kept", [0.3, 0.7, 0.99])
def test_cut_short_is_said(tmp_path, kept):
    path = make(tmp_path / "a.zip", [(f"cats/{n}.jpg", b"x" * 100) for n in range(50)])
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(UnsafeArchive, match="cut short"):
        list_members(path)


def test_spoilt_anywhere_is_listed_or_refused(tmp_path):
    path = make(tmp_path / "a.zip", [(f"cats/{n}.jpg", b"x" * 30) for n in range(3)], zipfile.ZIP_DEFLATED)
    content = path.read_bytes()
    for position in range(len(content)):
        spoilt = tmp_path / f"{position}.zip"
        spoilt.write_bytes(content[:position] + bytes([content[position] ^ 0xFF]) + content[position + 1 :])
        try:
            for entry in list_members(spoilt):
                read_member(spoilt, entry.member, 1000)
        except (UnsafeArchive, *READ_ERRORS):
            pass


def test_many_threads_share_one_archive(tmp_path):
    members = [(f"{n}.bin", bytes([n % 256]) * (1000 + n)) for n in range(300)]
    path = make(tmp_path / "a.zip", members, zipfile.ZIP_DEFLATED)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda member: read_member(path, member[0], 1 << 20)[0], members * 4))
    assert found == [content for _, content in members * 4]


def test_an_archive_that_was_replaced_is_read_anew(tmp_path):
    path = make(tmp_path / "a.zip", [("a", b"old")])
    assert read_member(path, "a", 10)[0] == b"old"
    path.unlink()
    make(path, [("a", b"brand new")])
    assert read_member(path, "a", 10)[0] == b"brand new"


def test_a_member_of_an_archive_that_was_replaced_by_a_broken_one(tmp_path):
    path = make(tmp_path / "a.zip", [("a.jpg", b"old")])
    item = Member(path, "a.jpg", "a.zip/a.jpg")
    assert item.read() == b"old"
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ItemError) as caught:
        item.read()
    assert caught.value.message == (
        "a.zip/a.jpg cannot be read from the archive: a.zip is not a zip, or its end is missing."
    )
    assert "copy or download it again" in caught.value.hint


def test_more_archives_than_stay_open(tmp_path):
    paths = [make(tmp_path / f"{n}.zip", [("a", b"%d" % n)]) for n in range(20)]
    for _ in range(2):
        assert [read_member(path, "a", 10)[0] for path in paths] == [b"%d" % n for n in range(20)]


def test_a_member_that_lies_about_its_size_cannot_grow(tmp_path):
    path = make(tmp_path / "a.zip", [("a", bytes(100_000))], zipfile.ZIP_DEFLATED)
    content = bytearray(path.read_bytes())
    central = content.index(b"PK\x01\x02")
    content[central + 24 : central + 28] = (10).to_bytes(4, "little")
    path.write_bytes(content)
    assert len(list_members(path)) == 1
    try:
        content, size = read_member(path, "a", 1000)
    except READ_ERRORS:
        return
    assert size == 10
    assert len(content) <= 11


def test_no_zip_at_all(tmp_path):
    (tmp_path / "a.zip").write_bytes(io.BytesIO(b"hello").getvalue())
    with pytest.raises(UnsafeArchive):
        list_members(tmp_path / "a.zip")
