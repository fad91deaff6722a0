"""What was said of every item by heads that had not seen it: what the report's figures are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np

from graft.contracts import Array, Bool, Int
from graft.evaluation import AskedItems, Rows
from graft.heads.protocols import Answering
from graft.tasks.fit_result import FitResult


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Answers to the items that were held out, in cross-validation or in a given test split.

    Attributes:
        classes: What can be answered; empty where numbers are.
        names: Of the items ``(n,)``.
        given: Their labels; where there are several, joined by ``|``.
        fold: From 1, which fold of the first repetition an item was in; 0 for the test split ``(n,) int64``.
        answer: What ``head.answer`` gives, without unknown scores; in cross-validation the mean over its repetitions,
            and prediction sets by thresholds that an item had no part in.
        unknown: Which were called unknown ``(n,) bool`` in most repetitions, by thresholds that they had no part in.
        head: The one that was fitted to all items, which says what an answer means.
    """

    classes: tuple[str, ...]
    names: tuple[str, ...]
    given: tuple[str, ...]
    fold: Int
    answer: Any
    unknown: Bool
    head: Answering

    @classmethod
    def of(cls, found: FitResult, rows: Rows, given: Sequence[str]) -> Self:
        """What cross-validation said of the rows that it scored; ``given`` is the label of each row."""
        scored = np.flatnonzero(~np.isnan(found.right))
        return cls(
            rows.classes,
            tuple(rows.items[row].name for row in scored.tolist()),
            tuple(given[row] for row in scored.tolist()),
            rows.fold[scored] + 1,
            _each(lambda values: values[scored], found.answer),
            found.out_of_fold.rejected[scored] > 0.5,
            found.head,
        )

    def __len__(self) -> int:
        return len(self.names)

    def predictions(self) -> Iterator[Any]:
        """The same as answers of a model, in order."""
        said = self.head.predictions(self.classes, self.answer)
        for one, name, unknown in zip(said, self.names, self.unknown.tolist(), strict=True):
            yield replace(one, input=name, unknown=unknown)

    def joined(self, tested: AskedItems) -> Self:
        """These and the items of a given test split, which the fitted head itself has answered."""
        dataset, score = tested.dataset, tested.answer.unknown_score
        unscored = replace(tested.answer, unknown_score=np.full_like(score, np.nan))
        return replace(
            self,
            names=(*self.names, *(item.name for item in dataset.items)),
            given=(*self.given, *dataset.labels),
            fold=np.concatenate([self.fold, np.zeros(len(dataset), np.int64)]),
            answer=_each(lambda *both: np.concatenate(both), self.answer, unscored),
            unknown=np.concatenate([self.unknown, score > self.head.unknown.threshold]),
        )


def _each(made: Callable[..., Array], *answers: Any) -> Any:
    """An answer of the same kind, whose arrays are made of those of the answers, one of each at a time."""
    kind = type(answers[0])
    return kind(*(made(*(getattr(one, entry.name) for one in answers)) for entry in fields(kind)))
