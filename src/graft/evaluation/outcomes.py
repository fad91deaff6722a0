"""What was said of items beside what they are, whether they are of one class each or bear any number of labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from graft import metrics
from graft.contracts import SEPARATOR, Array, Bool, Int
from graft.data.dataset import Item
from graft.evaluation import intervals
from graft.evaluation.intervals import LEAST_CLASSES, LEAST_ITEMS, group_design_effect
from graft.evaluation.notices import warn_of_unknown_labels
from graft.evaluation.rows import AskedItems
from graft.heads.classifier import Answer
from graft.heads.multi_label import confidence_of
from graft.results.figures import Calibration, ClassFigures, Interval, Judged, MultiLabelFigures, ReliabilityBin
from graft.results.scores import Scores

HARDEST = 24
"""How many of the hardest items the report names."""
EXAMPLES_PER_CELL = 6
"""How many examples it keeps of each kind of mistake."""
EXAMPLES = 200
"""How many mistakes it keeps in all."""
TOO_FEW_CLASSES = f"no score: fewer than {LEAST_CLASSES} classes have {LEAST_ITEMS} judged items each"
TOO_FEW_LABELS = f"no score: there is no label that {LEAST_ITEMS} judged items bear and {LEAST_ITEMS} do not"
"""Why there is none."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What a head said of items that it had not seen, and what they are.

    Attributes:
        classes: Names of the classes, or labels; those that the head does not know come last.
        p: Their probabilities ``(n, k)``; 0 of what the head does not know.
        named: Which it gave each item ``(n, k) bool``.
        given: Which each item has ``(n, k) bool``.
        exclusive: Whether an item is of one class and no other.
        strange: The names that the head does not know.
    """

    classes: Sequence[str]
    p: Array
    named: Bool
    given: Bool
    exclusive: bool = True
    strange: Sequence[str] = ()

    @classmethod
    def of(cls, answered: AskedItems) -> Self:
        """Of items that were answered; a label that the head does not know cannot be named."""
        dataset, answer, exclusive = answered.dataset, answered.answer, answered.head.exclusive
        strange = sorted(set(dataset.every_label) - set(answered.classes))
        names, beyond = [*answered.classes, *strange], ((0, 0), (0, len(strange)))
        p, named = np.pad(answer.p, beyond), np.pad(named_by(answer, exclusive=exclusive), beyond)
        return cls(names, p, named, dataset.bearing(names), exclusive, strange)

    @classmethod
    def of_classes(cls, classes: Sequence[str], p: Array, y: Int) -> Self:
        """Of items of the classes ``y`` ``(n,) int64``, each called the most probable one."""
        return cls(classes, p, most_probable(p), y[:, None] == np.arange(len(classes)))

    @property
    def y(self) -> Int:
        """The class of each item ``(n,) int64``."""
        return np.asarray(self.given.argmax(axis=1), np.int64)

    @property
    def right(self) -> Bool:
        """Which items were given exactly what they have ``(n,) bool``."""
        return np.asarray((self.named == self.given).all(axis=1), np.bool_)

    @property
    def known(self) -> Bool:
        """Which items have nothing that the head does not know ``(n,) bool``."""
        return np.asarray(~self.given[:, len(self.classes) - len(self.strange) :].any(axis=1), np.bool_)

    @property
    def too_few(self) -> str:
        """Why there is no score; ``""`` where there are enough items for one."""
        if self.exclusive:
            return "" if intervals.enough_judged(self.y) else TOO_FEW_CLASSES
        return "" if intervals.enough_labels_judged(self.given) else TOO_FEW_LABELS

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the classes or labels that occur, given or predicted; ``nan`` where there is no score."""
        return float("nan") if self.too_few else metrics.label_f1(self.given, self.named)[1]

    @property
    def multi(self) -> MultiLabelFigures | None:
        """The figures that there are where items bear any number of labels; ``nan`` where there is no score."""
        if self.exclusive:
            return None
        found, nothing = measure(self.p, self.named, self.given), float("nan")
        scored = MultiLabelFigures(nothing, nothing, nothing, nothing, nothing, found.labels_per_item)
        return scored if self.too_few else found

    @property
    def confusion(self) -> tuple[tuple[int, ...], ...]:
        """Given classes as rows, predictions as columns."""
        if not self.exclusive:
            return ()
        found = metrics.confusion_matrix(self.y, self.named.argmax(axis=1), len(self.classes))
        return tuple(tuple(row) for row in found.tolist())

    @property
    def calibration(self) -> Calibration:
        """How far the probability that exactly what was named is right can be believed; of classes, of known ones."""
        rows = self.known | (not self.exclusive)
        return calibration(self.confidence(self.named)[rows, None], (~self.right[rows]).astype(np.int64))

    def confidence(self, what: Bool) -> Array:
        """The probability that these ``(n, k) bool`` are exactly right, of each item ``(n,)``."""
        return self.p[what] if self.exclusive else confidence_of(self.p, what)

    def score(self, copies: Int, groups: Sequence[str]) -> Interval:
        """The share of held-out items that are right, with its interval; of new groups, where there are groups.

        Args:
            copies: What is a copy of what ``(n,) int64``.
            groups: The group of each item; empty where there are none.
        """
        right = self.right
        if none := self.too_few:
            return intervals.no_score(f"{none} ({int(right.sum())} of {len(right)} were right)")
        grouped = len(set(groups) - {""}) > 1
        effect = group_design_effect(right, groups) if grouped else 1.0
        what = "held-out items" if self.exclusive else "exact match on held-out items"
        method = f"{what}, Wilson interval" + (", widened for groups" if grouped else "")
        return intervals.held_out_interval(float(right.mean()), copies, method, effect)

    def per_class(
        self, copies: Int, groups: Sequence[str] = (), correlation: float = 1.0, kept: Array | None = None
    ) -> dict[str, ClassFigures]:
        """Precision and recall of each class, with a 95 % interval of the recall; ``nan`` for what did not occur.

        Args:
            copies: What is a copy of what ``(n,) int64``.
            groups: The group of each item, ``""`` for none; empty where there are none.
            correlation: By how much items count for less than independent ones, see ``correlation_of``.
            kept: Which part of its error each class keeps with all of its items ``(k,)``; by default all of it.
        """
        figures = {}
        for place, label in enumerate(self.classes):
            rows, called = np.flatnonzero(self.given[:, place]), int(self.named[:, place].sum())
            hits = self.named[rows, place]
            recall = int(hits.sum()) / len(rows) if len(rows) else float("nan")
            recall = recall if kept is None else 1 - (1 - recall) * float(kept[place])
            own = [groups[row] for row in rows.tolist()] if groups else []
            effect = correlation * (group_design_effect(hits, own) if own else 1.0)
            low, high = intervals.recall_interval(recall, copies[rows], effect)
            precision = int(hits.sum()) / called if called else float("nan")
            figures[label] = ClassFigures(precision, recall, len(rows), low, high)
        return figures

    def hardest(self, items: Sequence[Item]) -> tuple[Judged, ...]:
        """Those of the items whose given labels are believed least, all together, hardest first."""
        believed = self.confidence(self.given)
        if not self.exclusive:
            each = np.maximum(np.where(self.given, self.p, 1 - self.p), np.finfo(np.float32).tiny)
            believed = np.log(each).sum(axis=1)  # a product of many would be 0
        return tuple(self._judged(items, np.argsort(believed, kind="stable")[:HARDEST]))

    def mistakes(self, items: Sequence[Item]) -> tuple[Judged, ...]:
        """Examples of every kind of mistake, the surest first: at most ``EXAMPLES_PER_CELL`` of one kind."""
        wrong = np.flatnonzero(~self.right)
        seen: Counter[tuple[str, str]] = Counter()
        kept: list[Judged] = []
        for one in self._judged(items, wrong[np.argsort(-self.confidence(self.named)[wrong], kind="stable")]):
            seen[one.label, one.predicted] += 1
            if seen[one.label, one.predicted] <= EXAMPLES_PER_CELL:
                kept.append(one)
        return tuple(kept[:EXAMPLES])

    def _judged(self, items: Sequence[Item], rows: Int) -> list[Judged]:
        """What was said of some of the items ``(m,) int64``."""
        sure, believed = (self.confidence(what)[rows].tolist() for what in (self.named, self.given))
        return [
            Judged(items[row].name, self._labels(self.given[row]), self._labels(self.named[row]), *probabilities)
            for row, *probabilities in zip(rows.tolist(), sure, believed, strict=True)
        ]

    def _labels(self, which: Bool) -> str:
        """Which of them these ``(k,) bool`` are, without a look at each: there may be thousands."""
        return SEPARATOR.join(self.classes[place] for place in np.flatnonzero(which).tolist())


