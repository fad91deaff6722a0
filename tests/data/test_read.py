import csv
import io
import json
import shutil
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from graft.data.dataset import Dataset, File
from graft.data.read import gather, read
from graft.errors import (
    DataError,
    ItemError,
    MissingColumn,
    MixedModalities,
    NothingToRead,
    TooFewClasses,
    UnsafeArchive,
    UsageError,
)

WAV = b"RIFF\x24\0\0\0WAVEfmt " + bytes(100)


def picture(number, form="JPEG"):
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), (number * 37 % 256, number * 91 % 256, number * 11 % 256)).save(buffer, form)
    return buffer.getvalue()


def plant(root, *names, form="JPEG"):
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(picture(number, form))
    return root


@pytest.fixture
def photos(tmp_path):
    return plant(tmp_path / "photos", "cat/1.jpg", "cat/2.jpg", "dog/3.jpg", "dog/4.jpg")


def rows(dataset):
    return [
        (item.name, label, split)
        for item, label, split in zip(dataset.items, dataset.labels, dataset.splits, strict=True)
    ]


def zipped(folder, path):
    with zipfile.ZipFile(path, "w") as file:
        for entry in sorted(folder.rglob("*")):
            file.write(entry, entry.relative_to(folder))
    return path


PHOTOS = [("cat/1.jpg", "cat", ""), ("cat/2.jpg", "cat", ""), ("dog/3.jpg", "dog", ""), ("dog/4.jpg", "dog", "")]


def test_a_folder_for_each_class(photos):
    dataset = read(photos)
    assert rows(dataset) == PHOTOS
    assert dataset.classes == ("cat", "dog")
    assert dataset.name == "photos"
    assert dataset.modality == "image"
    assert dataset.skipped == ()
    assert dataset.warnings == ()
    assert dataset.items[0].read() == (photos / "cat/1.jpg").read_bytes()
    assert rows(read(str(photos))) == PHOTOS


def test_nothing_of_the_users_is_changed(photos):
    before = {path: path.stat().st_mtime_ns for path in photos.rglob("*")}
    read(photos)
    list(gather([photos]))
    assert {path: path.stat().st_mtime_ns for path in photos.rglob("*")} == before


def test_zips_read_as_folders_do(photos, tmp_path):
    assert rows(read(zipped(photos, tmp_path / "a.zip"))) == PHOTOS
    nested = tmp_path / "outer" / "set"
    nested.mkdir(parents=True)
    photos.rename(nested / "photos")
    wrapped = [(f"set/photos/{name}", label, split) for name, label, split in PHOTOS]
    assert rows(read(tmp_path / "outer")) == wrapped
    dataset = read(zipped(tmp_path / "outer", tmp_path / "misnamed.dat"))
    assert rows(dataset) == wrapped
    assert all(item.read()[:2] == b"\xff\xd8" for item in dataset.items)


def test_files_deeper_inside_a_class_belong_to_it(photos):
    plant(photos, "cat/siamese/old/9.jpg")
    assert ("cat/siamese/old/9.jpg", "cat", "") in rows(read(photos))


@pytest.mark.parametrize(
    ("folders", "splits"),
    [
        (("train", "val"), ("train", "test")),
        (("Train", "VALID"), ("train", "test")),
        (("train", "validation"), ("train", "test")),
        (("TRAIN", "Test"), ("train", "test")),
        (("train", "valid", "test"), ("train", "train", "test")),
        (("train",), ("train",)),
        (("test",), ("test",)),
    ],
)
def test_split_folders(tmp_path, folders, splits):
    for folder in folders:
        plant(tmp_path / folder, "cat/1.jpg", "dog/2.jpg")
    dataset = read(tmp_path)
    expected = [
        (f"{f}/{n}", n[:3], s) for f, s in zip(folders, splits, strict=True) for n in ("cat/1.jpg", "dog/2.jpg")
    ]
    assert sorted(rows(dataset)) == sorted(expected)


def test_what_lies_beside_split_folders_is_named(tmp_path):
    plant(tmp_path, "train/cat/1.jpg", "train/dog/1.jpg", "test/cat/2.jpg", "test/dog/2.jpg", "other/x/3.jpg", "4.jpg")
    plant(tmp_path, "train/5.jpg")
    dataset = read(tmp_path)
    assert len(dataset) == 4
    assert {(one.path, one.code) for one in dataset.skipped} == {
        ("other/x/3.jpg", "no_label"),
        ("4.jpg", "no_label"),
        ("train/5.jpg", "no_label"),
    }


