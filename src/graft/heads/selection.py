"""Which head on which features at which strength: decided by cross-validation, and judged without flattery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graft.contracts import Array, Bool, Float32, Float64, Int, Linear, Stages
from graft.errors import UsageError
from graft.executors import map_on_cores
from graft.heads import HEADS
from graft.heads.axes import principal
from graft.heads.calibration import fit_temperature, probabilities
from graft.heads.features import DESCRIPTIONS, available, transform

HURDLE = 2.5
"""A challenger must beat the plain choice by this many standard errors of the paired difference of losses.

One-sided 5 % (1.645), times 1.5 because the training sets of five folds overlap (the corrected variance of Nadeau and
Bengio, Machine Learning 52, 2003, is 2.25 times the naive one).
"""
FEW_SHOTS = 5
"""Up to this many items in the smallest class, the prototype head is tried as well."""
MANY_ROWS = 1000
"""From this many rows on, only the logistic head is tried, at every other strength: little is left to choose."""
_PLAIN = ("late", "logistic")
"""The choice to beat: it needs no luck to do well."""
_START = 64.0
"""Strength of the plain choice where nothing can be scored."""
_SCORES = 1 << 26
"""Out-of-fold scores that are kept, at most; the grid is thinned out until they fit."""
_DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Configuration:
    """One entry of the grid: a key of ``FEATURES``, a key of ``HEADS``, and one of that head's strengths."""

    features: str
    head: str
    strength: float


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """What cross-validation tried, and what it took. Rows that were never scored hold ``nan``.

    Attributes:
        configurations: The grid, ``c`` entries.
        logits: Out-of-fold scores ``(c, r, n, k) float32`` for r repetitions of the folds.
        temperatures: Fitted on the out-of-fold scores ``(c,)``.
        losses: Log loss of each row, temperature applied, mean over repetitions ``(c, n) float32``.
        correct: Share of repetitions in which each row was called what it is ``(c, n) float32``.
        plain: The configurations that win where no other is clearly better ``(c,) bool``.
        index: The one that was taken.
        why: One sentence for the report.
    """

    configurations: tuple[Configuration, ...]
    logits: Float32
    temperatures: Float64
    losses: Float32
    correct: Float32
    plain: Bool
    index: int
    why: str

    @property
    def chosen(self) -> Configuration:
        """The configuration that was taken."""
        return self.configurations[self.index]

    @property
    def loss(self) -> Float64:
        """Mean log loss of each configuration ``(c,)``; ``nan`` where nothing was scored."""
        return _mean_of_scored(self.losses)

    @property
    def accuracy(self) -> Float64:
        """Out-of-fold accuracy of each configuration ``(c,)``; the best of them flatters: see ``bias_corrected``."""
        return _mean_of_scored(self.correct)


def class_weights(y: Int, k: int) -> Float32:
    """Weights ``(n,) float32``, mean 1, that help rare classes without letting them rule.

    Inverse square root of the class size, halfway between ignoring the imbalance and undoing it; all 1 while the
    largest class has at most 1.5 times the items of the smallest.
    """
    sizes = np.bincount(y, minlength=k)
    present = sizes[sizes > 0]
    if present.max() <= 1.5 * present.min():
        return np.ones(len(y), np.float32)
    raw = 1 / np.sqrt(sizes[y])
    return np.asarray(raw / raw.mean(), dtype=np.float32)


def choose(
    x: Float32,
    y: Int,
    k: int,
    stages: Stages,
    folds: Sequence[Int],
    head: str = "auto",
    weights: Float32 | None = None,
) -> Choice:
    """Try the grid on the given folds and take a configuration.

    The rule: the plain choice (logistic on mostly the last stage, its strength by least log loss) stands unless the
    configuration with the least loss of all is better by ``HURDLE`` standard errors. Log loss after temperature
    scaling tells configurations apart with far fewer items than accuracy does; the hurdle keeps chance from choosing.

    Args:
        x: Embeddings ``(n, dim) float32``.
        y: ``(n,) int64`` in [0, k).
        k: Number of classes, at least 2.
        stages: Widths of the pooled stages of the embedding.
        folds: For each repetition the fold of each row ``(n,) int64``; -1: always trained on, never scored.
        head: A key of ``HEADS`` that is to be taken in any case, or ``"auto"``.
        weights: Weight of each row in fitting ``(n,) float32``; by default ``class_weights``.

    Raises:
        UsageError: ``head`` is unknown.
    """
    row_weights = class_weights(y, k) if weights is None else weights
    grid = _grid(y, k, stages, len(folds), head)
    logits = np.full((len(grid), len(folds), len(y), k), np.nan, np.float32)
    features = list(dict.fromkeys(entry.features for entry in grid))
    axes = dict(zip(features, map_on_cores(lambda key: principal(transform(x, stages, key)).z, features), strict=True))

    def score(kind: tuple[str, str]) -> None:
        places = [i for i, entry in enumerate(grid) if (entry.features, entry.head) == kind]
        strengths = [grid[i].strength for i in places]
        _score(axes[kind[0]], y, k, row_weights, folds, kind[1], strengths, logits, places)

    map_on_cores(score, dict.fromkeys((entry.features, entry.head) for entry in grid))
    return _decide(grid, logits, y)


