"""From the bytes of a file to the pixels that an encoder takes."""

from __future__ import annotations

import io
import math
import re
import struct
import sys
import threading
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import NamedTuple

import numpy as np
from PIL import Image

from graft.contracts import LIMITS, Box, ItemLimits, Prepared
from graft.decoding import orientation, pillow
from graft.decoding.formats import SAVE_AS, readable_kind
from graft.decoding.measures import of_picture
from graft.errors import ItemError
from graft.executors import renew_in_child

try:
    import simplejpeg
except ImportError:  # a function has it not: Pillow decodes JPEG as well, a little slower
    simplejpeg = None

_FEWER_PIXELS = {"webp": 32_000_000, "heic": 52_000_000, "avif": 52_000_000}
"""Of formats whose decoders take 10 to 15 bytes a pixel; phones take photos of 50 megapixels."""

_LARGE = 16_000_000
_MAX_SCANNED_PIXELS = 3_000_000_000
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_LYING = 5
"""From this orientation on a picture is stored on its side."""
_UNSUPPORTED = re.compile(
    r"unknown pixel mode|unsupported|not supported|cannot handle|not available|not a PPM file",
    re.IGNORECASE,
)
"""What the decoders say of a variety that they do not know; of TIFF's compressions they name the number only."""
_READ_CODINGS = frozenset({0, 0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
_one_large_at_a_time = threading.Lock()
renew_in_child(sys.modules[__name__], _one_large_at_a_time=threading.Lock)


class View(NamedTuple):
    """Which centred part of a picture is wanted, and at what size; in pixels.

    Attributes:
        whole_width: Width of the picture; ``whole_height`` likewise.
        box_width: Width of the part; ``box_height`` likewise.
        width: Width of the result; ``height`` likewise.
    """

    whole_width: int
    whole_height: int
    box_width: float
    box_height: float
    width: int
    height: int

    @property
    def reduction(self) -> float:
        """How many pixels of the part fall on one of the result, along the axis where they are fewest."""
        return min(self.box_width / self.width, self.box_height / self.height)

    @property
    def needed(self) -> tuple[int, int]:
        """The least width and height of a scaled picture that has a pixel for each of the result."""
        return (
            min(self.whole_width, math.ceil(self.whole_width * self.width / self.box_width)),
            min(self.whole_height, math.ceil(self.whole_height * self.height / self.box_height)),
        )

    @property
    def box(self) -> Box:
        """The part, in shares of the picture."""
        x, y = self.box_width / self.whole_width, self.box_height / self.whole_height
        return (1 - x) / 2, (1 - y) / 2, (1 + x) / 2, (1 + y) / 2

    def turned(self) -> View:
        """The same view of the picture lying on its side."""
        return View(self.whole_height, self.whole_width, self.box_height, self.box_width, self.height, self.width)


Frame = Callable[[int, int], View]
"""The view of an upright picture of this width and height."""


def decode_picture(
    content: bytes, height: int, width: int, crop: float = 1.0, zoom: float = 1.0, limits: ItemLimits = LIMITS
) -> Prepared:
    """Decode a picture of any supported format and resize it. Thread-safe; releases the GIL for most of its time.

    Args:
        content: The file's bytes.
        height: Height of the result in pixels.
        width: Width of the result in pixels.
        crop: 0 squashes the whole picture; 1 takes the largest centred box of the result's aspect ratio; between,
            each side is ``whole ** (1 - crop) * box ** crop``.
        zoom: Share of that box's sides that is kept, in (0, 1].
        limits: How large the picture may be.

    Returns:
        The array is ``(height, width, 3) uint8`` RGB. The statistics are those of ``measures.of_picture``.

    Raises:
        ItemError: ``empty``, ``not_a_picture``, ``not_supported``, ``truncated``, ``too_large`` or ``corrupt``.
    """
    image, view = render(content, lambda w, h: _box(w, h, width, height, crop, zoom), limits)
    statistics = of_picture(image, content, view.whole_width, view.whole_height)
    return Prepared(np.asarray(image), statistics, (view.box,))


def thumbnail(content: bytes, side: int) -> bytes:
    """The upright picture as a JPEG of at most ``side`` x ``side`` pixels, in its own aspect ratio.

    Raises:
        ItemError: As for ``decode_picture``.
    """

    def whole(width: int, height: int) -> View:
        scale = min(1.0, side / max(width, height))
        return View(width, height, width, height, max(1, round(width * scale)), max(1, round(height * scale)))

    image, _ = render(content, whole)
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=80)
    return buffer.getvalue()


def render(content: bytes, frame: Frame, limits: ItemLimits = LIMITS) -> tuple[Image.Image, View]:
    """What ``frame`` asks for, upright and RGB, and that view of the upright picture."""
    kind = readable_kind(content, "image")
    try:
        if kind == "jpeg" and simplejpeg is not None:
            with suppress(ValueError):  # damaged, cut short, or in a colour space that only Pillow reads
                return _render_jpeg(content, frame, limits)
        with pillow.quiet():
            return _render_any(content, kind, frame, limits)
    except ItemError:
        raise
    except Image.DecompressionBombError:
        raise _too_large(kind, limits) from None
    except MemoryError:
        raise ItemError("too_large", "The picture does not fit into memory.", "Make it smaller.") from None
    except Exception as error:  # codecs raise anything
        raise _broken(content, kind, error) from None


def _render_jpeg(content: bytes, frame: Frame, limits: ItemLimits) -> tuple[Image.Image, View]:
    """The fast road: libjpeg-turbo decodes at the smallest scale that still has every pixel of the view."""
    full_height, full_width, colours, _ = simplejpeg.decode_jpeg_header(content)
    _check_size(full_width, full_height, "jpeg", limits)
    if colours in ("CMYK", "YCCK"):
        raise ValueError(colours)
    view, turn = _view_of_jpeg(content, full_width, full_height, frame)
    # Halves, quarters and eighths: the scales between are slower than no scaling, for want of vector instructions.
    part = next((p for p in (8, 4, 2) if full_width >= p * view.needed[0] and full_height >= p * view.needed[1]), 1)
    with _patience(full_width * full_height):
        pixels = simplejpeg.decode_jpeg(
            content,
            "RGB",
            fastdct=False,  # the two fast ways differ from every other decoder, by up to 0.2 of a probability
            fastupsample=False,
            min_width=-(-full_width // part),
            min_height=-(-full_height // part),
        )  # (h, w, 3) uint8
    # libjpeg rounds a scaled size up, so that the last row and column may be partly made up.
    return _fit(Image.fromarray(pixels), view, (full_width / part, full_height / part), turn)


def _render_any(content: bytes, kind: str, frame: Frame, limits: ItemLimits) -> tuple[Image.Image, View]:
    """The road for every format: Pillow."""
    if size := pillow.header_size(content, kind):
        _check_size(*size, kind, limits)
    image = pillow.open_image(content, kind)
    _check_size(*image.size, kind, limits)
    with _patience(image.width * image.height):
        if kind == "jpeg":
            view, turn = _view_of_jpeg(content, *image.size, frame)
            drafted = image.draft(None, view.needed)  # decoded at the smallest scale that has the view
            seen = drafted[1][2:] if drafted else image.size
            image.load()
        else:
            image.load()  # only now is everything known: Pillow has turned a TIFF, and read a PNG to its end
            turn = 1 if kind == "tiff" else orientation.of_exif(image.info.get("exif") or b"")
            view, seen = _stored_view(*image.size, turn, frame), image.size
        factor = max(1, int(view.reduction * seen[0] / view.whole_width / 2))
        rgb = pillow.to_rgb(image, factor)
    return _fit(rgb, view, (seen[0] / factor, seen[1] / factor), turn)


def _fit(image: Image.Image, view: View, whole: tuple[float, float], turn: int) -> tuple[Image.Image, View]:
    """Cut the view out of ``image``, resize it and turn it upright, and the view with it.

    ``whole`` is the width and height of the whole picture in pixels of ``image``, which may have made up a fraction
    of its last row and column.
    """
    scale_x, scale_y = whole[0] / view.whole_width, whole[1] / view.whole_height
    left, right = _middle(whole[0], view.box_width * scale_x)
    top, bottom = _middle(whole[1], view.box_height * scale_y)
    resized = image.resize((view.width, view.height), Image.Resampling.HAMMING, box=(left, top, right, bottom))
    upright = resized.transpose(_UPRIGHT[turn]) if turn in _UPRIGHT else resized
    return upright, view.turned() if turn >= _LYING else view


def _middle(whole: float, part: float) -> tuple[float, float]:
    margin = max(0.0, (whole - part) / 2)
    return margin, whole - margin


def _box(full_width: int, full_height: int, width: int, height: int, crop: float, zoom: float) -> View:
    scale = min(full_width / width, full_height / height)
    box_width = full_width ** (1 - crop) * (width * scale) ** crop * zoom
    box_height = full_height ** (1 - crop) * (height * scale) ** crop * zoom
    return View(full_width, full_height, box_width, box_height, width, height)


def _stored_view(width: int, height: int, turn: int, frame: Frame) -> View:
    """The view in the coordinates of the stored picture, of this width and height."""
    return frame(height, width).turned() if turn >= _LYING else frame(width, height)


def _view_of_jpeg(content: bytes, width: int, height: int, frame: Frame) -> tuple[View, int]:
    """The same of a JPEG, and its orientation.

    Every scan of a progressive one visits the whole picture: a few kilobytes could keep a processor for hours.
    """
    turn, progressive, _ = orientation.of_jpeg(content)
    if progressive and (scans := content.count(b"\xff\xda")) * width * height > _MAX_SCANNED_PIXELS:
        raise ItemError(
            "too_large",
            f"The picture has {width * height / 1e6:.1f} megapixels in {scans} scans.",
            "Save it again as a plain JPEG.",
        )
    return _stored_view(width, height, turn, frame), turn


def _patience(pixels: int) -> threading.Lock | nullcontext[None]:
    """Large pictures are decoded one at a time, so that memory does not grow with the number of threads."""
    return _one_large_at_a_time if pixels > _LARGE else nullcontext()


def _check_size(width: int, height: int, kind: str, limits: ItemLimits) -> None:
    if max(width, height) > limits.side:
        raise ItemError(
            "too_large",
            f"The picture is {width:,} x {height:,} pixels; the limit of a side is {limits.side:,}.",
            "Cut it into parts.",
        )
    if width * height > _most_pixels(kind, limits):
        raise _too_large(kind, limits, width, height)


def _most_pixels(kind: str, limits: ItemLimits) -> int:
    return min(limits.pixels, _FEWER_PIXELS.get(kind, limits.pixels))


def _too_large(kind: str, limits: ItemLimits, width: int = 0, height: int = 0) -> ItemError:
    size = f"{width:,} x {height:,} pixels" if width else "far larger than its header says"
    most = _most_pixels(kind, limits)
    limit = f"{most / 1e6:g} megapixels" + (f" for {kind.upper()}" if most < limits.pixels else "")
    return ItemError(
        "too_large", f"The picture is {size}; the limit is {limit}.", "Make it smaller, or save it as JPEG."
    )


def _broken(content: bytes, kind: str, error: Exception) -> ItemError:
    found = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
    if "truncated" in found.lower() or _is_cut(content, kind):
        return ItemError(
            "truncated",
            f"The {kind.upper()} picture is cut short after {len(content)} bytes.",
            "Copy or download it again.",
        )
    if _is_unsupported(content, kind, error):
        return ItemError(
            "not_supported", f"The {kind.upper()} picture is of a variety that cannot be read: {found}.", SAVE_AS
        )
    return ItemError("corrupt", f"The {kind.upper()} picture is damaged: {found}.", "Copy or download it again.")


def _is_unsupported(content: bytes, kind: str, error: Exception) -> bool:
    """Whether a decoder declined a file in which nothing is wrong, of a variety that it does not know."""
    if kind == "jpeg" and orientation.of_jpeg(content).coding not in _READ_CODINGS:
        return True
    if kind == "tiff" and isinstance(error, KeyError):
        return True
    return bool(_UNSUPPORTED.search(str(error)))


def _is_cut(content: bytes, kind: str) -> bool:
    """Whether a picture that cannot be decoded lacks its end."""
    match kind:
        case "jpeg":
            return b"\xff\xd9" not in content[-1024:]
        case "png":
            return b"IEND" not in content[-1024:]
        case "gif":
            return not content.rstrip(b"\0").endswith(b";")
        case "webp":
            return int.from_bytes(content[4:8], "little") + 8 > len(content)
        case "bmp":
            return int.from_bytes(content[2:6], "little") > len(content)
        case "pnm" | "heic" | "avif":
            return False
        case _:
            try:
                return pillow.tiff_extent(content) > len(content)
            except Exception:  # the directory may be what was cut off
                order = "<" if content.startswith(b"II") else ">"
                start = struct.unpack_from(order + "I", content.ljust(8, b"\xff"), 4)[0]
                count = struct.unpack_from(order + "H", content, start)[0] if start + 2 <= len(content) else 0
                return bool(start + 2 + 12 * count > len(content))
