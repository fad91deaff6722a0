"""EfficientNet-Lite0 (Tan & Le 2019; the "lite" variant of 2020: ReLU6, no squeeze-and-excitation), its shape once.

``BLOCKS`` is the network. The ONNX graph that embeds pictures is built from it and the pretrained weights, with batch
normalisation folded into the convolutions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graft.contracts import Float32

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
WIDTHS = (*(stage.width for stage in BLOCKS), HEAD_WIDTH)
"""Channels after each stage and after the head convolution: what can be pooled."""


def onnx_graph(weights: Mapping[str, Float32], pooled: Sequence[int]) -> bytes:
    """The network as an ONNX model: ``images (n, 224, 224, 3) uint8`` RGB -> ``embedding (n, d) float32``.

    Args:
        weights: The pretrained state dict, by its own names.
        pooled: Which of ``WIDTHS`` are averaged over the picture and joined, by index.
    """
    return _Graph(weights).build(pooled)


class _Graph:
    """Collects nodes and constants; every method returns the name of the tensor it adds."""

    def __init__(self, weights: Mapping[str, Float32]) -> None:
        self.weights = weights
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def build(self, pooled: Sequence[int]) -> bytes:
        from onnx import TensorProto, helper

        features = self._features(self._pixels("images"))
        pools = [self._add("Flatten", [self._add("GlobalAveragePool", [features[index]])]) for index in pooled]
        self._add("Concat", pools, output="embedding", axis=1)
        width = sum(WIDTHS[index] for index in pooled)
        graph = helper.make_graph(
            self.nodes,
            "efficientnet_lite0",
            [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", SIDE, SIDE, 3])],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", width])],
            self.constants,
        )
        # IR version 8 and opset 17 are read by every runtime of the last years.
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        return bytes(model.SerializeToString())

    def _pixels(self, images: str) -> str:
        channels_first = self._add("Transpose", [images], perm=[0, 3, 1, 2])
        floats = self._add("Cast", [channels_first], to=1)
        centred = self._add("Sub", [floats, self._constant("pixel.mean", np.array([127], np.float32))])
        return self._add("Mul", [centred, self._constant("pixel.scale", np.array([1 / 128], np.float32))])

    def _features(self, x: str) -> list[str]:
        """The outputs of all stages, as in ``WIDTHS``."""
        x, size = self._convolution(x, SIDE, "_conv_stem", "_bn0", stride=2)
        features, width, index = [], STEM_WIDTH, 0
        for stage in BLOCKS:
            for repeat in range(stage.repeats):
                stride = stage.stride if repeat == 0 else 1
                block, before = f"_blocks.{index}", x
                if stage.expansion != 1:
                    x, size = self._convolution(x, size, f"{block}._expand_conv", f"{block}._bn0")
                x, size = self._convolution(
                    x, size, f"{block}._depthwise_conv", f"{block}._bn1", stride, depthwise=True
                )
                x, size = self._convolution(x, size, f"{block}._project_conv", f"{block}._bn2", linear=True)
                if stride == 1 and width == stage.width:
                    x = self._add("Add", [x, before])
                width = stage.width
                index += 1
            features.append(x)
        x, size = self._convolution(x, size, "_conv_head", "_bn1")
        return [*features, x]

    def _convolution(
        self, x: str, size: int, name: str, norm: str, stride: int = 1, *, depthwise: bool = False, linear: bool = False
    ) -> tuple[str, int]:
        """Convolution, folded batch normalisation, ReLU6 unless ``linear``; the tensor and its side in pixels."""
        kernel = self.weights[f"{name}.weight"]
        gain = self.weights[f"{norm}.weight"] / np.sqrt(self.weights[f"{norm}.running_var"] + EPSILON)
        shift = self.weights[f"{norm}.bias"] - self.weights[f"{norm}.running_mean"] * gain
        before, after, out = same_padding(size, kernel.shape[2], stride)
        x = self._add(
            "Conv",
            [
                x,
                self._constant(f"{name}.kernel", kernel * gain[:, None, None, None]),
                self._constant(f"{name}.bias", shift),
            ],
            kernel_shape=list(kernel.shape[2:]),
            strides=[stride, stride],
            pads=[before, before, after, after],
            group=len(kernel) if depthwise else 1,
        )
        if not linear:
            bounds = [self._constant("zero", np.float32(0)), self._constant("six", np.float32(6))]
            x = self._add("Clip", [x, *bounds])
        return x, out

    def _add(self, operation: str, inputs: list[str], output: str = "", **attributes: Any) -> str:
        from onnx import helper

        output = output or f"{operation}.{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, inputs, [output], **attributes))
        return output

    def _constant(self, name: str, value: Any) -> str:
        from onnx import numpy_helper

        if all(constant.name != name for constant in self.constants):
            self.constants.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int, int]:
    """TensorFlow's SAME padding: pixels before, pixels after, side of the output."""
    out = -(-size // stride)
    total = max((out - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2, out
