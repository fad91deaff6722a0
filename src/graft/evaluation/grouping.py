"""What a score would have looked like, had items of one group stood on both sides of the split."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from graft.contracts import Float64, Int
from graft.evaluation.growth import FitMany
from graft.evaluation.intervals import FOLD_CORRELATION, student
from graft.results.figures import GroupEffect

DRAWS = 1000
"""Bootstrap draws of whole groups behind the interval."""


def group_effect(
    fit_many: FitMany, y: Int, groups: Sequence[str], whole: Int, ignoring: Sequence[Int], seed: int
) -> GroupEffect | None:
    """Accuracy with whole groups held out, and with random folds that ignore groups, of the same head.

    Only items with a group that both ways score count. The 95 % interval is one for other groups such as these: its
    variance is that over bootstrap draws of whole groups, which is too small by one in the number of groups, or that of
    single items if it is larger, widened for what is cross-validated; Student's t with the number of groups.

    Args:
        fit_many: Fits the chosen head on each row subset.
        y: Class of each row ``(n,) int64``.
        groups: Group of each row, ``""`` for none.
        whole: What each row was called in each repetition, its group held out ``(r, n) int64``; -1: not scored.
        ignoring: For each repetition the fold of each row, groups ignored; -1: never scored.
        seed: Of the draws.

    Returns:
        ``None`` where there are fewer than two groups, or nothing was scored.
    """
    names, group = np.unique(np.array(groups, dtype=np.str_), return_inverse=True)
    held_out, mixed = (_share_right(called, y) for called in (whole, called_out_of_fold(fit_many, y, ignoring)))
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


def called_out_of_fold(fit_many: FitMany, y: Int, folds: Sequence[Int]) -> Int:
    """What each row is called in each repetition while it is held out ``(r, n) int64``; -1: not scored."""
    called = np.full((len(folds), len(y)), -1, np.int64)
    for own, fold in zip(called, folds, strict=True):
        n_folds = int(fold.max(initial=-1)) + 1
        if not n_folds:
            continue
        held_out = fold[None] == np.arange(n_folds)[:, None]
        predicted = fit_many((~held_out).astype(np.float32), held_out)
        scored = np.flatnonzero(fold >= 0)
        own[scored] = predicted[fold[scored], scored]
    return called


def _share_right(called: Int, y: Int) -> Float64:
    """In which share of the repetitions that scored it each row was called what it is ``(n,)``; ``nan``: in none."""
    times = (called >= 0).sum(axis=0)
    return np.where(times > 0, (called == y).sum(axis=0) / np.maximum(times, 1), np.nan)
