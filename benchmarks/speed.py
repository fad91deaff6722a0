"""How fast and how small: import, embedding, refits, the memory of a fit on many images."""

from __future__ import annotations

import io
import random
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.draws import DATA, read_folders
from benchmarks.environments import UnavailableError
from benchmarks.processes import Finished, finish, graft_fit
from benchmarks.results import keep, progress, show

MANY = 5_000
IMPORTS = 10
SIDE = 500
"""Longer side, in pixels, of the photos that are drawn for the memory row."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure, its unit, and the most that it may be."""

    name: str
    value: float
    unit: str
    goal: float
    how: str


def measure(images: int = MANY) -> None:
    """Measure every row; print the table and write ``results/speed.json``."""
    figures: list[Figure] = []
    for step in (import_time, embedding_time, refit_times, lambda: peak_memory(images)):
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


def embedding_time() -> list[Figure]:
    """Milliseconds for each 500-pixel JPEG of ants and bees, decoding included."""
    said = _room("embedding", DATA / "ants_bees").answer
    how = f"{said['images']} photos of ants and bees, {said['encoder']}"
    return [Figure("embedding, one 500-pixel JPEG", said["ms_per_image"], "ms", 4.0, how)]


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


SOURCES = ("ants_bees", "beds_sofas", "potato_leaves")


def draw_photos(source: Path, folder: Path, count: int, seed: int = 0) -> None:
    """Cut so many different JPEGs from the photos of ``source``, in a folder per class.

    Each is a window of 60 to 100 % of a photo's sides, mirrored or not, brought to 500 pixels and encoded again.

    Raises:
        FileNotFoundError: There are no photos to cut from.
    """
    photos = [photo for name in SOURCES if (source / name).is_dir() for photo in read_folders(source / name)]
    if not photos:
        raise FileNotFoundError(f"there are no photos in {source}")
    chance = random.Random(seed)
    for number in range(count):
        photo = photos[number % len(photos)]
        target = folder / photo.label / f"{number:06d}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(_window(photo.path, chance))


def _window(path: Path, chance: random.Random) -> bytes:
    from PIL import Image

    with Image.open(path) as file:
        picture = file.convert("RGB")
    share = chance.uniform(0.6, 1.0)
    width, height = round(picture.width * share), round(picture.height * share)
    left, top = chance.randint(0, picture.width - width), chance.randint(0, picture.height - height)
    scale = SIDE / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = picture.resize(size, Image.Resampling.BILINEAR, box=(left, top, left + width, top + height))
    if chance.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=90)
    return buffer.getvalue()


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
            f"{figure.goal:g} {figure.unit}",
            "reached" if figure.value <= figure.goal else "MISSED",
            figure.how,
        )
        for figure in figures
    ]
    show("Speed and memory", ("", "measured", "at most", "", "how"), rows)
