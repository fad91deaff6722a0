"""Ridge regression (Hoerl and Kennard, Technometrics 12, 1970): a number from the features of an item.

One eigendecomposition serves all strengths, all folds and all repetitions. A fit by least squares with a quadratic
penalty is a linear smoother, so that what it would say of rows that it had not seen follows from what it says of them:
``e = (I - H)^-1 r``, with the residuals ``r`` of these rows and their block ``H`` of the hat matrix (Cook and Weisberg,
Residuals and Influence in Regression, 1982, section 3.6). Nothing is refitted, and nothing is approximated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graft.contracts import Array, Float32, Float64, Int, Linear, Stages
from graft.executors import map_on_cores
from graft.heads.features import DESCRIPTIONS, available, transform

STRENGTHS = tuple(4.0**power for power in range(-3, 9))
"""Strengths that cross-validation tries, from the strongest regularisation to the weakest: the penalty is the mean
squared length of a centred row over the strength."""
_START = 4.0
"""Where nothing can be scored."""
_NEGLIGIBLE = 1e-10
"""Axes with less than this share of the largest second moment are rounding."""


@dataclass(frozen=True, slots=True)
class Penalty:
    """One of what is tried: a key of ``FEATURES`` and one of ``STRENGTHS``."""

    features: str
    strength: float

    def __str__(self) -> str:
        return f"ridge on {DESCRIPTIONS[self.features]} (strength {self.strength:g})"


@dataclass(frozen=True, slots=True, eq=False)
class Smoother:
    """Centred features on their principal axes, exactly: ``z.T @ z`` is the diagonal ``moments``.

    Attributes:
        z: ``(n, r) float64``.
        moments: ``(r,) float64``, above 0.
        mean: Of the features ``(d,) float64``.
        left: Weights on the features are ``left @ (right @ weights)`` of those on ``z``.
        right: See ``left``; ``None`` for the identity.
    """

    z: Float64
    moments: Float64
    mean: Float64
    left: Array
    right: Array | None

    @classmethod
    def of(cls, phi: Float32) -> Smoother:
        """The axes of features ``(n, d) float32``: at most ``min(n - 1, d)`` of them."""
        n, d = phi.shape
        mean = phi.mean(axis=0, dtype=np.float64)
        centred = phi - (mean if n > d else mean.astype(np.float32))
        gram = (centred.T @ centred) if n > d else (centred @ centred.T).astype(np.float64)
        if n <= d:  # what rounding and the mean leave of the constant would stand beside the intercept
            gram -= gram.mean(axis=0)
            gram -= gram.mean(axis=1)[:, None]
        moments, vectors = np.linalg.eigh(gram)
        kept = moments > max(_NEGLIGIBLE * float(moments[-1]), float(np.finfo(np.float32).tiny))
        moments, vectors = moments[kept], vectors[:, kept]
        if n > d:
            return cls(centred @ vectors, moments, mean, vectors, None)
        lengths = np.sqrt(moments)
        return cls(vectors * lengths, moments, mean, centred.T, vectors / lengths)

    def penalty(self, strength: float) -> float:
        """What is added to the second moments."""
        return float(self.moments.sum()) / len(self.z) / strength

    def held_out(self, y: Float64, folds: Sequence[Int], strengths: Sequence[float]) -> Float64:
        """What fits to all other folds say of each row ``(s, r, n) float64``, ``nan`` where a row is never held out.

        Args:
            y: The numbers ``(n,)``.
            folds: For each of ``r`` repetitions the fold of each row ``(n,) int64``; -1: never held out.
            strengths: ``s`` of them.
        """
        n, r = self.z.shape
        said = np.full((len(strengths), len(folds), n), np.nan)
        design = np.concatenate([np.ones((n, 1)), self.z], axis=1)
        right = design.T @ y
        for place, strength in enumerate(strengths):
            diagonal = np.concatenate([[n], self.moments + self.penalty(strength)])
            residual = y - design @ (right / diagonal)
            for repetition, fold in enumerate(folds):
                for held_out in np.unique(fold[fold >= 0]):
                    rows = np.flatnonzero(fold == held_out)
                    part = design[rows]
                    if len(rows) <= r:
                        error = np.linalg.solve(np.eye(len(rows)) - (part / diagonal) @ part.T, residual[rows])
                    else:  # the same by Woodbury's identity
                        inner = np.diag(diagonal) - part.T @ part
                        error = residual[rows] + part @ np.linalg.solve(inner, part.T @ residual[rows])
                    said[place, repetition, rows] = y[rows] - error
        return said

    def fitted(self, y: Float64, strength: float, rows: Int | None = None) -> tuple[Float64, float]:
        """Weights on ``z`` ``(r,) float64`` and the intercept, fitted to these rows; by default to all."""
        if rows is None:
            return (self.z.T @ y) / (self.moments + self.penalty(strength)), float(y.mean())
        z, own, penalty = self.z[rows], y[rows], self.penalty(strength)
        mean, level = z.mean(axis=0), float(own.mean())
        z, own = z - mean, own - level
        if len(rows) < z.shape[1]:
            weights = z.T @ np.linalg.solve(z @ z.T + penalty * np.eye(len(rows)), own)
        else:
            weights = np.linalg.solve(z.T @ z + penalty * np.eye(z.shape[1]), z.T @ own)
        return weights, level - float(mean @ weights)

    def linear(self, y: Float64, strength: float) -> Linear:
        """The head on the features, fitted to all rows; its weights as a bundle keeps them, in float16."""
        weights, intercept = self.fitted(y, strength)
        weights = self.left @ (weights if self.right is None else self.right @ weights)
        kept = weights.astype(np.float16).astype(np.float32)[:, None]
        return Linear(kept, (intercept - self.mean @ kept).astype(np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class RidgeChoice:
    """What cross-validation tried, and what it took.

    Attributes:
        penalties: The grid, ``c`` entries.
        said: What fits that had not seen a row say of it ``(c, r, n) float64``; ``nan`` where it was never held out.
        losses: Squared error of each row, mean over repetitions ``(c, n) float32``.
        index: The one that was taken.
        smoother: Its features on their axes.
    """

    penalties: tuple[Penalty, ...]
    said: Float64
    losses: Float32
    index: int
    smoother: Smoother

    @property
    def chosen(self) -> Penalty:
        """What was taken."""
        return self.penalties[self.index]

    @property
    def why(self) -> str:
        """One sentence for the report."""
        if np.isnan(self.losses).all():
            return "Nothing could be held out, so nothing could be compared: the plain choice."
        return f"{self.chosen} had the least squared error of {len(self.penalties)} tried."

    def without(self, rows: Int) -> int:
        """What would have been taken if ``rows`` ``(m,) int64`` had had no say."""
        losses = np.delete(self.losses, rows, axis=1)
        scored = ~np.isnan(losses).any(axis=0)
        return int(losses[:, scored].mean(axis=1, dtype=np.float64).argmin()) if scored.any() else self.index


def choose_ridge(x: Float32, y: Float64, stages: Stages, folds: Sequence[Int]) -> RidgeChoice:
    """Try all features at all strengths and take what has the least squared error on rows held out.

    Args:
        x: Embeddings ``(n, dim) float32``.
        y: The numbers ``(n,) float64``, of mean about 0 and standard deviation about 1.
        stages: Widths of the pooled stages of the embedding.
        folds: For each repetition the fold of each row ``(n,) int64``; -1: always trained on, never scored.
    """
    features = available(stages)

    def tried(key: str) -> tuple[Smoother, Float64]:
        smoother = Smoother.of(transform(x, stages, key))
        return smoother, smoother.held_out(y, folds, STRENGTHS)

    found = map_on_cores(tried, features)
    said = np.concatenate([own for _, own in found])
    penalties = tuple(Penalty(key, strength) for key in features for strength in STRENGTHS)
    squares = (said - y) ** 2
    scored = ~np.isnan(squares).all(axis=(0, 1))
    losses = np.full((len(penalties), len(y)), np.nan, np.float32)
    if scored.any():
        losses[:, scored] = np.nanmean(squares[:, :, scored], axis=1)
        index = int(losses[:, scored].mean(axis=1, dtype=np.float64).argmin())
    else:
        index = STRENGTHS.index(_START)
    return RidgeChoice(penalties, said, losses, index, found[index // len(STRENGTHS)][0])


def unswayed(choice: RidgeChoice, folds: Sequence[Int]) -> Float64:
    """What is said of each row by fits that had not seen it, at what the rows of other folds would have taken.

    Returns:
        ``(r, n) float64``; nearly always the same as ``choice.said[choice.index]``.
    """
    said: Float64 = choice.said[choice.index].copy()
    for fold in folds[:1]:
        for held_out in np.unique(fold[fold >= 0]):
            rows = np.flatnonzero(fold == held_out)
            said[:, rows] = choice.said[choice.without(rows)][:, rows]
    return said
