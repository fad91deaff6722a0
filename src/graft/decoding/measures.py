"""What is measured on every item when it is decoded, for judging its quality and for finding spurious cues."""

from __future__ import annotations

import math
import re
from importlib.util import find_spec

import numpy as np
from PIL import Image

from graft.contracts import Array, Float32
from graft.decoding.formats import HEAD, sniff

MEASURES = "2"
"""Raised whenever an item would be measured otherwise: part of every encoder's ``fingerprint``, not of ``version``."""

MEASURES_OF_PICTURES = MEASURES if find_spec("simplejpeg") else f"{MEASURES}:pillow"
"""The same of encoders of pictures: where Pillow alone decodes JPEG, a pixel here and there is another one."""

DECODING = "2"
"""Raised whenever the file of a picture would give other pixels: part of the ``version`` of all that looks at them."""

OF_PICTURES = (
    "brightness", "sharpness", "width", "height", "luma_5", "luma_99", "contrast", "entropy", "saturation",
    "saturation_max", "red", "green", "blue", "border_red", "border_green", "border_blue", "border_spread", "bytes",
    "format",
)  # fmt: skip
OF_TEXTS = ("characters", "tokens", "windows", "read", "words", "letters", "digits", "upper", "lines", "links", "ascii")
OF_RECORDINGS = (
    "seconds", "rate", "channels", "peak", "rms", "clipped", "read", "silence", "noise", "bandwidth", "bytes", "format",
)  # fmt: skip

_COLOURS, _COLOURS_OF_BORDER = ("red", "green", "blue"), ("border_red", "border_green", "border_blue")

FORMATS = (
    "other", "jpeg", "png", "gif", "webp", "bmp", "tiff", "wav", "flac", "ogg", "mp3", "aiff", "au", "caf", "w64",
    "pnm", "heic", "avif",
)  # fmt: skip
"""Types of file by their code, the number in the statistic ``format``. New ones come to the end."""

FAINTEST = -120.0
"""Decibels that stand for no sound at all."""

_CELLS = 28
"""Colours are taken from so many cells along the shorter side of what the encoder sees."""
_BORDER = 14
"""One part in so many on each side is border."""
_LONGEST = 1 << 16
"""Characters of a text that are looked at."""
_LINK = re.compile(r"https?://|\bwww\.", re.IGNORECASE)
_QUIET = 1e-5
"""A part with less than this share of the energy of the loudest is silent: 50 dB below it."""
_INAUDIBLE = 1e-8
"""So is one with less energy than this, full scale being 1: -80 dB."""
_BAND = 1e-6
"""What has less than this share of the power of the strongest frequency does not belong to the band: 60 dB below it."""
_FRAME = 256
_MOST_FRAMES = 2000


def of_file(content: bytes) -> dict[str, float]:
    """``bytes`` and ``format``: the size of a file, and the number of its type in ``FORMATS``."""
    kind = sniff(content[:HEAD])
    return {"bytes": float(len(content)), "format": float(FORMATS.index(kind)) if kind in FORMATS else 0.0}


