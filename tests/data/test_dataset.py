from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graft.data.dataset import Dataset, File, Memory, Text, negative_classes
from graft.errors import DataError, MixedModalities, NothingToRead, UsageError

WAV = b"RIFF\x24\0\0\0WAVEfmt " + bytes(100)
GREY = np.zeros((8, 8, 3), np.uint8)


@pytest.fixture
def several():
    return Dataset(
        items=tuple(map(Text, "abcd")), labels=(), tags=(("y", "x"), (), ("x", "x"), ("z",)), modality="text"
    )


def test_tags(several):
    assert several.tags == (("x", "y"), (), ("x",), ("z",))
    assert several.labels == ("x|y", "", "x", "z")
    assert several.classes == ("x", "y", "z")
    assert several.indicator.tolist() == [[1, 1, 0], [0, 0, 0], [1, 0, 0], [0, 0, 1]]
    assert several.indicator.dtype == np.bool_
    assert repr(several) == "Dataset('model', 4 text items, 3 classes, {x: 2, y: 1, z: 1})"
    with pytest.raises(DataError, match="no one class"):
        _ = several.y


def test_a_selection_keeps_the_tags(several):
    chosen = several.select([3, 0, 1])
    assert chosen.tags == (("z",), ("x", "y"), ())
    assert chosen.labels == ("z", "x|y", "")
    assert several.select(np.array([1, 1])).indicator.shape == (2, 0)


def test_data_that_are_joined_are_multi_label_where_one_is_and_split_where_one_is(several):
    one = Dataset((Text("e"), Text("f")), ("x", "y"), ("test", ""), ("g", ""), modality="text", warnings=("so",))
    joined = several.joined(one)
    assert [item.name for item in joined.items] == list("abcdef")
    assert joined.tags == (*several.tags, ("x",), ("y",))
    assert joined.splits == ("train",) * 4 + ("test", "train")
    assert joined.groups == ("",) * 4 + ("g", "")
    assert joined.joined(one).warnings == ("so",)
    assert several.joined(several).splits == ("",) * 8


def test_the_fingerprint_counts_the_tags(several):
    digests = ["1", "2", "3", "4"]
    other = Dataset(several.items, (), tags=(("x",), (), ("x",), ("z",)))
    assert several.fingerprint(digests) != other.fingerprint(digests)
    assert several.select([1, 0, 2, 3]).fingerprint(["2", "1", "3", "4"]) == several.fingerprint(digests)


def test_one_label_each():
    dataset = Dataset(tuple(map(Text, "abc")), ("x", "y", "x"))
    assert dataset.indicator.tolist() == [[1, 0], [0, 1], [1, 0]]
    assert dataset.tags == ()
    assert dataset.with_tags().tags == (("x",), ("y",), ("x",))
    with pytest.raises(DataError, match="3 items, 2 labels"):
        Dataset(dataset.items, (), tags=(("x",), ("y",)))


def test_lists_of_texts():
    dataset = Dataset.from_lists(["hello there", "Goodbye!", "bye", "3/4 of it"], ["hi", "bye", "bye", 3])
    assert dataset.modality == "text"
    assert dataset.items[2] == Text("bye")
    assert dataset.labels == ("hi", "bye", "bye", "3")
    assert Dataset.from_lists(np.array(["hello", "bye"]), ["a", "b"]).modality == "text"


