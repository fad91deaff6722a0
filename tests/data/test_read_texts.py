import csv
import json
import shutil
import zipfile
from pathlib import Path

import pytest

from graft.data.dataset import File, Text
from graft.errors import MixedModalities, NothingToRead, TooFewClasses, UsageError
from graft.reading.read import read
from graft.report.markup import Html
from graft.report.page import document

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(50)
TABLE = [("Where is my card?", "card"), ("I lost it, again.", "card"), ("What is the rate?", "rate")]


def write_csv(path, table, header=("text", "label")):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *table])
    return path


def write(root, **files):
    for name, content in files.items():
        path = root / name.replace("__", "/").replace("_txt", ".txt").replace("_jpg", ".jpg")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def texts(dataset):
    return [(item.read().decode(), label) for item, label in zip(dataset.items, dataset.labels, strict=True)]


@pytest.mark.parametrize("header", [("text", "label"), ("Sentence", "target")])
def test_a_table_of_texts(tmp_path, header):
    dataset = read(write_csv(tmp_path / "tickets.csv", TABLE, header))
    assert dataset.modality == "text"
    assert texts(dataset) == TABLE
    assert dataset.items[0] == Text("Where is my card?")
    assert dataset.name == "tickets"
    assert dataset.warnings == dataset.skipped == ()


def test_a_column_of_texts_by_name(tmp_path):
    path = write_csv(tmp_path / "a.csv", TABLE, ("body", "label"))
    assert texts(read(path, item_column="body")) == TABLE
    names = write_csv(tmp_path / "b.csv", [("a.jpg", "x"), ("b c.jpg", "y")], ("photo", "label"))
    with pytest.raises(NothingToRead, match="None of the 2 files"):
        read(names, item_column="photo")
    assert read(names, item_column="photo", modality="text").modality == "text"


def test_texts_stay_as_they_stand(tmp_path):
    table = [("  two\nlines ", "a"), ("\ttab", "b"), ('"quoted", he said', "b")]
    assert texts(read(write_csv(tmp_path / "a.csv", table))) == table


def test_a_folder_of_tables(tmp_path):
    write_csv(tmp_path / "set/train.csv", TABLE)
    write_csv(tmp_path / "set/train_noisy_labels.csv", [("never read", "card")])
    (tmp_path / "set/valid.jsonl").write_text(json.dumps({"text": "Rates?", "label": "rate"}))
    write_csv(tmp_path / "set/test.csv", [("My card!", "card")])
    for source in (tmp_path / "set", shutil.make_archive(str(tmp_path / "a"), "zip", tmp_path, "set")):
        dataset = read(source)
        assert sorted(zip(dataset.labels, dataset.splits, strict=True)) == [
            ("card", "test"), ("card", "train"), ("card", "train"), ("rate", "train"), ("rate", "train"),
        ]  # fmt: skip
        assert dataset.warnings == ("Not read, as no split is called so: train_noisy_labels.csv.",)


def test_tables_in_pieces(tmp_path):
    for number, row in enumerate(TABLE):
        write_csv(tmp_path / f"train-{number:05}-of-00003.csv", [row])
    write_csv(tmp_path / "test-00000-of-00001.csv", TABLE[:1])
    assert read(tmp_path).splits == ("test", "train", "train", "train")


def test_a_folder_for_each_class(tmp_path):
    write(
        tmp_path, ham__1_txt="Dear all", ham__2_txt="Grüße".encode("cp1252"), spam__3_txt="\ufeffWIN!", spam__4="free"
    )
    write(tmp_path, spam__5_txt="", spam__6_txt=b"\0\1\2\3", ham__7_txt=" \n" * 30 + "late")
    dataset = read(tmp_path)
    assert dataset.modality == "text"
    assert [(item.name, label) for item, label in zip(dataset.items, dataset.labels, strict=True)] == [
        ("ham/1.txt", "ham"), ("ham/2.txt", "ham"), ("ham/7.txt", "ham"), ("spam/3.txt", "spam"), ("spam/4", "spam"),
    ]  # fmt: skip
    assert dataset.items[1].read() == "Grüße".encode("cp1252")
    assert {one.path: (one.code, one.reason) for one in dataset.skipped} == {
        "spam/5.txt": ("empty", "The file is empty."),
        "spam/6.txt": ("not_a_text", "It is not a text that can be read: it is of an unknown kind."),
    }


