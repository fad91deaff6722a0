"""What can only be measured from inside: the network by itself, and the fit of a head without reading and embedding.

``python -m benchmarks.rooms NAME FOLDER`` measures one of them in a process of its own and prints it as JSON.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.samples import join_clips
from benchmarks.sets import Example, read_folders, read_tables

WARM_UP = 16
REPEATS = 5
PER_CLASS = 500
CLIPS = 1000


def photos(folder: Path) -> dict[str, Any]:
    """Milliseconds for each photo of a folder, from its bytes on disk to its embedding."""
    return _embedding("image", [photo.item for photo in read_folders(folder)])


def texts(folder: Path) -> dict[str, Any]:
    """Milliseconds for each text of a folder's ``test.csv``, from its characters to its embedding."""
    return _embedding("text", [text.item for text in read_tables(folder) if text.split == "test"])


def recordings(folder: Path) -> dict[str, Any]:
    """Milliseconds for each clip of one second, joined from the recordings of a folder, from disk to its embedding."""
    with TemporaryDirectory() as clips:
        return _embedding("audio", join_clips(folder, Path(clips), CLIPS))


def refit(folder: Path) -> dict[str, Any]:
    """Seconds of fitting on embeddings that are at hand: 500 photos of each of two classes of a folder.

    ``chosen`` fits one head of the kind, features and strength that a fit of these photos took. ``cross_validated``
    is what ``graft.fit`` counts as fitting: near-duplicates, the choice among all heads, features and strengths,
    calibration and prediction sets, out of fold. ``judged`` adds the report: intervals, learning curve, baselines.
    """
    import graft
    from graft.encoders import encoder_for
    from graft.encoders.cache import Cache
    from graft.encoders.embed import embed
    from graft.heads.features import transform
    from graft.learning import HEADS
    from graft.run import Run

    chosen_photos = _two_classes(read_folders(folder))
    dataset = graft.Dataset.from_lists(
        [photo.item for photo in chosen_photos], [photo.label for photo in chosen_photos]
    )
    with TemporaryDirectory() as cache_folder:
        cache = Cache(Path(cache_folder))
        reports = [graft.fit(dataset, cache=cache).report for _ in range(1 + REPEATS)][1:]
        encoder = encoder_for("auto", "image")
        x = embed(encoder, dataset.items, Run(cache)).x
        cache.close()
    chosen = reports[0].head
    ones = np.ones((1, len(x)), np.float32)

    def fit_once() -> None:
        features = transform(x, encoder.stages, chosen.features)
        HEADS[chosen.kind].fit(features, dataset.y, len(dataset.classes), ones, [chosen.strength])

    fit_once()
    return {
        "chosen": statistics.median(_seconds(fit_once) for _ in range(REPEATS)),
        "cross_validated": statistics.median(report.seconds["fit"] for report in reports),
        "judged": statistics.median(report.seconds["fit"] + report.seconds["evaluate"] for report in reports),
        "head": [chosen.kind, chosen.features, chosen.strength],
        "items": len(x),
        "classes": len(dataset.classes),
        "repeats": REPEATS,
    }


def _embedding(modality: str, values: Sequence[Path | str]) -> dict[str, Any]:
    """Embed all of them without a cache, in as many threads as there are cores; the median of five passes.

    The network is loaded and warm; files have been read once, so that they come from memory.
    """
    from graft.data.dataset import as_item
    from graft.encoders import encoder_for
    from graft.encoders.embed import embed

    encoder = encoder_for("auto", modality)
    items = [as_item(value, position, modality) for position, value in enumerate(values)]
    started = time.perf_counter()
    embed(encoder, items[:WARM_UP])
    first = time.perf_counter() - started
    passes = [_seconds(lambda: embed(encoder, items)) for _ in range(REPEATS)]
    return {
        "ms_per_item": statistics.median(passes) / len(items) * 1e3,
        "passes": [seconds / len(items) * 1e3 for seconds in passes],
        "items": len(items),
        "load_and_warm_up": first,
        "encoder": encoder.fingerprint,
    }


def _two_classes(photos: Sequence[Example]) -> list[Example]:
    labels = sorted({photo.label for photo in photos})[:2]
    return [photo for label in labels for photo in [photo for photo in photos if photo.label == label][:PER_CLASS]]


def _seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


ROOMS = {"photos": photos, "texts": texts, "recordings": recordings, "refit": refit}

if __name__ == "__main__":
    print(json.dumps(ROOMS[sys.argv[1]](Path(sys.argv[2]))))
