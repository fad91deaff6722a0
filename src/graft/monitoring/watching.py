"""What of a stream of items has changed against a reference, told with a bound on false alarms over a whole life.

Three tests share 5 %: of the inputs, of the mix of answers, and of how many items are like no class. Each multiplies
bets (``betting``) on several scores, and every score has to pass a threshold of its own: the chance of a false alarm
is at most the sum of the chances, however the scores depend on each other.

*Inputs.* One half of the reference fits the scorer, the other is what items are ranked among. The scores are the widest
directions and lengths, fixed beforehand; and from the 16th item on, and every 32 items again, a direction that is
learned: from the means of the last items and of a third part of the reference. It is bet on with later items alone,
of which it knows nothing, so that it keeps the bound exactly.

*Answers.* A head that stands for the model's is fitted several times, each time without a part of the reference, and
each item is asked of one of these heads, drawn by chance: so all of the reference is out of fold, and items are
treated as it was. Here ranks are uniform but for the little that one part tells of another; that it does not matter
is measured.

*Unknown.* How far an item is from all classes, in one direction: further.

The verdict is a function of the items and their order. Nothing is kept from one call to the next, and it does not
matter how often or when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from graft.contracts import Float32, Float64, Int
from graft.monitoring.betting import RISES, SHIFTS, moved, ranks, shifted
from graft.monitoring.reference import LEAST_ROWS, Reference
from graft.monitoring.scores import DriftScorer, DriftScores

LEVELS = {"input": 0.02, "answers": 0.02, "unknown": 0.01}
"""What the chance of a false alarm of each test over its whole life is at most: 5 % together."""
LEAST_ITEMS = 20
"""No alarm before so many items."""
FIXED = 8
"""So many of the widest directions are watched from the start."""
FIRST, EVERY, LAST, LIFE = 16, 32, 64, 256
"""A direction is learned after so many items, again after every so many, from the last so many; and watched so long."""
FOLDS = 4
_FITTED, _COMPARED = 0.35, 0.15
"""Shares of the reference: for fitting the scorer, and for learning directions against; the rest is ranked."""
_SHARED = 0.5
"""Part of the level of the inputs that fixed scores have; learned ones share the rest."""
_CONSTANT = 1e-6
_NEVER = -np.inf


@dataclass(frozen=True, slots=True, eq=False)
class Drift:
    """What one test found.

    Attributes:
        p: Valid whenever it is looked at: while nothing changes, it ever is at most a level with that chance.
        changed: Whether it is at most the test's level.
        since: Which item the change seems to have begun with, from 0; ``None`` without a change.
        found: Which item told it.
        effect: How far the score that tells most has moved since then, in standard deviations of the reference.
        score: That score of every item ``(n,)``, and
        among: of the ranked part of the reference ``(m,)``.
        column: Which class it speaks of, in a test of answers.
        rows: Which rows of the reference the ranked part is ``(m,) int64``.
    """

    p: float = 1.0
    changed: bool = False
    since: int | None = None
    found: int | None = None
    effect: float = 0.0
    score: Float64 | None = None
    among: Float64 | None = None
    column: int | None = None
    rows: Int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Drifts:
    """What all tests found, and what they looked at.

    Attributes:
        input: Whether the items themselves have changed.
        answers: Whether their classes come in other shares.
        unknown: Whether more of them are like no class.
        strange: How far each item is from all classes ``(n,)``.
        usual: The same of the ranked part of the reference ``(m,)``.
        said: What the standing heads answer to the items ``(n, q)``, and
        said_before: to the reference, out of fold ``(m, q)``.
    """

    input: Drift
    answers: Drift
    unknown: Drift
    strange: Float64
    usual: Float64
    said: Float64
    said_before: Float64


@dataclass(frozen=True, slots=True, eq=False)
class _Bet:
    """The capital of one score: its logarithm after each item, less what its share of the level costs."""

    capital: Float64
    score: Float64
    among: Float64
    begins: int = 0
    column: int | None = None


def watch(reference: Reference, x: Float32) -> Drifts:
    """Look for changes.

    Args:
        reference: What new items are compared with.
        x: Embeddings of the items ``(n, d) float32`` in their order, each item once.
    """
    q = reference.targets.shape[1]
    if len(reference) < LEAST_ROWS or not len(x):
        empty = np.empty(0)
        return Drifts(Drift(), Drift(), Drift(), empty, empty, np.empty((0, q)), np.empty((0, q)))
    order = np.random.default_rng(0).permutation(len(reference))
    fitted, compared, ranked = np.split(order, np.cumsum([round(len(order) * s) for s in (_FITTED, _COMPARED)]))
    scorer = _fit(reference, fitted)
    before, now = scorer.score(reference.x[ranked]), scorer.score(x)
    chance = np.random.default_rng(1)
    inputs = [*_fixed(before, now, chance), *_learned(scorer.score(reference.x[compared]).inputs, before, now)]
    jitter = np.random.default_rng(2).random(len(x))
    strange = _Bet(shifted(ranks(before.strange, now.strange, jitter), len(ranked), RISES), now.strange, before.strange)
    said_before, said = _out_of_fold(reference, x)
    return Drifts(
        _verdict(inputs, LEVELS["input"], ranked),
        _verdict(_answers(reference, said_before, said), LEVELS["answers"], np.arange(len(reference))),
        _verdict([strange], LEVELS["unknown"], ranked),
        now.strange,
        before.strange,
        said,
        said_before,
    )


def _fit(reference: Reference, rows: Int) -> DriftScorer:
    targets = reference.targets[rows]
    return DriftScorer.fitted(reference.x[rows], targets, reference.stages, exclusive=reference.exclusive)


def _fixed(before: DriftScores, now: DriftScores, chance: np.random.Generator) -> Iterator[_Bet]:
    """Bets on scores that the scorer alone decides: the widest directions, and lengths."""
    own = before.inputs.shape[1]
    directions = own - before.n_lengths
    columns = [*range(min(FIXED, directions)), *range(directions, own)]
    jitter = chance.random((len(now.inputs), len(columns)))
    price = np.log(len(columns)) - np.log(_SHARED)
    for place, column in enumerate(columns):
        pool, score = before.inputs[:, column], now.inputs[:, column]
        yield _Bet(shifted(ranks(pool, score, jitter[:, place]), len(pool), SHIFTS) - price, score, pool)


def _learned(compared: Float64, before: DriftScores, now: DriftScores) -> Iterator[_Bet]:
    """Bets on directions that were learned on the way, each on items after those that it was learned from."""
    usual, n = compared.mean(axis=0), len(now.inputs)
    for number, begins in enumerate([FIRST, *range(EVERY, n, EVERY)]):
        last = now.inputs[max(0, begins - LAST) : begins]
        after = now.inputs[begins : begins + LIFE]
        if not len(after):
            return
        direction = _between(compared - usual, last - last.mean(axis=0), last.mean(axis=0) - usual)
        pool, score = before.inputs @ direction, now.inputs @ direction
        jitter = np.random.default_rng([3, begins]).random(len(after))
        capital = shifted(ranks(pool, score[begins : begins + LIFE], jitter), len(pool), RISES, late=False)
        price = np.log((number + 1) * (number + 2)) - np.log(1 - _SHARED)
        yield _Bet(capital - price, score, pool, begins)


def _between(one: Float64, other: Float64, apart: Float64) -> Float64:
    """The direction ``(s,)`` that best tells two sets of centred rows from another, whose means lie ``apart``."""
    scatter = (one.T @ one + other.T @ other) / max(1, len(one) + len(other) - 2)
    width = np.sqrt(np.diag(scatter))
    width = np.where(width > _CONSTANT, width, np.inf)  # what does not vary but by rounding tells nothing
    alike = scatter / np.outer(width, width)
    return np.asarray(np.linalg.solve(alike + np.eye(len(alike)), apart / width) / width)


def _out_of_fold(reference: Reference, x: Float32) -> tuple[Float64, Float64]:
    """What heads that have not seen them say of the reference ``(m, q)``, and of the items ``(n, q)``."""
    fold = np.random.default_rng(4).permutation(len(reference)) % FOLDS
    asked = np.random.default_rng(5).integers(FOLDS, size=len(x))
    before, now = np.empty(reference.targets.shape), np.empty((len(x), reference.targets.shape[1]))
    for one in range(FOLDS):
        scorer = _fit(reference, np.flatnonzero(fold != one))
        before[fold == one] = scorer.score(reference.x[fold == one]).answers
        now[asked == one] = scorer.score(x[asked == one]).answers
    return before, now


def _answers(reference: Reference, before: Float64, now: Float64) -> Iterator[_Bet]:
    """Bets on classes that come more or less often; or on numbers that are larger or smaller."""
    m, n = len(before), len(now)
    jitter = np.random.default_rng(6).random(now.shape)
    if not reference.classes:
        yield _Bet(shifted(ranks(before[:, 0], now[:, 0], jitter[:, 0]), m, SHIFTS), now[:, 0], before[:, 0])
        return
    shares = reference.targets.mean(axis=0)
    columns = [column for column in range(len(shares)) if 0 < shares[column] < 1]
    if reference.exclusive and len(columns) == 2:
        columns = [min(columns, key=lambda column: float(shares[column]))]  # the other one says the same
    for column in columns if n else ():
        u = ranks(before[:, column], now[:, column], jitter[:, column])
        capital = moved(u, m, float(shares[column])) - np.log(len(columns))
        yield _Bet(capital, now[:, column], before[:, column], column=column)


def _verdict(bets: Iterator[_Bet] | list[_Bet], level: float, rows: Int) -> Drift:
    """What the bets come to; the one that is worth most tells how large the change is and since when."""
    best, found, most = None, None, _NEVER
    for bet in bets:
        capital = np.concatenate([np.full(bet.begins, _NEVER), bet.capital])
        capital[:LEAST_ITEMS] = _NEVER
        if not len(capital):
            continue
        if capital.max() > most:
            best, most = bet, float(capital.max())
        passed = np.flatnonzero(capital >= -np.log(level))
        if len(passed) and (found is None or passed[0] < found):
            found = int(passed[0])
    p = float(min(1.0, np.exp(-most)))
    if best is None or found is None:
        return Drift(p)
    since = onset(best.score, best.among)
    return Drift(
        p, True, since, found, effect(best.score[since:], best.among), best.score, best.among, best.column, rows
    )


def onset(score: Float64, among: Float64) -> int:
    """Since which item scores differ most from the reference: where a shift of the mean is likeliest to begin."""
    apart = (score - among.mean()) / max(float(among.std()), np.finfo(np.float32).tiny)
    apart = np.clip(apart, -4, 4)
    later = np.cumsum(apart[::-1])[::-1]
    return int(np.argmax(later**2 / np.arange(len(apart), 0, -1)))


def effect(score: Float64, among: Float64) -> float:
    """How far the mean of scores has moved, in standard deviations of the reference."""
    return float((score.mean() - among.mean()) / max(float(among.std()), np.finfo(np.float32).tiny))
