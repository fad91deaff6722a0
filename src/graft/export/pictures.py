"""Pictures: from pixels of any size to embeddings, as a graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL.Image import Resampling

from graft.contracts import Encoder
from graft.encoders.efficientnet import SIDE, STRUCTURE, folded
from graft.encoders.hub.encoder import HubEncoder
from graft.encoders.hub.image import KEPT_DETAIL
from graft.encoders.image import ZOOM, ImageEncoder
from graft.encoders.joined import JoinedEncoder
from graft.encoders.onnx_file import with_floats
from graft.errors import ExportError
from graft.export.front import Front, GraphInput
from graft.export.readout import read_out
from graft.export.resize import FILTERS, Axis, Resizing, Span, resized, size_of
from graft.export.shrinking import MAX_PIXELS
from graft.heads.protocols import Answering

if TYPE_CHECKING:
    from graft.export.graph import OnnxGraph

PIXELS = GraphInput("pixels", "uint8", ("n", "height", "width", 3))
HOST: Mapping[str, Any] = {"max_pixels": MAX_PIXELS, "colours": "RGB", "ground": "white", "upright": True}


def front_of(encoder: Encoder, head: Answering) -> Front:
    """The front of a picture encoder; of joined ones all look at the same pixels.

    Raises:
        ExportError: It does with pictures what no graph here does.
    """
    members = encoder.members if isinstance(encoder, JoinedEncoder) else (encoder,)
    for member in members:
        if isinstance(member, HubEncoder):
            _check(member.name, member.entry.card.settings)

    def embed(graph: OnnxGraph) -> str:
        found = [_embedded(graph, member, f"encoder{place or ''}.") for place, member in enumerate(members)]
        return graph.add("Concat", *found, axis=1) if len(found) > 1 else found[0]

    return Front((PIXELS,), embed, HOST)


def _embedded(graph: OnnxGraph, encoder: Encoder, prefix: str) -> str:
    if isinstance(encoder, ImageEncoder):
        return _built_in(graph, encoder, prefix)
    assert isinstance(encoder, HubEncoder)
    return _of_hub(graph, encoder, prefix)


def _built_in(graph: OnnxGraph, encoder: ImageEncoder, prefix: str) -> str:
    images = graph.cast(graph.add("Transpose", _square(graph), perm=[0, 2, 3, 1]), "uint8")
    weights = folded(encoder.tuned.over(encoder.pinned()))
    return signed_root(graph, graph.include(with_floats(STRUCTURE.content(), weights), prefix, images))


def _square(graph: OnnxGraph) -> str:
    """The middle that the encoder looks at, ``(n, 3, 224, 224) float32``: see ``graft.decoding.decode``."""
    sizes = [size_of(graph, PIXELS.name, axis) for axis in (1, 2)]
    height, width = (graph.cast(size, "float64") for size in sizes)
    side = np.float64(SIDE)
    scale = graph.add("Min", graph.add("Div", width, side), graph.add("Div", height, side))
    box = graph.add("Mul", graph.add("Mul", scale, side), np.float64(ZOOM))
    steps = (Resizing(SIDE, Resampling.HAMMING),)
    rows, columns = (
        Axis(_middle(graph, size, whole, box), steps) for size, whole in zip(sizes, (height, width), strict=True)
    )
    return resized(graph, PIXELS.name, rows, columns)


def _middle(graph: OnnxGraph, size: str, whole: str, part: str) -> Span:
    margin = graph.add("Max", graph.add("Mul", graph.add("Sub", whole, part), np.float64(0.5)), np.float64(0))
    return Span(size, margin, graph.add("Sub", whole, margin))


def signed_root(graph: OnnxGraph, x: str) -> str:
    """``sign(x) * sqrt(|x|)``."""
    return graph.add("Mul", graph.add("Sign", x), graph.add("Sqrt", graph.add("Abs", x)))


def _of_hub(graph: OnnxGraph, encoder: HubEncoder, prefix: str) -> str:
    """What ``graft.encoders.hub`` does: kept at a few times the wanted detail, resized as the model has it, cropped."""
    card = encoder.entry.card
    settings, readout = card.settings, card.readout
    planes = _seen_by_hub(graph, settings)
    gain, bias = (np.array(settings[name], np.float32).reshape(-1, 1, 1) for name in ("gain", "bias"))
    values = graph.add("Add", graph.add("Mul", planes, gain), bias)
    if settings["bgr"]:
        values = graph.add("Gather", values, np.array([2, 1, 0], np.int64), axis=1)
    states = graph.include(encoder.graph(), prefix, values)
    x = read_out(graph, states, graph.rank(states), "", readout, encoder.dense)
    return signed_root(graph, x) if readout.get("rooted") else x


def _seen_by_hub(graph: OnnxGraph, settings: Mapping[str, Any]) -> str:
    """``(n, 3, h, w) float32``, whole numbers: see ``graft.encoders.hub.image``."""
    sizes = size_of(graph, PIXELS.name, 1), size_of(graph, PIXELS.name, 2)
    wanted = [_double(graph, length) for length in _lengths(graph, sizes, settings["resize"])]
    wholes = [graph.cast(size, "float64") for size in sizes]
    needed = [
        graph.add("Div", graph.add("Mul", length, np.float64(KEPT_DETAIL)), whole)
        for length, whole in zip(wanted, wholes, strict=True)
    ]
    scale = graph.add("Min", graph.add("Max", *needed), np.float64(1))
    kept = tuple(
        graph.cast(graph.add("Max", graph.add("Round", graph.add("Mul", whole, scale)), np.float64(1)), "int64")
        for whole in wholes
    )
    zero = graph.constant(np.float64(0))
    axes = []
    final = _lengths(graph, (kept[0], kept[1]), settings["resize"])
    for place, (size, whole, length, last) in enumerate(zip(sizes, wholes, kept, final, strict=True)):
        steps = Resizing(length, Resampling.HAMMING), Resizing(last, settings["resample"])
        axis = Axis(Span(size, zero, whole), steps)
        if settings["crop"]:
            count = settings["crop"][place]
            axis = axis._replace(begin=_half_of_rest(graph, last, count), kept=count)
        axes.append(axis)
    return resized(graph, PIXELS.name, *axes)


def _lengths(graph: OnnxGraph, sizes: tuple[str, str], resize: Mapping[str, int]) -> tuple[int | str, int | str]:
    """Height and width of pictures that a hub model's processor has resized."""
    if "short" not in resize:
        return resize["height"], resize["width"]
    short = graph.constant(np.int64(resize["short"]))
    height, width = sizes
    ratio = graph.add(
        "Div",
        graph.cast(graph.add("Mul", graph.add("Max", height, width), short), "float64"),
        graph.cast(graph.add("Min", height, width), "float64"),
    )
    long = graph.cast(graph.add("Floor", ratio), "int64")
    upright = graph.add("LessOrEqual", width, height)
    return graph.add("Where", upright, long, short), graph.add("Where", upright, short, long)


def _half_of_rest(graph: OnnxGraph, length: int | str, count: int) -> int | str:
    if isinstance(length, int):
        return (length - count) // 2
    return graph.add("Div", graph.add("Sub", length, np.int64(count)), np.int64(2))


def _double(graph: OnnxGraph, length: int | str) -> str:
    return graph.constant(np.float64(length)) if isinstance(length, int) else graph.cast(length, "float64")


def _check(name: str, settings: Mapping[str, Any]) -> None:
    """Whether a graph can do what a hub model's image processor does.

    Raises:
        ExportError: It cannot.
    """
    resize, crop = settings["resize"], settings["crop"]
    if not resize:
        why = "it takes pictures in their own size"
    elif settings["resample"] not in FILTERS:
        why = f"it resizes with Pillow's filter {settings['resample']}, which a graph does not reproduce"
    elif crop and min(resize.get("short", resize.get("height", 0)), resize.get("short", resize.get("width", 0))) < max(
        crop
    ):
        why = f"it crops to {crop[0]} x {crop[1]} pixels, beyond the edge of what it has resized"
    else:
        return
    raise ExportError(
        f"A model of {name} cannot leave as a graph: {why}.",
        "Fit with another encoder; graft encoders shows those that come with Graft, which can all leave.",
    )
