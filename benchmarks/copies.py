"""Whether altered copies of pictures are found among real ones, and look-alikes are not joined."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image, ImageOps

import graft
from benchmarks.results import keep, show
from benchmarks.sets import DATA
from graft.contracts import Int
from graft.data.dataset import Dataset
from graft.data.items import Memory
from graft.duplicates.likeness import copies_of
from graft.duplicates.prints import PicturePrints
from graft.encoders.cache import Cache
from graft.encoders.embed import embed
from graft.errors import GraftError
from graft.run import Run

SETS = ("ants_bees", "beds_sofas", "potato_leaves", "bears_scraped", "hemlock_cherry")
LARGEST = 900
COPIED = 90
CONFIRMED = {"beds_sofas": 10, "potato_leaves": 2}
"""Pairs of originals that were looked at and are of one photo, or of one product photo in several colours."""

Alteration = Callable[[Image.Image], Image.Image]


def _half(picture: Image.Image) -> Image.Image:
    return picture.resize((max(1, picture.width // 2), max(1, picture.height // 2)), Image.Resampling.LANCZOS)


def _cropped(picture: Image.Image) -> Image.Image:
    """Without 5 % at each of the four sides."""
    x, y = round(picture.width * 0.05), round(picture.height * 0.05)
    return picture.crop((x, y, picture.width - x, picture.height - y))


ALTERATIONS: dict[str, tuple[Alteration, int]] = {
    "JPEG quality 40": (lambda picture: picture, 40),
    "half the size": (_half, 90),
    "5 % off each side": (_cropped, 90),
    "all three": (lambda picture: _half(_cropped(picture)), 40),
    "mirrored": (ImageOps.mirror, 90),
}


def measure(names: Sequence[str] = ()) -> None:
    """Recall of each alteration and precision, for each set."""
    found = {name: _measure(DATA / name) for name in names or SETS if (DATA / name).is_dir()}
    rows = [
        [
            name,
            str(result["originals"]),
            *(f"{result['recall'][alteration]:.3f}" for alteration in ALTERATIONS),
            f"{result['precision']:.3f}",
            str(result["original_pairs"]),
            f"{result['seconds']:.2f}",
        ]
        for name, result in found.items()
    ]
    columns = ["set", "originals", *ALTERATIONS, "precision", "pairs of originals", "seconds"]
    show("Copies found, by alteration", columns, rows, "precision: worst of the alterations; seconds: prints at hand")
    keep("copies", {"sets": found, "copied": COPIED, "confirmed": CONFIRMED})


def _measure(folder: Path) -> dict[str, Any]:
    dataset, chosen = _drawn(folder)
    pictures = [_opened(dataset.items[row].read()) for row in chosen]
    recall, precision = {}, {}
    with TemporaryDirectory() as place, closing(Cache(Path(place))) as cache:
        alone, seconds = _clusters(dataset, cache)
        originals = _pairs(alone)
        untrue = max(0, originals - CONFIRMED.get(folder.name, 0))
        for name, (alter, quality) in ALTERATIONS.items():
            copies = [Memory(_saved(alter(picture), quality), f"copy {row}") for row, picture in enumerate(pictures)]
            n = len(dataset)
            mixed = Dataset((*dataset.items, *copies), (*dataset.labels, *[""] * len(copies)))
            clusters, _ = _clusters(mixed, cache)
            hit = clusters[n:] == clusters[chosen]
            recall[name] = float(hit.mean())
            strange = sum(_unrelated(clusters, alone, chosen, n))
            total = _pairs(clusters)
            precision[name] = 1 - (strange + untrue) / max(1, total)
    return {
        "originals": len(dataset),
        "recall": recall,
        "precisions": precision,
        "precision": min(precision.values()),
        "original_pairs": originals,
        "seconds": seconds,
    }


def _drawn(folder: Path) -> tuple[Dataset, Int]:
    """The pictures of a set, and those to alter: others than the 90 that the threshold was set on."""
    dataset = replace(graft.read(folder), splits=(), groups=(), skipped=(), warnings=())
    rng = np.random.default_rng(0)
    dataset = dataset.select(np.sort(rng.permutation(len(dataset))[:LARGEST]).tolist())
    dataset = dataset.select([row for row, item in enumerate(dataset.items) if _readable(item.read())])
    order = rng.permutation(len(dataset))
    return dataset, np.sort(order[COPIED : 2 * COPIED] if len(order) >= 2 * COPIED else order[:COPIED])


def _readable(content: bytes) -> bool:
    from graft.duplicates.pictures import picture_print

    try:
        picture_print(content)
    except GraftError:
        return False
    return True


def _clusters(dataset: Dataset, cache: Cache) -> tuple[Int, float]:
    encoder = PicturePrints()
    embedded = embed(encoder, dataset.items, Run(cache))
    started = time.perf_counter()
    clusters = copies_of(dataset, embedded, encoder.stages, Run(cache)).clusters
    return clusters, time.perf_counter() - started


def _pairs(clusters: Int) -> int:
    sizes = np.bincount(clusters)
    return int((sizes * (sizes - 1) // 2).sum())


def _unrelated(clusters: Int, alone: Int, chosen: Int, n: int) -> list[int]:
    """Of each cluster the pairs of items that come from originals which were not together without the copies."""
    origin = np.concatenate([alone, alone[chosen]])
    found = []
    for cluster in np.flatnonzero(np.bincount(clusters) > 1):
        members = origin[clusters == cluster]
        found.append(len(members) * (len(members) - 1) // 2 - _pairs(members))
    return found


def _opened(content: bytes) -> Image.Image:
    return ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")


def _saved(picture: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
