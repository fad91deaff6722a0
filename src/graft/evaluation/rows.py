"""What was learned from, and what was answered, as judging sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from graft.contracts import Array, Bool, Float32, Float64, Int, Stages
from graft.data.dataset import Dataset, Item
from graft.data.texts import texts_of
from graft.heads.features import GIVEN
from graft.heads.protocols import Answering
from graft.learning.lexical import Words


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The rows that a classifier was fitted to, and all that is known of them.

    Attributes:
        x: Embeddings ``(n, dim) float32``.
        y: Their classes; else what folds are balanced by ``(n,) int64``.
        folds: For each repetition the fold of each row ``(n,) int64``; -1: never scored.
        units: What is a copy of what, or of one group ``(n,) int64``.
        copies: What is a copy of what ``(n,) int64``.
        items: The items behind the rows.
        words: The words of texts.
        groups: The group that was given for each row, ``""`` for none.
        ignoring: Folds as ``folds``, made as if there were no groups; empty where there are none.
        seconds: Length of each recording ``(n,)``.
        doubtful: Which rows may have copies on both sides of a split ``(n,) bool``.
        negatives: Classes that the user marked as holding what is none of the others.
        classes: Names of the classes or labels; empty where numbers are to be answered.
        values: The targets as the task has them ``(n, ...)``.
        stages: Widths of the stages of ``x``.
    """

    x: Float32
    y: Int
    folds: Sequence[Int]
    units: Int
    copies: Int
    items: Sequence[Item]
    words: Words | None = None
    groups: Sequence[str] = ()
    ignoring: Sequence[Int] = ()
    seconds: Float64 | None = None
    doubtful: Bool | None = None
    negatives: Sequence[str] = ()
    classes: tuple[str, ...] = ()
    values: Array = field(default_factory=lambda: np.empty(0))
    stages: Stages = GIVEN

    @property
    def fold(self) -> Int:
        """The fold of each row in the first repetition ``(n,) int64``; -1: never scored."""
        return self.folds[0] if self.folds else np.full(len(self.y), -1, np.int64)

    def groups_of(self, some: Int) -> list[str]:
        """The groups of these rows ``(m,) int64``; empty where there are none."""
        return [self.groups[row] for row in some.tolist()] if self.groups else []


@dataclass(frozen=True, slots=True, eq=False)
class AskedItems:
    """Items with their targets, and what a head says of them that was not fitted to them.

    Attributes:
        dataset: ``n`` items.
        classes: What the head can answer; empty where that is a number.
        head: What answers.
        answer: What it says, as arrays of ``n`` rows.
    """

    dataset: Dataset
    classes: Sequence[str]
    head: Answering
    answer: Any

    @classmethod
    def by(cls, head: Answering, classes: Sequence[str], x: Float32, dataset: Dataset) -> Self:
        """What a head says of items with the embeddings ``x`` ``(n, dim) float32``; words are read where it looks."""
        return cls(dataset, classes, head, head.answer(x, texts_of(dataset.items) if head.words else None))
