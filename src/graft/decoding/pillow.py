"""Every format and mode through Pillow, safely: the formats we name and no others, no warnings, no globals touched.

Plugins are called directly. ``PIL.Image.open`` would try parsers that nobody asked for (EPS starts another program),
and would judge sizes by ``PIL.Image.MAX_IMAGE_PIXELS``, which belongs to the user.
"""

from __future__ import annotations

import io
import math
import struct
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from graft.contracts import Array
from graft.executors import renew_in_child


def _open_avif(file: io.BytesIO) -> ImageFile.ImageFile:
    """Pillow has it from 11.3 on."""
    from PIL.AvifImagePlugin import AvifImageFile

    return AvifImageFile(file)


def _open_heic(file: io.BytesIO) -> ImageFile.ImageFile:
    """Decoded by libheif, which turns it upright."""
    from pi_heif import HeifImageFile  # an extra

    opened: ImageFile.ImageFile = HeifImageFile(file)
    return opened


PLUGINS: dict[str, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
    "jpeg": JpegImagePlugin.JpegImageFile,
    "png": PngImagePlugin.PngImageFile,
    "gif": GifImagePlugin.GifImageFile,
    "bmp": BmpImagePlugin.BmpImageFile,
    "tiff": TiffImagePlugin.TiffImageFile,
    "webp": WebPImagePlugin.WebPImageFile,
    "pnm": PpmImagePlugin.PpmImageFile,
    "heic": _open_heic,
    "avif": _open_avif,
}
"""What opens each kind."""

_STRIP_PIXELS = 1 << 20
_NEEDED_CHUNKS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"eXIf"})
_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262
_STRIP_OFFSETS, _STRIP_LENGTHS, _TILE_OFFSETS, _TILE_LENGTHS = 273, 279, 324, 325


def open_image(content: bytes, kind: str) -> ImageFile.ImageFile:
    """The picture's header, read by the plugin for ``kind``; its pixels are not decoded yet."""
    return PLUGINS[kind](io.BytesIO(_essential_chunks(content) if kind == "png" else content))


