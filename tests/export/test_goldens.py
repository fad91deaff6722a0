"""Golden items: the same bytes at every drawing, every strange kind among them, and items of data from every class."""

import io
from collections import Counter

import numpy as np
import pytest
from PIL import Image

import shapes
from graft.contracts import LIMITS
from graft.data.dataset import Dataset
from graft.decoding.decode import decode_picture
from graft.decoding.orientation import of_jpeg
from graft.decoding.sound import decode_sound
from graft.export.proof.goldens import MOST_OWN, OF_DATA, chosen, drawn


@pytest.mark.parametrize(("modality", "count"), [("image", 33), ("text", 37), ("audio", 24)])
def test_the_same_seed_draws_the_same_bytes_and_another_seed_others(modality, count):
    assert len(drawn(modality)) == count  # as docs/export.md says
    first, again, other = drawn(modality), drawn(modality), drawn(modality, seed=1)
    assert first == again
    assert first != other
    assert not any(golden.what.startswith(OF_DATA) for golden in first)


def test_every_kind_of_picture_in_which_roads_part_is_there_and_small():
    goldens = drawn("image")
    opened = [Image.open(io.BytesIO(golden.content)) for golden in goldens]
    assert {"RGB", "RGBA", "LA", "P", "L", "1", "I;16", "CMYK"} <= {picture.mode for picture in opened}
    turns = [of_jpeg(golden.content).orientation for golden in goldens if golden.extension == "jpg"]
    assert set(turns) == set(range(1, 9))
    sizes = [picture.size for picture in opened]
    assert {(1, 1), (1, 500), (500, 1)} <= set(sizes)
    assert sum(w * h > 2_000_000 for w, h in sizes) == 1
    assert any("icc_profile" in picture.info for picture in opened)
    assert any("transparency" in picture.info for picture in opened)
    values = sum(3 * w * h for w, h in sizes if w * h <= 2_000_000)
    assert sum(len(golden.content) for golden in goldens) + values < 1_500_000
    for golden in goldens:
        decode_picture(golden.content, 8, 8)


def test_the_profile_is_one_that_programs_heed():
    from PIL import ImageCms

    (golden,) = (golden for golden in drawn("image") if "profile" in golden.what)
    picture = Image.open(io.BytesIO(golden.content))
    profile = ImageCms.ImageCmsProfile(io.BytesIO(picture.info["icc_profile"]))
    heeded = ImageCms.profileToProfile(picture, profile, ImageCms.createProfile("sRGB"))
    assert np.abs(np.asarray(heeded, np.int16) - np.asarray(picture, np.int16)).mean() > 10


def test_recordings_of_every_rate_and_level_can_be_read():
    goldens = drawn("audio")
    statistics = [decode_sound(golden.content, 16_000).statistics for golden in goldens]
    assert {8_000, 16_000, 22_050, 44_100, 48_000} <= {found["rate"] for found in statistics}
    assert {1, 2} <= {found["channels"] for found in statistics}
    assert min(found["peak"] for found in statistics) == 0
    assert max(found["clipped"] for found in statistics) > 0.05
    assert min(found["seconds"] for found in statistics) < 0.001


def test_texts_are_utf8_and_of_every_length():
    texts = [golden.content.decode() for golden in drawn("text")]
    lengths = [len(text) for text in texts]
    assert min(lengths) == 1
    assert max(lengths) > 5_000
    assert any("\u030c" in text for text in texts)
    assert any("\u200d" in text for text in texts)
    assert any("\x07" in text for text in texts)
    assert max(len(word) for text in texts for word in text.split()) >= 200


def test_items_of_data_come_in_turn_from_every_class():
    dataset = shapes.dataset(circle=40, square=40, triangle=4)
    found = chosen(dataset)
    assert len(found) == MOST_OWN
    assert found == chosen(dataset)
    assert all(golden.what.startswith(OF_DATA) and golden.extension == "png" for golden in found)
    counts = Counter(golden.what.removeprefix("from the data, ") for golden in found)
    assert counts == {"circle": 23, "square": 23, "triangle": 4}


def test_items_that_cannot_be_read_or_are_too_large_are_passed_over(tmp_path):
    (tmp_path / "a.png").write_bytes(shapes.encoded("circle", 1))
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(LIMITS.bytes + 1)
    with (tmp_path / "large.png").open("wb") as file:
        file.truncate(30_000_000)
    names = ["a.png", "huge.png", "large.png", "gone.png"]
    dataset = Dataset.from_lists([tmp_path / name for name in names], ["a" * 5000, "a", "b", "b"])
    (golden,) = chosen(dataset)
    assert golden.content == shapes.encoded("circle", 1)
    assert len(golden.what) < 300  # labels may be of any length
