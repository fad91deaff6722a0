import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from graft.decoding.orientation import of_exif, of_jpeg


def jpeg(**options):
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def exif(turn, order="<", kind=3, tags=(0x010F,)):
    entries = [struct.pack(order + "HHII", tag, 4, 1, 7) for tag in tags]
    entries.append(struct.pack(order + "HHIHH", 0x0112, kind, 1, turn, 0))
    start = b"II*\0" if order == "<" else b"MM\0*"
    return start + struct.pack(order + "IH", 8, len(entries)) + b"".join(entries) + bytes(4)


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders(turn, order):
    block = exif(turn, order)
    assert of_exif(block) == of_exif(b"Exif\0\0" + block) == turn
    assert of_jpeg(jpeg(exif=b"Exif\0\0" + block)).orientation == turn


@pytest.mark.parametrize(
    "block", [b"", b"II*\0", exif(0), exif(9), exif(6, kind=4), exif(6)[:20], b"II*\0\xff\xff\xff\xff"]
)
def test_what_makes_no_sense_is_upright(block):
    assert of_exif(block) == 1


def test_the_block_is_found_behind_a_long_profile_and_fill_bytes():
    content = jpeg(exif=b"Exif\0\0" + exif(6), icc_profile=bytes(200_000))
    block = content.index(b"\xff\xe1")
    length = int.from_bytes(content[block + 2 : block + 4], "big") + 2
    segment, rest = content[block : block + length], content[:block] + content[block + length :]
    frame = rest.index(b"\xff\xc0")
    assert of_jpeg(rest[:frame] + b"\xff\xff\xff" + segment + rest[frame:]).orientation == 6


def test_progressive_is_told_from_baseline():
    assert of_jpeg(jpeg(progressive=True)).progressive
    assert not of_jpeg(jpeg()).progressive


@given(st.binary(max_size=200))
def test_any_bytes(content):
    assert 1 <= of_exif(b"MM\0*" + content) <= 8
    assert 1 <= of_jpeg(b"\xff\xd8\xff\xe1" + content).orientation <= 8
