"""``graft tune`` beside fastai's ``fine_tune`` and SetFit: the same weights, the same examples, as much time.

All are judged on a test that none of them is given to learn from, and that ``graft tune`` is not given at all.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.draws import Draw, draws, few_of, given_split, write_manifest
from benchmarks.environments import UnavailableError
from benchmarks.goals import show_goals
from benchmarks.judging import judge
from benchmarks.processes import GRAFT, Finished, finish, graft_fit
from benchmarks.race import Peer, run_peer
from benchmarks.results import keep, progress
from benchmarks.sets import DATA, Example, read_folders, read_tables
from benchmarks.tuning_tables import FITTED, TUNED, Measured, Row, Run, goals_of, plain, show_row

DRAWS = 3
FASTAI = Peer("fastai fine_tune", "fastai_fine_tune.py", "fastai")
SETFIT = Peer("SetFit", "setfit_pairs.py", "setfit")
PEERS = {"image": FASTAI, "text": SETFIT}
"""By modality: who is tuned for as long as Graft."""


ROWS = (
    Row("Potato leaves, 100 of each class", "potato_leaves", shots=100, accuracy=0.985, gone=0.5),
    Row("Banking77, 8 of each class", "banking77", 300.0, shots=8, modality="text", gain=0.015, above=True),
    Row("Beds and sofas, 100 of each class", "beds_sofas", shots=100, loss=0.005),
    Row("Ants and bees, given split", "ants_bees", loss=0.005),
)


@dataclass(frozen=True, slots=True)
class Choices:
    """What all rows are run with.

    Attributes:
        peers: Whether the peers run too.
        time_limit: In place of each row's.
        method: In place of Graft's default.
        force: The tuned model is made and judged even where the gate keeps it back. Then such runs take longer.
    """

    peers: bool = True
    time_limit: float | None = None
    method: str | None = None
    force: bool = False


def measure(names: Sequence[str] = (), count: int = DRAWS, choices: Choices | None = None) -> None:
    """Tune every row's draws; print the tables and write ``results/tune.json``.

    Args:
        names: Folders of the sets, by default all.
        count: Draws of each.
        choices: What all rows are run with.
    """
    choices = choices or Choices()
    done: list[Measured] = []
    for row in ROWS:
        if names and row.data not in names:
            continue
        row = replace(row, seconds=choices.time_limit or row.seconds)
        try:
            divisions = list(divide(row, count))
            for measured in tuned(row, divisions, choices):
                keep("tune", plain([*done, measured]))  # a long run that is stopped keeps what it has
        except (FileNotFoundError, UnavailableError, ValueError) as problem:
            progress.print(f"[yellow]{row.name} is left out: {problem}[/yellow]", soft_wrap=True)
            continue
        show_row(measured)
        done.append(measured)
    if done:
        show_goals("Tuning", [goal for measured in done for goal in goals_of(measured)])


def divide(row: Row, count: int) -> Iterator[Draw]:
    """A row's draws. All that does not come as ``train`` is the test, where the data came with a split.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: A class is too small, or there is no split and nobody said how many to learn from.
    """
    examples = (read_tables if row.modality == "text" else read_folders)(DATA / row.data)
    division = _whole_split(row, examples)
    if division is None:
        if row.shots is None:
            raise ValueError("it came without a split")
        return (replace(each, modality=row.modality) for each in draws(row.data, examples, row.shots, count))
    if row.shots is None:
        return (replace(division, seed=seed) for seed in range(count))
    shots = row.shots
    return (few_of(division, shots, seed) for seed in range(count))


def tuned(row: Row, divisions: Sequence[Draw], choices: Choices) -> Iterator[Measured]:
    """What is known of a row after each of its draws.

    Raises:
        UnavailableError: Graft failed. A peer that fails is left out, and the reason is said.
    """
    runs: list[Run] = []
    peer = PEERS[row.modality] if choices.peers else None
    for division in divisions:
        run = _graft(row, division, choices)
        if peer:
            # Graft's limit is one for the tuning alone, and not a hard one: what it took, the peer may take.
            seconds = max(row.seconds, run.fitting + run.tuning)
            progress.print(f"{division.name}, draw {division.seed}: {peer.name}, {seconds:.0f} s")
            try:
                run = replace(run, peer=run_peer(peer, division, "--seconds", str(seconds)))
            except UnavailableError as problem:
                progress.print(f"[yellow]{peer.name}: {problem}[/yellow]", soft_wrap=True)
        runs.append(run)
        name = peer.name if peer else ""
        yield Measured(row, name, len(division.train), len(division.test), choices.force, tuple(runs))


def _whole_split(row: Row, examples: Sequence[Example]) -> Draw | None:
    # what came to validate with is not learnt from, so that as much as possible tells how good a model is
    judged = [replace(each, split="test") if each.split == "val" else each for each in examples]
    return given_split(row.data, judged, row.modality)


def _graft(row: Row, division: Draw, choices: Choices) -> Run:
    with TemporaryDirectory() as name:
        folder = Path(name)
        manifest = write_manifest(replace(division, test=()), folder / f"{division.name}.csv")
        seed = ("--seed", str(division.seed))
        progress.print(f"{division.name}, draw {division.seed}: {FITTED}")
        fitted = graft_fit(manifest, folder, folder / "cache", *seed)
        progress.print(f"{division.name}, draw {division.seed}: {TUNED}, {row.seconds:.0f} s")
        before, after = folder / "model.graft", folder / "tuned.graft"
        done = _tune(
            before, manifest, after, folder / "cache", *seed, "--time-limit", str(row.seconds), choices=choices
        )
        # in a process of its own, which hands back the memory that torch takes
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            judgement = pool.submit(judge, before, after, division).result()
        said = done.answer
        return Run(
            seed=division.seed,
            better=said["shipped"] and not said["forced"],
            reason=said["reason"],
            judgement=judgement,
            fitting=fitted.wall,
            tuning=done.wall,
            size_before=_size(before),
            size_after=_size(after),
        )


def _tune(model: Path, data: Path, output: Path, cache: Path, *options: str, choices: Choices) -> Finished:
    chosen = ("--method", choices.method) if choices.method else ()
    force = ("--force",) if choices.force else ()
    command = [GRAFT, "tune", model, data, "-o", output, "--json", *options, *chosen, *force]
    return finish(command, {"GRAFT_CACHE": str(cache)})


def _size(bundle: Path) -> int:
    return sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file())
