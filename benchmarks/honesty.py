"""Whether the figures that Graft reports are true: many small draws from large sets, each judged on all the rest.

A draw is what a user would have had; the rest tells what the user could not know. Every draw goes through ``graft.fit``
as it is, with a cache that holds the embeddings.
"""

from __future__ import annotations

import math
import multiprocessing
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import graft
from benchmarks.populations import SOURCES, Population, Source, population_of
from benchmarks.race import NOUNS
from benchmarks.results import keep, progress, show
from benchmarks.sets import DATA
from graft.contracts import Bool, Float32, Int
from graft.data.dataset import Dataset
from graft.encoders.cache import Cache
from graft.metrics import auroc, expected_calibration_error, set_coverage, set_size, wilson

DRAWS = 72
"""Of each set and size: with five sizes, 360 of each of the larger sets."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""One each for the processes of this benchmark: as many draws at a time as there are cores."""


@dataclass(frozen=True, slots=True)
class Task:
    """One draw that is to be made: ``names`` are all the sets of a modality, of which the first is drawn from."""

    names: tuple[str, ...]
    shots: int
    seed: int


@dataclass(frozen=True, slots=True)
class Run:
    """What one draw came to. ``nan``: there was nothing to measure.

    Attributes:
        seed: Of the draw and of the fit.
        head: What was chosen.
        value: Reported accuracy, and ``low`` and ``high``: its 95 % interval; ``nan`` where nothing could be held out.
        wilson: Width of Wilson's interval at the same value for as many items as were drawn.
        truth: Accuracy on the ``n_rest`` items of the rest.
        ece: Expected calibration error on the rest.
        coverage: Share of 90 % sets that hold the true class, on the rest, and ``size``: their mean size.
        complete: Whether every set held every class.
        unknown: AUROC of the unknown score, rest against the items of each other set.
        unknown_rate: Share of the rest that is called unknown (5 % is asked).
        left_out: AUROC against a class that a second fit was not shown; ``nan`` where only one would be left.
    """

    seed: int
    head: str
    value: float
    low: float
    high: float
    wilson: float
    truth: float
    n_rest: int
    ece: float
    reported_ece: float
    coverage: float
    size: float
    reported_coverage: float
    complete: bool
    unknown: Mapping[str, float]
    unknown_rate: float
    left_out: float

    @property
    def judged(self) -> bool:
        return not math.isnan(self.value)

    @property
    def holds(self) -> bool:
        return self.low <= self.truth <= self.high


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure has to reach, as the least and the most that it may be."""

    name: str
    key: str
    least: float
    most: float


GOALS = (
    Goal("95 % intervals that hold the truth", "holds", 0.93, 1.0),
    Goal("their mean width, x Wilson's", "width_ratio", 0.0, 1.4),
    Goal("expected calibration error", "ece", 0.0, 0.05),
    Goal("coverage of 90 % sets", "coverage", 0.88, 0.94),
    Goal("AUROC of unknown, other data sets", "unknown", 0.9, 1.0),
    Goal("AUROC of unknown, a class left out", "left_out", 0.0, 1.0),
)


def measure(draws: int = DRAWS, processes: int | None = None, names: Sequence[str] = ()) -> None:
    """Make the draws; print the tables and write ``results/honesty.json``.

    Args:
        draws: How many of each set and size.
        processes: How many at a time; by default as many as there are cores.
        names: The sets to draw from, by default all; the others of their modality still serve as unknown.
    """
    present = [source for source in SOURCES if (DATA / source.name).is_dir()]
    for source in SOURCES:
        if source not in present:
            progress.print(f"[yellow]{source.name} is left out: there is no folder {DATA / source.name}[/yellow]")
    cells = [(source, shots) for source in present if not names or source.name in names for shots in source.shots]
    names_of = {source.name: (source.name, *others_of(source, present)) for source in present}
    tasks = [Task(names_of[source.name], shots, seed) for source, shots in cells for seed in range(draws)]
    if not tasks:
        return
    runs = list(_run_all(tasks, processes or os.cpu_count() or 1))
    measured = [
        {**_described(source, shots), **summary(part), "runs": list(part)}
        for (source, shots), part in zip(cells, _parts(runs, draws), strict=True)
    ]
    overall = {}
    for modality in dict.fromkeys(source.modality for source, _ in cells):
        own = [cell for cell in measured if cell["modality"] == modality]
        overall[modality] = summary_of_all(own, [run for cell in own for run in cell["runs"]])
    _show(measured, overall)
    for cell in measured:
        cell["runs"] = [asdict(run) for run in cell["runs"]]
    keep("honesty", {"draws": draws, "overall": overall, "cells": measured})


def others_of(source: Source, present: Sequence[Source]) -> tuple[str, ...]:
    """The other sets of the same modality: what they hold is unknown to a model of this one."""
    return tuple(other.name for other in present if other is not source and other.modality == source.modality)


def run_once(own: Population, others: Mapping[str, Population], shots: int, seed: int) -> Run:
    """Draw, fit as a user would, and compare what is reported with what the rest says."""
    y = own.dataset.y
    drawn, rest = own.draw(shots, seed)
    model = _fit(own.dataset.select(drawn), seed)
    report, answer, sets = model.report, own.ask(model, rest), model.report.sets
    assert sets is not None
    predicted, given = answer.p.argmax(axis=1), y[rest]
    n = len(drawn)
    low, high = wilson(float(np.nan_to_num(report.accuracy.value)) * n, n)
    threshold = model.classifier.unknown.threshold
    return Run(
        seed=seed,
        head=f"{report.head.kind}, {report.head.features}, {report.head.strength:g}",
        value=report.accuracy.value,
        low=report.accuracy.low,
        high=report.accuracy.high,
        wilson=high - low,
        truth=float((predicted == given).mean()),
        n_rest=len(rest),
        ece=expected_calibration_error(given, answer.p).ece,
        reported_ece=report.calibration.ece,
        coverage=set_coverage(answer.sets, given),
        size=set_size(answer.sets),
        reported_coverage=sets.coverage,
        complete=sets.complete,
        unknown={
            name: _against(answer.unknown_score, other.ask(model).unknown_score) for name, other in others.items()
        },
        unknown_rate=float((answer.unknown_score > threshold).mean()),
        left_out=_left_out(own, drawn, rest, seed),
    )


def summary(runs: Sequence[Run]) -> dict[str, float]:
    """Means over the draws of one set and size; those of the sets where not every class had to be returned."""
    useful = [run for run in runs if not run.complete]
    judged = [run for run in runs if run.judged]
    return {
        "draws": len(runs),
        "judged": len(judged),
        "holds": _mean([run.holds for run in judged]),
        "too_high": _mean([run.low > run.truth for run in judged]),
        "too_low": _mean([run.high < run.truth for run in judged]),
        "width": _mean([run.high - run.low for run in judged]),
        "width_ratio": _mean([run.high - run.low for run in judged]) / _mean([run.wilson for run in judged]),
        "value": _mean([run.value for run in judged]),
        "truth": _mean([run.truth for run in runs]),
        "ece": _mean([run.ece for run in runs]),
        "reported_ece": _mean([run.reported_ece for run in runs]),
        "coverage": _mean([run.coverage for run in useful]),
        "reported_coverage": _mean([run.reported_coverage for run in useful]),
        "size": _mean([run.size for run in useful]),
        "complete": _mean([run.complete for run in runs]),
        "unknown": _mean([score for run in runs for score in run.unknown.values()]),
        "unknown_lowest": min((score for run in runs for score in run.unknown.values()), default=math.nan),
        "unknown_rate": _mean([run.unknown_rate for run in runs]),
        "left_out": _mean([run.left_out for run in runs if not math.isnan(run.left_out)]),
    }


def summary_of_all(cells: Sequence[Mapping[str, Any]], runs: Sequence[Run]) -> dict[str, float]:
    """The plain mean over the cells of every figure that has a goal, and the pooled share of intervals that hold.

    Its range is Wilson's, as if the draws were independent; draws of one set overlap, so that it is somewhat wider.
    Wilson's width is no measure for items of a few groups, which are not independent: those cells do not count there.
    """
    judged = [run for run in runs if run.judged]
    held = sum(run.holds for run in judged)
    low, high = wilson(held, len(judged)) if judged else (math.nan, math.nan)
    figures = {goal.key: [cell[goal.key] for cell in cells if not math.isnan(cell[goal.key])] for goal in GOALS}
    figures["width_ratio"] = [cell["width_ratio"] for cell in cells if cell["judged"] and not cell.get("groups")]
    pooled = {"holds_pooled": _mean([run.holds for run in judged]), "holds_low": low, "holds_high": high}
    return {**{key: _mean(values) for key, values in figures.items()}, "draws": len(judged), **pooled}


def _described(source: Source, shots: int) -> dict[str, Any]:
    return {"set": source.name, "modality": source.modality, "groups": source.groups, "shots": shots}


def _fit(dataset: Dataset, seed: int) -> graft.Model:
    with closing(Cache()) as store:
        return graft.fit(dataset, graft.Recipe(seed=seed), cache=store)


def _against(inside: Float32, outside: Float32) -> float:
    positive: Bool = np.repeat([False, True], [len(inside), len(outside)])
    return auroc(positive, np.concatenate([inside, outside]))


def _left_out(own: Population, drawn: Int, rest: Int, seed: int) -> float:
    """AUROC of the unknown score of a fit without one class (each in its turn): that class against the others' rest."""
    y, k = own.dataset.y, len(own.dataset.classes)
    if k < 3:
        return math.nan
    hidden = seed % k
    model = _fit(own.dataset.select(drawn[y[drawn] != hidden]), seed)
    score = own.ask(model, rest).unknown_score
    return auroc(y[rest] == hidden, score)


