"""What stands in Python lists, arrays and frames is cleaned and refused as what stands in files."""

import enum
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graft.data.dataset import Broken, Dataset, Text
from graft.data.lists import as_iterable, is_missing, named
from graft.errors import DataError, ItemError, MissingColumn, NothingToRead, TooFewClasses, UsageError
from graft.reading.collection import read_collection
from graft.reading.read import read

pd = pytest.importorskip("pandas")

TEXTS = [f"this is text number {i}" for i in range(6)]
LABELS = ["late", "money"] * 3
GREY = np.zeros((8, 8, 3), np.uint8)
NOTHING = [None, float("nan"), np.float32("nan"), pd.NA, pd.NaT, "", "  ", "\t"]


@pytest.mark.parametrize("nothing", NOTHING, ids=repr)
def test_an_item_without_a_label_is_skipped(nothing):
    dataset = Dataset.from_lists(TEXTS, ["late", nothing, *LABELS[2:]], groups="abcdef", splits=["train"] * 6)
    assert dataset.classes == ("late", "money")
    assert [item.text for item in dataset.items] == [TEXTS[0], *TEXTS[2:]]
    assert dataset.groups == ("a", "c", "d", "e", "f")
    assert [(one.path, one.code) for one in dataset.skipped] == [(TEXTS[1], "no_label")]


@pytest.mark.parametrize("nothing", NOTHING, ids=repr)
def test_an_item_without_a_group_is_in_none(nothing):
    dataset = Dataset.from_lists(TEXTS, LABELS, groups=["ann", nothing, nothing, "bob ", "ann", 3])
    assert dataset.groups == ("ann", "", "", "bob", "ann", "3")


def test_no_labels_at_all_are_an_error():
    with pytest.raises(DataError, match="None of the 6 items has a label"):
        Dataset.from_lists(TEXTS, [None] * 6)


def test_labels_are_cleaned_as_those_of_files():
    given = ["caf\u00e9", "cafe\u0301", " caf\u00e9", "tea", "tea\n", "tea "]
    assert Dataset.from_lists(TEXTS, given).classes == ("caf\u00e9", "tea")
    assert Dataset.from_lists(TEXTS, [[given[0], given[1]], ["tea "], [None, "tea"], [], None, "tea"]).tags == (
        ("caf\u00e9",), ("tea",), ("tea",), (), (), ("tea",)
    )  # fmt: skip


class Pet(str, enum.Enum):  # noqa: UP042 - as ``StrEnum``, but its ``str()`` is ``Pet.CAT``
    CAT = "cat"


class Rank(enum.IntEnum):
    FIRST = 1


@pytest.mark.parametrize(
    ("value", "name"),
    [(3, "3"), (3.0, "3"), (np.float64(3), "3"), (3.5, "3.5"), (True, "True"), (b"ab", "ab"), (np.str_(" a"), "a"),
     (Pet.CAT, "cat"), (Rank.FIRST, "1")],
)  # fmt: skip
def test_labels_of_other_types_are_named(value, name):
    assert named(value) == name


def test_numbers_with_gaps_are_the_numbers_that_were_meant():
    column = pd.Series([0, 1, None, 0, 1, 1])  # pandas makes floats of them
    assert Dataset.from_lists(TEXTS, column, groups=column).classes == ("0", "1")
    assert Dataset.from_lists(TEXTS, column, groups=column).groups == ("0", "1", "0", "1", "1")


def test_what_is_missing():
    assert all(map(is_missing, [None, float("nan"), pd.NA, pd.NaT, np.datetime64("NaT"), Decimal("nan")]))
    assert not any(map(is_missing, ["", 0, False, "nan", np.zeros(3), [None], GREY]))


ROWS = [[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 0], [0, 0, 1], [1, 0, 1]]


@pytest.mark.parametrize(
    "rows",
    [
        ROWS,
        list(map(tuple, ROWS)),
        np.array(ROWS),
        np.array(ROWS, bool),
        np.array(ROWS, float),
        list(np.array(ROWS)),
        [[row[0]] for row in ROWS],
        pd.Series(ROWS),
    ],
    ids=["lists", "tuples", "array", "bools", "floats", "arrays", "one wide", "series"],
)
def test_rows_of_0_and_1_want_names(rows):
    with pytest.raises(DataError, match="rows of 0 and 1") as refused:
        Dataset.from_lists(TEXTS, rows)
    assert "for name, on in zip(names, row)" in refused.value.hint


def test_what_only_resembles_rows_of_0_and_1_is_read():
    assert Dataset.from_lists(TEXTS, [["0"], ["1"], ["0", "1"], [], ["1"], ["0"]]).classes == ("0", "1")
    assert Dataset.from_lists(TEXTS, [[0, 1], [1], [0], [], [1], [2]]).classes == ("0", "1", "2")
    assert Dataset.from_lists(TEXTS, np.array([[1], [0], [1], [0], [1], [0]])).classes == ("0", "1")  # one column
    assert Dataset.from_lists(TEXTS, np.array([["a", "b"]] * 6)).tags[0] == ("a", "b")


