"""Whether a head gains by seeing several views of each item (``graft.decoding.augment``), the encoder left as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.populations import Population, Source, population
from benchmarks.results import keep, mean, progress, show
from benchmarks.sets import DATA
from graft.contracts import Float32, Int, Stages
from graft.data.split import choose_folds, stratified_group_folds
from graft.decoding.augment import views
from graft.encoders import encoder_for
from graft.learning.classifier import fit_classifier
from graft.metrics import log_loss
from graft.recipe import Recipe

DRAWS = 6
COUNT = 3
SETS = (
    Source("beds_sofas", (5, 20)),
    Source("potato_leaves", (5, 20)),
    Source("spoken_digits", (5, 20), "audio", pattern="{label}_{group}_*.wav"),
)
WAYS = ("plain", "and one view", "and three views", "mean of all four")
FIGURES = ("accuracy", "log_loss")
_AT_ONCE = 32


def measure(draws: int = DRAWS, names: Sequence[str] = ()) -> None:
    """Fit heads with and without views; print the table and write ``results/views.json``."""
    cells: list[dict[str, Any]] = []
    for source in SETS:
        if not (DATA / source.name).is_dir() or (names and source.name not in names):
            progress.print(f"[dim]{source.name} is left out[/dim]")
            continue
        own = population(DATA / source.name, source)
        known: dict[int, Float32] = {}
        for shots in source.shots:
            runs = [_run(own, shots, seed, known) for seed in range(draws)]
            cells.append({
                "set": source.name, "shots": shots,
                **{way: {key: mean([run[way][key] for run in runs]) for key in FIGURES} for way in WAYS},
                "runs": runs,
            })  # fmt: skip
    for key in FIGURES:
        rows = [(f"{cell['set']}, {cell['shots']}", *(f"{cell[way][key]:.4f}" for way in WAYS)) for cell in cells]
        show(f"Heads on several views: {key.replace('_', ' ')}", ("set", *WAYS), rows, f"Mean of {draws} draws.")
    keep("views", {"draws": draws, "cells": cells})


def _run(own: Population, shots: int, seed: int, known: dict[int, Float32]) -> dict[str, dict[str, float]]:
    rows, rest = own.draw(shots, seed)
    encoder = encoder_for("auto", own.dataset.modality)
    missing = [row for row in rows.tolist() if row not in known]
    for start in range(0, len(missing), _AT_ONCE):
        part = missing[start : start + _AT_ONCE]
        values = [encoder.prepare(own.dataset.items[row].read()).value for row in part]
        seen = [
            view for row, value in zip(part, values, strict=True) for view in views(value, encoder.modality, COUNT, row)
        ]
        known.update(zip(part, encoder.embed(seen).reshape(len(part), COUNT, -1), strict=True))
    x = np.stack([own.x[rows], *np.stack([known[row] for row in rows.tolist()], axis=1)])  # (1 + COUNT, n, d)
    inputs: Mapping[str, Float32] = dict(zip(WAYS, (x[:1], x[:2], x, x.mean(axis=0, keepdims=True)), strict=True))
    y, k = own.dataset.y, len(own.dataset.classes)
    found = {}
    for way, rows_of_views in inputs.items():
        p = _asked(rows_of_views, y[rows], k, encoder.stages, seed, own.x[rest])
        found[way] = {"accuracy": float((p.argmax(axis=1) == y[rest]).mean()), "log_loss": log_loss(y[rest], p)}
    return found


def _asked(x: Float32, y: Int, k: int, stages: Stages, seed: int, asked: Float32) -> Float32:
    """What a head fitted to views ``(v, n, d)`` says of other items; views of one item stand in one fold."""
    copies, n, d = x.shape
    items = np.arange(n)
    count, repeats = choose_folds(y, items)
    folds = [np.tile(fold, copies) for fold in stratified_group_folds(y, items, count, seed, repeats)]
    units, recipe = np.tile(items, copies), Recipe(seed=seed)
    return fit_classifier(x.reshape(-1, d), np.tile(y, copies), k, stages, folds, recipe, units)[0].probabilities(asked)