def header_size(content: bytes, kind: str) -> tuple[int, int] | None:
    """Width and height where the plugin would claim memory for the pixels before it can be asked; else ``None``."""
    if kind != "webp":
        return None
    form = content[12:16]
    if form == b"VP8X" and len(content) >= 30:  # an extended file states its canvas, less one, in 3 bytes each
        return 1 + int.from_bytes(content[24:27], "little"), 1 + int.from_bytes(content[27:30], "little")
    if form == b"VP8L" and len(content) >= 25:
        bits = int.from_bytes(content[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + ((bits >> 14) & 0x3FFF)
    if form == b"VP8 " and len(content) >= 30:
        width, height = struct.unpack_from("<HH", content, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def tiff_extent(content: bytes) -> int:
    """Where the last strip or tile of a TIFF ends, as its directory says, in bytes from its start.

    Raises:
        Exception: The directory cannot be read.
    """
    with quiet():
        tags = PLUGINS["tiff"](io.BytesIO(content)).tag_v2  # type: ignore[attr-defined]
    starts = tags.get(_STRIP_OFFSETS) or tags.get(_TILE_OFFSETS)
    lengths = tags.get(_STRIP_LENGTHS) or tags.get(_TILE_LENGTHS)
    return int(max(start + length for start, length in zip(starts, lengths, strict=True)))


def to_rgb(image: Image.Image, factor: int = 1) -> Image.Image:
    """Any mode as RGB, shrunk ``factor`` times on the way; transparency becomes white.

    Large pictures are converted strip by strip, so that no second full-size copy is ever held.
    """
    convert = _converter(image)
    if factor <= 1:
        return convert(image)
    shrunk = Image.new("RGB", (math.ceil(image.width / factor), math.ceil(image.height / factor)))
    for top, strip in _strips(image, factor):
        shrunk.paste(convert(strip).reduce(factor), (0, top // factor))
    return shrunk


_quiet_lock = threading.Lock()
renew_in_child(sys.modules[__name__], _quiet_lock=threading.Lock)
_quiet_depth = 0
_quiet_filter: Any = None


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Pillow's own warnings from the user while any thread is inside; every other warning passes.

    ``warnings.catch_warnings`` would put back a list that another thread may have changed meanwhile.
    """
    global _quiet_depth, _quiet_filter
    with _quiet_lock:
        if not _quiet_depth:
            warnings.filterwarnings("ignore", module=r"PIL\.")
            _quiet_filter = warnings.filters[0]
        _quiet_depth += 1
    try:
        yield
    finally:
        with _quiet_lock:
            _quiet_depth -= 1
            if not _quiet_depth and _quiet_filter in warnings.filters:
                warnings.filters.remove(_quiet_filter)  # type: ignore[attr-defined]  # a list, typed as a sequence


def _strips(image: Image.Image, factor: int = 1) -> Iterator[tuple[int, Image.Image]]:
    """The picture from top to bottom, a multiple of ``factor`` rows at a time, each with the row where it begins."""
    rows = factor * max(1, _STRIP_PIXELS // (image.width * factor))
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _converter(image: Image.Image) -> Callable[[Image.Image], Image.Image]:
    mode = image.mode
    if mode.startswith("I;16"):
        return _deep(_full_scale(image))
    if mode in ("I", "F"):
        return _deep(_guessed_scale(image))
    if mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        return _on_white
    return lambda part: part.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    picture = image.convert("RGBA")
    white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, picture).convert("RGB")


def _deep(scale: tuple[float, float]) -> Callable[[Image.Image], Image.Image]:
    """Grey values of more than 8 bits, of which ``scale`` gives those for black and white."""
    black, white = scale

    def convert(image: Image.Image) -> Image.Image:
        values: Array = np.asarray(image).astype(np.float32)  # (h, w)
        levels = np.nan_to_num((values - black) * (255.0 / (white - black)), nan=0.0, posinf=255.0, neginf=0.0)
        return Image.fromarray(np.rint(levels.clip(0, 255)).astype(np.uint8)).convert("RGB")

    return convert


def _full_scale(image: Image.Image) -> tuple[float, float]:
    tags = getattr(image, "tag_v2", {})
    bits = tags.get(_BITS_PER_SAMPLE, (16,))
    white = float((1 << int(bits[0] if isinstance(bits, tuple) else bits)) - 1)
    return (white, 0.0) if tags.get(_PHOTOMETRIC) == 0 else (0.0, white)


def _guessed_scale(image: Image.Image) -> tuple[float, float]:
    """Neither 32-bit integers nor floats have an agreed white: take the smallest usual one that holds them all."""
    if image.mode == "I" and image.format in ("PNG", "PPM"):  # of 16 bits, which Pillow scales itself in a PPM
        return 0.0, 65535.0
    low, high = _finite_range(image)
    for white in (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0):
        if low >= 0 and high <= white:
            return 0.0, white
    return low, max(high, math.nextafter(low, math.inf))  # one grey everywhere is black


def _finite_range(image: Image.Image) -> tuple[float, float]:
    low, high = math.inf, -math.inf
    for _, strip in _strips(image):
        values = np.asarray(strip)
        finite = values[np.isfinite(values)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    return (low, high) if low <= high else (0.0, 1.0)


def _essential_chunks(content: bytes) -> bytes:
    """The PNG without its texts, profiles and further frames, whose size Pillow limits and we do not care about."""
    parts, position = [content[:8]], 8
    while position + 8 <= len(content):
        (length,) = struct.unpack_from(">I", content, position)
        end = position + 12 + length
        kind = content[position + 4 : position + 8]
        if kind in _NEEDED_CHUNKS or not kind.isalpha():  # what is no chunk is left for the decoder to name
            parts.append(content[position:end])
        if kind == b"IEND":
            break
        position = end
    return b"".join(parts)
