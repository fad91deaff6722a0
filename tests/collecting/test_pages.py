import base64
import hashlib

import pytest

from collecting.conftest import LOOPBACK
from collecting.server import photo
from graft.collecting import collect
from graft.collecting.pages import SavedPages
from graft.errors import NothingToRead

PAGE = """<!DOCTYPE html>
<!-- saved from url=(0029)https://doors.example/search/ -->
<html><head><title>Doors &amp; more</title><link rel="license" href="https://cc.example/by/4.0/">
<meta property="og:image" content="https://doors.example/card.jpg"></head><body>
<script>document.write('<img src="https://ads.example/written.jpg">' + "it's")</script><!-- <img src="/hidden.jpg"> -->
<img src="./open door_files/one.jpg" alt="First &quot;door&quot;" srcset="https://doors.example/one-big.jpg 2x">
<img src="blank.gif" data-src="/lazy.jpg"><img src="small.jpg" srcset="a,b.jpg 300w, /large.jpg 1200w, /mid.jpg 600w">
<picture><source srcset="//cdn.example/p.webp"><img src="https://doors.example/p.jpg"></picture>
<img src="data:image/jpeg;base64,{data}"><img src="../../secret.jpg"><img src="file:///etc/passwd"><img src="">
<img src="javascript:alert(1)"><img alt=x><img src='unclosed.jpg></body>"""


@pytest.fixture
def saved(tmp_path):
    root = tmp_path / "saved"
    (root / "open door_files").mkdir(parents=True)
    (tmp_path / "secret.jpg").write_bytes(photo(9))
    (root / "open door.html").write_text(PAGE.format(data=base64.b64encode(photo(1)).decode()), "utf-8")
    (root / "open door_files" / "one.jpg").write_bytes(photo(2))
    (root / "open door_files" / "background.bin").write_bytes(photo(3))
    (root / "open door_files" / "script.js").write_text("alert(1)")
    (root / "open door_files" / "frame.html").write_text("<img src=https://ads.example/ad.jpg>")
    (root / "open door_files" / "out.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "closed door").mkdir()
    (root / "closed door" / "page one.htm").write_text("<base href=https://b.example/x/><img src=y.jpg>")
    return root


def test_pictures_of_saved_pages(saved):
    pages = SavedPages.read(saved)
    assert sorted(pages.queries()) == ["closed door", "open door"]
    found = list(pages.search("Open Door"))
    assert [picture.url for picture in found if not picture.url.startswith("data:")] == [
        "https://doors.example/card.jpg",
        "open door_files/one.jpg",
        "https://doors.example/lazy.jpg",
        "https://doors.example/large.jpg",
        "https://cdn.example/p.webp",
        "https://doors.example/p.jpg",
        "https://doors.example/secret.jpg",
        "open door_files/background.bin",
    ]
    assert sum(picture.url.startswith("data:") for picture in found) == 1
    assert found[1].title == 'First "door"'
    assert {picture.page for picture in found} == {"https://doors.example/search/"}
    assert {picture.licence for picture in found} == {"https://cc.example/by/4.0/"}
    assert [picture.url for picture in pages.search("closed door")] == ["https://b.example/x/y.jpg"]
    assert list(pages.search("window")) == []


def test_they_are_collected_without_a_network(saved, tmp_path, lines):
    done = collect(["open door"], tmp_path / "out", source=saved, allow=LOOPBACK, ports=())
    assert done.classes["open door"].kept == 3
    assert done.classes["open door"].refused == {"port": 6}
    kept = [line for line in lines() if line["state"] == "kept"]
    assert {line["sha256"] for line in kept} == {hashlib.sha256(photo(n)).hexdigest() for n in (1, 2, 3)}
    [inline] = [line["url"] for line in kept if line["url"].startswith("data:")]
    assert inline.startswith("data:image/jpeg;base64;sha256=")
    assert len(inline) < 100
    assert collect(["open door"], tmp_path / "out", source=saved, ports=()).classes["open door"].new == 0


def beside(page, *seeds, name="{n}.jpg"):
    """A page with so many pictures beside it, called 0.jpg and so on."""
    folder = page.with_name(f"{page.stem}_files")
    folder.mkdir(parents=True)
    for n, seed in enumerate(seeds):
        (folder / name.format(n=n)).write_bytes(photo(seed))
    page.write_text("".join(f'<img src="./{page.stem}_files/{n}.jpg">' for n in range(len(seeds))))
    return page


def test_pictures_that_are_called_the_same_are_not_the_same(tmp_path, lines):
    open_doors = beside(tmp_path / "a" / "search.html", 1, 2, 3)
    closed_doors = beside(tmp_path / "b" / "search.html", 4, 5, 1)
    assert collect(["open"], tmp_path / "out", source=open_doors).classes["open"].kept == 3
    for new in (2, 0):
        done = collect(["closed"], tmp_path / "out", source=closed_doors).classes["closed"]
        assert (done.kept, done.new, done.elsewhere) == (2, new, 1)
    digest = hashlib.sha256(photo(1)).hexdigest()
    assert f"search_files/0.jpg;sha256={digest[:32]}" in {line["url"] for line in lines()}
    assert len(lines()) == 6


def test_the_name_of_a_local_picture_is_taken_whole(tmp_path):
    page = beside(tmp_path / "page.html", 1, 2, 3, name="img#{n}.jpg")
    assert collect(["open"], tmp_path / "out", source=page).classes["open"].kept == 3


def test_one_page_answers_any_query(saved):
    found = SavedPages.read(saved / "closed door" / "page one.htm").search("anything")
    assert [picture.url for picture in found] == ["https://b.example/x/y.jpg"]


def test_a_folder_without_pages(tmp_path):
    with pytest.raises(NothingToRead):
        SavedPages.read(tmp_path)


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"\x00\xff" * 1000,
        b"<img src=" * 5000,
        b"<![CDATA[" * 1000,
        b"<!--" * 1000,
        b"<a" * 500_000,
        b"<img src='" * 200_000,
    ],
)
def test_pages_of_nonsense(page, tmp_path):
    (tmp_path / "a.html").write_bytes(page)
    list(SavedPages.read(tmp_path).search("a"))
