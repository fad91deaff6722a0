import base64
import struct

import numpy as np
import pytest
from PIL import Image, features

from data.quarters import BLUE, GREEN, RED, WHITE, assert_colours, corners, encode, quarters, reason
from graft.decoding.decode import decode_picture
from graft.errors import ItemError

HEIC = (
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAVZtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9j"
    "AAAAAERAAAEAAQAAAAABegABAAAAAAAAAMEAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA1mlw"
    "cnAAAAC3aXBjbwAAAHhodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQArQgEBA3AA"
    "AAMAkAAAAwAAAwAeoDCBBZbqSSmubgIaDAgAAAMAyAAAAwAIQGIAAQAHRAHBcrAiQAAAABNjb2xybmNseAABAA0ABoAAAAAUaXNwZQAAAAAA"
    "AABgAAAAQAAAABBwaXhpAAAAAAMICAgAAAAXaXBtYQAAAAAAAAABAAEEgQIDBAAAAMltZGF0AAAAvSgBrwng4c85dV///P/f//tQvIftLBUk"
    "EpPPZEZP5OX//KMQ1iyiZvrLmLIMUYpYr50P1+KKxpBLNWqrUZ9ySl696F9BBxyTbbRLl/G8uSFyQhbb/To8zwp1v/9V4H/9hYVf/XkxO5jC"
    "ZPaX7/WplA4JS+t1vTX/fNj68GGlQtqxoNsuio6qFP4dPpAjT/eUzFz75yf+1FEfZ0rEB3Ep8slfER7R9g8h68xTG3eBmKMvAQADzbBxqRmr"
    "/TqaMA=="
)
"""The quarters of 96 x 64 pixels."""


def test_portable_pictures():
    """Of every variety, with comments, and 16 bits scaled."""
    pixels = np.asarray(quarters())
    grey = np.asarray(quarters().convert("L"))
    size = b"64 48"
    plain = " ".join(map(str, pixels.ravel())).encode()
    for content in (
        b"P6 64 48 255\n" + pixels.tobytes(),
        b"P6\n# made by a scanner\n64 48\n255\n" + pixels.tobytes(),
        b"P6 64 48 65535\n" + (pixels.astype(">u2") * 257).tobytes(),
        b"P3 " + size + b" 255\n" + plain,
    ):
        assert_colours(corners(content), [RED, GREEN, BLUE, WHITE])
    expected = corners(encode(quarters().convert("L"), "PNG"))
    for content in (
        b"P5 64 48 255\n" + grey.tobytes(),
        b"P5 64 48 65535\n" + (grey.astype(">u2") * 257).tobytes(),
        b"Pf 64 48 -1.0\n" + (grey[::-1].astype("<f4") / 255).tobytes(),
    ):
        assert_colours(corners(content), expected)
    ink = np.packbits(grey < 128, axis=1)
    assert_colours(corners(b"P4 64 48\n" + ink.tobytes()), [(0, 0, 0), (0, 0, 0), (0, 0, 0), WHITE])
    assert reason(b"P6 64 48 255\n" + pixels.tobytes()[:-100]) in ("truncated", "corrupt")
    assert reason(b"P6 60000 60000 255\n" + bytes(100)) == "too_large"


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
@pytest.mark.parametrize("turn", [1, 6])
def test_avif(turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    content = encode(quarters(), "AVIF", quality=90, exif=exif)
    assert_colours(corners(content), [RED, GREEN, BLUE, WHITE] if turn == 1 else [BLUE, RED, WHITE, GREEN], within=12)
    assert reason(content[:-60]) in ("truncated", "corrupt")


@pytest.mark.parametrize("turned", [False, True])
def test_heic(turned):
    pytest.importorskip("pi_heif")
    content = base64.b64decode(HEIC)
    if turned:  # the box that turns the picture, in the place of the one that says how deep its pixels are
        content = content.replace(b"\0\0\0\x10pixi\0\0\0\0\x03\x08\x08\x08", b"\0\0\0\x10irot\x03" + bytes(7))
    expected = [BLUE, RED, WHITE, GREEN] if turned else [RED, GREEN, BLUE, WHITE]
    assert_colours(corners(content), expected, within=12)
    statistics = decode_picture(content, 32, 32).statistics
    assert (statistics["width"], statistics["height"]) == ((64, 96) if turned else (96, 64))
    assert reason(content[:-60]) in ("truncated", "corrupt")


def test_heic_without_its_package_says_how_to_have_it(monkeypatch):
    monkeypatch.setattr("graft.decoding.formats.PICTURES", frozenset({"jpeg", "png"}))
    with pytest.raises(ItemError, match=r"it is a HEIC picture.*pip install 'graft-learn\[heic\]'.*JPEG or PNG"):
        decode_picture(base64.b64decode(HEIC), 8, 8)


def test_sound_pictures_of_a_variety_that_is_not_read_are_not_called_damaged():
    for content in (float_tiff(), lossless_jpeg(), b"PF 8 8 -1.0\n" + bytes(8 * 8 * 12)):
        with pytest.raises(ItemError, match="is of a variety that cannot be read") as caught:
            decode_picture(content, 8, 8)
        assert caught.value.reason == "not_supported"
        assert caught.value.hint == "Save it as JPEG or PNG."


def float_tiff():
    """Three floats a pixel, as scientific programs write them."""
    data = np.linspace(0, 1, 8 * 8 * 3, dtype="<f4").tobytes()
    tags = [(256, 3, 1, 8), (257, 3, 1, 8), (258, 3, 3, 134), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 146),
            (277, 3, 1, 3), (278, 3, 1, 8), (279, 4, 1, len(data)), (339, 3, 3, 140)]  # fmt: skip
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    return b"II*\0\x08\0\0\0" + directory + struct.pack("<6H", 32, 32, 32, 3, 3, 3) + data


def lossless_jpeg():
    """The frame of a JPEG that says it is coded without loss, which medical devices write."""
    return encode(quarters(), "JPEG").replace(b"\xff\xc0", b"\xff\xc3", 1)
