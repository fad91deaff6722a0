"""What is learnt from and what is judged on: both sides of every comparison get exactly the same examples."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.sets import Example

DRAWS = 5
COLUMNS = {"image": "path", "text": "text", "audio": "audio"}
"""How a manifest's column of items is called, by modality."""


@dataclass(frozen=True, slots=True)
class Draw:
    """One division of a data set: what to learn from and what to be judged on."""

    name: str
    train: tuple[Example, ...]
    test: tuple[Example, ...]
    seed: int = 0
    modality: str = "image"


def given_split(name: str, examples: Sequence[Example], modality: str = "image") -> Draw | None:
    """The division that came with the data (``val`` is the test where there is no ``test``), or ``None``."""
    splits = {example.split for example in examples}
    held_out = "test" if "test" in splits else "val"
    if not {"train", held_out} <= splits:
        return None
    train = tuple(example for example in examples if example.split != held_out)
    test = tuple(example for example in examples if example.split == held_out)
    return Draw(name, train, test, modality=modality)


def draw(name: str, examples: Sequence[Example], shots: int | Mapping[str, int], seed: int) -> Draw:
    """Some examples of each class at random; all the rest is the test. Given splits are put together first.

    Args:
        name: How the data set is called.
        examples: All that it has.
        shots: How many of each class to learn from: one number, or one for each label.
        seed: The same seed gives the same examples.

    Raises:
        ValueError: A class has nothing left to be judged on.
    """
    train: list[Example] = []
    test: list[Example] = []
    for label, members in _shuffled(examples, seed):
        wanted = shots if isinstance(shots, int) else shots[label]
        if wanted >= len(members):
            raise ValueError(f"{name} has {len(members)} items of {label!r}, and {wanted} are to be learnt from")
        train += members[:wanted]
        test += members[wanted:]
    return Draw(name, tuple(train), tuple(test), seed)


def draws(name: str, examples: Sequence[Example], shots: int | Mapping[str, int], count: int = DRAWS) -> Iterator[Draw]:
    """``count`` draws, by the seeds 0, 1, 2, ..."""
    return (draw(name, examples, shots, seed) for seed in range(count))


def few_of(division: Draw, shots: int, seed: int) -> Draw:
    """The same test, and of each class ``shots`` of what is learnt from at random.

    Raises:
        ValueError: A class has fewer.
    """
    train: list[Example] = []
    for label, members in _shuffled(division.train, seed):
        if shots > len(members):
            raise ValueError(f"{division.name} has {len(members)} items of {label!r} to learn from, not {shots}")
        train += members[:shots]
    return replace(division, train=tuple(train), seed=seed)


def each_group_left_out(name: str, examples: Sequence[Example], modality: str) -> Iterator[Draw]:
    """As many divisions as there are groups: one group in its turn is the test, all others are learnt from."""
    for seed, group in enumerate(sorted({example.group for example in examples})):
        train = tuple(example for example in examples if example.group != group)
        test = tuple(example for example in examples if example.group == group)
        yield Draw(name, train, test, seed, modality)


def shots_of(division: Draw) -> dict[str, int]:
    """How many examples of each label a division learns from."""
    counts: dict[str, int] = defaultdict(int)
    for example in division.train:
        counts[example.label] += 1
    return dict(counts)


def write_manifest(division: Draw, path: Path) -> Path:
    """Write a CSV of items, ``label``, ``split`` (``train`` or ``test``), and ``group`` where there are any."""
    column = COLUMNS[division.modality]
    grouped = any(example.group for example in division.train + division.test)
    header = (column, "label", "split", *(["group"] if grouped else []))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, header, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for split, examples in (("train", division.train), ("test", division.test)):
            for example in examples:
                item = str(example.item.resolve()) if isinstance(example.item, Path) else example.item
                writer.writerow({column: item, "label": example.label, "split": split, "group": example.group})
    return path


def _shuffled(examples: Iterable[Example], seed: int) -> Iterator[tuple[str, list[Example]]]:
    """Each label in order, and its examples in an order of chance."""
    by_label: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        by_label[example.label].append(example)
    chance = random.Random(seed)
    for label, members in sorted(by_label.items()):
        yield label, chance.sample(members, len(members))
