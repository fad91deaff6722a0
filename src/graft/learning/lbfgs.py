"""L-BFGS for many logistic regressions of the same rows at once: every step is one matrix product for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from graft.contracts import Bool, Float32, Float64, Int
from graft.executors import checkpoint

_MEMORY = 64 << 20
"""Problems are solved in chunks whose arrays take about this many bytes; a copy of their rows takes no more either."""
_HISTORY = 5
_ITERATIONS = 100
_REFRESHED = (0, 3, 10, 30)
"""Iterations at which the curvature behind the preconditioner is computed again."""
_LEFT = 0.75
"""Problems that are solved are left behind when no more than this share is still to be solved."""

_Pair = tuple[Float32, Float32, Float32]
"""A step, the change of the gradient along it, and one over the product of both for each problem ``(m,)``."""


def room(columns: int, n: int, r: int) -> int:
    """How many problems, of ``columns`` of ``n`` scores each, have arrays that fit into memory together."""
    return _MEMORY // (4 * columns * (5 * n + (2 * _HISTORY + 6) * (r + 1)))


def chunks(order: Int, columns: int, n: int, r: int) -> Iterator[Int]:
    """The problems ``(m,) int64`` in parts whose arrays fit into memory, or one by one where not even one does."""
    step = max(1, room(columns, n, r))
    for start in range(0, len(order), step):
        yield order[start : start + step]


def minimise(z: Float32, given: Float32, weights: Float32, start: Float32, tolerance: float) -> Float32:
    """The ``w`` of least ``½‖w‖² + Σ weightᵢ · cross-entropyᵢ`` for each of ``m`` problems, the bias unpenalised.

    One column says how likely one of two outcomes is, by its log odds; several are classes of which a row has one.

    Args:
        z: Features ``(n, r) float32``; the more of them lie on their principal axes, the fewer steps it takes.
        given: Share of each column in each row, 0 or 1: ``(m, c, n) float32``, or ``(1, c, n)`` for all problems.
        weights: ``(m, n) float32`` >= 0.
        start: Parameters to start from ``(m, c, r + 1) float32``, the last of each column its bias. A class with so low
            a bias that its probability is 0 stays where it is.
        tolerance: A problem is solved when a Newton-like step promises to lower its objective by less than this share.

    Returns:
        ``(m, c, r + 1) float32``.
    """
    rows = np.flatnonzero(weights.any(axis=0))
    if 0 < len(rows) <= 0.9 * len(z) and 4 * len(rows) * z.shape[1] <= _MEMORY:
        z, given, weights = z[rows], given[:, :, rows], weights[:, rows]
    return _Problems(z, given, weights).minimise(start, tolerance)


class _Problems:
    """``m`` problems: parameters ``(m, c, r + 1)``, scores ``(m, c, n)``."""

    def __init__(self, z: Float32, given: Float32, weights: Float32) -> None:
        self.z, self.given, self.weights = z, given, weights
        self.penalty = np.append(np.ones(z.shape[1], np.float32), np.float32(0))
        self.moments = np.append(np.einsum("nr,nr->r", z, z) / np.float32(max(len(z), 1)), np.float32(1))

    def minimise(self, w: Float32, tolerance: float) -> Float32:
        """Preconditioned L-BFGS (Nocedal and Wright, Numerical Optimization, algorithm 7.4) with Armijo steps.

        Scores are linear in the parameters, so a line search costs no further product with the rows.
        """
        found, live = w.copy(), np.arange(len(w))
        scores = self._scores(w)
        loss, p = self._loss(scores)
        objective = loss + _dot(w, self.penalty * w) / 2
        gradient = self._gradient(w, p)
        memory: list[_Pair] = []
        for iteration in range(_ITERATIONS):
            if iteration in _REFRESHED:
                values, vectors = self._curvature(p)
            direction = -_inverse_times(gradient, memory, values, vectors)
            slope = _dot(direction, gradient)
            active = -slope > tolerance * np.maximum(objective, 1e-3)
            if not active.any():
                break
            if active.sum() <= _LEFT * len(active):
                found[live] = w
                live, objective, slope = live[active], objective[active], slope[active]
                w, scores, p, gradient, direction, values, vectors, self.weights = (
                    array[active] for array in (w, scores, p, gradient, direction, values, vectors, self.weights)
                )
                self.given = self.given[active] if len(self.given) > 1 else self.given
                memory = [(moved[active], change[active], inverse[active]) for moved, change, inverse in memory]
                active = active[active]
            step, scores, p, objective = self._search(w, scores, direction, objective, slope, active)
            moved = step[:, None, None] * direction
            w = w + moved
            following = self._gradient(w, p)
            memory = [*memory[-(_HISTORY - 1) :], _pair(moved, following - gradient)]
            gradient = following
        found[live] = w
        return found

    def _search(
        self, w: Float32, scores: Float32, direction: Float32, objective: Float64, slope: Float32, active: Bool
    ) -> tuple[Float32, Float32, Float32, Float64]:
        """Backtrack each problem on its own: steps ``(m,)``, then scores, probabilities and objectives there."""
        along = self._scores(direction)
        penalised = self.penalty * direction
        constant, linear, quadratic = _dot(w, self.penalty * w), _dot(w, penalised), _dot(direction, penalised)
        step: Float32 = active.astype(np.float32)
        for _ in range(20):
            trial = scores + step[:, None, None] * along
            loss, p = self._loss(trial)
            value = loss + constant / 2 + step * linear + step * step * quadratic / 2
            slack = 2e-7 * np.abs(objective)  # float32 tells no less
            short = active & (value > objective + 1e-4 * step * slope + slack)
            if not short.any():
                break
            step = np.where(short, step * np.float32(0.4), step).astype(np.float32)
        return step, trial, p, value

    def _scores(self, w: Float32) -> Float32:
        checkpoint()
        m, columns, r = w.shape
        flat = w.reshape(-1, r)
        scores = np.ascontiguousarray((self.z @ flat[:, :-1].T).T)
        scores += flat[:, -1:]
        return scores.reshape(m, columns, -1)

    def _loss(self, scores: Float32) -> tuple[Float64, Float32]:
        """Weighted cross-entropy of each problem ``(m,)`` and the probabilities ``(m, c, n)``."""
        top = scores.max(axis=1)  # (m, n)
        if single := scores.shape[1] == 1:
            np.maximum(top, 0, out=top)
        p = scores - top[:, None]
        said = np.einsum("mcn,mcn->mn", np.broadcast_to(self.given, p.shape), p)  # of differences: float32 keeps them
        if single:
            said -= (1 - self.given[:, 0]) * top
        np.exp(p, out=p)
        total = p.sum(axis=1)
        if single:
            total += np.exp(-top)
        p /= total[:, None]
        loss = np.log(total) - said
        return np.einsum("mn,mn->m", self.weights, loss, dtype=np.float64), p

    def _gradient(self, w: Float32, p: Float32) -> Float32:
        checkpoint()
        residual = p - self.given
        residual *= self.weights[:, None]
        gradient = self.penalty * w
        gradient[:, :, :-1] += (residual.reshape(-1, residual.shape[2]) @ self.z).reshape(*w.shape[:2], -1)
        gradient[:, :, -1] += residual.sum(axis=2)
        return gradient

    def _curvature(self, p: Float32) -> tuple[Float32, Float32]:
        """The Hessian as if the curvature of the loss were the same for all rows: a Kronecker product.

        On principal axes the second moments are diagonal, so that one small eigendecomposition for each problem, of
        ``Σ weightᵢ (diag(pᵢ) - pᵢ pᵢᵀ)``, solves it; where only the leading axes are principal, their diagonal stands
        for them.

        Returns:
            Eigenvalues for every class direction and axis ``(m, c, r + 1)``, and the directions ``(m, c, c)``, one in
            each column.
        """
        weighted = p * self.weights[:, None]
        spread = -(weighted @ p.transpose(0, 2, 1))
        np.einsum("mcc->mc", spread)[:] += weighted.sum(axis=2)
        values, vectors = np.linalg.eigh(spread.astype(np.float64))
        least = np.maximum(1e-4 * self.weights.sum(axis=1), 1e-12)
        values = np.maximum(values, least[:, None]).astype(np.float32)
        return self.penalty + values[:, :, None] * self.moments, vectors.astype(np.float32)


def _inverse_times(gradient: Float32, memory: Sequence[_Pair], values: Float32, vectors: Float32) -> Float32:
    """The two-loop recursion, begun from the Hessian of ``_Problems._curvature``, scaled to fit the latest step."""
    q = gradient.copy()
    steps = []
    for moved, change, inverse in reversed(memory):
        alpha = inverse * _dot(moved, q)
        steps.append(alpha)
        q -= alpha[:, None, None] * change
    q = _divided(q, values, vectors)
    if memory:
        _, change, inverse = memory[-1]
        scale = inverse * _dot(change, _divided(change, values, vectors))
        q /= np.where(scale > 0, scale, 1)[:, None, None]
    for (moved, change, inverse), alpha in zip(memory, reversed(steps), strict=True):
        q += (alpha - inverse * _dot(change, q))[:, None, None] * moved
    return q


def _divided(q: Float32, values: Float32, vectors: Float32) -> Float32:
    if q.shape[1] == 1:
        return np.asarray(q / values)
    quotient: Float32 = vectors @ ((vectors.transpose(0, 2, 1) @ q) / values)
    return quotient


def _pair(moved: Float32, change: Float32) -> _Pair:
    curvature = _dot(moved, change)
    useful = curvature > 1e-12
    return moved, change, np.where(useful, 1 / np.where(useful, curvature, 1), 0).astype(np.float32)


def _dot(a: Float32, b: Float32) -> Float32:
    """Inner product of each problem's parameters ``(m,)``."""
    return np.asarray(np.einsum("mp,mp->m", a.reshape(len(a), -1), b.reshape(len(b), -1)))