def test_a_frame_of_0_and_1_names_the_labels_itself():
    frame = pd.DataFrame(ROWS, columns=["red", "blue", "green"])
    dataset = Dataset.from_lists(TEXTS, frame)
    assert dataset.tags == (("red",), ("blue",), ("blue", "red"), (), ("green",), ("green", "red"))
    with pytest.raises(DataError, match=r"One column of labels was meant.*'red' holds 7"):
        Dataset.from_lists(TEXTS, frame.assign(red=7))


def test_other_labels_that_are_none():
    with pytest.raises(DataError, match=r"array of shape \(6, 2\)"):
        Dataset.from_lists(TEXTS, np.arange(12).reshape(6, 2))
    with pytest.raises(DataError, match=r"item 1 is an object with the keys 'name'"):
        Dataset.from_lists(TEXTS, ["a", {"name": "b"}, *"abab"])


@pytest.mark.parametrize(
    "bad", [None, float("nan"), pd.NA, 3, ["x"], {"a": 1}, object()], ids=lambda bad: type(bad).__name__
)
def test_one_bad_item_does_not_lose_the_others(bad):
    dataset = Dataset.from_lists([*TEXTS, bad], [*LABELS, "late"])
    assert len(dataset) == 7
    assert isinstance(dataset.items[6], Broken)
    with pytest.raises(ItemError, match="Item 6"):
        dataset.items[6].read()


def test_a_bad_picture_among_good_ones():
    dataset = Dataset.from_lists([GREY, np.full((4, 4), 7.5), Image.fromarray(GREY), np.zeros((0, 3))], "abab")
    assert [isinstance(item, Broken) for item in dataset.items] == [False, True, False, True]
    assert dataset.modality == "image"


@pytest.mark.parametrize("path", ["a\0b.png", "\ud800.png"])
def test_what_cannot_be_a_path_is_a_bad_item(path):
    dataset = Dataset.from_lists([Path(path), GREY, GREY], "aba")
    assert dataset.modality == "image"
    with pytest.raises(ItemError, match="no path"):
        dataset.items[0].read()


@pytest.mark.parametrize(
    "one",
    ["a text", Path("a.png"), b"bytes", GREY, GREY[:, :, 0], Image.fromarray(GREY), (np.zeros(800), 8000), Text("a")],
    ids=lambda one: type(one).__name__,
)
def test_one_item_is_no_list(one):
    with pytest.raises(UsageError, match="list of items is wanted, and this is one"):
        Dataset.from_lists(one, ["a"])
    with pytest.raises(UsageError, match="list of items"):
        as_iterable(one)


@pytest.mark.parametrize("given", [None, 3, {"a": 1}])
def test_what_has_no_items_is_no_list(given):
    with pytest.raises(UsageError, match="list of items is wanted, and this is of type"):
        as_iterable(given)


def test_lists_of_many_kinds():
    stack = np.zeros((5, 8, 8, 3), np.uint8)
    assert len(list(as_iterable(stack, "image"))) == 5
    assert as_iterable(iter("ab"))
    assert list(as_iterable(pd.DataFrame({"text": TEXTS}))) == TEXTS
    assert list(as_iterable(Dataset.from_lists(TEXTS, LABELS))) == list(map(Text, TEXTS))
    with pytest.raises(DataError, match=r"Choose one: frame\['a'\]|One column was meant") as refused:
        as_iterable(pd.DataFrame({"a": TEXTS, "b": TEXTS}))
    assert refused.value.hint == "Choose one: frame['a']."


def test_a_frame_is_read_by_its_columns():
    frame = pd.DataFrame({"Text": TEXTS, "label": [*LABELS[:5], None], "group": [1, 1, None, 2, 2, 2]})
    dataset = read(frame)
    assert dataset.modality == "text"
    assert dataset.labels == tuple(LABELS[:5])
    assert dataset.groups == read(frame, group_column="").groups == ("1", "1", "", "2", "2")
    assert dataset.skipped[0].code == "no_label"
    other = frame.rename(columns={"Text": "wording", "label": "kind"}).assign(split=["train"] * 4 + ["test", None])
    assert read(other, item_column="wording", label_column="kind").splits == (*["train"] * 4, "test")
    with pytest.raises(MissingColumn, match=r"no column of items .*'wording', 'kind'") as refused:
        read(other)
    assert "item_column" in refused.value.hint
    with pytest.raises(TooFewClasses):
        read(frame.assign(label="one"))


@pytest.mark.parametrize("source", [["a", "b"], None, 3, np.zeros((2, 2))], ids=repr)
def test_what_is_no_source_says_how_lists_are_given(source):
    with pytest.raises(UsageError, match="path, a data frame or a Dataset") as refused:
        read(source)
    assert "graft.fit(items, labels)" in refused.value.hint


def test_a_collection_needs_no_labels():
    assert read_collection(TEXTS).labels == ("",) * 6
    with pytest.raises(NothingToRead):
        read_collection([])
