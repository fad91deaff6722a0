import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graft.data.items import MAX_NAME, Broken, File, Memory, Text, as_item
from graft.decoding.formats import kind_of
from graft.errors import DataError, ItemError


def test_a_text_is_its_own_name():
    text = Text("  two\n\tlines  of it ")
    assert text.name == "two lines of it"
    assert text.read() == b"  two\n\tlines  of it "
    assert len(Text("word " * 1000).name) == len(Text("w" * 1000).name) == MAX_NAME
    assert Text("word " * 1000).name.endswith("\N{HORIZONTAL ELLIPSIS}")
    assert Text("w" * MAX_NAME).name == "w" * MAX_NAME


def test_a_text_that_cannot_be_encoded():
    text = Text("caf\udce9 \ud800")
    assert text.read().decode() == "caf\N{REPLACEMENT CHARACTER} \N{REPLACEMENT CHARACTER}"
    assert text.name.encode()


def test_a_broken_item_says_why():
    with pytest.raises(ItemError, match=r"^row 3 has no text\. Write something\.") as caught:
        Broken("row 3", "empty", "row 3 has no text.", "Write something.").read()
    assert caught.value.reason == "empty"


def test_a_string_is_a_text_to_texts_and_a_path_to_the_rest():
    assert as_item("a.txt", 0, "text") == Text("a.txt")
    assert as_item("a.jpg") == File(Path("a.jpg"), "a.jpg")
    assert as_item("a.wav", 0, "audio") == File(Path("a.wav"), "a.wav")
    for modality in ("image", "text", "audio"):
        assert as_item(Path("a.x"), 0, modality) == File(Path("a.x"), "a.x")
        assert as_item(b"abc", 7, modality) == Memory(b"abc", "item 7")
        assert as_item(Text("abc"), 7, modality) == Text("abc")


@pytest.mark.parametrize(
    "samples",
    [
        np.linspace(-0.5, 0.5, 400, dtype=np.float32),
        np.linspace(-0.5, 0.5, 400),
        np.linspace(-16384, 16384, 400).astype(np.int16),
        np.linspace(-(2**30), 2**30, 400).astype(np.int32),
        np.stack([np.linspace(-0.5, 0.5, 400)] * 2, axis=1),
    ],
)
def test_samples_and_their_rate(samples):
    soundfile = pytest.importorskip("soundfile")
    item = as_item((samples, 8000), 3, "audio")
    assert item.name == "item 3"
    assert kind_of(item.read()[:32]) == "wav"
    found, rate = soundfile.read(io.BytesIO(item.read()))
    assert rate == 8000
    assert found.shape == samples.shape
    assert np.ptp(found) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ("value", "modality", "words"),
    [
        ((np.zeros(9), 0), "audio", "the rate 0"),
        ((np.zeros(9), 8000.0), "audio", r"the rate 8000\.0"),
        ((np.zeros((0,)), 8000), "audio", r"shape \(0,\)"),
        ((np.zeros((2, 2, 2)), 8000), "audio", r"shape \(2, 2, 2\)"),
        ((np.zeros(9, complex), 8000), "audio", "complex"),
        ((np.full(9, np.nan), 8000), "audio", "not finite"),
        (np.zeros(9), "audio", r"ndarray.*\(samples, rate\)"),
        ((np.zeros(9), 8000), "image", r"tuple.*array of pixels"),
        (np.zeros((8, 8, 3)), "text", r"ndarray.*a text \(str\)"),
        (Image.new("RGB", (8, 8)), "text", r"Image.*a text \(str\)"),
        (3, "text", r"int.*a text \(str\)"),
    ],
)
def test_values_that_are_no_items(value, modality, words):
    with pytest.raises(DataError, match=f"Item 5 .*{words}"):
        as_item(value, 5, modality)
