import csv
import json

import pytest

from data.planted import PETS, plant, rows, zipped
from graft.errors import DataError, MissingColumn, NothingToRead, TooFewClasses
from graft.reading.read import read

TABLE = [(name, label) for name, label, _ in PETS]


def write_csv(path, header, table, delimiter=",", encoding="utf-8"):
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file, delimiter=delimiter).writerows([header, *table])
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize(("suffix", "delimiter"), [("csv", ","), ("csv", ";"), ("tsv", "\t"), ("txt", "|")])
def test_manifests(pets, encoding, suffix, delimiter):
    table = [(name, {"cat": "Kätzchen"}.get(label, label)) for name, label in TABLE]
    path = write_csv(pets / f"labels.{suffix}", ("path", "label"), table, delimiter, encoding)
    dataset = read(path)
    assert rows(dataset) == [(name, label, "") for name, label in table]
    assert dataset.name == "labels"
    assert dataset.items[3].read() == (pets / "dog/4.jpg").read_bytes()


def test_manifest_with_absolute_and_windows_paths_splits_and_groups(pets):
    table = [
        (pets / "cat/1.jpg", "cat", "train", "p1"),
        ("cat\\2.jpg", "cat", "Val", "p2"),
        ("./dog/3.jpg", "dog", "", "p1"),
        ("../photos/dog/4.jpg", "dog", "valid", ""),
    ]
    dataset = read(write_csv(pets / "a.csv", ("file_name", "target", "split", "group"), table))
    assert dataset.splits == ("train", "test", "train", "test")
    assert dataset.groups == ("p1", "p2", "p1", "")
    assert all(item.read() for item in dataset.items)


def test_json_lines_and_parquet(pets):
    lines = [json.dumps({"path": name, "category": label}) for name, label in TABLE]
    (pets / "a.jsonl").write_text("\n".join(lines))
    assert rows(read(pets / "a.jsonl")) == PETS
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pyarrow.table({"path": [name for name, _ in TABLE], "label": [label for _, label in TABLE]})
    parquet.write_table(table, pets / "a.parquet")
    assert rows(read(pets / "a.parquet")) == PETS


@pytest.mark.parametrize("as_zip", [False, True])
def test_a_folder_of_split_manifests(pets, tmp_path, as_zip):
    write_csv(pets / "train.csv", ("path", "label"), TABLE[::2])
    write_csv(pets / "VALID.tsv", ("path", "label"), TABLE[1:2], "\t")
    (pets / "test.jsonl").write_text(json.dumps({"path": "dog/4.jpg", "label": "dog"}))
    dataset = read(zipped(pets, tmp_path / "a.zip") if as_zip else pets)
    assert sorted(rows(dataset)) == [
        ("cat/1.jpg", "cat", "train"),
        ("cat/2.jpg", "cat", "train"),
        ("dog/3.jpg", "dog", "train"),
        ("dog/4.jpg", "dog", "test"),
    ]


@pytest.mark.parametrize("as_zip", [False, True])
def test_a_manifest_beside_a_folder_of_pictures(tmp_path, as_zip):
    plant(tmp_path / "set", "images/1.jpg", "images/2.jpg")
    write_csv(tmp_path / "set" / "labels.csv", ("path", "label"), [("images/1.jpg", "a"), ("images\\2.jpg", "b")])
    source = zipped(tmp_path / "set", tmp_path / "set.zip") if as_zip else tmp_path / "set"
    assert read(source).classes == ("a", "b")
    assert [item.read()[:2] for item in read(source).items] == [b"\xff\xd8"] * 2


def test_manifests_in_a_zip_reach_nothing_outside(pets, tmp_path):
    table = [*TABLE, (str(pets / "cat/1.jpg"), "cat"), ("../../etc/passwd", "dog")]
    write_csv(pets / "labels.csv", ("path", "label"), table)
    dataset = read(zipped(pets, tmp_path / "a.zip"))
    assert len(dataset) == 4
    assert [one.code for one in dataset.skipped] == ["missing", "missing"]


