"""Logistic regressions of two outcomes each: many labels, row subsets and strengths in one batched L-BFGS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from graft.contracts import Bool, Float32, Float64, Linear
from graft.learning.axes import centred, principal

_MEMORY = 256 << 20
"""Problems are solved in chunks whose arrays take about this many bytes."""
_HISTORY = 8
_ITERATIONS = 100
_TOLERANCE = 1e-5
"""A problem is solved when a Newton-like step promises to lower its objective by less than this share."""
_DIRECT = 512
"""From this size on, a single fit is faster without principal axes."""


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
        strengths: Values of C, from the least on.

    Returns:
        ``s`` lists with one ``Linear`` for each strength, its ``k`` columns the labels.
    """
    single = len(masks) * len(strengths) == 1 and min(x.shape) >= _DIRECT
    axes = centred(x) if single else principal(x)
    design = np.concatenate([axes.z, np.ones((len(y), 1), np.float32)], axis=1)  # (n, r + 1), the last column the bias
    solved = [np.empty((design.shape[1], len(masks), y.shape[1]), np.float32) for _ in strengths]
    for subsets, labels in _chunks(len(masks), y.shape[1], *design.shape):
        problem = _Problems(design, y[:, labels], weights[:, labels], masks[subsets])
        for w, found in zip(solved, problem.solve(strengths), strict=True):
            w[:, subsets, labels] = found
    return [
        [axes.restore(Linear(np.ascontiguousarray(w[:-1, subset]), w[-1, subset])) for w in solved]
        for subset in range(len(masks))
    ]


