"""Corrections: what is kept, what fit and extend make of it, and that nothing is lost or written twice."""

import json
import threading
from pathlib import Path

import pytest

import graft
import shapes
from graft.app.corrections import ITEMS, MANIFEST, CorrectionFolder, as_labels
from graft.errors import DataError, GraftError, ItemError, UsageError


@pytest.fixture
def folder(tmp_path: Path) -> CorrectionFolder:
    return CorrectionFolder(tmp_path / "corrections", "image")


def lines(folder: CorrectionFolder) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder.path / MANIFEST).read_text(encoding="utf-8").splitlines()]


def test_an_item_is_kept_as_it_was_given_with_the_right_label(folder: CorrectionFolder) -> None:
    content = shapes.encoded("circle", 1, "JPEG")
    name = folder.save(content, ["square"], "circle")
    (line,) = lines(folder)
    assert line == {"id": name, "label": "square", "predicted": "circle", "path": line["path"]}
    assert (folder.path / str(line["path"])).read_bytes() == content
    assert str(line["path"]).startswith(f"{ITEMS}/")
    assert str(line["path"]).endswith(".jpg")
    assert sorted(one.name for one in folder.path.iterdir()) == [MANIFEST, ITEMS]


def test_fit_and_extend_read_the_folder(folder: CorrectionFolder, saved: Path, tmp_path: Path) -> None:
    for seed in range(6):
        folder.save(shapes.encoded("circle", 200 + seed), ["circle"])
        folder.save(shapes.encoded("triangle", 200 + seed), ["wedge"])  # a class that is new
    folder.save(shapes.encoded("square", 200), None)
    dataset = graft.read(folder.path)
    assert dataset.classes == ("circle", "wedge")
    assert len(dataset) == 12
    assert [one.code for one in dataset.skipped] == ["no_label"]
    assert not [warning for warning in dataset.warnings if "stray" in warning]
    assert graft.fit(folder.path).classes == ("circle", "wedge")
    more = graft.extend(graft.load(saved), folder.path)
    assert more.classes == ("circle", "square", "triangle", "wedge")


def test_nothing_is_written_twice_and_another_label_takes_the_place_of_the_first(folder: CorrectionFolder) -> None:
    content = shapes.encoded("circle", 1)
    first = folder.save(content, ["square"])
    assert folder.save(content, ["square"]) == first
    assert len(lines(folder)) == 1
    second = folder.save(content, ["triangle"])
    assert [(line["id"], line["label"]) for line in lines(folder)] == [(second, "triangle")]
    assert len(list((folder.path / ITEMS).iterdir())) == 1
    assert not folder.undo(first)
    assert folder.undo(second)
    assert [(line["id"], line["label"]) for line in lines(folder)] == [(first, "square")]
    assert folder.undo(first)
    assert lines(folder) == []
    assert list((folder.path / ITEMS).iterdir()) == []
    assert not folder.undo(first)


def test_undo_knows_what_was_kept_before_the_page_was_started_again(folder: CorrectionFolder) -> None:
    content = shapes.encoded("circle", 1)
    name = folder.save(content, ["square"])
    again = CorrectionFolder(folder.path, "image")
    assert again.save(content, ["square"]) == name
    assert again.undo(name)
    assert again.read() == []


def test_none_of_the_classes_is_a_line_without_a_label(folder: CorrectionFolder) -> None:
    folder.save(shapes.encoded("circle", 1), None, "circle")
    assert lines(folder)[0]["label"] is None


def test_texts_stand_in_the_manifest_itself(tmp_path: Path) -> None:
    folder = CorrectionFolder(tmp_path / "c", "text")
    for text, label in (("=HYPERLINK(1)\n\t\u202e 'quoted', \"so\"", "spam"), ("see you", "ham")):
        folder.save(text.encode(), [label])
    assert not (folder.path / ITEMS).exists()
    dataset = graft.read(folder.path)
    assert [item.text for item in dataset.items] == ["=HYPERLINK(1)\n\t\u202e 'quoted', \"so\"", "see you"]
    assert dataset.labels == ("spam", "ham")


