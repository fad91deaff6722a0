"""What every peer does the same way: read the manifest it is given, and report in one line of JSON.

``python PEER.py MANIFEST --seed N``; the manifest is a CSV of ``path,label,split``, split ``train`` or ``test``.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True)
class Split:
    """The items of one split: their files and, for each, the index of its class."""

    paths: list[str]
    targets: list[int]

    def __len__(self) -> int:
        return len(self.paths)


@dataclass(frozen=True)
class Task:
    """What a peer is given: train on one split, name the share of right answers on the other."""

    train: Split
    test: Split
    classes: list[str]
    seed: int


def read_manifest(path: Path, seed: int) -> Task:
    """The task that a manifest describes."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    classes = sorted({row["label"] for row in rows})

    def split(name: str) -> Split:
        chosen = [row for row in rows if row["split"] == name]
        return Split([row["path"] for row in chosen], [classes.index(row["label"]) for row in chosen])

    return Task(split("train"), split("test"), classes, seed)


def play(solve: Callable[[Task], float], libraries: tuple[str, ...]) -> None:
    """Run one peer on the manifest of the command line and print its line of JSON.

    ``seconds`` counts from here to the end: not the start of the interpreter, and not the imports.

    Args:
        solve: From a task to the accuracy on its test split, in [0, 1].
        libraries: Distributions whose versions belong to the result.
    """
    started = time.perf_counter()
    parser = argparse.ArgumentParser()
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    task = read_manifest(arguments.manifest, arguments.seed)
    accuracy = solve(task)
    print(
        json.dumps(
            {
                "accuracy": accuracy,
                "n_train": len(task.train),
                "n_test": len(task.test),
                "seconds": time.perf_counter() - started,
                "versions": {name: version(name) for name in libraries},
            }
        )
    )
