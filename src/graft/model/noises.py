"""A model of sounds is asked what it hears where there is nothing to hear."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from graft.contracts import Float32, Float64
from graft.data.dataset import negative_classes
from graft.model.model import Model

SECONDS = 60
"""Of each kind of noise so much is heard."""
RATE = 16_000
MUCH = 0.05
"""A class that takes more of a noise is named."""
LEVEL = 0.1
"""Root mean square of the noises, full scale 1."""
SHORTEST, LONGEST = 0.5, 10.0
"""Seconds; bounds of the pieces, which are as long as a typical recording."""


def ask_noises(model: Model, lengths: Float64 | None, marked: Sequence[str] = ()) -> Model:
    """The model, with a warning for each noise of which some class takes more than ``MUCH``.

    Asked are silence, white noise, and pink noise, whose energy falls by 3 dB an octave as that of most rooms does. A
    class that holds what is none of the others may take them, and what is called unknown is no class's.

    Args:
        model: Any model; only one of recordings is asked.
        lengths: Seconds of each recording ``(n,)``, where they are known.
        marked: Classes that the user marked as holding what is none of the others.
    """
    if model.encoder is None or model.encoder.modality != "audio":
        return model
    typical = 1.0 if lengths is None else float(np.clip(np.median(lengths), SHORTEST, LONGEST))
    allowed = negative_classes(model.classes, marked)
    said = [found for name, noise in _noises().items() if (found := _ask(model, name, noise, typical, allowed))]
    return replace(model, report=replace(model.report, warnings=(*model.report.warnings, *said)))


def _ask(model: Model, name: str, noise: Float32, typical: float, allowed: Sequence[str]) -> str:
    size = round(typical * RATE)
    pieces = [(noise[start : start + size], RATE) for start in range(0, len(noise) - size + 1, size)]
    answers = [answer for answer in model.predict(pieces) if answer.error is None and not answer.unknown]
    heard = Counter(label for answer in answers for label in answer.labels or (answer.label,) if label)
    taken = [(label, n / len(pieces)) for label, n in heard.most_common() if label not in allowed]
    named = ", ".join(f"{label} in {share:.0%}" for label, share in taken if share > MUCH)
    if not named:
        return ""
    return (
        f"Asked {SECONDS} s of {name}, the model hears {named} of it. Add recordings of nothing in particular, from "
        "the place where it will listen, as a class called background."
    )


def _noises() -> dict[str, Float32]:
    """Of each kind ``(SECONDS * RATE,) float32``."""
    n = SECONDS * RATE
    white = np.random.default_rng(0).normal(size=n)
    spectrum = np.fft.rfft(white)
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    pink = np.fft.irfft(spectrum, n)
    return {
        "silence": np.zeros(n, np.float32),
        **{
            name: (LEVEL * noise / noise.std()).clip(-1, 1).astype(np.float32)
            for name, noise in (("white noise", white), ("pink noise", pink))
        },
    }
