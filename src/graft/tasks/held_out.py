"""What was said of every item by heads that had not seen it: what the report's figures are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from graft.contracts import SEPARATOR, Bool, Float32, Int
from graft.data.dataset import Dataset
from graft.evaluation import Rows
from graft.heads.classifier import Answer
from graft.learning.classifier import OutOfFold
from graft.results.prediction import Prediction


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Predictions of the items that were held out, in cross-validation or in a given test split.

    Attributes:
        classes: Columns of ``p`` and ``sets``.
        names: Of the items ``(n,)``.
        given: Their labels; where there are several, joined by ``|``.
        fold: From 1, which fold of the first repetition an item was in; 0 for the test split ``(n,) int64``.
        p: Probabilities ``(n, k) float32``; in cross-validation the mean over its repetitions.
        sets: Prediction sets ``(n, k) bool``, by thresholds that an item had no part in; of items that bear any number
            of labels, what is predicted.
        unknown: Which were called unknown ``(n,) bool`` in most repetitions, by thresholds that they had no part in.
        several: Whether items bear any number of labels.
    """

    classes: tuple[str, ...]
    names: tuple[str, ...]
    given: tuple[str, ...]
    fold: Int
    p: Float32
    sets: Bool
    unknown: Bool
    several: bool = False

    @classmethod
    def of(cls, out_of_fold: OutOfFold, rows: Rows, given: Sequence[str], sets: Bool, *, several: bool = False) -> Self:
        """What cross-validation said of the rows that it scored.

        Args:
            out_of_fold: What heads that had not seen them said of the rows.
            rows: What was fitted to.
            given: The label of each row.
            sets: The prediction set of each, or its labels ``(n, k) bool``.
            several: Whether items bear any number of labels.
        """
        scored = np.flatnonzero(out_of_fold.scored)
        listed = scored.tolist()
        return cls(
            tuple(rows.classes),
            tuple(rows.items[row].name for row in listed),
            tuple(given[row] for row in listed),
            rows.folds[0][scored] + 1 if len(rows.folds) else np.empty(0, np.int64),
            out_of_fold.p[scored],
            sets[scored],
            out_of_fold.rejected[scored] > 0.5,
            several,
        )

    def __len__(self) -> int:
        return len(self.names)

    def predictions(self) -> Iterator[Prediction]:
        """The same as answers of a model, in order."""
        for row, name in enumerate(self.names):
            p, members = self.p[row], self.sets[row]
            inside = tuple(label for label, member in zip(self.classes, members, strict=True) if member)
            sure = float(np.where(members, p, 1 - p).prod()) if self.several else float(p.max())
            yield Prediction(
                input=name,
                label=SEPARATOR.join(inside) if self.several else self.classes[int(p.argmax())],
                confidence=sure,
                unknown=bool(self.unknown[row]),
                unknown_score=float("nan"),
                scores=dict(zip(self.classes, map(float, p), strict=True)),
                set=inside,
                labels=inside if self.several else None,
            )

    def joined(self, tested: Dataset, head: Any, answer: Answer) -> HeldOut:
        """These and the items of a given test split, which the fitted ``head`` itself has answered."""
        return HeldOut(
            self.classes,
            (*self.names, *(item.name for item in tested.items)),
            (*self.given, *tested.labels),
            np.concatenate([self.fold, np.zeros(len(tested), np.int64)]),
            np.concatenate([self.p, answer.p]),
            np.concatenate([self.sets, answer.sets]),
            np.concatenate([self.unknown, answer.unknown_score > head.unknown.threshold]),
            self.several,
        )
