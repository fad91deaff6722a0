"""Which head on which features at which strength: decided by cross-validation, and judged without flattery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graft.contracts import Array, Bool, Float32, Float64, Int, Linear, Stages
from graft.errors import UsageError
from graft.executors import map_on_cores
from graft.heads.calibration import probabilities
from graft.heads.features import DESCRIPTIONS, available, design
from graft.learning import HEADS
from graft.learning.axes import Axes, principal, turned
from graft.learning.calibration import fit_temperature
from graft.learning.rule import select

FEW_SHOTS = 5
"""Up to this many items in the smallest class, the prototype head is tried as well."""
MANY_ROWS = 1000
"""From this many rows on, only the logistic head is tried, and the grid is explored on the first folds alone: a few
hundred rows held out tell configurations apart. The one that is taken is then fitted on all folds."""
VERY_MANY_ROWS = 5000
"""From this many rows on, the grid is explored on one fold, of thousands of rows; fewer kinds of features are tried,
and the axes with the last ``_TAIL`` of the second moments are left out: on 10,003 queries in 77 classes that halved the
time, and cost 0.1 points of accuracy."""
_TAIL = 0.01
_SPARED = ("even", "even+many words", "last+many words")
"""Features that are not tried on very many rows, where the others come close to them."""
_PLAIN = ("late", "logistic")
"""The choice to beat: it needs no luck to do well."""
_START = 64.0
"""Strength of the plain choice where nothing can be scored."""
_WIDE = 24
"""Columns of scores that keep a matrix product busy: folds are fitted together up to that."""
_SCORES = 1 << 26
"""Out-of-fold scores that are kept, at most; the grid is thinned out until they fit."""


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
        losses: Log loss of each row, temperature applied, mean over repetitions ``(c, n) float32``. Where there are
            many rows, only the configuration that was taken has them for more than the folds that were explored.
        correct: Share of repetitions in which each row was called what it is ``(c, n) float32``.
        plain: The configurations that win where no other is clearly better ``(c,) bool``.
        index: The one that was taken.
        why: One sentence for the report.
        groups: Rows that share their fate ``(n,) int64``.
        axes: The features that were taken, on their principal axes, or with the leading of them first.
        final: What was taken, fitted on all rows, as ``fit_final`` does; ``None`` where that is still to be done.
        held_out: Of what was taken, if it has words, each repetition, the rows held out ``(n,) bool`` and the head on
            ``axes`` that has not seen them.
    """

    configurations: tuple[Configuration, ...]
    logits: Float32
    temperatures: Float64
    losses: Float32
    correct: Float32
    plain: Bool
    index: int
    why: str
    groups: Int
    axes: Axes
    final: Linear | None
    held_out: Sequence[tuple[int, Bool, Linear]] = ()

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


