"""Which labels are wrong: out-of-fold probabilities of heads that were not misled by the errors themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graft.contracts import Bool, Float32, Float64, Int
from graft.executors import map_on_cores
from graft.learning import HEADS
from graft.learning.calibration import cross_fitted, mean_answer
from graft.learning.classifier import OutOfFold
from graft.learning.selection import Choice, class_weights

STRONGER = (1.0, 4.0)
"""The strength that cross-validation chose, and one that trusts the data more: wrong labels ask for a strength that
right ones do not need. The one with the least weighted log loss is taken."""

LEAST = 1e-3
"""Weight that the least credible label keeps, so that no class loses all of its rows."""

NEARLY = 0.8
"""Another class must be so probable, beside what is typical of its items, for a label to be an issue. The confident
joint asks for 1, which missed a fifth of flipped labels; with 0.8 the mean F1 of flags rose from 0.82 to 0.86 on the
five sets that it was chosen on."""
CLEARLY = 1.25
"""And so many times as probable as the given one, so that no tie is an issue."""
FEW = 5
"""Items that a class must have: of fewer the labels are not judged, and no other item is said to belong there."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelQuality:
    """What is to be said of each given label.

    Attributes:
        p: Probability of each class, by heads that had not seen the row and that trusted credible labels more
            ``(n, k) float32``; ``nan`` in rows that cannot be judged.
        score: How credible the given label is ``(n,) float32``, 0 to 1, low is bad; 1 where it cannot be judged.
        predicted: The most probable class ``(n,) int64``; the given one where it cannot be judged.
        is_issue: Whether the label is probably wrong ``(n,) bool``.
        judged: Whether it can be judged at all ``(n,) bool``: not in classes of fewer than ``FEW`` items, and nowhere
            where heads do no better than guessing.
        balance: How much the classes' shares were divided out, 0 to 1; see ``score_labels``.
    """

    p: Float32
    score: Float32
    predicted: Int
    is_issue: Bool
    judged: Bool
    balance: float


def score_labels(out_of_fold: OutOfFold, y: Int, k: int, folds: Sequence[Int]) -> LabelQuality:
    """Score the given labels.

    Three steps. Heads fitted to all labels say how probable each given label is beside the most probable one; that is
    its weight in a second fit, in which wrong labels mislead little. The second fit's out-of-fold probability of the
    given label is the score (self-confidence: Northcutt, Jiang and Chuang, "Confident learning", JAIR 70, 2021). Then
    classes that swallow what belongs to others are made up for: ``balance_of``.

    A label is an issue where another class is the most probable, nearly as probable (``NEARLY``) as it is on average
    for items of that class: about what lies off the diagonal of that paper's confident joint.

    Args:
        out_of_fold: What heads said of rows that they had not seen.
        y: Given classes ``(n,) int64``.
        k: Number of classes.
        folds: As they were made for ``out_of_fold``.
    """
    rows = np.arange(len(y))
    first = out_of_fold.p
    size = np.bincount(y, minlength=k)
    judged = out_of_fold.scored & (size[y] >= FEW)
    if not judged.any() or not _beyond_chance(first, y, out_of_fold.scored, k):
        nothing = np.zeros(len(y), np.bool_)
        return LabelQuality(first, np.ones(len(y), np.float32), y, nothing, nothing, 0.0)
    weights = np.ones(len(y), np.float32)
    weights[judged] = np.maximum(first[judged, y[judged]] / first[judged].max(axis=1), LEAST)
    p = _refit(out_of_fold.choice, y, k, folds, weights)
    balance = balance_of(weights[judged], y[judged], k)
    share = size / len(y)
    parts = p / np.exp(balance * np.log(share)).astype(np.float32)
    even = np.asarray(parts / parts.sum(axis=1, keepdims=True), np.float32)
    score = np.where(judged, np.nan_to_num(even[rows, y]), 1).astype(np.float32)
    predicted = np.where(judged, np.nan_to_num(even, nan=-1).argmax(axis=1), y)
    is_issue = judged & is_credibly_other(even, y, predicted, typical_of(even, y, judged, k))
    is_issue &= size[predicted] >= FEW
    return LabelQuality(even, score, predicted, is_issue, judged, balance)