def check_head(head: str) -> None:
    """Whether a recipe may ask for this head.

    Raises:
        UsageError: ``head`` is neither a key of ``HEADS`` nor ``"auto"``.
    """
    if head != "auto" and head not in HEADS:
        raise UsageError(f"There is no head called {head!r}.", f"Choose one of {', '.join(HEADS)}, or auto.")


def fit_final(
    x: Float32, y: Int, k: int, stages: Stages, configuration: Configuration, weights: Float32 | None = None
) -> Linear:
    """The chosen head fitted on every row; it takes ``transform(x, stages, configuration.features)``."""
    row_weights = class_weights(y, k) if weights is None else weights
    phi = transform(x, stages, configuration.features)
    return HEADS[configuration.head].fit(phi, y, k, row_weights[None], [configuration.strength])[0][0]


def choose_without(choice: Choice, rows: Int) -> int:
    """The configuration that would have been taken if ``rows`` ``(m,) int64`` had had no say."""
    counts: Float32 = np.where(np.isnan(choice.losses).any(axis=0), 0, 1).astype(np.float32)
    counts[rows] = 0
    if not counts.any():
        return choice.index
    return int(_select(np.nan_to_num(choice.losses), counts[None], choice.plain)[0])


def bias_corrected(
    correct: Float32, losses: Float32, groups: Int, seed: int, plain: Bool | None = None
) -> tuple[float, Float64]:
    """Accuracy of choosing and fitting, free of the optimism of having chosen on the same items.

    Bootstrap bias-corrected cross-validation (Tsamardinos, Greasidou and Borboudakis, Machine Learning 107, 2018):
    draw the out-of-fold predictions with replacement, choose on what was drawn by the same rule, score what was
    not drawn. Nothing is refitted. Whole groups are drawn, since near-duplicates share their fate.

    Args:
        correct: ``(c, n) float32`` as in ``Choice``.
        losses: ``(c, n) float32`` as in ``Choice``.
        groups: Group of each row ``(n,) int64``.
        seed: Of the draws.
        plain: ``(c,) bool`` as in ``Choice``; by default the least loss wins.

    Returns:
        The corrected accuracy, 0 to 1 (``nan`` where nothing was scored), and the accuracy of each draw.
    """
    rows = np.flatnonzero(~(np.isnan(correct).any(axis=0) | np.isnan(losses).any(axis=0)))
    if not len(rows):
        return float("nan"), np.empty(0)
    right, loss = correct[:, rows], losses[:, rows]
    _, group = np.unique(groups[rows], return_inverse=True)
    size = int(group.max()) + 1
    rng = np.random.default_rng(seed)
    accuracies = []
    chunk = max(1, (1 << 23) // max(len(rows), size))
    for start in range(0, _DRAWS, chunk):
        draws = min(chunk, _DRAWS - start)
        drawn = rng.integers(size, size=(draws, size)) + size * np.arange(draws)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=draws * size).reshape(draws, size)[:, group].astype(np.float32)
        winners = _select(loss, counts, plain)
        out = (counts == 0).astype(np.float32)
        scored = out.sum(axis=1)
        hits = np.einsum("bn,bn->b", right[winners], out)
        accuracies.append((hits[scored > 0] / scored[scored > 0]).astype(np.float64))
    draws_of_all = np.concatenate(accuracies)
    if not len(draws_of_all):  # one group: nothing is ever left out
        return float(right[_select(loss, np.ones((1, len(rows)), np.float32), plain)[0]].mean()), draws_of_all
    return float(draws_of_all.mean()), draws_of_all


def _select(losses: Float32, counts: Float32, plain: Bool | None) -> Int:
    """The rule of ``choose``, for rows that count ``counts`` ``(b, n)`` times: ``(b,)`` indices."""
    total = counts.sum(axis=1)
    mean = (counts @ losses.T) / total[:, None]  # (b, c)
    best: Int = mean.argmin(axis=1)
    if plain is None or plain.all() or not plain.any():
        return best
    base = np.where(plain, mean, np.inf).argmin(axis=1)
    gain = losses[base] - losses[best]  # (b, n)
    mean_gain = np.einsum("bn,bn->b", gain, counts) / total
    variance = np.einsum("bn,bn,bn->b", gain, gain, counts) / total - mean_gain**2
    error = np.sqrt(np.maximum(variance, 0) / np.maximum(total - 1, 1))
    return np.asarray(np.where(mean_gain > HURDLE * error, best, base), dtype=np.int64)


