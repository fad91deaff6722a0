"""The data set that ``graft demo`` learns from: a folder per class, with a few signs and a few wrong labels.

Photos that were gathered by a picture search look like that: most show what was asked for, some carry the other label,
and some show no door at all. Which ones is returned, so that a search for them can be checked.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from graft.contracts import Progress, silent
from graft.errors import OutputExists, UsageError
from graft.executors import workers
from graft.samples.door import Door
from graft.samples.light import choose_mood, develop
from graft.samples.photo import choose_scene, choose_size, draw_scene
from graft.samples.signs import draw_sign

Label = Literal["open", "closed"]
Drawn = TypeVar("Drawn")
LABELS: tuple[Label, Label] = ("open", "closed")

_WRONG = 0.04  # share of doors in the other class's folder
_SIGNS = 0.025  # share of photos that show no door
_TRAINING, _NEW = 0, 1  # streams of random numbers: new doors are never those of the data set


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo of the sample.

    Attributes:
        path: Its file.
        label: The class whose folder it lies in.
        door: The door that it shows; None for a sign.
    """

    path: Path
    label: Label
    door: Door | None

    @property
    def true_label(self) -> Label | None:
        """What the door is; None where there is no door."""
        return None if self.door is None else _label_of(self.door.is_open)


@dataclass(frozen=True, slots=True)
class DoorSample:
    """A data set that was drawn.

    Attributes:
        folder: Holds one folder per class.
        photos: All photos, in the order of their numbers.
    """

    folder: Path
    photos: tuple[Photo, ...]

    @property
    def wrong_labels(self) -> tuple[Path, ...]:
        """The doors that lie in the other class's folder."""
        return tuple(p.path for p in self.photos if p.true_label not in (p.label, None))

    @property
    def signs(self) -> tuple[Path, ...]:
        """The photos that show no door."""
        return tuple(p.path for p in self.photos if p.door is None)


def draw_doors(folder: Path, n: int = 200, seed: int = 0, progress: Progress = silent) -> DoorSample:
    """Draw ``n`` photos into ``folder/open`` and ``folder/closed``, half in each; the same seed gives the same bytes.

    Args:
        folder: Where to; must be absent or empty.
        n: How many photos; the odd one goes to ``open``.
        seed: Every random choice follows from it.
        progress: Told ``"draw"`` after each photo.

    Raises:
        OutputExists: There is something in the folder.
        UsageError: ``n`` is below 2, or the seed is negative.
    """
    _check(n, 2, seed)
    _make_empty(folder)
    plans = _plan(n, np.random.default_rng([seed, _TRAINING]))
    for label in LABELS:
        (folder / label).mkdir()
    digits = max(3, len(str(n)))

    def draw(number: int) -> Photo:
        label, kind = plans[number - 1]
        path = folder / label / f"door_{number:0{digits}}.jpg"
        return _take(path, label, kind, np.random.default_rng([seed, _TRAINING, number]))

    return DoorSample(folder, tuple(_all(draw, n, progress)))


def draw_new_doors(folder: Path, n: int = 8, seed: int = 1, progress: Progress = silent) -> list[tuple[Path, Label]]:
    """Draw ``n`` doors that no data set holds, open and closed in turn, with their true labels.

    Args:
        folder: Where to; must be absent or empty.
        n: How many.
        seed: Every random choice follows from it.
        progress: Told ``"draw"`` after each photo.

    Raises:
        OutputExists: There is something in the folder.
        UsageError: ``n`` is below 1, or the seed is negative.
    """
    _check(n, 1, seed)
    _make_empty(folder)

    def draw(number: int) -> tuple[Path, Label]:
        label = LABELS[(number - 1) % 2]
        path = folder / f"new_{number}.jpg"
        _take(path, label, "right", np.random.default_rng([seed, _NEW, number]))
        return path, label

    return list(_all(draw, n, progress))


def _plan(n: int, rng: np.random.Generator) -> list[tuple[Label, str]]:
    """Label and kind (``right``, ``wrong`` or ``sign``) of each photo, shuffled; both classes get wrong ones alike."""
    wrong, signs = round(n * _WRONG / 2), round(n * _SIGNS)
    plans: list[tuple[Label, str]] = []
    for label, count, boards in (("open", n - n // 2, signs // 2), ("closed", n // 2, signs - signs // 2)):
        kinds = ["wrong"] * wrong + ["sign"] * boards
        plans += [(_label_of(label == "open"), kind) for kind in kinds + ["right"] * (count - len(kinds))]
    return [plans[i] for i in rng.permutation(n).tolist()]


def _take(path: Path, label: Label, kind: str, rng: np.random.Generator) -> Photo:
    """Draw one photo and write it."""
    mood, size = choose_mood(rng), choose_size(rng)
    door = None
    if kind == "sign":
        image = draw_sign(size, label, rng)
    else:
        scene = choose_scene(rng, size, (label == "open") == (kind == "right"), mood.sun)
        door, image = scene.door, draw_scene(scene, rng)
    content = io.BytesIO()
    develop(image, mood, rng).save(content, "JPEG", quality=mood.quality)
    path.write_bytes(content.getvalue())
    return Photo(path, label, door)


def _all(draw: Callable[[int], Drawn], n: int, progress: Progress) -> Iterator[Drawn]:
    """Results for the numbers 1 to ``n``, drawn on all cores, in order."""
    with ThreadPoolExecutor(workers()) as pool:
        for done, result in enumerate(pool.map(draw, range(1, n + 1)), 1):
            progress("draw", done, n)
            yield result


def _label_of(is_open: bool) -> Label:
    return LABELS[0] if is_open else LABELS[1]


def _check(n: int, least: int, seed: int) -> None:
    if n < least:
        raise UsageError(f"At least {least} photos must be drawn, and {n} were asked for.", "200 make a good sample.")
    if seed < 0:
        raise UsageError(f"The seed must not be negative, and is {seed}.", "Take 0 or any larger number.")


def _make_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputExists(f"{folder} is there already, and not an empty folder.", "Name another folder, or remove it.")
    folder.mkdir(parents=True, exist_ok=True)
