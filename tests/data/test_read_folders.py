import shutil
import zipfile
from pathlib import Path

import pytest

from data.planted import PETS, picture, plant, rows, zipped
from graft.data.dataset import Dataset
from graft.errors import (
    DataError,
    ItemError,
    MixedModalities,
    NothingToRead,
    TooFewClasses,
    UnsafeArchive,
    UsageError,
)
from graft.reading.inputs import gather
from graft.reading.read import read

WAV = b"RIFF\x24\0\0\0WAVEfmt " + bytes(100)


def test_a_folder_for_each_class(pets):
    dataset = read(pets)
    assert rows(dataset) == PETS
    assert dataset.classes == ("cat", "dog")
    assert dataset.name == "photos"
    assert dataset.modality == "image"
    assert dataset.skipped == ()
    assert dataset.warnings == ()
    assert dataset.items[0].read() == (pets / "cat/1.jpg").read_bytes()
    assert rows(read(str(pets))) == PETS


def test_nothing_of_the_users_is_changed(pets):
    before = {path: path.stat().st_mtime_ns for path in pets.rglob("*")}
    read(pets)
    list(gather([pets]))
    assert {path: path.stat().st_mtime_ns for path in pets.rglob("*")} == before


def test_zips_read_as_folders_do(pets, tmp_path):
    assert rows(read(zipped(pets, tmp_path / "a.zip"))) == PETS
    nested = tmp_path / "outer" / "set"
    nested.mkdir(parents=True)
    pets.rename(nested / "photos")
    wrapped = [(f"set/photos/{name}", label, split) for name, label, split in PETS]
    assert rows(read(tmp_path / "outer")) == wrapped
    dataset = read(zipped(tmp_path / "outer", tmp_path / "misnamed.dat"))
    assert rows(dataset) == wrapped
    assert all(item.read()[:2] == b"\xff\xd8" for item in dataset.items)


def test_files_deeper_inside_a_class_belong_to_it(pets):
    plant(pets, "cat/siamese/old/9.jpg")
    assert ("cat/siamese/old/9.jpg", "cat", "") in rows(read(pets))


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


def test_files_are_judged_by_content(pets):
    (pets / "cat/0.php").write_bytes(picture(9))
    (pets / "cat/0.png").write_bytes(picture(9))
    (pets / "cat/none").write_bytes(picture(9, "WEBP"))
    (pets / "dog/notes.txt").write_text("these are dogs")
    (pets / "dog/page.jpg").write_text("<!doctype html><title>404</title>")
    (pets / "dog/empty.jpg").touch()
    (pets / "dog/phone.jxl").write_bytes(b"\xff\x0a" + bytes(30))
    dataset = read(pets)
    assert len(dataset) == 7
    (warning,) = dataset.warnings
    assert warning.startswith("2 pictures carry the extension of another kind")
    assert "cat/0.php (JPEG)" in warning
    assert {one.path: one.code for one in dataset.skipped} == {
        "dog/notes.txt": "not_a_picture",
        "dog/page.jpg": "not_a_picture",
        "dog/empty.jpg": "empty",
        "dog/phone.jxl": "not_a_picture",
    }


def test_strays_are_counted_and_empty_folders_and_look_alike_labels_are_said(pets):
    plant(pets, ".DS_Store", "__MACOSX/cat/1.jpg", "Dog/1.jpg")
    (pets / "horse").mkdir()
    warnings = read(pets).warnings
    assert any(text.startswith("Ignored 2 stray") for text in warnings)
    assert any("horse" in text for text in warnings)
    assert any("Dog (1), dog (2)" in text for text in warnings)


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


def test_one_class_is_none(tmp_path, pets):
    shutil.rmtree(pets / "dog")
    with pytest.raises(TooFewClasses, match=r"only one class, 'cat', with 2 items.*one folder for each class"):
        read(pets)
    assert read(pets, min_classes=1).classes == ("cat",)
    with pytest.raises(TooFewClasses, match=r"2 files lie in no class folder.*one folder for each class"):
        read(pets / "cat")


