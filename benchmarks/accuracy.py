"""How good Graft is on the real sets of photos beside the project: given splits, and means of five draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.draws import DRAWS, Draw, draw, draws, given_split, shots_of, write_manifest
from benchmarks.environments import UnavailableError
from benchmarks.processes import graft_fit
from benchmarks.results import keep, mean, progress, show
from benchmarks.sets import DATA, Example, read_folders


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a data set, how it is divided, and what it must at least reach."""

    name: str
    data: str
    divide: Callable[[str, Sequence[Example], int], Iterator[Draw]]
    goal: float


@dataclass(frozen=True, slots=True)
class Figure:
    """What one division came to: accuracy on its test split, its 95 % interval, and the head that was taken."""

    seed: int
    accuracy: float
    low: float
    high: float
    out_of_fold: float
    head: str


def as_given(name: str, photos: Sequence[Example], count: int) -> Iterator[Draw]:
    """The split that came with the data, once, whatever ``count`` says."""
    division = given_split(name, photos)
    if division is not None:
        yield division


def like_given(name: str, photos: Sequence[Example], count: int) -> Iterator[Draw]:
    """Other splits of the same sizes, class by class, as the one that came with the data."""
    division = given_split(name, photos)
    if division is not None:
        shots = shots_of(division)
        # the given split is a draw too, so that the seeds begin after it
        yield from (draw(name, photos, shots, seed) for seed in range(1, count + 1))


def shots(number: int) -> Callable[[str, Sequence[Example], int], Iterator[Draw]]:
    """``number`` of each class to learn from, and the rest, whatever split it came in, to be judged on."""
    return lambda name, photos, count: draws(name, photos, number, count)


ROWS = (
    Row("ants and bees, given split", "ants_bees", as_given, 0.94),
    Row("ants and bees, other splits of the same sizes", "ants_bees", like_given, 0.95),
    Row("beds and sofas, 100 per class", "beds_sofas", shots(100), 0.972),
    Row("potato leaves, 20 per class", "potato_leaves", shots(20), 0.925),
)


def measure(count: int = DRAWS) -> None:
    """Fit every row's divisions; print the table and write ``results/accuracy.json``."""
    measured: list[dict[str, Any]] = []
    with TemporaryDirectory() as folder:
        for row in ROWS:
            try:
                figures = [fit(division, Path(folder)) for division in _divisions(row, count)]
            except (FileNotFoundError, UnavailableError) as problem:
                progress.print(f"[yellow]{row.name} is left out: {problem}[/yellow]", soft_wrap=True)
                continue
            measured.append(_plain(row, figures))
    _show(measured)
    keep("accuracy", {"rows": measured})


def fit(division: Draw, folder: Path) -> Figure:
    """Fit on the division's training photos; judged by ``graft fit`` on its test photos, once.

    Args:
        division: What to learn from and what to be judged on.
        folder: Holds the manifest, the model and the cache of embeddings, so that no photo is embedded twice.

    Raises:
        UnavailableError: The fit went wrong.
    """
    progress.print(f"{division.name}, seed {division.seed}")
    manifest = write_manifest(division, folder / f"{division.name}.csv")
    said = graft_fit(manifest, folder, folder / "cache", "--seed", str(division.seed)).answer
    test, head = said["test"], said["head"]
    return Figure(
        seed=division.seed,
        accuracy=test["value"],
        low=test["low"],
        high=test["high"],
        out_of_fold=said["accuracy"]["value"],
        head=f"{head['kind']}, {head['features']}",
    )


def _divisions(row: Row, count: int) -> list[Draw]:
    return list(row.divide(row.data, read_folders(DATA / row.data), count))


def _plain(row: Row, figures: Sequence[Figure]) -> dict[str, Any]:
    return {
        "name": row.name,
        "goal": row.goal,
        "mean": mean([figure.accuracy for figure in figures]),
        "runs": [{name: getattr(figure, name) for name in Figure.__slots__} for figure in figures],
    }


def _show(measured: Sequence[dict[str, Any]]) -> None:
    rows = [
        (
            row["name"],
            f"{row['mean']:.4f}",
            f"{min(run['accuracy'] for run in row['runs']):.4f}",
            f"{max(run['accuracy'] for run in row['runs']):.4f}",
            f"{mean([run['out_of_fold'] for run in row['runs']]):.4f}",
            str(len(row["runs"])),
            f"{row['goal']:g} {'reached' if row['mean'] >= row['goal'] else 'MISSED'}",
        )
        for row in measured
    ]
    show("Accuracy on photos that were not learnt from", (*COLUMNS,), rows)


COLUMNS = ("", "mean", "lowest", "highest", "own estimate", "draws", "goal")
