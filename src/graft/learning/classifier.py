"""From embeddings to a classifier: choose a head, fit it to all rows, calibrate it on what it had not seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from graft.contracts import Bool, Float32, Int, Linear, Stages
from graft.heads.classifier import Classifier
from graft.heads.features import transform
from graft.learning.calibration import cross_fitted, mean_answer
from graft.learning.conformal import fit_sets
from graft.learning.lexical import Words
from graft.learning.packing import keep_words
from graft.learning.selection import Choice, choose, choose_without, fit_final
from graft.learning.unknown import fit_unknown
from graft.recipe import Recipe


@dataclass(frozen=True, slots=True, eq=False)
class OutOfFold:
    """What is known of the training rows from heads that have not seen them.

    Attributes:
        choice: What cross-validation tried and took.
        p: Probabilities, mean over repetitions ``(n, k) float32``; ``nan`` where not scored. The head of each row was
            fitted, calibrated and chosen on other folds than the row's own, so that figures from ``p`` do not flatter.
            Of very many rows only one fold is explored: its rows chose, with thousands of votes, for themselves too.
        scored: Which rows were held out at all ``(n,) bool``.
        rejected: In which share of the repetitions each row was called unknown ``(n,) float32``; see ``fit_unknown``.
    """

    choice: Choice
    p: Float32
    scored: Bool
    rejected: Float32


def fit_classifier(
    x: Float32,
    y: Int,
    k: int,
    stages: Stages,
    folds: Sequence[Int],
    recipe: Recipe,
    units: Int | None = None,
    words: Words | None = None,
) -> tuple[Classifier, OutOfFold]:
    """Choose a head, fit it to all rows, and calibrate it on what heads said of rows they had not seen.

    Args:
        x: Embeddings ``(n, dim) float32``.
        y: ``(n,) int64`` in [0, k).
        k: Number of classes.
        stages: Widths of the encoder's stages; they sum to ``dim``.
        folds: For each repetition the fold of each row; -1: always trained on, never scored.
        recipe: Its ``head``, ``set_level`` and ``unknown_rate`` count here.
        units: What shares its fate ``(n,) int64``; by default every row is on its own.
        words: Of texts, to be joined to the embedding where that is clearly better.
    """
    z = None if words is None else words.z
    choice = choose(x, y, k, stages, folds, recipe.head, groups=units, words=z)
    linear = choice.final or fit_final(x, y, k, stages, choice.chosen, axes=choice.axes, words=z)
    lexical = None
    if words is not None and "words" in choice.chosen.features:
        linear, lexical = keep_words(choice, linear, y, words)  # the scores out of fold too are of what is kept
    logits = choice.logits[choice.index]  # (r, n, k)
    scored = ~np.isnan(logits).all(axis=(0, 2)) if len(folds) else np.zeros(len(y), np.bool_)

    def said(scores: Float32) -> Float32:
        return mean_answer(cross_fitted(scores, y, folds))

    p = said(logits)
    unswayed = without_own_vote(choice, p, folds, said)
    phi = transform(x, stages, choice.chosen.features)
    unknown, rejected = fit_unknown(phi, y, k, folds, logits, recipe.unknown_rate)
    classifier = Classifier(
        stages=stages,
        features=choice.chosen.features,
        linear=_rounded(linear),
        temperature=float(choice.temperatures[choice.index]),
        sets=fit_sets(p[scored], y[scored], k, recipe.set_level),
        unknown=unknown,
        lexical=lexical,
    )
    return classifier, OutOfFold(choice, unswayed, scored, rejected)


def without_own_vote(choice: Choice, p: Float32, folds: Sequence[Int], said: Callable[[Float32], Float32]) -> Float32:
    """Out-of-fold probabilities ``(n, k)`` of the configuration that the rows of other folds would have chosen.

    Args:
        choice: What cross-validation tried.
        p: Those of the configuration that all rows chose, which is nearly always the same.
        folds: For each repetition the fold of each row; the first one's rows have no vote in turn.
        said: Probabilities from out-of-fold scores ``(r, n, k)``.
    """
    if not len(folds):
        return p
    result, fold = p.copy(), folds[0]
    for held_out in np.unique(fold[fold >= 0]):
        rows = np.flatnonzero(fold == held_out)
        index = choose_without(choice, rows)
        if index != choice.index:
            result[rows] = said(choice.logits[index])[rows]
    return result


def _rounded(linear: Linear) -> Linear:
    """Weights as a bundle keeps them, so that a loaded model answers like the fitted one, digit for digit."""
    return Linear(linear.weights.astype(np.float16).astype(np.float32), linear.bias.astype(np.float32))
