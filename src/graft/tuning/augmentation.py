"""What a network that learns sees of items: never twice quite the same. Pictures by kornia, sounds in torch.

The bounds are those of ``graft.decoding.augment``, whose views are for heads on a frozen encoder.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Protocol

import torch

from graft.decoding import augment
from graft.decoding.augment import (
    LEAST_CROP,
    LIGHT,
    MASKED_BANDS,
    MASKED_FRAMES,
    MASKS,
    MOST_GAIN,
    MOST_SHIFT,
    MOST_TURN,
)
from graft.errors import MissingExtra
from graft.tuning.network import Batch, Tensor

LOUDEST_NOISE, FAINTEST_NOISE = 1.0, 4.0
"""Noise lies so many tenths of 10 dB, as mel frames count, below the mean of a sound: 10 to 40 dB."""
NOISE_BELOW = augment.LOUDEST_NOISE, augment.FAINTEST_NOISE
"""Decibels that noise lies below samples."""
MOST_STEPS = 8
"""Mel frames by which a sound is moved at most, to either side: one step of the network's output."""


class Augmentation(Protocol):
    """Items in, items that show the same a little otherwise out."""

    def __call__(self, batch: Batch, generator: Any) -> Batch:
        """The batch as ``Network.batch`` made it, changed, on the same device.

        Args:
            batch: What a network takes; it is left as it is.
            generator: A ``torch.Generator`` of the processor: in the same state it gives the same views.
        """


def with_some_left_out(texts: Sequence[Any], share: float, generator: Any) -> list[Any]:
    """Texts that lack some of their tokens; the first and the last of a window, which mark its ends, stay.

    A window of which nothing else would be left stays whole.

    Args:
        texts: Each a tuple of windows ``(t,)`` of token numbers.
        share: Chance of each token to be left out, in [0, 1).
        generator: A ``torch.Generator`` of the processor.
    """

    def fewer(window: Any) -> Any:
        kept = (torch.rand(len(window), generator=generator) >= share).numpy()
        kept[[0, -1]] = True
        return window[kept] if kept.sum() > 2 else window

    return [tuple(fewer(window) for window in text) for text in texts]


def augmentation_for(modality: str, *, flips: bool = True, size: int = 0) -> Augmentation | None:
    """What fits a modality; none for texts, of which tokens are left out before they are a batch.

    Args:
        modality: ``"image"``, ``"audio"`` or ``"text"``.
        flips: Whether pictures may be mirrored; not where left and right tell classes apart.
        size: Width and height of pictures that are learned from, in pixels; 0: as they are.

    Raises:
        MissingExtra: kornia is not installed, and the items are pictures.
    """
    if modality == "image":
        if importlib.util.find_spec("kornia") is None:
            raise MissingExtra(
                "Pictures are augmented by kornia, which is not here.", "pip install 'graft-learn[tune]'"
            )
        return ImageAugmentation(flips, size)
    return AudioAugmentation() if modality == "audio" else None


class ImageAugmentation:
    """Cropped, turned, mirrored and lit otherwise: ``(n, 3, h, w)`` from 0 to 255, uint8 or float, gives float32.

    With a size they are made smaller first: ``(n, 3, size, size)``.
    """

    def __init__(self, flips: bool = True, size: int = 0) -> None:
        self.flips, self.size = flips, size

    def __call__(self, batch: Batch, generator: Any) -> Batch:
        """See ``Augmentation``."""
        pictures, *others = batch
        pictures = pictures.to(torch.float32)
        if self.size:
            pictures = torch.nn.functional.interpolate(
                pictures, size=(self.size, self.size), mode="bilinear", antialias=True
            )
        with torch.random.fork_rng(devices=[]):  # kornia draws from the global chance, of the processor
            torch.manual_seed(_seed(generator))
            seen = self._chain(pictures / 255)
        return (seen.clamp(0, 1) * 255, *others)

    @cached_property
    def _chain(self) -> Any:
        from kornia import augmentation
        from torch.nn import Sequential

        return Sequential(
            # One warp for all that moves pixels: each costs more than all light together.
            augmentation.RandomAffine(
                MOST_TURN,
                translate=((1 - LEAST_CROP) / 2, (1 - LEAST_CROP) / 2),
                scale=(1.0, 1 / LEAST_CROP),
                padding_mode="reflection",
                p=1.0,
            ),
            augmentation.RandomHorizontalFlip(p=0.5 if self.flips else 0.0),
            augmentation.ColorJitter(LIGHT, LIGHT, LIGHT, 0.0, p=1.0),
        )


class AudioAugmentation:
    """Samples ``(n, s)``, or mel frames ``(n, t, bands)`` in tens of decibels, which are masked in part as well.

    Both are moved, made louder or softer, and noise is put over them. Zeros at the end fill a recording up to the
    length of the longest, and stay.
    """

    def __call__(self, batch: Batch, generator: Any) -> Batch:
        """See ``Augmentation``."""
        sounds, *others = batch
        changed = torch.zeros_like(sounds)
        for row, sound in enumerate(sounds):
            filled = (sound if sound.ndim == 1 else sound.abs().amax(dim=1)).nonzero()
            if len(filled):
                length = int(filled.max()) + 1
                change = _played if sound.ndim == 1 else _heard
                changed[row, :length] = change(sound[:length], generator)
        return (changed, *others)


def _played(samples: Tensor, generator: Any) -> Tensor:
    """One recording ``(s,)``; what is moved beyond an end is lost."""
    shift = round(_uniform(-MOST_SHIFT, MOST_SHIFT, generator) * len(samples))
    moved = torch.roll(samples, shift)
    moved[: max(0, shift)] = 0
    moved[len(samples) + min(0, shift) :] = 0
    level = moved.square().mean().sqrt() * 10 ** (-_uniform(*NOISE_BELOW, generator) / 20)
    noise = torch.randn(len(samples), generator=generator).to(samples.device)
    return (moved + level * noise) * 10 ** (_uniform(-MOST_GAIN, MOST_GAIN, generator) / 20)


def _heard(mel: Tensor, generator: Any) -> Tensor:
    """One recording ``(t, bands)``; its silence before and after is long enough to be moved about."""

    def uniform(low: float, high: float) -> float:
        return _uniform(low, high, generator)

    mel = torch.roll(mel, round(uniform(-MOST_STEPS, MOST_STEPS)), dims=0) + uniform(-MOST_GAIN, MOST_GAIN) / 10
    loudness = mel.mean(dim=1)
    sounding = (loudness > loudness.min() + 0.5).nonzero().flatten().tolist() or [0, len(mel) - 1]
    first, last = sounding[0], sounding[-1] + 1
    mean = mel[first:last].mean()
    noise = mean - uniform(LOUDEST_NOISE, FAINTEST_NOISE)
    mel = torch.logaddexp(mel * math.log(10), (noise * math.log(10)).expand_as(mel)) / math.log(10)  # energies add up
    for _ in range(MASKS):
        width = round(uniform(0, MASKED_BANDS) * mel.shape[1])
        start = round(uniform(0, mel.shape[1] - width))
        mel[first:last, start : start + width] = mean
        width = round(uniform(0, MASKED_FRAMES) * (last - first))
        start = first + round(uniform(0, last - first - width))
        mel[start : start + width] = mean
    return mel


def _uniform(low: float, high: float, generator: Any) -> float:
    return low + (high - low) * float(torch.rand((), generator=generator, dtype=torch.float64))


def _seed(generator: Any) -> int:
    return int(torch.randint(1 << 62, (), generator=generator))
