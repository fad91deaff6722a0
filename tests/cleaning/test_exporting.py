"""What is exported is read again as it was."""

import csv
import hashlib
import shutil
import subprocess
import sys
import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graft
import shapes
from graft.cleaning.exporting import export
from graft.data.contents import clean_label
from graft.data.dataset import Dataset
from graft.data.items import File, Member, Memory, Text
from graft.encoders.embed import content_digest
from graft.errors import DataError, GraftError, OutputExists
from graft.journal.decision import Decision
from graft.journal.resolution import apply, keys_of


def print_of(dataset):
    """What two data sets have in common if they hold the same: contents, labels, splits and groups, in any order."""
    return dataset.fingerprint([content_digest(item.read()) for item in dataset.items])


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def pictures(labels, names=None, **columns):
    names = names or [f"{number}.png" for number in range(len(labels))]
    items = [Memory(shapes.encoded("circle", number, size=8), name) for number, name in enumerate(names)]
    return Dataset(tuple(items), tuple(labels), **columns)


def texts(rows, labels, **columns):
    return Dataset(tuple(map(Text, rows)), tuple(labels), modality="text", **columns)


def check_round_trip(dataset, folder, **options):
    """Written and read again it is the same; returns what was read."""
    again = graft.read(export(dataset, folder, **options), multi_label=bool(dataset.tags), min_classes=1)
    assert print_of(again) == print_of(graft.read(dataset))
    assert again.modality == dataset.modality
    assert again.skipped == ()
    return again


def test_a_folder_for_each_class_is_written_as_one(photos, tmp_path):
    before = tree(photos)
    assert check_round_trip(graft.read(photos), tmp_path / "copy").warnings == ()
    assert tree(tmp_path / "copy") == before == tree(photos)
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


def test_splits_stand_above_the_classes(photos, tmp_path):
    given = graft.read(photos)
    splits = ("train", "test", "train") * 12
    check_round_trip(Dataset(given.items, given.labels, splits), tmp_path / "copy")
    assert {path.name for path in (tmp_path / "copy").iterdir()} == {"train", "test"}
    check_round_trip(Dataset(given.items, given.labels, ("train",) * 36), tmp_path / "one")


@pytest.mark.parametrize("columns", [
    {"groups": ("1", "2", "1", "")},
    {"groups": ("1", "2", "1", ""), "splits": ("train", "test", "train", "train")},
    {"labels": ("", "a|b", "b", "a"), "tags": ((), ("a", "b"), ("b",), ("a",))},
    {"labels": ("a",) * 4},
])  # fmt: skip
def test_what_folders_cannot_say_stands_in_a_manifest(tmp_path, columns):
    given = {"labels": ("a", "b", "a", "b"), **columns}
    check_round_trip(pictures(**given), tmp_path / "copy")
    assert {path.name for path in (tmp_path / "copy").iterdir()} == {"items", "manifest.csv"}


UNSAFE = [
    "a/b", "..", ".", ".hidden", "CON", "nul.txt", "com1", "trailing.", "x" * 300, "a\\b", "a:b", "what?", "train",
    "Test", "a\nb", "Thumbs.db", "old.graft", "*", "\u202eabc", "/etc/passwd", "C:\\x", "-", "=1+1",
    '"', "'", "ä" * 100, "A",
]  # fmt: skip


