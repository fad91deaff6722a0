"""Which items are seen together, in which order: it follows from seed and epoch alone, so that a run can be resumed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graft.contracts import Float32, Int

COMPANY = 4
"""Items of one class that are put into a batch together, where items are to be drawn together."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Items as the loop takes them.

    Attributes:
        values: What ``Encoder.prepare`` made of each item.
        y: Class of each ``(n,) int64``.
        offset: What is added to the logits and not trained, as are the scores of words ``(n, k) float32``.
        sizes: How long each is ``(n,) int64``, where that differs: those of like length go through the network
            together, for all are filled up to the longest.
    """

    values: Sequence[Any]
    y: Int
    offset: Float32 | None = None
    sizes: Int | None = None

    def __len__(self) -> int:
        return len(self.y)


def epoch_batches(y: Int, batch: int, seed: int, epoch: int, *, in_company: bool = False) -> list[Int]:
    """All rows in random order, cut into batches of nearly equal size.

    Args:
        y: Class of each row ``(n,) int64``.
        batch: Rows in a batch, at most.
        seed: Of the run.
        epoch: From 0.
        in_company: Whether every row is to have some of its own class beside it. Each row is still seen once: the work
            grows with the rows, and not with their pairs.
    """
    chance = np.random.default_rng([seed, epoch])
    order = chance.permutation(len(y))
    if in_company:
        order = order[np.argsort(y[order], kind="stable")]
        starts = np.flatnonzero(np.diff(y[order], prepend=-1))
        place = np.arange(len(y)) - np.repeat(starts, np.diff(starts, append=len(y)))
        heads = np.flatnonzero(place % COMPANY == 0)
        companies = np.split(order, heads[1:])
        order = np.concatenate([companies[company] for company in chance.permutation(len(companies))])
    return np.array_split(order, -(-len(y) // batch))


def parts(rows: Samples, chosen: Int, at_once: int) -> list[Int]:
    """Places in a batch, cut into what goes through the network together.

    Args:
        rows: All items.
        chosen: Those of the batch ``(b,) int64``.
        at_once: The most that go together.
    """
    order = np.arange(len(chosen)) if rows.sizes is None else np.argsort(rows.sizes[chosen], kind="stable")
    return np.array_split(order, -(-len(chosen) // at_once))
