"""95 % intervals that are honest about what cross-validation does to independence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import NormalDist

import numpy as np

from graft.contracts import Array, Bool, Int
from graft.metrics import wilson
from graft.results.figures import Interval

FOLD_CORRELATION = 1.4
"""By how much cross-validation's items count for less than independent ones: the variance of the distance between the
cross-validated score and the accuracy of the final model, as a multiple of the binomial variance. Fold models share
most of their training items, and the final model is one draw among many (Nadeau & Bengio 2003; Bates, Hastie &
Tibshirani 2023 found naive intervals too short by 20 to 60 %).

Measured as ``benchmarks/honesty.py`` draws, 20 to 100 items of each class: 1.1 on photos, and 1.4 on texts and on
embeddings with noise added, which were not used to set it; without ``Growth.carried`` 1.3 and 1.9. With 2 to 7 items
of each class 1.2 and 1.7. At 1.4 intervals are 1.2 times as wide as Wilson's."""


UNREPEATED_CORRELATION = 1.65
"""The same where items are held out once only, so that the luck of one split is not averaged out; as measured by
``benchmarks/simulated.py``."""
THRESHOLD_CORRELATION = 2.0
"""The same of the share of items above a threshold. What lies above it in truth varies as much as what is counted: a
threshold that is an order statistic of n scores lets a Beta-distributed share pass, whose variance is the binomial one
(Vovk, Conditional validity of inductive conformal predictors, 2012), and the two are added."""
LEAST_CORRELATION = 0.01
"""Items of one group are taken to be at least so much alike."""
LEAST_CLASSES, LEAST_ITEMS = 2, 5
"""There is no score unless so many classes have so many judged items each: three items that are all right say nothing
of a hundred new ones."""
_FEW_MISTAKES = (0.0513, 0.3554, 0.8177)
"""Half the 5 % quantile of chi-squared with 2, 4 and 6 degrees of freedom."""
_STUDENT = (
    *(12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13, 2.12),
    *(2.11, 2.10, 2.09, 2.09, 2.08, 2.07, 2.07, 2.06, 2.06, 2.06, 2.05, 2.05, 2.05, 2.04, 1.96),
)
"""97.5 % quantiles of Student's t with 1, 2, ... 30 degrees of freedom, and with many."""


def effective_size(clusters: Int) -> float:
    """How many independent items the rows are worth, when those of one cluster are copies of each other.

    ``(sum of sizes)^2 / sum of squared sizes`` (Kish 1965). ``clusters`` is ``(n,) int64``.
    """
    if len(clusters) == 0:
        return 0.0
    sizes = np.bincount(np.unique(clusters, return_inverse=True)[1]).astype(np.float64)
    return float(sizes.sum() ** 2 / (sizes**2).sum())


def enough_judged(y: Int) -> bool:
    """Whether ``LEAST_CLASSES`` classes have ``LEAST_ITEMS`` judged items each; ``y`` is the class of each of these.

    Near-copies count as items here: simple drawings are taken for copies of one another, and the interval knows of it.
    """
    return int((np.bincount(y) >= LEAST_ITEMS).sum()) >= LEAST_CLASSES if len(y) else False


def enough_labels_judged(given: Bool) -> bool:
    """The same where an item bears any number of labels ``(n, k)``: enough bear one of them, and enough do not."""
    return any(enough_judged(bears.astype(np.int64)) for bears in given.T)


def no_score(method: str) -> Interval:
    """What stands in the place of a score where there is none."""
    return Interval(math.nan, math.nan, math.nan, method)


def with_unjudged(found: Interval, share: float) -> Interval:
    """The interval of all new items, where of ``share`` of them, 0 to 1, it is not known how they would fare.

    The value stays as judged. At worst all of the others are wrong, at best all are right: the bounds of what is not
    identified, with the interval of what is (Manski, Partial Identification of Probability Distributions, 2003).
    """
    judged = 1 - share
    return replace(found, low=judged * found.low, high=judged * found.high + share)


def held_out_interval(accuracy: float, clusters: Int, method: str, design_effect: float = 1.0) -> Interval:
    """Wilson's interval for items that no part of the fit has seen.

    Args:
        accuracy: 0 to 1.
        clusters: What is a copy of what ``(n,) int64``.
        method: How the accuracy was come by.
        design_effect: Of given groups, see ``group_design_effect``.
    """
    return _interval(accuracy, effective_size(clusters) / design_effect, method)