def score_held_out(answered: AskedItems, copies: Int, split: str) -> Scores:
    """Score a head by its answers to items that it was not fitted to.

    An item with a label that the head does not know counts as wrong: it cannot be named rightly.

    Args:
        answered: The items and its answers; of given groups the interval is one for new ones.
        copies: What is a copy of what ``(n,) int64``, so that copies do not narrow the interval.
        split: What these items are called in the result.
    """
    said, groups, sets = Outcomes.of(answered), answered.dataset.groups, answered.answer.sets
    covered = float((sets & said.given[:, : sets.shape[1]]).any(axis=1).mean()) if len(sets) else float("nan")
    return Scores(
        accuracy=said.score(copies, groups),
        macro_f1=said.macro_f1,
        per_class=said.per_class(copies, groups),
        n_items=len(said.p),
        split=split,
        classes=tuple(said.classes),
        confusion=said.confusion,
        ece=said.calibration.ece,
        coverage=covered if said.exclusive else float("nan"),
        warnings=warn_of_unknown_labels(said.strange, int((~said.known).sum())),
        multi=said.multi,
    )


def named_by(answer: Answer, *, exclusive: bool) -> Bool:
    """What an answer gives its items ``(n, k) bool``: the most probable class, or its labels."""
    return most_probable(answer.p) if exclusive else answer.sets


