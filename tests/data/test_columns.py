import json

import pytest

from graft import read
from graft.errors import DataError, MissingColumn
from graft.job import Reading
from graft.reading.columns import propose
from graft.reading.manifest import parse_manifest, parse_texts

TEXTS = [f"the parcel number {n} has not come yet" for n in range(20)]


def table(*columns):
    names = [name for name, _ in columns]
    return "\n".join(",".join(map(str, row)) for row in (names, *zip(*(cells for _, cells in columns), strict=True)))


def parse(*columns, **how):
    return parse_manifest(table(*columns).encode(), "a.csv", **how)


@pytest.mark.parametrize("item", ["utterance", "Anfrage", "review", "message", "tweet"])
@pytest.mark.parametrize("label", ["class", "intent", "Kategorie", "topic", "sentiment"])
def test_usual_names_are_known(item, label):
    manifest = parse((item, TEXTS), (label, ["x", "y"] * 10))
    assert (manifest.columns.item, manifest.columns.label) == (item, label)
    assert manifest.holds_texts


def test_both_columns_are_named_and_proposed_by_what_they_hold():
    with pytest.raises(MissingColumn) as caught:
        parse(("nr", range(20)), ("price", [n / 7 for n in range(20)]), ("said", TEXTS), ("what", ["x", "y"] * 10))
    assert caught.value.proposal == {"item_column": "said", "label_column": "what"}
    assert "no column of items called" in caught.value.message
    assert "no column of labels called" in caught.value.message
    assert "--item-column said --label-column what" in caught.value.hint
    with pytest.raises(MissingColumn) as caught:
        parse(("text", TEXTS), ("what is it", ["x", "y"] * 10))
    assert caught.value.proposal == {"label_column": "what is it"}
    assert "--label-column 'what is it'" in caught.value.hint


def test_names_of_files_are_items_and_numbers_are_labels_only_where_nothing_else_is():
    rows = [{"where": f"{n}.jpg", "why": "a rather long remark", "kind": n % 2} for n in range(20)]
    assert propose(["where", "why", "kind"], rows) == ("where", "kind")
    assert propose(["n"], [{"n": n} for n in range(20)]) == (None, None)
    assert propose([], []) == (None, None)


@pytest.mark.parametrize("above", ["Export of 2024,\n", "Export of 2024,\n,\nby hand,\n"])
def test_a_title_above_the_header_is_told_so(above):
    table = above + "text,label\n" + "".join(f"{text},{'late' if n % 2 else 'money'}\n" for n, text in enumerate(TEXTS))
    with pytest.raises(MissingColumn, match=r"no header: it is 'Export of 2024'.*below it: 'text', 'label'") as caught:
        parse_manifest(table.encode(), "a.csv")
    assert caught.value.hint == "Delete what stands above the line that names the columns."


@pytest.mark.parametrize("first", ["go and look for it " * 100 + ",late", "a.jpg,cat", "where is it,late"])
def test_a_table_without_a_header_is_told_so(first):
    rows = "\n".join([first, *(f"{text},late" for text in TEXTS)])
    with pytest.raises(MissingColumn, match=r"a\.csv has no header row.*Add a first line .*: text,label") as caught:
        parse_manifest(rows.encode(), "a.csv")
    assert len(str(caught.value)) < 400
    with pytest.raises(MissingColumn, match=r"such as: text$"):
        parse_texts(b"a line that is far longer than any name of a column would ever be, surely\nanother\n", "a.csv")


def test_what_was_remembered_counts_where_it_is_there():
    content = table(("text", TEXTS), ("said", TEXTS[::-1]), ("label", ["x"] * 20), ("what", ["y"] * 20)).encode()
    columns = {"item_column": "said", "label_column": "what"}
    assert parse_manifest(content, "a.csv", Reading(remembered=columns)).columns.to_dict() == columns
    assert parse_texts(content, "a.csv", Reading(remembered=columns)).columns.item == "said"
    usual = {"item_column": "gone", "label_column": "too"}
    assert parse_manifest(content, "a.csv", Reading(remembered=usual)).columns.item == "text"
    assert parse_manifest(content, "a.csv", Reading(item_column="text", remembered=columns)).columns.item == "text"