def cross_validated_interval(
    accuracy: float, clusters: Int, method: str, design_effect: float = 1.0, correlation: float = FOLD_CORRELATION
) -> Interval:
    """Wilson's interval with as many items as cross-validation's correlated ones are worth.

    Args:
        accuracy: 0 to 1.
        clusters: What is a copy of what ``(n,) int64``.
        method: How the accuracy was come by.
        design_effect: Of given groups, see ``group_design_effect``.
        correlation: Of items that share most of what their heads were fitted to, see ``correlation_of``.
    """
    return _interval(accuracy, effective_size(clusters) / correlation / design_effect, method)


def recall_interval(recall: float, copies: Int, design_effect: float) -> tuple[float, float]:
    """95 % interval of the recall of a class, of which there are often few items and fewer mistakes.

    Wilson's; with one to three mistakes its end near 1 holds too seldom, and that of a Poisson count of mistakes, half
    the 5 % quantile of chi-squared with twice as many degrees of freedom, takes its place (Brown, Cai and DasGupta,
    Statistical Science 16, 2001, section 4.1.1).

    Args:
        recall: 0 to 1; ``nan`` where there are no items.
        copies: What is a copy of what among the items of the class ``(n,) int64``.
        design_effect: Of groups and of folds.
    """
    found = held_out_interval(recall, copies, "", design_effect)
    n = effective_size(copies) / design_effect
    mistakes = 0 if math.isnan(recall) else math.ceil((1 - recall) * n - 1e-9)
    if not 1 <= mistakes <= len(_FEW_MISTAKES) or 2 * mistakes >= n:
        return found.low, found.high
    return found.low, max(found.high, min(1.0, 1 - _FEW_MISTAKES[mistakes - 1] / n))


def correlation_of(repetitions: int) -> float:
    """By how much the items of so many repetitions of cross-validation count for less than independent ones."""
    return FOLD_CORRELATION if repetitions > 1 else UNREPEATED_CORRELATION


def student(freedom: int) -> float:
    """97.5 % quantile of Student's t with so many degrees of freedom, at least 1."""
    return _STUDENT[min(max(freedom, 1), len(_STUDENT)) - 1]


def student_quantile(level: float, freedom: float) -> float:
    """Half the width of a two-sided interval in standard errors, where these are estimated from few units.

    The first terms of Cornish and Fisher's expansion of Student's quantile in that of the normal distribution
    (Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5).
    """
    z, nu = NormalDist().inv_cdf((1 + level) / 2), max(freedom, 1.0)
    terms = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96, (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + sum(term / nu**power for power, term in enumerate(terms, 1))


def group_design_effect(right: Array, groups: Sequence[str]) -> float:
    """By how much more the accuracy varies than that of independent items, for items come in groups, at least 1.

    The variance between group totals (the sandwich estimator with one cluster for each group) over the binomial one,
    and at least that of an intra-class correlation of ``LEAST_CORRELATION``, for a score without mistakes shows none.
    A variance estimated from few groups is itself uncertain: Student's t takes the place of the normal quantile, with
    as many groups as unequal ones are worth (Kish's effective number).

    Args:
        right: Whether each item was named rightly while its group was held out ``(n,)``, or in which share of the
            repetitions.
        groups: Group of each item; ``""`` stands on its own.
    """
    names, group = np.unique(np.array(groups, dtype=np.str_), return_inverse=True)
    known = (names != "")[group]
    sizes = np.bincount(group[known]).astype(np.float64)
    sizes = sizes[sizes > 0]
    if len(sizes) < 2:
        return 1.0
    p = float(np.mean(right[known]))
    totals = np.bincount(group[known], right[known] - p)
    between = float((totals**2).sum()) * len(sizes) / (len(sizes) - 1)
    independent = known.sum() * p * (1 - p)
    typical = float((sizes**2).sum() / sizes.sum())
    measured = between / independent if independent > 0 else 0.0
    effective = int(sizes.sum() ** 2 / (sizes**2).sum() + 1e-9)
    quantile = student(effective - 1)
    return max(1.0, measured, 1 + (typical - 1) * LEAST_CORRELATION) * (quantile / _STUDENT[-1]) ** 2


def _interval(accuracy: float, n: float, method: str) -> Interval:
    if n == 0 or math.isnan(accuracy):
        return Interval(math.nan, 0.0, 1.0, method)
    low, high = wilson(accuracy * n, n)
    return Interval(accuracy, low, high, method)