def test_web_pages_are_texts_where_there_is_nothing_else(tmp_path):
    for name in ("shop/1.html", "shop/2.html", "blog/3.htm"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("<!doctype html><p>hello")
    assert read(tmp_path).modality == "text"
    for path in tmp_path.rglob("*.htm*"):  # downloads that failed
        path.rename(path.with_suffix(".jpg"))
    with pytest.raises(NothingToRead, match="a web page, as a download that failed"):
        read(tmp_path)


def test_texts_among_other_files(tmp_path):
    files = {f"a__{n}_txt": f"text {n}" for n in range(20)} | {f"b__{n}_txt": f"other {n}" for n in range(20)}
    write(tmp_path, **files, a__logo_jpg=JPEG)
    dataset = read(tmp_path)
    assert (dataset.modality, len(dataset)) == ("text", 40)
    assert dataset.skipped[0].reason == "It is not a text that can be read: it is a JPEG picture."
    write(tmp_path, **{f"b__{n}_jpg": JPEG for n in range(30, 40)})
    with pytest.raises(MixedModalities, match="11 pictures and 40 texts"):
        read(tmp_path)
    assert len(read(tmp_path, modality="text")) == 40


def test_a_column_of_texts_may_hold_paths(tmp_path):
    write(tmp_path, files__1_txt="one", files__2_txt="two", files__3_txt="three")
    table = [(f"files/{n}.txt", label) for n, label in ((1, "a"), (2, "b"), (3, "b"))]
    path = write_csv(tmp_path / "a.csv", table)
    dataset = read(path)
    assert texts(dataset) == [("one", "a"), ("two", "b"), ("three", "b")]
    assert isinstance(dataset.items[0], File)
    assert dataset.warnings == ("The column 'text' of a.csv holds paths: their files were read.",)
    archive = shutil.make_archive(str(tmp_path.parent / f"{tmp_path.name}"), "zip", tmp_path)
    assert texts(read(archive)) == [("one", "a"), ("two", "b"), ("three", "b")]
    write_csv(path, [*table, *((f"a text, number {n}", "a") for n in range(9))])
    assert isinstance(read(path).items[0], Text)


def test_paths_beside_texts(tmp_path):
    path = write_csv(
        tmp_path / "a.csv", [("gone.wav", "hello", "x"), ("gone.wav", "bye", "y")], ("path", "text", "label")
    )
    with pytest.raises(NothingToRead, match=r"None of the 2 files.*Or read its column 'text': --modality text"):
        read(path)
    assert texts(read(path, modality="text")) == [("hello", "x"), ("bye", "y")]


def test_the_same_text_under_two_labels_is_a_warning(tmp_path):
    long = "word " * 40
    dataset = read(
        write_csv(tmp_path / "a.csv", [*TABLE, ("Where is my card? ", "rate"), (long, "card"), (long, "rate")])
    )
    (warning,) = dataset.warnings
    assert warning.startswith("2 items stand under more than one label: Where is my card? (card, rate), word word")
    assert len(warning) < 200


def test_texts_have_no_names_to_fit_a_pattern(tmp_path):
    with pytest.raises(UsageError, match=r"a\.csv holds texts.*--group-column"):
        read(write_csv(tmp_path / "a.csv", TABLE), pattern="{group}_*")


def test_a_column_of_groups(tmp_path):
    table = [(*row, f"customer {n % 2}") for n, row in enumerate(TABLE)]
    dataset = read(write_csv(tmp_path / "a.csv", table, ("text", "label", "customer")), group_column="customer")
    assert dataset.groups == ("customer 0", "customer 1", "customer 0")


def test_test_data_must_be_of_the_same_kind(tmp_path):
    write(tmp_path, photos__a__1_jpg=JPEG, photos__b__2_jpg=JPEG)
    train = write_csv(tmp_path / "train.csv", TABLE)
    with pytest.raises(MixedModalities, match="train holds texts, and the test data photos hold pictures"):
        read(train, test=tmp_path / "photos")
    assert read(train, test=write_csv(tmp_path / "new.csv", TABLE[:1])).splits[-1] == "test"


def test_texts_without_classes(tmp_path):
    write(tmp_path, flat__1_txt="one", flat__2_txt="two")
    with pytest.raises(
        TooFewClasses, match=r"2 files lie in no class folder.*columns text and label.*texts/spam/1.txt"
    ):
        read(tmp_path / "flat")


def test_many_rows(tmp_path):
    table = [(f"the text number {n} of them all", f"class {n % 7}") for n in range(50_000)]
    dataset = read(write_csv(tmp_path / "a.csv", table))
    assert texts(dataset.select(range(0, 50_000, 9999))) == table[::9999]
    assert len(dataset.classes) == 7


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "train", "test", "classes"),
    [
        ("banking77", 10_003, 3_080, 77),
        ("trec6", 5_452, 500, 6),
        ("sms_spam", 4_466, 1_108, 2),
        ("webapps8", 30, 59, 8),
        ("hausa_news", 2_335, 582, 5),
    ],
)
def test_real_tables(shared: Path, tmp_path, name, train, test, classes):
    dataset = read(shared / name)
    assert (dataset.modality, dataset.name) == ("text", name)
    assert (dataset.splits.count("train"), dataset.splits.count("test")) == (train, test)
    assert len(dataset.classes) == classes
    assert dataset.skipped == ()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        for path in (shared / name).glob("*.csv"):
            file.write(path, f"{name}/{path.name}")
    assert read(tmp_path / "a.zip").labels == dataset.labels


