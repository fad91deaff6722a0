"""Whether a photo gives the same answer whichever program decodes it: Graft's own decoder beside Pillow's."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from benchmarks.results import keep, progress, show
from benchmarks.sets import DATA
from graft import fit, read
from graft.contracts import Array
from graft.data.dataset import Dataset
from graft.decoding.decode import decode_picture
from graft.encoders.efficientnet import SIDE
from graft.encoders.image import ZOOM
from graft.model.model import Model

SETS = ("ants_bees", "beds_sofas", "potato_leaves")
PHOTOS = 200
SHOTS = 20
PASSES = 3
FIGURES = ("largest", "mean", "changed", "graft_ms", "pillow_ms")


def measure(photos: int = PHOTOS, names: Sequence[str] = ()) -> None:
    """Fit on files, ask for other photos as files and as Pillow decodes them; write ``results/decoders.json``."""
    cells: list[dict[str, Any]] = []
    for name in SETS:
        if not (DATA / name).is_dir() or (names and name not in names):
            progress.print(f"[dim]{name} is left out[/dim]")
            continue
        cells.append({"set": name, **_compare(read(DATA / name), photos)})
    rows = [
        (
            f"{cell['set']}, {cell['photos']} photos", f"{cell['largest']:.4f}", f"{cell['mean']:.5f}",
            str(cell["changed"]), f"{cell['graft_ms']:.2f}", f"{cell['pillow_ms']:.2f}",
        )
        for cell in cells
    ]  # fmt: skip
    show(
        "One photo, two decoders",
        ("set", "largest difference", "mean difference", "labels that differ", "Graft, ms", "Pillow, ms"),
        rows,
        f"Of probabilities; by models of {SHOTS} photos a class. Times are of one core, a photo to {SIDE} x {SIDE}.",
    )
    keep("decoders", {"cells": cells})


def _compare(dataset: Dataset, photos: int) -> dict[str, Any]:
    order = np.random.default_rng(0).permutation(len(dataset))
    shown = np.concatenate([order[dataset.y[order] == y][:SHOTS] for y in range(len(dataset.classes))])
    asked = order[~np.isin(order, shown)][:photos]
    train = dataset.select(shown)
    model = fit(Dataset(train.items, train.labels, modality=train.modality))
    contents = [dataset.items[row].read() for row in asked.tolist()]
    own, others = _asked(model, contents), _asked(model, [_pillow(content) for content in contents])
    apart = np.abs(own - others).max(axis=1)
    return {
        "photos": len(asked),
        "largest": float(apart.max()),
        "mean": float(apart.mean()),
        "changed": int((own.argmax(axis=1) != others.argmax(axis=1)).sum()),
        "graft_ms": _ms(lambda content: decode_picture(content, SIDE, SIDE, crop=1.0, zoom=ZOOM), contents),
        "pillow_ms": _ms(_pillow_resized, contents),
    }


def _asked(model: Model, inputs: Sequence[Any]) -> Array:
    return np.array([[answer.scores[label] for label in model.classes] for answer in model.predict(inputs)])


def _pillow(content: bytes) -> Image.Image:
    """Decoded as Pillow does it, at full size."""
    return ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")


def _pillow_resized(content: bytes) -> Image.Image:
    image = _pillow(content)
    side = ZOOM * min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    return image.resize((SIDE, SIDE), Image.Resampling.HAMMING, box=(left, top, left + side, top + side))


def _ms(decode: Callable[[bytes], object], contents: Sequence[bytes]) -> float:
    """Milliseconds a photo: the least of a few passes, for whatever else runs can only add to it."""
    times = []
    for _ in range(PASSES):
        start = time.process_time()
        for content in contents:
            decode(content)
        times.append(time.process_time() - start)
    return 1000 * min(times) / len(contents)
