"""What a score would have looked like, had items of one group stood on both sides of the split."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from graft.contracts import Array, Float64, Int
from graft.evaluation.growth import FitMany
from graft.evaluation.intervals import FOLD_CORRELATION, student
from graft.results.figures import GroupEffect

DRAWS = 1000
"""Bootstrap draws of whole groups behind the interval."""


def group_effect(
    fit_many: FitMany, y: Int, groups: Sequence[str], held_out: Array, ignoring: Sequence[Int], seed: int
) -> GroupEffect | None:
    """Accuracy with whole groups held out, and with random folds that ignore groups, of the same head.

    Only items with a group that both ways score count. The 95 % interval is one for other groups such as these: its
    variance is that over bootstrap draws of whole groups, which is too small by one in the number of groups, or that of
    single items if it is larger, widened for what is cross-validated; Student's t with the number of groups.

    Args:
        fit_many: Fits the chosen head on each row subset.
        y: Class of each row ``(n,) int64``.
        groups: Group of each row, ``""`` for none.
        held_out: In which share of the repetitions each row was named rightly while its group was held out ``(n,)``;
            ``nan``: never scored.
        ignoring: For each repetition the fold of each row, groups ignored; -1: never scored.
        seed: Of the draws.

    Returns:
        ``None`` where there are fewer than two groups, or nothing was scored.
    """
    names, group = np.unique(np.array(groups, dtype=np.str_), return_inverse=True)
    mixed = share_right(fit_many, y, ignoring)
    known = ~(np.isnan(held_out) | np.isnan(mixed)) & (names != "")[group]
    members = np.unique(group[known])
    if len(members) < 2:
        return None
    gain = (mixed - held_out)[known]
    place = np.searchsorted(members, group[known])
    total, size = np.bincount(place, gain), np.bincount(place)
    drawn = np.random.default_rng(seed).integers(len(members), size=(DRAWS, len(members)))
    between = float((total[drawn].sum(axis=1) / size[drawn].sum(axis=1)).var()) * len(members) / (len(members) - 1)
    variance = FOLD_CORRELATION * max(between, float(gain.var()) / len(gain))
    half = student(len(members) - 1) * math.sqrt(variance)
    accuracy, random = float(held_out[known].mean()), float(mixed[known].mean())
    return GroupEffect(
        len(members), accuracy, random, random - accuracy, random - accuracy - half, random - accuracy + half
    )


def share_right(fit_many: FitMany, y: Int, folds: Sequence[Int]) -> Float64:
    """In which share of the repetitions each row was named rightly while held out ``(n,)``; ``nan``: never scored."""
    right, times = np.zeros(len(y)), np.zeros(len(y))
    for fold in folds:
        n_folds = int(fold.max(initial=-1)) + 1
        if not n_folds:
            continue
        held_out = fold[None] == np.arange(n_folds)[:, None]
        predicted = fit_many((~held_out).astype(np.float32), held_out)
        scored = np.flatnonzero(fold >= 0)
        right[scored] += predicted[fold[scored], scored] == y[scored]
        times[scored] += 1
    return np.where(times > 0, right / np.maximum(times, 1), np.nan)
