"""Nearest class mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graft.contracts import Float32, Int, Linear
from graft.learning.logistic import ABSENT


@dataclass(frozen=True, slots=True)
class Prototype:
    """Scores an item by its squared distance to each class mean (Snell, Swersky and Zemel, NeurIPS 2017).

    There is nothing to regularise: a strength only scales the scores.

    Attributes:
        strengths: One entry.
    """

    strengths: tuple[float, ...] = (10.0,)

    def fit(self, x: Float32, y: Int, k: int, weights: Float32, strengths: Sequence[float]) -> list[list[Linear]]:
        """See ``contracts.Head.fit``."""
        one_hot = np.zeros((k, len(y)), np.float32)
        one_hot[y, np.arange(len(y))] = 1
        heads = []
        for row in weights:
            shares = one_hot * row
            total = shares.sum(axis=1)
            means = (shares / np.maximum(total, np.finfo(np.float32).tiny)[:, None]) @ x  # (k, d)
            squares = np.einsum("kd,kd->k", means, means)
            subset = []
            for strength in strengths:
                bias = -squares * np.float32(strength / 2)
                bias[total <= 0] = ABSENT
                subset.append(Linear((means.T * np.float32(strength)).astype(np.float32), bias))
            heads.append(subset)
        return heads
