"""The encoders in torch, where their weights can be learnt: the same numbers in, the same numbers out."""

from __future__ import annotations

import importlib.util

from graft.encoders import Tunable
from graft.encoders.hub.encoder import HubEncoder
from graft.encoders.hub.fetch import require
from graft.encoders.image import ImageEncoder
from graft.encoders.text import TextEncoder
from graft.errors import MissingExtra
from graft.tuning.network import Network


def network_for(encoder: Tunable) -> Network:
    """The network of an encoder with the weights that it has, tuned or not, in evaluation mode on the CPU.

    Every parameter can be learnt; what is to stay frozen is for the caller to say.

    Raises:
        UsageError: The encoder is one of the hub whose weights cannot be replaced.
        MissingExtra: torch is not installed, or transformers for a model of the hub.
        EncoderError: The encoder's weights are not there, or are others than they were.
    """
    if importlib.util.find_spec("torch") is None:
        raise MissingExtra("Tuning needs torch, which is not installed here.", "pip install 'graft-learn[tune]'")
    if isinstance(encoder, HubEncoder):
        encoder.pinned()  # whether it has weights that can be replaced is said before anything is fetched
        require("transformers")
        from graft.tuning.hub import HubModule

        return HubModule(encoder)
    if isinstance(encoder, ImageEncoder):
        from graft.tuning.efficientnet import EfficientNet

        return EfficientNet(encoder)
    if isinstance(encoder, TextEncoder):
        from graft.tuning.minilm import MiniLM

        return MiniLM(encoder)
    from graft.tuning.speech import SpeechNetwork

    return SpeechNetwork(encoder)
