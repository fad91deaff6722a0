"""Whether labels are better spent on what ``graft label-next`` chooses: simulated on real sets whose labels are known.

A third of a set is held out. Of the rest a few items of each class have labels; some more get theirs, chosen in each of
several ways; a head fitted to both is scored on the third. Embeddings only: no TF-IDF of texts, so that a fit is quick.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from benchmarks.populations import Population, Source, population
from benchmarks.results import keep, mean, progress, show
from benchmarks.sets import DATA
from graft.contracts import Float32, Int, Stages
from graft.data.split import choose_folds, stratified_group_folds
from graft.encoders import encoder_for
from graft.heads.classifier import Classifier
from graft.heads.features import transform
from graft.labelling.choosing import choose, doubt, uncertainty
from graft.labelling.pool import CANDIDATES
from graft.learning.classifier import fit_classifier
from graft.recipe import Recipe

DRAWS = 5
SHOTS = (5, 10)
"""Items of each class that have labels."""
BUDGETS = (20, 40)
"""How many more get one."""
CHOSEN_ON = ("potato_leaves", "trec6", "banking77", "ants_bees")
"""The sets that the way was chosen on; the others confirm it."""
SETS = (
    Source("potato_leaves", SHOTS),
    Source("trec6", SHOTS, "text"),
    Source("banking77", SHOTS, "text", classes=20),
    Source("ants_bees", SHOTS),
    Source("beds_sofas", SHOTS),
    Source("spoken_digits", SHOTS, "audio", pattern="{label}_{group}_*.wav"),
    Source("bears_scraped", SHOTS),
    Source("sms_spam", SHOTS, "text"),
)


@dataclass(frozen=True, slots=True)
class Task:
    """One draw of one set."""

    name: str
    shots: int
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """What there is to choose from: features, probabilities ``(n, k)``, how many to choose, and a generator."""

    phi: Float32
    p: Float32
    n: int
    chance: np.random.Generator


def by_entropy(pool: Pool) -> Int:
    """The largest entropies."""
    return np.argsort((pool.p * np.log(np.maximum(pool.p, 1e-12))).sum(axis=1), kind="stable")[: pool.n]


def by_badge(pool: Pool) -> Int:
    """k-means++ on gradient embeddings ``(p - one-hot of the best) x features`` (Ash et al., ICLR 2020)."""
    a = pool.p.copy()
    a[np.arange(len(a)), a.argmax(axis=1)] -= 1
    squares = (a**2).sum(axis=1) * (pool.phi**2).sum(axis=1)
    chosen = [int(squares.argmax())]
    far = np.full(len(a), np.inf)
    while len(chosen) < pool.n:
        last = chosen[-1]
        far = np.minimum(far, squares + squares[last] - 2 * (a @ a[last]) * (pool.phi @ pool.phi[last]))
        far = np.maximum(far, 0)
        far[chosen] = 0
        chosen.append(int(pool.chance.choice(len(far), p=far / far.sum())))
    return np.array(chosen)


WAYS: Mapping[str, Callable[[Pool], Int]] = {
    "random": lambda pool: pool.chance.permutation(len(pool.p))[: pool.n],
    "margin": lambda pool: np.argsort(-uncertainty(pool.p), kind="stable")[: pool.n],
    "entropy": by_entropy,
    "BADGE": by_badge,
    "graft": lambda pool: np.array(choose(pool.phi, doubt(uncertainty(pool.p)), pool.n)[0]),
}


def measure(draws: int = DRAWS, names: Sequence[str] = ()) -> None:
    """Simulate; print the table and write ``results/labelling.json``.

    Args:
        draws: Of each set and number of labels to begin with.
        names: The sets, by default all.
    """
    present = [source for source in SETS if (DATA / source.name).is_dir() and (not names or source.name in names)]
    tasks = [Task(source.name, shots, seed) for source in present for shots in source.shots for seed in range(draws)]
    if not tasks:
        progress.print(f"[yellow]none of the sets lies in {DATA}[/yellow]")
        return
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        found = dict(zip(tasks, pool.map(run_once, tasks, chunksize=draws), strict=True))
    cells: list[dict[str, Any]] = [
        {
            "set": source.name,
            "shots": shots,
            "extra": extra,
            "chosen_on": source.name in CHOSEN_ON,
            "before": mean([found[Task(source.name, shots, seed)]["before"][place] for seed in range(draws)]),
            **{way: mean([found[Task(source.name, shots, seed)][way][place] for seed in range(draws)]) for way in WAYS},
        }
        for source in present
        for shots in source.shots
        for place, extra in enumerate(BUDGETS)
    ]
    columns = ("before", *WAYS)
    rows = [(f"{c['set']}, {c['shots']} + {c['extra']}", *(f"{c[key]:.3f}" for key in columns)) for c in cells]
    for title, part in (("mean, chosen on", True), ("mean, confirmed on", False)):
        if own := [cell for cell in cells if cell["chosen_on"] is part]:
            rows.append((title, *(f"{mean([cell[key] for cell in own]):.4f}" for key in columns)))
    note = f"Accuracy on a held-out third, mean of {draws} draws: labels of each class + those that are chosen."
    show("What to label next", ("set", *columns), rows, note)
    keep("labelling", {"draws": draws, "cells": cells})


def run_once(task: Task) -> dict[str, list[float]]:
    """Accuracy on the third after labelling each of ``BUDGETS`` items, by way; ``before``: without them."""
    own = _population(task.name)
    x, y, k = own.x, own.dataset.y, len(own.dataset.classes)
    stages = encoder_for("auto", own.dataset.modality).stages
    chance = np.random.default_rng(task.seed)
    order = chance.permutation(len(y))
    test, rest = order[: len(y) // 3], order[len(y) // 3 :]
    rest = rest[~np.isin(own.clusters[rest], own.clusters[test])]  # no near-duplicates of what is judged on
    start = np.concatenate([rest[y[rest] == label][: task.shots] for label in range(k)])
    pool = np.setdiff1d(rest, start)[:CANDIDATES]

    def fitted(rows: Int) -> Classifier:
        return _fit(x[rows], y[rows], k, stages, own.clusters[rows], task.seed)

    def score(classifier: Classifier) -> float:
        return float((classifier.probabilities(x[test]).argmax(axis=1) == y[test]).mean())

    first = fitted(start)
    phi, p = transform(x[pool], stages, first.features), first.probabilities(x[pool])
    found = {"before": [score(first)] * len(BUDGETS)}
    for way, pick in WAYS.items():
        choices = [pick(Pool(phi, p, extra, np.random.default_rng(task.seed))) for extra in BUDGETS]
        found[way] = [score(fitted(np.concatenate([start, pool[rows]]))) for rows in choices]
    return found


def _fit(x: Float32, y: Int, k: int, stages: Stages, clusters: Int, seed: int) -> Classifier:
    n_folds, repeats = choose_folds(y, clusters)
    folds = stratified_group_folds(y, clusters, n_folds, seed, min(repeats, 1)) if n_folds else []
    return fit_classifier(x, y, k, stages, folds, Recipe(seed=seed), clusters)[0]


@cache
def _population(name: str) -> Population:
    return population(DATA / name, next(source for source in SETS if source.name == name))
