"""Whether *why* points at what an answer rests on, with what squares are best covered, and what it costs.

A photo of a class is made small and laid into one quarter of a photo of something else: what speaks for the class lies
in that quarter, where one square of four lies.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

import graft
from benchmarks.results import keep, mean, progress, show
from benchmarks.sets import DATA
from graft.contracts import Array
from graft.explanation.pictures import SIDE
from graft.model import Model
from graft.model.explaining import with_why

PHOTOS = 60
CANVAS = 448
SETS = (("ants_bees", "hemlock_cherry"), ("beds_sofas", "ants_bees"), ("potato_leaves", "beds_sofas"))
"""Photos of classes, and those that they are laid into."""
FIGURES = ("strongest", "first_three", "share")
PARTS = 3
"""Squares that are looked at for ``first three``."""
TIMED = 8


@dataclass(frozen=True, slots=True)
class Cover:
    """What a square is filled with: pixels ``(h, w, 3) uint8`` of the same shape as the picture's."""

    name: str
    filled: Callable[[Array], Array]


def _blurred(pixels: Array) -> Array:
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(24)))


COVERS = (
    Cover("mean colour", lambda pixels: np.broadcast_to(np.rint(pixels.mean(axis=(0, 1))), pixels.shape)),
    Cover("grey", lambda pixels: np.full_like(pixels, 128)),
    Cover("black", np.zeros_like),
    Cover("blurred", _blurred),
)


def measure(photos: int = PHOTOS) -> None:
    """Print the tables and write ``results/why.json``."""
    cells = [cell for name, ground in SETS for cell in (_of_set(name, ground, photos) if photos else [])]
    rows = [(f"{cell['set']}, {cell['cover']}", *(f"{cell[key]:.3f}" for key in FIGURES)) for cell in cells]
    show(
        "Why: squares in the quarter that holds the class",
        ("set, cover", "strongest", "first three", "share of what speaks for it"),
        rows,
        f"{photos} photos of each set; by chance 0.25.",
    )
    costs = _costs()
    show(
        "Why: processor seconds an item, one after the other",
        ("item", "answer", "why"),
        [(cost["item"], f"{cost['answer']:.3f}", f"{cost['why']:.2f}") for cost in costs],
    )
    report = _cost_of_report()
    show(
        "Why: processor seconds of a fit whose embeddings are in the cache",
        ("photos", "fit", "--why"),
        [(str(report["photos"]), f"{report['fit']:.1f}", f"{report['why']:.1f}")],
    )
    keep("why", {"photos": photos, "cells": cells, "costs": costs, "report": report})


def _of_set(name: str, ground: str, photos: int) -> list[dict[str, Any]]:
    if not (DATA / name).is_dir() or not (DATA / ground).is_dir():
        progress.print(f"[dim]{name} is left out[/dim]")
        return []
    data = graft.read(DATA / name)
    chance = np.random.default_rng(0)
    order = chance.permutation(len(data))
    asked, learned = order[:photos].tolist(), order[photos:].tolist()
    model = graft.fit(data.select(sorted(learned)))
    assert model.encoder is not None
    grounds = graft.read(DATA / ground).items
    found: dict[str, list[tuple[float, float, float]]] = {cover.name: [] for cover in COVERS}
    for place, row in enumerate(asked):
        progress.print(f"[dim]{name} {place + 1} of {len(asked)}[/dim]")
        quarter = int(chance.integers(4))
        other = grounds[int(chance.integers(len(grounds)))]
        pixels = model.encoder.prepare(_laid(data.items[row].read(), other.read(), quarter)).value
        for cover in COVERS:
            found[cover.name].append(_points(_effects(model, pixels, data.labels[row], cover), quarter))
    return [
        {
            "set": name,
            "cover": cover,
            **{
                key: mean([run[place] for run in runs])
                for place, key in enumerate(("strongest", "first_three", "share"))
            },
        }
        for cover, runs in found.items()
    ]


