"""Which way up a picture is: the Exif orientation, found without decoding the picture.

Source: Exif 2.32 (CIPA DC-008), tag 0x0112, values 1 to 8.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

_ORIENTATION = 0x0112
_SHORT = 3
_NO_FRAMES = (0xC4, 0xC8, 0xCC)
"""Huffman tables, a reserved marker, arithmetic conditioning."""
_MAX_SEGMENTS = 4096


class JpegFacts(NamedTuple):
    """What the markers before a JPEG's pixels say.

    Attributes:
        orientation: 1 to 8.
        progressive: The pixels come in several scans.
        coding: Of the frame, the second byte of its marker (ITU-T T.81, table B.1): ``0xC0`` is baseline; 0 if there is
            none.
    """

    orientation: int
    progressive: bool
    coding: int = 0


def of_jpeg(content: bytes) -> JpegFacts:
    """Walk the markers up to the first scan; damage is left for the decoder to name."""
    orientation, progressive, coding, position = 1, False, 0, 2
    for _ in range(_MAX_SEGMENTS):
        marker = content[position : position + 4]
        if len(marker) < 4 or marker[0] != 0xFF:
            break
        if marker[1] == 0xFF:  # fill bytes may stand before any marker
            position += 1
            continue
        code, length = marker[1], (marker[2] << 8) + marker[3]
        if code == 0xDA:
            break
        if code == 0xE1 and orientation == 1 and content.startswith(b"Exif\0\0", position + 4):
            orientation = of_exif(content[position + 4 : position + 2 + length])
        progressive = progressive or code in (0xC2, 0xCA)
        coding = code if 0xC0 <= code <= 0xCF and code not in _NO_FRAMES else coding
        position += 2 + length
    return JpegFacts(orientation, progressive, coding)


def of_exif(block: bytes) -> int:
    """The orientation (1 to 8) in an Exif block, with or without its ``Exif`` prefix; 1 where it says none."""
    tiff = block.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", tiff, entry)
            if tag == _ORIENTATION:
                return value if kind == _SHORT and 1 <= value <= 8 else 1
    except struct.error:  # the directory points outside the block
        pass
    return 1
