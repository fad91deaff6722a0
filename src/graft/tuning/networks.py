"""The encoders in torch, where their weights can be learnt: the same numbers in, the same numbers out."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from graft.contracts import Encoder, Float32
from graft.encoders import ENCODERS, Tunable
from graft.encoders.hub.encoder import HubEncoder
from graft.encoders.hub.fetch import require
from graft.encoders.image import ImageEncoder
from graft.encoders.text import TextEncoder
from graft.errors import MissingExtra, UsageError

Tensor = Any
"""A ``torch.Tensor``; this file is read without torch."""
Batch = tuple[Tensor, ...]
"""What a network takes for several items, on its own device; each network says what the parts are."""


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Layers that are frozen or learnt together.

    Attributes:
        name: For reports, e.g. ``"block 4"``.
        parameters: Theirs, ``torch.nn.Parameter`` each.
    """

    name: str
    parameters: tuple[Any, ...]


class Network(Protocol):
    """An encoder's network as a ``torch.nn.Module``: in evaluation mode it gives what the encoder's ``embed`` gives."""

    def batch(self, values: Sequence[Any]) -> Batch:
        """The values of ``n`` prepared items as tensors, on the network's device."""

    def __call__(self, batch: Batch) -> Tensor:
        """Embeddings ``(n, dim)`` of float32, with gradients."""

    def groups(self) -> list[Group]:
        """All parameters, from the input to the output."""

    def train_mode(self, frozen_batch_norm: bool = True) -> None:
        """Be ready to learn.

        Args:
            frozen_batch_norm: Normalise by the pinned means and variances, and leave them as they are: a few hundred
                items say less of them than the million they were measured on.
        """

    def changed(self) -> dict[str, Float32]:
        """The weights that are not the pinned ones, by their pinned names: what ``graft.encoders.retuned`` takes."""


def network_for(encoder: Encoder) -> Network:
    """The network of an encoder with the weights that it has, tuned or not, in evaluation mode on the CPU.

    Every parameter can be learnt; what is to stay frozen is for the caller to say.

    Raises:
        UsageError: The encoder is joined, or one of the hub whose weights cannot be replaced.
        MissingExtra: torch is not installed, or transformers for a model of the hub.
        EncoderError: The encoder's weights are not there, or are others than they were.
    """
    if not isinstance(encoder, Tunable):
        raise UsageError(
            f"The encoder {encoder.name} cannot be tuned.", f"Tune one of {', '.join(ENCODERS)}, or a model of the hub."
        )
    if importlib.util.find_spec("torch") is None:
        raise MissingExtra("Tuning needs torch, which is not installed here.", "pip install 'graft-learn[tune]'")
    if isinstance(encoder, HubEncoder):
        encoder.pinned()  # whether it has weights that can be replaced is said before anything is fetched
        require("transformers")
        from graft.tuning.hub import HubModule

        return HubModule(encoder)
    made: Network
    if isinstance(encoder, ImageEncoder):
        from graft.tuning.efficientnet import EfficientNet

        made = EfficientNet(encoder)
    elif isinstance(encoder, TextEncoder):
        from graft.tuning.minilm import MiniLM

        made = MiniLM(encoder)
    else:
        from graft.tuning.speech import SpeechNetwork

        made = SpeechNetwork(encoder)
    return made
