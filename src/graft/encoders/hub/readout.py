"""How a network's states become embeddings: in numpy, and in torch where an encoder is tuned.

Both libraries have what is needed here under the same names, so every pooling stands once. ``graft.export.readout``
says the same in nodes of a graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Numbers = Any
"""A ``float32`` array of numpy or tensor of torch."""


def read_out(
    states: Numbers, mask: Any, readout: Mapping[str, Any], dense: Mapping[str, Numbers], library: Any = np
) -> Numbers:
    """One embedding for each item from the network's output.

    Args:
        states: ``(n, t, d)``, ``(n, d)``, or ``(n, c, h, w)`` of a convolutional network.
        mask: ``(n, t) bool``: which of the tokens count, at least one of each item; ``None``: all.
        readout: ``pooling``, keys of ``POOLINGS`` whose results are joined, and ``layers`` that follow.
        dense: Weights of the dense layers, by the names that the layers give.
        library: ``numpy`` or ``torch``, whichever the states are of.

    Returns:
        ``(n, dim) float32``.
    """
    if states.ndim == 4:
        x = states.reshape(*states.shape[:2], -1).mean(axis=2)
    elif states.ndim == 2:
        x = states
    else:
        counted = library.ones_like(states[:, :, 0])
        counted = counted if mask is None else counted * mask
        x = library.concatenate([POOLINGS[name](library, states, counted) for name in readout["pooling"]], axis=1)
    for layer in readout["layers"]:
        if layer["kind"] == "normalise":
            x = normalise(x, library)
        else:
            x = x @ dense[layer["weight"]].T + (dense[layer["bias"]] if layer.get("bias") else 0)
            x = ACTIVATIONS[layer["activation"]](library, x)
    return x


def normalise(x: Numbers, library: Any = np) -> Numbers:
    """Rows of length 1."""
    return x / library.linalg.norm(x, axis=1, keepdims=True).clip(1e-12)


def _weighted(states: Numbers, weights: Numbers) -> Numbers:
    """The sum over tokens, each with its weight ``(n, t)``."""
    return (states * weights[:, :, None]).sum(axis=1)


def _first(library: Any, states: Numbers, counted: Numbers) -> Numbers:
    """The state of the token with which counting begins."""
    return states[counted * counted.cumsum(1) == 1]


def _last(library: Any, states: Numbers, counted: Numbers) -> Numbers:
    """The state of the one that counts with none following."""
    following = counted.sum(axis=1, keepdims=True) - counted.cumsum(1)
    return states[counted > following]


def _mean(library: Any, states: Numbers, counted: Numbers) -> Numbers:
    return _weighted(states, counted / counted.sum(axis=1, keepdims=True))


def _mean_of_root(library: Any, states: Numbers, counted: Numbers) -> Numbers:
    return _mean(library, states, counted) * library.sqrt(counted.sum(axis=1, keepdims=True))


def _weighted_mean(library: Any, states: Numbers, counted: Numbers) -> Numbers:
    weights = counted * library.ones_like(counted).cumsum(1)
    return _weighted(states, weights / weights.sum(axis=1, keepdims=True))


def _max(library: Any, states: Numbers, counted: Numbers) -> Numbers:
    return library.amax(library.where(counted[:, :, None] > 0, states, -np.inf), 1)


POOLINGS: Mapping[str, Callable[[Any, Numbers, Numbers], Numbers]] = {
    "cls": _first,
    "mean": _mean,
    "max": _max,
    "lasttoken": _last,
    "mean_sqrt_len_tokens": _mean_of_root,
    "weightedmean": _weighted_mean,
    "given": _mean,
}
"""By the names of sentence-transformers; library, ``(n, t, d)``, and 1 or 0 of each token ``(n, t)`` -> ``(n, d)``."""

ACTIVATIONS: Mapping[str, Callable[[Any, Numbers], Numbers]] = {
    "Identity": lambda library, x: x,
    "Tanh": lambda library, x: library.tanh(x),
    "ReLU": lambda library, x: x.clip(0),
}
