"""False alarms: how often the sound of nothing in particular is taken for one of the words."""

from __future__ import annotations

import math

import numpy as np

from graft.contracts import Array, Float64, Int
from graft.report.content import FalseAlarms

_95 = 1.959964


def false_alarms(p: Array, y: Int, seconds: Float64, negative: int, label: str) -> FalseAlarms | None:
    """False alarms per hour of the negative class, out of fold.

    Args:
        p: Out-of-fold probabilities ``(n, k)``; rows of ``nan`` were not judged.
        y: Class of each row ``(n,) int64``.
        seconds: Length of each recording ``(n,)``.
        negative: Which class is the negative one.
        label: Its name.

    Returns:
        ``None`` where no recording of that class was judged.
    """
    rows = np.flatnonzero((y == negative) & ~np.isnan(p).any(axis=1) & (seconds > 0))
    hours = float(seconds[rows].sum()) / 3600
    if not hours:
        return None
    n = int((p[rows].argmax(axis=1) != negative).sum())
    low, high = poisson_interval(n)
    return FalseAlarms(label, n / hours, low / hours, high / hours, hours, n)


def poisson_interval(n: int) -> tuple[float, float]:
    """95 % interval of the expected count where ``n`` were counted: Byar's approximation to the exact one.

    Rothman and Boice, Epidemiologic Analysis with a Programmable Calculator, 1979; within 2 % of the exact upper limit.
    """
    low = n * (1 - 1 / (9 * n) - _95 / (3 * math.sqrt(n))) ** 3 if n else 0.0
    m = n + 1
    return max(low, 0.0), m * (1 - 1 / (9 * m) + _95 / (3 * math.sqrt(m))) ** 3
