"""Text encoders of the hub in a graph: windows of tokens, as the host has cut them, to embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graft.encoders.hub.encoder import HubEncoder
from graft.export.graph import OnnxGraph
from graft.export.readout import normalised, read_out
from graft.export.vectors import one


def embedding(graph: OnnxGraph, encoder: HubEncoder, ids: str, mask: str, prefix: str) -> str:
    """``(n, dim) float32``: the mean over the windows of a text, weighted by their lengths.

    Args:
        graph: Where the nodes go.
        encoder: Whose network it is.
        ids: Tokens ``(n, length) int64`` of all windows of a text, one after another from the first place on, their
            prompts and marks among them.
        mask: The number of the window that a token belongs to, from 1 on; 0 where there is none.
        prefix: Of the network's names.
    """
    add = graph.add
    card = encoder.entry.card
    tokens, real, sizes = _windows(graph, ids, mask, card.settings)
    rows = add("Concat", one(-1), add("Gather", add("Shape", tokens), one(-1), axis=0), axis=0)
    # A text of fewer windows than another has empty ones behind them: their first token counts, and they weigh nothing.
    within = add("Range", np.int64(0), add("Gather", add("Shape", tokens), np.int64(2)), np.int64(1))
    seen = add("Reshape", add("Or", real, add("Equal", within, np.int64(0))), rows)
    given = [add("Reshape", tokens, rows)]
    if not card.settings["padded"]:
        given.append(graph.cast(seen, "int64"))
    states = graph.include(encoder.graph(), prefix, *given)
    x = read_out(graph, states, graph.rank(states), graph.cast(seen, "float32"), card.readout, encoder.dense)
    lengths = graph.cast(sizes, "float32")  # (n, w)
    shares = add("Unsqueeze", add("Div", lengths, graph.total(lengths)), one(1))
    whole = add("Concat", add("Slice", add("Shape", sizes), one(0), one(2)), one(-1), axis=0)
    total = add("Squeeze", add("MatMul", shares, add("Reshape", x, whole)), one(1))
    layers = card.readout["layers"]
    return normalised(graph, total) if layers and layers[-1]["kind"] == "normalise" else total


def _windows(graph: OnnxGraph, ids: str, mask: str, settings: Mapping[str, Any]) -> tuple[str, str, str]:
    """Tokens of the windows ``(n, w, t) int64``, which of them there are, and how many each window has ``(n, w)``."""
    add = graph.add
    count = add("Max", add("ReduceMax", mask, keepdims=0), np.int64(1))
    numbers = add("Range", np.int64(1), add("Add", count, np.int64(1)), np.int64(1))
    belongs = graph.cast(add("Equal", add("Unsqueeze", mask, one(2)), numbers), "int64")
    sizes = add("ReduceSum", belongs, one(1), keepdims=0)
    starts = add("Sub", add("CumSum", sizes, np.int64(1)), sizes)
    longest = np.int64(settings["length"]) if settings["padded"] else add("ReduceMax", sizes, keepdims=0)
    within = add("Range", np.int64(0), longest, np.int64(1))
    sources = add("Add", add("Unsqueeze", starts, one(2)), within)
    last = add("Sub", add("Gather", add("Shape", ids), np.int64(1)), np.int64(1))
    sources = add("Min", sources, last)
    flat = add("Reshape", sources, add("Concat", add("Gather", add("Shape", ids), one(0), axis=0), one(-1), axis=0))
    found = add("Reshape", add("GatherElements", ids, flat, axis=1), add("Shape", sources))
    real = add("Less", within, add("Unsqueeze", sizes, one(2)))
    return add("Where", real, found, np.int64(settings["pad"])), real, sizes
