"""Pillow's resizing as plain operations of a graph: for each axis a matrix of weights that depends on the size.

Resizing with antialiasing is linear along each axis. Pillow works out the weights in float64, keeps them as whole
multiples of 2 ** -22, goes along rows first, rounds and clips, and then goes along columns. The operator Resize does
none of that; what is here differs from Pillow by no more than rounding at the edge of a step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL.Image import Resampling

from graft.export.vectors import one

if TYPE_CHECKING:
    from graft.export.graph import OnnxGraph

STEPS = np.float32(1 << 22)
"""Pillow's weights are multiples of one part in so many."""
PI = np.float32(math.pi)
BANDS = 7
"""Parts of the result along an axis: each looks at its own part of the picture, so that fewer zeros are multiplied."""


class Span(NamedTuple):
    """A part of one axis, in pixels.

    Attributes:
        size: Length of the axis ``() int64``.
        low: Where the part begins ``() float64``; ``high``: where it ends.
    """

    size: str
    low: str
    high: str


class Resizing(NamedTuple):
    """A resizing along one axis.

    Attributes:
        length: Of the result, known or a tensor ``() int64``.
        kind: Pillow's number of the filter.
    """

    length: int | str
    kind: int


class Axis(NamedTuple):
    """What becomes of one axis: part of it is resized, in one step or several, and a part of the result is kept.

    Between two steps nothing is rounded, which Pillow does; what has as many pixels as before stays as it is.

    Attributes:
        span: Which part.
        steps: To which lengths.
        begin: From which pixel of the last length on is kept, known or a tensor ``() int64``.
        kept: How many are kept; ``None`` for all.
    """

    span: Span
    steps: tuple[Resizing, ...]
    begin: int | str = 0
    kept: int | None = None


class _Band(NamedTuple):
    """The pixels that some of the result look at, from and up to ``(1,) int64``, and weights ``(pixels, some)``."""

    first: str
    last: str
    weights: str


class ResizeFilter(NamedTuple):
    """A filter of Pillow's: how far it reaches, and its value at a distance ``>= 0 float32`` below that."""

    reach: float
    value: Callable[[OnnxGraph, str], str]


def size_of(graph: OnnxGraph, pixels: str, axis: int) -> str:
    """Length of an axis ``() int64``."""
    return graph.add("Gather", graph.add("Shape", pixels), np.int64(axis), axis=0)


def resized(graph: OnnxGraph, pixels: str, rows: Axis, columns: Axis) -> str:
    """Part of pictures at another size.

    Args:
        graph: Where it is added.
        pixels: ``(n, h, w, 3)``, of any type.
        rows: What becomes of the rows.
        columns: What becomes of the columns.

    Returns:
        ``(n, 3, height, width) float32``, whole numbers from 0 to 255.
    """
    down, across = _bands(graph, rows), _bands(graph, columns)
    high = _slice(graph, pixels, down[0].first, down[-1].last, axis=1)
    part = _slice(graph, high, across[0].first, across[-1].last, axis=2)
    planes = graph.cast(graph.add("Transpose", part, perm=[0, 3, 1, 2]), "float32")
    narrow = [graph.add("MatMul", _seen(graph, planes, band, across[0].first, axis=3), band.weights) for band in across]
    planes = _rounded(graph, _side_by_side(graph, narrow, axis=3))
    low = [
        graph.add(
            "MatMul",
            graph.add("Transpose", band.weights, perm=[1, 0]),
            _seen(graph, planes, band, down[0].first, axis=2),
        )
        for band in down
    ]
    return _rounded(graph, _side_by_side(graph, low, axis=2))


def _seen(graph: OnnxGraph, planes: str, band: _Band, begin: str, axis: int) -> str:
    """What a band looks at, of planes that begin with the pixel ``begin`` of an axis."""
    first, last = (graph.add("Sub", edge, begin) for edge in band[:2])
    return _slice(graph, planes, first, last, axis)


def _slice(graph: OnnxGraph, planes: str, first: str, last: str, axis: int) -> str:
    return graph.add("Slice", planes, first, last, one(axis))


def _side_by_side(graph: OnnxGraph, parts: list[str], axis: int) -> str:
    return graph.add("Concat", *parts, axis=axis) if len(parts) > 1 else parts[0]


def _rounded(graph: OnnxGraph, values: str) -> str:
    whole = graph.add("Floor", graph.add("Add", values, np.float32(0.5)))
    return graph.add("Clip", whole, np.float32(0), np.float32(255))


