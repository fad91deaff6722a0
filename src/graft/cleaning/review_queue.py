"""What there is to look at, in which order: the items that a filter lets through, worst first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from graft.cleaning.duplicates import DuplicateSet
from graft.cleaning.findings import Findings
from graft.cleaning.quality import DROP_IT, KINDS
from graft.contracts import SEPARATOR, Bool, Float64, Int
from graft.errors import UsageError

ANY, ALL = "any", "all"
"""Filters beside the kinds of issues: whatever has an issue, and everything."""
OF_COPIES = ("exact_duplicate", "near_duplicate", "label_conflict", "leak")
"""Kinds whose items are looked at set by set."""
_SPLITS = ("test", "val", "train", "")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which items are wanted.

    Attributes:
        kind: A kind of issue, ``"any"`` of them, or ``"all"`` items.
        label: Only items that the data give this label.
        predicted: Only items that the model takes for this class.
        now: Only items of this class as decided so far.
        undecided: Only items on which nothing was decided yet.
    """

    kind: str = ANY
    label: str | None = None
    predicted: str | None = None
    now: str | None = None
    undecided: bool = False


@dataclass(frozen=True, slots=True)
class ProposedEdit:
    """What is proposed to do about an item. Look before you accept.

    Attributes:
        action: ``"relabel"``, ``"drop"``, ``"merge"``, or ``"keep"``.
        to: The new label, for ``relabel``.
        p: How probable the model finds it, 0 to 1; ``None`` where that is not what it rests on.
    """

    action: str
    to: str | None = None
    p: float | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How many items of a kind there are, and on how many of them nothing was decided yet."""

    n: int
    left: int


class ReviewQueue:
    """The items of a data set by what is the matter with them. Nothing in it changes."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.sets: Mapping[int, DuplicateSet] = {row: found for found in findings.duplicates for row in found.rows}
        self._has = {kind: np.asarray(findings[f"is_{kind}_issue"], np.bool_) for kind in findings.kinds}
        self._has[ANY] = np.logical_or.reduce([np.zeros(len(findings), np.bool_), *self._has.values()])
        self._has[ALL] = np.ones(len(findings), np.bool_)
        self._worst_first = findings.worst_first()
        self._size = self._sizes()

    @property
    def kinds(self) -> tuple[str, ...]:
        """What can be filtered by."""
        return (ANY, *self.findings.kinds, ALL)

    def queue(self, wanted: Filter, decided: Bool, keep: int | None = None, labels: Sequence[str] | None = None) -> Int:
        """The rows that a filter lets through, worst first; copies beside each other where they are asked for.

        Args:
            wanted: The filter.
            decided: On which rows something was decided ``(n,) bool``.
            labels: The label of each row as it is now; by default as the data give it.
            keep: A row that stays even if something was decided about it, so that nobody loses the place.

        Raises:
            UsageError: The filter names a kind that was not looked for.
        """
        if wanted.kind not in self.kinds:
            raise UsageError(
                f"There is no kind of issue called {wanted.kind[:40]!r}.", f"Choose one of {', '.join(self.kinds)}."
            )
        chosen = self._has[wanted.kind].copy()
        if wanted.label is not None:
            chosen &= self._bears(wanted.label, self.findings.dataset.labels)
        if wanted.now is not None:
            chosen &= self._bears(wanted.now, self.findings.dataset.labels if labels is None else labels)
        if wanted.predicted is not None:
            chosen &= self.findings["predicted_label"] == wanted.predicted
        if wanted.undecided:
            left = ~decided
            if keep is not None and 0 <= keep < len(left):
                left[keep] = True
            chosen &= left
        order = self._order(wanted.kind)
        return order[chosen[order]]

    def suggestion(self, row: int) -> ProposedEdit:
        """What is proposed to do about an item, by the gravest of its issues.

        An outlier is to be dropped, whatever it looks like, for a probability says little of what is like nothing else.
        Then come wrong labels, then copies, of which the one with the most credible label is to be kept.
        """
        if self._has_issue(row, "outlier"):
            return ProposedEdit("drop")
        labels = self.findings.labels
        if labels is not None and labels.is_issue[row]:
            place = int(labels.predicted[row])
            return ProposedEdit("relabel", self.findings.classes[place], float(labels.p[row, place]))
        if any(self._has_issue(row, kind) for kind in OF_COPIES):
            return ProposedEdit("merge")
        useless = any(self._has_issue(row, kind) for kind, what in KINDS.items() if what.advice == DROP_IT)
        return ProposedEdit("drop" if useless else "keep")

    def _has_issue(self, row: int, kind: str) -> bool:
        return kind in self._has and bool(self._has[kind][row])

    def counts(self, decided: Bool) -> dict[str, Count]:
        """How much there is of each kind and how much of it is left; ``decided``: as in ``queue``."""
        return {kind: Count(int(has.sum()), int((has & ~decided).sum())) for kind, has in self._has.items()}

    def best_first(self, found: DuplicateSet) -> tuple[int, ...]:
        """The rows of a set of copies, the one to keep first.

        That is the one with the most credible label where labels differ; else the one that is held out, for a score on
        what was learnt is none; else the largest picture, the longest text or recording.
        """
        credible, splits = self.findings["label_score"], self.findings.dataset.splits

        def rank(row: int) -> tuple[float, int, float, int]:
            doubt = -float(credible[row]) if found.across_labels else 0.0
            return doubt, _SPLITS.index(splits[row]), -float(self._size[row]), row

        return tuple(sorted(found.rows, key=rank))

    def _order(self, kind: str) -> Int:
        if kind in (ANY, ALL):
            return self._worst_first
        if kind in OF_COPIES:
            return np.array([row for entry in self.findings.duplicates for row in self.best_first(entry)], np.int64)
        return self.findings.issues(kind)

    def _bears(self, label: str, labels: Sequence[str]) -> Bool:
        several = bool(self.findings.dataset.tags)
        return np.array([label in borne.split(SEPARATOR) if several else label == borne for borne in labels], np.bool_)

    def _sizes(self) -> Float64:
        """Pixels, characters or seconds ``(n,) float64``, whatever these items have; 0 where it is not known."""
        known, nothing = self.findings.pool.embedded.statistics, np.zeros(len(self.findings))
        measured = [known[name] for name in ("width", "height", "characters", "seconds") if name in known]
        return np.asarray(np.nan_to_num(np.prod(measured or [nothing], axis=0)), np.float64)
