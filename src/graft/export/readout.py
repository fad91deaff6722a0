"""From the states of a hub network to embeddings, as nodes: pooling, and the layers that follow.

Every number is what ``graft.encoders.hub.readout.read_out`` computes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from graft.contracts import Float32
from graft.export.vectors import one

if TYPE_CHECKING:
    from graft.export.graph import OnnxGraph


def read_out(
    graph: OnnxGraph, states: str, rank: int, mask: str, readout: Mapping[str, Any], dense: Mapping[str, Float32]
) -> str:
    """One embedding for each row of states.

    Args:
        graph: Where it is added.
        states: ``(n, t, d)``, ``(n, d)`` or ``(n, c, h, w)``.
        rank: How many axes they have.
        mask: ``(n, t) float32``, which tokens count, 1 or 0; ``""`` for all.
        readout: From the card of a ``HubEncoder``.
        dense: Weights of its layers.

    Returns:
        ``(n, dim) float32``.
    """
    if rank == 4:
        x = graph.add("Flatten", graph.add("GlobalAveragePool", states), axis=1)
    elif rank == 2:
        x = states
    else:
        mask = mask or _all_of(graph, states)
        parts = [POOLINGS[name](graph, states, mask) for name in readout["pooling"]]
        x = graph.add("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]
    for layer in readout["layers"]:
        if layer["kind"] == "normalise":
            x = normalised(graph, x)
            continue
        x = graph.add("MatMul", x, np.ascontiguousarray(dense[layer["weight"]].T))
        if layer.get("bias"):
            x = graph.add("Add", x, dense[layer["bias"]])
        if layer["activation"] != "Identity":
            x = graph.add(ACTIVATIONS[layer["activation"]], x)
    return x


def normalised(graph: OnnxGraph, x: str) -> str:
    """Rows of length 1."""
    length = graph.add("Sqrt", graph.total(graph.add("Mul", x, x)))
    return graph.add("Div", x, graph.add("Max", length, np.float32(1e-12)))


def _all_of(graph: OnnxGraph, states: str) -> str:
    sizes = graph.add("Slice", graph.add("Shape", states), one(0), one(2))
    return graph.add("Expand", np.float32(1), sizes)


def _first(graph: OnnxGraph, states: str, mask: str) -> str:
    return _at(graph, states, graph.add("ArgMax", mask, axis=1, keepdims=1))


def _last(graph: OnnxGraph, states: str, mask: str) -> str:
    return _at(graph, states, graph.add("ArgMax", mask, axis=1, keepdims=1, select_last_index=1))


def _at(graph: OnnxGraph, states: str, places: str) -> str:
    """The state at one place of each row, ``(n, 1) int64``."""
    picked = graph.add("GatherND", states, graph.add("Unsqueeze", places, one(1)), batch_dims=1)
    return graph.add("Squeeze", picked, one(1))


def _mean_of_root(graph: OnnxGraph, states: str, mask: str) -> str:
    return graph.add("Mul", _mean(graph, states, mask), graph.add("Sqrt", graph.total(mask)))


def _weighted_mean(graph: OnnxGraph, states: str, mask: str) -> str:
    length = graph.add("Gather", graph.add("Shape", states), np.int64(1))
    places = graph.cast(graph.add("Range", np.int64(0), length, np.int64(1)), "float32")
    return _mean(graph, states, graph.add("Mul", mask, graph.add("Add", places, np.float32(1))))


def _mean(graph: OnnxGraph, states: str, weights: str) -> str:
    """The mean over tokens with these weights ``(n, t)``; those of a mask are 1 and 0."""
    shares = graph.add("Unsqueeze", graph.add("Div", weights, graph.total(weights)), one(1))
    return graph.add("Squeeze", graph.add("MatMul", shares, states), one(1))


def _max(graph: OnnxGraph, states: str, mask: str) -> str:
    counts = graph.add("Unsqueeze", graph.add("Greater", mask, np.float32(0)), one(2))
    seen = graph.add("Transpose", graph.add("Where", counts, states, np.float32(-np.inf)), perm=[0, 2, 1])
    return graph.add("Squeeze", graph.top(seen), one(2))


POOLINGS: Mapping[str, Callable[[OnnxGraph, str, str], str]] = {
    "cls": _first,
    "mean": _mean,
    "max": _max,
    "lasttoken": _last,
    "mean_sqrt_len_tokens": _mean_of_root,
    "weightedmean": _weighted_mean,
    "given": _mean,
}
ACTIVATIONS: Mapping[str, str] = {"Tanh": "Tanh", "ReLU": "Relu"}
"""Operators by the names of ``graft.encoders.hub.readout.ACTIVATIONS``."""
