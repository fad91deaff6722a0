"""Google's speech embedding in torch, from the table of its layers. The mel front end stays in numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from graft.encoders.speech import SpeechEncoder
from graft.encoders.speech_network import FLOOR, LAYERS, SLOPE, shares
from graft.tuning.module import EncoderModule, heard, signed_root
from graft.tuning.network import Batch, Groups


class SpeechNetwork(EncoderModule):
    """Recordings -> ``(n, 768)``.

    A batch is mel frames ``(n, t, 32) float32``, filled up behind, and how much each point in time counts in three
    layers: see ``speech_network.shares``.
    """

    def __init__(self, encoder: SpeechEncoder) -> None:
        super().__init__(encoder)
        self.layers = LAYERS
        for name, array in encoder.pinned().items():
            self.register_parameter(name, nn.Parameter(torch.empty(array.shape)))
        self._noise = self.batch(encoder.noise())
        self.load_pinned()

    def batch(self, values: Sequence[Any]) -> Batch:
        """Recordings as mel frames ``(t, 32) float32``, t = 76 + 8 w."""
        mels = pad_sequence([torch.from_numpy(value) for value in values], batch_first=True)
        counts = map(torch.from_numpy, shares([len(value) for value in values], mels.shape[1]))
        return tuple(part.to(self.device) for part in (mels, *counts))

    def forward(self, batch: Batch) -> Tensor:
        """Embeddings ``(n, 768) float32``."""
        with torch.no_grad():  # it moves all embeddings alike, so little can be learnt from its slope
            noise = self._pooled(tuple(part.to(self.device) for part in self._noise))
        return self._pooled(batch) - noise.mean(dim=0)

    def groups(self) -> Groups:
        """Five blocks, each with a pooling at its end, and the last convolution."""
        blocks: list[list[Any]] = [[]]
        for layer in self.layers:
            blocks[-1] += [self.get_parameter(name) for name in (layer.weight, layer.bias) if name]
            if layer.pool:
                blocks.append([])
        names = [*(f"block {index}" for index in range(len(blocks) - 1)), "last convolution"]
        return dict(zip(names, blocks, strict=True))

    def _pooled(self, batch: Batch) -> Tensor:
        mels, *counts = batch
        x, pools = mels[:, None], []
        for layer in self.layers:
            bias = self._parameters[layer.bias] if layer.bias else None
            x = heard(functional.conv2d(x, self._parameters[layer.weight], bias, padding=layer.padding))
            if layer.bias:
                x = functional.leaky_relu(x, SLOPE).clamp_min(FLOOR)
            if layer.pool:
                x = functional.max_pool2d(x, layer.pool)
                pools.append(x)
        early, late, mean = (_mean(part, share) for part, share in zip((pools[1], pools[3], x), counts, strict=True))
        variance = _mean((x.float() - mean).square(), counts[2])
        return torch.cat([part.flatten(1) for part in (early, late, mean, signed_root(variance))], dim=1)


def _mean(layer: Tensor, share: Tensor) -> Tensor:
    """``(n, channels, points, bands)`` -> the mean over the points that count ``(n, channels, 1, bands) float32``."""
    return (layer.float() * share).sum(dim=2, keepdim=True)
