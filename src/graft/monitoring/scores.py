"""The scores by which a monitor ranks embeddings: fitted to one part of a reference, and blind to all other items.

What is ranked has to be fixed before any of the ranked items was seen. So directions, means of classes, and the head
that stands for the model's own are fitted to items that are not ranked. The model itself cannot be asked in its
place: it has learned from the whole reference, and is surer of it than of any fresh item.

A change of the mix of classes moves the mean of all embeddings too, without anything new in any of them. What is
looked at for a change of the inputs is therefore where an item lies beside the means of the classes that it seems to
belong to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from graft.contracts import Float32, Float64, Stages
from graft.heads.features import GIVEN, transform

MOST_DIRECTIONS = 48
ROWS_FOR_EACH = 4
"""Rows that there are at least for each direction."""
_RIDGE = 0.3
"""Of the mean variance, added to that of every direction before it is divided by."""
_TINY = 1e-9
_CHUNK = 2048


@dataclass(frozen=True, slots=True, eq=False)
class DriftScores:
    """The scores of items.

    Attributes:
        inputs: How each lies beside the means of its classes, the directions of the widest scatter first, then how far
            it is from all directions, and the length of each stage ``(n, s)``.
        answers: How much each looks like each class or label, or its number ``(n, q)``.
        strange: How far each is from all classes ``(n,)``.
        n_lengths: So many of the last columns of ``inputs`` are distances and lengths.
    """

    inputs: Float64
    answers: Float64
    strange: Float64
    n_lengths: int


@dataclass(frozen=True, slots=True, eq=False)
class DriftScorer:
    """Directions, means of classes, and how items scatter about these.

    Attributes:
        stages: Widths of the stages of embeddings.
        exclusive: Whether an item is of one class and no other.
        centre: Mean of the features ``(d,)``.
        directions: Orthonormal ``(d, r)``.
        means: Of each class along the directions ``(k, r)``; a single row where items are of no class, or of several.
        priors: Shares of the classes ``(k,)``.
        whiten: ``(r, r)``: makes what scatters about the means alike in all directions, the widest first.
        weights: Of what is predicted where it is no class ``(r + 1, q)``.
        outside: How far items usually are from all directions, squared.
    """

    stages: Stages
    exclusive: bool
    centre: Float64
    directions: Float64
    means: Float64
    priors: Float64
    whiten: Float64
    weights: Float64
    outside: float

    @classmethod
    def fitted(cls, x: Float32, targets: Float64, stages: Stages, *, exclusive: bool) -> Self:
        """Fit it.

        Args:
            x: Embeddings ``(n, dim) float32``.
            targets: What belongs to each ``(n, q)``: 1 for its class, or for each of its labels; or a number.
            stages: Widths of the stages.
            exclusive: Whether an item is of one class and no other.
        """
        phi = _features(x, stages)
        centre = phi.mean(axis=0)
        apart = phi - centre
        directions = _leading(apart, max(1, min(MOST_DIRECTIONS, len(x) // ROWS_FOR_EACH, phi.shape[1])))
        along = apart @ directions
        if exclusive:
            counts = targets.sum(axis=0)
            means = (targets.T @ along) / np.maximum(counts, 1)[:, None]
            priors = (counts + 0.5) / (counts + 0.5).sum()
            rest, used = along - targets @ means, int((counts > 0).sum())
        else:
            means, priors, rest, used = np.zeros((1, along.shape[1])), np.ones(1), along, 1
        scatter = rest.T @ rest / max(1, len(x) - used)
        ridge = _RIDGE * float(np.trace(scatter)) / len(scatter) + _TINY
        variances, axes = np.linalg.eigh(scatter + ridge * np.eye(len(scatter)))
        beside = np.concatenate([along, np.ones((len(x), 1))], axis=1)
        gram = beside.T @ beside + np.diag([*[ridge * len(x) / 10] * along.shape[1], _TINY])
        weights = np.linalg.solve(gram, beside.T @ targets)
        outside = float((apart**2).sum(axis=1).mean() - (along**2).sum(axis=1).mean())
        whiten = axes[:, ::-1] / np.sqrt(variances[::-1])
        return cls(stages, exclusive, centre, directions, means, priors, whiten, weights, max(outside, _TINY))

    def score(self, x: Float32) -> DriftScores:
        """The scores of embeddings ``(n, dim) float32``."""
        parts = [self._scores(x[start : start + _CHUNK]) for start in range(0, max(1, len(x)), _CHUNK)]
        return DriftScores(
            np.concatenate([part.inputs for part in parts]),
            np.concatenate([part.answers for part in parts]),
            np.concatenate([part.strange for part in parts]),
            parts[0].n_lengths,
        )

    def _scores(self, x: Float32) -> DriftScores:
        apart = _features(x, self.stages) - self.centre
        along = apart @ self.directions
        length = (apart**2).sum(axis=1)
        outside = np.maximum(length - (along**2).sum(axis=1), _TINY * length)  # not what rounding leaves of nothing
        white, means = along @ self.whiten, self.means @ self.whiten
        distances = ((white[:, None, :] - means[None, :, :]) ** 2).sum(axis=2)
        logits = np.log(self.priors) - distances / 2
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        if self.exclusive:
            answers = logits - np.logaddexp.reduce(logits, axis=1)[:, None]
        else:
            answers = np.concatenate([along, np.ones((len(x), 1))], axis=1) @ self.weights
        strange = np.log(_TINY + distances.min(axis=1) / white.shape[1] + outside / self.outside)
        lengths = _lengths(x, self.stages)
        inputs = [white - p @ means, np.log(outside + _TINY)[:, None] / 2, lengths]
        return DriftScores(np.concatenate(inputs, axis=1), answers, strange, 1 + lengths.shape[1])


def _features(x: Float32, stages: Stages) -> Float64:
    return np.asarray(transform(x, stages, "given" if stages == GIVEN else "even"), np.float64)


def _lengths(x: Float32, stages: Stages) -> Float64:
    """The logarithm of each stage's length ``(n, stages)``, which the features do not have."""
    widths = [width for network in stages for width in network] or [x.shape[1]]
    parts = np.split(np.asarray(x, np.float64), np.cumsum(widths)[:-1], axis=1)
    return np.asarray(np.log(np.stack([np.sqrt((part**2).sum(axis=1)) for part in parts], axis=1) + _TINY))


def _leading(apart: Float64, r: int) -> Float64:
    """The ``r`` directions of the largest variance ``(d, r)``."""
    n, d = apart.shape
    if n > d:
        return np.asarray(np.linalg.eigh(apart.T @ apart)[1][:, ::-1][:, :r])
    rows = np.linalg.eigh(apart @ apart.T)[1][:, ::-1][:, :r]
    return np.asarray(np.linalg.qr(apart.T @ rows)[0])
