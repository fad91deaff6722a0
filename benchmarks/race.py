"""A race: ``graft fit`` and what people do today, on the same examples, the same machine, in one run.

Every contestant is a process of its own, timed from its start to its end: reading, learning, judging the test split.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.draws import Draw, write_manifest
from benchmarks.environments import PEERS, UnavailableError, python_of
from benchmarks.processes import finish, graft_fit
from benchmarks.results import mean, progress, ratio, show

NOUNS = {"image": "photos", "text": "texts", "audio": "recordings"}
COLD, WARM = "graft fit, empty cache", "graft fit again, warm cache"
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
"""For the peers: their weights are installed, and nobody's clock shall run while a hub is asked."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Something to be measured against.

    Attributes:
        name: How it is called in tables.
        script: Its script in ``peers/``.
        environment: What it runs in, ``<name>`` of ``peers/requirements-<name>.txt``; ``""`` for Graft's own.
        options: Further flags.
    """

    name: str
    script: str
    environment: str = ""
    options: tuple[str, ...] = ()


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

    @property
    def accuracy(self) -> float:
        """Mean over the runs."""
        return mean([run.accuracy for run in self.runs])

    @property
    def wall(self) -> float:
        """Mean seconds over the runs."""
        return mean([run.wall for run in self.runs])


def race(divisions: Sequence[Draw], peers: Sequence[Peer]) -> list[Contestant]:
    """Every contestant on every draw, one process at a time; the first two are Graft, cold and warm."""
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
    return contestants + [_peer(peer, divisions) for peer in peers]


def run_peer(peer: Peer, division: Draw, *options: str) -> Run:
    """A peer on one draw, in a process of its own.

    Args:
        peer: Whom to run.
        division: What to learn from and what to be judged on.
        options: Further flags, behind the peer's own.

    Raises:
        UnavailableError: Its environment cannot be made here, or it failed.
    """
    python = python_of(peer.environment) if peer.environment else Path(sys.executable)
    with TemporaryDirectory() as folder:
        manifest = write_manifest(division, Path(folder) / "manifest.csv")
        command: list[str | Path] = [python, PEERS / peer.script, manifest]
        command += ["--seed", str(division.seed), *peer.options, *options]
        done = finish(command, {**OFFLINE, "GRAFT_CACHE": str(Path(folder) / "cache")})
    said = done.answer
    details = {key: said[key] for key in ("versions", "details")}
    return Run(said["accuracy"], done.wall, said["seconds"], done.peak, details)


def show_race(divisions: Sequence[Draw], contestants: Sequence[Contestant], title: str = "") -> None:
    """Print the table of a race, and why a contestant is missing."""
    first = divisions[0]
    base = contestants[0].runs
    sizes = f"{len(first.train)} {NOUNS[first.modality]} to learn from, {len(first.test)} to be judged on"
    columns = ("", "accuracy", "lowest", "seconds", "without imports", "peak MB", "time / graft's")
    rows = [row(contestant, base) for contestant in contestants]
    note = f"Means of {len(divisions)} draw{'s' if len(divisions) > 1 else ''}; wall time of whole processes."
    show(f"{title or first.name}: {sizes}", columns, rows, note)
    for contestant in contestants:
        if contestant.failure:
            progress.print(f"[yellow]{contestant.name}: {contestant.failure}[/yellow]", soft_wrap=True)


def row(contestant: Contestant, base: Sequence[Run]) -> tuple[str, ...]:
    """A contestant's line of the table; the last column is its time over that of ``base``."""
    runs = contestant.runs
    if not runs:
        return (contestant.name, *itertools.repeat("-", 6))
    return (
        contestant.name,
        f"{contestant.accuracy:.4f}",
        f"{min(run.accuracy for run in runs):.4f}",
        f"{contestant.wall:.2f}",
        f"{mean([run.work for run in runs]):.2f}",
        f"{max(run.peak for run in runs) / 1e6:.0f}",
        ratio(contestant.wall, mean([run.wall for run in base])) if base else "-",
    )


def plain(divisions: Sequence[Draw], contestants: Sequence[Contestant]) -> dict[str, Any]:
    """A race as JSON holds it."""
    base = contestants[0].runs
    return {
        "data": divisions[0].name,
        "n_train": len(divisions[0].train),
        "n_test": len(divisions[0].test),
        "draws": len(divisions),
        "contestants": [
            {
                **asdict(contestant),
                **(_means(contestant) if contestant.runs else {}),
                "time_ratio": (
                    contestant.wall / mean([run.wall for run in base]) if contestant.runs and base else None
                ),
            }
            for contestant in contestants
        ],
    }


def _touch(divisions: Sequence[Draw]) -> None:
    # Whoever comes first would read from the disk and the others from memory: read everything once beforehand.
    for item in {example.item for division in divisions for example in division.train + division.test}:
        if isinstance(item, Path):
            item.read_bytes()


def _graft(division: Draw) -> tuple[Run, Run]:
    with TemporaryDirectory() as folder:
        manifest = write_manifest(division, Path(folder) / f"{division.name}.csv")
        runs = []
        for name in (COLD, WARM):
            progress.print(f"{division.name}, draw {division.seed}: {name}")
            done = graft_fit(manifest, Path(folder), Path(folder) / "cache", "--seed", str(division.seed))
            said = done.answer
            details = {key: said[key] for key in ("seconds", "cache", "head", "accuracy", "test", "n_skipped")}
            runs.append(Run(said["test"]["value"], done.wall, said["seconds"]["total"], done.peak, details))
    return runs[0], runs[1]


def _peer(peer: Peer, divisions: Sequence[Draw]) -> Contestant:
    runs: list[Run] = []
    try:
        for division in divisions:
            progress.print(f"{division.name}, draw {division.seed}: {peer.name}")
            runs.append(run_peer(peer, division))
    except UnavailableError as problem:
        return Contestant(peer.name, tuple(runs), str(problem))
    return Contestant(peer.name, tuple(runs))


def _means(contestant: Contestant) -> dict[str, float]:
    return {
        "mean_accuracy": contestant.accuracy,
        "mean_wall": contestant.wall,
        "mean_work": mean([run.work for run in contestant.runs]),
        "peak": max(run.peak for run in contestant.runs),
    }
