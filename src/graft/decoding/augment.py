"""Views of prepared items that show the same thing a little otherwise, in numpy: more examples, where there are few.

Every view follows from the item, the seed and its number, so that what was made of it can be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from graft.contracts import Array, Float32

LEAST_CROP = 0.8
"""Of each side, this part is seen at least."""
MOST_TURN = 10.0
"""Degrees, to either side."""
LIGHT = 0.2
"""Brightness, contrast and colour are multiplied by 1 plus or minus so much at most."""
LOUDEST_NOISE, FAINTEST_NOISE = 15.0, 40.0
"""Decibels that noise lies below a sound."""
MOST_GAIN = 6.0
"""Decibels, up or down."""
MOST_SHIFT = 0.1
"""Of the length of a sound."""
MASKED_BANDS, MASKED_FRAMES = 0.1, 0.1
"""Of all bands, and of the frames with sound, a mask covers so many at most (SpecAugment: Park et al., Interspeech
2019; shares instead of counts, since recordings are short)."""
MASKS = 1
"""Of either kind. With two of twice the width the nearest neighbour of a spoken digit was another digit in a quarter of
all cases, with one of this width in no more than without."""

_QUIET = 0.5
"""Mel frames whose mean is within this of the least one hold nothing (1 is 10 dB)."""


def views(value: Any, modality: str, count: int, seed: int, flips: bool = True) -> list[Any]:
    """Views of one prepared item, of its type and shape.

    A tuple of windows, as encoders from the hub take it, is seen window by window. Of texts there are none: what leaves
    the meaning of a short text alone is not known without a network.

    Args:
        value: What an encoder's ``prepare`` gives: a picture ``(h, w, 3) uint8``, samples ``(s,) float32`` or mel
            frames ``(t, bands) float32`` in tens of decibels.
        modality: ``"image"``, ``"audio"`` or ``"text"``.
        count: How many.
        seed: The same seed gives the same views; the first of many are those of few.
        flips: Whether pictures may be mirrored; not where left and right tell classes apart.
    """
    if modality not in _KINDS:
        return []
    return [_view(value, modality, flips, np.random.default_rng([seed, number])) for number in range(count)]


def _view(value: Any, modality: str, flips: bool, chance: np.random.Generator) -> Any:
    if isinstance(value, tuple):
        return tuple(_view(window, modality, flips, chance) for window in value)
    return _KINDS[modality](value, flips, chance)


def see(picture: Array, *, flipped: bool, zoom: float, turn: float, right: float, down: float) -> Array:
    """A part of a picture ``(h, w, 3) uint8`` at the picture's size; beyond its borders it is mirrored.

    Args:
        picture: The whole.
        flipped: Whether left and right change places.
        zoom: Part of each side that is seen, in (0, 1].
        turn: Degrees.
        right: How far the middle of what is seen lies to the right of the picture's, in half sides.
        down: How far below it.
    """
    height, width = picture.shape[:2]
    y, x = np.meshgrid(_places(height), _places(width), indexing="ij", sparse=True)
    cosine, sine = np.cos(np.radians(turn)) * zoom, np.sin(np.radians(turn)) * zoom
    x = x * (-1 if flipped else 1)
    row = ((cosine * y - sine * x + down) + 1) * height / 2 - 0.5
    column = ((sine * y * height + cosine * x * width) / width + right + 1) * width / 2 - 0.5
    return _sampled(picture, row.astype(np.float32), column.astype(np.float32))


def relight(picture: Array, brightness: float, contrast: float, colour: float) -> Array:
    """A picture ``(h, w, 3) uint8`` whose light, distance from mean grey and distance from its own greys are scaled."""
    x = picture.astype(np.float32) * np.float32(brightness)
    grey = x @ np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
    x = grey[..., None] + np.float32(colour) * (x - grey[..., None])
    x = grey.mean() + np.float32(contrast) * (x - grey.mean())
    return np.asarray(np.clip(np.rint(x), 0, 255), np.uint8)


def add_noise(samples: Float32, decibels: float, chance: np.random.Generator) -> Float32:
    """Samples ``(s,) float32`` with white noise so many decibels below their mean energy."""
    level = np.sqrt(np.square(samples, dtype=np.float64).mean()) * 10 ** (-decibels / 20)
    return np.asarray(samples + np.float32(level) * chance.standard_normal(len(samples), np.float32), np.float32)


def mask(mel: Float32, chance: np.random.Generator) -> Float32:
    """Mel frames ``(t, bands) float32`` with bands and stretches of the sound at their mean.

    The frames of silence that stand about the sound are no part of what is covered in time.
    """
    masked = mel.copy()
    loudness = mel.mean(axis=1)
    sounding = np.flatnonzero(loudness > loudness.min() + _QUIET)
    first, last = (int(sounding[0]), int(sounding[-1]) + 1) if len(sounding) else (0, len(mel))
    fill = mel[first:last].mean()
    for _ in range(MASKS):
        start, stop = _stretch(mel.shape[1], MASKED_BANDS, chance)
        masked[first:last, start:stop] = fill
        start, stop = _stretch(last - first, MASKED_FRAMES, chance)
        masked[first + start : first + stop] = fill
    return masked


def _picture(picture: Array, flips: bool, chance: np.random.Generator) -> Array:
    zoom = chance.uniform(LEAST_CROP, 1)
    right, down = chance.uniform(zoom - 1, 1 - zoom, 2)
    flipped = bool(chance.random() < 0.5) and flips
    seen = see(picture, flipped=flipped, zoom=zoom, turn=chance.uniform(-MOST_TURN, MOST_TURN), right=right, down=down)
    return relight(seen, *chance.uniform(1 - LIGHT, 1 + LIGHT, 3))


def _sound(value: Float32, flips: bool, chance: np.random.Generator) -> Float32:
    if value.ndim == 2:
        gain = chance.uniform(-MOST_GAIN, MOST_GAIN) / 10
        return mask(value + np.float32(gain), chance)
    shift = round(chance.uniform(-MOST_SHIFT, MOST_SHIFT) * len(value))
    moved = np.zeros_like(value)
    moved[max(0, shift) : len(value) + min(0, shift)] = value[max(0, -shift) : len(value) - max(0, shift)]
    louder = np.float32(10 ** (chance.uniform(-MOST_GAIN, MOST_GAIN) / 20))
    return louder * add_noise(moved, chance.uniform(LOUDEST_NOISE, FAINTEST_NOISE), chance)


_KINDS: Mapping[str, Callable[[Any, bool, np.random.Generator], Any]] = {"image": _picture, "audio": _sound}


def _places(n: int) -> Float32:
    """The middles of ``n`` pixels, from -1 to 1."""
    return np.asarray((np.arange(n) + 0.5) * (2 / n) - 1, np.float32)


def _sampled(picture: Array, row: Float32, column: Float32) -> Array:
    """Bilinear: ``row`` and ``column`` ``(h, w) float32`` are counted in pixels."""
    height, width = picture.shape[:2]
    top, left = np.floor(row), np.floor(column)
    below, beyond = (row - top)[..., None], (column - left)[..., None]
    flat = picture.reshape(-1, picture.shape[2])
    rows = [_mirrored(top.astype(np.int32) + step, height) * width for step in (0, 1)]
    columns = [_mirrored(left.astype(np.int32) + step, width) for step in (0, 1)]
    upper = flat[rows[0] + columns[0]] * (1 - beyond) + flat[rows[0] + columns[1]] * beyond
    lower = flat[rows[1] + columns[0]] * (1 - beyond) + flat[rows[1] + columns[1]] * beyond
    return np.asarray(np.rint(upper * (1 - below) + lower * below), np.uint8)


def _mirrored(place: Array, n: int) -> Array:
    """Places beyond the first and last of ``n``, counted back from them."""
    place = place % (2 * n)
    return np.asarray(np.minimum(place, 2 * n - 1 - place))


def _stretch(n: int, most: float, chance: np.random.Generator) -> tuple[int, int]:
    length = int(chance.integers(0, max(1, int(most * n)) + 1))
    start = int(chance.integers(0, max(1, n - length + 1)))
    return start, start + length
