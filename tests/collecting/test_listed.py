import pytest

from graft.collecting.url_list import UrlList
from graft.errors import DataError, MissingColumn, NothingToRead


def test_a_table(tmp_path):
    path = tmp_path / "doors.csv"
    path.write_bytes(
        "\ufeffURL;Label;Licence\nhttp://a.example/1.jpg;Tür;CC0\nhttp://a.example/2.jpg;zu;\n;zu;\n".encode()
    )
    lists = UrlList.read(path)
    assert lists.queries() == ("Tür", "zu")
    assert [(found.url, found.licence) for found in lists.search("tür")] == [("http://a.example/1.jpg", "CC0")]


def test_json_lines(tmp_path):
    path = tmp_path / "doors.jsonl"
    path.write_text(
        '{"url": "http://a.example/1.jpg", "label": "open", "title": 7}\n\n{"url": "http://a.example/2.jpg"}\n'
    )
    assert [found.url[-5] for found in UrlList.read(path).search("open")] == ["1", "2"]
    path.write_text('{"url": "http://a.example/1.jpg"}\nnonsense\n')
    with pytest.raises(DataError, match="Line 2"):
        UrlList.read(path)


def test_plain_text_and_a_folder_of_it(tmp_path):
    (tmp_path / "open door.txt").write_text("# from the catalogue\nhttp://a.example/1.jpg\n\nhttp://a.example/2.jpg\n")
    (tmp_path / "shut.csv").write_text("image_url\nhttp://a.example/3.jpg\n")
    (tmp_path / "notes.md").write_text("http://a.example/4.jpg")
    lists = UrlList.read(tmp_path)
    assert lists.queries() == ("open door", "shut")
    assert [found.url[-5] for found in lists.search("shut")] == ["3"]
    alone = UrlList.read(tmp_path / "open door.txt")
    assert alone.queries() == ()
    assert len(list(alone.search("anything"))) == 2


def test_what_is_no_list(tmp_path):
    (tmp_path / "a.csv").write_text("place,label\nhttp://a.example,b\n")
    with pytest.raises(MissingColumn, match="'place', 'label'"):
        UrlList.read(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_text("")
    with pytest.raises(NothingToRead):
        UrlList.read(tmp_path / "a.csv")
