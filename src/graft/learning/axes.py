"""Principal axes: an exact change of coordinates that makes every fit smaller and better conditioned.

A linear head with a quadratic penalty depends on its features only through their inner products. Rotating them to
their principal axes changes nothing in the scores, leaves at most ``n`` columns, and makes the second moments diagonal:
a preconditioner for the logistic head and a ready inverse for the discriminant, shared by all folds and strengths. Of
many rows and columns only the leading axes are sought (``turned``): as exact, and enough for a preconditioner.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from graft.contracts import Float16, Float32, Linear
from graft.executors import checkpoint

NEGLIGIBLE = 1e-6
"""Axes with less than this share of the largest second moment are float32 rounding."""

_ROWS = 8192
"""Rows that are turned at a time."""
_SEEN = 4096
"""``leading`` looks at so many rows at most: each of its axes is the mean of far more than one of them."""
_SPARE = 16
"""Axes that are sought beyond those that are wanted: the last of them converge slowly."""
_ROUNDS = 2

_ON_AXES = 1e-4
"""Features lie on their axes where what is off the diagonal of their second moments is below this share of it: float32
rounding leaves 5e-6 of 20,000 rows and 2e-5 of 100,000, of which there is not to be another copy for each fit."""
_CENTRED = 1e-4
"""Features are centred where their means are below this share of the largest of them."""
_LED = 64
"""So many leading axes are told from the rest where that is enough."""
_TURNED_FROM = 600
"""With fewer rows or columns all axes take no longer than the leading ones."""
_FIRST, _APART = 16, 0.5
"""Columns begin with leading axes where of the first so many what is off the diagonal is below this share of it."""
_JITTER = 1e-5
"""Of a mean second moment, so much is added to each: copies and centring leave some at 0."""


@dataclass(frozen=True, slots=True)
class Axes:
    """Features in other coordinates, which keep their inner products.

    Attributes:
        z: ``(n, r) float32``, centred.
        mean: ``(d,) float32``.
        back: Weights on ``x`` ``(d, k)`` from weights on ``z`` ``(r, k)``; ``None`` where they are the same.
    """

    z: Float32
    mean: Float32
    back: Callable[[Float32 | Float16], Float32] | None = None

    def restore(self, head: Linear) -> Linear:
        """The head on ``x`` that gives the scores of ``head`` on ``z``."""
        weights = head.weights if self.back is None else self.back(head.weights)
        return Linear(weights.astype(np.float32, copy=False), (head.bias - self.mean @ weights).astype(np.float32))


def centred(x: Float32) -> Axes:
    """Only the mean is taken away."""
    mean = x.mean(axis=0, dtype=np.float64).astype(np.float32)
    return Axes(x - mean, mean)


def principal(x: Float32, tail: float = 0.0) -> Axes:
    """The principal axes of ``x`` ``(n, d) float32``, largest first; at most ``min(n, d)`` of them.

    One eigendecomposition of the smaller of ``x xᵀ`` and ``xᵀ x``. Features that lie on their axes already are only
    centred.

    Args:
        x: The features.
        tail: The last axes, which hold this share of the second moments, are left out: smaller, and no longer exact.
    """
    n, d = x.shape
    if n >= d and _is_centred(x) and _off_axes(x) <= _ON_AXES:
        return Axes(x, np.zeros(d, np.float32))  # without a copy
    plain = centred(x)
    xc = plain.z
    if n >= d and _off_axes(xc) <= _ON_AXES:
        return plain
    if n < d:
        moments, u = _eigh(xc @ xc.T, tail)
        lengths = np.sqrt(moments)
        right = (u / lengths).astype(np.float32)
        return Axes((u * lengths).astype(np.float32), plain.mean, lambda weights: xc.T @ (right @ weights))
    _, basis = _eigh(xc.T @ xc, tail)
    basis = basis.astype(np.float32)
    for start in range(0, n, _ROWS):  # in the place of what they are made of
        checkpoint()
        part = xc[start : start + _ROWS]
        part[:, : basis.shape[1]] = part @ basis
    return Axes(xc[:, : basis.shape[1]], plain.mean, lambda weights: basis @ weights)


def turned(x: Float32) -> Axes:
    """Coordinates whose first columns are the leading principal axes, while the others are any that complete them.

    All that a minimiser needs of them, whose preconditioner looks at the length of each column, in a fifth of the time
    of ``principal``: the inner products are factored (Cholesky), and reflected (Householder) so that the axes that
    ``leading`` finds come first. Features that begin with such axes already stay as they are.

    Args:
        x: The features ``(n, d) float32``.
    """
    n, d = x.shape
    if min(n, d) < _TURNED_FROM:
        return principal(x)
    if _begins_with_axes(x):
        return Axes(x, np.zeros(d, np.float32))
    plain = centred(x)
    factor, lower = plain.z, None
    if n < d:
        inner = (plain.z @ plain.z.T).astype(np.float64)
        inner[np.diag_indices(n)] += max(_JITTER * np.trace(inner) / n, np.finfo(np.float32).tiny)
        lower = np.linalg.cholesky(inner)
        factor = lower.astype(np.float32)
    v, t = _reflection(leading(factor, min(_LED, *factor.shape)))

    def back(weights: Float32 | Float16) -> Float32:
        own = weights - v @ (t @ (v.T @ weights))
        return own if lower is None else plain.z.T @ np.linalg.solve(lower.T, own).astype(np.float32)

    return Axes(np.asarray(factor - ((factor @ v) @ t) @ v.T, np.float32), plain.mean, back)


def _reflection(basis: Float32) -> tuple[Float32, Float32]:
    """``V (n, p)`` and ``T (p, p)`` of an orthogonal ``I - V T Vᵀ`` whose first ``p`` columns span ``basis``.

    The compact form of a product of Householder reflections (Schreiber and Van Loan, SIAM J. Sci. Stat. Comput. 10,
    1989).
    """
    raw, scale = np.linalg.qr(basis, mode="raw")
    p = len(scale)
    v = np.tril(raw.T, -1)
    v[np.arange(p), np.arange(p)] = 1
    t = np.zeros((p, p), np.float32)
    for column in range(p):
        t[column, column] = scale[column]
        t[:column, column] = -scale[column] * (t[:column, :column] @ (v[:, :column].T @ v[:, column]))
    return np.ascontiguousarray(v, np.float32), t


def _is_centred(x: Float32) -> bool:
    mean = np.full(len(x), 1 / max(len(x), 1), np.float32) @ x
    return bool(np.abs(mean).max(initial=0.0) <= _CENTRED * np.abs(x[:_SEEN]).max(initial=0.0))


def leading(x: Float32, count: int) -> Float32:
    """About the first ``count`` principal axes of ``x`` as it is, not centred ``(d, count) float32``, orthonormal.

    Randomised subspace iteration (Halko, Martinsson and Tropp, SIAM Review 53, 2011, algorithm 4.4): a few products
    with a narrow matrix, where an eigendecomposition takes time ``O(d^3)``. What is left out is hardly more than what
    the exact axes leave out. The same rows give the same axes.

    Args:
        x: ``(n, d) float32``.
        count: How many, at most ``d``.
    """
    seen = x[:: max(1, -(-len(x) // _SEEN))]
    width = min(x.shape[1], count + _SPARE)
    basis = np.random.default_rng(0).standard_normal((x.shape[1], width), np.float32)
    for _ in range(_ROUNDS):
        checkpoint()
        basis = np.linalg.qr(seen.T @ (seen @ basis))[0]
    narrow = seen @ basis
    rotation = np.linalg.eigh((narrow.T @ narrow).astype(np.float64))[1][:, ::-1][:, :count].astype(np.float32)
    return np.asarray(basis @ rotation, np.float32)


def _off_axes(xc: Float32) -> float:
    """How far ``xcᵀ xc`` is from diagonal, as a share of its largest value."""
    diagonal, rest = _moments(xc)
    return float(rest.max(initial=0.0) / max(diagonal.max(initial=0.0), np.finfo(np.float32).tiny))


def _begins_with_axes(x: Float32) -> bool:
    diagonal, rest = _moments(x)
    first = diagonal[:_FIRST]
    return bool((rest[:_FIRST] <= _APART * first).all() and diagonal[_FIRST:].max() <= 2 * first.min())


def _moments(xc: Float32) -> tuple[Float32, Float32]:
    """The diagonal of ``xcᵀ xc`` ``(d,)``, and how far each row's rest is from 0 ``(d,)``.

    The matrix itself is not formed: its products with vectors of random signs show it.
    """
    signs = np.random.default_rng(0).choice(np.array([-1, 1], np.float32), (xc.shape[1], 4))
    diagonal = np.einsum("nd,nd->d", xc, xc)
    return diagonal, np.abs(xc.T @ (xc @ signs) - diagonal[:, None] * signs).max(axis=1, initial=0.0)


def _eigh(gram: Float32, tail: float) -> tuple[np.ndarray, np.ndarray]:
    checkpoint()
    moments, vectors = np.linalg.eigh(gram.astype(np.float64))
    moments, vectors = moments[::-1], vectors[:, ::-1]
    kept = moments > max(NEGLIGIBLE * float(moments[0]), float(np.finfo(np.float32).tiny))
    if tail:
        kept &= np.cumsum(moments[::-1])[::-1] > tail * moments.sum()
    return moments[kept], vectors[:, kept]
