"""Which photos are learnt from and which are judged: both sides of every comparison get exactly the same files."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

DATA = Path(__file__).parents[2] / "shared" / "data"
"""Where the real data sets lie: beside the project."""
SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
DRAWS = 5


@dataclass(frozen=True, slots=True)
class Photo:
    """A file, its label, and ``"train"``, ``"val"``, ``"test"`` or ``""``."""

    path: Path
    label: str
    split: str = ""


@dataclass(frozen=True, slots=True)
class Draw:
    """One division of a data set: what to learn from and what to be judged on."""

    name: str
    train: tuple[Photo, ...]
    test: tuple[Photo, ...]
    seed: int = 0


def read_folders(folder: Path) -> list[Photo]:
    """The photos of a folder per class, or of split folders above such folders, in a fixed order.

    Raises:
        FileNotFoundError: There is no such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")
    inside = [entry for entry in sorted(folder.iterdir()) if entry.is_dir()]
    if inside and all(entry.name.lower() in SPLITS for entry in inside):
        return [replace(photo, split=SPLITS[entry.name.lower()]) for entry in inside for photo in _classes(entry)]
    return list(_classes(folder))


def given_split(name: str, photos: Sequence[Photo]) -> Draw | None:
    """The division that came with the data (``val`` is the test where there is no ``test``), or ``None``."""
    splits = {photo.split for photo in photos}
    held_out = "test" if "test" in splits else "val"
    if not {"train", held_out} <= splits:
        return None
    test = tuple(photo for photo in photos if photo.split == held_out)
    return Draw(name, tuple(photo for photo in photos if photo.split != held_out), test)


def draw(name: str, photos: Sequence[Photo], shots: int | Mapping[str, int], seed: int) -> Draw:
    """Some photos of each class at random; all the rest is the test. Given splits are put together first.

    Args:
        name: How the data set is called.
        photos: All its photos.
        shots: How many of each class to learn from: one number, or one for each label.
        seed: The same seed gives the same photos.

    Raises:
        ValueError: A class has no photo left to be judged on.
    """
    by_label: dict[str, list[Photo]] = defaultdict(list)
    for photo in photos:
        by_label[photo.label].append(photo)
    chance = random.Random(seed)
    train: list[Photo] = []
    test: list[Photo] = []
    for label, members in sorted(by_label.items()):
        wanted = shots if isinstance(shots, int) else shots[label]
        if wanted >= len(members):
            raise ValueError(f"{name} has {len(members)} photos of {label!r}, and {wanted} are to be learnt from")
        shuffled = chance.sample(members, len(members))
        train += shuffled[:wanted]
        test += shuffled[wanted:]
    return Draw(name, tuple(train), tuple(test), seed)


def draws(name: str, photos: Sequence[Photo], shots: int | Mapping[str, int], count: int = DRAWS) -> Iterator[Draw]:
    """``count`` draws, by the seeds 0, 1, 2, ..."""
    return (draw(name, photos, shots, seed) for seed in range(count))


def shots_of(division: Draw) -> dict[str, int]:
    """How many photos of each label a division learns from."""
    counts: dict[str, int] = defaultdict(int)
    for photo in division.train:
        counts[photo.label] += 1
    return dict(counts)


def write_manifest(division: Draw, path: Path) -> Path:
    """Write a CSV of ``path,label,split`` with the splits ``train`` and ``test``."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("path", "label", "split"))
        for split, photos in (("train", division.train), ("test", division.test)):
            writer.writerows((str(photo.path.resolve()), photo.label, split) for photo in photos)
    return path


def _classes(folder: Path) -> Iterator[Photo]:
    for entry in sorted(folder.iterdir()):
        if entry.is_dir():
            yield from (Photo(file, entry.name) for file in sorted(entry.iterdir()) if file.is_file())