def test_everything_is_skipped(tmp_path):
    for name in ("cat/a.jpg", "dog/b.jpg"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"%PDF-1.7")
    with pytest.raises(
        NothingToRead, match=r"cat/a.jpg: It is not a picture.*dog/b.jpg.*Save its pages as JPEG or PNG"
    ):
        read(tmp_path)


@pytest.mark.parametrize(
    ("head", "modality", "hint"),
    [
        (b"\0\0\0\x18ftypisom", None, "For pictures: Give single frames of it: ffmpeg -i in.mp4"),
        (b"\0\0\0\x18ftypisom", "audio", "Convert it: ffmpeg -i in.mp4 out.wav"),
        (b"\xff\x0a" + bytes(30), None, "Save it as JPEG or PNG."),
        (b"%PDF-1.7", None, "For pictures: Save its pages as JPEG or PNG; for texts: Save its text as a .txt file."),
        (b"7z\xbc\xaf\x27\x1c", None, "Unpack it."),
        (bytes(range(32)), None, "Check that the files open in a picture viewer."),
    ],
)
def test_where_nothing_can_be_read_the_remedy_is_that_of_the_format(tmp_path, head, modality, hint):
    for name in ("cat/a.jpg", "dog/b.jpg"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(head)
    with pytest.raises(NothingToRead) as caught:
        read(tmp_path, modality=modality)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("head", "hint"),
    [
        (b"\0\0\0\x18ftypisom", "Give single frames of it"),
        (b"7z\xbc\xaf\x27\x1c", "Unpack it."),
        (b"MThd\0\0", "as WAV"),
    ],
)
def test_a_single_file_that_is_no_data_set_has_the_remedy_of_its_format(tmp_path, head, hint):
    (tmp_path / "data.bin").write_bytes(head + bytes(100))
    with pytest.raises(NothingToRead) as caught:
        read(tmp_path / "data.bin")
    assert hint in caught.value.hint
    assert "Give a folder" in caught.value.hint


def test_a_saved_model_is_no_data(pets):
    (pets / "manifest.json").write_text("{}")
    for name in ("arrays.safetensors", "head.safetensors"):
        (pets / name).write_text("{}")
        refuses(pets)
        (pets / name).unlink()


def test_an_export_is_no_data_nor_are_its_golden_items(pets):
    before = read(pets).labels
    export = pets / "leaves"
    (export / "goldens").mkdir(parents=True)
    for photo in sorted((pets / "cat").iterdir())[:3]:
        shutil.copy(photo, export / "goldens")
    for name in ("certificate.json", "labels.json"):
        assert len(read(pets).labels) > len(before)  # it might be a class of this name
        (export / name).write_text("{}")
    assert read(pets).labels == before
    with pytest.raises(DataError, match=r"leaves is an exported model, not data\. Give labelled data"):
        read(export)


def test_corrections_among_the_data_are_no_class(pets):
    before = read(pets).labels
    corrections = pets / "corrections"
    shutil.copytree(pets / "cat", corrections / "items")
    assert len(read(pets).labels) > len(before)
    (corrections / "corrections.jsonl").write_text('{"path": "items/x.png", "label": "cat"}\n')
    assert read(pets).labels == before


def refuses(pets):
    with pytest.raises(DataError, match=r"photos is a saved model, not data\. Give labelled data: graft fit DATA"):
        read(pets)


def test_an_empty_folder_beside_the_only_class_is_named(pets):
    shutil.rmtree(pets / "dog")
    (pets / "dog").mkdir()
    with pytest.raises(TooFewClasses, match=r"'cat', with 2 items; the folder dog is empty\."):
        read(pets)


def test_a_test_folder_without_classes_is_said(tmp_path):
    plant(tmp_path, "train/cat/1.jpg", "train/dog/1.jpg", "test/x.jpg")
    dataset = read(tmp_path)
    assert dataset.warnings == ("test/ has no class folders: nothing was tested.",)
    (skipped,) = dataset.skipped
    assert skipped.reason == "It lies in test/ without a class folder, so it has no label."


