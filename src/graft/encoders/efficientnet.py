"""EfficientNet-Lite0 (Tan & Le 2019; the "lite" variant of 2020: ReLU6, no squeeze-and-excitation), its shape once.

``BLOCKS`` is the network. The ONNX graph that embeds pictures was built from it (``make graphs``), with batch
normalisation folded into the convolutions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from graft.contracts import Float32
from graft.encoders.structures import Structure

SIDE = 224
STEM_WIDTH = 32
HEAD_WIDTH = 1280
EPSILON = 1e-3
"""Of the batch normalisations."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Inverted-residual blocks of one resolution; only the first has the stride."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    width: int


BLOCKS = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
POOLED = (2, 4, 6, 7)
"""Stages of 40, 112 and 320 channels, and the network's own 1280: indices into ``WIDTHS``."""
WIDTHS = (*(stage.width for stage in BLOCKS), HEAD_WIDTH)
"""Channels after each stage and after the head convolution: what can be pooled."""


STRUCTURE = Structure("efficientnet-lite0", "ad3933e8b474a7d04a0ead4307646c3b835f8f4173b4e2176d533b7996576e6a")
"""``images (n, 224, 224, 3) uint8`` RGB -> ``embedding (n, 1752) float32``."""

_NORMS = {
    "_conv_stem": "_bn0",
    "_expand_conv": "_bn0",
    "_depthwise_conv": "_bn1",
    "_project_conv": "_bn2",
    "_conv_head": "_bn1",
}
"""The batch normalisation behind each kind of convolution."""


def folded(weights: Mapping[str, Float32]) -> dict[str, Float32]:
    """What the graph takes: kernel and bias of each convolution, the batch normalisation behind it folded in.

    Args:
        weights: The pretrained state dict, by its own names.
    """
    found: dict[str, Float32] = {}
    for name in (name.removesuffix(".weight") for name, array in weights.items() if array.ndim == 4):
        block, dot, own = name.rpartition(".")
        norm = f"{block}{dot}{_NORMS[own]}"
        gain = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"] + EPSILON)
        found[f"{name}.kernel"] = weights[f"{name}.weight"] * gain[:, None, None, None]
        found[f"{name}.bias"] = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * gain
    return {name: np.asarray(array, np.float32) for name, array in found.items()}


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int, int]:
    """TensorFlow's SAME padding: pixels before, pixels after, side of the output."""
    out = -(-size // stride)
    total = max((out - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2, out