def test_several_labels_and_numbers_are_read_as_such(tmp_path: Path) -> None:
    several = CorrectionFolder(tmp_path / "several", "image")
    several.save(shapes.encoded("circle", 1), ["round", "blue", "round"], several=True)
    several.save(shapes.encoded("circle", 2), ["blue"], several=True)
    assert [line["label"] for line in lines(several)] == [["blue", "round"], ["blue"]]
    assert graft.read(several.path).tags
    numbers = CorrectionFolder(tmp_path / "numbers", "image", numbers=True)
    numbers.save(shapes.bar(30, 1), ["30.5"])
    assert lines(numbers)[0]["label"] == 30.5
    with pytest.raises(UsageError, match="no number"):
        numbers.save(shapes.bar(30, 2), ["many"])


@pytest.mark.parametrize("labels", [[], [""], ["  "], ["x" * 201], ["a", "b"]])
def test_what_is_no_label_is_refused(folder: CorrectionFolder, labels: list[str]) -> None:
    with pytest.raises(UsageError, match="no label"):
        folder.save(shapes.encoded("circle", 1), labels)
    assert folder.read() == []


def test_names_of_files_never_come_from_anybody(folder: CorrectionFolder, tmp_path: Path) -> None:
    folder.save(shapes.encoded("circle", 1), ["../../etc/passwd"], "<img src=x>")
    with pytest.raises(ItemError, match="known kind"):
        folder.save(b"Dear all", ["circle"])
    assert sorted(one.name for one in tmp_path.iterdir()) == ["corrections"]
    assert "etc" not in str(lines(folder)[0]["path"])


def test_a_manifest_that_names_files_elsewhere_is_refused(folder: CorrectionFolder, tmp_path: Path) -> None:
    folder.save(shapes.encoded("circle", 1), ["square"])
    other = tmp_path / "precious.jpg"
    other.write_bytes(b"precious")
    line = {"id": "a", "label": "b", "predicted": "", "path": "../precious.jpg"}
    (folder.path / MANIFEST).write_text(json.dumps(line) + "\n")
    with pytest.raises(DataError, match="no correction"):
        folder.undo("a")
    assert other.read_bytes() == b"precious"


def test_many_hands_write_into_one_folder(folder: CorrectionFolder) -> None:
    contents = [shapes.encoded("circle", seed) for seed in range(12)]
    pages = [CorrectionFolder(folder.path, "image") for _ in range(4)]

    def correct(page: CorrectionFolder) -> None:
        for content in contents:
            page.save(content, ["square"])

    threads = [threading.Thread(target=correct, args=(page,)) for page in pages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = lines(folder)
    assert len(found) == len({line["path"] for line in found}) == 12
    assert len(list((folder.path / ITEMS).iterdir())) == 12


def test_what_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"x")
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(DataError, match="something else than corrections"):
        CorrectionFolder(tmp_path / "photos", "image")
    with pytest.raises(DataError, match="no folder"):
        CorrectionFolder(tmp_path / "file", "image")
    CorrectionFolder(tmp_path / "texts", "text").save(b"hello", ["ham"])
    with pytest.raises(DataError, match="model of another kind"):
        CorrectionFolder(tmp_path / "texts", "image")


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(DataError, match="cannot be read"):
        CorrectionFolder(tmp_path / "file" / "corrections", "image")
    folder = CorrectionFolder(tmp_path / "later" / "corrections", "image")
    (tmp_path / "later").write_bytes(b"x")
    with pytest.raises(GraftError, match=r"was not saved.*another folder"):
        folder.save(shapes.encoded("circle", 1), ["square"])


def test_requests_name_a_label_or_none_of_them() -> None:
    assert as_labels({"unknown": ["1"]}) is None
    assert as_labels({"label": ["a", "b"]}) == ["a", "b"]
    with pytest.raises(UsageError):
        as_labels({})
