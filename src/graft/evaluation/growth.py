"""How the score grows with the number of examples, and what more of them would bring."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from graft.contracts import Array, Bool, Float32, Int
from graft.data.split import learning_curve_subsets
from graft.evaluation.intervals import cross_validated_interval
from graft.executors import map_on_cores
from graft.results.figures import CurvePoint, Forecast


class FitMany(Protocol):
    """Fits the chosen head on row subsets."""

    def __call__(self, masks: Float32, asked: Bool | None = None) -> Array:
        """What the head of each subset calls the rows.

        Args:
            masks: The subsets ``(s, n) float32``, 0 or 1.
            asked: Which rows each head is asked for ``(s, n) bool``; by default all.

        Returns:
            ``(s, n) int64``; rows that were not asked for hold anything.
        """


SHARES = (1 / 8, 1 / 4, 1 / 2, 3 / 4, 1.0)
"""Of the training rows: the points of the learning curve."""
EXTRA = 20
"""The forecast speaks of this many more items."""
MOST_CLASSES = 12
"""Forecasts by class are made for so many classes, those with the lowest recall: each costs a cross-validation."""
MANY_ROWS = 2000
"""From this many rows on, forecasts by class are read off the learning curve."""
RARE = 0.5
"""A class of fewer items than this part of the mean has a power of its own."""
FEW = 4
"""Of a class with fewer items nothing can be forecast: it is what to add to first."""
PARTS = 4
"""Subsets are fitted in at most so many parts, each on a core; of very many rows there are about as many subsets."""
WIDE = 24
"""Columns of scores that keep a matrix product busy: of fewer classes there are fewer parts, but two."""
HELD_OUT = 3000
"""The learning curve is measured on whole folds until so many rows are held out: an accuracy of 90 % is then known to
half a point, and its differences along the curve, on the same rows, better."""
DRAWS = 200
"""Bootstrap draws behind the forecast's interval."""
STEEPEST = 2.0
"""The forecast's high end lets the error fall no faster than by this power."""
LUCK, LUCK_OF_ONE = 1.0, 2.0
"""How much which items come, and not how many, changes the score: its variance after training on n items, as a multiple
of ``error * (1 - error) / n``. Where one class alone grows, its balance with the others and the choice of the head add
to it. Bootstrap draws of the held-out rows know nothing of either: intervals from them alone held 41 % of what came,
and 35 % for one class (``benchmarks/forecast.py``). Set on potato leaves, trec6 and sms_spam; the other sets confirm
it."""


