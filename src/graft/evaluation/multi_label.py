"""Judging where an item bears any number of labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import compress

import numpy as np

from graft.contracts import SEPARATOR, Array, Bool, Float32, Int
from graft.data.dataset import Dataset, Item
from graft.evaluation.growth import Growth, measure_growth, on_cores
from graft.evaluation.held_out import class_figures, held_out_score, some, warn_of_unknown_labels
from graft.evaluation.intervals import (
    LEAST_ITEMS,
    correlation_of,
    cross_validated_interval,
    enough_labels_judged,
    group_design_effect,
    no_score,
    with_unjudged,
)
from graft.evaluation.judging import (
    calibration,
    hardest,
    judged_on,
    majority_baseline,
    method_of,
    mistakes,
    nearest_baseline,
    unknown,
)
from graft.evaluation.notices import warn_of_copies, warn_of_small_classes
from graft.evaluation.rows import Answered, Rows
from graft.heads.features import transform
from graft.heads.multi_label import confidence_of
from graft.heads.protocols import LabelHead
from graft.learning.logistic import fit_binary
from graft.learning.multi_label import MultiLabelOutOfFold, balance, rules_without, units_with
from graft.learning.rule import bias_corrected
from graft.metrics import average_precision, exact_match, hamming_loss, label_f1
from graft.recipe import Recipe
from graft.results.figures import Calibration, ClassFigures, Figures, Judged, MultiLabelFigures
from graft.results.scores import Scores

EXACT = "exact match on held-out items"
TOO_FEW = f"no score: there is no label that {LEAST_ITEMS} judged items bear and {LEAST_ITEMS} do not"
"""Why there is none."""
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
    x, folds, units, given, classes, seed = rows.x, rows.folds, rows.units, rows.values, rows.classes, recipe.seed
    scored = np.flatnonzero(out_of_fold.scored)
    p, sets, truth = out_of_fold.p[scored], out_of_fold.sets[scored], given[scored]
    choice = out_of_fold.choice
    corrected, _ = bias_corrected(choice.correct, choice.losses, units, seed, choice.plain)
    groups = rows.groups_of(scored)
    design_effect = group_design_effect(out_of_fold.right[scored], groups)
    growth = _grow(out_of_fold, rows, seed, design_effect)
    expected = growth.carried(corrected, len(given))
    figures = measure(p, sets, truth)
    own = classifier.answer(x[scored]).sets
    combination = np.unique(given, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    said = judged_items([rows.items[row] for row in scored.tolist()], p, sets, truth, classes)
    lone = units_with(given, units) < 2  # cannot be held out: heads that have not seen them know nothing of them
    correlation = correlation_of(len(folds))
    per_class = label_figures(truth, sets, classes, rows.copies[scored], groups, correlation)
    per_class |= {classes[j]: ClassFigures(np.nan, np.nan, 0, 0.0, 1.0) for j in np.flatnonzero(lone).tolist()}
    nothing = "" if folds and folds[0].max(initial=-1) > 0 else NOTHING
    method = method_of(folds, len(choice.configurations), nothing, "exact match in ")
    score = cross_validated_interval(expected, rows.copies[scored], method, design_effect, correlation)
    baselines = {
        "majority": majority_baseline(combination[scored], int(combination.max(initial=0)) + 1),
        "nearest": nearest_baseline(transform(x, classifier.stages, classifier.features), combination, rows.fold),
    }
    unjudged = float((~out_of_fold.scored | given[:, lone].any(axis=1)).mean())
    multi = replace(figures, exact_match=expected)
    if not enough_labels_judged(truth):
        score, multi, expected = no_score(TOO_FEW if len(scored) else method), _without_score(multi), float("nan")
        baselines, growth = dict.fromkeys(baselines, expected), replace(growth, curve=(), forecast=())
    return Figures(
        classes=classes,
        multi_label=True,
        confusion=(),
        accuracy=with_unjudged(score, unjudged),
        macro_f1=multi.macro_f1,
        multi=multi,
        baselines=baselines,
        per_class=per_class,
        judged_on=judged_on(len(scored), len(given), "" if len(scored) else NOTHING),
        calibration=sets_calibration(p, sets, truth),
        overfit_gap=exact_match(truth, own) - expected,
        learning_curve=growth.curve,
        forecast=growth.forecast,
        unknown=unknown(classifier.unknown.threshold, out_of_fold.rejected, rows, recipe.unknown_rate),
        hardest=hardest(said, belief(p, truth)),
        mistakes=mistakes(said),
        unjudged=unjudged,
    )


def measure(p: Float32, sets: Bool, given: Bool) -> MultiLabelFigures:
    """The figures of predicted labels ``sets`` and probabilities ``p``, all ``(n, k)``, of which ``given`` are right.

    Precision is averaged over the labels that occur among these items.
    """
    micro, macro = label_f1(given, sets)
    precisions = [average_precision(given[:, j], p[:, j]) for j in np.flatnonzero(given.any(axis=0))]
    return MultiLabelFigures(
        micro_f1=micro,
        macro_f1=macro,
        hamming_loss=hamming_loss(given, sets),
        exact_match=exact_match(given, sets),
        mean_average_precision=float(np.mean(precisions)) if precisions else float("nan"),
        labels_per_item=float(given.sum(axis=1).mean()) if len(given) else float("nan"),
    )


def label_figures(
    given: Bool,
    sets: Bool,
    classes: Sequence[str],
    copies: Int | None = None,
    groups: Sequence[str] = (),
    correlation: float = 1.0,
) -> dict[str, ClassFigures]:
    """Precision and recall of each label, with a 95 % interval of the recall; ``nan`` for what did not occur.

    Args:
        given: Which labels each item bears ``(n, k) bool``.
        sets: Which it was given ``(n, k) bool``.
        classes: The labels.
        copies: As for ``class_figures``.
        groups: As for ``class_figures``.
        correlation: As for ``class_figures``.
    """
    figures = {}
    for j, label in enumerate(classes):
        named = class_figures((~given[:, j]).astype(np.int64), (~sets[:, j]).astype(np.int64), (label, ""), copies,
                              groups, correlation)  # fmt: skip
        figures[label] = named[label]
    return figures


def sets_calibration(p: Float32, sets: Bool, given: Bool) -> Calibration:
    """How far the probability that exactly the predicted labels are right can be believed. All are ``(n, k)``."""
    wrong = (sets != given).any(axis=1).astype(np.int64)
    return calibration(confidence_of(p, sets)[:, None], wrong)


def judged_items(items: Sequence[Item], p: Float32, sets: Bool, given: Bool, classes: Sequence[str]) -> list[Judged]:
    """What was said of each item: its labels and those predicted, with the probability that all of them are right."""
    own, predicted = ([SEPARATOR.join(compress(classes, row)) for row in what.tolist()] for what in (given, sets))
    sure, believed = (confidence_of(p, what).tolist() for what in (sets, given))
    return [Judged(item.name, *told) for item, *told in zip(items, own, predicted, sure, believed, strict=True)]


def belief(p: Float32, given: Bool) -> Array:
    """How much the model believes the given labels of each item, all together: the logarithm ``(n,) float32``."""
    return np.asarray(np.log(np.maximum(np.where(given, p, 1 - p), np.finfo(np.float32).tiny)).sum(axis=1))


def score_multi_label(answered: Answered, clusters: Int, split: str) -> Scores:
    """As ``score_held_out``; labels that the classifier does not know cannot be found.

    Args:
        answered: As there; an item that bears a label that is not known is not matched exactly.
        clusters: As there.
        split: As there.
    """
    answer, classes = answered.answer, answered.classes
    label_sets, groups = answered.dataset.tags, answered.dataset.groups
    strange = sorted({label for own in label_sets for label in own} - set(classes))
    names = [*classes, *strange]
    given = np.array([[label in own for label in names] for own in label_sets], np.bool_).reshape(-1, len(names))
    beyond = ((0, 0), (0, len(strange)))
    p, sets = np.pad(answer.p, beyond), np.pad(answer.sets, beyond)
    figures = measure(p, sets, given)
    right = (given == sets).all(axis=1)
    scored = enough_labels_judged(given)
    return Scores(
        accuracy=held_out_score(right, clusters, groups, EXACT, "" if scored else TOO_FEW),
        macro_f1=figures.macro_f1 if scored else float("nan"),
        per_class=label_figures(given, sets, names, clusters, groups),
        n_items=len(given),
        split=split,
        classes=tuple(names),
        confusion=(),
        ece=sets_calibration(p, sets, given).ece,
        coverage=float("nan"),
        warnings=warn_of_unknown_labels(strange, int(given[:, len(classes) :].any(axis=1).sum())),
        multi=figures if scored else _without_score(figures),
    )


def _without_score(figures: MultiLabelFigures) -> MultiLabelFigures:
    nothing = float("nan")
    return MultiLabelFigures(nothing, nothing, nothing, nothing, nothing, figures.labels_per_item)


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
