"""Recordings for models of the hub: raw samples, or the log-mel spectrogram of Whisper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from graft.contracts import LIMITS, Array, Bool, Float32, Float64, Int, ItemLimits, Prepared
from graft.decoding.measures import OF_RECORDINGS
from graft.errors import EncoderError

WINDOW = 20.0
"""Seconds that are heard at once: the time for a window grows with the square of its length."""
MAX_WINDOWS = 16
"""Of a longer recording this many windows are heard, spread evenly."""
CALL = 80.0
"""Seconds that go through the network at once."""
LEAST_VARIANCE = 1e-7
"""Added to the variance by which raw samples are levelled."""
RANGE = 8.0
"""Powers of ten below the loudest that a spectrogram of Whisper shows."""
ALLOWED = 1e-3
"""Largest difference of an input from what the model's own processor makes of the same recording."""


class Recordings:
    """Files -> windows of samples -> ``input_values (n, s) float32`` or ``input_features (n, m, f) float32``.

    Only windows of the same length go through the network together, so that nothing is padded that was not padded when
    the model was trained, and no window hears of another's length.

    Args:
        settings: ``rate`` in Hz; ``form``: ``"samples"`` (then ``normalise``, and ``shortest``: samples below which a
            window is filled up with silence) or ``"mel"`` (then ``fft``, ``hop``, ``samples``: those of a window, to
            which all are filled up, ``mels``, ``reduction``: frames of the spectrogram in one of the output).
    """

    statistics = OF_RECORDINGS
    batch_size = 8

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings
        self.rate = int(settings["rate"])

    def prepare(self, content: bytes, limits: ItemLimits = LIMITS) -> Prepared:
        """Decode a recording: the value is a tuple of windows ``(s,) float32``, all of one length."""
        from graft.decoding.sound import decode_sound

        decoded = decode_sound(content, self.rate, limits)
        windows, share = cut(decoded.value, self._longest)
        shortest = int(self.settings.get("shortest", 1))
        value = tuple(np.pad(window, (0, max(0, shortest - len(window)))) for window in windows)
        return Prepared(value, {**decoded.statistics, "read": decoded.statistics["read"] * share})

    def calls(self, windows: Sequence[Float32]) -> Iterator[tuple[Int, tuple[Array, ...], Bool | None]]:
        """What goes through the network at once.

        Yields:
            Which windows, ``(w,)``; the input; the frames of the output that are pooled ``(w, t)``, ``None`` for all.
        """
        lengths = np.array([len(window) for window in windows])
        for length in np.unique(lengths):
            together = np.flatnonzero(lengths == length)
            size = max(1, int(CALL * self.rate // max(length, self.settings.get("samples", 0))))
            for start in range(0, len(together), size):
                chosen = together[start : start + size]
                inputs, mask = self.inputs([windows[index] for index in chosen])
                yield chosen, (inputs,), mask

    def inputs(self, windows: Sequence[Float32]) -> tuple[Float32, Bool | None]:
        """The input for windows of the same length, and which frames of the output are theirs."""
        if self.settings["form"] == "samples":
            return np.stack([self._level(window) for window in windows]), None
        frames = self.settings["samples"] // self.settings["hop"] // self.settings["reduction"]
        heard = -(-len(windows[0]) // (self.settings["hop"] * self.settings["reduction"]))
        mask = np.broadcast_to(np.arange(frames) < heard, (len(windows), frames))
        return np.stack([self._log_mel(window) for window in windows]), mask

    def trial(self) -> list[list[tuple[Float32, ...]]]:
        """Recordings ``(s,) float32`` to try a graph with."""
        most = self.settings.get("samples", np.inf)
        second, less, more = (int(min(int(self.rate * seconds), most)) for seconds in (1.0, 0.41, 2.3))
        return [[(_sample(second, 0),), (_sample(second, 1),)], [(_sample(less, 0),)], [(_sample(more, 0),)]]

    @property
    def _longest(self) -> int:
        return int(self.settings.get("samples") or WINDOW * self.rate)

    def _level(self, window: Float32) -> Float32:
        if not self.settings["normalise"]:
            return window
        levelled: Float32 = ((window - window.mean()) / np.sqrt(window.var() + LEAST_VARIANCE)).astype(np.float32)
        return levelled

    def _log_mel(self, window: Float32) -> Float32:
        """Whisper's spectrogram ``(mels, frames) float32`` (Radford et al. 2022, section 2.2)."""
        fft, hop = self.settings["fft"], self.settings["hop"]
        samples = np.pad(window, (0, self.settings["samples"] - len(window)))
        padded = np.pad(samples, fft // 2, mode="reflect")
        frames = np.lib.stride_tricks.sliding_window_view(padded, fft)[::hop][:-1]
        hann = np.hanning(fft + 1)[:-1].astype(np.float32)
        power = np.abs(np.fft.rfft(frames * hann, axis=1)) ** 2
        logs = np.log10(np.maximum(self._filters @ power.T, 1e-10))
        features: Float32 = ((np.maximum(logs, logs.max() - RANGE) + 4.0) / 4.0).astype(np.float32)
        return features

    @cached_property
    def _filters(self) -> Float64:
        return mel_filters(self.rate, self.settings["fft"], self.settings["mels"])


def settings_from(extractor: Any, config: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The settings that do what the model's own feature extractor does, checked on recordings of several lengths.

    Raises:
        EncoderError: The extractor is of a kind that is not known here, or does something else.
    """
    kind = type(extractor).__name__
    if kind == "Wav2Vec2FeatureExtractor":
        settings = {
            "form": "samples",
            "rate": int(extractor.sampling_rate),
            "normalise": bool(extractor.do_normalize),
            "shortest": _receptive_field(config),
        }
        lengths = [extractor.sampling_rate // 2, extractor.sampling_rate * 2 + 7]
    elif kind == "WhisperFeatureExtractor":
        settings = {
            "form": "mel",
            "rate": int(extractor.sampling_rate),
            "fft": int(extractor.n_fft),
            "hop": int(extractor.hop_length),
            "samples": int(extractor.n_samples),
            "mels": int(extractor.feature_size),
            "reduction": 2,
        }
        lengths = [extractor.sampling_rate + 11]
    else:
        raise EncoderError(
            f"{name} hears through a {kind}, which Graft does not know.",
            "Use a model that takes raw samples, such as wav2vec2, HuBERT or WavLM, or Whisper.",
        )
    _check(Recordings(settings), extractor, lengths, name)
    return settings


def mel_filters(rate: int, fft: int, mels: int) -> Float64:
    """Triangular filters of equal area ``(mels, fft / 2 + 1)``, on the scale of Slaney's Auditory Toolbox (1998)."""
    centres = _hertz(np.linspace(0.0, _mel(8000.0), mels + 2))
    frequencies = np.linspace(0, rate // 2, fft // 2 + 1)
    widths = np.diff(centres)
    down = (centres[2:, None] - frequencies) / widths[1:, None]
    up = (frequencies - centres[:-2, None]) / widths[:-1, None]
    area = 2.0 / (centres[2:] - centres[:-2])
    filters: Float64 = np.maximum(0.0, np.minimum(up, down)) * area[:, None]
    return filters


def _mel(hertz: float) -> float:
    return 3.0 * hertz / 200.0 if hertz < 1000.0 else 15.0 + np.log(hertz / 1000.0) * 27.0 / np.log(6.4)


def _hertz(mels: Float64) -> Float64:
    return np.where(mels < 15.0, 200.0 * mels / 3.0, 1000.0 * np.exp(np.log(6.4) / 27.0 * (mels - 15.0)))


def cut(samples: Float32, longest: int) -> tuple[list[Float32], float]:
    """Windows of one length that cover the recording, overlapping by a few samples; and the share of it that they hold.

    A window of a long recording is at most ``longest``; of a very long one ``MAX_WINDOWS`` are taken, spread evenly.
    """
    count = -(-len(samples) // longest)
    length = -(-len(samples) // count)
    starts = np.linspace(0, len(samples) - length, count).round().astype(int)
    if count > MAX_WINDOWS:
        starts = starts[np.linspace(0, count - 1, MAX_WINDOWS).round().astype(int)]
    return [samples[start : start + length] for start in starts], min(1.0, MAX_WINDOWS / count)


def _receptive_field(config: Mapping[str, Any]) -> int:
    """Samples that one frame of the output is made of: shorter recordings have none."""
    length = 1
    pairs = zip(config.get("conv_kernel") or [400], config.get("conv_stride") or [320], strict=False)
    for kernel, stride in reversed(list(pairs)):
        length = (length - 1) * stride + kernel
    return int(length)


def _check(recordings: Recordings, extractor: Any, lengths: Sequence[int], name: str) -> None:
    for seed, length in enumerate(lengths):
        sample = _sample(length, seed)
        theirs = extractor(sample, sampling_rate=recordings.rate, return_tensors="np")
        theirs = np.asarray(next(iter(theirs.values())), np.float32)
        ours, _ = recordings.inputs([sample])
        if ours.shape != theirs.shape or np.abs(ours - theirs).max() > ALLOWED:
            raise EncoderError(
                f"The feature extractor of {name} ({type(extractor).__name__}) does something that is not known here.",
                "Use another model.",
            )


def _sample(length: int, seed: int) -> Float32:
    random = np.random.default_rng(seed)
    tone = np.sin(np.arange(length) * random.uniform(0.05, 0.3)) * 0.3
    sample: Float32 = (tone + 0.05 * random.standard_normal(length)).astype(np.float32)
    return sample
