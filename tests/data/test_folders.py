"""What folders say of labels and splits, and what is said where they say nothing or may say something else."""

import csv

import pytest

from data.planted import plant, rows, zipped
from graft.errors import DataError, TooFewClasses
from graft.reading.read import read


def write_csv(path, header, lines):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *lines])


@pytest.mark.parametrize("as_zip", [False, True])
@pytest.mark.parametrize("folder", ["", "images/"])
def test_a_table_in_each_split_folder_is_read(tmp_path, as_zip, folder):
    for part in ("train", "test"):
        plant(tmp_path / "set" / part, f"{folder}1.jpg", f"{folder}2.jpg")
        write_csv(
            tmp_path / "set" / part / "metadata.csv",
            ("file_name", "label"),
            [(f"{folder}1.jpg", "cat"), (f"{folder}2.jpg", "dog")],
        )
    dataset = read(zipped(tmp_path / "set", tmp_path / "set.zip") if as_zip else tmp_path / "set")
    assert dataset.classes == ("cat", "dog")
    assert sorted(zip(dataset.labels, dataset.splits, strict=True)) == [
        ("cat", "test"), ("cat", "train"), ("dog", "test"), ("dog", "train"),
    ]  # fmt: skip
    assert dataset.skipped == ()


def test_a_table_in_one_split_folder_joins_the_classes_of_the_other(tmp_path):
    plant(tmp_path, "train/cat/1.jpg", "train/dog/2.jpg", "test/3.jpg", "test/4.jpg")
    write_csv(tmp_path / "test/labels.csv", ("path", "label"), [("3.jpg", "cat"), ("4.jpg", "dog")])
    dataset = read(tmp_path)
    assert sorted(zip(dataset.labels, dataset.splits, strict=True)) == [
        ("cat", "test"), ("cat", "train"), ("dog", "test"), ("dog", "train"),
    ]  # fmt: skip


def test_a_table_without_the_columns_leaves_the_class_folders(tmp_path):
    plant(tmp_path, "train/cat/1.jpg", "train/dog/2.jpg", "test/cat/3.jpg", "test/dog/4.jpg")
    write_csv(tmp_path / "train/history.csv", ("epoch", "loss"), [(1, 0.5)])
    assert read(tmp_path).classes == ("cat", "dog")
    assert set(read(tmp_path).splits) == {"train", "test"}


def test_two_tables_in_a_split_folder_are_named(tmp_path):
    plant(tmp_path, "train/1.jpg", "test/3.jpg")
    for name in ("a.csv", "b.csv"):
        write_csv(tmp_path / "train" / name, ("path", "label"), [("1.jpg", "cat")])
    with pytest.raises(DataError, match=r"There are 2 manifests in train/: a\.csv, b\.csv"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("train", "test"),
    [("train", "test"), ("Training", "VALID"), ("training_set", "test_set"), ("train_images", "test_images"),
     ("train2017", "val2017"), ("train", "test1"), ("images_train", "images_test"),
     ("seg_train", "seg_test"), ("train", "holdout")],
)  # fmt: skip
def test_split_folders_without_classes_are_no_classes(tmp_path, train, test):
    names = [f"{train}/{label}.{number}.jpg" for label in ("cat", "dog") for number in range(6)]
    plant(tmp_path, *names, f"{test}/1.jpg", f"{test}/2.jpg")
    with pytest.raises(TooFewClasses, match="called as splits are and hold no class folders") as caught:
        read(tmp_path)
    assert "--pattern '{label}.{index}.jpg'" in caught.value.hint
    assert "give them other names" in caught.value.hint
    dataset = read(tmp_path, pattern="{label}.{index}.jpg")
    assert dataset.classes == ("cat", "dog")
    assert dataset.splits == ("train",) * 12
    assert len(dataset.skipped) == 2


@pytest.mark.parametrize("names", [("training_set", "test_set"), ("train2017", "val2017"), ("train", "test_images"),
                                   ("seg_train", "seg_test"), ("1. train", "2. test"), ("Trainingsdaten", "Testdaten"),
                                   ("train", "eval"), ("train", "holdout"), ("pets-trn", "pets-tst")])  # fmt: skip
def test_other_names_of_split_folders(tmp_path, names):
    for folder in names:
        plant(tmp_path / folder, "cat/1.jpg", "dog/2.jpg")
    assert read(tmp_path).classes == ("cat", "dog")
    assert sorted(read(tmp_path).splits) == ["test", "test", "train", "train"]


@pytest.mark.parametrize(
    "names",
    [
        ("test1", "test2", "test3"),
        ("training_set", "bus"),
        ("test", "bus"),
        ("crash test", "express train"),
        ("valid", "invalid"),
    ],
)
def test_classes_that_are_called_like_one_split(tmp_path, names):
    plant(tmp_path, *(f"{name}/{number}.jpg" for name in names for number in range(2)))
    assert set(read(tmp_path).classes) == set(names)
    assert read(tmp_path).warnings == ()


def test_split_folders_of_paths_in_one_table_are_splits(tmp_path):
    plant(tmp_path, "train/1.jpg", "train/2.jpg", "test/3.jpg", "test/4.jpg")
    table = [("train/1.jpg", "cat"), ("train/2.jpg", "dog"), ("test/3.jpg", "cat"), ("test/4.jpg", "dog")]
    write_csv(tmp_path / "metadata.csv", ("file_name", "label"), table)
    assert read(tmp_path).splits == ("train", "train", "test", "test")
    (tmp_path / "metadata.csv").unlink()
    write_csv(tmp_path / "labels.csv", ("path", "label", "split"), [(*row, "train") for row in table])
    assert set(read(tmp_path).splits) == {"train"}  # what the table says goes before


