"""Bets against "nothing has changed", whose capital seldom grows while that is true, however often it is looked at.

A score that was fixed beforehand ranks every new item among a reference and all items before it. As long as reference
and items come from one source, in any order, these ranks are independent and uniform, exactly and for any size of the
reference: a conformal test martingale (Vovk, Gammerman and Shafer, *Algorithmic Learning in a Random World*, 2nd ed.
2022, ch. 8; Vovk, "Testing randomness online", Statistical Science 36, 2021). Betting on them multiplies a capital of
1 by something of mean 1 for each item. By Ville's inequality the capital ever reaches c with probability at most 1/c,
so that 1 over the largest capital so far is a p-value that may be looked at after every item (Ramdas, Gruenwald, Vovk
and Shafer, "Game-theoretic statistics and safe anytime-valid inference", Statistical Science 38, 2023).

A change may come late, when a capital that has bet all along has long been lost. So a part of it is laid on every
item as the first of the change: a mixture of martingales over their starts, which is one too.
"""

from __future__ import annotations

from functools import cache
from statistics import NormalDist

import numpy as np

from graft.contracts import Float64, Int

BINS = 512
"""A bet looks at ranks as coarsely as this, so that the mean of what it pays is 1 exactly."""
SHIFTS = (-1.75, -1.0, -0.5, -0.25, 0.25, 0.5, 1.0, 1.75)
"""Bets on items that lie higher or lower, in standard deviations of the reference."""
RISES = (0.5, 1.0, 1.75, 2.5)
"""The same, of scores of which only higher ones tell something."""
ODDS = (0.3, 0.6, 1.7, 2.7, 5.0)
"""Bets on a class whose odds are so many times what they were."""
_STEP = 0.05
_LARGEST = 3.0
_EARLY = 0.5
"""Share of the capital that bets on a change before the first item."""
_START = 64
"""Half of the rest is laid on changes that begin among so many items."""
_BLOCK = 512


def ranks(pool: Float64, scores: Float64, jitter: Float64) -> Float64:
    """The rank of every item among the pool and all items before it ``(n,)``, in (0, 1), ties broken by chance.

    Args:
        pool: Scores of the reference ``(m,)``.
        scores: Of the items ``(n,)``, in their order.
        jitter: Uniform numbers ``(n,)``.
    """
    before, found = np.sort(pool), np.empty(len(scores))
    for start in range(0, len(scores), _BLOCK):
        block = scores[start : start + _BLOCK]
        earlier = np.tri(len(block), k=-1, dtype=np.bool_)
        lower = np.searchsorted(before, block, "left")
        equal = np.searchsorted(before, block, "right") - lower
        lower = lower + (earlier & (block[None, :] < block[:, None])).sum(axis=1)
        equal = equal + (earlier & (block[None, :] == block[:, None])).sum(axis=1)
        size = len(pool) + start + np.arange(1, len(block) + 1)
        found[start : start + _BLOCK] = (lower + jitter[start : start + _BLOCK] * (equal + 1)) / size
        before = np.sort(np.concatenate([before, block]), kind="stable")
    return np.clip(found, np.finfo(np.float64).tiny, 1 - np.finfo(np.float64).eps)


def shifted(u: Float64, size: int, bets: tuple[float, ...], *, late: bool = True) -> Float64:
    """The logarithm of the capital after each item ``(n,)``, betting that scores lie higher or lower than before.

    Args:
        u: Ranks ``(n,)`` of independent uniform distribution while nothing changes.
        size: Items of the reference among which they were ranked.
        bets: How far they may have moved, a part of the capital on each.
        late: Whether a change may also begin after the first item.
    """
    table, cells = _shift_table(), _cells(u)
    # What changed from the start soon makes up the pool itself, and stands out the less.
    rest = size / (size + np.arange(len(u)))
    early = [table[_shift_rows(bet * rest), cells] for bet in bets]
    steady = [table[_shift_rows(np.full(len(u), bet)), cells] for bet in bets] if late else []
    return _capital(np.array(early), np.array(steady))


def moved(u: Float64, size: int, share: float) -> Float64:
    """The logarithm of the capital after each item ``(n,)``, betting that a class has become more or less frequent.

    Args:
        u: Ranks ``(n,)`` of the items by how much they look like the class.
        size: Items of the reference among which they were ranked.
        share: Of the class in another part of the reference, which is not among these.
    """
    early, steady = [], []
    rest = size / (size + np.arange(len(u)))
    for times in ODDS:
        new = times * share / (1 - share + times * share)
        # The class has the same items as before, and more or fewer of them: among the highest ranks, and nowhere else.
        now = share * rest + new * (1 - rest)
        early.append(np.log(np.where(u > 1 - now, new / now, (1 - new) / (1 - now))))
        steady.append(np.log(np.where(u > 1 - share, new / share, (1 - new) / (1 - share))))
    return _capital(np.array(early), np.array(steady))


def _capital(early: Float64, steady: Float64) -> Float64:
    """Of the logarithms ``(bets, n)`` of what each bet pays, begun at once or after any item."""
    n = early.shape[1]
    if not n:
        return np.empty(0)
    at_once = np.logaddexp.reduce(np.cumsum(early, axis=1), axis=0) - np.log(len(early))
    if not len(steady):
        return np.asarray(at_once)
    first = np.arange(n)
    laid = np.log(_START) - np.log(first + _START) - np.log(first + _START + 1)
    paid = np.cumsum(steady, axis=1)
    before = np.concatenate([np.zeros((len(steady), 1)), paid[:, :-1]], axis=1)
    begun = paid + np.logaddexp.accumulate(laid - before, axis=1)
    later = np.logaddexp.reduce(begun, axis=0) - np.log(len(steady))
    kept = np.log(_START) - np.log(first + _START + 1)  # what is laid on starts that are still to come
    return np.asarray(np.logaddexp(np.log(_EARLY) + at_once, np.log(1 - _EARLY) + np.logaddexp(later, kept)))


def _cells(u: Float64) -> Int:
    return np.minimum((u * BINS).astype(np.int64), BINS - 1)


def _shift_rows(shift: Float64) -> Int:
    return np.rint((np.clip(shift, -_LARGEST, _LARGEST) + _LARGEST) / _STEP).astype(np.int64)


@cache
def _shift_table() -> Float64:
    """For each shift the logarithm of what a bet on it pays in each cell; each row pays 1 in the mean."""
    normal = NormalDist()
    middle = np.array([normal.inv_cdf((cell + 0.5) / BINS) for cell in range(BINS)])
    shifts = np.arange(-round(_LARGEST / _STEP), round(_LARGEST / _STEP) + 1) * _STEP
    logs = np.outer(shifts, middle)
    return np.asarray(logs - np.log(np.exp(logs).mean(axis=1, keepdims=True)))
