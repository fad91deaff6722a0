"""Recordings: from samples at 16 kHz, of any number, to embeddings, as a graph."""

from __future__ import annotations

from importlib import resources

import numpy as np
import onnx

from graft.contracts import Encoder
from graft.decoding.sound import LONGEST, PIECE
from graft.encoders.hub.encoder import HubEncoder
from graft.encoders.joined import JoinedEncoder
from graft.encoders.onnx_file import with_floats
from graft.encoders.speech import EDGE, LEVEL, LOUD, MARGIN, MOST_GAIN, SHORTEST, SpeechEncoder
from graft.encoders.speech_network import (
    FULL_SCALE,
    HOP,
    LEAST_ENERGY,
    RANGE,
    RATE,
    STEP,
    STRUCTURE,
    WINDOW,
    FrontEnd,
)
from graft.errors import ExportError
from graft.export import hub_speech
from graft.export.front import Front, GraphInput
from graft.export.graph import OPSET, OnnxGraph
from graft.export.spectrum import logarithm, power
from graft.export.vectors import one
from graft.heads.protocols import Answering

SAMPLES = GraphInput("samples", "float32", ("n", "length"))
RESAMPLER = "resample.js"
"""Does in JavaScript what the example does in Python."""
BANDS = 32
"""Of a mel frame."""


def front_of(encoder: Encoder, head: Answering) -> Front:
    """The front of a sound encoder; joined ones hear the same samples.

    Raises:
        ExportError: It wants samples at another rate.
    """
    members = encoder.members if isinstance(encoder, JoinedEncoder) else (encoder,)
    for member in members:
        if isinstance(member, HubEncoder) and member.entry.card.settings["rate"] != RATE:
            raise ExportError(
                f"The encoder {member.name} hears {member.entry.card.settings['rate']:,} samples a second, and a graph "
                f"takes {RATE:,}.",
                "Fit with --encoder audio, or let graft serve answer.",
            )

    def embed(graph: OnnxGraph) -> str:
        found = [_embedded(graph, member, f"encoder{place or ''}.") for place, member in enumerate(members)]
        return graph.add("Concat", *found, axis=1) if len(found) > 1 else found[0]

    host = {"rate": RATE, "longest_seconds": LONGEST, "piece_seconds": PIECE}
    script = resources.files("graft.export.templates").joinpath(RESAMPLER).read_bytes()
    return Front((SAMPLES,), embed, host, {RESAMPLER: script})


def _embedded(graph: OnnxGraph, encoder: Encoder, prefix: str) -> str:
    if isinstance(encoder, HubEncoder):
        return hub_speech.embedding(graph, encoder, SAMPLES.name, prefix)
    assert isinstance(encoder, SpeechEncoder)
    return embedding(graph, encoder, SAMPLES.name, prefix)


def embedding(graph: OnnxGraph, encoder: SpeechEncoder, samples: str, prefix: str) -> str:
    """``(n, 768) float32`` of recordings of one length: see ``graft.encoders.speech``.

    Args:
        graph: Where the nodes go.
        encoder: Whose network it is.
        samples: ``(n, s) float32`` in [-1, 1], s >= 1.
        prefix: Of the network's names.
    """
    mel = _mel(graph, encoder.front_end, samples, prefix)
    frames = _size(graph, mel, 1)
    early = _points(graph, frames)
    late = _points(graph, early)
    last = graph.add("Add", _parts(graph, graph.add("Sub", frames, np.int64(WINDOW)), STEP), np.int64(1))
    shares = [_share(graph, points) for points in (early, late, last)]
    network = with_floats(_raised(STRUCTURE.content()), encoder.tuned.over(encoder.pinned()))
    return graph.add("Sub", graph.include(network, prefix, mel, *shares), encoder.noise_embedding)