def most_probable(p: Array) -> Bool:
    """The most probable class of each item alone ``(n, k) bool``."""
    return np.asarray(p.argmax(axis=1)[:, None] == np.arange(p.shape[1]), np.bool_)


def measure(p: Array, named: Bool, given: Bool) -> MultiLabelFigures:
    """The figures of predicted labels ``named`` and probabilities ``p``, all ``(n, k)``, of which ``given`` are right.

    Precision is averaged over the labels that occur among these items.
    """
    micro, macro = metrics.label_f1(given, named)
    precisions = [metrics.average_precision(given[:, j], p[:, j]) for j in np.flatnonzero(given.any(axis=0))]
    return MultiLabelFigures(
        micro_f1=micro,
        macro_f1=macro,
        hamming_loss=metrics.hamming_loss(given, named),
        exact_match=metrics.exact_match(given, named),
        mean_average_precision=float(np.mean(precisions)) if precisions else float("nan"),
        labels_per_item=float(given.sum(axis=1).mean()) if len(given) else float("nan"),
    )


def calibration(p: Array, y: Int) -> Calibration:
    """Expected calibration error of the top class's probability, less chance, and its bins. ``p`` is ``(n, k)``."""
    found = metrics.expected_calibration_error(y, p)
    bins = [
        ReliabilityBin(float(confidence), float(accuracy), int(n))
        for confidence, accuracy, n in zip(found.confidence, found.accuracy, found.n, strict=True)
        if n
    ]
    return Calibration(metrics.debiased_calibration_error(y, p), tuple(bins))