def rescore(choice: Choice, logits: Float32, y: Int) -> None:
    """Judge what was taken by other out-of-fold scores ``(r, n, k)``, such as those of weights that were rounded.

    Its entries in the arrays of the choice, which may be large, are replaced, but for the losses: by them it was
    compared with the others, whose weights are not rounded.
    """
    i = choice.index
    choice.logits[i] = logits
    choice.temperatures[i] = _temperature(logits, y, np.flatnonzero(~np.isnan(logits[..., 0]).all(axis=0)))
    choice.correct[i] = _figures(logits, y, choice.temperatures[i])[1]


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
    groups: Int | None = None,
    words: Float32 | None = None,
) -> Choice:
    """Try the grid on the given folds and take a configuration.

    The rule: the plain choice (logistic on mostly the last stage, its strength by least log loss) stands unless the
    configuration with the least loss of all is better by ``HURDLE`` (of many rows ``LOW_HURDLE``) standard errors. Log
    loss after temperature scaling tells configurations apart with far fewer items than accuracy does; the hurdle keeps
    chance from choosing.

    From ``MANY_ROWS`` on the choice is made on the rows of the first folds. There the plain features are tried at the
    inner strengths, every other kind at the best of these and the next stronger regularisation, since more of the other
    columns makes features longer (from ``VERY_MANY_ROWS`` on at the middle strength), and whatever wins at its
    neighbours as long as it wins at the end of what was tried.

    Args:
        x: Embeddings ``(n, dim) float32``.
        y: ``(n,) int64`` in [0, k).
        k: Number of classes, at least 2.
        stages: Widths of the pooled stages of the embedding.
        folds: For each repetition the fold of each row ``(n,) int64``; -1: always trained on, never scored.
        head: A key of ``HEADS`` that is to be taken in any case, or ``"auto"``.
        weights: Weight of each row in fitting ``(n,) float32``; by default ``class_weights``.
        groups: Rows that share their fate ``(n,) int64``, such as near-duplicates: together they count once where the
            standard error is taken. By default every row is on its own.
        words: TF-IDF of texts in coordinates of its own ``(n, r) float32``, to be joined to the embedding or not.

    Raises:
        UsageError: ``head`` is unknown.
    """
    row_weights = class_weights(y, k) if weights is None else weights
    tried = available(stages, words is not None)
    if len(y) >= VERY_MANY_ROWS:
        tried = tuple(key for key in tried if words is None or key not in _SPARED)
    grid = _grid(y, k, tried, len(folds), head)
    features = list(dict.fromkeys(entry.features for entry in grid))

    def axes_of(key: str) -> Axes:
        return _axes(design(x, stages, key, words))

    axes = dict(zip(features, map_on_cores(axes_of, features), strict=True))
    trial = _CrossValidation(axes, y, k, row_weights, folds, np.arange(len(y)) if groups is None else groups)
    if len(y) < MANY_ROWS or len(trial.held_out) <= _explored(len(y)):
        trial.score(grid, slice(None))
    else:
        trial.explore(grid)
    return trial.decide()


def check_head(head: str) -> None:
    """Whether a recipe may ask for this head.

    Raises:
        UsageError: ``head`` is neither a key of ``HEADS`` nor ``"auto"``.
    """
    if head != "auto" and head not in HEADS:
        raise UsageError(f"There is no head called {head!r}.", f"Choose one of {', '.join(HEADS)}, or auto.")


def fit_final(
    x: Float32,
    y: Int,
    k: int,
    stages: Stages,
    configuration: Configuration,
    weights: Float32 | None = None,
    axes: Axes | None = None,
    words: Float32 | None = None,
) -> Linear:
    """The chosen head fitted on every row; it takes ``design(x, stages, configuration.features, words)``.

    ``axes`` are its principal axes where they are known already, as ``Choice.axes`` are.
    """
    row_weights = class_weights(y, k) if weights is None else weights
    axes = axes or _axes(design(x, stages, configuration.features, words))
    return axes.restore(HEADS[configuration.head].fit(axes.z, y, k, row_weights[None], [configuration.strength])[0][0])


def _axes(phi: Float32) -> Axes:
    if len(phi) < MANY_ROWS:  # there the discriminant is tried, too
        return principal(phi)
    return principal(phi, _TAIL) if len(phi) >= VERY_MANY_ROWS else turned(phi)


def choose_without(choice: Choice, rows: Int) -> int:
    """The configuration that would have been taken if ``rows`` ``(m,) int64`` had had no say.

    As in choosing, only the rows that all were scored on count: of many rows, how many they are decides on the hurdle.
    """
    common = np.flatnonzero(~np.isnan(choice.losses).any(axis=0))
    counts = np.isin(common, rows, invert=True).astype(np.float32)
    if not counts.any():
        return choice.index
    return int(select(choice.losses[:, common], counts[None], choice.plain, choice.groups[common])[0])


def _grid(y: Int, k: int, tried: Sequence[str], repetitions: int, head: str) -> tuple[Configuration, ...]:
    check_head(head)
    many = len(y) >= MANY_ROWS
    heads = [head] if head != "auto" else ["logistic"] if many else ["logistic", "discriminant"]
    if head == "auto" and not many and np.bincount(y, minlength=k).min() <= FEW_SHOTS:
        heads.append("prototype")
    strengths = {name: HEADS[name].strengths for name in heads}
    features = list(tried)

    def size() -> int:
        return len(features) * sum(map(len, strengths.values())) * repetitions * len(y) * k

    while size() > _SCORES and any(len(values) > 2 for values in strengths.values()):
        strengths = {name: values[::2] if len(values) > 2 else values for name, values in strengths.items()}
    if size() > _SCORES:
        features, strengths = features[:1], {heads[0]: strengths[heads[0]]}
    return tuple(Configuration(f, name, s) for f in features for name in strengths for s in strengths[name])


