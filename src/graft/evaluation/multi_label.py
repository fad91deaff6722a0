"""Judging where an item bears any number of labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graft.contracts import Array, Bool, Float32, Int
from graft.data.dataset import Dataset
from graft.evaluation.growth import Growth, measure_growth, on_cores
from graft.evaluation.intervals import correlation_of, group_design_effect
from graft.evaluation.judging import judged_by_folds
from graft.evaluation.notices import some, warn_of_copies, warn_of_small_classes
from graft.evaluation.outcomes import Outcomes
from graft.evaluation.rows import Rows
from graft.heads.protocols import LabelHead
from graft.learning.logistic import fit_binary
from graft.learning.multi_label import MultiLabelOutOfFold, balance, rules_without, units_with
from graft.recipe import Recipe
from graft.results.figures import ClassFigures, Figures

NOTHING = "of no label one item could be held out and another learned, copies and groups kept together"
"""Why nothing is judged."""


def judge_multi_label(classifier: LabelHead, out_of_fold: MultiLabelOutOfFold, rows: Rows, recipe: Recipe) -> Figures:
    """Judge a classifier by what heads like it said of rows that they had not seen.

    Args:
        classifier: The final one, fitted to all rows; it is scored only for the over-fitting gap.
        out_of_fold: Predictions of rows by heads that had not seen them.
        rows: What it was fitted to; their ``y`` are the strata, see ``strata_of``, and their ``values`` say which
            labels each bears ``(n, k) bool``.
        recipe: How, with the seed of bootstrap draws and of the learning curve's parts.
    """
    scored, given, classes = np.flatnonzero(out_of_fold.scored), rows.values, rows.classes
    said = Outcomes(classes, out_of_fold.p[scored], out_of_fold.sets[scored], given[scored], exclusive=False)
    groups = rows.groups_of(scored)
    lone = units_with(given, rows.units) < 2  # cannot be held out: heads that have not seen them know nothing of them
    per_class = said.per_class(rows.copies[scored], groups, correlation_of(len(rows.folds)))
    per_class |= {classes[j]: ClassFigures(np.nan, np.nan, 0, 0.0, 1.0) for j in np.flatnonzero(lone).tolist()}
    return judged_by_folds(
        said,
        _grow(out_of_fold, rows, recipe.seed, group_design_effect(said.right, groups)),
        classifier,
        out_of_fold,
        rows,
        recipe,
        kinds=np.unique(given, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64),
        sampled=len(given),
        doubtful=np.zeros(len(given), np.bool_),
        nothing="" if len(scored) else NOTHING,
        unjudged=float((~out_of_fold.scored | given[:, lone].any(axis=1)).mean()),
        macro_f1=said.macro_f1,
        per_class=per_class,
    )


def warn_of_the_labels(
    dataset: Dataset, digests: Sequence[str], clusters: Int, given: Bool, classes: Sequence[str]
) -> tuple[str, ...]:
    """As ``warn_of_the_data``, and of labels that tell nothing, because all training items bear them.

    Args:
        dataset: All items.
        digests: Content hash of each.
        clusters: Cluster of near-duplicates of each ``(n,) int64``.
        given: Which labels each training row bears ``(m, k) bool``.
        classes: The labels.
    """
    bearing = np.nonzero(given)[1]  # one entry for each label of each item, as if it were a class of its own
    notes = [*warn_of_copies(dataset, digests, clusters), *warn_of_small_classes(bearing, classes)]
    if always := [label for label, column in zip(classes, given.T, strict=True) if column.all()]:
        notes.append(f"{some(always)}: all training items bear it, so it tells nothing and is always predicted.")
    if strange := sorted(set(dataset.every_label) - set(classes)):
        notes.append(f"{some(strange)}: only in the test split, so items with such labels count as wrong there.")
    tested = {label for own, part in zip(dataset.tags, dataset.splits, strict=True) if part == "test" for label in own}
    if tested and (absent := sorted(set(classes) - tested)):
        notes.append(f"{some(absent)}: on no item of the test split, so the test score says nothing of it.")
    return tuple(notes)


def _grow(out_of_fold: MultiLabelOutOfFold, rows: Rows, seed: int, design_effect: float) -> Growth:
    """The learning curve of exact matches; a row that is matched is called its own stratum, any other nothing."""
    choice, given, strata, fold = out_of_fold.choice, rows.values, rows.y, rows.fold
    z, weights = choice.axes.z, balance(given)
    known = choice.logits[choice.index, :1]  # (1, n, k); (0, n, k) where nothing was held out
    unscored = np.full(given.shape, np.nan, np.float32)
    rules = rules_without(known[0] if len(known) else unscored, given, fold)

    def called(scores: Float32, asked: Int | Bool) -> Int:
        right = ((rules.of(asked).apply(scores) >= 0) == given[asked]).all(axis=1)
        return np.where(right, strata[asked], -1)

    def fit_some(masks: Float32, asked: Bool) -> Array:
        found = fit_binary(z, given, weights, masks, [choice.chosen.strength])
        named = np.full(masks.shape, -1, np.int64)
        for names, own, (linear,) in zip(named, asked, found, strict=True):
            names[own] = called(linear.scores(z[own]), own)
        return named

    # So many items have, on average, one of each label: what a forecast for "20 more of each" needs.
    once = max(1, round(given.shape[1] / max(float(given.sum(axis=1).mean()), 1.0)))
    end = called(known[0], np.arange(len(given))) if len(known) else None
    return measure_growth(
        on_cores(fit_some, given.shape[1]),
        strata,
        fold,
        rows.copies,
        ("",) * once,
        np.empty(0),
        seed,
        end,
        design_effect,
    )
