"""What all networks have in common: weights under the names of the pretrained files."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from graft.contracts import Float32
from graft.encoders import Tunable
from graft.executors import checkpoint

LEAST = 1e-4
"""A root's slope is taken as if the number below it were at least this: at zero it would be infinite."""


def heard(output: Any) -> Any:
    """What a layer has made; work that is stopped ends here, and where its gradient is there on the way back."""
    checkpoint()
    if isinstance(output, Tensor) and output.requires_grad:
        output.register_hook(lambda _: checkpoint())
    return output


class EncoderModule(nn.Module):  # type: ignore[misc]
    """A network some of whose ``weights`` bear the names of its encoder's pinned ones.

    These are read where they are asked for: what is held on to beside the network takes as much memory once more.
    """

    def __init__(self, encoder: Tunable) -> None:
        super().__init__()
        self.embedder = encoder

    @property
    def device(self) -> Any:
        """Where the weights are."""
        return next(self.parameters()).device

    def weights(self) -> dict[str, Tensor]:
        """Parameters, and what was measured, by their pinned names."""
        return dict(self.state_dict())

    def load_pinned(self) -> Self:
        """Take the encoder's weights, and be ready to embed; work that is stopped ends between two modules."""
        checkpoint()
        own = self.weights()
        with torch.no_grad():
            for name, array in self.embedder.tuned.over(self.embedder.pinned()).items():
                checkpoint()
                own[name].copy_(torch.from_numpy(np.array(array)))
        for module in self.modules():
            module.register_forward_hook(lambda _module, _given, output: heard(output))
        return self.eval()  # type: ignore[no-any-return]

    def train_mode(self, frozen_batch_norm: bool = True) -> None:
        """Be ready to learn, with or without the statistics of the batch normalisations."""
        self.train()
        for module in self.modules() if frozen_batch_norm else ():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                module.eval()

    def changed(self) -> dict[str, Float32]:
        """The weights that are not the pinned ones, ``float32`` each."""
        checkpoint()
        own, pinned = self.weights(), self.embedder.pinned()
        arrays = {name: own[name].detach().cpu().float().numpy() for name in pinned}
        return {name: array.copy() for name, array in arrays.items() if not np.array_equal(array, pinned[name])}


class _SignedRoot(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.copysign(x.abs().sqrt(), x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return gradient * 0.5 / x.abs().clamp_min(LEAST).sqrt()


def signed_root(x: Tensor) -> Tensor:
    """As ``graft.encoders.pooling.signed_root``, with a slope that stays finite."""
    return _SignedRoot.apply(x)
