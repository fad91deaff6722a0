import struct
import warnings
import zlib

import pytest
from PIL import Image

from data.quarters import RED, WHITE, assert_colours, chunk, corners, encode, reason
from graft.contracts import LIMITS, ItemLimits
from graft.decoding.decode import decode_picture
from graft.errors import ItemError


def huge_png(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    )


def huge_jpeg(width, height):
    content = encode(Image.new("RGB", (16, 16)), "JPEG")
    start = content.index(b"\xff\xc0")
    return content[: start + 5] + struct.pack(">HH", height, width) + content[start + 9 :]


def test_gigantic_pictures_are_refused_by_their_header():
    bmp = bytearray(encode(Image.new("RGB", (16, 16)), "BMP"))
    bmp[18:26] = struct.pack("<ii", 60000, 60000)
    gif = bytearray(encode(Image.new("RGB", (16, 16)), "GIF"))
    gif[6:10] = struct.pack("<HH", 60000, 60000)
    webp = b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + (59999).to_bytes(3, "little") * 2
    lossless = b"RIFF\x1a\0\0\0WEBPVP8L\x0a\0\0\0\x2f" + (16382 | 16382 << 14).to_bytes(4, "little") + bytes(8)
    tiff = encode(Image.new("RGB", (16, 16)), "TIFF").replace(
        *(struct.pack("<HHI", 256, 4, 1) + struct.pack("<I", n) for n in (16, 60000))
    )
    tiff = tiff.replace(*(struct.pack("<HHI", 257, 4, 1) + struct.pack("<I", n) for n in (16, 60000)))
    for content in (huge_png(60000, 60000), huge_jpeg(60000, 60000), bytes(bmp), bytes(gif), webp, lossless, tiff):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert reason(content) == "too_large"


@pytest.mark.parametrize("size", [(1, 50_000_000), (50_000_000, 1), (65_536, 10)])
def test_a_side_without_end_is_refused_by_the_header(size):
    with pytest.raises(ItemError, match="the limit of a side is 65,535") as caught:
        decode_picture(huge_png(*size), 32, 32)
    assert caught.value.reason == "too_large"
    assert reason(b"P6 %d %d 255\n" % size + bytes(100)) == "too_large"


def test_a_webp_is_refused_at_what_its_decoder_can_hold():
    large = b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + (8999).to_bytes(3, "little") * 2
    with pytest.raises(ItemError, match="32 megapixels for WEBP") as caught:
        decode_picture(large, 32, 32)
    assert "JPEG" in caught.value.hint


def test_the_limit_is_ours_and_not_pillows():
    limit = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        content = encode(Image.new("1", (10_000, 9_990), 1), "PNG")  # over Pillow's warning, below our limit
        assert_colours(corners(content), [WHITE] * 4)
        assert reason(encode(Image.new("1", (10_010, 10_000), 1), "PNG")) == "too_large"
    assert limit == Image.MAX_IMAGE_PIXELS
    assert LIMITS.pixels == 100_000_000


def test_a_progressive_jpeg_of_very_many_scans_is_refused():
    content = encode(Image.new("RGB", (3000, 3000), RED), "JPEG", progressive=True)
    start = content.rindex(b"\xff\xda")
    scan = content[start:-2]
    assert reason(content[:-2] + scan * 5000 + content[-2:]) == "too_large"
    assert_colours(corners(content), [RED] * 4)


def test_a_server_may_lower_the_limits():
    picture = encode(Image.new("RGB", (40, 30), RED), "PNG")
    assert decode_picture(picture, 8, 8, limits=ItemLimits(pixels=1200, side=40)).value.shape == (8, 8, 3)
    for kind in ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "GIF"):
        with pytest.raises(ItemError, match=r"40 x 30 pixels; the limit is 0\.001199 megapixels\.") as caught:
            decode_picture(encode(Image.new("RGB", (40, 30)), kind), 8, 8, limits=ItemLimits(pixels=1199))
        assert caught.value.reason == "too_large"
    with pytest.raises(ItemError, match="the limit of a side is 39"):
        decode_picture(picture, 8, 8, limits=ItemLimits(side=39))


def test_no_limit_goes_beyond_what_a_decoder_can_hold():
    large = b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + (8999).to_bytes(3, "little") * 2
    with pytest.raises(ItemError, match="32 megapixels for WEBP"):
        decode_picture(large, 32, 32, limits=ItemLimits(pixels=10**9))