def test_labels_that_say_that_nothing_is_there_are_told(tmp_path):
    rows = [(f"text {number}", label) for number, label in enumerate(["NaN", "N/A", "none", "", "late", "late"])]
    write_csv(tmp_path / "a.csv", rows)
    dataset = read(tmp_path / "a.csv")
    assert dataset.classes == ("N/A", "NaN", "late", "none")
    (said,) = (warning for warning in dataset.warnings if "value is missing" in warning)
    assert "taken as classes: N/A (1), NaN (1). If they are none, leave the cells empty" in said


def test_tables_in_class_folders_are_told(tmp_path):
    for label in ("late", "money"):
        (tmp_path / label).mkdir()
        write_csv(tmp_path / label / "a.csv", [("one",), ("two",)], ("text",))
        (tmp_path / label / "b.txt").write_text("a text")
    dataset = read(tmp_path)
    assert len(dataset) == 4
    assert dataset.warnings[-1].startswith(
        "2 tables were read as one text each, for a file in a class folder is an item: late/a.csv, money/a.csv. If each"
    )


@pytest.mark.parametrize("source", ["", " "])
def test_an_empty_path_is_not_the_present_folder(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="The path of the data is empty"):
        read(source)


def test_a_path_that_holds_a_nul_leads_nowhere():
    with pytest.raises(NothingToRead, match="There is nothing at"):
        read("a\0b")


def test_what_was_skipped_is_said_where_one_class_remains(tmp_path):
    for name, content in (("a/1.jpg", JPEG), ("a/2.jpg", JPEG), ("b/1.txt", b"a text"), ("b/2.txt", b"another")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    with pytest.raises(TooFewClasses, match=r"'a', with 2 items; 2 others were skipped, such as b/1\.txt: It is not a"):
        read(tmp_path)


def test_a_page_that_graft_wrote_is_no_text(tmp_path):
    for name in ("late/1.txt", "late/2.txt", "money/1.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"a text, {name}")
    (tmp_path / "late" / "of-others.html").write_text("<!doctype html>\n<html><p>a text too</p></html>")
    (tmp_path / "late" / "report.html").write_text(document("A report", Html("<p>late</p>")))
    dataset = read(tmp_path)
    assert [item.name for item in dataset.items] == ["late/1.txt", "late/2.txt", "late/of-others.html", "money/1.txt"]
    assert [(one.path, one.reason) for one in dataset.skipped] == [
        ("late/report.html", "It is not a text that can be read: it is a page that Graft wrote.")
    ]
