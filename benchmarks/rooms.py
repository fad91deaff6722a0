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

from benchmarks.draws import Photo, read_folders

WARM_UP = 16
REPEATS = 5
PER_CLASS = 500


def embedding(folder: Path) -> dict[str, Any]:
    """Milliseconds for each photo of a folder, from its bytes on disk to its embedding, without a cache.

    The network is loaded and warm; the files have been read once, so that they come from memory. Median of five passes.
    """
    from graft.data.dataset import as_item
    from graft.encoders import encoder_for
    from graft.encoders.embed import embed

    encoder = encoder_for("auto", "image")
    items = [as_item(photo.path) for photo in read_folders(folder)]
    started = time.perf_counter()
    embed(encoder, items[:WARM_UP])
    first = time.perf_counter() - started
    passes = [_seconds(lambda: embed(encoder, items)) for _ in range(REPEATS)]
    return {
        "ms_per_image": statistics.median(passes) / len(items) * 1e3,
        "passes": [seconds / len(items) * 1e3 for seconds in passes],
        "images": len(items),
        "load_and_warm_up": first,
        "encoder": encoder.fingerprint,
    }


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
    from graft.heads import HEADS
    from graft.heads.features import transform

    photos = _two_classes(read_folders(folder))
    dataset = graft.Dataset.from_lists([photo.path for photo in photos], [photo.label for photo in photos])
    with TemporaryDirectory() as cache_folder:
        cache = Cache(Path(cache_folder))
        reports = [graft.fit(dataset, cache=cache).report for _ in range(1 + REPEATS)][1:]
        encoder = encoder_for("auto", "image")
        x = embed(encoder, dataset.items, cache).x
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


def _two_classes(photos: Sequence[Photo]) -> list[Photo]:
    labels = sorted({photo.label for photo in photos})[:2]
    return [photo for label in labels for photo in [photo for photo in photos if photo.label == label][:PER_CLASS]]


def _seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


ROOMS = {"embedding": embedding, "refit": refit}

if __name__ == "__main__":
    print(json.dumps(ROOMS[sys.argv[1]](Path(sys.argv[2]))))
