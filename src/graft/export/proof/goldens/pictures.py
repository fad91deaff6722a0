"""Golden pictures: doors and signs that are drawn on the spot, and every kind of file in which roads may part.

Where two programs read the same picture differently, it is over transparency, turns, profiles, depths, sizes at the
ends of the range, and colours that no photo has. Each of these stands here once, as small as it can be.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from graft.contracts import Array
from graft.export.proof.goldens.golden import Golden
from graft.samples.light import choose_mood, develop
from graft.samples.photo import choose_scene, draw_scene
from graft.samples.signs import draw_sign

_ORIENTATION = 0x0112
_LARGE = (1680, 1240)
"""Width and height of more than 2 megapixels."""


def draw_pictures(seed: int) -> Iterator[Golden]:
    """All of them, from the plain to the strange."""
    rng = np.random.default_rng([seed, 2])
    for size, is_open in (((360, 270), True), ((180, 240), False), ((240, 180), True), ((96, 128), False)):
        yield _jpeg(_door(rng, size, is_open), f"a door, {'open' if is_open else 'closed'}")
    yield _jpeg(draw_sign((160, 120), "open", rng), "a sign", subsampling=0, progressive=True)
    small = _door(rng, (60, 80), is_open=True)
    for turn in range(1, 9):
        yield _jpeg(small, f"turn tag {turn}", exif=_exif(turn))
    yield from _transparent(small)
    yield from _deep_and_flat(small)
    yield _jpeg(small.convert("CMYK"), "four printing colours")
    yield _jpeg(small, "a wide-gamut colour profile", icc_profile=_wide_profile())
    yield from _extreme(rng)


def _door(rng: np.random.Generator, size: tuple[int, int], is_open: bool) -> Image.Image:
    mood = choose_mood(rng)
    return develop(draw_scene(choose_scene(rng, size, is_open, mood.sun), rng), mood, rng)


def _transparent(picture: Image.Image) -> Iterator[Golden]:
    """Alpha in each of its forms: what lies under it is coloured, so that dropping it shows."""
    width, height = picture.size
    fade = Image.fromarray(np.linspace(0, 255, width, dtype=np.float32).astype(np.uint8)[None].repeat(height, 0))
    clear = picture.copy()
    clear.putalpha(fade)
    yield _png(clear, "fading into transparency")
    grey = picture.convert("L")
    grey.putalpha(fade)
    yield _png(grey, "grey, fading into transparency")
    palette = picture.quantize(16)
    yield _png(palette, "a palette")
    most = int(np.bincount(np.asarray(palette).flat).argmax())
    yield _png(palette, "a palette with a clear colour", transparency=most)


def _deep_and_flat(picture: Image.Image) -> Iterator[Golden]:
    grey = np.asarray(picture.convert("L"))
    yield _png(Image.fromarray(grey), "grey")
    yield _png(Image.fromarray(grey.astype(np.uint16) * 251 + 700), "grey, 16 bits")
    yield _png(picture.convert("1"), "black and white dots")
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", lossless=True)
    yield Golden("webp", buffer.getvalue(), "WebP")
    buffer = io.BytesIO()
    picture.save(buffer, "GIF")
    yield Golden("gif", buffer.getvalue(), "GIF")


def _extreme(rng: np.random.Generator) -> Iterator[Golden]:
    noise = rng.integers(0, 256, (500, 1, 3), dtype=np.uint8)
    yield _png(_of(noise[:1]), "one pixel")
    yield _png(_of(noise), "1 x 500 pixels")
    yield _png(_of(noise.transpose(1, 0, 2)), "500 x 1 pixels")
    yield _png(Image.new("RGB", (64, 64), (0, 0, 0)), "black")
    yield _png(Image.new("RGB", (64, 64), (255, 255, 255)), "white")
    yield _png(Image.new("RGB", (300, 40), (255, 0, 0)), "nothing but red")
    yield _png(_of(rng.integers(0, 256, (72, 72, 3), dtype=np.uint8)), "noise")
    board = np.indices((225, 223)).sum(axis=0) % 2 * 255
    yield _png(_of(board.astype(np.uint8)), "a board of single pixels")
    large = _door(rng, (_LARGE[0] // 4, _LARGE[1] // 4), is_open=True).resize(_LARGE, Image.Resampling.BICUBIC)
    yield _jpeg(large, "more than 2 megapixels")


def _of(levels: Array) -> Image.Image:
    return Image.fromarray(levels)


def _png(picture: Image.Image, what: str, **settings: Any) -> Golden:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True, **settings)
    return Golden("png", buffer.getvalue(), what)


def _jpeg(picture: Image.Image, what: str, **settings: Any) -> Golden:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=88, **settings)
    return Golden("jpg", buffer.getvalue(), what)


def _exif(turn: int) -> Image.Exif:
    exif = Image.Exif()
    exif[_ORIENTATION] = turn
    return exif


def _wide_profile() -> bytes:
    """A colour profile with the primaries of ProPhoto RGB: who heeds it sees other colours than who does not.

    Source: ICC.1:2001-04, a matrix profile of three components.
    """

    def fixed(*values: float) -> bytes:
        return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))

    def described(text: bytes) -> bytes:
        return b"desc\0\0\0\0" + struct.pack(">I", len(text) + 1) + text + bytes(1 + 4 + 4 + 2 + 1 + 67)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(1.8 * 256)) + b"\0\0"
    tags = {
        b"desc": described(b"wide"),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": b"XYZ \0\0\0\0" + fixed(0.9642, 1.0, 0.8249),
        b"rXYZ": b"XYZ \0\0\0\0" + fixed(0.7977, 0.2880, 0.0),
        b"gXYZ": b"XYZ \0\0\0\0" + fixed(0.1352, 0.7119, 0.0),
        b"bXYZ": b"XYZ \0\0\0\0" + fixed(0.0313, 0.0001, 0.8249),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(body), len(value))
        body += value + b"\0" * (-len(value) % 4)
    head = struct.pack(">I4sI4s4s4s", start + len(body), b"\0\0\0\0", 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + fixed(0.9642, 1.0, 0.8249) + bytes(48)
    return head + table + body
