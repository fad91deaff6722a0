"""Sound encoders of the hub in a graph: windows of samples, or Whisper's spectrogram of them, to embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graft.encoders.hub.audio import LEAST_VARIANCE, MAX_WINDOWS, RANGE, WINDOW, mel_filters
from graft.encoders.hub.encoder import HubEncoder
from graft.export.graph import OnnxGraph
from graft.export.readout import normalised, read_out
from graft.export.spectrum import logarithm, power
from graft.export.vectors import one


def embedding(graph: OnnxGraph, encoder: HubEncoder, samples: str, prefix: str) -> str:
    """``(n, dim) float32`` of recordings of one length: the mean over their windows.

    Args:
        graph: Where the nodes go.
        encoder: Whose network it is.
        samples: ``(n, s) float32`` in [-1, 1] at its rate, s >= 1.
        prefix: Of the network's names.
    """
    card = encoder.entry.card
    pieces = windows(graph, samples, int(card.settings.get("samples") or WINDOW * card.settings["rate"]))
    count = graph.add("Gather", graph.add("Shape", pieces), one(1), axis=0)
    length = graph.add("Gather", graph.add("Shape", pieces), np.int64(2))
    flat = graph.add("Reshape", pieces, graph.add("Concat", one(-1), graph.vector(length), axis=0))
    if card.settings["form"] == "samples":
        given, mask = _levelled(graph, flat, length, card.settings), ""
    else:
        given, mask = _log_mel(graph, flat, length, card.settings, prefix)
    states = graph.include(encoder.graph(), prefix, given)
    x = read_out(graph, states, graph.rank(states), mask, card.readout, encoder.dense)
    together = graph.add("Reshape", x, graph.add("Concat", one(-1), count, one(encoder.dim), axis=0))
    sums = graph.add("ReduceSum", together, one(1), keepdims=0)
    mean = graph.add("Div", sums, graph.cast(count, "float32"))
    layers = card.readout["layers"]
    return normalised(graph, mean) if layers and layers[-1]["kind"] == "normalise" else mean


def windows(graph: OnnxGraph, samples: str, longest: int) -> str:
    """``(n, w, l)``: windows of one length that cover the recordings, of very long ones so many, spread evenly."""
    add = graph.add
    size = add("Gather", add("Shape", samples), np.int64(1))
    count = _over(graph, size, np.int64(longest))
    length = _over(graph, size, count)
    gaps = graph.cast(add("Max", add("Sub", count, np.int64(1)), np.int64(1)), "float64")
    order = graph.cast(
        add("Range", np.int64(0), add("Min", count, np.int64(MAX_WINDOWS)), np.int64(1)), "float64"
    )  # (w,)
    spread = add("Round", add("Mul", order, add("Div", gaps, np.float64(MAX_WINDOWS - 1))))
    chosen = add("Where", add("Greater", count, np.int64(MAX_WINDOWS)), spread, order)
    rest = graph.cast(add("Sub", size, length), "float64")
    starts = graph.cast(add("Round", add("Mul", chosen, add("Div", rest, gaps))), "int64")
    places = add("Add", add("Unsqueeze", starts, one(1)), add("Range", np.int64(0), length, np.int64(1)))
    return add("Gather", samples, places, axis=1)


def _levelled(graph: OnnxGraph, windows: str, length: str, settings: Mapping[str, Any]) -> str:
    """``input_values``: windows that are long enough, of mean 0 and variance 1 where the model wants them so."""
    missing = graph.add("Max", graph.add("Sub", np.int64(settings.get("shortest", 1)), length), np.int64(0))
    x = _padded(graph, windows, missing)
    if not settings["normalise"]:
        return x
    centred = graph.add("Sub", x, _mean(graph, x))
    variance = graph.add("Add", _mean(graph, graph.add("Mul", centred, centred)), np.float32(LEAST_VARIANCE))
    return graph.add("Div", centred, graph.add("Sqrt", variance))


def _log_mel(graph: OnnxGraph, windows: str, length: str, settings: Mapping[str, Any], prefix: str) -> tuple[str, str]:
    """``input_features`` ``(w, mels, frames)``, and which frames of the output are heard ``(w, t) float32``."""
    add = graph.add
    fft, hop, samples = (int(settings[name]) for name in ("fft", "hop", "samples"))
    filled = _padded(graph, windows, add("Sub", np.int64(samples), length))
    mirrored = add("Pad", filled, np.array([0, fft // 2, 0, fft // 2], np.int64), mode="reflect")
    hann = np.hanning(fft + 1)[:-1].astype(np.float32)
    energy = add("Slice", power(graph, mirrored, hann, hop, prefix), one(0), one(-1), one(2))  # but the last frame
    filters = mel_filters(int(settings["rate"]), fft, int(settings["mels"])).astype(np.float32)
    powers = logarithm(graph, add("MatMul", graph.weight(f"{prefix}filters", filters), energy), 1e-10, RANGE)
    features = add("Div", add("Add", powers, np.float32(4)), np.float32(4))
    step = hop * int(settings["reduction"])
    heard = graph.cast(add("Less", np.arange(samples // step), _over(graph, length, np.int64(step))), "float32")
    rows = add("Gather", add("Shape", windows), one(0), axis=0)
    return features, add("Expand", heard, add("Concat", rows, one(samples // step), axis=0))


def _padded(graph: OnnxGraph, rows: str, missing: str) -> str:
    """Rows with so much silence behind them."""
    pads = graph.add("Concat", np.zeros(3, np.int64), graph.vector(missing), axis=0)
    return graph.add("Pad", rows, pads, np.float32(0))


def _mean(graph: OnnxGraph, rows: str) -> str:
    size = graph.cast(graph.add("Gather", graph.add("Shape", rows), one(1), axis=0), "float32")
    return graph.add("Div", graph.total(rows), size)


def _over(graph: OnnxGraph, whole: str, part: str | np.int64) -> str:
    """How many parts it takes to hold the whole."""
    raised = graph.add("Add", whole, graph.add("Sub", part, np.int64(1)))
    return graph.add("Div", raised, part)