@pytest.mark.parametrize("label", UNSAFE)
def test_labels_that_are_no_names_for_folders_come_back(tmp_path, label):
    check_round_trip(pictures((label, "a", label)), tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


LABELS = st.text(min_size=1, max_size=40).filter(lambda label: label.strip() and label.encode(errors="ignore"))


@settings(max_examples=60)
@given(labels=st.lists(LABELS, min_size=2, max_size=4), splits=st.booleans(), grouped=st.booleans())
def test_any_labels_come_back(tmp_path_factory, labels, splits, grouped):
    columns = {
        "splits": tuple("test" if row % 2 else "train" for row in range(len(labels))) if splits else (),
        "groups": tuple(f"group {row}" for row in range(len(labels))) if grouped else (),
    }
    folder = tmp_path_factory.mktemp("labels")
    first = graft.read(export(pictures(labels, **columns), folder / "first"), min_classes=1)
    assert Counter(first.labels) == Counter(clean_label(label) for label in labels)
    check_round_trip(first, folder / "second")
    rows = [f"text {row}, of {label}" for row, label in enumerate(first.labels)]
    check_round_trip(texts(rows, first.labels, splits=first.splits, groups=first.groups), folder / "third")


@settings(max_examples=60)
@given(rows=st.lists(st.text(min_size=1, max_size=60).map(lambda text: f"It said: {text}"), min_size=2, max_size=6))
def test_any_texts_come_back(tmp_path_factory, rows):
    check_round_trip(texts(rows, [str(row % 2) for row in range(len(rows))]), tmp_path_factory.mktemp("texts") / "copy")


def test_texts_become_a_table_for_each_split(tmp_path):
    rows = ['He said "no".', "one, two; three\tfour", "first\r\nsecond\n\nthird\r", "  spaces  ", "\ufeffmark", "\0"]
    given = texts(rows, "ababab")
    check_round_trip(given, tmp_path / "one")
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["data.csv"]
    parts = texts(rows, "ababab", splits=("train", "test") * 3, groups=tuple("112233"))
    check_round_trip(parts, tmp_path / "two")
    assert {path.name for path in (tmp_path / "two").iterdir()} == {"train.csv", "test.csv"}
    several = texts(rows, (), tags=(("a", "b"), (), ("b",), ("a",), ("a",), ("b",)))
    check_round_trip(several, tmp_path / "three")


def test_a_text_that_a_table_cannot_hold_is_named(tmp_path):
    found = export(texts(["one", "  ", "two"], "aba"), tmp_path / "copy")
    assert (found.n_items, [entry.reason for entry in found.skipped]) == (2, ["It is blank."])


def test_text_files_are_copied_as_they_are(tmp_path):
    for label, content in (("a", b"\xff\xfea\0b\0"), ("b", b"caf\xe9\r\n"), ("b", b"plain")):
        path = tmp_path / "texts" / label / f"{len(content)}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    check_round_trip(graft.read(tmp_path / "texts"), tmp_path / "copy")
    assert tree(tmp_path / "copy") == tree(tmp_path / "texts")


def test_names_are_made_safe_and_kept_apart(tmp_path):
    names = [
        "1.png", "cat/1.png", "1.PNG", "../../1.png", "C:\\photos\\1.png", "CON", "con.png", ".hidden", "a\nb.png", "",
        "x" * 300 + ".png", "Thumbs.db", "old.graft", "item 3", "trailing ", "é.png", "e\u0301.png", "\ud800.png", "..",
    ]  # fmt: skip
    given = pictures(["a", "b"] * 9 + ["a"], names)
    found = export(given, tmp_path / "copy")
    check_round_trip(given, tmp_path / "again")
    written = [path.name for path in (tmp_path / "copy").rglob("*") if path.is_file()]
    assert len(written) == len(names) == found.n_items
    assert all(len(name.encode()) < 200 for name in written)
    assert {"1.png", "1-2.png", "item 3.png", "item_CON.png"} <= set(written)
    assert [path.name for path in tmp_path.iterdir()].count("1.png") == 0


def test_a_zip_is_copied_out(photos, tmp_path):
    shutil.make_archive(str(tmp_path / "photos"), "zip", photos)
    given = graft.read(tmp_path / "photos.zip")
    assert isinstance(given.items[0], Member)
    check_round_trip(given, tmp_path / "copy")
    with pytest.raises(DataError, match="zip or in memory"):
        export(given, tmp_path / "list", as_manifest="absolute")
    assert not (tmp_path / "list").exists()


@pytest.mark.parametrize("paths", ["absolute", "relative"])
def test_a_manifest_points_to_the_files_where_they_are(photos, tmp_path, monkeypatch, paths):
    given = graft.read(photos)
    given = Dataset(given.items, given.labels, ("train", "test") * 18, ("a", "b", "b") * 12)
    monkeypatch.chdir(tmp_path)
    check_round_trip(given, "list", as_manifest=paths)
    assert [path.name for path in (tmp_path / "list").iterdir()] == ["manifest.csv"]
    with (tmp_path / "list" / "manifest.csv").open(newline="") as file:
        cells = [row["path"] for row in csv.DictReader(file)]
    assert all(cell.startswith("/" if paths == "absolute" else "..") for cell in cells)


def test_a_relative_manifest_survives_links_and_a_move_together(photos, tmp_path):
    (tmp_path / "here" / "deep").mkdir(parents=True)
    shutil.copytree(photos, tmp_path / "here" / "photos")
    (tmp_path / "link").symlink_to(tmp_path / "here" / "deep")
    given = graft.read(tmp_path / "here" / "photos")
    check_round_trip(given, tmp_path / "link" / "list", as_manifest="relative")
    (tmp_path / "here").rename(tmp_path / "there")
    again = graft.read(tmp_path / "there" / "deep" / "list")
    assert len(again) == len(given)


def test_a_path_that_no_manifest_can_hold_is_named(tmp_path):
    items = []
    for name in ("good.png", "white space.png ", "caf\udce9.png"):
        (tmp_path / name).write_bytes(shapes.encoded("circle", 0, size=8))
        items.append(File(tmp_path / name, name))
    found = export(Dataset(tuple(items), ("a", "b", "c")), tmp_path / "list", as_manifest="absolute")
    assert (found.n_items, len(found.skipped)) == (1, 2)


def test_what_cannot_be_read_is_named_and_the_rest_is_written(photos, tmp_path):
    given = graft.read(photos)
    items = (File(tmp_path / "gone.png", "gone.png"), *given.items[1:])
    found = export(Dataset(items, given.labels), tmp_path / "copy")
    assert (found.n_items, [entry.path for entry in found.skipped]) == (35, ["gone.png"])
    with pytest.raises(DataError, match="None of the 1 items"):
        export(Dataset(items[:1], ("a",)), tmp_path / "nothing")
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


def test_only_a_new_or_empty_folder_is_written_to(photos, tmp_path):
    given = graft.read(photos)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("mine")
    (tmp_path / "file").write_text("mine")
    before = tree(tmp_path)
    for place in ("mine", "file"):
        with pytest.raises(OutputExists, match="already there"):
            export(given, tmp_path / place)
    with pytest.raises(GraftError, match="cannot be written"):
        export(given, tmp_path / "file" / "copy")
    assert tree(tmp_path) == before
    (tmp_path / "empty").mkdir()
    check_round_trip(given, tmp_path / "empty")
    check_round_trip(given, tmp_path / "deep" / "deeper" / "copy")


def test_nothing_to_write_and_labels_that_cannot_be_joined_are_errors(photos, tmp_path):
    with pytest.raises(DataError, match="no items"):
        export(graft.read(photos).select([]), tmp_path / "copy")
    with pytest.raises(DataError, match="stands between labels"):
        export(pictures((), ["1.png", "2.png"], tags=(("a|b",), ("c",))), tmp_path / "copy")


def test_a_full_disk_leaves_nothing(photos, tmp_path):
    script = (
        "import resource, sys, graft\n"
        "from graft.cleaning.exporting import export\nfrom graft.errors import GraftError\n"
        "data = graft.read(sys.argv[1])\nresource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))\n"
        "try:\n    export(data, sys.argv[2])\nexcept GraftError as error:\n    print(error)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", script, photos, tmp_path / "copy"], capture_output=True, text=True, check=True
    )
    assert "cannot be written" in found.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_kill_leaves_nothing_half(photos, tmp_path):
    script = "import sys, graft\nfrom graft.cleaning.exporting import export\n"
    script += "data = graft.read(sys.argv[1])\nexport(data.select([*range(36)] * 60), sys.argv[2])\n"
    child = subprocess.Popen([sys.executable, "-c", script, photos, tmp_path / "copy"], stdout=subprocess.PIPE)
    while child.poll() is None and not any(tmp_path.glob(".copy.*.new/circle/*")):
        time.sleep(0.001)
    child.kill()
    child.communicate()
    assert child.returncode == -9
    assert not (tmp_path / "copy").exists()
    check_round_trip(graft.read(photos), tmp_path / "copy")


