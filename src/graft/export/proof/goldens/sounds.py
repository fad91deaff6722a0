"""Golden recordings: sounds like speech, and every kind of file and level at which roads part."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from graft.contracts import Float64
from graft.decoding.sound import wav_bytes
from graft.export.proof.goldens.golden import Golden

_RATE = 16_000
_WORDS = 6


def draw_sounds(seed: int) -> Iterator[Golden]:
    """All of them, from the plain to the strange."""
    rng = np.random.default_rng([seed, 4])
    for _ in range(_WORDS):
        yield _wav(_word(rng, _RATE, float(rng.uniform(0.35, 1.0))), _RATE, "like a word")
    word = _word(rng, 48_000, 0.7)
    yield _wav(np.stack([word, 0.4 * np.roll(word, 90)], axis=1), 48_000, "48 kHz in stereo")
    yield _wav(np.stack([word, -word], axis=1), 48_000, "channels that cancel each other")
    yield _wav(_word(rng, 44_100, 0.6), 44_100, "44.1 kHz")
    yield _wav(_word(rng, 22_050, 0.6), 22_050, "22.05 kHz")
    yield _wav(_word(rng, 8_000, 0.8), 8_000, "8 kHz")
    yield Golden("wav", wav_bytes(_word(rng, _RATE, 0.5).astype(np.float32), _RATE), "samples of 32-bit floats")
    eight = (127.5 + 120 * _word(rng, _RATE, 0.5)).astype(np.uint8)
    yield Golden("wav", wav_bytes(eight, _RATE), "samples of 8 bits")
    yield Golden("wav", _wav_of_24_bits(_word(rng, _RATE, 0.5)), "samples of 24 bits")
    yield _wav(_tone(440.0, 0.5, 0.5), _RATE, "a tone")
    yield _wav(_tone(7_900.0, 0.5, 0.9), _RATE, "a tone near the limit")
    yield _wav(_tone(15_000.0, 0.4, 0.9, 48_000), 48_000, "a tone that 16 kHz cannot hold")
    yield _wav(rng.normal(0, 0.2, _RATE // 2), _RATE, "noise")
    yield _wav(np.zeros(_RATE // 2), _RATE, "silence")
    yield _wav(1e-3 * _word(rng, _RATE, 0.6), _RATE, "hardly to be heard")
    yield _wav(np.clip(8 * _word(rng, _RATE, 0.6), -1, 1), _RATE, "clipped")
    yield _wav(_tone(300.0, 0.005, 0.5), _RATE, "5 milliseconds")
    yield _wav(np.array([0.25]), _RATE, "one sample")
    long = np.concatenate([np.r_[_word(rng, _RATE, 0.7), np.zeros(_RATE // 5)] for _ in range(5)])
    yield _wav(long, _RATE, "five words one after another")


def _word(rng: np.random.Generator, rate: int, seconds: float) -> Float64:
    """A voice that glides, through two resonances that move, with a hiss before it: ``(s,)`` at most 1."""
    t = np.arange(round(rate * seconds)) / rate
    share = t / seconds
    pitch = rng.uniform(90, 240) * (1 + 0.25 * np.sin(2 * np.pi * (rng.uniform(0.3, 1.2) * share + rng.random())))
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    ends = rng.uniform([[250], [900]], [[850], [2500]], (2, 2))
    first, second = (start + (end - start) * share for start, end in ends)
    voice = np.zeros_like(t)
    for harmonic in range(1, 30):
        at = harmonic * pitch
        gain = 1 / (1 + ((at - first) / 120) ** 2) + 0.5 / (1 + ((at - second) / 180) ** 2)
        voice += np.where(at < min(rate / 2, 7_000), gain, 0) * np.sin(harmonic * phase)
    hiss = rng.normal(0, 0.4, len(t)) * (share < rng.uniform(0.05, 0.25))
    envelope = np.minimum(1, 12 * share) * np.minimum(1, 6 * (1 - share))
    sound = (voice / max(1e-9, float(np.abs(voice).max())) + hiss) * envelope
    sound += rng.normal(0, 0.002, len(t))
    return np.asarray(0.6 * sound / float(np.abs(sound).max()), np.float64)


def _tone(hertz: float, seconds: float, level: float, rate: int = _RATE) -> Float64:
    return np.asarray(level * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate), np.float64)


def _wav(sound: Float64, rate: int, what: str) -> Golden:
    """As 16-bit integers, which every program reads."""
    return Golden("wav", wav_bytes(np.round(np.clip(sound, -1, 1) * 32767).astype(np.int16), rate), what)


def _wav_of_24_bits(sound: Float64) -> bytes:
    levels = np.round(sound * (2**23 - 1)).astype("<i4")
    body = levels.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    body += b"\0" * (len(body) % 2)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, _RATE, _RATE * 3, 3, 24)
    data = struct.pack("<4sI", b"data", 3 * len(levels)) + body
    return struct.pack("<4sI4s", b"RIFF", 4 + len(form) + len(data), b"WAVE") + form + data