def test_tables_of_another_purpose_do_not_disturb_class_folders(pets):
    write_csv(pets / "train.csv", ("epoch", "loss"), [(1, 0.5)])
    dataset = read(pets)
    assert rows(dataset) == PETS
    assert [one.path for one in dataset.skipped] == ["train.csv"]


def test_a_table_of_texts_beside_folders_of_pictures_is_left_alone(pets):
    write_csv(pets / "captions.csv", ("text", "label"), [("a cat that sleeps", "cat"), ("a dog", "dog")])
    dataset = read(pets)
    assert rows(dataset) == PETS
    (warning,) = dataset.warnings
    assert warning.startswith("captions.csv was not read: the class folders were.")
    assert read(pets, modality="text").modality == "text"


def test_a_manifest_without_the_column_is_an_error_that_names_what_is_there(tmp_path):
    plant(tmp_path, "images/1.jpg", "images/2.jpg")
    write_csv(tmp_path / "labels.csv", ("picture", "breed"), [("images/1.jpg", "pug")])
    with pytest.raises(MissingColumn, match="'picture', 'breed'"):
        read(tmp_path)
    with pytest.raises(MissingColumn, match="'nope'"):
        read(tmp_path, label_column="nope", item_column="picture")
    with pytest.raises(TooFewClasses):
        read(tmp_path, label_column="breed", item_column="picture")
    write_csv(tmp_path / "labels.csv", ("picture", "breed"), [("images/1.jpg", "pug"), ("images/2.jpg", "collie")])
    assert read(tmp_path, label_column="breed", item_column="picture").classes == ("collie", "pug")


def test_a_column_is_asked_for_where_there_is_no_manifest(pets):
    with pytest.raises(MissingColumn, match="no manifest"):
        read(pets, label_column="breed")


def test_rows_that_lead_nowhere_are_skipped_and_named(pets):
    table = [
        *TABLE,
        ("cat/gone.jpg", "cat"),
        ("https://example.org/1.jpg", "dog"),
        ("x" * 5000, "dog"),
        ("a\0b", "dog"),
        ("cat", "cat"),
    ]
    dataset = read(write_csv(pets / "a.csv", ("path", "label"), table))
    assert rows(dataset) == PETS
    assert [one.code for one in dataset.skipped] == ["missing", "missing", "missing", "missing", "unreadable"]
    assert "Row 6 of a.csv" in dataset.skipped[0].reason
    assert "download" in dataset.skipped[1].reason


def test_a_manifest_that_leads_nowhere(tmp_path):
    path = write_csv(tmp_path / "m.csv", ("path", "label"), [*TABLE[:1], *TABLE[2:3]])
    words = r"None of the 2 files that m\.csv names is there; the first is cat/1\.jpg \(row 2\)\. .*manifest's folder"
    with pytest.raises(NothingToRead, match=words):
        read(path)
    with pytest.raises(NothingToRead, match=r"m\.tsv has a header and no rows\. Add a row"):
        read(write_csv(tmp_path / "m.tsv", ("path", "label"), [], "\t"))


def test_unknown_splits_are_refused(pets):
    path = write_csv(pets / "a.csv", ("path", "label", "split"), [("cat/1.jpg", "cat", "fold3")])
    with pytest.raises(DataError, match=r"'fold3'.*train, val or test"):
        read(path)


def test_the_same_path_under_two_labels_is_a_warning(pets):
    table = [*TABLE, ("./cat/1.jpg", "dog"), ("cat/2.jpg", "cat")]
    (warning,) = read(write_csv(pets / "a.csv", ("path", "label"), table)).warnings
    assert "1 item stands under more than one label" in warning
    assert "cat, dog" in warning


def test_labels_are_stripped_and_of_one_spelling(pets):
    table = [("cat/1.jpg", " caf\u00e9 "), ("cat/2.jpg", "cafe\u0301"), ("dog/3.jpg", "tea")]
    assert read(write_csv(pets / "a.csv", ("path", "label"), table)).classes == ("caf\u00e9", "tea")
