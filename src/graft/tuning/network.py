"""What an encoder in torch must offer, so that its weights can be learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from graft.contracts import Float32

Tensor = Any
"""A ``torch.Tensor``; this file is read without torch."""
Batch = tuple[Tensor, ...]
"""What a network takes for several items, on its own device; each network says what the parts are."""
Groups = Mapping[str, Sequence[Any]]
"""Parameters that are frozen or learnt together, by a name for reports, e.g. ``"block 4"``."""


class Network(Protocol):
    """An encoder's network as a ``torch.nn.Module``: in evaluation mode it gives what the encoder's ``embed`` gives."""

    def batch(self, values: Sequence[Any]) -> Batch:
        """The values of ``n`` prepared items as tensors, on the network's device."""

    def __call__(self, batch: Batch) -> Tensor:
        """Embeddings ``(n, dim)`` of float32, with gradients."""

    def groups(self) -> Groups:
        """All parameters, from the input to the output."""

    def train_mode(self, frozen_batch_norm: bool = True) -> None:
        """Be ready to learn.

        Args:
            frozen_batch_norm: Normalise by the pinned means and variances, and leave them as they are: a few hundred
                items say less of them than the million they were measured on.
        """

    def changed(self) -> dict[str, Float32]:
        """The weights that are not the pinned ones, by their pinned names: what ``graft.encoders.retuned`` takes."""