def _run_all(tasks: Sequence[Task], processes: int) -> Iterator[Run]:
    """The runs of all tasks in their order, made in processes of their own."""
    spawn = multiprocessing.get_context("spawn")
    with TemporaryDirectory() as folder, _environment({"GRAFT_CACHE": os.environ.get("GRAFT_CACHE") or folder}):
        with ProcessPoolExecutor(1, spawn) as pool:  # all cores for one set at a time
            for name in dict.fromkeys(name for task in tasks for name in task.names):
                progress.print(f"embedding {name}")
                pool.submit(_embed, name).result()
        with _environment(dict.fromkeys(THREADS, "1")), ProcessPoolExecutor(processes, spawn) as pool:
            runs = pool.map(_run_task, tasks, chunksize=4)
            for number, (task, run) in enumerate(zip(tasks, runs, strict=True), 1):
                if number % 20 == 0 or number == len(tasks):
                    progress.print(f"{number} of {len(tasks)}: {task.names[0]}, {task.shots} of each class")
                yield run


def _embed(name: str) -> None:
    _population(name)  # stays in the cache


def _run_task(task: Task) -> Run:
    own, *others = task.names
    return run_once(_population(own), {name: _population(name) for name in others}, task.shots, task.seed)


@cache
def _population(name: str) -> Population:
    return population_of(name)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for the processes that are started inside the block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _parts(runs: Sequence[Run], size: int) -> Iterator[Sequence[Run]]:
    return (runs[start : start + size] for start in range(0, len(runs), size))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else math.nan


