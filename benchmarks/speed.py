"""How fast and how small: import, embedding, refits, predictions, the memory of a fit on many images."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.draws import Draw, few_of, given_split, write_manifest
from benchmarks.environments import UnavailableError
from benchmarks.processes import GRAFT, Finished, finish, graft_fit
from benchmarks.results import keep, progress, show
from benchmarks.samples import SIDE, draw_photos
from benchmarks.sets import DATA, read_tables, read_takes

MANY = 5_000
IMPORTS = 10
SHOTS = 8
"""Of each class, for the models that predict."""
PREDICTIONS = 5


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure, its unit, and the most that it may be, if that was said."""

    name: str
    value: float
    unit: str
    goal: float | None
    how: str


def measure(images: int = MANY) -> None:
    """Measure every row; print the table and write ``results/speed.json``."""
    figures: list[Figure] = []
    for step in (import_time, *EMBEDDINGS, refit_times, *PREDICTS, lambda: peak_memory(images)):
        try:
            figures += step()
        except (FileNotFoundError, UnavailableError) as problem:
            progress.print(f"[yellow]left out: {problem}[/yellow]", soft_wrap=True)
    _show(figures)
    keep("speed", {"figures": [asdict(figure) for figure in figures]})


def import_time() -> list[Figure]:
    """Median over ten processes of what ``python -X importtime`` counts for ``import graft``."""
    progress.print("import graft")
    seconds = statistics.median(_import_once() for _ in range(IMPORTS))
    return [Figure("import graft", seconds, "s", 0.2, f"python -X importtime, median of {IMPORTS}")]


def embedding_time(room: str, data: str, name: str, goal: float) -> list[Figure]:
    """Milliseconds for each item of a set, decoding or tokenising included."""
    said = _room(room, DATA / data).answer
    how = f"{said['items']} of {data}, {said['encoder']}"
    return [Figure(f"embedding, {name}", said["ms_per_item"], "ms", goal, how)]


EMBEDDINGS = (
    partial(embedding_time, "photos", "ants_bees", "one 500-pixel JPEG", 4.0),
    partial(embedding_time, "texts", "banking77", "one short query", 0.6),
    partial(embedding_time, "recordings", "spoken_digits", "one clip of 1 s", 1.5),
)


def refit_times() -> list[Figure]:
    """Seconds of fitting a head on 1,000 cached embeddings: the chosen one, and with all cross-validation."""
    said = _room("refit", DATA / "potato_leaves").answer
    how = f"{said['items']} embeddings, {said['classes']} classes, median of {said['repeats']}"
    return [
        Figure("refit of a chosen head", said["chosen"], "s", 0.1, how),
        Figure(
            "refit with all cross-validation",
            said["cross_validated"],
            "s",
            0.5,
            f"{how}: {said['judged']:.2f} s with report",
        ),
    ]


def text_predict_time() -> list[Figure]:
    """Seconds of ``graft predict MODEL TEXT``, a process of its own each time."""
    return _predict_time("text", given_split("banking77", read_tables(DATA / "banking77"), "text"))


def speech_predict_time() -> list[Figure]:
    """Seconds of ``graft predict MODEL RECORDING``, a process of its own each time."""
    return _predict_time("recording", given_split("spoken_digits", read_takes(DATA / "spoken_digits"), "audio"))


PREDICTS = (text_predict_time, speech_predict_time)


def peak_memory(images: int = MANY) -> list[Figure]:
    """Most memory that ``graft fit`` holds on so many different photos, and how long it takes."""
    with TemporaryDirectory() as folder:
        data, cache = Path(folder) / "many", Path(folder) / "cache"
        progress.print(f"drawing {images} photos")
        draw_photos(DATA, data, images)
        progress.print(f"graft fit on {images} photos")
        done = graft_fit(data, Path(folder), cache)
    how = f"graft fit on {images} different JPEGs of {SIDE} pixels, empty cache: {done.wall:.1f} s"
    return [Figure(f"peak memory of a fit on {images} images", done.peak / 1e9, "GB", 1.5, how)]


def _import_once() -> float:
    command = [sys.executable, "-X", "importtime", "-c", "import graft"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    return imported_in(told, "graft")


def imported_in(told: str, module: str) -> float:
    """Seconds that ``python -X importtime`` counts for a module and everything that it imports.

    Raises:
        ValueError: The module was not imported.
    """
    for line in told.splitlines():
        _, _, rest = line.partition("import time:")
        columns = [column.strip() for column in rest.split("|")]
        if len(columns) == 3 and columns[2] == module:
            return int(columns[1]) / 1e6
    raise ValueError(f"{module} was not imported")


def _predict_time(noun: str, division: Draw | None) -> list[Figure]:
    if division is None:
        raise FileNotFoundError(f"there is nothing to predict a {noun} with")
    few = few_of(division, SHOTS, seed=0)
    progress.print(f"graft predict, one {noun}")
    with TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        graft_fit(write_manifest(few, Path(folder) / "few.csv"), Path(folder), cache)
        model = Path(folder) / "model.graft"
        walls = [
            finish([GRAFT, "predict", model, example.item, "--jsonl"], {"GRAFT_CACHE": str(cache)}).wall
            for example in few.test[:PREDICTIONS]
        ]
    how = f"from a saved model, whole process, median of {PREDICTIONS}"
    return [Figure(f"graft predict, one {noun}", statistics.median(walls), "s", None, how)]


def _room(name: str, folder: Path) -> Finished:
    if not folder.is_dir():
        raise FileNotFoundError(f"{name}: there is no folder {folder}")
    progress.print(f"{name}, on {folder.name}")
    return finish([sys.executable, "-m", "benchmarks.rooms", name, folder])


def _show(figures: Sequence[Figure]) -> None:
    rows = [
        (
            figure.name,
            f"{figure.value:.3g} {figure.unit}",
            "" if figure.goal is None else f"{figure.goal:g} {figure.unit}",
            "" if figure.goal is None else "reached" if figure.value <= figure.goal else "MISSED",
            figure.how,
        )
        for figure in figures
    ]
    show("Speed and memory", ("", "measured", "at most", "", "how"), rows)
