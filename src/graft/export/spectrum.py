"""Fourier transforms of recordings as nodes of a graph."""

from __future__ import annotations

import numpy as np

from graft.contracts import Float32
from graft.export.graph import OnnxGraph
from graft.export.vectors import one


def power(graph: OnnxGraph, samples: str, window: Float32, hop: int, prefix: str) -> str:
    """How strong each frequency is in each frame ``(n, f / 2 + 1, t)``.

    The transform is a convolution, whose kernels are looked up in one period of a cosine: they need no room in the
    file, and are never halved.

    Args:
        graph: Where the nodes go.
        samples: ``(n, s) float32``, s >= f.
        window: What a frame is multiplied with ``(f,)``.
        hop: Samples from one frame to the next.
        prefix: Of the names of weights.
    """
    add = graph.add
    size = len(window)
    half = size // 2 + 1
    turns = add("Mod", add("Mul", np.arange(half)[:, None], np.arange(size)), np.int64(size))
    period = graph.weight(f"{prefix}period", np.cos(2 * np.pi * np.arange(size) / size).astype(np.float32))
    quarter = add("Mod", add("Add", turns, np.int64(size // 4)), np.int64(size))
    waves = add("Concat", add("Gather", period, turns, axis=0), add("Gather", period, quarter, axis=0), axis=0)
    kernels = add("Unsqueeze", add("Mul", waves, graph.weight(f"{prefix}window", window)), one(1))  # (f + 2, 1, f)
    spectrum = add("Conv", add("Unsqueeze", samples, one(1)), kernels, kernel_shape=[size], strides=[hop])
    squares = add("Mul", spectrum, spectrum)
    real = add("Slice", squares, one(0), one(half), one(1))
    return add("Add", real, add("Slice", squares, one(half), one(2 * half), one(1)))


def logarithm(graph: OnnxGraph, energy: str, least: float, span: float) -> str:
    """Powers of ten, of energies ``(n, a, b)`` raised to ``least``; within a recording at most ``span`` apart."""
    raised = graph.add("Max", energy, np.float32(least))
    powers = graph.add("Mul", graph.add("Log", raised), np.float32(1 / np.log(10)))
    loudest = graph.top(graph.add("Reshape", powers, np.array([0, -1], np.int64)))
    return graph.add("Max", powers, graph.add("Unsqueeze", graph.add("Sub", loudest, np.float32(span)), one(2)))
