"""What is said of the data before the score is believed."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from graft.data.dataset import Dataset
from graft.data.items import Memory
from graft.decoding.decode import decode_picture
from graft.evaluation import warn_of_the_data, warn_of_the_items


def warnings(labels, *, splits=None, groups=None, digests=None, clusters=None):
    n = len(labels)
    splits = splits or [""] * n
    dataset = Dataset(
        tuple(Memory(b"", f"item {row}") for row in range(n)), tuple(labels), tuple(splits), tuple(groups or [""] * n)
    )
    train = np.array([row for row, split in enumerate(splits) if split != "test"])
    classes = sorted({labels[row] for row in train})
    y = np.array([classes.index(labels[row]) for row in train])
    clusters = np.arange(n) if clusters is None else np.array(clusters)
    return warn_of_the_data(dataset, digests or [f"{row}" for row in range(n)], clusters, train, y, classes)


def test_good_data_need_no_words():
    assert warnings(["a"] * 5 + ["b"] * 5) == ()


def test_small_classes_are_named():
    found = warnings(["a"] * 5 + ["b"] * 4 + ["c"])
    assert found == (
        "c: one item only, so the model knows the class but nothing says how well.",
        "b (4): so few items that the score of the class says little.",
    )


def test_many_small_classes_are_counted():
    (found,) = warnings([f"class {c:02}" for c in range(30)])
    assert found.startswith("class 00, class 01")
    assert "and 22 more" in found
    assert "class 08" not in found


def test_one_content_under_two_labels():
    (found,) = warnings(["a"] * 5 + ["b"] * 5, digests=["same", *"123456789"[:4], "same", *"abcd"])
    assert found == "2 items have the same content as an item under another label: item 0 (a) = item 5 (b)."


def test_copies_and_groups_across_a_given_split():
    splits = (["train"] * 5 + ["test"]) * 2
    labels = ["a"] * 6 + ["b"] * 6
    clusters = [0, 1, 2, 3, 4, 0, 6, 7, 8, 9, 10, 6]
    groups = ["dog 1", "", "", "", "", "dog 1", *[""] * 6]
    copies, torn = warnings(labels, splits=splits, clusters=clusters, groups=groups)
    assert copies.startswith("2 of the 2 test items have copies")
    assert torn.startswith("1 group stands in both the training and the test split, with 1 of the 2 test items")
    assert all("flatters" in words and "stands" in words for words in (copies, torn))
    assert warnings(labels, clusters=clusters) == ()  # without a given split, they stand on one side


def test_leaks_are_counted_in_items_and_not_in_clusters():
    """Ten test items that are copies of one, beside one that is not."""
    splits = ["train"] * 10 + ["test"] * 11
    labels = ["a", "b"] * 5 + ["a"] * 10 + ["b"]
    groups = ["dog"] * 3 + [""] * 7 + ["dog"] * 4 + [""] * 7
    copies, torn = warnings(labels, splits=splits, clusters=[*range(10), *[0] * 10, 99], groups=groups)
    assert copies.startswith("10 of the 11 test items have copies or near-copies in the training split")
    assert torn.startswith("1 group stands in both the training and the test split, with 4 of the 11 test items")


def test_copies_within_the_test_split_leak_nothing():
    assert warnings(["a", "b"] * 7, splits=["train"] * 10 + ["test"] * 4, clusters=[*range(10), *[99] * 4]) == ()


def test_items_of_one_content_and_two_labels_are_counted():
    digests = ["same"] * 4 + list("1234") + ["same"] * 2 + list("56")
    (found,) = warnings(["a"] * 6 + ["b"] * 6, digests=digests)
    assert found == "6 items have the same content as an item under another label: item 0 (a) = item 8 (b)."


def test_a_label_that_only_the_test_has():
    (found,) = warnings(["a"] * 5 + ["b"] * 5 + ["a", "b", "c"], splits=["train"] * 10 + ["test"] * 3)
    assert found == "c: only in the test split, so those items count as wrong there."


def test_a_label_that_the_test_lacks():
    (found,) = warnings(["a", "b", "unsup"] * 5 + ["a", "b"], splits=["train"] * 15 + ["test"] * 2)
    assert found.startswith("unsup: nothing of it in the test split, so the test score says nothing of it")
    assert warnings(["a", "b", "unsup"] * 5) == ()


def of_pictures(*images, form="PNG"):
    """What is measured on drawn pictures, half of them of each of two classes."""
    contents = []
    for image in images:
        buffer = io.BytesIO()
        image.save(buffer, form)
        contents.append(buffer.getvalue())
    statistics = [decode_picture(content, 64, 64).statistics for content in contents]
    labels = ["circle" if row % 2 else "square" for row in range(len(images))]
    dataset = Dataset(tuple(Memory(b"", f"{row}.png") for row in range(len(images))), tuple(labels))
    measured = {name: np.array([one[name] for one in statistics]) for name in statistics[0]}
    return warn_of_the_items(dataset, measured)


def on_transparent(colour, row):
    image = Image.new("RGBA", (64, 64), (255, 255, 255, 0))
    ImageDraw.Draw(image).ellipse((8 + row, 8, 40 + row, 40), fill=colour)
    return image


def test_white_on_transparent_is_blank_and_the_reason_is_said():
    (found,) = of_pictures(*(on_transparent("white", row) for row in range(6)))
    assert found.startswith(
        "6 pictures of 2 classes are blank, of one colour throughout, so that nothing tells them apart"
    )
    assert " and 3 more." in found
    assert "transparent parts are shown as white" in found
    assert of_pictures(*(on_transparent("black", row) for row in range(6))) == ()
    assert of_pictures(*(on_transparent("#eeeeee", row) for row in range(6))) == ()


@pytest.mark.parametrize("colour", ["black", "white", "red", "#808080"])
def test_pictures_of_one_colour_are_blank_whatever_it_is(colour):
    (found,) = of_pictures(Image.new("RGB", (64, 64), colour), on_transparent("black", 0), form="PNG")
    assert found.startswith("1 picture is blank, of one colour throughout, so that nothing tells what is on it: ")
    assert "transparent" not in found or colour == "white"


def test_colours_of_the_same_brightness_are_no_blank():
    image = Image.new("RGB", (64, 64), (200, 30, 40))
    image.paste((30, 117, 40), (0, 0, 64, 32))
    assert of_pictures(image, on_transparent("black", 0)) == ()
    image.paste((30, 86, 200), (0, 0, 64, 32))  # as pale as the other half
    assert of_pictures(image, on_transparent("black", 0)) == ()