def test_a_class_may_be_called_train(tmp_path):
    plant(tmp_path, "train/1.jpg", "bus/2.jpg", "car/3.jpg", "train/express/4.jpg")
    assert read(tmp_path).classes == ("bus", "car", "train")
    assert set(read(tmp_path).splits) == {""}


def write_csv(path, header, table, delimiter=",", encoding="utf-8"):
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file, delimiter=delimiter).writerows([header, *table])
    return path


TABLE = [(name, label) for name, label, _ in PHOTOS]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize(("suffix", "delimiter"), [("csv", ","), ("csv", ";"), ("tsv", "\t"), ("txt", "|")])
def test_manifests(photos, encoding, suffix, delimiter):
    table = [(name, {"cat": "Kätzchen"}.get(label, label)) for name, label in TABLE]
    path = write_csv(photos / f"labels.{suffix}", ("path", "label"), table, delimiter, encoding)
    dataset = read(path)
    assert rows(dataset) == [(name, label, "") for name, label in table]
    assert dataset.name == "labels"
    assert dataset.items[3].read() == (photos / "dog/4.jpg").read_bytes()


def test_manifest_with_absolute_and_windows_paths_splits_and_groups(photos):
    table = [
        (photos / "cat/1.jpg", "cat", "train", "p1"),
        ("cat\\2.jpg", "cat", "Val", "p2"),
        ("./dog/3.jpg", "dog", "", "p1"),
        ("../photos/dog/4.jpg", "dog", "valid", ""),
    ]
    dataset = read(write_csv(photos / "a.csv", ("file_name", "target", "split", "group"), table))
    assert dataset.splits == ("train", "test", "train", "test")
    assert dataset.groups == ("p1", "p2", "p1", "")
    assert all(item.read() for item in dataset.items)


def test_json_lines_and_parquet(photos):
    lines = [json.dumps({"path": name, "category": label}) for name, label in TABLE]
    (photos / "a.jsonl").write_text("\n".join(lines))
    assert rows(read(photos / "a.jsonl")) == PHOTOS
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pyarrow.table({"path": [name for name, _ in TABLE], "label": [label for _, label in TABLE]})
    parquet.write_table(table, photos / "a.parquet")
    assert rows(read(photos / "a.parquet")) == PHOTOS


@pytest.mark.parametrize("as_zip", [False, True])
def test_a_folder_of_split_manifests(photos, tmp_path, as_zip):
    write_csv(photos / "train.csv", ("path", "label"), TABLE[::2])
    write_csv(photos / "VALID.tsv", ("path", "label"), TABLE[1:2], "\t")
    (photos / "test.jsonl").write_text(json.dumps({"path": "dog/4.jpg", "label": "dog"}))
    dataset = read(zipped(photos, tmp_path / "a.zip") if as_zip else photos)
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


def test_manifests_in_a_zip_reach_nothing_outside(photos, tmp_path):
    table = [*TABLE, (str(photos / "cat/1.jpg"), "cat"), ("../../etc/passwd", "dog")]
    write_csv(photos / "labels.csv", ("path", "label"), table)
    dataset = read(zipped(photos, tmp_path / "a.zip"))
    assert len(dataset) == 4
    assert [one.code for one in dataset.skipped] == ["missing", "missing"]


def test_tables_of_another_purpose_do_not_disturb_class_folders(photos):
    write_csv(photos / "train.csv", ("epoch", "loss"), [(1, 0.5)])
    dataset = read(photos)
    assert rows(dataset) == PHOTOS
    assert [one.path for one in dataset.skipped] == ["train.csv"]


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


def test_a_column_is_asked_for_where_there_is_no_manifest(photos):
    with pytest.raises(MissingColumn, match="no manifest"):
        read(photos, label_column="breed")


