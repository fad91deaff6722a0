"""Google's speech embedding, pooled over time."""

from __future__ import annotations

from collections.abc import Mapping

from graft.contracts import Float32
from graft.encoders.speech_network import FLOOR, LAYERS, SLOPE, WIDTHS
from graphs.builder import Builder, floats

CEILING = 3e38
"""``max(x, floor)`` is written as a clip, which OpenVINO joins to the convolution before it."""


def build(weights: Mapping[str, Float32]) -> bytes:
    """Mel frames ``(n, t, 32) float32`` and shares of three layers -> ``pooled (n, 768) float32``.

    Args:
        weights: As ``speech_network.pinned_weights`` gives them.
    """
    return _Network(weights).build()


class _Network(Builder):
    def build(self) -> bytes:
        x = self.add("Unsqueeze", ["mel", self.integers("axis", [1])])
        pools = []  # (n, channels, points, bands) each
        for layer in LAYERS:
            before = [*layer.padding, *layer.padding]
            names = [self.weight(name) for name in (layer.weight, layer.bias) if name]
            x = self.add("Conv", [x, *names], kernel_shape=self.shapes[layer.weight][2:], pads=before)
            if layer.bias:
                x = self.add("LeakyRelu", [x], alpha=SLOPE)
                x = self.add("Clip", [x, self.floats("floor", FLOOR), self.floats("ceiling", CEILING)])
            if layer.pool:
                x = self.add("MaxPool", [x], kernel_shape=layer.pool, strides=layer.pool)
                pools.append(x)
        mean = self._mean(x, "share_2")
        centred = self.add("Sub", [x, mean])
        variance = self._mean(self.add("Mul", [centred, centred]), "share_2")
        pooled = (self._mean(pools[1], "share_0"), self._mean(pools[3], "share_1"), mean, self.add("Sqrt", [variance]))
        self.add("Concat", [self.add("Flatten", [part]) for part in pooled], output="pooled", axis=1)
        shares = [floats(f"share_{index}", "n", 1, f"t_{index}", 1) for index in range(3)]
        inputs, outputs = [floats("mel", "n", "t", 32), *shares], [floats("pooled", "n", sum(WIDTHS))]
        return self.model("speech_embedding", inputs, outputs, opset=13, ir_version=7)

    def _mean(self, layer: str, share: str) -> str:
        """The mean over time ``(n, channels, 1, bands)`` of a layer."""
        counted = self.add("Mul", [layer, share])
        return self.add("ReduceSum", [counted, self.integers("points", [2])], keepdims=1)