def test_a_web_address_is_called_one(pets):
    (item,) = gather(["https://example.com/a.jpg"])
    with pytest.raises(ItemError, match=r"^https://example\.com/a\.jpg is a web address: download it first"):
        item.read()
    with pytest.raises(NothingToRead, match=r"^https://example\.com/a\.zip is a web address\. Download it first"):
        read("https://example.com/a.zip")


def test_pictures_and_recordings_together_are_refused(pets):
    for name in ("cat/a.wav", "dog/b.wav"):
        (pets / name).write_bytes(WAV)
    with pytest.raises(MixedModalities, match=r"4 pictures and 2 recordings\. .*--modality image"):
        read(pets)
    dataset = read(pets, modality="image")
    assert len(dataset) == 4
    assert [one.code for one in dataset.skipped] == ["not_a_picture"] * 2
    assert len(read(pets, modality="audio")) == 2
    with pytest.raises(NothingToRead, match="No labelled text"):
        read(pets, modality="text")
    with pytest.raises(UsageError, match=r"no modality 'video'.*image.*text.*audio"):
        read(pets, modality="video")


def test_a_few_strangers_are_skipped(pets):
    plant(pets, *(f"cat/{n}.jpg" for n in range(10, 20)))
    (pets / "cat/a.wav").write_bytes(WAV)
    for name in ("README.txt", "cat/sources.txt", "dog/licence.txt"):
        (pets / name).write_text("Found on the web.")
    dataset = read(pets)
    assert (dataset.modality, len(dataset)) == ("image", 14)
    assert {one.path: one.code for one in dataset.skipped} == {
        "README.txt": "no_label",
        "cat/a.wav": "not_a_picture",
        "cat/sources.txt": "not_a_picture",
        "dog/licence.txt": "not_a_picture",
    }


def test_captions_beside_pictures_are_no_data_set_of_texts(pets):
    for path in list(pets.rglob("*.jpg")):
        path.with_suffix(".txt").write_text("0 0.5 0.5 0.1 0.1")
    assert read(pets).modality == "image"
    for number in range(4):
        (pets / f"cat/note {number}.txt").write_text("a note of its own")
    with pytest.raises(MixedModalities, match="4 pictures and 4 texts"):
        read(pets)
    assert len(read(pets, modality="image")) == 4


def test_a_test_set_of_its_own(pets, tmp_path):
    plant(tmp_path / "new", "cat/1.jpg")
    dataset = read(pets, test=tmp_path / "new")
    assert rows(dataset) == [(name, label, "train") for name, label, _ in PETS] + [("new/cat/1.jpg", "cat", "test")]
    plant(tmp_path / "split", "train/cat/1.jpg", "train/dog/1.jpg", "val/cat/2.jpg", "val/dog/2.jpg")
    assert read(tmp_path / "split", test=pets).splits == ("train",) * 4 + ("test",) * 4


def test_a_data_set_passes_through(pets):
    dataset = Dataset.from_lists([pets / "cat/1.jpg", pets / "dog/3.jpg"], ["cat", "dog"])
    assert read(dataset) is dataset
    assert read(dataset, test=pets).splits == ("train", "train", *("test",) * 4)


def test_unsafe_zips_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("cat/1.jpg", picture(1))
        file.writestr("../dog/1.jpg", picture(2))
    with pytest.raises(UnsafeArchive):
        read(tmp_path / "a.zip")
    (tmp_path / "cut.zip").write_bytes((tmp_path / "a.zip").read_bytes()[:-30])
    with pytest.raises(UnsafeArchive, match=r"cut\.zip is not a zip, or its end is missing\. .*cut short"):
        read(tmp_path / "cut.zip")


def test_damaged_members_are_named_and_the_rest_is_read(pets, tmp_path):
    path = zipped(pets, tmp_path / "a.zip")
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