def _laid(content: bytes, ground: bytes, quarter: int) -> bytes:
    """A photo in a quarter of another, both cut to squares; the network sees the middle of the whole."""
    below, above = (_square(one, side) for one, side in ((ground, CANVAS), (content, CANVAS * 3 // 8)))
    down, across = divmod(quarter, 2)
    below.paste(above, (CANVAS // 2 if across else CANVAS // 8, CANVAS // 2 if down else CANVAS // 8))
    buffer = io.BytesIO()
    below.save(buffer, "PNG")
    return buffer.getvalue()


def _square(content: bytes, side: int) -> Image.Image:
    image = Image.open(io.BytesIO(content)).convert("RGB")
    edge = min(image.size)
    left, top = (image.width - edge) // 2, (image.height - edge) // 2
    return image.crop((left, top, left + edge, top + edge)).resize((side, side))


def _effects(model: Model, pixels: Array, label: str, cover: Cover) -> Array:
    filled, side = cover.filled(pixels), len(pixels) // SIDE
    variants = [pixels]
    for square in range(SIDE * SIDE):
        down, across = divmod(square, SIDE)
        part = slice(down * side, (down + 1) * side), slice(across * side, (across + 1) * side)
        copy = pixels.copy()
        copy[part] = filled[part]
        variants.append(copy)
    p = _asked(model, variants, label)
    return (p[0] - p[1:]).reshape(SIDE, SIDE)


def _asked(model: Model, variants: Sequence[Array], label: str) -> Array:
    encoder = model.encoder
    assert encoder is not None
    x = np.concatenate([encoder.embed(variants[start : start + 8]) for start in range(0, len(variants), 8)])
    return np.asarray(model.classifier.answer(x).p[:, model.classes.index(label)])


def _points(effects: Array, quarter: int) -> tuple[float, float, float]:
    """Whether the strongest square lies in the quarter; what share of the first three, and of all effects, does."""
    down, across = divmod(quarter, 2)
    middle = (np.arange(SIDE) + 0.5) / SIDE
    inside = ((middle > 0.5) == bool(down))[:, None] & ((middle > 0.5) == bool(across))[None]
    order = np.argsort(-effects, axis=None)
    positive = np.maximum(effects, 0)
    share = float(positive[inside].sum() / positive.sum()) if positive.any() else 0.25
    return float(inside.flat[order[0]]), float(inside.flat[order[:PARTS]].mean()), share


def _costs() -> list[dict[str, Any]]:
    """Processor seconds of an answer, and of why."""
    photos = sorted((DATA / "ants_bees" / "val").rglob("*.jpg"))[:TIMED]
    words = ["the", "quick", "brown", "fox", "jumps", "over", "lazy", "dogs", "and", "wins", "a", "free", "prize"]
    texts = {n: " ".join(words[place % len(words)] for place in range(n)) for n in (20, 200, 2000)}
    sounds = sorted(DATA.glob("spoken_digits/*_george_0.wav"))[:TIMED]
    models: dict[str, tuple[graft.Model | None, Sequence[Path | str]]] = {
        "photo": (graft.fit(DATA / "ants_bees"), photos),
        **{f"text of {n} words": (None, [text]) for n, text in texts.items()},
        "recording of half a second": (
            graft.fit(graft.read(DATA / "spoken_digits", pattern="{label}_{group}_{index}.wav")),
            sounds,
        ),
    }
    of_texts = graft.fit(DATA / "sms_spam")
    return [_cost(name, model or of_texts, items) for name, (model, items) in models.items()]


def _cost_of_report() -> dict[str, Any]:
    """Processor seconds of a fit to photos seen before, and of why for the hardest of its report."""
    data = graft.read(DATA / "ants_bees")
    graft.fit(data)
    begun = time.process_time()
    model = graft.fit(data)
    fitted = time.process_time()
    with_why(model)
    return {"photos": len(data), "fit": fitted - begun, "why": time.process_time() - fitted}


def _cost(name: str, model: Model, items: Sequence[Path | str]) -> dict[str, Any]:
    model.why(items[0])  # what the first has to wait for
    begun = time.process_time()
    for item in items:
        model.predict_one(item, cache=None)
    answered = time.process_time()
    for item in items:
        model.why(item)
    ended = time.process_time()
    return {"item": name, "answer": (answered - begun) / len(items), "why": (ended - answered) / len(items)}