class _CrossValidation:
    """Fits configurations on folds and keeps what they say of the rows held out.

    Args:
        axes: The features of each name, turned as ``Choice.axes`` are.
        y: As in ``choose``.
        k: As in ``choose``.
        weights: As in ``choose``.
        folds: As in ``choose``.
        groups: As in ``choose``.
    """

    def __init__(
        self, axes: dict[str, Axes], y: Int, k: int, weights: Float32, folds: Sequence[Int], groups: Int
    ) -> None:
        self.axes, self.y, self.k, self.weights, self.groups = axes, y, k, weights, groups
        self.held_out = [(r, fold == f) for r, fold in enumerate(folds) for f in np.unique(fold[fold >= 0])]
        self.shape = (len(folds), len(y), k)
        self.logits: dict[Configuration, Float32] = {}
        self.final: Linear | None = None
        self.heads: dict[tuple[Configuration, int], Linear] = {}  # with words, by fold
        self.figures: dict[tuple[Configuration, int, int], tuple[float, Float32, Float32]] = {}  # while it explores

    def score(self, entries: Sequence[Configuration], part: slice) -> None:
        """Fit these configurations on a part of the folds."""
        for entry in entries:
            if entry not in self.logits:
                self.logits[entry] = np.full(self.shape, np.nan, np.float32)
        kinds: dict[tuple[str, str], list[Configuration]] = {}
        for entry in entries:
            kinds.setdefault(_kind(entry), []).append(entry)
        tasks = [(kind, places) for kind in kinds.values() for places in self._together(kind, part)]
        map_on_cores(lambda task: self._fit(*task), tasks)

    def _together(self, kind: Sequence[Configuration], part: slice) -> list[range]:
        """The folds that are fitted at once: all of them, or one on each core where that is enough for a product."""
        places = range(len(self.held_out))[part]
        if len(self.y) < MANY_ROWS or self.k * len(kind) < _WIDE:
            return [places]
        return [places[i : i + 1] for i in range(len(places))]

    def explore(self, grid: tuple[Configuration, ...]) -> None:
        """Find what to take on the first folds, and fit it on the others as well."""
        explored = _explored(len(self.y))
        first = slice(explored)
        plain = [entry for entry, is_plain in zip(grid, _plain(grid), strict=True) if is_plain]
        rest = [entry for entry in grid if entry not in plain]
        inner = plain[1:-1] if len(plain) > 4 else plain
        if explored == 1:
            middle = inner[len(inner) // 2].strength
            self.score([*inner, *(entry for entry in rest if entry.strength == middle)], first)
        else:
            self.score(inner, first)
            best = self.decide().chosen
            place = HEADS[best.head].strengths.index(best.strength)
            near = HEADS[best.head].strengths[max(0, place - 1) : place + 1]
            self.score([entry for entry in rest if entry.head != best.head or entry.strength in near], first)
        while neighbours := self._untried_beside(self.decide().chosen, grid):
            self.score(neighbours, first)
        chosen = self.decide().chosen
        parts = [range(0), *self._together([chosen], slice(explored, None))]
        map_on_cores(lambda places: self._fit([chosen], places) if places else self._finish(chosen), parts)

    def _untried_beside(self, entry: Configuration, grid: tuple[Configuration, ...]) -> list[Configuration]:
        kind = [other for other in grid if _kind(other) == _kind(entry)]
        place = kind.index(entry)
        return [other for other in kind[max(0, place - 1) : place + 2] if other not in self.logits]

    def _fit(self, entries: Sequence[Configuration], places: range) -> None:
        """Fit configurations of one kind on these of the folds and write their scores of the rows held out."""
        z, strengths = self.axes[entries[0].features].z, [entry.strength for entry in entries]
        chunk = max(1, (1 << 24) // (len(strengths) * self.k * (z.shape[1] + 1) + len(z)))  # bounds the heads in memory
        for part in (places[start : start + chunk] for start in range(0, len(places), chunk)):
            masks = np.stack([np.where(self.held_out[place][1], np.float32(0), self.weights) for place in part])
            fitted = HEADS[entries[0].head].fit(z, self.y, self.k, masks, strengths)
            for place, heads in zip(part, fitted, strict=True):
                repetition, out = self.held_out[place]
                for entry, linear in zip(entries, heads, strict=True):
                    self.logits[entry][repetition, out] = linear.scores_of(z, out)
                    if "words" in entry.features:
                        self.heads[entry, place] = linear

    def _finish(self, entry: Configuration) -> None:
        axes, one = self.axes[entry.features], self.weights[None]
        ((linear,),) = HEADS[entry.head].fit(axes.z, self.y, self.k, one, [entry.strength])
        self.final = axes.restore(linear)

    def decide(self) -> Choice:
        """Take one of what was tried, by the rows that all were scored on."""
        grid = tuple(self.logits)
        logits = np.stack([self.logits[entry] for entry in grid])
        c, _, n, _ = logits.shape
        plain = _plain(grid)
        temperatures = np.ones(c)
        losses, correct = np.full((c, n), np.nan, np.float32), np.full((c, n), np.nan, np.float32)
        scored = ~np.isnan(logits[..., 0])  # (c, r, n)
        common = np.flatnonzero(scored.any(axis=1).all(axis=0))
        if not len(common):
            distance = [abs(np.log(e.strength / _START)) if p else np.inf for e, p in zip(grid, plain, strict=True)]
            index = int(np.argmin(distance))
            why = "Nothing could be held out, so nothing could be compared: the plain choice."
        else:
            for i, entry in enumerate(grid):
                key = (entry, int(scored[i].sum()), len(common))
                if key not in self.figures:
                    temperature = _temperature(logits[i], self.y, common)
                    self.figures[key] = (temperature, *_figures(logits[i], self.y, temperature))
                temperatures[i], losses[i], correct[i] = self.figures[key]
            index = int(select(losses[:, common], np.ones((1, len(common)), np.float32), plain, self.groups[common])[0])
            why = _why(grid, losses, plain, index)
            temperatures[index] = _temperature(logits[index], self.y, np.flatnonzero(scored[index].any(axis=0)))
        taken, axes = grid[index], self.axes[grid[index].features]
        places = [place for place in range(len(self.held_out)) if (taken, place) in self.heads]
        heads = [(*self.held_out[place], self.heads[taken, place]) for place in places]
        return Choice(
            grid, logits, temperatures, losses, correct, plain, index, why, self.groups, axes, self.final, heads
        )


def _kind(entry: Configuration) -> tuple[str, str]:
    return entry.features, entry.head


def _explored(n: int) -> int:
    """How many folds are explored where there are many rows: at 1,000 rows 400 are held out, at 10,000 rows 3,300."""
    return 1 if n >= VERY_MANY_ROWS else 2


def _plain(grid: Sequence[Configuration]) -> Bool:
    """Which configurations win where no other is clearly better ``(c,)``."""
    wanted = _PLAIN if any((e.features, e.head) == _PLAIN for e in grid) else (grid[0].features, grid[0].head)
    return np.array([(e.features, e.head) == wanted for e in grid])


def _temperature(logits: Float32, y: Int, rows: Int) -> float:
    """The temperature of scores ``(r, n, k)`` on some rows."""
    repetition, place = np.nonzero(~np.isnan(logits[:, rows, 0]))
    return fit_temperature(logits[repetition, rows[place]], y[rows[place]], len(rows))


def _figures(logits: Float32, y: Int, temperature: float) -> tuple[Float32, Float32]:
    """Log loss of each row and how often it was called what it is, mean over repetitions ``(n,)``."""
    repetition, row = np.nonzero(~np.isnan(logits[..., 0]))
    scores = logits[repetition, row]  # (m, k)
    given = probabilities(scores, temperature)[np.arange(len(row)), y[row]]
    loss = -np.log(np.maximum(given, np.finfo(np.float32).tiny))
    times = np.bincount(row, minlength=len(y)).astype(np.float64)
    times[times == 0] = np.nan
    hits = np.bincount(row, scores.argmax(axis=1) == y[row], minlength=len(y))
    return (
        (np.bincount(row, loss, minlength=len(y)) / times).astype(np.float32),
        (hits / times).astype(np.float32),
    )


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