def test_rows_that_lead_nowhere_are_skipped_and_named(photos):
    table = [
        *TABLE,
        ("cat/gone.jpg", "cat"),
        ("https://example.org/1.jpg", "dog"),
        ("x" * 5000, "dog"),
        ("a\0b", "dog"),
        ("cat", "cat"),
    ]
    dataset = read(write_csv(photos / "a.csv", ("path", "label"), table))
    assert rows(dataset) == PHOTOS
    assert [one.code for one in dataset.skipped] == ["missing", "missing", "missing", "missing", "unreadable"]
    assert "Row 6 of a.csv" in dataset.skipped[0].reason
    assert "download" in dataset.skipped[1].reason


def test_unknown_splits_are_refused(photos):
    path = write_csv(photos / "a.csv", ("path", "label", "split"), [("cat/1.jpg", "cat", "fold3")])
    with pytest.raises(DataError, match=r"'fold3'.*train, val or test"):
        read(path)


def test_the_same_path_under_two_labels_is_a_warning(photos):
    table = [*TABLE, ("./cat/1.jpg", "dog"), ("cat/2.jpg", "cat")]
    (warning,) = read(write_csv(photos / "a.csv", ("path", "label"), table)).warnings
    assert "1 item stands under more than one label" in warning
    assert "cat, dog" in warning