def test_a_data_set_in_folders_around_it_is_found(tmp_path):
    for part in ("train", "test"):
        plant(tmp_path / "outer/data" / part, "1.jpg", "2.jpg")
        table = [("1.jpg", "cat"), ("2.jpg", "dog")]
        write_csv(tmp_path / "outer/data" / part / "metadata.csv", ("file_name", "label"), table)
    assert read(tmp_path / "outer").classes == ("cat", "dog")
    assert sorted(read(tmp_path / "outer").splits) == ["test", "test", "train", "train"]


def test_two_split_names_among_classes_are_said(tmp_path):
    plant(tmp_path, "train/1.jpg", "test/2.jpg", "bus/3.jpg")
    assert read(tmp_path).classes == ("bus", "test", "train")
    assert any("test/ and train/ are called as splits are" in warning for warning in read(tmp_path).warnings)


def test_splits_inside_each_class_folder(tmp_path):
    plant(tmp_path, "cat/train/p1/1.jpg", "cat/test/p2/2.jpg", "dog/train/p3/3.jpg", "dog/test/p4/4.jpg")
    dataset = read(tmp_path, pattern="{group}/*")
    assert [row[1:] for row in rows(dataset)] == [
        ("cat", "test"), ("cat", "train"), ("dog", "test"), ("dog", "train"),
    ]  # fmt: skip
    assert sorted(dataset.groups) == ["p1", "p2", "p3", "p4"]
    assert read(tmp_path).warnings == ()


def test_splits_inside_some_class_folders_are_said(tmp_path):
    plant(tmp_path, "cat/train/1.jpg", "cat/test/2.jpg", "dog/3.jpg", "dog/4.jpg")
    assert set(read(tmp_path).splits) == {""}
    assert "such as cat/ with test, train" in read(tmp_path).warnings[0]


@pytest.mark.parametrize(
    ("names", "pattern", "classes"),
    [
        (("animal/cat/1.jpg", "animal/dog/2.jpg", "thing/car/3.jpg"), "*/{label}/*", ("car", "cat", "dog")),
        (("a/b/cat/1.jpg", "a/b/dog/2.jpg", "c/b/car/3.jpg"), "*/*/{label}/*", ("car", "cat", "dog")),
        (("train/animal/cat/1.jpg", "train/animal/dog/2.jpg", "test/thing/cat/3.jpg"), "*/*/{label}/*", ("cat", "dog")),
    ],
)
def test_folders_in_class_folders_are_said_with_the_pattern_that_reads_them(tmp_path, names, pattern, classes):
    plant(tmp_path, *names)
    (warning,) = [one for one in read(tmp_path, min_classes=1).warnings if "hold folders" in one]
    assert f"--pattern '{pattern}'" in warning
    assert "--pattern '{group}/*'" in warning
    assert read(tmp_path, pattern=pattern).classes == classes


@pytest.mark.parametrize("beside", ["README.txt", "Annotation/cat/1.xml"])
def test_class_folders_that_stand_in_a_folder_beside_others_are_named_with_the_pattern(tmp_path, beside):
    plant(tmp_path, "images/cat/1.jpg", "images/dog/2.jpg")
    (tmp_path / beside).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / beside).write_text("<annotation>by hand</annotation>")
    with pytest.raises(TooFewClasses, match="only one class, 'images'") as caught:
        read(tmp_path)
    assert "such as images/ with cat, dog" in caught.value.hint
    assert "--pattern '*/{label}/*'" in caught.value.hint
    assert read(tmp_path, pattern="*/{label}/*").classes == ("cat", "dog")


def test_one_folder_in_each_class_folder_is_no_question(tmp_path):
    plant(tmp_path, "cat/images/1.jpg", "dog/images/2.jpg")
    assert read(tmp_path).warnings == ()


@pytest.mark.parametrize("as_zip", [False, True])
def test_lists_of_splits_beside_the_class_folders(tmp_path, as_zip):
    source = plant(tmp_path / "set", *(f"{label}/{number}.jpg" for label in ("no", "yes") for number in range(4)))
    (source / "testing_list.txt").write_text("no/0.jpg\nyes/0.jpg\n")
    (source / "validation_list.txt").write_text("no/1.jpg\nyes/1.jpg\n")
    (source / "notes.txt").write_text("recorded at home\n")
    dataset = read(zipped(source, tmp_path / "set.zip") if as_zip else source)
    assert [item.name for item, split in zip(dataset.items, dataset.splits, strict=True) if split == "test"] == [
        "no/0.jpg", "yes/0.jpg",
    ]  # fmt: skip
    assert dataset.splits.count("train") == 6
    assert "testing_list.txt (2 files), validation_list.txt (2 files)" in dataset.warnings[0]
    assert [one.path for one in dataset.skipped] == ["notes.txt"]


def test_a_text_that_lists_nothing_is_no_list(tmp_path):
    plant(tmp_path, "no/1.jpg", "yes/2.jpg")
    (tmp_path / "test.txt").write_text("no/1.jpg\nsomething else\n")
    assert set(read(tmp_path).splits) == {""}
    assert [one.path for one in read(tmp_path).skipped] == ["test.txt"]
