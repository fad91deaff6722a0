"""What copies of recordings and pictures are recognised by, embedded and cached like anything else."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from graft.contracts import LIMITS, Float32, ItemLimits, Prepared, Stages
from graft.decoding.measures import DECODING
from graft.duplicates.pictures import WIDTH, picture_print
from graft.duplicates.sounds import RATE, sound_print

PREPROCESSING = "1"
"""Raised whenever the same file would give another print."""


class _Prints:
    """Items -> prints ``(n, 1024) float32``, by which copies are found, and for no head.

    It keeps the contract of an encoder but for ``prepare``, so that prints are computed on all cores and kept by
    content, whichever encoder the model has.
    """

    name: ClassVar[str]
    modality: ClassVar[str]
    dim = WIDTH
    stages: Stages = ((WIDTH,),)
    backend = "numpy"
    batch_size = 64
    statistics: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """Hash of the preprocessing."""
        return hashlib.sha256(self._preprocessing().encode()).hexdigest()[:16]

    @property
    def fingerprint(self) -> str:
        """The cache's key."""
        return f"{self.name}:{self.version}"

    def embed(self, batch: Sequence[Any]) -> Float32:
        """Prints ``(1024,) float32`` -> ``(n, 1024) float32``."""
        return np.stack(batch)

    def warm(self) -> None:
        """Nothing: there is no network."""

    def _preprocessing(self) -> str:
        return f"{self.dim}:{PREPROCESSING}"


class SoundPrints(_Prints):
    """Recordings -> prints ``(n, 1024) float32``, for ``near_duplicates``."""

    name = "sound-print"
    modality = "audio"

    def prepare(self, content: bytes, limits: ItemLimits = LIMITS) -> Prepared:
        """Decode a recording to its print ``(1024,) float32``.

        Raises:
            ItemError: As for ``decode_sound``.
            EncoderError: The packages that read sound are not installed.
        """
        from graft.decoding.sound import decode_sound

        return Prepared(sound_print(decode_sound(content, RATE, limits).value), {})


class PicturePrints(_Prints):
    """Pictures -> prints ``(n, 1024) float32``, for ``copies.py``."""

    name = "picture-print"
    modality = "image"

    def prepare(self, content: bytes, limits: ItemLimits = LIMITS) -> Prepared:
        """Decode a picture to its print ``(1024,) float32``.

        Raises:
            ItemError: As for ``decode_picture``.
        """
        return Prepared(picture_print(content, limits), {})

    def _preprocessing(self) -> str:
        """And how files become pixels."""
        return f"{super()._preprocessing()}:{DECODING}"
