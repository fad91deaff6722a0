"""A picture of four colours, encoded and decoded again."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from graft.decoding.decode import decode_picture
from graft.errors import ItemError

RED, GREEN, BLUE, WHITE = (200, 30, 40), (20, 180, 60), (30, 60, 210), (255, 255, 255)


def quarters(width=64, height=48):
    """Red, green / blue, white: every turn and flip of it is another picture."""
    array = np.empty((height, width, 3), np.uint8)
    array[: height // 2, : width // 2], array[: height // 2, width // 2 :] = RED, GREEN
    array[height // 2 :, : width // 2], array[height // 2 :, width // 2 :] = BLUE, WHITE
    return Image.fromarray(array)


def encode(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def corners(content, side=32, **options):
    """The middle of each quarter of the decoded picture."""
    array = decode_picture(content, side, side, **{"crop": 0.0, **options}).value
    assert array.shape == (side, side, 3)
    assert array.dtype == np.uint8
    a, b = side // 4, 3 * side // 4
    return [array[a, a], array[a, b], array[b, a], array[b, b]]


def assert_colours(found, expected, within=6):
    np.testing.assert_allclose(np.array(found, int), np.array(expected, int), atol=within)


def reason(content, **options):
    with pytest.raises(ItemError) as caught:
        decode_picture(content, 32, 32, **options)
    assert caught.value.message
    assert caught.value.hint
    return caught.value.reason


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
