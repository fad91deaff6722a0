"""What is measured on pictures, texts and recordings is what its name says."""

import io
import math

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from graft.decoding.decode import decode_picture
from graft.decoding.formats import PICTURES, RECORDINGS
from graft.decoding.measures import FAINTEST, FORMATS, OF_PICTURES, OF_TEXTS, of_file, of_sound, of_text

RATE = 16_000


def measured(image, kind="PNG"):
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return decode_picture(buffer.getvalue(), 224, 224, 1.0, 0.875).statistics | {"length": len(buffer.getvalue())}


def noise(level=0.1, seconds=1.0, seed=0):
    return (level * np.random.default_rng(seed).standard_normal(round(RATE * seconds))).astype(np.float32)


def test_every_measure_of_a_picture_is_a_number():
    found = decode_picture(png(Image.new("RGB", (40, 30), "orange")), 224, 224).statistics
    assert set(found) == set(OF_PICTURES)
    assert all(type(value) is float and math.isfinite(value) for value in found.values())


def png(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_a_plain_picture_has_one_colour_and_no_information():
    found = measured(Image.new("RGB", (300, 200), (51, 102, 204)))
    assert [found[name] for name in ("red", "green", "blue")] == pytest.approx([0.2, 0.4, 0.8], abs=1e-4)
    assert [found[f"border_{name}"] for name in ("red", "green", "blue")] == pytest.approx([0.2, 0.4, 0.8], abs=1e-4)
    assert found["saturation"] == found["saturation_max"] == pytest.approx(0.6)
    assert found["entropy"] == 0
    assert found["border_spread"] == pytest.approx(0, abs=1e-4)
    assert found["contrast"] == pytest.approx(0, abs=1e-6)


def test_percentiles_and_entropy_of_a_picture_in_two_tones():
    image = Image.new("L", (224, 224), 255)
    ImageDraw.Draw(image).rectangle((0, 0, 223, 111), fill=0)
    found = measured(image.convert("RGB"))
    assert (found["luma_5"], found["luma_99"]) == (0, 1)
    assert found["brightness"] == pytest.approx(0.5, abs=0.01)
    assert found["contrast"] == pytest.approx(0.5, abs=0.01)
    assert 0.99 < found["entropy"] < 1.2
    assert found["saturation_max"] == 0


def test_the_border_is_measured_apart_from_the_middle():
    image = Image.new("RGB", (224, 224), (0, 255, 0))
    ImageDraw.Draw(image).rectangle((40, 40, 183, 183), fill=(255, 0, 0))
    found = measured(image)
    assert [found[f"border_{name}"] for name in ("red", "green", "blue")] == pytest.approx([0, 1, 0], abs=0.01)
    assert found["red"] > 0.4
    assert found["border_spread"] == pytest.approx(0, abs=0.01)


def test_the_smallest_pictures_can_be_measured():
    for size in ((1, 1), (1, 9), (9, 2)):
        found = decode_picture(png(Image.new("RGB", size, "red")), *size).statistics
        assert found["border_red"] == found["red"] == 1


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
def test_the_type_of_a_file_and_its_size(kind):
    found = measured(Image.new("RGB", (30, 30)), kind)
    assert FORMATS[int(found["format"])] == kind.lower()
    assert found["bytes"] == found["length"]


def test_every_readable_type_has_a_code_of_its_own():
    assert set(FORMATS[1:]) == PICTURES | RECORDINGS
    assert of_file(b"") == {"bytes": 0, "format": 0}
    assert of_file(b"\xff\x0a" + bytes(30)) == {"bytes": 32, "format": 0}  # JPEG XL


def test_a_text_in_numbers():
    found = of_text("Hello WWW.x.com 12\nlast \u6f22\u5b57")
    assert (found["words"], found["lines"], found["links"]) == (5, 2, 1)
    assert found["letters"] == pytest.approx(18 / 22)
    assert found["digits"] == pytest.approx(2 / 22)
    assert found["upper"] == pytest.approx(4 / 18)
    assert found["ascii"] == pytest.approx(20 / 22)
    assert set(found) < set(OF_TEXTS)


def test_a_very_long_text_is_measured_by_its_beginning():
    found = of_text("ab1 " * 100_000)
    assert found["characters"] == 400_000
    assert found["words"] == pytest.approx(100_000, rel=0.01)
    assert found["letters"] == pytest.approx(2 / 3, abs=0.001)


def test_a_text_of_white_space_has_nothing():
    found = of_text(" \n ")
    assert found.pop("characters") == 3
    assert found.pop("lines") == found.pop("ascii") == 1
    assert set(found.values()) == {0}


def test_silence_is_counted_in_hundredths_of_a_second():
    sound = np.concatenate([noise(seconds=0.25), np.zeros(RATE * 3 // 4, np.float32)])
    found = of_sound(sound, RATE)
    assert found["silence"] == 0.75
    assert found["noise"] == FAINTEST
    assert of_sound(noise(), RATE)["silence"] == 0
    assert of_sound(noise(), RATE)["noise"] == pytest.approx(-20, abs=2)
    assert of_sound(noise(1e-6), RATE)["silence"] == 1


def test_the_band_of_a_tone_and_of_noise():
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
    assert of_sound(tone, RATE)["bandwidth"] < 2000
    assert of_sound(noise(), RATE)["bandwidth"] == RATE / 2
    assert of_sound(np.zeros(1, np.float32), RATE)["bandwidth"] == 0


def test_a_blurred_picture_has_lost_its_edges():
    pixels = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    sharp = measured(Image.fromarray(pixels))
    soft = measured(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(3)))
    assert sharp["sharpness"] > 100 * soft["sharpness"]
