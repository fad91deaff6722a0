"""Time and accuracy of ``graft fit`` beside what people do today, on the same files, the same machine, in one run.

Every contestant is a process of its own, timed from its start to its end: reading, learning, judging the test split.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.draws import DATA, DRAWS, Draw, draws, given_split, read_folders, write_manifest
from benchmarks.environments import PEERS, UnavailableError, python_of
from benchmarks.processes import finish, graft_fit
from benchmarks.results import keep, mean, progress, ratio, show

SHOTS = {"beds_sofas": 100, "potato_leaves": 20}
"""How many photos of each class to learn from; a set that is not named here keeps the split that it came with."""
DEFAULT = ("ants_bees", "beds_sofas", "potato_leaves")


@dataclass(frozen=True, slots=True)
class Peer:
    """Something to be measured against: its script in ``peers/`` and the environment that it runs in."""

    name: str
    script: str
    environment: str


PEERS_TABLE = (
    Peer("tutorial: frozen network, 10 epochs", "tutorial.py", "torch"),
    Peer("torch features + logistic regression", "logistic.py", "torch"),
    Peer("fastai fine_tune(4)", "fastai_fine_tune.py", "fastai"),
)
COLD, WARM = "graft fit, empty cache", "graft fit again, warm cache"


@dataclass(frozen=True, slots=True)
class Run:
    """One contestant on one draw.

    Attributes:
        accuracy: Share of right answers on the test split, in [0, 1].
        wall: Seconds from the start of the process to its end.
        work: Seconds that the program itself counts, without interpreter start and imports.
        peak: Most memory that it held, in bytes.
        details: What else it said.
    """

    accuracy: float
    wall: float
    work: float
    peak: int
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Contestant:
    """All runs of one contestant on one data set, or the reason why there are none."""

    name: str
    runs: tuple[Run, ...]
    failure: str = ""


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
        contestants = race(divisions, peers)
        _show(divisions, contestants)
        sets.append(_plain(divisions, contestants))
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


def race(divisions: Sequence[Draw], peers: bool) -> list[Contestant]:
    """Every contestant on every draw, one process at a time."""
    _touch(divisions)
    cold: list[Run] = []
    warm: list[Run] = []
    failure = ""
    for division in divisions:
        try:
            first, again = _graft(division)
        except UnavailableError as problem:
            failure = str(problem)
            break
        cold.append(first)
        warm.append(again)
    contestants = [Contestant(COLD, tuple(cold), failure), Contestant(WARM, tuple(warm), failure)]
    return contestants + [_peer(peer, divisions) for peer in (PEERS_TABLE if peers else ())]


def _touch(divisions: Sequence[Draw]) -> None:
    # Whoever comes first would read from the disk and the others from memory: read everything once beforehand.
    for photo in {photo.path for division in divisions for photo in division.train + division.test}:
        photo.read_bytes()


def _graft(division: Draw) -> tuple[Run, Run]:
    with TemporaryDirectory() as folder:
        manifest = write_manifest(division, Path(folder) / f"{division.name}.csv")
        runs = []
        for name in (COLD, WARM):
            progress.print(f"{division.name}, draw {division.seed}: {name}")
            done = graft_fit(manifest, Path(folder), Path(folder) / "cache", "--seed", str(division.seed))
            said = done.answer
            details = {key: said[key] for key in ("seconds", "cache", "head", "accuracy", "test")}
            runs.append(Run(said["test"]["value"], done.wall, said["seconds"]["total"], done.peak, details))
    return runs[0], runs[1]


def _peer(peer: Peer, divisions: Sequence[Draw]) -> Contestant:
    runs: list[Run] = []
    try:
        python = python_of(peer.environment)
        for division in divisions:
            progress.print(f"{division.name}, draw {division.seed}: {peer.name}")
            runs.append(_peer_run(python, peer, division))
    except UnavailableError as problem:
        return Contestant(peer.name, tuple(runs), str(problem))
    return Contestant(peer.name, tuple(runs))


def _peer_run(python: Path, peer: Peer, division: Draw) -> Run:
    with TemporaryDirectory() as folder:
        manifest = write_manifest(division, Path(folder) / "manifest.csv")
        done = finish([python, PEERS / peer.script, manifest, "--seed", str(division.seed)])
    said = done.answer
    return Run(said["accuracy"], done.wall, said["seconds"], done.peak, {"versions": said["versions"]})


def _show(divisions: Sequence[Draw], contestants: Sequence[Contestant]) -> None:
    first = divisions[0]
    base = contestants[0].runs
    title = f"{first.name}: {len(first.train)} photos to learn from, {len(first.test)} to be judged on"
    columns = ("", "accuracy", "lowest", "seconds", "without imports", "peak MB", "time / graft's")
    rows = [_row(contestant, base) for contestant in contestants]
    note = f"Means of {len(divisions)} draw{'s' if len(divisions) > 1 else ''}; wall time of whole processes."
    show(title, columns, rows, note)
    for contestant in contestants:
        if contestant.failure:
            progress.print(f"[yellow]{contestant.name}: {contestant.failure}[/yellow]", soft_wrap=True)


def _row(contestant: Contestant, base: Sequence[Run]) -> tuple[str, ...]:
    runs = contestant.runs
    if not runs:
        return (contestant.name, *itertools.repeat("-", 6))
    wall = mean([run.wall for run in runs])
    return (
        contestant.name,
        f"{mean([run.accuracy for run in runs]):.4f}",
        f"{min(run.accuracy for run in runs):.4f}",
        f"{wall:.2f}",
        f"{mean([run.work for run in runs]):.2f}",
        f"{max(run.peak for run in runs) / 1e6:.0f}",
        ratio(wall, mean([run.wall for run in base])) if base else "-",
    )


def _plain(divisions: Sequence[Draw], contestants: Sequence[Contestant]) -> dict[str, Any]:
    base = contestants[0].runs
    return {
        "data": divisions[0].name,
        "n_train": len(divisions[0].train),
        "n_test": len(divisions[0].test),
        "draws": len(divisions),
        "contestants": [
            {
                **asdict(contestant),
                **(_means(contestant.runs) if contestant.runs else {}),
                "time_ratio": (
                    mean([run.wall for run in contestant.runs]) / mean([run.wall for run in base])
                    if contestant.runs and base
                    else None
                ),
            }
            for contestant in contestants
        ],
    }


def _means(runs: Sequence[Run]) -> dict[str, float]:
    return {
        "mean_accuracy": mean([run.accuracy for run in runs]),
        "mean_wall": mean([run.wall for run in runs]),
        "mean_work": mean([run.work for run in runs]),
        "peak": max(run.peak for run in runs),
    }
