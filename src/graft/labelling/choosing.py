"""Which rows to label, by what their labels would settle among all rows."""

from __future__ import annotations

import numpy as np

from graft.contracts import Array, Float32, Float64

NOISE = 0.1
"""Variance of a label about what the features say, where that of the features is 1. 0.1 and 1 were tried."""
_LEAST = 1e-4
"""Nothing is quite certain."""


def choose(phi: Float32, weights: Float64, n: int) -> tuple[list[int], list[float]]:
    """Choose rows one by one, each for what its label would settle beyond those before it.

    Transductive experimental design (Yu, Bi and Tresp, ICML 2006): a linear model's variance at row i falls by
    ``K[i, j]² / (K[j, j] + NOISE)`` when row j is labelled, K being the features' covariance given the rows before.
    Taken is the row with the largest weighted sum of that over all rows. So an outlier, which settles nothing but
    itself, waits; a near-copy of a chosen row has nothing left to settle; and of rows that are all equally unsure, as
    they are to a model that knows nothing yet, typical ones that differ come first.

    Args:
        phi: Features ``(m, d) float32``.
        weights: How much each row's variance counts ``(m,) float64``, above 0; see ``doubt``.
        n: How many to choose; at most m are.

    Returns:
        The rows, and what each settles as a share of what was unsettled at first, 0 to 1.
    """
    x = phi - phi.mean(axis=0)
    x /= max(float(np.sqrt(np.einsum("md,md->m", x, x).mean())), 1e-12)
    counted = weights.astype(np.float32)
    variance = np.einsum("md,md->m", x, x).astype(np.float64)
    settled = np.einsum("md,md->m", x @ ((x.T * counted) @ x), x).astype(np.float64)  # sum of weight K², as K = x xᵀ
    total = max(float(weights @ variance), 1e-12)
    columns = np.zeros((len(x), min(n, len(x))), np.float32)  # what each chosen row takes from K, which is not formed
    chosen: list[int] = []
    scores: list[float] = []
    for place in range(columns.shape[1]):
        gain = np.maximum(settled, 0) / (np.maximum(variance, 0) + NOISE)
        gain[chosen] = -1
        row = int(gain.argmax())
        chosen.append(row)
        scores.append(float(min(gain[row] / total, 1)))
        column = x @ x[row] - columns @ columns[row]
        column /= np.sqrt(max(variance[row], 0) + NOISE)
        turned = counted * column
        product = x @ (turned @ x) - columns @ (turned @ columns)
        settled += column * (column * float(turned @ column) - 2 * product)
        variance -= column**2
        columns[:, place] = column
    return chosen, scores


def doubt(unsure: Float64) -> Float64:
    """How much rows of this uncertainty count ``(m,) float64``: its square root, and never nothing.

    Uncertainty itself finds a little more where classes are clear and labels are right, and loses to chance where what
    a model doubts is what people doubt as well.
    """
    return np.sqrt(np.maximum(unsure, _LEAST))


def uncertainty(p: Array, several: bool = False) -> Float64:
    """How unsure probabilities are ``(n,) float64``, 0 to 1: one minus the distance of the two largest.

    Args:
        p: ``(n, k)``.
        several: Whether the labels do not exclude each other: the mean over labels of one minus ``|2p - 1|``.
    """
    p = p.astype(np.float64)
    if several:
        return np.asarray(1 - np.abs(2 * p - 1).mean(axis=1))
    best = np.partition(p, -2, axis=1)
    return np.asarray(1 - (best[:, -1] - best[:, -2]))