def of_picture(image: Image.Image, content: bytes, width: int, height: int) -> dict[str, float]:
    """What is measured on a picture, as the encoder sees it: cropped and resized.

    Args:
        image: RGB, upright.
        content: The file's bytes.
        width: Of the whole upright picture in pixels.
        height: Likewise.

    Returns:
        ``brightness`` and ``contrast`` (mean and standard deviation of the luma, full scale 1), ``luma_5`` and
        ``luma_99`` (its percentiles, 0 to 1), ``entropy`` (of its histogram, 0 to 8 bits), ``sharpness`` (variance of
        the Laplacian of the luma, 0 to 255), ``saturation`` and ``saturation_max`` (mean over the parts of the picture
        and largest of the difference between strongest and weakest primary, 0 to 1), ``red``, ``green``, ``blue`` (mean
        colour, 0 to 1), ``border_red``, ``border_green``, ``border_blue`` (that of the border), ``border_spread`` (the
        border's standard deviation, 0 for a plain one), ``width``, ``height``, ``bytes`` and ``format`` (number in
        ``FORMATS``).
    """
    luma = image.convert("L")
    return {
        **_of_luma(np.array(luma.histogram(), np.float64)),
        "sharpness": _sharpness(np.asarray(luma)),
        **_of_colours(np.asarray(image.reduce(max(1, min(image.size) // _CELLS)))),
        "width": float(width),
        "height": float(height),
        **of_file(content),
    }


def of_text(text: str) -> dict[str, float]:
    """What is measured on a text beside its tokens; of a very long one, on its beginning.

    Returns:
        ``characters``, ``words`` (between white space), ``lines``, ``links`` (to web pages), ``letters`` and ``digits``
        (shares of the characters that are no white space), ``upper`` (share of capitals among the letters) and
        ``ascii`` (share of characters that every keyboard has).
    """
    part = text[:_LONGEST]
    words = part.split()
    dense = "".join(words)
    letters = sum(map(str.isalpha, dense))
    n, longer = max(1, len(dense)), len(text) / max(1, len(part))
    return {
        "characters": float(len(text)),
        "words": float(round(len(words) * longer)),
        "letters": letters / n,
        "digits": sum(map(str.isdigit, dense)) / n,
        "upper": sum(map(str.isupper, dense)) / max(1, letters),
        "lines": float(round((part.strip().count("\n") + 1) * longer)),
        "links": float(len(_LINK.findall(part))),
        "ascii": 1.0 if dense.isascii() else sum(map(str.isascii, dense)) / n,
    }


def of_sound(samples: Float32, rate: int) -> dict[str, float]:
    """What is measured on a recording as the encoder hears it: one channel ``(s,) float32``, ``rate`` samples a second.

    Returns:
        ``silence`` (share of its hundredths of a second that are 50 dB below the loudest or cannot be heard), ``noise``
        (level that a tenth of them stay below: decibels, full scale 0) and ``bandwidth`` (highest frequency in Hz with
        a millionth of the power of the strongest).
    """
    energy = _energy(samples, max(1, rate // 100))
    quiet = energy < max(_QUIET * float(energy.max()), _INAUDIBLE)
    floor = float(np.partition(energy, len(energy) // 10)[len(energy) // 10])
    return {
        "silence": float(quiet.mean()),
        "noise": max(FAINTEST, 10 * math.log10(floor)) if floor > 0 else FAINTEST,
        "bandwidth": _bandwidth(samples, rate),
    }


def _of_luma(counts: Array) -> dict[str, float]:
    """From the histogram ``(256,)``."""
    share = counts / counts.sum()
    mean = float(share @ _LEVELS)
    below = np.cumsum(share)
    some = share[share > 0]
    return {
        "brightness": mean / 255,
        "contrast": math.sqrt(max(0.0, float(share @ _SQUARES) - mean * mean)) / 255,
        "luma_5": float(np.searchsorted(below, 0.05)) / 255,
        "luma_99": float(np.searchsorted(below, 0.99)) / 255,
        "entropy": max(0.0, -float(some @ np.log2(some))),
    }


_LEVELS = np.arange(256.0)
_SQUARES = _LEVELS**2


def _sharpness(luma: Array) -> float:
    """Variance of the Laplacian of ``(h, w) uint8``.

    Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000; of every second row: that changes
    it little and halves its cost.
    """
    if min(luma.shape) < 3:
        return 0.0
    v = luma.astype(np.int16)
    laplacian = (v[1:-1:2, 1:-1] << 2) - v[:-2:2, 1:-1] - v[2::2, 1:-1] - v[1:-1:2, :-2] - v[1:-1:2, 2:]
    edges = laplacian.astype(np.float32).ravel()
    return max(0.0, float(edges @ edges) / edges.size - float(edges.mean()) ** 2)


def _of_colours(cells: Array) -> dict[str, float]:
    """From the colours ``(h, w, 3) uint8`` of the parts of the picture."""
    height, width, _ = cells.shape
    planes = np.ascontiguousarray(cells.reshape(-1, 3).T)
    span = np.maximum(np.maximum(planes[0], planes[1]), planes[2])
    span -= np.minimum(np.minimum(planes[0], planes[1]), planes[2])
    edge = max(1, min(height, width) // _BORDER)
    border = np.concatenate(_rim(planes.reshape(3, height, width), edge), axis=1).astype(np.float32)
    around = border.sum(axis=1) / border.shape[1]
    away = (border - around[:, None]).ravel()
    return {
        "saturation": float(span.sum()) / (255 * span.size),
        "saturation_max": float(span.max()) / 255,
        **dict(zip(_COLOURS, (planes.sum(axis=1) / (255 * height * width)).tolist(), strict=True)),
        **dict(zip(_COLOURS_OF_BORDER, (around / 255).tolist(), strict=True)),
        "border_spread": math.sqrt(float(away @ away) / away.size) / 255,
    }


def _rim(planes: Array, edge: int) -> list[Array]:
    """The four sides of ``(3, h, w)``, each ``(3, cells)``."""
    _, height, width = planes.shape
    inner = slice(edge, max(edge, height - edge))
    sides = (
        planes[:, :edge],
        planes[:, inner.stop :],
        planes[:, inner, :edge],
        planes[:, inner, max(edge, width - edge) :],
    )
    return [side.reshape(3, -1) for side in sides]


def _energy(samples: Float32, hop: int) -> Float32:
    """Mean square of each ``hop`` samples."""
    n = len(samples) // hop
    parts = samples[: n * hop].reshape(n, hop) if n else samples[None]
    return np.asarray(np.einsum("ij,ij->i", parts, parts) / parts.shape[1], np.float32)


def _bandwidth(samples: Float32, rate: int) -> float:
    n = len(samples) // _FRAME
    parts = samples[: n * _FRAME].reshape(n, _FRAME) if n else np.pad(samples, (0, _FRAME - len(samples)))[None]
    parts = parts[:: -(-len(parts) // _MOST_FRAMES)]
    power = np.square(np.abs(np.fft.rfft(parts * _HANN, axis=1))).sum(axis=0)[2:]  # without a constant
    heard = np.flatnonzero(power > _BAND * power.max())
    return float((heard[-1] + 2) * rate / _FRAME) if len(heard) else 0.0


_HANN = np.hanning(_FRAME).astype(np.float32)
