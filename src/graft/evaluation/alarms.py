"""False alarms: how often what is none of the classes is taken for one of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from graft.contracts import Array, Float64, Int
from graft.data.dataset import negative_classes
from graft.evaluation.intervals import cross_validated_interval
from graft.results.figures import FalseAlarms

_95 = 1.959964
THOUSAND = 1000


def false_alarms(
    p: Array,
    y: Int,
    copies: Int,
    classes: Sequence[str],
    marked: Sequence[str] = (),
    seconds: Float64 | None = None,
    design_effect: float = 1.0,
) -> FalseAlarms | None:
    """How many of 1,000 items of the negative classes are taken for another class, out of fold; of recordings, an hour.

    Args:
        p: Out-of-fold probabilities ``(n, k)``; rows of ``nan`` were not judged.
        y: Class of each row ``(n,) int64``.
        copies: What is a copy of what ``(n,) int64``.
        classes: Their names.
        marked: Names of those that the user said to be negative.
        seconds: Length of each recording ``(n,)``.
        design_effect: Of given groups, as for ``cross_validated_interval``.

    Returns:
        ``None`` where there is no such class beside others, or nothing of it was judged.
    """
    named = negative_classes(classes, marked)
    negative = np.array([name in named for name in classes], np.bool_)
    rows = np.flatnonzero(negative[y] & ~np.isnan(p).any(axis=1)) if negative.any() and not negative.all() else ()
    if not len(rows):
        return None
    wrong = ~negative[p[rows].argmax(axis=1)]
    share = cross_validated_interval(float(wrong.mean()), copies[rows], "", design_effect)
    hours = float(seconds[rows].clip(min=0).sum()) / 3600 if seconds is not None else 0.0
    n = int(wrong.sum())
    per_hour, low, high = (count / hours if hours else math.nan for count in (n, *poisson_interval(n)))
    return FalseAlarms(
        label=", ".join(named),
        per_hour=per_hour,
        low=low,
        high=high,
        hours=hours,
        n=n,
        per_thousand=THOUSAND * share.value,
        per_thousand_low=THOUSAND * share.low,
        per_thousand_high=THOUSAND * share.high,
        of=len(rows),
        labels=named,
    )


def poisson_interval(n: int) -> tuple[float, float]:
    """95 % interval of the expected count where ``n`` were counted: Byar's approximation to the exact one.

    Rothman and Boice, Epidemiologic Analysis with a Programmable Calculator, 1979; within 2 % of the exact upper limit.
    """
    low = n * (1 - 1 / (9 * n) - _95 / (3 * math.sqrt(n))) ** 3 if n else 0.0
    m = n + 1
    return max(low, 0.0), m * (1 - 1 / (9 * m) + _95 / (3 * math.sqrt(m))) ** 3
