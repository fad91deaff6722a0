"""Items with or without labels."""

import zipfile

import pytest

import graft
import shapes
from graft.errors import DataError, MissingColumn, MixedModalities, NothingToRead, UnsafeArchive
from graft.reading.collection import read_collection


def names(dataset):
    return {item.name: label for item, label in zip(dataset.items, dataset.labels, strict=True)}


def test_labelled_data_are_read_as_ever(photos):
    assert names(read_collection(photos)) == names(graft.read(photos))
    dataset = graft.read(photos)
    assert read_collection(dataset) is dataset


def test_a_flat_folder_has_no_labels(photos):
    dataset = read_collection(photos / "circle")
    assert len(dataset) == 12
    assert set(dataset.labels) == {""}
    assert dataset.modality == "image"
    assert dataset.items[0].name == "000.png"


def test_what_lies_beside_class_folders_joins_them(tmp_path):
    shapes.folders(tmp_path / "data", {"circle": 2, "square": 2})
    (tmp_path / "data" / "größe 写真.png").write_bytes(shapes.encoded("circle", 7))
    bad = shapes.bad_files(tmp_path / "data")
    dataset = read_collection(tmp_path / "data")
    found = names(dataset)
    assert found["größe 写真.png"] == ""
    assert found["circle/000.png"] == "circle"
    # whether a picture is whole is not known before it is decoded
    assert {one.path for one in dataset.skipped} == {name for name in bad if name in ("empty.png", "letter.png")}


def test_a_zip_of_loose_files(tmp_path):
    with zipfile.ZipFile(tmp_path / "loose.zip", "w") as archive:
        for seed in range(3):
            archive.writestr(f"{seed}.png", shapes.encoded("circle", seed))
    dataset = read_collection(tmp_path / "loose.zip")
    assert [item.name for item in dataset.items] == ["0.png", "1.png", "2.png"]
    assert dataset.items[0].read() == shapes.encoded("circle", 0)


def test_an_unsafe_zip_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("../out.png", shapes.encoded("circle", 0))
    with pytest.raises(UnsafeArchive):
        read_collection(tmp_path / "bad.zip")


def test_a_table_without_labels(tmp_path):
    table = tmp_path / "messages.csv"
    table.write_text('text,when\n"Where is it, please?",1\nLost,2\n" ",3\n', encoding="utf-8")
    dataset = read_collection(table)
    assert [item.name for item in dataset.items] == ["Where is it, please?", "Lost"]
    assert [one.reason.rpartition("/")[2] for one in dataset.skipped] == ["messages.csv, row 4 has no text."]
    with pytest.raises(MissingColumn, match="when2"):
        read_collection(table, label_column="when2")


def test_a_table_with_some_labels(tmp_path):
    table = tmp_path / "messages.csv"
    table.write_text("text,label\nWhere is it?,parcel\nLost,\nBroken,damage\n", encoding="utf-8")
    assert names(read_collection(table)) == {"Where is it?": "parcel", "Lost": "", "Broken": "damage"}


def test_a_table_of_another_column(tmp_path):
    table = tmp_path / "messages.csv"
    table.write_text("id,words\n1,Where is it?\n2,Lost\n", encoding="utf-8")
    assert len(read_collection(table, item_column="words")) == 2
    with pytest.raises(NothingToRead, match="text"):
        read_collection(table)


def test_the_lines_of_a_plain_text(tmp_path):
    notes = tmp_path / "notes.txt"
    notes.write_text("Buy milk, bread\n\n   \nCall the landlord, the plumber, and her\n", encoding="utf-8")
    assert names(read_collection(notes)) == {"Buy milk, bread": "", "Call the landlord, the plumber, and her": ""}


def test_lists_of_values():
    dataset = read_collection(["one text here", "another text there"])
    assert dataset.modality == "text"
    assert dataset.labels == ("", "")


def test_what_cannot_be_a_collection(tmp_path, saved):
    with pytest.raises(NothingToRead, match="nothing at"):
        read_collection(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingToRead, match="holds nothing that can be read"):
        read_collection(tmp_path / "empty")
    with pytest.raises(DataError, match="saved model"):
        read_collection(saved)
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    for seed in range(5):
        (mixed / f"{seed}.png").write_bytes(shapes.encoded("circle", seed))
        (mixed / f"note {seed}.txt").write_text("Dear all, this is a note.")
    with pytest.raises(MixedModalities):
        read_collection(mixed)
    assert len(read_collection(mixed, modality="image")) == 5


def test_a_path_with_two_dots_is_named_as_it_was_given(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    for label in ("ants", "bees"):
        folder = tmp_path / "texts" / label
        folder.mkdir(parents=True)
        (folder / "a..b.txt").write_text("A text.")
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(
        NothingToRead, match=r"in \.\./texts can be read\. .*a\.\.b\.txt: .* a text file; .* a text file\."
    ) as told:
        graft.read("../texts", modality="image")
    assert not told.value.message.endswith("..")