def on_cores(fit_some: Callable[[Float32, Bool], Array], k: int) -> FitMany:
    """``fit_some`` of a part of the subsets on each core; each gets as many large ones as the others.

    The parts are the same whatever cores there are: what is fitted together ends at other last digits than by itself.

    Args:
        fit_some: Fits the chosen head on some subsets, and answers for the rows that each is asked for.
        k: Number of classes or labels.
    """

    def fit_many(masks: Float32, asked: Bool | None = None) -> Array:
        asked = np.ones(masks.shape, np.bool_) if asked is None else asked
        parts = min(PARTS, max(2, len(masks) * k // WIDE), len(masks))
        named = np.empty(masks.shape, np.int64)
        tasks = [(masks[part::parts], asked[part::parts]) for part in range(parts)]
        for part, found in enumerate(map_on_cores(lambda task: fit_some(*task), tasks)):
            named[part::parts] = found
        return named

    return fit_many


@dataclass(frozen=True, slots=True)
class Growth:
    """Learning curve and forecast.

    Attributes:
        curve: Accuracy after training on so many items.
        forecast: What more items would gain.
        power: The error falls as ``n ** -power``, in [0, 1].
        n_train: How many items the heads of cross-validation were fitted to: the end of the curve.
    """

    curve: tuple[CurvePoint, ...]
    forecast: tuple[Forecast, ...]
    power: float
    n_train: int
    powers: Mapping[int, float] = field(default_factory=dict)
    """How the error of a class falls with its own items, in [0, 1], where it was tried."""

    def power_of(self, label: int) -> float:
        """The power of a class's own items; where it is not known, that of all items."""
        return self.powers.get(label, self.power)

    def carried(self, accuracy: float, n: int) -> float:
        """What to expect of a head fitted to ``n`` items, where those fitted to ``n_train`` reached ``accuracy``.

        Folds hold items back, so that cross-validation speaks of a head that has seen fewer than the final one. It
        matters most with few items in each of many classes. Following the curve over that short distance takes most
        of it away: ``benchmarks/honesty.py`` shows the reported score beside the truth.
        """
        return 1 - (1 - accuracy) * float((self.n_train / n) ** self.power)


def measure_growth(
    fit_many: FitMany,
    y: Int,
    folds: Int,
    clusters: Int,
    classes: Sequence[str],
    recall: Array,
    seed: int,
    named: Array | None = None,
    design_effect: float = 1.0,
) -> Growth:
    """Cross-validate the chosen head on nested parts of the training rows.

    With more than ``HELD_OUT`` rows the first folds have to do, and from ``MANY_ROWS`` on the classes' parts in the
    forecast are those in which the curve's last doubling showed, instead of what each class's own items bring.

    Args:
        fit_many: Fits the chosen head on each row subset.
        y: ``(n,) int64``.
        folds: Fold of each row ``(n,) int64``; -1 is never scored.
        clusters: Near-duplicates, ``(n,) int64``.
        classes: Their names.
        recall: Out-of-fold recall of each class ``(k,)``, to forecast for the weakest first.
        seed: Decides which rows the parts hold.
        named: What heads fitted to all other folds call each row of ``folds`` ``(n,) int64``, where it is known: the
            end of the curve.
        design_effect: Of given groups, for the curve's intervals.
    """
    scored = folds >= 0
    if not scored.any():
        return Growth((), (), 0.0, len(y))
    n_folds = int(folds.max()) + 1
    n_train = round(float(scored.sum()) * (1 - 1 / n_folds) + float((~scored).sum()))
    sizes = sorted({max(len(classes), round(share * n_train)) for share in SHARES})
    n_used = int(np.searchsorted(np.bincount(folds[scored]).cumsum(), HELD_OUT)) + 1
    rows = np.flatnonzero(scored & (folds < n_used))
    counts = np.bincount(y, minlength=len(classes))
    order = np.argsort(np.nan_to_num(recall, nan=1.0), kind="stable")
    weakest = [int(c) for c in order if counts[c] >= FEW][:MOST_CLASSES]
    halved = weakest if len(y) < MANY_ROWS else []
    subsets = learning_curve_subsets(y, folds, sizes if named is None else sizes[:-1], seed)
    fitted = np.concatenate([subsets, _without_half(y, folds, halved, seed)])[:, :n_used]
    correct = _correct(fit_many, y, folds, fitted)[:, rows]  # all at once: fewer passes over the features
    right, thinned = correct[: len(subsets)], correct[len(subsets) :]
    if named is not None:
        right = np.concatenate([right, (named == y)[None, rows]])  # (sizes, m)
    curve = []
    for size, row in zip(sizes, right, strict=True):
        point = cross_validated_interval(float(row.mean()), clusters[rows], "", design_effect)
        curve.append(CurvePoint(size, point.value, point.low, point.high))
    mix = change_of_mix(counts) if len(recall) else 0.0
    whole, power = _forecast_all(np.array(sizes), right, len(y), len(classes), seed, design_effect, mix)
    few = _too_few_to_say(counts, classes) if len(recall) else []
    if not weakest:
        return Growth(tuple(curve), (whole, *few), power, sizes[-1])
    if len(y) >= MANY_ROWS:
        measured, lost = list(range(len(classes))), _lost_where(y[rows], right, sizes, len(classes))
    else:
        measured, lost = halved, right[-1].astype(np.float64) - thinned
    rare = is_rare(counts)
    powers = {c: _power_of_one(own, right[-1], y[rows] == c) for c, own in zip(measured, lost, strict=True) if rare[c]}
    error = max(1 - float(right[-1].mean()), 0.5 / len(rows))
    luck = _luck(LUCK_OF_ONE * design_effect, error, len(y), EXTRA)
    mixes = [change_of_mix(counts, c) for c in weakest]
    spreads = [1.96 * float(np.hypot(luck, mix * np.sqrt(error * (1 - error)))) for mix in mixes]
    by_class = _divide(whole, lost, measured, weakest, counts, classes, spreads)
    return Growth(tuple(curve), (whole, *few, *by_class), power, sizes[-1], powers)


def _power_of_one(lost: Array, right: Array, own: Bool) -> float:
    """The power of a class's error over the doubling of its items that was tried, in [0, 1]; half a mistake is added.

    Args:
        lost: Held-out rows that halving cost ``(m,)``: 1 lost, -1 won.
        right: Which rows were right with all of its items ``(m,) bool``.
        own: Which rows are of the class ``(m,) bool``.
    """
    wrong = float((~right[own]).sum())
    return float(np.clip(np.log2((wrong + float(lost[own].sum()) + 0.5) / (wrong + 0.5)), 0, 1)) if own.any() else 0.0


def _too_few_to_say(counts: Int, classes: Sequence[str]) -> list[Forecast]:
    """The classes of under ``FEW`` items, the smallest first: more of them is the first advice, its gain unknown."""
    small = [c for c in np.argsort(counts, kind="stable").tolist() if counts[c] < FEW and classes[c]][:MOST_CLASSES]
    return [Forecast(classes[c], EXTRA, float("nan"), float("nan"), float("nan")) for c in small]


def _correct(fit_many: FitMany, y: Int, folds: Int, subsets: Array) -> Bool:
    """Whether each row was named rightly while it was held out, ``(s, n)`` for ``s`` sizes.

    ``subsets`` is ``(s, f, n)``: for each size, the training rows of each of the first ``f`` folds; rows of other folds
    are not answered for.
    """
    s, f, n = subsets.shape
    asked = np.tile(folds == np.arange(f)[:, None], (s, 1))  # (s * f, n)
    predicted = fit_many(subsets.reshape(s * f, n).astype(np.float32), asked).reshape(s, f, n)
    held_out = np.clip(folds, 0, f - 1)[None, None, :]
    return np.asarray(np.take_along_axis(predicted, held_out, axis=1)[:, 0] == y)


def _forecast_all(
    sizes: Array, right: Array, n_all: int, k: int, seed: int, design_effect: float, mix: float
) -> tuple[Forecast, float]:
    """A power law of the error through the curve's points, its exponent fitted and bounded.

    ``error(n) = a * n ** -b`` (Cortes et al. 1993; Hestness et al. 2017), least squares in logarithms, later points
    weighing more; the interval is the 95 % range over bootstrap draws of the held-out rows, widened by ``LUCK``.

    A power law is one form of several. Where classes come apart the error falls ever faster, as its logarithm does in
    proportion to n (Hastie, Tibshirani and Friedman 2009, 4.3: of Gaussian classes, once their means are known well),
    and where labels are noise it soon falls no more. So the high end of each draw goes on along the steepest of: the
    law, and the curve's last doubling, at up to ``STEEPEST``; the low end does not count on more than half of the law.
    Equal numbers of every class also change the mix that is learned from, and with it what frequent classes lose: half
    of the total variation between the mixes, ``mix``, times the standard deviation of an error is added to luck.

    Returns:
        What ``EXTRA`` more of each of ``k`` classes would gain beyond ``n_all`` items, and the exponent ``b``.
    """
    random = np.random.default_rng(seed)
    n, m = sizes[-1], right.shape[1]
    draws = np.concatenate([np.arange(m)[None], random.integers(0, m, (DRAWS, m))])
    counts = np.stack([np.bincount(draw, minlength=m) for draw in draws]).astype(np.float64)  # (draws, m)
    errors = np.clip(1 - counts @ right.T.astype(np.float64) / m, 0.5 / m, 1.0)  # (draws, sizes)
    log_n = np.log(sizes / n)
    weight = sizes / sizes.sum()
    centred = log_n - (weight * log_n).sum()
    spread = (weight * centred**2).sum()
    slope = (weight * centred * np.log(errors)).sum(axis=1) / spread if spread > 0 else np.zeros(len(errors))
    power = np.clip(-slope, 0, 1)
    half = int(np.argmin(np.abs(log_n + np.log(2))))
    last = np.log(errors[:, half] / errors[:, -1]) / -log_n[half] if half < len(sizes) - 1 else power
    steep = np.clip(np.maximum(-slope, last), power, STEEPEST)

    def gains_of(powers: Array) -> Array:
        return np.asarray(errors[:, -1] * ((n_all / n) ** -powers - ((n_all + EXTRA * k) / n) ** -powers))

    gains = gains_of(power)
    low, high = np.quantile(gains_of(power / 2)[1:], 0.025), np.quantile(gains_of(steep)[1:], 0.975)
    low, high = min(float(low), float(gains[0])), max(float(high), float(gains[0]))
    error = float(errors[0, -1])
    luck = _luck(LUCK * design_effect, error, n_all, EXTRA * k)
    spread = 1.96 * float(np.hypot(luck, mix * np.sqrt(error * (1 - error))))
    whole = Forecast("all", EXTRA, float(gains[0]), float(low), float(high))
    return _widened(whole, spread), float(power[0])


def is_rare(counts: Int) -> Bool:
    """Which classes the others outnumber ``(k,) bool``, by their items ``(k,)``."""
    return np.asarray(counts < RARE * counts.mean(), np.bool_)


def change_of_mix(counts: Int, label: int | None = None) -> float:
    """Half of the total variation, 0 to 0.5, between classes as they are and with ``EXTRA`` more of each, or of one.

    Args:
        counts: Items of each class ``(k,)``.
        label: The one.
    """
    more = counts + (EXTRA if label is None else EXTRA * (np.arange(len(counts)) == label))
    return float(np.abs(counts / counts.sum() - more / more.sum()).sum()) / 4


def _luck(multiple: float, error: float, n: int, added: int) -> float:
    """Standard deviation of what ``added`` items beyond ``n`` change by being these and not others."""
    return float(np.sqrt(multiple * error * (1 - error) * (1 / n - 1 / (n + added))))


def _widened(forecast: Forecast, spread: float) -> Forecast:
    """The same with an interval to which ``spread``, half the width of another's, is added in quadrature."""
    low = forecast.gain - float(np.hypot(forecast.gain - forecast.low, spread))
    high = forecast.gain + float(np.hypot(forecast.high - forecast.gain, spread))
    return replace(forecast, low=low, high=high)


def _divide(
    whole: Forecast,
    lost: Array,
    measured: Sequence[int],
    named: Sequence[int],
    counts: Int,
    classes: Sequence[str],
    spreads: Sequence[float],
) -> list[Forecast]:
    """Each class's part in what more of every class would gain.

    The score is measured again with half of a class's training items left out, on the same held-out rows; what that
    cost, for each doubling still to come, is the class's weight. To first order the gains of the classes add up to
    that of all of them, so the weights divide ``whole`` among them; classes that were not measured, whose recall is
    high, count like the least of those that were.

    Args:
        whole: What more of every class would gain.
        lost: Held-out rows that half of a class's items cost, ``(c, m)``: 1 lost, -1 won.
        measured: Which classes they are, c of them.
        named: The classes to speak of, among those.
        counts: Items of each class ``(k,)``.
        classes: Names of the classes.
        spreads: How far luck alone may carry the gain of each of ``named``.
    """
    doublings = np.log2((counts[measured] + EXTRA) / np.maximum(counts[measured], 1))
    weight = np.maximum(lost.mean(axis=1), 0) * doublings
    margin = 1.96 * lost.std(axis=1) / np.sqrt(lost.shape[1]) * doublings
    total = weight.sum() + (len(classes) - len(measured)) * weight.min()
    if total <= 0:
        weight, total = np.ones(len(measured)), float(len(classes))
    forecasts = []
    for label, spread in zip(named, spreads, strict=True):
        place = measured.index(label)
        low, share, high = np.clip((weight[place] + np.array([-1, 0, 1]) * margin[place]) / total, 0, 1)
        gain = float(share * whole.gain)
        own = Forecast(classes[label], EXTRA, gain, float(low * whole.gain), float(high * whole.gain))
        forecasts.append(_widened(own, spread))
    return forecasts


def _lost_where(y: Int, right: Bool, sizes: Sequence[int], k: int) -> Array:
    """Rows of each class that half of all training items cost ``(k, m)``: the classes in which more items show.

    That is not quite the same as what a class's own items bring, part of which is fewer mistakes in the others; but
    leaving out half of one class of many thousand rows changes less than can be measured.
    """
    half = int(np.argmin(np.abs(np.array(sizes) - sizes[-1] / 2)))
    lost = right[-1].astype(np.float64) - right[half]
    return np.where(y == np.arange(k)[:, None], lost, 0.0)


def _without_half(y: Int, folds: Int, labels: Sequence[int], seed: int) -> Bool:
    """For each of these classes and each fold, the training rows without half of the class's: ``(c, f, n) bool``."""
    n_folds = int(folds.max()) + 1
    order = np.random.default_rng(seed).permutation(len(y))
    thinned = np.tile(folds != np.arange(n_folds)[:, None], (len(labels), 1, 1))
    for position, label in enumerate(labels):
        members = order[y[order] == label]
        for fold in range(n_folds):
            kept = members[folds[members] != fold]
            thinned[position, fold, kept[: len(kept) // 2]] = False
    return thinned
