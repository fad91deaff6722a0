"""Recordings: moments are silenced, one at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graft.contracts import Encoder, Float32, Float64, ItemLimits
from graft.explanation.explanation import Part
from graft.explanation.variants import Variants

MOST = 24
"""Moments of a recording, at most."""
SHORTEST = 0.1
"""Seconds of a moment, at least."""
_FRAME = 0.02
"""Seconds over which is measured how quiet the recording can be."""
_QUIETEST = 0.1
"""Share of the frames by whose level it is told."""
_FACTOR, _ADDED = np.uint32(1_664_525), np.uint32(1_013_904_223)


def variants(encoder: Encoder, content: bytes, limits: ItemLimits) -> Variants:
    """A recording with each of its moments silenced: there is as little to be heard as in its quietest tenth.

    Of a recording of which pieces are read, each piece is a moment.

    Raises:
        ItemError: It cannot be read.
    """
    from graft.decoding.sound import LONGEST, PIECE, decode_beginning, decode_sound, wav_bytes

    _, rate, _ = decode_beginning(content, 0.0)
    sound = decode_sound(content, rate, limits)
    samples, seconds = sound.value, sound.statistics["seconds"]
    if seconds > LONGEST:
        pieces = int(LONGEST / PIECE)
        starts = [float(start) for start in np.linspace(0, seconds - PIECE, pieces)]
        spans = [(start, start + PIECE) for start in starts]
    else:
        pieces = max(1, min(MOST, int(seconds / SHORTEST)))
        spans = [(seconds * part / pieces, seconds * (part + 1) / pieces) for part in range(pieces)]
    if pieces < 2:
        spans = []
    bounds = [len(samples) * part // pieces for part in range(pieces + 1)]
    quiet = _quiet(samples, rate)

    def value(place: int) -> Any:
        if not place:
            return encoder.prepare(content, limits).value
        silenced = samples.copy()
        silenced[bounds[place - 1] : bounds[place]] = quiet[: bounds[place] - bounds[place - 1]]
        return encoder.prepare(wav_bytes(silenced, rate), limits).value

    return Variants(
        "times",
        len(spans),
        value,
        lambda effects: [Part(*span, effect) for span, effect in zip(spans, effects, strict=True)],
    )


def _quiet(samples: Float32, rate: int) -> Float32:
    """Noise ``(s,) float32`` as quiet as the recording at its quietest: the same on every machine."""
    size = max(1, round(_FRAME * rate))
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    levels = np.sort(np.sqrt(np.square(frames, dtype=np.float64).mean(axis=1)))
    level = float(levels[int(_QUIETEST * len(levels))]) if len(levels) else 0.0
    return np.asarray(_noise(len(samples)) * level * math.sqrt(3), np.float32)


def _noise(n: int) -> Float64:
    """``(n,) float64`` in [-1, 1): a linear congruential generator, for a page in a browser has to draw the same.

    What a silenced moment changes depends on which noise is in its place, by several in 100 of a short recording.
    """
    powers = np.cumprod(np.full(n, _FACTOR, np.uint32), dtype=np.uint32)
    sums = np.cumsum(np.concatenate([np.ones(1, np.uint32), powers[:-1]])[:n], dtype=np.uint32)
    return (powers + _ADDED * sums).view(np.int32) / 2.0**31
