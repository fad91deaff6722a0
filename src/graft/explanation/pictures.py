"""Pictures: squares of what the network sees are covered, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from graft.contracts import Array, Box, Encoder, ItemLimits
from graft.explanation.explanation import Squares
from graft.explanation.variants import Variants

SIDE = 7
"""Squares along each side: as fine as the last layers of the usual networks see."""


def variants(encoder: Encoder, content: bytes, limits: ItemLimits) -> Variants:
    """A picture with each of its ``SIDE`` x ``SIDE`` squares covered.

    A square is filled with the mean colour of what the network sees. Where several networks look at different parts of
    the picture, squares are those of the first, and the same part is covered for all.

    Raises:
        ItemError: It cannot be read.
    """
    prepared = encoder.prepare(content, limits)
    aspect = prepared.statistics.get("width", 1.0) / prepared.statistics.get("height", 1.0)
    views = prepared.views or ((0.0, 0.0, 1.0, 1.0),)

    def value(place: int) -> Any:
        return _covered(prepared.value, iter(views), square(views[0], place - 1)) if place else prepared.value

    return Variants(
        "squares",
        SIDE * SIDE,
        value,
        lambda effects: Squares(np.array(effects, np.float32).reshape(SIDE, SIDE), views[0], aspect),
    )


def square(view: Box, place: int) -> Box:
    """A square of a view, counted row by row, in shares of the picture."""
    row, column = divmod(place, SIDE)
    left, top, right, bottom = view
    width, height = (right - left) / SIDE, (bottom - top) / SIDE
    return left + column * width, top + row * height, left + (column + 1) * width, top + (row + 1) * height


def _covered(value: Any, views: Iterator[Box], part: Box) -> Any:
    """The same input with a part covered: an array ``(h, w, 3)``, or a tuple of such, for each network one."""
    if isinstance(value, tuple):
        return tuple(_covered(one, views, part) for one in value)
    return _without(value, next(views, (0.0, 0.0, 1.0, 1.0)), part)


def _without(pixels: Array, view: Box, part: Box) -> Array:
    height, width = pixels.shape[:2]
    left, top, right, bottom = view
    columns = slice(*(_pixel(edge, left, right, width) for edge in (part[0], part[2])))
    rows = slice(*(_pixel(edge, top, bottom, height) for edge in (part[1], part[3])))
    covered = pixels.copy()
    covered[rows, columns] = np.rint(pixels.mean(axis=(0, 1))).astype(pixels.dtype)
    return covered


def _pixel(edge: float, begin: float, end: float, size: int) -> int:
    return min(max(round((edge - begin) / (end - begin) * size), 0), size)
