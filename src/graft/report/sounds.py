"""Recordings that travel inside the page: small ones as they are, the beginning of longer ones made small."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Any

from graft.decoding.formats import HEAD, sniff
from graft.decoding.sound import decode_beginning, mended, seconds_of
from graft.errors import GraftError

EACH = 100_000
"""No recording takes more bytes of the page than this."""
BEGINNING = 8.0
"""Seconds that are kept of a recording that is too large."""
TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg", "ogg": "audio/ogg", "flac": "audio/flac"}
"""What browsers play, by its kind."""
_RATES = frozenset({8000, 11025, 12000, 16000, 22050, 24000})
"""Those of MP3 that are enough for speech."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording for the page.

    ``content`` is empty where it is too large to travel and its beginning could not be made small; ``seconds`` is
    ``nan`` where it is not known; ``kept`` is how much of it ``content`` plays, 0 for all of it.
    """

    content: bytes
    kind: str
    seconds: float = math.nan
    kept: float = 0.0


def portable(content: bytes, most: int = EACH) -> Sound:
    """The recording in at most ``most`` bytes, as something that browsers play.

    One that is larger, or of a kind that browsers do not play, gives its first ``BEGINNING`` seconds as a mono MP3.
    """
    kind = TYPES.get(sniff(content[:HEAD]) or "")
    if kind and len(content) <= most:
        return Sound(mended(content), kind, _seconds(content))
    return _beginning(content, most)


def _seconds(content: bytes) -> float:
    try:
        return seconds_of(content)
    except GraftError:
        return math.nan


def _beginning(content: bytes, most: int) -> Sound:
    """The first seconds as MP3: the one small kind that every browser plays and that needs no resampling."""
    try:
        import soundfile

        samples, rate, seconds = decode_beginning(content, BEGINNING)
        samples, rate = _thinned(samples, rate)
        buffer = io.BytesIO()
        soundfile.write(buffer, samples, rate, format="MP3", subtype="MPEG_LAYER_III", compression_level=0.8)
    except (GraftError, ImportError, OSError, RuntimeError, ValueError, MemoryError):
        return Sound(b"", "")
    small = buffer.getvalue()
    kept = 0.0 if seconds <= BEGINNING else BEGINNING
    return Sound(small if 0 < len(small) <= most and len(samples) else b"", TYPES["mp3"], seconds, kept)


def _thinned(samples: Any, rate: int) -> tuple[Any, int]:
    """Samples at a rate that MP3 knows, where a whole fraction of theirs is one: the mean of neighbours.

    Half the rate takes half the time to encode, and speech is as clear.
    """
    factor = next((step for step in range(1, 9) if rate % step == 0 and rate // step in _RATES), 1)
    whole = len(samples) // factor * factor
    return samples[:whole].reshape(-1, factor).mean(axis=1), rate // factor