def _mel(graph: OnnxGraph, measure: FrontEnd, samples: str, prefix: str) -> str:
    """What the network takes ``(n, t, 32) float32``."""
    add = graph.add
    size = _size(graph, samples, 1)
    odd = add("Mod", add("Neg", size), np.int64(HOP))
    after = add("Add", odd, np.int64(EDGE * HOP))
    pads = add("Concat", one(0), one(EDGE * HOP), one(0), graph.vector(after), axis=0)
    decibels = _decibels(graph, measure, add("Pad", _levelled(graph, samples, size), pads, np.float32(0)), prefix)
    own = _size(graph, decibels, 1)
    frames = add("Max", add("Add", own, np.int64(2 * (MARGIN - EDGE))), np.int64(SHORTEST))
    steps = _parts(graph, add("Add", add("Sub", frames, np.int64(WINDOW)), np.int64(STEP - 1)), STEP)
    missing = add("Sub", add("Add", add("Mul", steps, np.int64(STEP)), np.int64(WINDOW)), own)
    before = _parts(graph, missing, 2)
    flat = add("Reshape", decibels, np.array([0, -1], np.int64))
    least = add("Unsqueeze", add("Neg", graph.top(add("Neg", flat))), one(2))  # (n, 1, 1)
    silences = [
        add("Expand", least, add("Concat", one(1), graph.vector(count), one(BANDS), axis=0))
        for count in (before, add("Sub", missing, before))
    ]
    whole = add("Concat", silences[0], decibels, silences[1], axis=1)
    return add("Add", add("Div", whole, np.float32(10)), np.float32(2))


def _levelled(graph: OnnxGraph, samples: str, size: str) -> str:
    """The recordings at the level that all have."""
    add = graph.add
    part = add("Min", size, np.int64(HOP))
    parts = _parts(graph, size, part)
    taken = add("Slice", samples, one(0), graph.vector(add("Mul", parts, part)), one(1))
    shape = add("Concat", one(0), graph.vector(parts), graph.vector(part), axis=0)
    pieces = add("Reshape", taken, shape)
    squares = add("ReduceSum", add("Mul", pieces, pieces), one(2), keepdims=0)
    energy = add("Div", squares, graph.cast(part, "float32"))  # (n, parts)
    loudest = graph.top(energy)
    loud = graph.cast(add("GreaterOrEqual", energy, add("Mul", loudest, np.float32(LOUD))), "float32")
    mean = add("Div", graph.total(add("Mul", energy, loud)), graph.total(loud))
    level = add("Sqrt", add("Max", mean, np.finfo(np.float32).tiny))
    gain = add("Min", add("Div", np.float32(LEVEL), level), np.float32(10 ** (MOST_GAIN / 20)))
    heard = add("Greater", loudest, np.float32(0))
    return add("Mul", samples, add("Where", heard, gain, np.float32(1)))


def _decibels(graph: OnnxGraph, measure: FrontEnd, samples: str, prefix: str) -> str:
    """``(n, t, 32) float32``: energies of the bands, at most ``RANGE`` apart within a recording."""
    energy = power(graph, samples, measure.window * np.float32(FULL_SCALE), HOP, prefix)
    bands = graph.add(
        "MatMul", graph.add("Transpose", energy, perm=[0, 2, 1]), graph.weight(f"{prefix}filters", measure.filters)
    )
    return graph.add("Mul", logarithm(graph, bands, LEAST_ENERGY, RANGE / 10), np.float32(10))


def _raised(content: bytes) -> bytes:
    """The network under a later operator set: of its operators only LeakyRelu has changed, by types it may be given."""
    network = onnx.load_model_from_string(content)
    network.opset_import[0].version = OPSET
    return bytes(network.SerializeToString())


def _points(graph: OnnxGraph, before: str) -> str:
    """Points in time that two further convolutions, a pool and two more convolutions over time leave."""
    return graph.add("Sub", _parts(graph, graph.add("Sub", before, np.int64(4)), 2), np.int64(4))


def _share(graph: OnnxGraph, points: str) -> str:
    """How much each point counts ``(1, 1, points, 1)``."""
    share = graph.add("Div", np.float32(1), graph.cast(points, "float32"))
    shape = graph.add("Concat", one(1), one(1), graph.vector(points), one(1), axis=0)
    return graph.add("Expand", share, shape)


def _parts(graph: OnnxGraph, whole: str, part: str | int) -> str:
    return graph.add("Div", whole, part if isinstance(part, str) else np.int64(part))


def _size(graph: OnnxGraph, tensor: str, axis: int) -> str:
    return graph.add("Gather", graph.add("Shape", tensor), np.int64(axis), axis=0)
