"""Pillow's resizing as plain operations of a graph: for each axis a matrix of weights that depends on the size.

Resizing with antialiasing is linear along each axis. Pillow works out the weights in float64, keeps them as whole
multiples of 2 ** -22, goes along rows first, rounds and clips, and then goes along columns. The operator Resize differs
from it by up to 0.29 of a probability; this does by no more than rounding at the edge of a step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL.Image import Resampling

if TYPE_CHECKING:
    from graft.export.graph import OnnxGraph

STEPS = np.float32(1 << 22)
"""Pillow's weights are multiples of one part in so many."""


class Span(NamedTuple):
    """A part of one axis, in pixels.

    Attributes:
        size: Length of the axis ``() int64``.
        low: Where the part begins ``() float64``; ``high``: where it ends.
    """

    size: str
    low: str
    high: str


class ResizeFilter(NamedTuple):
    """A filter of Pillow's: how far it reaches, and its value at a distance ``>= 0 float32``, 0 beyond its reach."""

    reach: float
    value: Callable[[OnnxGraph, str], str]


def size_of(graph: OnnxGraph, pixels: str, axis: int) -> str:
    """Length of an axis ``() int64``."""
    return graph.add("Gather", graph.add("Shape", pixels), np.int64(axis), axis=0)


def resized(
    graph: OnnxGraph, planes: str, spans: tuple[Span, Span], size: tuple[str | int, str | int], kind: int
) -> str:
    """Part of pictures at another size.

    Args:
        graph: Where it is added.
        planes: ``(n, 3, h, w) uint8``.
        spans: Which part of the rows, and of the columns.
        size: Height and width of the result, each known or a tensor ``() int64``.
        kind: Pillow's number of the filter.

    Returns:
        ``(n, 3, height, width) float32``, whole numbers from 0 to 255.
    """
    first, last, down = _weights(graph, spans[0], size[0], kind)
    left, right, across = _weights(graph, spans[1], size[1], kind)
    starts = graph.add("Concat", first, left, axis=0)
    ends = graph.add("Concat", last, right, axis=0)
    part = graph.cast(graph.add("Slice", planes, starts, ends, np.array([2, 3], np.int64)), "float32")
    narrow = _rounded(graph, graph.add("MatMul", part, across))
    return _rounded(graph, graph.add("MatMul", graph.add("Transpose", down, perm=[1, 0]), narrow))


def _rounded(graph: OnnxGraph, values: str) -> str:
    whole = graph.add("Floor", graph.add("Add", values, np.float32(0.5)))
    return graph.add("Clip", whole, np.float32(0), np.float32(255))


def _weights(graph: OnnxGraph, span: Span, length: str | int, kind: int) -> tuple[str, str, str]:
    """The pixels that are looked at, from and up to ``(1,) int64``, and the weights ``(pixels, length) float32``."""
    filtered = FILTERS[Resampling(kind)]
    # Pillow takes the edges of the box as float32, and their distance too.
    low, high = (graph.cast(edge, "float32") for edge in (span.low, span.high))
    extent = graph.cast(graph.add("Sub", high, low), "float64")
    low, high = graph.cast(low, "float64"), graph.cast(high, "float64")
    count = graph.constant(np.int64(length)) if isinstance(length, int) else length
    scale = graph.add("Div", extent, graph.cast(count, "float64"))
    stretch = graph.add("Max", scale, np.float64(1))
    reach = graph.add("Mul", stretch, np.float64(filtered.reach))
    end = graph.cast(span.size, "float64")
    first = graph.cast(graph.add("Max", graph.add("Floor", graph.add("Sub", low, reach)), np.float64(0)), "int64")
    last = graph.cast(graph.add("Min", graph.add("Ceil", graph.add("Add", high, reach)), end), "int64")
    pixels = graph.cast(graph.add("Range", first, last, np.int64(1)), "float64")
    steps = graph.cast(graph.add("Range", np.int64(0), count, np.int64(1)), "float64")
    centres = graph.add("Add", graph.add("Mul", graph.add("Add", steps, np.float64(0.5)), scale), low)
    column = graph.add("Unsqueeze", graph.add("Add", pixels, np.float64(0.5)), np.array([1], np.int64))
    distance = graph.add("Div", graph.add("Abs", graph.add("Sub", column, centres)), stretch)
    values = filtered.value(graph, graph.cast(distance, "float32"))
    shares = graph.add("Div", values, graph.total(values, axis=0))
    kept = graph.add("Floor", graph.add("Add", graph.add("Mul", graph.add("Abs", shares), STEPS), np.float32(0.5)))
    weights = graph.add("Mul", graph.add("Mul", kept, graph.add("Sign", shares)), np.float32(1) / STEPS)
    one = np.array([1], np.int64)
    return graph.add("Reshape", first, one), graph.add("Reshape", last, one), weights


def _hamming(graph: OnnxGraph, x: str) -> str:
    """``sin(pi x) / (pi x) * (0.54 + 0.46 cos(pi x))`` below 1."""
    angle = graph.add("Mul", graph.add("Min", x, np.float32(1)), np.float32(math.pi))
    window = graph.add("Add", graph.add("Mul", graph.add("Cos", angle), np.float32(0.46)), np.float32(0.54))
    return _within(graph, x, 1, graph.add("Mul", _sinc(graph, angle), window))


def _sinc(graph: OnnxGraph, angle: str) -> str:
    """``sin(angle) / angle``; 1 at 0, as float32 has it next to 0 too."""
    safe = graph.add("Max", angle, np.float32(1e-6))
    return graph.add("Div", graph.add("Sin", safe), safe)


def _within(graph: OnnxGraph, x: str, reach: float, value: str) -> str:
    return graph.add("Where", graph.add("Less", x, np.float32(reach)), value, np.float32(0))


FILTERS: Mapping[Resampling, ResizeFilter] = {Resampling.HAMMING: ResizeFilter(1.0, _hamming)}
"""Those that can be rebuilt."""
