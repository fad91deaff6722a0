"""The effect of cleaning: heads fitted to the labels before and after, asked about the same held-out items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from graft.cleaning.label_errors import each_fold, is_credibly_other, score_labels, typical_of
from graft.cleaning.pool import Pool
from graft.contracts import Bool, Float32, Float64, Int, Linear
from graft.errors import TooFewClasses
from graft.evaluation.intervals import (
    cross_validated_interval,
    group_design_effect,
    held_out_interval,
    student_quantile,
)
from graft.executors import map_on_cores
from graft.heads.calibration import probabilities
from graft.journal.resolution import Applied
from graft.learning import HEADS
from graft.learning.calibration import cross_fitted, fit_temperature
from graft.learning.selection import class_weights
from graft.metrics import log_loss
from graft.report.words import count
from graft.results.facts import plain
from graft.results.figures import Interval

OVERLAP = 2.25
"""By how much the variance of a paired difference grows, for the training sets of folds overlap (Nadeau and Bengio,
Machine Learning 52, 2003, for five folds)."""

UNTOUCHED = "whose labels no suggestion of the model changed"
_CROSS_VALIDATED = f"cross-validated, on items {UNTOUCHED}, by the labels as they are after the edits"
_AS_GIVEN = "cross-validated, on the labels as they were given"
_ON_TEST = f"the given test split, on items {UNTOUCHED}, by the labels as they are after the edits; Wilson interval"
FOLLOWS = 0.95
"""From this share of the changes on, they follow the model throughout."""
FEW = 5
"""Of so few changes nothing is said of whom they follow."""


@dataclass(frozen=True, slots=True)
class Change:
    """Two ways of learning, asked about the same held-out items.

    Attributes:
        before: Accuracy of heads that learned the labels as given.
        after: Accuracy of heads that learned the labels as edited.
        difference: ``after`` less ``before``; 0.02 is two points.
        low: Lower end of its 95 % interval.
        high: Upper end.
        n_held_out: How many items were asked about.
        log_loss_before: In nats.
        log_loss_after: In nats.
    """

    before: Interval
    after: Interval
    difference: float
    low: float
    high: float
    n_held_out: int
    log_loss_before: float
    log_loss_after: float

    @property
    def is_sure(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class Effect(Change):
    """The effect of edits: what cross-validation says, and what else there is to know.

    Attributes:
        n_relabelled: Items that have another label now.
        n_dropped: Items that were left out.
        n_followed: How many of both are what the model itself suggested. None of these is asked about: heads that
            learned the suggestion agree with it, whether it is true or not.
        as_given: Accuracy before, on the labels as they were given: about what a report said before the edits. Not to
            be compared with ``after``, for the questions differ as well as the answers.
        as_given_after: Accuracy after, on the labels as they were given, items that were dropped or have a new class
            left out. Where the labels given were right, this is what to expect of new items.
        follows: Whether the changes follow the model throughout, and no decision went against it.
        test: The same on the given test split, by heads that learned all other items; ``None`` where there is none.
    """

    n_relabelled: int
    n_dropped: int
    n_followed: int
    as_given: Interval
    as_given_after: Interval
    follows: bool
    test: Change | None

    @property
    def sentence(self) -> str:
        """What came of it, in words."""
        held_out = f"on {count(self.n_held_out, 'held-out item', 'held-out items')}"
        if not self.n_relabelled + self.n_dropped:
            return f"Nothing was edited: accuracy {self.before.value:.1%} {held_out}."
        changed, dropped = count(self.n_relabelled, "label", "labels"), count(self.n_dropped, "item", "items")
        edits = f"{changed} changed, {dropped} dropped"
        if not self.n_held_out:
            return (
                f"{edits}: no item is left {UNTOUCHED}, so nothing shows what that was worth. {self.warning}".rstrip()
            )
        untouched = f" {UNTOUCHED}" if self.n_followed else ""
        scores = f"accuracy {self.before.value:.1%} before and {self.after.value:.1%} after, {held_out}{untouched}"
        points = f"{100 * self.difference:+.1f} points (95 % interval {100 * self.low:+.1f} to {100 * self.high:+.1f})"
        chance = "" if self.is_sure else ", which may be chance"
        easier = " These are the easier items: of new ones fewer are right." if self.n_followed else ""
        return f"{edits}: {scores}. That is {points}{chance}.{easier} {self.warning}".rstrip()

    @property
    def warning(self) -> str:
        """What to say where the decisions follow the model throughout; else ``""``."""
        if not self.follows:
            return ""
        return (
            "The decisions follow the model throughout. If nobody looked, no score on these labels shows that they are "
            f"right: by the labels as they were given accuracy is {self.as_given.value:.1%} before and "
            f"{self.as_given_after.value:.1%} after."
        )

    def to_dict(self) -> dict[str, Any]:
        """All figures, ready for JSON."""
        return {**plain(self), "sentence": self.sentence, "warning": self.warning or None}


def measure_effect(pool: Pool, applied: Applied) -> Effect:
    """The effect of the decisions of a journal; a ``Scorer`` answers again and again.

    Args:
        pool: All items, with the labels as given.
        applied: What ``apply(pool.dataset, pool.embedded.digests, decisions)`` came to.

    Raises:
        UsageError: The labels cannot be cross-validated.
        TooFewClasses: Fewer than two classes are left.
    """
    return Scorer(pool).score(labels_after(pool, applied), kept=applied.kept)


def labels_after(pool: Pool, applied: Applied) -> list[str | None]:
    """The label of each row of the pool after the edits; ``None``: dropped."""
    edited = dict(zip(applied.rows.tolist(), applied.dataset.labels, strict=True))
    return [edited.get(row) for row in range(len(pool.y))]


class Scorer:
    """Scores edits of one pool, again and again; what does not depend on them is computed once. Thread-safe.

    The head that cross-validation chose for the labels as given is fitted on the same folds to both labels, and asked
    about the items that remain, under their labels after the edits: the best that is known of the truth. Items that
    bear what the model itself suggested are learned and not asked about.

    Args:
        pool: All items, with the labels as given.

    Raises:
        UsageError: The labels cannot be cross-validated.
    """

    def __init__(self, pool: Pool) -> None:
        out_of_fold = pool.cross_validated("What edits are worth cannot be measured")
        self._pool, self._choice, self._scored = pool, out_of_fold.choice, out_of_fold.scored
        self._test = np.array([split == "test" for split in pool.dataset.splits], np.bool_)
        self._alike = pool.clusters if any(pool.dataset.groups) else pool.units
        self._given = _Labels(pool.y, np.ones(len(pool.y), np.bool_), len(pool.classes))
        self._before = self._learn(self._given)
        self._quality = score_labels(out_of_fold, pool.y, len(pool.classes), pool.folds)
        right, _ = _judged(self._before.p, pool.y, self._scored)
        self._as_given = self._accuracy(right, self._scored, _AS_GIVEN)

    def score(self, labels: Sequence[str | None], kept: Sequence[int] = ()) -> Effect:
        """The effect of edits.

        Args:
            labels: The label of each row of the pool after the edits; ``None``: dropped. New classes may be among them.
            kept: Rows that somebody looked at and found right.

        Raises:
            TooFewClasses: Fewer than two classes are left.
        """
        edited = _Labels.of(labels, self._pool)
        if len(np.unique(edited.y[edited.kept])) < 2:
            raise TooFewClasses("The edits leave fewer than two classes.", "Undo some of them.")
        changed = edited.kept & (edited.y != self._given.y)
        followed = np.where(edited.kept, changed & (edited.y == self._quality.predicted), self._quality.is_issue)
        untouched = edited.kept & ~followed
        n_changed, against = int((changed | ~edited.kept).sum()), self._quality.is_issue[list(kept)].any()
        follows = bool(n_changed >= FEW and followed.sum() >= FOLLOWS * n_changed and not against)
        after = self._learn(edited, followed if follows else None) if n_changed else self._before
        found = self._compare(self._before.p, after.p, edited.y, untouched & self._scored, _CROSS_VALIDATED)
        on_test = None
        if self._before.on_test is not None and after.on_test is not None and (untouched & self._test).any():
            on_test = self._compare(self._before.on_test, after.on_test, edited.y, untouched & self._test, _ON_TEST)
        known = edited.kept & self._scored & (edited.y < self._given.k)
        right, _ = _judged(after.p, self._given.y, known)
        return Effect(
            **{entry.name: getattr(found, entry.name) for entry in fields(Change)},
            n_relabelled=int(changed.sum()),
            n_dropped=int((~edited.kept).sum()),
            n_followed=int(followed.sum()),
            as_given=self._as_given,
            as_given_after=self._accuracy(right, known, _AS_GIVEN),
            follows=follows,
            test=on_test,
        )

    def _compare(self, before: Float32, after: Float32, y: Int, asked: Bool, method: str) -> Change:
        (right, loss), (right_after, loss_after) = (_judged(p, y, asked) for p in (before, after))
        given, edited = (self._accuracy(values, asked, method) for values in (right, right_after))
        gain = right_after - right
        low, high = paired_interval(gain, self._pool.units[asked], 1.0 if method == _ON_TEST else OVERLAP)
        return Change(given, edited, _mean(gain), low, high, int(asked.sum()), loss, loss_after)

    def _accuracy(self, right: Float64, rows: Bool, method: str) -> Interval:
        interval = held_out_interval if method == _ON_TEST else cross_validated_interval
        groups = [group for group, inside in zip(self._pool.dataset.groups, rows, strict=True) if inside]
        return interval(_mean(right), self._alike[rows], method, group_design_effect(right, groups))

    @cached_property
    def _credible(self) -> dict[tuple[int, int], Bool]:
        """For each repetition and fold, of which rows the suggestion is the same without its labels ``(n,) bool``.

        A suggestion comes from heads that learned other labels, those of held-out items too. Who learns the suggestion
        has then learned something of what is asked.
        """
        folds, given, wanted = self._pool.folds, self._given, self._quality.predicted
        typical = typical_of(self._quality.p, given.y, self._quality.judged, given.k)
        found = {task: np.zeros(len(given.y), np.bool_) for task in each_fold(folds)}

        def hold_out(task: tuple[int, int, int]) -> None:
            r, one, other = task
            out = (folds[r] == one) | (folds[r] == other)
            p = probabilities(self._fit(given, ~out).scores(self._choice.axes.z), 1.0)
            stands = is_credibly_other(p, given.y, wanted, typical)
            for mine, others in ((one, other), (other, one)):
                asked = folds[r] == others
                found[r, mine][asked] = stands[asked]

        map_on_cores(hold_out, [(r, a, b) for r, a in found for s, b in found if r == s and a < b])
        return found

    def _fit(self, labels: _Labels, inside: Bool) -> Linear:
        own, chosen = np.where(inside, labels.weights(), np.float32(0)), self._choice.chosen
        return HEADS[chosen.head].fit(self._choice.axes.z, labels.y, labels.k, own[None], [chosen.strength])[0][0]

    def _learn(self, labels: _Labels, followed: Bool | None = None) -> _Answers:
        """Fit the chosen head on each fold, and to all that is not in the test split.

        Args:
            labels: What is learned.
            followed: Rows that bear what the model suggested ``(n,) bool``: where the fold's own labels led to the
                suggestion, they are learned as they were given.
        """
        folds = self._pool.folds
        logits = np.full((len(folds), len(labels.y), labels.k), np.nan, np.float32)

        def hold_out(task: tuple[int, int]) -> None:
            repetition, fold = task
            out = folds[repetition] == fold
            own = labels if followed is None else labels.without(followed & ~self._credible[task], self._given)
            logits[repetition, out] = self._fit(own, ~out).scores(self._choice.axes.z[out])

        map_on_cores(hold_out, each_fold(folds))
        known = np.where(labels.kept[:, None], logits, np.nan)  # what was dropped has no say in calibration either
        p = cross_fitted(known, labels.y, folds)
        rest = ~self._test
        if rest.all() or len(np.unique(labels.y[labels.kept & rest])) < 2:
            return _Answers(p, None)
        usable = known[:, rest].reshape(-1, labels.k)
        temperature = fit_temperature(usable, np.tile(labels.y[rest], len(folds)), int(rest.sum()))
        on_test = np.full_like(p[:1], np.nan)
        scores = self._fit(labels, rest).scores(self._choice.axes.z[self._test])
        on_test[0, self._test] = probabilities(scores, temperature)
        return _Answers(p, on_test)


def paired_interval(gain: Float64, units: Int, widening: float = 1.0) -> tuple[float, float]:
    """95 % interval of the mean of differences between two scores of the same items.

    The variance is that of the totals of units (the sandwich estimator). Before it is taken, one unit of typical size
    is added that got better by a whole answer, and one that got worse: without them, few differences or none would
    give an interval of no width (Bonett and Price, Journal of Educational and Behavioral Statistics 37, 2012, who do
    so for two shares of the same items). Student's t with the number of units.

    Args:
        gain: Of each item ``(n,)``, -1 to 1.
        units: What shares its fate ``(n,) int64``.
        widening: The variance is multiplied by it.
    """
    if not len(gain):
        return -1.0, 1.0
    _, unit, sizes = np.unique(units, return_inverse=True, return_counts=True)
    typical = float((sizes**2).sum() / sizes.sum())
    totals = np.concatenate([np.bincount(unit, gain), [typical, -typical]])
    weight = np.concatenate([sizes, [typical, typical]])
    middle = totals.sum() / weight.sum()
    squares = ((totals - middle * weight) ** 2).sum() * len(totals) / (len(totals) - 1)
    half = student_quantile(0.95, len(totals) - 1) * np.sqrt(widening * squares) / weight.sum()
    return max(-1.0, float(middle - half)), min(1.0, float(middle + half))


@dataclass(frozen=True, slots=True, eq=False)
class _Labels:
    """Class of each row ``(n,)``, which rows count ``(n,) bool``, and the number of classes."""

    y: Int
    kept: Bool
    k: int

    @classmethod
    def of(cls, labels: Sequence[str | None], pool: Pool) -> _Labels:
        new = sorted({label for label in labels if label is not None} - set(pool.classes))
        place = {label: number for number, label in enumerate((*pool.classes, *new))}
        y = [own if label is None else place[label] for own, label in zip(pool.y.tolist(), labels, strict=True)]
        return cls(np.array(y, np.int64), np.array([label is not None for label in labels]), len(place))

    def without(self, rows: Bool, given: _Labels) -> _Labels:
        """The same, with these rows as they were given."""
        return _Labels(np.where(rows, given.y, self.y), self.kept | rows, self.k)

    def weights(self) -> Float32:
        """Of each row in fitting ``(n,)``."""
        weights = np.zeros(len(self.y), np.float32)
        weights[self.kept] = class_weights(self.y[self.kept], self.k)
        return weights


class _Answers(NamedTuple):
    """Probabilities of heads that had not seen the rows ``(r, n, k)``, and of the test split's items ``(1, n, k)``.

    They are ``nan`` where a row was not asked about.
    """

    p: Float32
    on_test: Float32 | None


def _judged(p: Float32, y: Int, rows: Bool) -> tuple[Float64, float]:
    """In which share of the repetitions each of these rows was named rightly, and the log loss of the mean answer.

    A class that ``p`` ``(r, n, k)`` does not know has the probability 0.
    """
    p, y = p[:, rows], y[rows]
    asked = ~np.isnan(p[..., 0])  # (r, n)
    times = np.maximum(1, asked.sum(axis=0))
    right = (asked & (p.argmax(axis=2) == y)).sum(axis=0) / times
    unknown = max(0, int(y.max(initial=0)) + 1 - p.shape[2])
    mean = np.nansum(p, axis=0) / times[:, None]
    return right, log_loss(y, np.pad(mean, ((0, 0), (0, unknown))))


def _mean(values: Float64) -> float:
    return float(values.mean()) if len(values) else float("nan")
