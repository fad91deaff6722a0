"""Multinomial logistic regression: many row subsets and strengths, by a preconditioned L-BFGS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from graft.contracts import Bool, Float32, Float64, Int, Linear
from graft.executors import checkpoint
from graft.learning.axes import principal, turned

ABSENT = -1e6
"""Score of a class without rows in a subset: low enough for probability 0 at any temperature."""
_MEMORY = 64 << 20
"""Problems are solved in chunks whose arrays take about this many bytes; a copy of their rows takes no more either."""
_HISTORY = 10
_ITERATIONS = 100
_TOLERANCE = 3e-6
"""A problem is solved when a Newton-like step promises to lower its objective by less than this share."""
_LOOSE, _LOOSER = 5e-4, 2e-3
"""The same where there is much to fit, and very much: held-out log losses are within about 0.002 of those at the
optimum. Where only the leading axes are principal a step promises less than there is, which asks for the lower one."""
_MANY_ROWS, _MANY_SCORES = 1000, 1 << 15
"""From so many rows, or rows times classes, on a subset is fitted on its own rows alone, to ``_LOOSE``."""
_VERY_MANY_ROWS = 5000
"""From so many on to ``_LOOSER``."""
_COLUMNS = 96
"""So many columns of scores keep a matrix product busy: subsets of many rows are solved together up to that."""
_SHARES = (16, 4)
"""Large problems start from the solution for every sixteenth row, then every fourth."""
_START_ROWS = 100
"""A start is not worth its while with fewer rows than this."""
_REFRESHED = (0, 3, 10, 30)
"""Iterations at which the curvature behind the preconditioner is computed again."""

_Pair = tuple[Float32, Float32, Float32]
"""A step, the change of the gradient along it, and one over the product of both for each subset ``(s,)``."""


@dataclass(frozen=True, slots=True)
class Logistic:
    """Minimises ``½‖W‖² + C Σ weightᵢ · cross-entropyᵢ``, the bias unpenalised (scikit-learn's parameterisation).

    Attributes:
        strengths: Values of C that cross-validation tries.
    """

    strengths: tuple[float, ...] = (1.0, 4.0, 16.0, 64.0, 256.0)

    def fit(self, x: Float32, y: Int, k: int, weights: Float32, strengths: Sequence[float]) -> list[list[Linear]]:
        """See ``contracts.Head.fit``; each strength starts from the solution of the one before.

        Of many rows, a subset that contains another starts from the solution for that one: its own rows and no others
        have a say.
        """
        large = _is_large(len(y), k)
        axes = (turned if len(y) >= _MANY_ROWS else principal)(x)
        z = axes.z
        heads: list[list[Linear]] = [[] for _ in weights]
        before: list[tuple[Float32, _State]] = []
        for subsets, rows in _chunks(weights, k, z.shape[1]):
            part = slice(None) if len(rows) == len(y) else rows
            own = weights[subsets]
            inside = [state for other, state in before if len(own) == 1 and ((other == 0) | (other == own)).all()]
            start = inside[-1] if inside else None
            tolerance = (_LOOSER if len(y) >= _VERY_MANY_ROWS else _LOOSE) if large else _TOLERANCE
            solved, state = _solve(z[part], y[part], k, own[:, part], strengths, tolerance, start)
            if large and len(own) == 1:
                before.append((own, state))
            for subset, found in zip(subsets, solved, strict=True):
                heads[subset] = [axes.restore(linear) for linear in found]
        return heads


def _is_large(n: int, k: int) -> bool:
    return n >= _MANY_ROWS or n * k >= _MANY_SCORES


def _chunks(weights: Float32, k: int, r: int) -> Iterator[tuple[Int, Int]]:
    """Which subsets are solved together, and on which rows."""
    n = weights.shape[1]
    room = max(1, _MEMORY // (4 * k * (5 * n + (2 * _HISTORY + 6) * (r + 1))))
    order = np.arange(len(weights))
    large = _is_large(n, k)
    if large:
        room = min(room, max(1, _COLUMNS // k))
        order = np.argsort((weights > 0).sum(axis=1), kind="stable")  # subsets of one size have rows in common
    for start in range(0, len(order), room):
        subsets = order[start : start + room]
        rows = np.flatnonzero((weights[subsets] > 0).any(axis=0))
        yield subsets, rows if large and 4 * len(rows) * r <= _MEMORY else np.arange(n)


def _solve(
    z: Float32,
    y: Int,
    k: int,
    weights: Float32,
    strengths: Sequence[float],
    tolerance: float,
    start: _State | None,
) -> tuple[list[list[Linear]], _State]:
    """For each row of ``weights`` ``(s, n)`` the heads at each strength, on the columns of ``z`` ``(n, r)``.

    Also where the first strength ended, for others to start from.
    """
    absent = np.stack([np.bincount(y, row, minlength=k) <= 0 for row in weights])  # (s, k)
    heads: list[list[Linear]] = [[] for _ in weights]
    state = start or (_start(z, y, k, weights, absent, strengths[0]) if tolerance > _TOLERANCE else None)
    states = []
    for strength in strengths:
        problem = _Problem(z, y, k, weights, absent, strength)
        state = problem.minimise(state, tolerance)
        states.append(state)
        full = np.einsum("scr,ck->skr", state.w, problem.contrast)  # (s, k, r + 1)
        for subset, linear in enumerate(heads):
            bias = full[subset, :, -1] - full[subset, ~absent[subset], -1].mean()
            bias[absent[subset]] = ABSENT
            linear.append(Linear(np.ascontiguousarray(full[subset, :, :-1].T), bias.astype(np.float32)))
    return heads, states[0]


def _start(z: Float32, y: Int, k: int, weights: Float32, absent: Bool, strength: float) -> _State | None:
    """Solutions on parts of the rows at the strength that makes them alike: cheap, and near the one that is sought.

    Only rows of the subsets themselves are used.
    """
    state: _State | None = None
    order = _spread(y)
    for share in _SHARES:
        rows = order[: len(y) // share]
        if len(rows) >= _START_ROWS and 4 * len(rows) * z.shape[1] <= _MEMORY:
            part = weights[:, rows]
            lost = weights.sum(axis=1) / np.maximum(part.sum(axis=1), 1e-30)
            state = _Problem(z[rows], y[rows], k, part * lost[:, None], absent, strength).minimise(state, 0.1)
    return state


def _spread(y: Int) -> Int:
    """The rows in an order in which every beginning holds the classes in about equal shares."""
    order = np.argsort(y, kind="stable")
    sizes = np.bincount(y)
    rank = np.empty(len(y))
    rank[order] = np.concatenate([(np.arange(size) * 0.6180339887 + 0.5 / max(size, 1)) % 1.0 for size in sizes])
    return np.argsort(rank, kind="stable")


@dataclass(frozen=True, slots=True)
class _State:
    """Where a minimisation stands: parameters ``(s, columns, r + 1)``, and what it has learnt of the curvature.

    Attributes:
        w: Parameters.
        memory: Steps, the changes of the gradient along them, and one over the products of both.
        total: By how much all rows counted in each subset, strength included ``(s,)``.
    """

    w: Float32
    memory: tuple[_Pair, ...]
    total: Float32


class _Problem:
    """One strength on ``s`` subsets. Parameters have the shape ``(s, columns, r + 1)``, scores ``(s, k, n)``."""

    def __init__(self, z: Float32, y: Int, k: int, weights: Float32, absent: Bool, strength: float) -> None:
        self.z, self.y, self.k = z, y, k
        # Maps free columns to k scores, keeping the norm; two classes need only one column.
        self.contrast = (
            np.array([[-1, 1]], np.float32) / np.float32(np.sqrt(2)) if k == 2 else np.eye(k, dtype=np.float32)
        )
        self.weights = np.ascontiguousarray(weights * np.float32(strength))  # (s, n)
        self.total = self.weights.sum(axis=1)
        self.absent = absent[:, :, None] if absent.any() else None
        self.penalty = np.append(np.ones(z.shape[1], np.float32), np.float32(0))
        self.moments = np.append(np.einsum("nr,nr->r", z, z) / np.float32(len(y)), np.float32(1))
        self.rows = np.arange(len(y))

    def minimise(self, state: _State | None, tolerance: float) -> _State:
        """Preconditioned L-BFGS (Nocedal and Wright, Numerical Optimization, algorithm 7.4) with Armijo steps.

        Scores are linear in the parameters, so a line search costs no further product with the rows.
        """
        w, memory = self._continue(state)
        scores = self._scores(w)
        loss, p = self._loss(scores)
        objective = loss + _dot(w, self.penalty * w) / 2
        gradient = self._gradient(w, p)
        for iteration in range(_ITERATIONS):
            if iteration in _REFRESHED:
                values, vectors = self._curvature(p)
            direction = -_inverse_times(gradient, memory, values, vectors)
            slope = _dot(direction, gradient)
            active = -slope > tolerance * np.maximum(objective, 1e-3)
            if not active.any():
                break
            step, scores, p, objective = self._search(w, scores, direction, objective, slope, active)
            moved = step[:, None, None] * direction
            w = w + moved
            following = self._gradient(w, p)
            memory = [*memory[-(_HISTORY - 1) :], _pair(moved, following - gradient)]
            gradient = following
        return _State(w, tuple(memory), self.total)

    def _continue(self, state: _State | None) -> tuple[Float32, list[_Pair]]:
        """Parameters and memory to begin with: of a gradient, all but the penalty's part grows with what rows count."""
        if state is None:
            return np.zeros((len(self.weights), len(self.contrast), self.z.shape[1] + 1), np.float32), []
        ratio = (self.total / np.maximum(state.total, 1e-30))[:, None, None]
        memory = []
        for moved, change, _ in state.memory:
            penalty = self.penalty * moved
            memory.append(_pair(moved, penalty + ratio * (change - penalty)))
        return state.w, memory

    def _search(
        self, w: Float32, scores: Float32, direction: Float32, objective: Float64, slope: Float32, active: Bool
    ) -> tuple[Float32, Float32, Float32, Float64]:
        """Backtrack each subset on its own: steps ``(s,)``, then scores, probabilities and objectives there."""
        along = self._scores(direction)
        constant, linear, quadratic = (
            _dot(a, self.penalty * b) for a, b in ((w, w), (w, direction), (direction, direction))
        )
        step: Float32 = active.astype(np.float32)
        for _ in range(20):
            trial = scores + step[:, None, None] * along
            loss, p = self._loss(trial)
            value = loss + constant / 2 + step * linear + step * step * quadratic / 2
            short = active & (value > objective + 1e-4 * step * slope + 1e-7 * np.abs(objective))
            if not short.any():
                break
            step = np.where(short, step * np.float32(0.4), step).astype(np.float32)
        return step, trial, p, value

    def _scores(self, w: Float32) -> Float32:
        checkpoint()
        s, columns, r = w.shape
        flat = w.reshape(-1, r)
        scores = np.ascontiguousarray((self.z @ flat[:, :-1].T).T)
        scores += flat[:, -1:]
        if columns > 1:
            return scores.reshape(s, columns, -1)
        return np.asarray(self.contrast.T @ scores[:, None], dtype=np.float32)

    def _loss(self, scores: Float32) -> tuple[Float64, Float32]:
        """Weighted cross-entropy of each subset ``(s,)`` and the probabilities ``(s, k, n)``."""
        shifted = scores if self.absent is None else np.where(self.absent, np.float32(ABSENT), scores)
        shifted = shifted - shifted.max(axis=1, keepdims=True)
        given = shifted[:, self.y, self.rows]  # (s, n)
        p = np.exp(shifted, out=shifted)
        total = p.sum(axis=1, keepdims=True)
        p /= total
        return np.einsum("sn,sn->s", self.weights, np.log(total[:, 0]) - given, dtype=np.float64), p

    def _gradient(self, w: Float32, p: Float32) -> Float32:
        checkpoint()
        residual = p * self.weights[:, None, :]
        residual[:, self.y, self.rows] -= self.weights
        columns = residual if w.shape[1] > 1 else self.contrast @ residual
        gradient = self.penalty * w
        gradient[:, :, :-1] += (columns.reshape(-1, columns.shape[2]) @ self.z).reshape(*w.shape[:2], -1)
        gradient[:, :, -1] += columns.sum(axis=2)
        return gradient

    def _curvature(self, p: Float32) -> tuple[Float32, Float32]:
        """The Hessian as if the curvature of the loss were the same for all rows: a Kronecker product.

        On principal axes the second moments are diagonal, so that one small eigendecomposition for each subset, of
        ``Σ weightᵢ (diag(pᵢ) - pᵢ pᵢᵀ)``, solves it; where only the leading axes are principal, their diagonal stands
        for them.

        Returns:
            Eigenvalues for every class direction and axis ``(s, columns, r + 1)``, and the directions
            ``(s, columns, columns)``, one in each column.
        """
        weighted = p * self.weights[:, None, :]
        spread = -(weighted @ p.transpose(0, 2, 1))
        spread[:, np.arange(self.k), np.arange(self.k)] += weighted.sum(axis=2)
        values, vectors = np.linalg.eigh((self.contrast @ spread @ self.contrast.T).astype(np.float64))
        values = np.maximum(values, np.maximum(1e-4 * self.total[:, None], 1e-12)).astype(np.float32)
        return self.penalty + values[:, :, None] * self.moments, vectors.astype(np.float32)


def _inverse_times(gradient: Float32, memory: Sequence[_Pair], values: Float32, vectors: Float32) -> Float32:
    """The two-loop recursion, begun from the Hessian of ``_Problem._curvature``, scaled to fit the latest step."""
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
    quotient: Float32 = vectors @ ((vectors.transpose(0, 2, 1) @ q) / values)
    return quotient


def _pair(moved: Float32, change: Float32) -> _Pair:
    curvature = _dot(moved, change)
    useful = curvature > 1e-12
    return moved, change, np.where(useful, 1 / np.where(useful, curvature, 1), 0).astype(np.float32)


def _dot(a: Float32, b: Float32) -> Float32:
    """Inner product of each subset's parameters ``(s,)``."""
    if len(a) == 1:
        return np.array([np.vdot(a, b)], np.float32)
    return np.asarray(np.einsum("sp,sp->s", a.reshape(len(a), -1), b.reshape(len(b), -1)))
