"""Whether the gate of ``graft tune`` ships what is worse, or keeps back what is better: simulated without tuning.

A head on other features, of another strength, of fewer rows, or on embeddings with noise stands for a tuned model. What
it is truly worth is known from the rest of the set, which neither the heads nor the gate have seen.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

import numpy as np

from benchmarks.populations import Population, Source, population
from benchmarks.results import keep, mean, progress, show
from benchmarks.sets import DATA
from graft.contracts import Float32, Int, Stages
from graft.encoders import encoder_for
from graft.heads.features import transform
from graft.learning.selection import Configuration, fit_final
from graft.tuning.gate import Parts, calibrated, decide, out_of_fold_plan

DRAWS = 50
SETS = (
    Source("beds_sofas", ()),
    Source("potato_leaves", ()),
    Source("trec6", (), "text"),
    Source("banking77", (), "text", classes=20),
    Source("spoken_digits", (), "audio", pattern="{label}_{group}_*.wav"),
    Source("sms_spam", (), "text"),
)
CHOSEN_ON = ("beds_sofas", "potato_leaves", "trec6", "banking77")
"""The sets that levels and sizes were chosen on; the others confirm them."""
FITTED = 160
"""Rows that heads are fitted to, where one part is the gate."""
GATES = (30, 60, 120, 300)
IN_ALL = (60, 150, 300)
"""Items that a user has, where each is held out in its turn."""
LEVELS = (0.8, 0.9, 0.95)
BANDS = (
    ("worse by over 1 point", -1.0, -0.01), ("worse by up to 1", -0.01, 0.0),
    ("the same", 0.0, 0.0),
    ("better by up to 1", 0.0, 0.01), ("better by 1 to 3", 0.01, 0.03), ("better by over 3", 0.03, 1.0),
)  # fmt: skip
"""Of true accuracy: name, and between which differences; the end nearer to 0 belongs to the next."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a head is fitted: features, strength, to what share of the rows, and how much noise its embeddings bear."""

    features: str = "late"
    strength: float = 64.0
    share: float = 1.0
    noise: float = 0.0


WAYS: Mapping[str, Way] = {
    "plain": Way(),
    "last stage": Way("last"),
    "all stages": Way("even"),
    "strength 1": Way(strength=1.0),
    "strength 4096": Way(strength=4096.0),
    "half the rows": Way(share=0.5),
    "little noise": Way(noise=0.5),
    "noise": Way(noise=1.0),
    "much noise": Way(noise=2.0),
}
"""Noise is in standard deviations of each column; it stays with an item, as what a network makes of it does."""


@dataclass(frozen=True, slots=True)
class Task:
    """One draw of one set."""

    name: str
    seed: int


@dataclass(frozen=True, eq=False)
class Field:
    """A set with its embeddings as each noise level has them."""

    own: Population
    stages: Stages
    noisy: Mapping[float, Float32]

    def scores(self, way: Way, rows: Int, asked: Int) -> Float32:
        """What a head fitted to ``rows`` says of the rows ``asked``."""
        x, y, k = self.noisy[way.noise], self.own.dataset.y, len(self.own.dataset.classes)
        known = rows[: max(2, round(way.share * len(rows)))]
        head = fit_final(x[known], y[known], k, self.stages, Configuration(way.features, "logistic", way.strength))
        return head.scores(transform(x[asked], self.stages, way.features))


def measure(draws: int = DRAWS, names: Sequence[str] = ()) -> None:
    """Simulate; print the tables and write ``results/gate.json``.

    Args:
        draws: Of each set.
        names: The sets, by default all.
    """
    present = [one.name for one in SETS if (DATA / one.name).is_dir() and (not names or one.name in names)]
    if not present:
        progress.print(f"[yellow]none of the sets lies in {DATA}[/yellow]")
        return
    tasks = [Task(name, seed) for name in present for seed in range(draws)]
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        runs = list(chain.from_iterable(pool.map(run_once, tasks, chunksize=draws)))
    summaries = tabulate(runs)
    for title, part in (("chosen on", True), ("confirmed on", False)):
        columns = ("held out, level", *(name for name, _, _ in BANDS), "mean change")
        rows = [
            (f"{cells['plan']}, {cells['level']}", *(_share(cells[band]["shipped"]) for band in columns[1:-1]),
             f"{cells['mean change']:+.2f}")
            for cells in summaries if cells["chosen_on"] is part
        ]  # fmt: skip
        note = "Of models that are truly so, this part ships; true change of accuracy by what shipped, in points."
        if rows:
            show(f"The gate, {title}", columns, rows, note)
    keep("gate", {"draws": draws, "summaries": summaries})