def test_files_are_judged_by_content(photos):
    (photos / "cat/0.php").write_bytes(picture(9))
    (photos / "cat/0.png").write_bytes(picture(9))
    (photos / "cat/none").write_bytes(picture(9, "WEBP"))
    (photos / "dog/notes.txt").write_text("these are dogs")
    (photos / "dog/page.jpg").write_text("<!doctype html><title>404</title>")
    (photos / "dog/empty.jpg").touch()
    (photos / "dog/phone.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    dataset = read(photos)
    assert len(dataset) == 7
    (warning,) = dataset.warnings
    assert warning.startswith("2 pictures carry the extension of another kind")
    assert "cat/0.php (JPEG)" in warning
    assert {one.path: one.code for one in dataset.skipped} == {
        "dog/notes.txt": "not_a_picture",
        "dog/page.jpg": "not_a_picture",
        "dog/empty.jpg": "empty",
        "dog/phone.heic": "not_a_picture",
    }


def test_strays_are_counted_and_empty_folders_and_look_alike_labels_are_said(photos):
    plant(photos, ".DS_Store", "__MACOSX/cat/1.jpg", "Dog/1.jpg")
    (photos / "horse").mkdir()
    warnings = read(photos).warnings
    assert any(text.startswith("Ignored 2 stray") for text in warnings)
    assert any("horse" in text for text in warnings)
    assert any("Dog, dog" in text for text in warnings)


def test_labels_are_stripped_and_of_one_spelling(photos):
    table = [("cat/1.jpg", " caf\u00e9 "), ("cat/2.jpg", "cafe\u0301"), ("dog/3.jpg", "tea")]
    assert read(write_csv(photos / "a.csv", ("path", "label"), table)).classes == ("caf\u00e9", "tea")


def test_what_is_not_there_or_empty(tmp_path):
    with pytest.raises(NothingToRead, match="nothing at"):
        read(tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingToRead, match=r"is empty.*one folder for each class"):
        read(tmp_path / "empty")
    (tmp_path / "laid out" / "cat").mkdir(parents=True)
    (tmp_path / "laid out" / "dog").mkdir()
    with pytest.raises(NothingToRead, match=r"holds no files: the folders cat, dog are empty\. Put the pictures"):
        read(tmp_path / "laid out")
    plant(tmp_path / "empty", ".DS_Store")
    with pytest.raises(NothingToRead, match="1 stray"):
        read(tmp_path / "empty")
    (tmp_path / "a.csv").touch()
    with pytest.raises(NothingToRead, match="is empty"):
        read(tmp_path / "a.csv")
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7")
    with pytest.raises(NothingToRead, match="a PDF document"):
        read(tmp_path / "a.pdf")
    plant(tmp_path, "one.jpg")
    with pytest.raises(NothingToRead, match="single picture"):
        read(tmp_path / "one.jpg")


def test_one_class_is_none(tmp_path, photos):
    shutil.rmtree(photos / "dog")
    with pytest.raises(TooFewClasses, match=r"only one class, 'cat', with 2 items.*one folder for each class"):
        read(photos)
    assert read(photos, min_classes=1).classes == ("cat",)
    with pytest.raises(TooFewClasses, match=r"2 files lie in no class folder.*one folder for each class"):
        read(photos / "cat")


def test_everything_is_skipped(tmp_path):
    for name in ("cat/a.jpg", "dog/b.jpg"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"%PDF-1.7")
    with pytest.raises(NothingToRead, match=r"cat/a.jpg: It is not a picture.*dog/b.jpg.*picture viewer"):
        read(tmp_path)


def test_a_manifest_that_leads_nowhere(tmp_path):
    path = write_csv(tmp_path / "m.csv", ("path", "label"), [*TABLE[:1], *TABLE[2:3]])
    words = r"None of the 2 files that m\.csv names is there; the first is cat/1\.jpg \(row 2\)\. .*manifest's folder"
    with pytest.raises(NothingToRead, match=words):
        read(path)
    with pytest.raises(NothingToRead, match=r"m\.tsv has a header and no rows\. Add a row"):
        read(write_csv(tmp_path / "m.tsv", ("path", "label"), [], "\t"))


def test_a_saved_model_is_no_data(photos):
    for name in ("manifest.json", "arrays.safetensors"):
        (photos / name).write_text("{}")
    with pytest.raises(DataError, match=r"photos is a saved model, not data\. Give labelled data: graft fit DATA"):
        read(photos)


def test_an_empty_folder_beside_the_only_class_is_named(photos):
    shutil.rmtree(photos / "dog")
    (photos / "dog").mkdir()
    with pytest.raises(TooFewClasses, match=r"'cat', with 2 items; the folder dog is empty\."):
        read(photos)


def test_a_test_folder_without_classes_is_said(tmp_path):
    plant(tmp_path, "train/cat/1.jpg", "train/dog/1.jpg", "test/x.jpg")
    dataset = read(tmp_path)
    assert dataset.warnings == ("test/ has no class folders: nothing was tested.",)
    (skipped,) = dataset.skipped
    assert skipped.reason == "It lies in test/ without a class folder, so it has no label."


def test_a_web_address_is_called_one(photos):
    (item,) = gather(["https://example.com/a.jpg"])
    with pytest.raises(ItemError, match=r"^https://example\.com/a\.jpg is a web address: download it first"):
        item.read()
    with pytest.raises(NothingToRead, match=r"^https://example\.com/a\.zip is a web address\. Download it first"):
        read("https://example.com/a.zip")


def test_pictures_and_recordings_together_are_refused(photos):
    for name in ("cat/a.wav", "dog/b.wav"):
        (photos / name).write_bytes(WAV)
    with pytest.raises(MixedModalities, match=r"4 pictures and 2 recordings\. .*--modality image"):
        read(photos)
    dataset = read(photos, modality="image")
    assert len(dataset) == 4
    assert [one.code for one in dataset.skipped] == ["not_a_picture"] * 2
    assert len(read(photos, modality="audio")) == 2
    with pytest.raises(NothingToRead, match="No labelled text"):
        read(photos, modality="text")
    with pytest.raises(UsageError, match=r"no modality 'video'.*image.*text.*audio"):
        read(photos, modality="video")


def test_a_few_strangers_are_skipped(photos):
    plant(photos, *(f"cat/{n}.jpg" for n in range(10, 20)))
    (photos / "cat/a.wav").write_bytes(WAV)
    for name in ("README.txt", "cat/sources.txt", "dog/licence.txt"):
        (photos / name).write_text("Found on the web.")
    dataset = read(photos)
    assert (dataset.modality, len(dataset)) == ("image", 14)
    assert {one.path: one.code for one in dataset.skipped} == {
        "README.txt": "no_label",
        "cat/a.wav": "not_a_picture",
        "cat/sources.txt": "not_a_picture",
        "dog/licence.txt": "not_a_picture",
    }


def test_captions_beside_pictures_are_no_data_set_of_texts(photos):
    for path in list(photos.rglob("*.jpg")):
        path.with_suffix(".txt").write_text("0 0.5 0.5 0.1 0.1")
    assert read(photos).modality == "image"
    for number in range(4):
        (photos / f"cat/note {number}.txt").write_text("a note of its own")
    with pytest.raises(MixedModalities, match="4 pictures and 4 texts"):
        read(photos)
    assert len(read(photos, modality="image")) == 4


def test_a_table_of_texts_beside_folders_of_pictures_is_left_alone(photos):
    write_csv(photos / "captions.csv", ("text", "label"), [("a cat that sleeps", "cat"), ("a dog", "dog")])
    dataset = read(photos)
    assert rows(dataset) == PHOTOS
    (warning,) = dataset.warnings
    assert warning.startswith("captions.csv was not read: the class folders were.")
    assert read(photos, modality="text").modality == "text"


def test_a_test_set_of_its_own(photos, tmp_path):
    plant(tmp_path / "new", "cat/1.jpg")
    dataset = read(photos, test=tmp_path / "new")
    assert rows(dataset) == [(name, label, "train") for name, label, _ in PHOTOS] + [("new/cat/1.jpg", "cat", "test")]
    plant(tmp_path / "split", "train/cat/1.jpg", "train/dog/1.jpg", "val/cat/2.jpg", "val/dog/2.jpg")
    assert read(tmp_path / "split", test=photos).splits == ("train",) * 4 + ("test",) * 4


def test_a_data_set_passes_through(photos):
    dataset = Dataset.from_lists([photos / "cat/1.jpg", photos / "dog/3.jpg"], ["cat", "dog"])
    assert read(dataset) is dataset
    assert read(dataset, test=photos).splits == ("train", "train", *("test",) * 4)


def test_unsafe_zips_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("cat/1.jpg", picture(1))
        file.writestr("../dog/1.jpg", picture(2))
    with pytest.raises(UnsafeArchive):
        read(tmp_path / "a.zip")
    (tmp_path / "cut.zip").write_bytes((tmp_path / "a.zip").read_bytes()[:-30])
    with pytest.raises(UnsafeArchive, match=r"cut\.zip is not a zip, or its end is missing\. .*cut short"):
        read(tmp_path / "cut.zip")


def test_damaged_members_are_named_and_the_rest_is_read(photos, tmp_path):
    path = zipped(photos, tmp_path / "a.zip")
    content = bytearray(path.read_bytes())
    content[content.index(b"cat/2.jpg") + 200] ^= 0xFF  # inside the member's data
    path.write_bytes(content)
    dataset = read(path)
    bad = [one.path for one in dataset.skipped]
    for item in dataset.items:
        try:
            assert item.read()[:2] == b"\xff\xd8"
        except ItemError as error:
            bad.append(item.name)
            assert error.reason == "unreadable"  # noqa: PT017
    assert bad == ["cat/2.jpg"]


def test_gather_files_folders_zips_and_values(photos, tmp_path):
    plant(photos, ".DS_Store", "cat/deep/0.jpg")
    archive = zipped(photos, tmp_path / "a.zip")
    inputs = [photos / "dog/4.jpg", str(photos), archive, tmp_path / "gone.jpg", picture(1)]
    items = list(gather(inputs))
    below = ["cat/1.jpg", "cat/2.jpg", "cat/deep/0.jpg", "dog/3.jpg", "dog/4.jpg"]
    assert [item.name for item in items] == [
        str(photos / "dog/4.jpg"),
        *(f"{photos}/{name}" for name in below),
        *(f"{archive}/{name}" for name in below),
        str(tmp_path / "gone.jpg"),
        "item 4",
    ]
    assert isinstance(items[0], File)
    for item in [*items[:-2], items[-1]]:
        assert item.read()[:2] == b"\xff\xd8"
    with pytest.raises(ItemError, match=r"gone.jpg cannot be read"):
        items[-2].read()


def test_gather_is_lazy(photos):
    def endless():
        while True:
            yield photos

    items = gather(endless())
    assert [next(items).name for _ in range(9)][8] == f"{photos}/cat/1.jpg"


@pytest.mark.shared
def test_real_folders(shared: Path):
    ants = read(shared / "ants_bees")
    assert (ants.splits.count("train"), ants.splits.count("test"), ants.classes) == (245, 153, ("ants", "bees"))
    potato = read(shared / "potato_leaves")
    assert (potato.splits.count("train"), potato.splits.count("test")) == (1200, 300)
    bears = read(shared / "bears_scraped")
    assert [one.path.rpartition("/")[2] for one in bears.skipped] == [
        "urls_black.txt",
        "urls_grizzly.txt",
        "urls_teddys.txt",
    ]
    assert len(bears) == 481
    assert any("00000167.ashx (JPEG)" in warning for warning in bears.warnings)
    assert len(read(shared / "hemlock_cherry")) == 20
