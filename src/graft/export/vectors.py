"""Whole numbers as the operators of a graph take axes, sizes and bounds: in a vector, one alone too."""

from __future__ import annotations

import numpy as np

from graft.contracts import Int


def one(number: int) -> Int:
    """``(1,) int64``."""
    return np.array([number], np.int64)