def _bands(graph: OnnxGraph, axis: Axis) -> list[_Band]:
    """Weights for what is kept of an axis; where its length is known in several parts."""
    length = axis.steps[-1].length
    if axis.kept is None and isinstance(length, str):
        return [_chained(graph, axis, (graph.constant(np.int64(0)), length))]
    count = length if axis.kept is None else axis.kept
    assert isinstance(count, int)
    bounds = sorted({count * band // BANDS for band in range(BANDS + 1)})
    edges = [_whole(graph, axis.begin, bound) for bound in bounds]
    return [_chained(graph, axis, part) for part in pairwise(edges)]


def _whole(graph: OnnxGraph, number: int | str, more: int = 0) -> str:
    """A sum ``() int64``."""
    if isinstance(number, int):
        return graph.constant(np.int64(number + more))
    return graph.add("Add", number, np.int64(more))


def _chained(graph: OnnxGraph, axis: Axis, part: tuple[str, str]) -> _Band:
    """Weights of all steps at once, for the pixels of the last result from ``part[0]`` up to ``part[1]``."""
    lengths = [_whole(graph, step.length) for step in axis.steps]
    zero = graph.constant(np.float64(0))
    spans = [axis.span, *(Span(length, zero, graph.cast(length, "float64")) for length in lengths[:-1])]
    band: _Band | None = None
    for span, length, step in reversed(list(zip(spans, lengths, axis.steps, strict=True))):
        if band is None:
            band = _band(graph, span, length, part, step.kind)
            continue
        scalar = np.array([], np.int64)
        inner = graph.add("Reshape", band.first, scalar), graph.add("Reshape", band.last, scalar)
        own = _band(graph, span, length, inner, step.kind)
        band = own._replace(weights=graph.add("MatMul", own.weights, band.weights))
    assert band is not None
    return band


def _band(graph: OnnxGraph, span: Span, length: str, part: tuple[str, str], kind: int) -> _Band:
    """Weights for the pixels of the result from ``part[0]`` up to ``part[1]``, of ``length``; all are ``() int64``."""
    filtered = FILTERS[Resampling(kind)]
    # Pillow takes the edges of the box as float32, and their distance too.
    low, high = (graph.cast(edge, "float32") for edge in (span.low, span.high))
    extent = graph.cast(graph.add("Sub", high, low), "float64")
    low, high = graph.cast(low, "float64"), graph.cast(high, "float64")
    scale = graph.add("Div", extent, graph.cast(length, "float64"))
    stretch = graph.add("Max", scale, np.float64(1))
    reach = graph.add("Mul", stretch, np.float64(filtered.reach))
    steps = graph.cast(graph.add("Range", *part, np.int64(1)), "float64")
    centres = graph.add("Add", graph.add("Mul", graph.add("Add", steps, np.float64(0.5)), scale), low)
    nearest, farthest = (graph.add("Add", graph.add("Mul", graph.cast(edge, "float64"), scale), low) for edge in part)
    whole = graph.cast(span.size, "float64")
    first = graph.add("Max", graph.add("Floor", graph.add("Sub", nearest, reach)), np.float64(0))
    last = graph.add("Min", graph.add("Ceil", graph.add("Add", farthest, reach)), whole)
    first, last = graph.cast(first, "int64"), graph.cast(last, "int64")
    pixels = graph.cast(graph.add("Range", first, last, np.int64(1)), "float64")
    column = graph.add("Unsqueeze", graph.add("Add", pixels, np.float64(0.5)), one(1))
    distance = graph.add("Div", graph.add("Abs", graph.add("Sub", column, centres)), stretch)
    x = graph.cast(distance, "float32")
    inside = graph.add("Less", x, np.float32(filtered.reach))
    values = graph.add("Where", inside, filtered.value(graph, x), np.float32(0))
    shares = graph.add("Div", values, graph.total(values, axis=0))
    kept = graph.add("Floor", graph.add("Add", graph.add("Mul", graph.add("Abs", shares), STEPS), np.float32(0.5)))
    weights = graph.add("Mul", graph.add("Mul", kept, graph.add("Sign", shares)), np.float32(1) / STEPS)
    return _Band(graph.add("Reshape", first, one(1)), graph.add("Reshape", last, one(1)), weights)


def _hamming(graph: OnnxGraph, x: str) -> str:
    """``sin(pi x) / (pi x) * (0.54 + 0.46 cos(pi x))`` up to 1."""
    angle = graph.add("Mul", x, PI)
    window = graph.add("Add", graph.add("Mul", graph.add("Cos", angle), np.float32(0.46)), np.float32(0.54))
    return graph.add("Mul", _sinc(graph, x), window)


def _triangle(graph: OnnxGraph, x: str) -> str:
    return graph.add("Sub", np.float32(1), x)


def _cubic(graph: OnnxGraph, x: str) -> str:
    """Keys' piecewise cubic with ``a = -0.5``."""
    near = _polynomial(graph, x, 1.5, -2.5, 0.0, 1.0)
    far = _polynomial(graph, x, -0.5, 2.5, -4.0, 2.0)
    return graph.add("Where", graph.add("Less", x, np.float32(1)), near, far)


def _polynomial(graph: OnnxGraph, x: str, first: float, *rest: float) -> str:
    """By Horner's rule, the highest power first."""
    value = graph.constant(np.float32(first))
    for coefficient in rest:
        value = graph.add("Add", graph.add("Mul", value, x), np.float32(coefficient))
    return value


def _lanczos(graph: OnnxGraph, x: str) -> str:
    return graph.add("Mul", _sinc(graph, x), _sinc(graph, graph.add("Div", x, np.float32(3))))


def _sinc(graph: OnnxGraph, x: str) -> str:
    """``sin(pi x) / (pi x)``, and 1 at 0."""
    angle = graph.add("Mul", graph.add("Max", x, np.float32(1e-6)), PI)
    return graph.add("Div", graph.add("Sin", angle), angle)


FILTERS: Mapping[Resampling, ResizeFilter] = {
    Resampling.HAMMING: ResizeFilter(1.0, _hamming),
    Resampling.BILINEAR: ResizeFilter(1.0, _triangle),
    Resampling.BICUBIC: ResizeFilter(2.0, _cubic),
    Resampling.LANCZOS: ResizeFilter(3.0, _lanczos),
}
"""Those that are rebuilt; nearest and box have steps, on which side of which a pixel falls is a matter of rounding."""
