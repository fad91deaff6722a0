import contextlib
import json
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graft.errors import DataError, MissingColumn, MissingExtra
from graft.job import Reading
from graft.reading.delimited import MAX_CELL
from graft.reading.manifest import parse_manifest, parse_texts

ROWS = [("bild ä.jpg", "Tür"), ("two, three.jpg", "Fenster, groß"), ("c.jpg", "Tür")]


def as_csv(delimiter=",", header=("path", "label"), rows=ROWS):
    def quote(cell):
        return f'"{cell}"' if delimiter in cell else cell

    return "\n".join(delimiter.join(map(quote, row)) for row in (header, *rows)) + "\n"


def pairs(manifest):
    return [(row.item, row.label) for row in manifest.rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_delimiters_and_newlines_are_found_out(encoding, delimiter, newline):
    content = as_csv(delimiter).replace("\n", newline).encode(encoding)
    assert pairs(parse_manifest(content, "a.csv")) == ROWS


def test_excels_own_first_line():
    assert pairs(parse_manifest(("sep=;\r\n" + as_csv(";")).encode(), "a.csv")) == ROWS


def test_a_delimiter_in_the_labels_does_not_win():
    rows = [(f"{n}.jpg", "a;b;c;d") for n in range(5)]
    assert pairs(parse_manifest(as_csv(",", rows=rows).encode(), "a.csv")) == rows


@pytest.mark.parametrize("item", ["path", "file_name", "audio", "text", "sentence", "Path", " FILE_NAME "])
@pytest.mark.parametrize("label", ["label", "target", "category", "LABEL"])
def test_column_names(item, label):
    manifest = parse_manifest(as_csv(header=(item, label)).encode(), "a.csv")
    assert pairs(manifest) == ROWS
    assert manifest.holds_texts == (item in ("text", "sentence"))


def test_columns_asked_for_by_name():
    content = b"id,label,breed,picture\n1,no,pug,a.jpg\n2,no,collie,b.jpg\n"
    manifest = parse_manifest(content, "a.csv", Reading(label_column="Breed", item_column="picture"))
    assert pairs(manifest) == [("a.jpg", "pug"), ("b.jpg", "collie")]


def test_split_and_group():
    content = b"path,label,Split,group\na.jpg,x,Train,p1\nb.jpg,y,TEST,\nc.jpg,x,,p2\n"
    rows = parse_manifest(content, "a.csv").rows
    assert [(row.split, row.group) for row in rows] == [("train", "p1"), ("test", ""), ("", "p2")]


def test_a_missing_column_is_named_with_those_that_are_there():
    with pytest.raises(MissingColumn, match=r"labels.*'path', 'breed'.*--label-column"):
        parse_manifest(b"path,breed\na.jpg,pug\n", "a.csv")
    with pytest.raises(MissingColumn, match=r"'colour'.*'path', 'breed'"):
        parse_manifest(b"path,breed\na.jpg,pug\n", "a.csv", Reading(label_column="colour"))
    with pytest.raises(MissingColumn, match=r"items called any of path, .*; .*'thing', 'label'.*--item-column thing"):
        parse_manifest(b"thing,label\na.jpg,pug\n", "a.csv")
    with pytest.raises(MissingColumn, match="none"):
        parse_manifest(b"", "a.csv")


def test_rows_without_item_or_label_are_skipped_and_named():
    manifest = parse_manifest(b"path,label\na.jpg, cat \nb.jpg,  \n,dog\nc.jpg\n\nd.jpg,dog\n", "a.csv")
    assert pairs(manifest) == [("a.jpg", "cat"), ("d.jpg", "dog")]
    assert [(one.path, one.code) for one in manifest.skipped] == [
        ("b.jpg", "no_label"),
        ("a.csv, row 4", "no_item"),
        ("c.jpg", "no_label"),
    ]


def test_line_breaks_and_quotes_inside_cells():
    content = b'text,label\n"two\nlines, ""quoted""",a\nplain,b\n'
    assert pairs(parse_manifest(content, "a.csv")) == [('two\nlines, "quoted"', "a"), ("plain", "b")]


def test_json_lines():
    lines = [
        json.dumps({"path": "a.jpg", "label": 3}),
        "",
        "{broken",
        '["no object"]',
        '{"label": null, "path": "b.jpg"}',
    ]
    lines += ['{"label": ["one"], "path": "c.jpg", "split": "val"}', '{"path": "d.jpg", "label": NaN}']
    manifest = parse_manifest("\n".join(lines).encode(), "a.jsonl")
    assert [(row.number, row.item, row.label, row.split) for row in manifest.rows] == [
        (1, "a.jpg", "3", ""),
        (6, "c.jpg", "one", "val"),
    ]
    assert [one.code for one in manifest.skipped] == ["not_json", "not_json", "no_label", "no_label"]


def test_json_that_is_no_json_lines():
    with pytest.raises(DataError, match=r"No line of a\.jsonl is a JSON object; the first is line 2\. "):
        parse_manifest(b"\n{broken\n{too\n", "a.jsonl")
    for content in (b"[1, 2]", b'{"path": 3}', b"[]"):
        with pytest.raises(DataError, match=r"Write a list of objects, or one object a line|no column of labels"):
            parse_manifest(content, "a.json")
    assert pairs(parse_manifest(b"[path],path,label\n1,a.jpg,cat\n", "a.csv")) == [("a.jpg", "cat")]


def test_lists_of_several_labels_make_a_manifest_multi_label():
    lines = [
        {"path": "a.jpg", "label": ["x", " y "]},
        {"path": "b.jpg", "label": []},
        {"path": "c.jpg", "label": None},
        {"path": "d.jpg"},
        {"path": "e.jpg", "label": "x"},
    ]
    manifest = parse_manifest("\n".join(map(json.dumps, lines)).encode(), "a.jsonl")
    assert [(row.item, row.label, row.tags) for row in manifest.rows] == [
        ("a.jpg", "x|y", ("x", "y")),
        ("b.jpg", "", ()),
        ("c.jpg", "", None),
        ("e.jpg", "x", None),
    ]
    assert [(one.path, one.code) for one in manifest.skipped] == [("d.jpg", "no_label")]  # nobody said it has none


def test_empty_labels_are_legitimate_where_several_were_asked_for():
    content = b"path,label\na.jpg,x|y\nb.jpg,\n,x\nc.jpg\n"
    manifest = parse_manifest(content, "a.csv", Reading(multi_label=True))
    assert pairs(manifest) == [("a.jpg", "x|y"), ("b.jpg", "")]
    assert [one.code for one in manifest.skipped] == ["no_item", "no_label"]


def test_a_column_of_groups_by_name():
    content = b"path,label,Speaker,group\na.wav,x,s1,g\nb.wav,y,,g\n"
    rows = parse_manifest(content, "a.csv", Reading(group_column="speaker")).rows
    assert [row.group for row in rows] == ["s1", ""]
    with pytest.raises(MissingColumn, match=r"groups called 'patient'.*--group-column"):
        parse_manifest(content, "a.csv", Reading(group_column="patient"))


def test_the_modality_decides_between_paths_and_texts():
    content = b"path,sentence,label\na.wav,hello there,x\n"
    assert parse_manifest(content, "a.csv").columns.item == "path"
    assert parse_manifest(content, "a.csv").text_column == "sentence"
    assert parse_manifest(content, "a.csv", Reading(modality="text")).rows[0].item == "hello there"
    assert parse_manifest(content, "a.csv", Reading(modality="audio")).rows[0].item == "a.wav"


def test_texts_stay_as_they_stand():
    content = b'text,label\n"  two\n  lines ",a\n" ",b\n'
    manifest = parse_manifest(content, "a.csv")
    assert pairs(manifest) == [("  two\n  lines ", "a")]
    assert [one.code for one in manifest.skipped] == ["no_item"]


def test_quotes_in_tab_separated_text_may_mean_nothing():
    content = b'text\tlabel\n"Hello" he said\ta\n"never closed\tb\nfine\ta\n"quoted\tb\n'
    assert [row.item for row in parse_manifest(content, "a.tsv").rows] == [
        '"Hello" he said', '"never closed', "fine", '"quoted',
    ]  # fmt: skip
    quoted = b'text\tlabel\n"two\nlines"\ta\n"a ""b"""\tb\n'
    assert [row.item for row in parse_manifest(quoted, "a.tsv").rows] == ["two\nlines", 'a "b"']


def test_large_cells():
    text = "word " * 3_000_000
    assert parse_manifest(f"text,label\n{text},a\n".encode(), "a.csv").rows[0].item == text
    with pytest.raises(DataError, match=r"line 2.*field limit"):
        parse_manifest(b"text,label\n" + b"x" * (MAX_CELL + 1) + b",a\n", "a.csv")


def test_texts_without_labels():
    manifest = parse_texts(b"id,text\n1,hello\n2,\n", "a.csv")
    assert [(row.number, row.item) for row in manifest.rows] == [(2, "hello"), (3, "")]
    assert parse_texts(b"id,words\n1,hello\n", "a.csv", Reading(item_column="Words")).rows[0].item == "hello"
    with pytest.raises(MissingColumn, match=r"texts called any of text, sentence.*'id', 'words'.*--item-column words"):
        parse_texts(b"id,words\n1,hello\n", "a.csv")


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pyarrow.table({"file_name": ["a.jpg", "b.jpg", None], "label": [0, 1, 1], "group": ["g", None, None]})
    parquet.write_table(table, tmp_path / "a.parquet")
    manifest = parse_manifest((tmp_path / "a.parquet").read_bytes(), "a.parquet")
    assert [(row.item, row.label, row.group) for row in manifest.rows] == [("a.jpg", "0", "g"), ("b.jpg", "1", "")]
    assert len(manifest.skipped) == 1
    with pytest.raises(DataError, match="Parquet"):
        parse_manifest(b"PAR1 and no more", "a.parquet")


def test_parquet_without_pyarrow_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"graft-learn\[parquet\]"):
        parse_manifest(b"PAR1....PAR1", "a.parquet")


@pytest.mark.parametrize("content", [b"\0" * 100, bytes(range(256)), b"{" * 50_000, b"\xff\xfe", b"\n\n"])
def test_rubbish_is_an_error_in_words(content):
    with pytest.raises(DataError) as caught:
        parse_manifest(content, "a.csv")
    assert caught.value.message
    assert caught.value.hint


def test_a_quote_that_is_never_closed_loses_no_row():
    manifest = parse_manifest(b'path,label\na.jpg,cat\n"b.jpg,dog\nc.jpg,cat\n', "a.csv")
    assert pairs(manifest) == [("a.jpg", "cat"), ('"b.jpg', "dog"), ("c.jpg", "cat")]
    assert "line 3" in manifest.warnings[0]


@settings(max_examples=150)
@given(st.binary(max_size=300), st.sampled_from([b"", b"path,label\n", b'{"path": "a", "label": "b"}\n', b"PAR1"]))
def test_any_bytes_are_a_manifest_or_an_error_in_words(content, start):
    with contextlib.suppress(DataError):
        manifest = parse_manifest(start + content, "a.csv")
        assert all(row.item and row.label for row in manifest.rows)
