"""The head that a fully converged minimisation finds: float64, a tight stop, slow. What Graft chooses is held to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import minimize  # type: ignore[import-untyped]

from graft.contracts import Float32, Float64, Int, Linear

_ABSENT = -1e6
"""Score of a class without rows in a subset."""
_STOP = 1e-5
"""The largest entry of a gradient at the end, in coordinates in which the curvature is about 1."""


@dataclass(slots=True)
class Converged:
    """``graft.learning.logistic.Logistic`` by other means: scipy's L-BFGS-B on principal axes, each scaled on its own.

    Attributes:
        strengths: Values of C that cross-validation tries.
    """

    strengths: tuple[float, ...]
    _axes: dict[bytes, tuple[Float64, Float64]] = field(default_factory=dict)

    def fit(self, x: Float32, y: Int, k: int, weights: Float32, strengths: Sequence[float]) -> list[list[Linear]]:
        """See ``graft.contracts.Head.fit``."""
        key = x[::7].tobytes()
        if key not in self._axes:
            self._axes[key] = _principal(x.astype(np.float64))
        z, basis = self._axes[key]
        heads = []
        for row in weights.astype(np.float64):
            w, found = np.zeros((k, z.shape[1] + 1)), []
            for strength in strengths:
                w = _minimised(z, y, k, row * strength, w)
                bias = w[:, -1] - w[:, -1].mean()
                bias[np.bincount(y, row, minlength=k) <= 0] = _ABSENT
                own = basis @ w[:, :-1].T
                found.append(Linear(own.astype(np.float32), bias.astype(np.float32)))
            heads.append(found)
        return heads


def _principal(x: Float64) -> tuple[Float64, Float64]:
    """Rows on their principal axes ``(n, r)``, and the axes ``(d, r)``."""
    n, d = x.shape
    moments, vectors = np.linalg.eigh(x @ x.T if n < d else x.T @ x)
    kept = moments > 1e-10 * moments[-1]
    basis = vectors[:, kept]
    if n < d:
        basis = x.T @ (basis / np.sqrt(moments[kept]))
    return x @ basis, basis


def _minimised(z: Float64, y: Int, k: int, weights: Float64, start: Float64) -> Float64:
    """``½‖W‖² + Σ weightᵢ · cross-entropyᵢ`` at its least, the bias unpenalised: ``(k, r + 1)``."""
    kept = weights > 0
    z, y, weights = np.hstack([z, np.ones((len(z), 1))])[kept], y[kept], weights[kept]
    penalty = np.append(np.ones(z.shape[1] - 1), 0.0)
    scale = 1 / np.sqrt(penalty + 0.1 * weights @ z**2)
    rows = np.arange(len(y))
    present = np.bincount(y, minlength=k) > 0

    def objective(u: Float64) -> tuple[float, Float64]:
        w = u.reshape(k, -1) * scale
        scores = np.where(present, z @ w.T, _ABSENT)
        scores -= scores.max(axis=1, keepdims=True)
        p = np.exp(scores)
        total = p.sum(axis=1)
        loss = weights @ (np.log(total) - scores[rows, y])
        p *= (weights / total)[:, None]
        p[rows, y] -= weights
        return float(loss + (penalty * w * w).sum() / 2), ((p.T @ z + penalty * w) * scale).ravel()

    settings = {"maxiter": 5000, "maxfun": 10_000, "maxcor": 30, "ftol": 1e-15, "gtol": _STOP}
    found = minimize(objective, (start / scale).ravel(), jac=True, method="L-BFGS-B", options=settings)
    return np.asarray(found.x.reshape(k, -1) * scale)


@contextmanager
def converged() -> Iterator[None]:
    """Within, Graft chooses among heads that are fitted to the end, on the features as they are."""
    from graft.learning import HEADS, selection
    from graft.learning.axes import centred

    inside = vars(selection)
    kept = {name: inside[name] for name in ("HEADS", "_axes")}
    inside.update(HEADS={**HEADS, "logistic": Converged(HEADS["logistic"].strengths)}, _axes=centred)
    try:
        yield
    finally:
        inside.update(kept)
