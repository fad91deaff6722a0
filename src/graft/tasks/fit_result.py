"""What a task learned, and the one type that all tasks have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graft.contracts import Float64, Task
from graft.data.dataset import Dataset
from graft.evaluation.rows import AskedItems, Rows
from graft.results.facts import HeadChoice


@dataclass(frozen=True, slots=True, eq=False)
class FitResult:
    """What was learned from rows.

    Attributes:
        head: What answers; one of ``graft.heads``.
        out_of_fold: What heads that had not seen the rows said of them, as the task has it; ``rejected`` is in which
            share of the repetitions each was called unknown ``(n,)``.
        choice: Which head was taken, and why.
        right: How good each out-of-fold answer is ``(n,)``, ``nan`` where there is none: what encoders are compared by.
        answer: These answers as ``head.answer`` gives them, without unknown scores: the mean over the repetitions, and
            prediction sets by thresholds that an item had no part in.
    """

    head: Any
    out_of_fold: Any
    choice: HeadChoice
    right: Float64
    answer: Any


AnyTask = Task[Dataset, Rows, FitResult, AskedItems, Any, Any]
