"""Pictures: from pixels of any size to embeddings, as a graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL.Image import Resampling

from graft.contracts import Encoder
from graft.encoders.efficientnet import SIDE, STRUCTURE, folded
from graft.encoders.image import ZOOM, ImageEncoder
from graft.encoders.onnx_file import with_floats
from graft.errors import UsageError
from graft.export.front import Front, GraphInput
from graft.export.resize import Span, resized, size_of
from graft.export.shrinking import MAX_PIXELS
from graft.heads.protocols import Answering

if TYPE_CHECKING:
    from graft.export.graph import OnnxGraph

PIXELS = GraphInput("pixels", "uint8", ("n", "height", "width", 3))
HOST: Mapping[str, Any] = {"max_pixels": MAX_PIXELS, "colours": "RGB", "ground": "white", "upright": True}


def front_of(encoder: Encoder, head: Answering) -> Front:
    """The front of a picture encoder.

    Raises:
        UsageError: It is of a kind that cannot be exported.
    """
    if not isinstance(encoder, ImageEncoder):
        raise UsageError(f"The encoder {encoder.name} cannot be exported yet.", "Fit with --encoder image.")

    def embed(graph: OnnxGraph) -> str:
        return _built_in(graph, PIXELS.name, encoder, "encoder.")

    return Front((PIXELS,), embed, HOST)


def _built_in(graph: OnnxGraph, pixels: str, encoder: ImageEncoder, prefix: str) -> str:
    images = graph.cast(graph.add("Transpose", _square(graph, pixels), perm=[0, 2, 3, 1]), "uint8")
    weights = folded(encoder.tuned.over(encoder.pinned()))
    pooled = graph.include(with_floats(STRUCTURE.content(), weights), prefix, images)
    return signed_root(graph, pooled)


def _square(graph: OnnxGraph, pixels: str) -> str:
    """The middle that the encoder looks at, ``(n, 3, 224, 224) float32``: see ``graft.decoding.decode``."""
    sizes = [size_of(graph, pixels, axis) for axis in (1, 2)]
    height, width = (graph.cast(size, "float64") for size in sizes)
    side = np.float64(SIDE)
    scale = graph.add("Min", graph.add("Div", width, side), graph.add("Div", height, side))
    box = graph.add("Mul", graph.add("Mul", scale, side), np.float64(ZOOM))
    spans = _middle(graph, sizes[0], height, box), _middle(graph, sizes[1], width, box)
    return resized(graph, pixels, spans, (SIDE, SIDE), Resampling.HAMMING)


def _middle(graph: OnnxGraph, size: str, whole: str, part: str) -> Span:
    margin = graph.add("Max", graph.add("Mul", graph.add("Sub", whole, part), np.float64(0.5)), np.float64(0))
    return Span(size, margin, graph.add("Sub", whole, margin))


def signed_root(graph: OnnxGraph, x: str) -> str:
    """``sign(x) * sqrt(|x|)``."""
    return graph.add("Mul", graph.add("Sign", x), graph.add("Sqrt", graph.add("Abs", x)))
