"""Time and accuracy of ``graft fit`` on photos, beside what people do today."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.draws import DRAWS, Draw, draws, given_split
from benchmarks.race import Peer, plain, race, show_race
from benchmarks.results import keep, progress
from benchmarks.sets import DATA, read_folders

SHOTS = {"beds_sofas": 100, "potato_leaves": 20}
"""How many photos of each class to learn from; a set that is not named here keeps the split that it came with."""
DEFAULT = ("ants_bees", "beds_sofas", "potato_leaves")
PEERS = (
    Peer("tutorial: frozen network, 10 epochs", "tutorial.py", "torch"),
    Peer("torch features + logistic regression", "logistic.py", "torch"),
    Peer("fastai fine_tune(4)", "fastai_fine_tune.py", "fastai"),
)


def measure(paths: Sequence[Path] = (), count: int = DRAWS, shots: int | None = None, peers: bool = True) -> None:
    """Measure every contestant on every data set; print the tables and write ``results/fit.json``.

    Args:
        paths: Folders of photos; the default sets beside the project where none are given.
        count: Draws for each set that has no given split.
        shots: Photos of each class to learn from; by default the given split, else as ``SHOTS`` says.
        peers: Whether the peers run too.
    """
    sets: list[dict[str, Any]] = []
    for path in paths or [DATA / name for name in DEFAULT]:
        try:
            divisions = list(divide(path, count, shots))
        except (FileNotFoundError, ValueError) as problem:
            progress.print(f"[yellow]{path.name} is left out: {problem}[/yellow]")
            continue
        contestants = race(divisions, PEERS if peers else ())
        show_race(divisions, contestants)
        sets.append(plain(divisions, contestants))
        keep("fit", {"sets": sets})  # after each set: a long run that is stopped keeps what it has


def divide(path: Path, count: int, shots: int | None) -> Iterator[Draw]:
    """The given split of a folder, or so many draws from it.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: It has no given split and nobody said how many shots to take, or a class is too small for them.
    """
    photos = read_folders(path)
    wanted = shots or SHOTS.get(path.name)
    if wanted:
        return draws(path.name, photos, wanted, count)
    division = given_split(path.name, photos)
    if division is None:
        raise ValueError("it has no train and test folders; say --shots, how many of each class to learn from")
    return iter([division])
