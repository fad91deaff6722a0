"""Multinomial logistic regression: many row subsets and strengths in one batched L-BFGS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graft.contracts import Bool, Float32, Float64, Int, Linear
from graft.heads.axes import Axes, centred, principal

ABSENT = -1e6
"""Score of a class without rows in a subset: low enough for probability 0 at any temperature."""
_MEMORY = 256 << 20
"""Problems are solved in chunks whose arrays take about this many bytes."""
_HISTORY = 8
_ITERATIONS = 100
_TOLERANCE = 1e-5
"""A problem is solved when a Newton-like step promises to lower its objective by less than this share."""
_DIRECT = 512
"""From this size on, a single fit is faster without principal axes, in spite of its many more steps."""


@dataclass(frozen=True, slots=True)
class Logistic:
    """Minimises ``½‖W‖² + C Σ weightᵢ · cross-entropyᵢ``, the bias unpenalised (scikit-learn's parameterisation).

    Attributes:
        strengths: Values of C that cross-validation tries.
    """

    strengths: tuple[float, ...] = (1.0, 4.0, 16.0, 64.0, 256.0)

    def fit(self, x: Float32, y: Int, k: int, weights: Float32, strengths: Sequence[float]) -> list[list[Linear]]:
        """See ``contracts.Head.fit``; each strength starts from the solution of the one before."""
        single = len(weights) * len(strengths) == 1 and min(x.shape) >= _DIRECT
        axes = centred(x) if single else principal(x)
        n, r = axes.z.shape
        per_problem = 4 * k * (5 * n + (2 * _HISTORY + 6) * (r + 1))
        chunk = max(1, _MEMORY // per_problem)
        heads: list[list[Linear]] = []
        for start in range(0, len(weights), chunk):
            heads += _fit_chunk(axes, y, k, weights[start : start + chunk], strengths)
        return heads


def _fit_chunk(axes: Axes, y: Int, k: int, weights: Float32, strengths: Sequence[float]) -> list[list[Linear]]:
    heads: list[list[Linear]] = [[] for _ in weights]
    design = np.concatenate([axes.z, np.ones((len(y), 1), np.float32)], axis=1)  # (n, r + 1), the last column the bias
    contrast = _contrast(k)
    solution: Float32 | None = None
    for strength in strengths:
        problem = _Problem(design, y, k, weights * np.float32(strength), contrast)
        solution = problem.minimise(solution)
        full = solution @ contrast  # (r + 1, s, k)
        for subset, linear in enumerate(heads):
            bias = full[-1, subset] - full[-1, subset][~problem.absent[subset]].mean()
            bias[problem.absent[subset]] = ABSENT
            linear.append(axes.restore(Linear(full[:-1, subset], bias.astype(np.float32))))
    return heads


def _contrast(k: int) -> Float32:
    """Maps free columns to k logits, ``(columns, k)``, keeping the norm; two classes need only one column."""
    return np.array([[-1, 1]], np.float32) / np.float32(np.sqrt(2)) if k == 2 else np.eye(k, dtype=np.float32)


class _Problem:
    """One strength on ``s`` subsets. Parameters have the shape ``(r + 1, s, columns)``, logits ``(n, s, k)``."""

    def __init__(self, design: Float32, y: Int, k: int, weights: Float32, contrast: Float32) -> None:
        self.design, self.y, self.contrast = design, y, contrast
        self.weights = np.ascontiguousarray(weights.T)  # (n, s)
        self.total = self.weights.sum(axis=0)
        present = np.zeros((len(weights), k), np.float32)
        for label in range(k):
            present[:, label] = weights[:, y == label].sum(axis=1)
        self.absent: Bool = present <= 0
        self.offset = np.where(self.absent, np.float32(ABSENT), np.float32(0))  # (s, k)
        self.penalty = np.ones((design.shape[1], 1, 1), np.float32)
        self.penalty[-1] = 0
        self.moments = np.einsum("nr,nr->r", design, design)[:, None, None]
        self.rows = np.arange(len(y))

    def minimise(self, start: Float32 | None) -> Float32:
        """Preconditioned L-BFGS (Nocedal and Wright, Numerical Optimization, algorithm 7.4) with Armijo steps.

        Scores are linear in the parameters, so a line search costs no further product with the design.
        """
        w = start if start is not None else self._zeros()
        scores = self._scores(w)
        loss, p = self._loss(scores)
        objective = loss + self._dot(w, self.penalty * w) / 2
        gradient = self._gradient(w, p)
        memory: list[tuple[Float32, Float32, Float32]] = []
        for _ in range(_ITERATIONS):
            direction = -self._precondition(gradient, p, memory)
            slope = self._dot(direction, gradient)
            active = -slope > _TOLERANCE * np.maximum(objective, 1e-3)
            if not active.any():
                break
            step, scores, p, objective = self._search(w, scores, direction, objective, slope, active)
            moved = step[:, None] * direction
            w = w + moved
            following = self._gradient(w, p)
            change = following - gradient
            gradient = following
            curvature = self._dot(moved, change)
            useful = curvature > 1e-12
            inverse = np.where(useful, 1 / np.where(useful, curvature, 1), 0).astype(np.float32)
            memory = [*memory[-(_HISTORY - 1) :], (moved, change, inverse)]
        return w

    def _search(
        self, w: Float32, scores: Float32, direction: Float32, objective: Float64, slope: Float64, active: Bool
    ) -> tuple[Float32, Float32, Float32, Float64]:
        """Backtrack each subset on its own: steps ``(s,)``, then scores, probabilities and objectives there."""
        along = self._scores(direction)
        constant, linear, quadratic = (
            self._dot(a, self.penalty * b) for a, b in ((w, w), (w, direction), (direction, direction))
        )
        step: Float32 = active.astype(np.float32)
        for _ in range(20):
            trial = scores + step[:, None] * along
            loss, p = self._loss(trial)
            value = loss + constant / 2 + step * linear + step * step * quadratic / 2
            short = active & (value > objective + 1e-4 * step * slope + 1e-7 * np.abs(objective))
            if not short.any():
                break
            step = np.where(short, step * np.float32(0.4), step).astype(np.float32)
        return step, trial, p, value

    def _zeros(self) -> Float32:
        return np.zeros((self.design.shape[1], self.weights.shape[1], len(self.contrast)), np.float32)

    def _scores(self, w: Float32) -> Float32:
        r, s, columns = w.shape
        scores: Float32 = (self.design @ w.reshape(r, -1)).reshape(-1, s, columns)
        return scores if columns > 1 else scores @ self.contrast

    def _loss(self, scores: Float32) -> tuple[Float64, Float32]:
        """Weighted cross-entropy of each subset ``(s,)`` and the probabilities ``(n, s, k)``."""
        shifted = scores + self.offset
        shifted -= shifted.max(axis=2, keepdims=True)
        given = np.take_along_axis(shifted, self.y[:, None, None], axis=2)[:, :, 0]
        p = np.exp(shifted, out=shifted)
        total = p.sum(axis=2, keepdims=True)
        p /= total
        return np.einsum("ns,ns->s", self.weights, np.log(total[:, :, 0]) - given, dtype=np.float64), p

    def _gradient(self, w: Float32, p: Float32) -> Float32:
        residual = p * self.weights[:, :, None]
        residual[self.rows, :, self.y] -= self.weights
        columns = residual if w.shape[2] > 1 else residual @ self.contrast.T
        return (self.design.T @ columns.reshape(len(residual), -1)).reshape(w.shape) + self.penalty * w

    def _precondition(
        self, gradient: Float32, p: Float32, memory: Sequence[tuple[Float32, Float32, Float32]]
    ) -> Float32:
        """The two-loop recursion, begun from the diagonal of the Hessian as if p(1-p) were the same for all rows."""
        spread = np.einsum("ns,nsk->sk", self.weights, p * (1 - p)) @ (self.contrast**2).T  # (s, columns)
        spread = np.maximum(spread, 1e-4 * self.total[:, None]) / len(p)
        q = gradient.copy()
        steps = []
        for moved, change, inverse in reversed(memory):
            alpha = inverse * self._dot(moved, q).astype(np.float32)
            steps.append(alpha)
            q -= alpha[:, None] * change
        q /= self.penalty + spread * self.moments
        for (moved, change, inverse), alpha in zip(memory, reversed(steps), strict=True):
            q += (alpha - inverse * self._dot(change, q).astype(np.float32))[:, None] * moved
        return q

    @staticmethod
    def _dot(a: Float32, b: Float32) -> Float64:
        """Inner product of each subset's parameters ``(s,)``."""
        return np.asarray(np.einsum("rsc,rsc->s", a, b, dtype=np.float64))
