"""Which structures there are, and what goes into each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from graft.contracts import Float32
from graft.encoders import efficientnet, minilm, speech_network
from graft.encoders.image import ImageEncoder
from graft.encoders.structures import Structure
from graft.encoders.text import TextEncoder
from graphs import efficientnet as pictures
from graphs import minilm as texts
from graphs import speech as recordings


@dataclass(frozen=True)
class Network:
    """What is built: its place, the weights as they are packed, and how the file is made for them."""

    structure: Structure
    weights: Callable[[], Mapping[str, Float32]]
    build: Callable[[Mapping[str, Float32]], bytes]


NETWORKS = (
    Network(
        efficientnet.STRUCTURE,
        lambda: efficientnet.folded(ImageEncoder().pinned()),
        partial(pictures.build, pooled=efficientnet.POOLED),
    ),
    Network(
        minilm.STRUCTURE, lambda: minilm.arranged(TextEncoder().pinned()), partial(texts.build, layers=minilm.POOLED)
    ),
    Network(speech_network.STRUCTURE, speech_network.pinned_weights, recordings.build),
)
