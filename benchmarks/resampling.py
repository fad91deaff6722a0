"""Whether recordings of other rates are answered alike when the example beside an export brings them to 16 kHz."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.results import keep, progress, show
from benchmarks.sets import DATA
from graft import fit, read
from graft.data.dataset import Dataset
from graft.decoding.sound import decode_sound, wav_bytes
from graft.export.building import exact
from graft.export.templates.example_audio import resampled

SET, RATE, LEARNED, ASKED = "spoken_digits", 16_000, 400, 200
RATES = (8_000, 11_025, 22_050, 44_100, 48_000)
NAMES = "{label}_{group}_{index}.wav"
NOISE = 0.002
"""Added at the other rate, so that all of its band holds something."""


def measure() -> None:
    """Recordings of real digits at other rates, as Graft and as the example resample; ``results/resampling.json``."""
    if not (DATA / SET).is_dir():
        progress.print(f"[dim]{SET} is left out[/dim]")
        return
    dataset = read(DATA / SET, pattern=NAMES)
    order = np.random.default_rng(0).permutation(len(dataset))
    train = dataset.select(order[:LEARNED])
    model = exact(fit(Dataset(train.items, train.labels, modality=train.modality)))
    others = [item.read() for item in dataset.select(order[LEARNED : LEARNED + ASKED]).items]
    cells = [_compare(model, others, rate) for rate in RATES]
    show(
        "Recordings at other rates, brought to 16 kHz by the example and by Graft",
        ("rate", "labels", "largest difference", "99 of 100 below"),
        [
            (str(cell["rate"]), f"{cell['labels']:.2%}", f"{cell['largest']:.4f}", f"{cell['most']:.4f}")
            for cell in cells
        ],
        f"{ASKED} recordings of {SET}; differences are of probabilities.",
    )
    keep("resampling", {"cells": cells})


def _compare(model: Any, contents: list[bytes], rate: int) -> dict[str, Any]:
    chance = np.random.default_rng(rate)
    own, ours = [], []
    for content in contents:
        samples = decode_sound(content, rate).value
        noisy = (samples + chance.normal(0, NOISE, len(samples))).astype(np.float32)
        own.append(wav_bytes(noisy, rate))
        ours.append(wav_bytes(resampled(noisy, rate, RATE), RATE))
    pairs = list(zip(model.predict(own), model.predict(ours), strict=True))
    apart = [max(abs(one.scores[label] - other.scores[label]) for label in one.scores) for one, other in pairs]
    return {
        "rate": rate,
        "labels": float(np.mean([one.label == other.label for one, other in pairs])),
        "largest": max(apart),
        "most": float(np.quantile(apart, 0.99)),
    }
