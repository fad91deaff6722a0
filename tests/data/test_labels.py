import json
import shutil
from pathlib import Path

import pytest

from graft.errors import TooFewClasses
from graft.reading.notices import warn_of_spellings
from graft.reading.read import SWITCHED_ON, read


def jpeg(number):
    return b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes([number]) * 50


def plant(root, **files):
    for name, number in files.items():
        path = root / f"{name.replace('__', '/')}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg(number))
    return root


def tagged(dataset):
    return {item.name: tags for item, tags in zip(dataset.items, dataset.tags, strict=True)}


CELLS = "text,label\nred square,red | square\ngreen,green\nnothing,\nred again,red||red\n"


def test_cells_of_several_labels(tmp_path):
    (tmp_path / "a.csv").write_text(CELLS)
    dataset = read(tmp_path / "a.csv", multi_label=True)
    assert dataset.tags == (("red", "square"), ("green",), (), ("red",))
    assert dataset.labels == ("red|square", "green", "", "red")
    assert dataset.classes == ("green", "red", "square")
    assert dataset.skipped == dataset.warnings == ()


def test_cells_stay_plain_labels_unless_asked_for(tmp_path):
    (tmp_path / "a.csv").write_text(CELLS)
    dataset = read(tmp_path / "a.csv")
    assert dataset.tags == ()
    assert dataset.labels == ("red | square", "green", "red||red")
    (warning,) = dataset.warnings
    assert warning.startswith("2 labels hold a '|', such as 'red | square'")
    assert "--multi-label" in warning
    rows = [f"text {n},plain" for n in range(30)]
    (tmp_path / "b.csv").write_text("\n".join(["text,label", "one,a|b", *rows]))
    assert read(tmp_path / "b.csv").warnings == ()


def test_lists_switch_it_on(tmp_path):
    lines = [{"text": "a", "label": ["x", "y"]}, {"text": "b", "label": []}, {"text": "c", "label": "z"}]
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (tmp_path / "test.jsonl").write_text(json.dumps({"text": "d", "label": []}))
    dataset = read(tmp_path)
    assert tagged(dataset) == {"a": ("x", "y"), "b": (), "c": ("z",), "d": ()}
    assert dataset.warnings == (SWITCHED_ON,)
    (tmp_path / "one.jsonl").write_text('{"text": "a", "label": ["x"]}\n{"text": "b", "label": ["y"]}\n')
    assert read(tmp_path / "one.jsonl").tags == ()


def test_lists_in_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pyarrow.table({"text": ["a", "b", "c"], "labels": [["x", "y"], [], ["y"]]})
    parquet.write_table(table, tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet").tags == (("x", "y"), (), ("y",))


def test_one_row_for_each_label(tmp_path):
    (tmp_path / "a.csv").write_text("text,label\none,a\ntwo,b\none,b\ntwo,b\none,c\n")
    dataset = read(tmp_path / "a.csv", multi_label=True)
    assert list(zip([item.text for item in dataset.items], dataset.tags, strict=True)) == [
        ("one", ("a", "b", "c")),
        ("two", ("b",)),
        ("two", ("b",)),
    ]
    assert dataset.warnings == ("2 rows and files joined another of the same content with other labels.",)


@pytest.mark.parametrize("as_zip", [False, True])
def test_one_file_in_the_folders_of_several_classes(tmp_path, as_zip):
    plant(tmp_path / "set", sunny__1=1, sunny__2=2, beach__1=1, beach__2=3, beach__deep__4=4, dog__4=4, dog__5=1)
    source: Path | str = tmp_path / "set"
    if as_zip:
        source = shutil.make_archive(str(tmp_path / "a"), "zip", tmp_path / "set")
    dataset = read(source, multi_label=True)
    assert tagged(dataset) == {
        "beach/1.jpg": ("beach", "sunny"),  # the same name and content
        "beach/2.jpg": ("beach",),  # the same name and size as in sunny/
        "beach/deep/4.jpg": ("beach", "dog"),
        "dog/5.jpg": ("dog",),  # the same content under another name
        "sunny/2.jpg": ("sunny",),
    }
    assert dataset.warnings == ("2 rows and files joined another of the same content with other labels.",)
    assert len(read(source)) == 7
    assert read(source).tags == ()


def test_a_link_is_the_same_file(tmp_path):
    plant(tmp_path, sunny__1=1, beach__2=2)
    (tmp_path / "beach/1.jpg").symlink_to(tmp_path / "sunny/1.jpg")
    assert tagged(read(tmp_path, multi_label=True)) == {"beach/1.jpg": ("beach", "sunny"), "beach/2.jpg": ("beach",)}


def test_splits_are_never_joined(tmp_path):
    plant(tmp_path, train__sunny__1=1, train__beach__2=2, test__beach__1=1, test__sunny__1=1)
    dataset = read(tmp_path, multi_label=True)
    assert tagged(dataset) == {
        "test/beach/1.jpg": ("beach", "sunny"), "train/beach/2.jpg": ("beach",), "train/sunny/1.jpg": ("sunny",),
    }  # fmt: skip


def test_test_data_join_with_their_labels(tmp_path):
    (tmp_path / "a.csv").write_text(CELLS)
    (tmp_path / "b.csv").write_text("text,label\nnew,green|red\nnone,\n")
    (tmp_path / "c.jsonl").write_text('{"text": "new", "label": ["x", "y"]}')
    dataset = read(tmp_path / "a.csv", test=tmp_path / "b.csv", multi_label=True)
    assert dataset.tags[-2:] == (("green", "red"), ())
    assert dataset.splits.count("test") == 2
    plain = read(tmp_path / "a.csv", test=tmp_path / "c.jsonl")  # only the test data have several
    assert plain.tags == (("red | square",), ("green",), ("red||red",), ("x", "y"))


def test_labels_are_of_one_spelling(tmp_path):
    (tmp_path / "a.csv").write_text("text,label\none,cafe\u0301|tea\ntwo,caf\u00e9|Tea\n", encoding="utf-8")
    dataset = read(tmp_path / "a.csv", multi_label=True)
    assert dataset.classes == ("Tea", "caf\u00e9", "tea")
    (warning,) = dataset.warnings
    assert "separate classes: Tea (1), tea (1)." in warning
    assert "write Tea for tea in the column 'label'" in warning


def test_spellings_of_one_class_are_told_with_the_remedy():
    (warning,) = warn_of_spellings(["late delivery"] * 3 + ["Late-Delivery", "late_delivery."], "what")
    assert "late delivery (3)" in warning
    assert "write late delivery for Late-Delivery, late_delivery. in the column 'what'" in warning
    assert not [*warn_of_spellings(["C", "C++", "C#", "level-1", "level 1", "-1", "1", "?", "."])]


def test_what_nobody_sees_makes_no_class_of_its_own(tmp_path):
    labels = ["late", "late\u200b", "\ufefflate", "la\u00adte", "late\u00a0", "\u200elate"]
    rows = "".join(f"text {n},{label}\n" for n, label in enumerate(labels))
    (tmp_path / "a.csv").write_text(
        f"te\u200bxt,\u200blabel\n{rows}x,\u0645\u06cc\u200c\u0631\u0648\u062f\n", encoding="utf-8"
    )
    assert read(tmp_path / "a.csv").classes == ("late", "\u0645\u06cc\u200c\u0631\u0648\u062f")


def test_no_labels_at_all(tmp_path):
    (tmp_path / "a.csv").write_text("text,label\none,\ntwo,\n")
    with pytest.raises(TooFewClasses, match="No item has a label"):
        read(tmp_path / "a.csv", multi_label=True)