def test_a_cleaned_copy_is_what_the_journal_says_and_the_original_stays(photos, tmp_path):
    given = graft.read(photos)
    before = {path: hashlib.sha256(path.read_bytes()).digest() for path in sorted(photos.rglob("*")) if path.is_file()}
    digests = [content_digest(item.read()) for item in given.items]
    keys = keys_of(given, digests)
    decisions = [Decision("drop", keys[:2]), Decision("relabel", keys[2:3], to="a/b")]
    mended = apply(given, digests, decisions).dataset
    again = check_round_trip(mended, tmp_path / "copy")
    assert (len(again), again.labels.count("a/b")) == (34, 1)
    assert {path: hashlib.sha256(path.read_bytes()).digest() for path in before} == before
    assert sorted(path for path in photos.rglob("*") if path.is_file()) == sorted(before)


def test_no_cell_is_a_formula_and_all_come_back(tmp_path):
    hostile = ("=HYPERLINK(1)", "+1 parcel", "-- late", "@me", "'=x", "plain")
    given = Dataset(tuple(map(Text, hostile)), ("=a", "-b", "=a", "-b", "=a", "-b"), modality="text")
    found = export(given, tmp_path / "copy")
    with (tmp_path / "copy" / "data.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@")]
    again = graft.read(found)
    assert [item.text for item in again.items] == list(hostile)
    assert again.labels == given.labels