def test_lists_of_paths_are_what_the_files_are(tmp_path):
    for name, content in (("a.wav", WAV), ("b.wav", WAV), ("a.txt", b"hello"), ("b.txt", b"bye")):
        (tmp_path / name).write_bytes(content)
    Image.fromarray(GREY).save(tmp_path / "a.png")
    sounds = [str(tmp_path / "a.wav"), str(tmp_path / "b.wav")]
    dataset = Dataset.from_lists(sounds, ["x", "y"])
    assert dataset.modality == "audio"
    assert dataset.items == tuple(File(Path(path), path) for path in sounds)
    texts = [str(tmp_path / "a.txt"), tmp_path / "b.txt"]
    assert Dataset.from_lists(texts, ["x", "y"]).items[0].read() == b"hello"
    assert Dataset.from_lists(texts, ["x", "y"]).modality == "text"
    assert Dataset.from_lists(texts, ["x", "y"], modality="text").items[0] == Text(texts[0])  # asked for: a str is one
    assert Dataset.from_lists([tmp_path / "a.png"] * 2, ["x", "y"]).modality == "image"
    assert Dataset.from_lists(["gone/a.wav", "gone/b.wav"], ["x", "y"]).modality == "audio"
    assert Dataset.from_lists(["gone/a.jpg", "b.jpg"], ["x", "y"]).modality == "image"


def test_lists_of_arrays_and_bytes():
    pytest.importorskip("soundfile")
    pictures = [GREY, Image.fromarray(GREY), GREY[:, :, 0]]
    assert Dataset.from_lists(iter(pictures), "abc").modality == "image"
    assert Dataset.from_lists([(np.zeros(800), 8000)] * 2, "ab").modality == "audio"
    assert Dataset.from_lists([WAV, WAV], "ab").modality == "audio"
    assert Dataset.from_lists([b"hello", b"bye"], "ab").items[1] == Memory(b"bye", "item 1")
    assert Dataset.from_lists([b"hello", b"bye"], "ab").modality == "text"


def test_a_mix_is_refused_with_counts(tmp_path):
    with pytest.raises(MixedModalities, match=r"3 pictures and 2 texts\. .*modality='image'"):
        Dataset.from_lists([GREY, "hello there", GREY, "good bye", GREY], "abcde")
    (tmp_path / "a.wav").write_bytes(WAV)
    mixed = [GREY] * 70 + [tmp_path / "a.wav"] * 30
    with pytest.raises(MixedModalities, match="70 pictures and 30 recordings"):
        Dataset.from_lists(mixed, ["x"] * 100)
    assert Dataset.from_lists([GREY] * 99 + [tmp_path / "a.wav"], ["x"] * 100).modality == "image"
    assert Dataset.from_lists([GREY, GREY, b"rubbish"], "abc").modality == "image"
    assert Dataset.from_lists([b"hello"] * 9, ["x"] * 9, modality="image").modality == "image"
    with pytest.raises(DataError, match=r"Item 0 .*ndarray.*a text"):
        Dataset.from_lists([GREY, GREY], "ab", modality="text")


def test_lists_that_make_no_data_set():
    with pytest.raises(NothingToRead):
        Dataset.from_lists([], [])
    with pytest.raises(UsageError, match="'video'"):
        Dataset.from_lists(["a"], ["b"], modality="video")
    with pytest.raises(DataError, match="Item 0 is missing: it is None"):
        Dataset.from_lists([None, None], "ab")


def test_lists_of_labels_are_multi_label():
    dataset = Dataset.from_lists(["one", "two", "three", "four"], [["b", "a"], (), "a", {"c"}], groups=[1, 1, 2, 2])
    assert dataset.tags == (("a", "b"), (), ("a",), ("c",))
    assert dataset.groups == ("1", "1", "2", "2")
    assert Dataset.from_lists(["one", "two"], ["a|b", "c"]).tags == ()


@pytest.mark.parametrize(
    ("classes", "negative"),
    [
        (("yes", "no", "_background_noise_"), ("_background_noise_",)),
        (("cat", "Background", "dog"), ("Background",)),
        (("SILENCE", "on"), ("SILENCE",)),
        (("Background Noise", "noise", "yes"), ("Background Noise", "noise")),
        (("None of these", "a"), ("None of these",)),
        (("refund", "Other"), ("Other",)),
        (("noisy", "back", "another", "nonesuch"), ()),
        ((), ()),
    ],
)
def test_the_classes_of_none_of_these(classes, negative):
    assert negative_classes(classes) == negative


def test_a_class_may_be_marked_as_none_of_these():
    assert negative_classes(("bin", "cat", "none"), ["bin", "gone"]) == ("bin", "none")