def typical_of(p: Float32, y: Int, judged: Bool, k: int) -> Float64:
    """How probable a class is, on average, for the items that are said to be of it ``(k,) float64``."""
    own = np.nan_to_num(p[np.arange(len(y)), y])
    found: Float64 = np.bincount(y[judged], own[judged], minlength=k) / np.bincount(y[judged], minlength=k).clip(min=1)
    return found


def is_credibly_other(p: Float32, y: Int, other: Int, typical: Float64) -> Bool:
    """Whether another class is so probable that the given label is an issue ``(n,) bool``.

    Args:
        p: Out-of-fold probabilities ``(n, k)``; rows of ``nan`` are none.
        y: Given classes ``(n,) int64``.
        other: The other class of each row ``(n,) int64``.
        typical: From ``typical_of``.
    """
    rows = np.arange(len(y))
    own, share = np.nan_to_num(p[rows, y]), np.nan_to_num(p[rows, other])
    return np.asarray((other != y) & (share >= NEARLY * typical[other]) & (share >= CLEARLY * own), np.bool_)


def balance_of(credible: Float32, y: Int, k: int) -> float:
    """To what power the classes' shares are to be divided out of probabilities, 0 to 1.

    Slips of the hand fall on all classes alike, so that small classes end up with the largest share of wrong labels:
    class size and purity rise together, and self-confidence is the right score as it is. Where they do not (one minus
    their correlation, in logarithms), labels have flowed into classes for another reason, such as a default answer, and
    heads that learned that habit believe it. Dividing by the class's share makes up for it.

    Args:
        credible: How credible each label is ``(n,) float32``, 0 to 1.
        y: Given classes ``(n,) int64``.
        k: Number of classes.
    """
    size = np.bincount(y, minlength=k)
    present = size > 0
    purity: Float64 = np.bincount(y, credible, minlength=k)[present] / size[present]
    spread = np.log(size[present]) - np.log(size[present]).mean()
    other = np.log(purity) - np.log(purity).mean()
    scale = float(np.sqrt((spread**2).sum() * (other**2).sum()))
    if scale < 1e-9:  # classes of one size: there is nothing to divide out
        return 0.0
    return float(np.clip(1 - (spread * other).sum() / scale, 0, 1))


def _beyond_chance(p: Float32, y: Int, scored: Bool, k: int) -> bool:
    """Whether heads know more than nothing: their mean recall is beyond that of guessing by two standard errors."""
    size = np.bincount(y[scored], minlength=k)
    there = size > 0
    right = np.bincount(y[scored], p[scored].argmax(axis=1) == y[scored], minlength=k)
    chance = 1 / max(int(there.sum()), 1)
    error = np.sqrt((chance * (1 - chance) / size[there]).sum()) * chance
    return bool((right[there] / size[there]).mean() > chance + 2 * error) if there.any() else False


def _refit(choice: Choice, y: Int, k: int, folds: Sequence[Int], weights: Float32) -> Float32:
    """Out-of-fold probabilities ``(n, k)`` of the chosen head, fitted with these weights."""
    chosen, z = choice.chosen, choice.axes.z
    head = HEADS[chosen.head]
    own = weights * class_weights(y, k)
    strengths = [chosen.strength * factor for factor in STRONGER]
    logits = np.full((len(strengths), len(folds), len(y), k), np.nan, np.float32)

    def hold_out(task: tuple[int, int]) -> None:
        repetition, fold = task
        out = folds[repetition] == fold
        fitted = head.fit(z, y, k, np.where(out, np.float32(0), own)[None], strengths)[0]
        for place, linear in enumerate(fitted):
            logits[place, repetition, out] = linear.scores(z[out])

    map_on_cores(hold_out, each_fold(folds))
    found = [mean_answer(cross_fitted(part, y, folds)) for part in logits]
    rows = np.flatnonzero(~np.isnan(found[0][:, 0]))
    losses = [float(-(weights[rows] * np.log(np.maximum(p[rows, y[rows]], 1e-9))).sum()) for p in found]
    return found[int(np.argmin(losses))]


def each_fold(folds: Sequence[Int]) -> list[tuple[int, int]]:
    """Each repetition and each of its folds, to hold out one after another."""
    return [(r, f) for r, fold in enumerate(folds) for f in np.unique(fold[fold >= 0]).tolist()]
