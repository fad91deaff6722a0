"""What every peer does the same way: read the manifest it is given, and report in one line of JSON.

``python PEER.py MANIFEST --seed N``; the manifest is a CSV with the columns ``label``, ``split`` (``train`` or
``test``), and ``path``, ``text`` or ``audio``.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

COLUMNS = ("path", "text", "audio")


@dataclass(frozen=True)
class Split:
    """The items of one split: paths of files, or texts, and for each the index of its class."""

    items: list[str]
    targets: list[int]

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True)
class Task:
    """What a peer is given: train on one split, name the share of right answers on the other.

    Attributes:
        train: To learn from.
        test: To be judged on.
        classes: All labels, sorted.
        seed: Of every random choice.
        column: What the manifest calls its items, one of ``COLUMNS``.
        options: What only this peer is asked.
        details: What the peer wants to have kept beside its accuracy.
    """

    train: Split
    test: Split
    classes: list[str]
    seed: int
    column: str = "path"
    options: argparse.Namespace = field(default_factory=argparse.Namespace)
    details: dict[str, Any] = field(default_factory=dict)


def read_manifest(path: Path, seed: int, options: argparse.Namespace | None = None) -> Task:
    """The task that a manifest describes."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    column = next(name for name in COLUMNS if name in rows[0])
    classes = sorted({row["label"] for row in rows})

    def split(name: str) -> Split:
        chosen = [row for row in rows if row["split"] == name]
        return Split([row[column] for row in chosen], [classes.index(row["label"]) for row in chosen])

    return Task(split("train"), split("test"), classes, seed, column, options or argparse.Namespace())


def play(
    solve: Callable[[Task], float], libraries: tuple[str, ...], options: argparse.ArgumentParser | None = None
) -> None:
    """Run one peer on the manifest of the command line and print its line of JSON.

    ``seconds`` counts from here to the end: not the start of the interpreter, and not the imports.

    Args:
        solve: From a task to the accuracy on its test split, in [0, 1].
        libraries: Distributions whose versions belong to the result.
        options: The flags that only this peer has; made with ``add_help=False``.
    """
    started = time.perf_counter()
    parser = argparse.ArgumentParser(parents=[options] if options else [])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    task = read_manifest(arguments.manifest, arguments.seed, arguments)
    accuracy = solve(task)
    print(
        json.dumps(
            {
                "accuracy": accuracy,
                "n_train": len(task.train),
                "n_test": len(task.test),
                "seconds": time.perf_counter() - started,
                "details": task.details,
                "versions": {name: version(name) for name in libraries},
            }
        )
    )
