"""Large pictures are divided before a graph sees them: the same few lines here, in the example, and in JavaScript."""

from __future__ import annotations

from graft.contracts import Array

MAX_PIXELS = 2_000_000
"""Above this many pixels a picture is divided."""


def factor_for(height: int, width: int) -> int:
    """The least whole factor ``f`` with ``(height // f) * (width // f)`` of at most ``MAX_PIXELS``."""
    factor = 1
    while (height // factor) * (width // factor) > MAX_PIXELS:
        factor += 1
    return factor


def divided(pixels: Array) -> Array:
    """The picture as a graph takes it.

    With ``f = factor_for(height, width)`` the result has ``height // f`` rows and ``width // f`` columns; each of its
    values is the mean of ``f x f`` pixels, rounded half up: ``floor(mean + 0.5)``. The rows and columns that are left
    over stay out, ``(height % f) // 2`` of them above and ``(width % f) // 2`` on the left.

    Args:
        pixels: ``(height, width, 3) uint8``, upright.
    """
    height, width, _ = pixels.shape
    f = factor_for(height, width)
    if f == 1:
        return pixels
    top, left = height % f // 2, width % f // 2
    part = pixels[top : top + height // f * f, left : left + width // f * f].astype("uint32")
    sums = part.reshape(height // f, f, width // f, f, 3).sum(axis=(1, 3), dtype="uint32")
    means: Array = ((2 * sums + f * f) // (2 * f * f)).astype("uint8")
    return means
