"""What copies of recordings and pictures are recognised by, embedded and cached like anything else."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graft.contracts import LIMITS, Float32, ItemLimits, Prepared, Stages
from graft.decoding.measures import DECODING
from graft.duplicates import pictures
from graft.duplicates.sounds import RATE, WIDTH, sound_print

PREPROCESSING = "1"
"""Raised whenever the same file would give another print."""


@dataclass(frozen=True)
class SoundPrints:
    """Recordings -> prints ``(n, 1024) float32``, for ``near_duplicates`` and for no head.

    It keeps the contract of an encoder, so that prints are computed on all cores and kept by content, whichever encoder
    the model has.
    """

    name: str = "sound-print"
    modality: str = "audio"
    stages: Stages = ((WIDTH,),)
    dim: int = WIDTH
    backend: str = "numpy"
    batch_size: int = 64
    statistics: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """Hash of the preprocessing."""
        return hashlib.sha256(f"{WIDTH}:{PREPROCESSING}".encode()).hexdigest()[:16]

    @property
    def fingerprint(self) -> str:
        """The cache's key."""
        return f"{self.name}:{self.version}"

    def prepare(self, content: bytes, limits: ItemLimits = LIMITS) -> Prepared:
        """Decode a recording to its print ``(1024,) float32``.

        Raises:
            ItemError: As for ``decode_sound``.
            EncoderError: The packages that read sound are not installed.
        """
        from graft.decoding.sound import decode_sound

        return Prepared(sound_print(decode_sound(content, RATE, limits).value), {})

    def embed(self, batch: Sequence[Any]) -> Float32:
        """Prints ``(1024,) float32`` -> ``(n, 1024) float32``."""
        return np.stack(batch)

    def warm(self) -> None:
        """Nothing: there is no network."""


@dataclass(frozen=True)
class PicturePrints:
    """Pictures -> prints ``(n, 1024) float32``, for ``pictures.py`` and for no head; else as ``SoundPrints``."""

    name: str = "picture-print"
    modality: str = "image"
    stages: Stages = ((pictures.WIDTH,),)
    dim: int = pictures.WIDTH
    backend: str = "numpy"
    batch_size: int = 64
    statistics: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """Hash of the preprocessing, and of how files become pixels."""
        return hashlib.sha256(f"{pictures.WIDTH}:{PREPROCESSING}:{DECODING}".encode()).hexdigest()[:16]

    @property
    def fingerprint(self) -> str:
        """The cache's key."""
        return f"{self.name}:{self.version}"

    def prepare(self, content: bytes, limits: ItemLimits = LIMITS) -> Prepared:
        """Decode a picture to its print ``(1024,) float32``.

        Raises:
            ItemError: As for ``decode_picture``.
        """
        return Prepared(pictures.picture_print(content, limits), {})

    def embed(self, batch: Sequence[Any]) -> Float32:
        """Prints ``(1024,) float32`` -> ``(n, 1024) float32``."""
        return np.stack(batch)

    def warm(self) -> None:
        """Nothing: there is no network."""
