import gzip
import io
import json
import tarfile

import pytest

from graft import read
from graft.decoding.packed import unpack
from graft.errors import DataError
from graft.reading.inputs import gather
from graft.reading.manifest import parse_manifest

ROWS = [{"text": "where is it", "label": "late"}, {"text": "money back", "label": "refund"}]
COLUMNS = {key: [row[key] for row in ROWS] for key in ROWS[0]}


@pytest.mark.parametrize(
    "document",
    [
        ROWS,
        {"data": ROWS, "version": 2},
        COLUMNS,
        {key: {str(n): value for n, value in enumerate(cells)} for key, cells in COLUMNS.items()},
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_json_in_the_shapes_that_programs_write(document, indent, tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(document, indent=indent))
    dataset = read(tmp_path / "a.json")
    assert [item.text for item in dataset.items] == COLUMNS["text"]
    assert dataset.labels == ("late", "refund")
    assert [item.text for item in gather([tmp_path / "a.json"], "text")] == COLUMNS["text"]


def test_what_is_no_object_in_a_list_is_skipped():
    manifest = parse_manifest(json.dumps([*ROWS, 3, None]).encode(), "a.json")
    assert len(manifest.rows) == 2
    assert [one.code for one in manifest.skipped] == ["not_json", "not_json"]


@pytest.mark.parametrize("content", [b"[1, 2]", b'{"a": {"b": 1}}\n\n"x"', b"[]", b"{}"])
def test_json_that_is_no_table(content):
    with pytest.raises(DataError) as caught:
        parse_manifest(content, "a.json")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv.gz", "text,label\nwhere is it,late\nmoney back,refund\n"),
        ("a.TSV.GZ", "text\tlabel\nwhere is it\tlate\nmoney back\trefund\n"),
        ("a.jsonl.gz", "\n".join(map(json.dumps, ROWS))),
        ("a.json.gz", json.dumps(ROWS)),
    ],
)
def test_tables_packed_by_gzip(name, text, tmp_path):
    (tmp_path / name).write_bytes(gzip.compress(text.encode()))
    assert read(tmp_path / name).labels == ("late", "refund")
    assert [item.text for item in gather([tmp_path / name], "text")] == COLUMNS["text"]


def test_splits_packed_by_gzip(tmp_path):
    for split in ("train", "test"):
        (tmp_path / f"{split}.csv.gz").write_bytes(gzip.compress(b"text,label\nwhere is it,late\nmoney back,refund\n"))
    assert sorted(read(tmp_path).splits) == ["test", "test", "train", "train"]


def test_json_in_a_folder(pets, tmp_path):
    (tmp_path / "flat").mkdir()
    for split in ("train", "test"):
        (tmp_path / "flat" / f"{split}.json").write_text(json.dumps(ROWS))
    assert sorted(read(tmp_path / "flat").splits) == ["test", "test", "train", "train"]
    (pets / "classes.json").write_text('["cat", "dog"]')  # of another purpose, beside class folders
    assert read(pets).classes == ("cat", "dog")
    for n, photo in enumerate(pets.rglob("*.jpg")):
        (tmp_path / "mixed").mkdir(exist_ok=True)
        (tmp_path / "mixed" / f"{n}.jpg").write_bytes(photo.read_bytes())
    rows = [{"file_name": f"{n}.jpg", "label": "ab"[n % 2]} for n in range(3)]
    (tmp_path / "mixed" / "labels.json").write_text(json.dumps(rows))
    assert read(tmp_path / "mixed").classes == ("a", "b")


def test_what_unpacks_without_end_is_stopped():
    packed = gzip.compress(b"a" * 1_000_000)
    assert len(unpack(packed, "a.gz", 1_000_000)) == 1_000_000
    with pytest.raises(DataError, match=r"a\.gz grows from 0\.0 MB to more than 1 MB"):
        unpack(packed, "a.gz", 999_999)
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack(packed[:-20], "a.gz", 2_000_000)
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack(b"\x1f\x8b\x08\0rubbish", "a.gz", 100)


def test_an_archive_that_is_called_as_a_table():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("x"), io.BytesIO())
    with pytest.raises(DataError, match="tar archive"):
        parse_manifest(buffer.getvalue(), "a.csv.gz")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[{"text": "a", "label": "x"},', "Expecting value: line 1 column 30"),
        ('[\n {"text": "a" "label": "x"}]', "Expecting ',' delimiter: line 2"),
        ("[" * 100_000, "nested too deeply"),
        ('[{"text": "a", "label": ' + "9" * 5000 + "}]", "4300 digits"),
    ],
)
def test_broken_json_is_no_table_of_commas(text, why):
    with pytest.raises(DataError, match=f"a.json cannot be read as JSON: .*{why}"):
        parse_manifest(text.encode(), "a.json")