def _chunks(subsets: int, labels: int, n: int, r: int) -> Iterator[tuple[slice, slice]]:
    """Parts of the problems whose arrays fit into memory."""
    room = max(1, _MEMORY // (4 * (7 * n + (2 * _HISTORY + 6) * r)))
    wide = min(labels, room)
    high = max(1, room // wide)
    for first in range(0, subsets, high):
        for label in range(0, labels, wide):
            yield slice(first, min(subsets, first + high)), slice(label, min(labels, label + wide))


class _Problems:
    """``k`` labels on ``s`` subsets: ``m = s * k`` problems. Parameters are ``(r + 1, m)``, scores ``(n, m)``."""

    def __init__(self, design: Float32, y: Bool, weights: Float32, masks: Float32) -> None:
        self.shape = (design.shape[1], len(masks), y.shape[1])
        self.design = design
        self.given = np.tile(y.astype(np.float32), (1, len(masks)))
        self.base = (masks.T[:, :, None] * weights[:, None, :]).reshape(len(y), -1)
        positive, rows = masks @ y.astype(np.float32), masks.sum(axis=1, keepdims=True)  # (s, k), (s, 1)
        self.constant: Bool = ((positive <= 0) | (positive >= rows)).reshape(-1)
        self.odds = np.log((positive + 0.5) / (rows - positive + 0.5)).reshape(-1).astype(np.float32)
        self.base[:, self.constant] = 0
        self.penalty = np.ones((design.shape[1], 1), np.float32)
        self.penalty[-1] = 0
        self.moments = np.einsum("nr,nr->r", design, design)[:, None] / np.float32(len(y))

    def solve(self, strengths: Sequence[float]) -> Iterator[Float32]:
        """The solution at each strength ``(r + 1, s, k)``; each starts from the one before."""
        w = np.zeros((self.shape[0], self.base.shape[1]), np.float32)
        for strength in strengths:
            w = self._minimise(w, self.base * np.float32(strength))
            found = w.copy()
            found[-1, self.constant] = self.odds[self.constant]
            yield found.reshape(self.shape)

    def _minimise(self, w: Float32, weights: Float32) -> Float32:
        """Preconditioned L-BFGS (Nocedal and Wright, Numerical Optimization, algorithm 7.4) with Armijo steps.

        Scores are linear in the parameters, so a line search costs no further product with the design. Problems that
        are solved are left behind when they are half of all.
        """
        found, live, given = w.copy(), np.arange(w.shape[1]), self.given
        scores = self.design @ w
        loss, p = _loss(scores, given, weights)
        objective = loss + _dot(w, self.penalty * w) / 2
        gradient = self._gradient(w, p - given, weights)
        memory: list[tuple[Float32, Float32, Float32]] = []
        for _ in range(_ITERATIONS):
            direction = -self._precondition(gradient, p, weights, memory)
            slope = _dot(direction, gradient)
            active = -slope > _TOLERANCE * np.maximum(objective, 1e-3)
            if not active.any():
                break
            if 2 * active.sum() <= len(active):
                found[:, live] = w
                live, objective, slope = live[active], objective[active], slope[active]
                w, scores, p, gradient, direction, given, weights = (
                    np.ascontiguousarray(array[:, active])
                    for array in (w, scores, p, gradient, direction, given, weights)
                )
                memory = [(a[:, active], b[:, active], c[active]) for a, b, c in memory]
                active = np.ones(len(live), np.bool_)
            step, scores, p, objective = self._search(w, given, weights, scores, direction, objective, slope, active)
            moved = step * direction
            w = w + moved
            following = self._gradient(w, p - given, weights)
            change = following - gradient
            gradient = following
            curvature = _dot(moved, change)
            useful = curvature > 1e-12
            inverse = np.where(useful, 1 / np.where(useful, curvature, 1), 0).astype(np.float32)
            memory = [*memory[-(_HISTORY - 1) :], (moved, change, inverse)]
        found[:, live] = w
        return found

    def _search(
        self,
        w: Float32,
        given: Float32,
        weights: Float32,
        scores: Float32,
        direction: Float32,
        objective: Float64,
        slope: Float64,
        active: Bool,
    ) -> tuple[Float32, Float32, Float32, Float64]:
        """Backtrack each problem on its own: steps ``(m,)``, then scores, probabilities and objectives there."""
        along = self.design @ direction
        constant, linear, quadratic = (
            _dot(a, self.penalty * b) for a, b in ((w, w), (w, direction), (direction, direction))
        )
        step: Float32 = active.astype(np.float32)
        for _ in range(20):
            trial = scores + step * along
            loss, p = _loss(trial, given, weights)
            value = loss + constant / 2 + step * linear + step * step * quadratic / 2
            short = active & (value > objective + 1e-4 * step * slope + 1e-7 * np.abs(objective))
            if not short.any():
                break
            step = np.where(short, step * np.float32(0.4), step).astype(np.float32)
        return step, trial, p, value

    def _gradient(self, w: Float32, residual: Float32, weights: Float32) -> Float32:
        gradient: Float32 = self.design.T @ (weights * residual) + self.penalty * w
        return gradient

    def _precondition(
        self, gradient: Float32, p: Float32, weights: Float32, memory: Sequence[tuple[Float32, Float32, Float32]]
    ) -> Float32:
        """The two-loop recursion, begun from the diagonal of the Hessian as if p(1-p) were the same for all rows."""
        spread = np.einsum("nm,nm->m", weights, p * (1 - p))
        spread = np.maximum(spread, 1e-4 * weights.sum(axis=0))
        q = gradient.copy()
        steps = []
        for moved, change, inverse in reversed(memory):
            alpha = inverse * _dot(moved, q).astype(np.float32)
            steps.append(alpha)
            q -= alpha * change
        q /= np.maximum(self.penalty + spread * self.moments, np.finfo(np.float32).tiny)
        for (moved, change, inverse), alpha in zip(memory, reversed(steps), strict=True):
            q += (alpha - inverse * _dot(change, q).astype(np.float32)) * moved
        return q


def _loss(scores: Float32, given: Float32, weights: Float32) -> tuple[Float64, Float32]:
    """Weighted cross-entropy of each problem ``(m,)`` and the probabilities ``(n, m)``."""
    tail = np.exp(-np.abs(scores))
    loss = np.log1p(tail)
    loss += np.maximum(scores, 0) - scores * given
    p = np.where(scores >= 0, np.float32(1), tail) / (1 + tail)
    return np.einsum("nm,nm->m", weights, loss, dtype=np.float64), p


def _dot(a: Float32, b: Float32) -> Float64:
    """Inner product of each problem's parameters ``(m,)``."""
    return np.asarray(np.einsum("rm,rm->m", a, b, dtype=np.float64))
