import io
import json
import tracemalloc

import pytest

from graft.errors import DataError
from graft.job import Reading
from graft.reading import parquet as limits
from graft.reading.manifest import parse_manifest
from graft.reading.read import read

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def written(columns, **how):
    buffer = io.BytesIO()
    table = columns if isinstance(columns, pyarrow.Table) else pyarrow.table(columns)
    parquet.write_table(table, buffer, **how)
    return buffer.getvalue()


def with_names(columns, feature):
    noted = json.dumps({"info": {"features": {"text": {"_type": "Value"}, "label": feature}}})
    return written(pyarrow.table(columns).replace_schema_metadata({"huggingface": noted}))


NAMES = {"names": ["negative", "positive"], "_type": "ClassLabel"}


def test_class_names_in_the_schema_are_the_labels():
    rows = parse_manifest(with_names({"text": ["a", "b", "c"], "label": [0, 1, -1]}, NAMES), "a.parquet").rows
    assert [(row.item, row.label) for row in rows] == [("a", "negative"), ("b", "positive")]
    for feature in ({"feature": NAMES, "_type": "Sequence"}, [NAMES], {"feature": NAMES, "_type": "List"}):
        content = with_names({"text": ["a", "b"], "label": [[0, 1], [1, 0]]}, feature)
        assert parse_manifest(content, "a.parquet").rows[0].tags == ("negative", "positive")
    with pytest.raises(DataError, match=r"label in row 2 of a\.parquet is 5, and the file names 2 classes"):
        parse_manifest(with_names({"text": ["a", "b"], "label": [0, 5]}, NAMES), "a.parquet")


@pytest.mark.parametrize("noted", [b"{", b"[]", b'{"info": 3}', b'{"info": {"features": {"label": {"names": 4}}}}'])
def test_notes_that_are_none_are_ignored(noted):
    table = pyarrow.table({"text": ["a"], "label": [1]}).replace_schema_metadata({"huggingface": noted})
    assert parse_manifest(written(table), "a.parquet").rows[0].label == "1"


def repeated(value, n):
    return pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * n, pyarrow.int32()), pyarrow.array([value]))


def one_text_again_and_again():
    return written({"text": repeated("x" * 1_000_000, 2000), "label": repeated("a", 2000)}, store_schema=False)


def one_picture_again_and_again():
    pictures = repeated(b"x" * 1_000_000, 100).dictionary_decode()
    cells = pyarrow.StructArray.from_arrays([pictures, pyarrow.array(["p"] * 100)], ["bytes", "path"])
    return written({"image": cells, "label": repeated("a", 100)}, compression="zstd")


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (one_text_again_and_again, "grows beyond 0.1 GB"),
        (one_picture_again_and_again, "grows beyond 0.1 GB"),
        (lambda: written({"text": repeated("x", 6_000_000)}), "6,000,000 rows of 1 columns"),
        (lambda: written({f"c{n}": [1] for n in range(17_000)}), "17,000 columns"),
        (lambda: written({"text": ["a"], "label": [["x"] * 100_000]}), "cell of labels in row 1"),
    ],
)
def test_a_small_file_fills_no_memory(make, what, monkeypatch):
    monkeypatch.setattr(limits, "MAX_UNPACKED", 50_000_000)  # a twentieth, for machines with little memory
    monkeypatch.setattr(limits, "_BATCH_BYTES", 4_000_000)
    content = make()
    tracemalloc.start()
    with pytest.raises(DataError, match=what) as caught:
        parse_manifest(content, "a.parquet")
    assert tracemalloc.get_traced_memory()[1] < 100_000_000
    tracemalloc.stop()
    assert pyarrow.default_memory_pool().max_memory() < 500_000_000  # outside of Python's own
    assert caught.value.hint


def test_columns_of_no_interest_stay_packed():
    content = written({"text": ["a", "b"], "label": ["x", "y"], "other": repeated("z" * 1_000_000, 2)})
    assert len(parse_manifest(content, "a.parquet").rows) == 2
    assert parse_manifest(content, "a.parquet", Reading(item_column="OTHER")).rows[0].item[0] == "z"


def test_columns_of_unusual_names_are_proposed():
    content = written(
        {"nr": list(range(40)), "said": [f"words number {n}" for n in range(40)], "what": ["x", "y"] * 20}
    )
    with pytest.raises(DataError, match="--item-column said --label-column what"):
        parse_manifest(content, "a.parquet")


def test_columns_of_one_name_are_named():
    doubled = pyarrow.Table.from_arrays([["a", "b"], ["x", "y"], ["x", "z"]], names=["text", "label", "label"])
    with pytest.raises(DataError, match=r"a\.parquet has 2 columns called 'label'"):
        parse_manifest(written(doubled), "a.parquet")


def test_pictures_in_a_table_carry_no_extension(pets, tmp_path):
    photos = [(path.read_bytes(), path.parent.name) for path in sorted(pets.rglob("*.jpg"))]
    content, labels = zip(*photos, strict=True)
    (tmp_path / "a.parquet").write_bytes(written({"image": list(content), "label": list(labels)}))
    dataset = read(tmp_path / "a.parquet")
    assert dataset.modality == "image"
    assert dataset.warnings == ()