def _grid(y: Int, k: int, stages: Stages, repetitions: int, head: str) -> tuple[Configuration, ...]:
    check_head(head)
    many = len(y) >= MANY_ROWS
    heads = [head] if head != "auto" else ["logistic"] if many else ["logistic", "discriminant"]
    if head == "auto" and not many and np.bincount(y, minlength=k).min() <= FEW_SHOTS:
        heads.append("prototype")
    strengths = {name: _thinned(HEADS[name].strengths) if many else HEADS[name].strengths for name in heads}
    features = list(available(stages))

    def size() -> int:
        return len(features) * sum(map(len, strengths.values())) * repetitions * len(y) * k

    while size() > _SCORES and any(len(values) > 2 for values in strengths.values()):
        strengths = {name: _thinned(values) for name, values in strengths.items()}
    if size() > _SCORES:
        features, strengths = features[:1], {heads[0]: strengths[heads[0]]}
    return tuple(Configuration(f, name, s) for f in features for name in strengths for s in strengths[name])


def _thinned(strengths: tuple[float, ...]) -> tuple[float, ...]:
    return strengths[::2] if len(strengths) > 2 else strengths


def _score(
    z: Float32,
    y: Int,
    k: int,
    weights: Float32,
    folds: Sequence[Int],
    head: str,
    strengths: list[float],
    logits: Float32,
    places: list[int],
) -> None:
    """Fit one head on every fold and write its scores of the rows held out into ``logits[places]``."""
    held_out = [(r, fold == f) for r, fold in enumerate(folds) for f in np.unique(fold[fold >= 0])]
    chunk = max(1, (1 << 24) // (len(strengths) * k * (z.shape[1] + 1) + len(y)))  # bounds the heads in memory
    for start in range(0, len(held_out), chunk):
        part = held_out[start : start + chunk]
        masks = np.stack([np.where(out, np.float32(0), weights) for _, out in part])
        for (repetition, out), heads in zip(part, HEADS[head].fit(z, y, k, masks, strengths), strict=True):
            rows = z[out]
            for place, linear in zip(places, heads, strict=True):
                logits[place, repetition, out] = linear.scores(rows)


def _decide(grid: tuple[Configuration, ...], logits: Float32, y: Int) -> Choice:
    c, r, n, _ = logits.shape
    wanted = _PLAIN if any((e.features, e.head) == _PLAIN for e in grid) else (grid[0].features, grid[0].head)
    plain = np.array([(e.features, e.head) == wanted for e in grid])
    temperatures = np.ones(c)
    losses, correct = np.full((c, n), np.nan, np.float32), np.full((c, n), np.nan, np.float32)
    scored = ~np.isnan(logits[0, :, :, 0]) if r else np.zeros((0, n), bool)  # (r, n)
    rows = np.flatnonzero(scored.any(axis=0))
    if not len(rows):
        distance = [abs(np.log(e.strength / _START)) if p else np.inf for e, p in zip(grid, plain, strict=True)]
        why = "No class has two items to hold one out, so nothing could be compared: the plain choice."
        return Choice(grid, logits, temperatures, losses, correct, plain, int(np.argmin(distance)), why)
    repetition, row = np.nonzero(scored)
    times = scored.sum(axis=0)[rows]
    for i in range(c):
        scores = logits[i][repetition, row]  # (m, k)
        temperatures[i] = fit_temperature(scores, y[row], len(rows))
        given = probabilities(scores, temperatures[i])[np.arange(len(row)), y[row]]
        loss = -np.log(np.maximum(given, np.finfo(np.float32).tiny))
        losses[i, rows] = np.bincount(row, loss, minlength=n)[rows] / times
        correct[i, rows] = np.bincount(row, scores.argmax(axis=1) == y[row], minlength=n)[rows] / times
    index = int(_select(losses[:, rows], np.ones((1, len(rows)), np.float32), plain)[0])
    return Choice(grid, logits, temperatures, losses, correct, plain, index, _why(grid, losses, plain, index))


def _why(grid: tuple[Configuration, ...], losses: Float32, plain: Bool, index: int) -> str:
    loss = _mean_of_scored(losses)
    best, base = int(loss.argmin()), int(np.where(plain, loss, np.inf).argmin())
    if len(grid) == 1:
        return f"{_words(grid[0])} was the only one tried."
    if index == best == base:
        return f"{_words(grid[best])} had the least log loss ({loss[best]:.3f}) of {len(grid)} tried."
    if index == best:
        return (
            f"{_words(grid[best])} was clearly better than {_words(grid[base])}: "
            f"log loss {loss[best]:.3f} against {loss[base]:.3f}."
        )
    return (
        f"{_words(grid[base])} was kept: {_words(grid[best])} had a log loss of {loss[best]:.3f} against "
        f"{loss[base]:.3f}, which may be chance."
    )


def _words(entry: Configuration) -> str:
    return f"{entry.head} on {DESCRIPTIONS[entry.features]} (strength {entry.strength:g})"


def _mean_of_scored(values: Array) -> Float64:
    scored = ~np.isnan(values).any(axis=0)
    means = values[:, scored].mean(axis=1, dtype=np.float64) if scored.any() else np.full(len(values), np.nan)
    return np.asarray(means, dtype=np.float64)
