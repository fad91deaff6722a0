"""Linear discriminant analysis with a ridge on the within-class scatter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graft.contracts import Float32, Float64, Int, Linear
from graft.executors import checkpoint
from graft.learning.axes import Axes, centred, principal
from graft.learning.logistic import ABSENT


@dataclass(frozen=True, slots=True)
class Discriminant:
    """Gaussian classes with one covariance ``(S + γI) / N``, S the pooled within-class scatter of N rows.

    Regularised discriminant analysis (Friedman, JASA 84, 1989; Guo, Hastie and Tibshirani, Biostatistics 8, 2007)
    with an absolute ridge: as rows come in, the shrinkage γ / (γ + S) fades by itself, as the penalty of the logistic
    head does. Row weights count within a class relative to one another; between classes they set the priors, so class
    weights do not touch the covariance.

    Attributes:
        strengths: Values of γ that cross-validation tries.
    """

    strengths: tuple[float, ...] = (2.0, 0.5, 0.12, 0.03)

    def fit(self, x: Float32, y: Int, k: int, weights: Float32, strengths: Sequence[float]) -> list[list[Linear]]:
        """See ``contracts.Head.fit``.

        On principal axes the scatter of all rows is diagonal, and a fold is a low-rank change of it: one small solve
        per fold and strength.
        """
        few = len(weights) * len(strengths) <= 2
        axes = centred(x) if few else principal(x)
        return [_fit_subset(axes, y, k, row, strengths, few) for row in weights]


def _fit_subset(axes: Axes, y: Int, k: int, weights: Float32, strengths: Sequence[float], few: bool) -> list[Linear]:
    checkpoint()
    z = axes.z
    priors = np.bincount(y, weights, minlength=k)  # float64
    present = priors > 0
    u = weights / np.maximum(priors / np.maximum(np.bincount(y[weights > 0], minlength=k), 1), 1e-30)[y]
    sizes = np.bincount(y, u, minlength=k)
    means = np.zeros((k, z.shape[1]))
    for label in np.flatnonzero(present):
        rows = np.flatnonzero((y == label) & (u > 0))
        means[label] = u[rows] @ z[rows].astype(np.float64) / sizes[label]
    centre = means[present].mean(axis=0)
    towards = np.where(present[:, None], means - centre, 0.0)  # (k, r)

    deficit = np.maximum(u.max() - u, 0.0) if len(u) else u
    removed = np.flatnonzero(deficit > 1e-6)
    if few or u.max() > 1 + 1e-6 or len(removed) + k > z.shape[1]:
        directions = _from_rows(z, y, means, u, towards, strengths)
    else:
        out = np.concatenate([z[removed] * np.sqrt(deficit[removed])[:, None], means * np.sqrt(sizes)[:, None]])
        moments = np.einsum("nr,nr->r", z, z, dtype=np.float64)
        directions = [_downdated(moments + strength, out.astype(np.float64), towards) for strength in strengths]

    heads = []
    log_priors = np.log(np.maximum(priors, 1e-30) / priors.sum())
    for direction in directions:
        direction = direction * sizes.sum()
        bias = log_priors - direction @ centre - (direction * towards).sum(axis=1) / 2
        bias -= bias[present].max()
        bias[~present] = ABSENT
        heads.append(axes.restore(Linear(direction.T.astype(np.float32), bias.astype(np.float32))))
    return heads


def _downdated(diagonal: Float64, out: Float64, towards: Float64) -> Float64:
    """``towards @ (diag(diagonal) - outᵀ out)⁻¹`` by the Woodbury identity, ``(k, r)``."""
    scaled = out / diagonal
    base = towards / diagonal
    inner = np.eye(len(out)) - scaled @ out.T
    correction: Float64 = base + np.linalg.solve(inner, out @ base.T).T @ scaled
    return correction


def _from_rows(
    z: Float32, y: Int, means: Float64, u: Float64, towards: Float64, strengths: Sequence[float]
) -> list[Float64]:
    """``towards @ (S + γI)⁻¹`` for each γ from the rows themselves, in the smaller of the two dimensions."""
    rows = np.flatnonzero(u > 0)
    within = ((z[rows] - means[y[rows]]) * np.sqrt(u[rows])[:, None]).astype(np.float32)
    dual = len(within) < within.shape[1]
    gram = (within @ within.T if dual else within.T @ within).astype(np.float64)
    target = (within @ towards.T if dual else towards.T).astype(np.float64)
    if len(strengths) > 2:
        moments, vectors = np.linalg.eigh(gram)
        moments, rotated = np.maximum(moments, 0.0)[:, None], vectors.T @ target
        solved = [vectors @ (rotated / (moments + strength)) for strength in strengths]
    else:
        solved = [np.linalg.solve(gram + strength * np.eye(len(gram)), target) for strength in strengths]
    if not dual:
        return [s.T for s in solved]
    return [(towards - s.T @ within) / strength for s, strength in zip(solved, strengths, strict=True)]
