"""Logistic regression of classes and of labels: row subsets and strengths together, in one batched L-BFGS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graft.contracts import Bool, Float32, Int, Linear
from graft.learning.axes import Axes, centred, principal, turned
from graft.learning.lbfgs import chunks, minimise, room

ABSENT = -1e6
"""Score of a class without rows in a subset: low enough for probability 0 at any temperature."""
_TOLERANCE, _LOOSE, _LOOSER = 3e-7, 5e-5, 2e-4
"""A problem is solved when a Newton-like step promises to lower its objective by less than this share: of few rows, of
many, and of very many."""
_MANY_ROWS, _MANY_SCORES = 1000, 1 << 15
"""From so many rows, or rows times classes, on a fit ends at ``_LOOSE``."""
_VERY_MANY_ROWS = 5000
"""From so many on at ``_LOOSER``, and each strength starts from the one before: their columns fill a product alone. So
do those of many classes, all of whose strengths would not fit into memory at once."""
_DIRECT = 512
"""From this size on, a single fit of labels is faster without principal axes."""


@dataclass(frozen=True, slots=True)
class Logistic:
    """Minimises ``½‖W‖² + C Σ weightᵢ · cross-entropyᵢ``, the bias unpenalised (scikit-learn's parameterisation).

    Attributes:
        strengths: Values of C that cross-validation tries.
    """

    strengths: tuple[float, ...] = (1.0, 4.0, 16.0, 64.0, 256.0)

    def fit(self, x: Float32, y: Int, k: int, weights: Float32, strengths: Sequence[float]) -> list[list[Linear]]:
        """See ``contracts.Head.fit``."""
        n = len(y)
        axes = (turned if n >= _MANY_ROWS else principal)(x)
        present = np.stack([np.bincount(y, row, minlength=k) > 0 for row in weights])  # (s, k)
        classes = np.arange(1, 2) if k == 2 else np.arange(k)
        given = (y == classes[:, None])[None].astype(np.float32)
        bias = np.where(present, np.float32(0), np.float32(ABSENT))
        if k == 2:  # w and -w for the two: as log odds 2w, whose square is four times as large, and counts twice
            bias, strengths = bias[:, 1:] - bias[:, :1], [2 * strength for strength in strengths]
        by_size = np.argsort((weights > 0).sum(axis=1), kind="stable")  # a chunk leaves out what none of it has
        heads: list[list[Linear]] = [[] for _ in weights]
        at_once = n < _VERY_MANY_ROWS and room(len(classes) * len(strengths), *axes.z.shape) > 0
        together = [strengths] if at_once else [[strength] for strength in strengths]
        for part in chunks(by_size, len(classes) * len(together[0]), *axes.z.shape):
            start = np.zeros((len(together[0]), len(part), len(classes), axes.z.shape[1] + 1), np.float32)
            start[..., -1] = bias[part]
            for some in together:
                counted = weights[part] * np.array(some, np.float32)[:, None, None]  # (strengths, subsets, n)
                flat = start.reshape(-1, *start.shape[2:])
                start = minimise(axes.z, given, counted.reshape(-1, n), flat, _tolerance(n, k)).reshape(start.shape)
                for found in start:
                    for w, subset in zip(found, part, strict=True):
                        full = np.asarray(np.concatenate([-w, w]) / 2 if k == 2 else w, np.float32)
                        heads[subset].append(_head(full, present[subset], axes))
        return heads


def _tolerance(n: int, k: int) -> float:
    if n >= _VERY_MANY_ROWS:
        return _LOOSER
    return _LOOSE if n >= _MANY_ROWS or n * k >= _MANY_SCORES else _TOLERANCE


def _head(w: Float32, present: Bool, axes: Axes) -> Linear:
    """Of parameters ``(k, r + 1)``; what all biases have in common does not matter."""
    bias = np.where(present, w[:, -1] - w[present, -1].mean(), np.float32(ABSENT))
    return axes.restore(Linear(np.ascontiguousarray(w[:, :-1].T), bias.astype(np.float32)))


def fit_binary(x: Float32, y: Bool, weights: Float32, masks: Float32, strengths: Sequence[float]) -> list[list[Linear]]:
    """A logistic regression for each label, on each row subset, at each strength.

    Each minimises ``½‖w‖² + C Σ weightᵢ · cross-entropyᵢ``, the bias unpenalised (scikit-learn's parameterisation). A
    label that all rows of a subset have, or none of them, gets no weights, and as its bias the log odds of its share,
    half an item added to either side.

    Args:
        x: Features ``(n, d) float32``.
        y: Which labels each row has ``(n, k) bool``.
        weights: Of each row, for each label ``(n, k) float32``.
        masks: Row subsets ``(s, n) float32``, 0 or 1.
        strengths: Values of C.

    Returns:
        ``s`` lists with one ``Linear`` for each strength, its ``k`` columns the labels.
    """
    single = len(masks) * len(strengths) == 1 and min(x.shape) >= _DIRECT
    axes = centred(x) if single else principal(x)
    given = y.T.astype(np.float32)
    bearing, rows = masks @ y.astype(np.float32), masks.sum(axis=1, keepdims=True)  # (s, k), (s, 1)
    constant = (bearing <= 0) | (bearing >= rows)
    odds = np.log((bearing + 0.5) / (rows - bearing + 0.5)).astype(np.float32)
    w = np.empty((len(masks), len(strengths), len(given), axes.z.shape[1] + 1), np.float32)
    for part in chunks(np.arange(w[..., 0].size), 1, *axes.z.shape):
        subsets, places, labels = np.unravel_index(part, w.shape[:3])
        counted = masks[subsets] * weights.T[labels] * np.array(strengths, np.float32)[places, None]
        counted[constant[subsets, labels]] = 0
        start = np.zeros((len(part), 1, w.shape[-1]), np.float32)
        found = minimise(axes.z, given[labels, None], counted, start, _tolerance(len(y), 1))
        w[subsets, places, labels] = found[:, 0]
    w[..., -1] = np.where(constant[:, None], odds[:, None], w[..., -1])
    return [
        [axes.restore(Linear(np.ascontiguousarray(own[:, :-1].T), own[:, -1])) for own in of_subset] for of_subset in w
    ]