def tabulate(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the runs come to, for each plan and level."""
    return [
        {"chosen_on": part, "plan": plan, "level": level, **_summary(own, level)}
        for part in (True, False)
        for plan in dict.fromkeys(run["plan"] for run in runs)
        for level in LEVELS
        if (own := [run for run in runs if run["plan"] == plan and (run["set"] in CHOSEN_ON) is part])
    ]


def run_once(task: Task) -> list[dict[str, Any]]:
    """Every pair with the plain head, both ways round, through each gate."""
    field = _field(task.name)
    order = np.argsort(
        np.random.default_rng(task.seed).permutation(len(field.own.x))[field.own.clusters], kind="stable"
    )
    return [*_one_part(task, field, order), *(run for n in IN_ALL for run in _folds(task, field, order[:n], order[n:]))]


def _one_part(task: Task, field: Field, order: Int) -> Iterator[dict[str, Any]]:
    fit, gate, test = np.split(order, np.cumsum([FITTED, max(GATES)]))
    y, units = field.own.dataset.y, field.own.clusters
    said, right = {}, {}
    for name, way in WAYS.items():
        scores = field.scores(way, fit, order)
        said[name] = scores[FITTED:][: len(gate)]
        right[name] = float((scores[-len(test) :].argmax(axis=1) == y[test]).mean())
    for size in GATES:
        part = gate[:size]
        scores_of = {name: scores[:size] for name, scores in said.items()}
        yield from _decided(task, str(size), scores_of, right, y[part], units[part])


def _folds(task: Task, field: Field, rows: Int, test: Int) -> Iterator[dict[str, Any]]:
    y, units = field.own.dataset.y, field.own.clusters
    plan = out_of_fold_plan(y[rows], units[rows], seed=task.seed)
    held_out = rows[np.concatenate([parts.gate for parts in plan])]
    said, right = {}, {}
    for name, way in WAYS.items():
        said[name] = np.concatenate([_fold(field, way, rows, parts) for parts in plan])
        right[name] = float((field.scores(way, rows, test).argmax(axis=1) == y[test]).mean())
    yield from _decided(task, f"each of {len(rows)}", said, right, y[held_out], units[held_out])


def _fold(field: Field, way: Way, rows: Int, parts: Parts) -> Float32:
    known = rows[np.union1d(parts.fit, parts.validation)]
    return field.scores(way, np.random.default_rng(len(rows)).permutation(known), rows[parts.gate])


def _decided(
    task: Task, plan: str, said: Mapping[str, Float32], right: Mapping[str, float], y: Int, units: Int
) -> Iterator[dict[str, Any]]:
    """Whether each would ship, at each level; ``true`` is what it changes in accuracy."""
    said = {name: calibrated(scores, y, units, seed=task.seed) for name, scores in said.items()}
    pairs = [pair for name in WAYS if name != "plain" for pair in (("plain", name), (name, "plain"))]
    for before, after in pairs:
        verdict = decide(said[before], said[after], y, units, seed=task.seed)
        accurate = verdict.accuracy_after >= verdict.accuracy_before
        yield {
            "set": task.name, "seed": task.seed, "plan": plan, "before": before, "after": after,
            "true": right[after] - right[before],
            "loss": verdict.loss_difference, "doubt": verdict.doubt, "accurate": accurate,
            "ships": {str(level): accurate and verdict.doubt < (1 - level) / 2 for level in LEVELS},
        }  # fmt: skip


def _summary(runs: Sequence[Mapping[str, Any]], level: float) -> dict[str, Any]:
    shipped = [run for run in runs if run["ships"][str(level)]]
    cells: dict[str, Any] = {}
    for name, low, high in BANDS:
        own = [run["ships"][str(level)] for run in runs if _within(run, low, high)]
        cells[name] = {"models": len(own), "shipped": mean(own) if own else None}
    true = [run["true"] for run in shipped]
    return {**cells, "mean change": 100 * mean(true) if true else 0.0, "worst": 100 * min(true, default=0.0)}


def _within(run: Mapping[str, Any], low: float, high: float) -> bool:
    true = run["true"]
    return bool(true == low if low == high else low <= true < high if high <= 0 else low < true <= high)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


@cache
def _field(name: str) -> Field:
    own = population(DATA / name, next(source for source in SETS if source.name == name))
    chance = np.random.default_rng(0)
    unit = chance.standard_normal(own.x.shape, np.float32) * own.x.std(axis=0)
    noisy = {noise: own.x + np.float32(noise) * unit for noise in {way.noise for way in WAYS.values()}}
    return Field(own, encoder_for("auto", own.dataset.modality).stages, noisy)