INTERVALS = ("set, of each class", "draws", "hold", "too low", "too high", "x Wilson", "reported", "truth")
OTHERS = (
    "set, of each class", "ECE", "reported", "90 % sets", "reported", "size",
    "unknown", "lowest", "called so", "left out",
)  # fmt: skip


def _show(cells: Sequence[Mapping[str, Any]], overall: Mapping[str, Mapping[str, float]]) -> None:
    for title, columns, keys in (
        ("Intervals beside the accuracy on the rest of the set", INTERVALS, INTERVAL_KEYS),
        ("Other figures, on the rest of the set", OTHERS, OTHER_KEYS),
    ):
        show(title, columns, [_row(cell, keys) for cell in cells])
    for modality, figures in overall.items():
        rows = [
            (goal.name, _figure(value), f"{goal.least:g} to {goal.most:g}", _verdict(goal, value))
            for goal, value in ((goal, figures[goal.key]) for goal in GOALS)
        ]
        note = (
            f"Means over the rows above. Of all {figures['draws']:.0f} intervals {figures['holds_pooled']:.3f} hold "
            f"({figures['holds_low']:.3f} to {figures['holds_high']:.3f})."
        )
        show(f"Honesty, {NOUNS[modality]}", ("", "measured", "goal", ""), rows, note)


INTERVAL_KEYS = ("draws", "holds", "too_low", "too_high", "width_ratio", "value", "truth")
OTHER_KEYS = (
    "ece", "reported_ece", "coverage", "reported_coverage", "size",
    "unknown", "unknown_lowest", "unknown_rate", "left_out",
)  # fmt: skip


def _row(cell: Mapping[str, Any], keys: Sequence[str]) -> tuple[str, ...]:
    return (f"{cell['set']}, {cell['shots']}", *(_figure(cell[key]) for key in keys))


def _figure(value: float) -> str:
    if isinstance(value, int):  # a count
        return str(value)
    return "-" if math.isnan(value) else f"{value:.3f}"


def _verdict(goal: Goal, value: float) -> str:
    if math.isnan(value) or (goal.least, goal.most) == (0.0, 1.0):
        return ""
    return "reached" if goal.least <= value <= goal.most else "MISSED"
