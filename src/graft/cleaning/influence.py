"""The shortest list of corrections that is expected to change the model: influence on held-out log loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from graft.cleaning.label_errors import LabelQuality, each_fold
from graft.cleaning.outliers import Outliers
from graft.cleaning.pool import Pool
from graft.contracts import Bool, Float32, Float64, Int
from graft.executors import map_on_cores
from graft.heads.calibration import probabilities
from graft.learning import HEADS, SMOOTH
from graft.learning.axes import principal
from graft.learning.calibration import fit_temperature
from graft.learning.selection import Choice, class_weights

REST = 0.1
"""The list ends where all further corrections together are expected to bring less than this share of the gain."""
DROP = -1
"""Stands for a class where an item is to be left out."""
_STRENGTH = 16.0
"""Where cross-validation tried no logistic head."""
_LEAST_CURVATURE = 1e-4
"""Of the bias, whose direction common to all classes has none; as a share of what all rows weigh."""


@dataclass(frozen=True, slots=True, eq=False)
class Corrections:
    """The corrections to look at first, the most influential first. They are proposals: look before you accept.

    Attributes:
        rows: Rows of the pool ``(m,) int64``.
        actions: ``"relabel"`` or ``"drop"``.
        to: The new label; ``None`` where the item is to be dropped.
        gains: By how much the mean held-out log loss is expected to fall, in nats ``(m,) float64``.
        share: Cumulative share of the gain of all helpful candidates, 0 to 1 ``(m,) float64``.
        n_candidates: How many corrections were weighed.
    """

    rows: Int
    actions: tuple[str, ...]
    to: tuple[str | None, ...]
    gains: Float64
    share: Float64
    n_candidates: int

    def __len__(self) -> int:
        return len(self.rows)

    def to_dicts(self) -> list[dict[str, Any]]:
        """``{row, action, to, gain, share}`` of each, ready for JSON."""
        columns = zip(self.rows.tolist(), self.actions, self.to, self.gains.tolist(), self.share.tolist(), strict=True)
        return [
            {"row": row, "action": action, "to": to, "gain": round(gain, 9), "share": round(share, 6)}
            for row, action, to, gain, share in columns
        ]

    @property
    def sentence(self) -> str:
        """What the list promises, in words."""
        if not len(self):
            return f"None of {self.n_candidates:,} possible corrections is expected to help the model."
        bring = "brings" if len(self) == 1 else "bring"
        return (
            f"{len(self):,} of {self.n_candidates:,} possible corrections {bring} {self.share[-1]:.0%} of what all of "
            "them are expected to bring."
        )


def shortest_list(pool: Pool, quality: LabelQuality, outliers: Outliers) -> Corrections:
    """The corrections that matter: label issues, copies under two labels, and outliers, by their influence.

    Args:
        pool: All items, cross-validated.
        quality: Of their labels.
        outliers: Those far from all others are weighed as items to drop.

    Raises:
        UsageError: The labels cannot be cross-validated.
    """
    rows, proposed = candidates(pool, quality, outliers)
    gains = influence(pool, rows, proposed)
    order = np.argsort(-gains, kind="stable")
    order = order[gains[order] > 0]
    reached = np.cumsum(gains[order]) / max(float(gains[order].sum()), 1e-300)
    order = order[: int(np.searchsorted(reached, 1 - REST)) + 1]
    to = [None if place == DROP else pool.classes[place] for place in proposed[order].tolist()]
    return Corrections(
        rows=rows[order],
        actions=tuple("drop" if label is None else "relabel" for label in to),
        to=tuple(to),
        gains=gains[order],
        share=reached[: len(order)],
        n_candidates=len(rows),
    )


def candidates(pool: Pool, quality: LabelQuality, outliers: Outliers) -> tuple[Int, Int]:
    """Rows that may be corrected ``(c,)``, and the class that each is proposed to have ``(c,)``, or ``DROP``.

    An outlier is proposed to be dropped, for a probability says little of what is like nothing else; copies of one item
    are proposed the label among theirs that is the most credible for all of them together.
    """
    proposed = np.where(quality.is_issue, quality.predicted, pool.y)
    clusters = np.unique(pool.clusters, return_inverse=True)[1]
    k = len(pool.classes)
    labels = np.bincount(clusters * k + pool.y, minlength=(clusters.max() + 1) * k).reshape(-1, k)
    for cluster in np.flatnonzero((labels > 0).sum(axis=1) > 1).tolist():
        copies = np.flatnonzero(clusters == cluster)
        credible = np.nan_to_num(quality.p[copies]).sum(axis=0) + 1e-6 * labels[cluster]
        proposed[copies] = int(np.where(labels[cluster] > 0, credible, -1).argmax())
    proposed = np.where(outliers.is_issue, DROP, proposed)
    rows = np.flatnonzero(proposed != pool.y)
    return rows, proposed[rows]


def influence(pool: Pool, rows: Int, proposed: Int) -> Float64:
    """By how much each correction alone is expected to lower the mean held-out log loss, in nats ``(m,) float64``.

    Koh and Liang, "Understanding black-box predictions via influence functions", ICML 2017: the gradient of the
    held-out loss, times the inverse Hessian of the training loss, times the change of its gradient. For a linear head
    on principal axes the Hessian is nearly a Kronecker product, of the curvature between classes and the second moments
    of the axes, which are diagonal: one small eigendecomposition for each fold inverts it for all corrections. Every
    fold is held out in turn, under the labels as they are proposed, for they are the best that is known.

    A logistic head stands in for whatever head was chosen, on its features.

    Args:
        pool: All items, cross-validated.
        rows: What is corrected ``(m,) int64``.
        proposed: The new class of each ``(m,) int64``, or ``DROP``.

    Raises:
        UsageError: The labels cannot be cross-validated.
    """
    choice = pool.cross_validated("The influence of corrections cannot be told").choice
    k, y = len(pool.classes), pool.y
    truth, counts = y.copy(), np.ones(len(y), np.bool_)
    truth[rows] = np.where(proposed == DROP, y[rows], proposed)
    counts[rows] = proposed != DROP
    if not len(rows):
        return np.zeros(0)
    strength, weights, one = _strength(choice), class_weights(y, k), np.eye(k, dtype=np.float32)
    z = principal(choice.axes.z).z
    design = np.concatenate([z, np.ones((len(y), 1), np.float32)], axis=1)  # (n, r + 1)

    def of_fold(out: Bool) -> Float64:
        own = np.where(out, np.float32(0), weights)
        head = HEADS[SMOOTH].fit(z, y, k, own[None], [strength])[0][0]
        scores = head.scores(z)
        asked = np.flatnonzero(out & counts)
        if not len(asked):
            return np.zeros(len(rows))
        temperature = fit_temperature(scores[asked], truth[asked])
        residual = (probabilities(scores[asked], temperature) - one[truth[asked]]) / np.float32(temperature)
        learned = np.flatnonzero(~out)
        p = probabilities(scores[learned], 1.0)
        towards = _solve(residual.T @ design[asked], p, own[learned] * np.float32(strength), design[learned])
        given = one[y[rows]]
        moved = np.where((proposed == DROP)[:, None], probabilities(scores[rows], 1.0), one[np.maximum(proposed, 0)])
        along = ((moved - given) * (design[rows] @ towards.T)).sum(axis=1)
        return np.asarray(-strength * own[rows] * along, np.float64)

    outside = [pool.folds[repetition] == fold for repetition, fold in each_fold(pool.folds)]
    total = np.sum(map_on_cores(of_fold, outside), axis=0)
    return np.asarray(total / max(1, sum(int((out & counts).sum()) for out in outside)))


def _solve(gradient: Float32, p: Float32, weights: Float32, design: Float32) -> Float32:
    """The inverse Hessian of the training loss times ``gradient`` ``(k, r + 1)``.

    Args:
        gradient: The last column is that of the bias.
        p: Probabilities of the rows that were learned ``(n, k)``.
        weights: Of the rows, strength included ``(n,)``.
        design: Their features and a column of ones ``(n, r + 1)``.
    """
    weighted = p * weights[:, None]
    between = np.diag(weighted.sum(axis=0)) - weighted.T @ p
    values, vectors = np.linalg.eigh(between.astype(np.float64))
    values = np.maximum(values, _LEAST_CURVATURE * weights.sum()).astype(np.float32)[:, None]
    turned = vectors.astype(np.float32)
    moments = np.einsum("nr,nr->r", design, design) / np.float32(len(design))
    penalty = np.ones(design.shape[1], np.float32)
    penalty[-1] = 0
    solved: Float32 = turned @ ((turned.T @ gradient) / (penalty + values * moments))
    return solved


def _strength(choice: Choice) -> float:
    """The best strength of a logistic head on the features that were chosen."""
    losses = choice.loss
    tried = [
        (float(losses[place]), entry.strength)
        for place, entry in enumerate(choice.configurations)
        if entry.head == SMOOTH and entry.features == choice.chosen.features and np.isfinite(losses[place])
    ]
    return min(tried)[1] if tried else _STRENGTH