@pytest.mark.parametrize(
    ("name", "cells", "splits"),
    [
        ("is_valid", ["False", "True"], ["train", "val"]),
        ("is_valid", ["0", "1"], ["train", "val"]),
        ("is_test", ["no", "yes"], ["train", "test"]),
        ("is_train", ["true", "false"], ["train", "test"]),
        ("Subset", ["Training", "Testing"], ["training", "testing"]),
        ("Usage", ["Training", "PrivateTest"], ["training", "test"]),
        ("set", ["trn", "tst"], ["train", "test"]),
    ],
)
def test_splits_under_other_names(name, cells, splits, tmp_path):
    manifest = parse(("text", TEXTS), ("label", ["x", "y"] * 10), (name, [cells[n // 10] for n in range(20)]))
    meant = {"training": "train", "testing": "test"}
    expected = [meant.get(split, split) for split in splits]
    assert [manifest.rows[0].split, manifest.rows[-1].split] == expected
    assert f"The column {name!r} of a.csv was read as the split: train 10" in manifest.warnings[0]


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("is_valid", ["True"] * 20),
        ("set", ["blue", "train", "test", "train"] * 5),
        ("fold", list(range(20))),
        ("is_test", ["?"] * 20),
    ],
)
def test_what_names_no_split_is_none(name, cells):
    manifest = parse(("text", TEXTS), ("label", ["x", "y"] * 10), (name, cells))
    assert {row.split for row in manifest.rows} == {""}
    assert manifest.warnings == ()


def test_labels_that_are_measurements_or_ids_are_warned_of(tmp_path):
    assert "20 different numbers, as if measured" in parse(("text", TEXTS), ("label", range(20))).warnings[0]
    ids = parse(("text", TEXTS), ("label", [f"id{n}" for n in range(20)])).warnings[0]
    assert "20 different ids" in ids
    assert "--label-column" in ids
    assert parse(("text", TEXTS), ("label", [0, 1] * 10)).warnings == ()
    named = parse(("text", TEXTS), ("label", [0, 1] * 10), ("label_text", ["no", "yes"] * 10)).warnings[0]
    assert "--label-column label_text" in named


def lines(*labels):
    rows = ({"text": text, "label": label} for text, label in zip(TEXTS, labels, strict=False))
    return "\n".join(map(json.dumps, rows)).encode()


def test_numbers_are_one_label_however_they_are_written():
    rows = parse_manifest(lines(0, 0.0, 1, 1.0, False, 2.5, "0"), "a.jsonl").rows
    assert [row.label for row in rows] == ["0", "0", "1", "1", "False", "2.5", "0"]


def test_labels_that_are_objects_or_rows_of_0_and_1_are_refused():
    with pytest.raises(DataError, match=r"label in row 1 of a\.jsonl is an object with the keys 'id'.*as a text"):
        parse_manifest(lines({"id": 3}), "a.jsonl")
    with pytest.raises(DataError, match="an object with the keys 'id'"):
        parse_manifest(lines([{"id": 3}], "x"), "a.jsonl")
    with pytest.raises(DataError, match=r"rows of 3 numbers 0 and 1.*\[1, 0, 0\].*Write the names"):
        parse_manifest(lines([1, 0, 0], [0, 1, 0], [0, 0, 0]), "a.jsonl")
    rows = parse_manifest(lines([1, 0], [1], [0, 1]), "a.jsonl").rows  # of several lengths: numbers of classes
    assert [row.label for row in rows] == ["1|0", "1", "0|1"]


def test_a_data_set_knows_its_columns(tmp_path):
    (tmp_path / "a.csv").write_text(table(("said", TEXTS), ("what", ["x", "y"] * 10)))
    columns = {"item_column": "said", "label_column": "what"}
    assert read(tmp_path / "a.csv", **columns).columns == columns
    assert read(tmp_path / "a.csv", remembered=columns).columns == columns


def test_a_data_frame_has_columns_too():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"said": TEXTS, "what": ["x", "y"] * 10})
    dataset = read(frame, item_column="said", label_column="what")
    assert dataset.columns == {"item_column": "said", "label_column": "what"}
