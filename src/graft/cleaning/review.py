"""Going through what was found, one item after another: what was decided so far, decisions, undo and redo.

All that a review knows beside the findings stands in the journal. It can be left and taken up at any time, and several
people can work on one journal at once, each with a review of their own.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from graft.cleaning.findings import Findings
from graft.cleaning.review_queue import Count, Filter, ReviewQueue
from graft.contracts import SEPARATOR, Bool, Int
from graft.data.contents import label_set
from graft.errors import UsageError
from graft.journal.decision import Decision, ItemKey, login, new_id
from graft.journal.journal import Journal, JournalState
from graft.journal.resolution import Applied, Outcome, apply, keys_of, resolve
from graft.report.words import clean

AT_ONCE = 200
"""Items of a line of the journal; a decision about more is several lines of one batch."""
_LONE = "Of these copies the others are not chosen.", "Choose them too, or look at one alone."
_ALL_DECIDED = "Somebody has decided on all of these meanwhile.", "Look at what was decided."
MAX_LABEL = 200
"""Characters of a new label."""


class Review:
    """Findings, and what was decided about them so far. Safe to use from several threads."""

    def __init__(self, findings: Findings, journal: Journal) -> None:
        """Take up the review where the journal is.

        Raises:
            DataError: The journal cannot be read, or it is something else.
        """
        self.findings = findings
        self.journal = journal
        self.review_queue = ReviewQueue(findings)
        self.keys = keys_of(findings.dataset, findings.pool.embedded.digests)
        self._row = {key: row for row, key in enumerate(self.keys)}
        self._lock = threading.RLock()
        self._reading = JournalState()
        self._outcomes: dict[int, Outcome] = {}
        self.refresh()

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """All that stands in the journal, in its order."""
        return self._reading.decisions

    @property
    def n_bad(self) -> int:
        """Lines of the journal that could not be used."""
        return self._reading.n_bad

    @property
    def decided(self) -> Bool:
        """On which rows something was decided ``(n,) bool``."""
        decided = np.zeros(len(self.findings), np.bool_)
        with self._lock:
            decided[list(self._outcomes)] = True
        return decided

    def outcome(self, row: int) -> Outcome | None:
        """What holds for an item; ``None``: nothing was decided."""
        return self._outcomes.get(row)

    def label(self, row: int) -> str:
        """The label of an item as it is now."""
        outcome = self._outcomes.get(row)
        return outcome.to if outcome is not None and outcome.to is not None else self.findings.dataset.labels[row]

    def new_labels(self) -> tuple[str, ...]:
        """Labels that were decided on and that the data do not have."""
        with self._lock:
            made = {tag for outcome in self._outcomes.values() if outcome.to for tag in self._label_set(outcome.to)}
        return tuple(sorted(made - set(self.findings.classes)))

    def queue(self, wanted: Filter, keep: int | None = None) -> Int:
        """The rows that a filter lets through, worst first; see ``ReviewQueue.queue``.

        Raises:
            UsageError: The filter names a kind that was not looked for.
        """
        return self.review_queue.queue(wanted, self.decided, keep, None if wanted.now is None else self.labels())

    def dropped(self) -> set[int]:
        """The rows that are to be left out."""
        with self._lock:
            return {row for row, outcome in self._outcomes.items() if outcome.action == "drop"}

    def labels(self) -> list[str]:
        """The label of each row as it is now."""
        labels = list(self.findings.dataset.labels)
        with self._lock:
            for row, outcome in self._outcomes.items():
                labels[row] = labels[row] if outcome.to is None else outcome.to
        return labels

    def sizes(self) -> dict[str, int]:
        """How many items each class has now, without those that were dropped; classes of the data first, then new."""
        dropped = self.dropped()
        labels = [label for row, label in enumerate(self.labels()) if row not in dropped]
        if self.findings.dataset.tags:
            labels = [tag for label in labels for tag in label.split(SEPARATOR)]
        counts = Counter(labels)
        return {label: counts[label] for label in (*self.findings.classes, *self.new_labels())}

    def confusion(self) -> Int:
        """``Findings.confusion`` of the items on which nothing was decided yet ``(k, k)``."""
        return self.findings.confusion(~self.decided)

    def suggested(self, wanted: Filter, above: float) -> Int:
        """The rows that a filter lets through, undecided, whose class is proposed to be another, worst first.

        Args:
            wanted: The filter.
            above: How probable the other class must be, 0 to 1.

        Raises:
            UsageError: The filter names a kind that was not looked for.
        """
        rows, labels = self.queue(replace(wanted, undecided=True)), self.findings.labels
        rows = rows[:0] if labels is None else rows[labels.is_issue[rows]]
        proposed = ((row, self.review_queue.suggestion(row)) for row in rows.tolist())
        chosen = [row for row, edit in proposed if edit.action == "relabel" and edit.p is not None and edit.p >= above]
        return np.array(chosen, np.int64)

    def counts(self) -> dict[str, Count]:
        """How much there is of each kind and how much of it is left."""
        return self.review_queue.counts(self.decided)

    def decide(self, action: str, rows: Sequence[int], to: str | None = None, who: str | None = None) -> Decision:
        """Decide about items; once this returns, the decision is on the disk.

        Args:
            action: ``"relabel"``, ``"drop"``, ``"keep"``, ``"unsure"``, or ``"merge"``: of copies, keep the first.
            rows: What about.
            to: The new label, for ``relabel``; the given one is a ``keep``.
            who: Who decides; by default who is logged in.

        Raises:
            UsageError: That cannot be decided.
            GraftError: The journal cannot be written; nothing was decided.
        """
        self._append(*(made := self._made(action, rows, to, _known(who))))
        return made[-1]

    def accept(self, rows: Sequence[int], who: str | None = None, *, undecided: bool = False) -> Decision:
        """Do about each of the items what is proposed; they are taken back together. The last decision.

        Nothing is decided about other items: copies are merged with those that are among ``rows``, and a copy whose
        others are not is left as it is.

        Args:
            rows: What about; what is proposed is ``review_queue.suggestion(row)``.
            who: Who decides; by default who is logged in.
            undecided: Leave alone what somebody has decided on meanwhile.

        Raises:
            UsageError: These are no items, or nothing can be done about them.
            GraftError: The journal cannot be written; nothing was decided.
        """
        self._keys_of(rows)
        if undecided:
            self.refresh()
            rows = [row for row in rows if self.outcome(row) is None]
        alike: dict[tuple[str, str | None], list[int]] = {}
        copies: dict[tuple[int, ...], list[int]] = {}
        for row in rows:
            proposed = self.review_queue.suggestion(row)
            if proposed.action == "merge":
                copies.setdefault(self.review_queue.best_first(self.review_queue.sets[row]), []).append(row)
            else:
                alike.setdefault((proposed.action, proposed.to), []).append(row)
        made = [part for (action, to), its in alike.items() for part in self._made(action, its, to, _known(who))]
        for best_first, its in copies.items():
            if len(its) > 1:
                made += self._made("merge", sorted(its, key=best_first.index), None, _known(who))
        if not made:
            raise UsageError(*(_LONE if rows else _ALL_DECIDED))
        batch = new_id()
        self._append(*(replace(decision, batch=batch) for decision in made))
        return self.decisions[-1]

    def _made(self, action: str, rows: Sequence[int], to: str | None, who: str) -> list[Decision]:
        """A decision; about very many items several, for a line of the journal is bounded."""
        keys = self._keys_of(rows)
        if action == "relabel":
            to = self._checked(to)
            if all(to == key.label for key in keys):
                action, to = "keep", None
        elif to is not None or action not in ("drop", "keep", "unsure", "merge"):
            raise UsageError(f"There is no such decision: {action[:40]!r}.", "Relabel, drop, keep, merge or unsure.")
        if action == "merge":
            found = self.review_queue.sets.get(rows[0])
            if found is None or len(rows) < 2 or not set(rows) <= set(found.rows):
                raise UsageError("These items are no copies of each other.", "Drop them one by one.")
            return [Decision(action, keys, to, who=who)]
        batch = new_id() if len(keys) > AT_ONCE else None
        parts = [keys[at : at + AT_ONCE] for at in range(0, len(keys), AT_ONCE)]
        return [Decision(action, part, to, who=who, batch=batch) for part in parts]

    def undo(self, who: str | None = None) -> Decision | None:
        """Take back the last decision of somebody's that still holds, and all that were made with it.

        Returns:
            That decision, or ``None`` if there is none.
        """
        with self._lock:
            self.refresh()
            done, _ = self._own(_known(who))
            return self._take_back(done, _known(who))

    def redo(self, who: str | None = None) -> Decision | None:
        """Make somebody's decision again that they took back last; ``None`` if they have decided anything since."""
        with self._lock:
            self.refresh()
            _, undos = self._own(_known(who))
            undo = self._take_back(undos, _known(who))
            return undo and next(decision for decision in self.decisions if decision.id == undo.undoes)

    def rows_of(self, decision: Decision) -> tuple[int, ...]:
        """The rows that a decision is about, and those that were made with it, so far as they are in these data."""
        keys = [key for made in _made_with(decision, self.decisions) for key in made.items]
        return tuple(dict.fromkeys(self._row[key] for key in keys if key in self._row))

    def refresh(self) -> int:
        """Take in what was appended to the journal since, by whomever; how many decisions there are now.

        Raises:
            DataError: The journal cannot be read.
        """
        with self._lock:
            earlier = self._reading
            there = self.journal.path.exists() or not self.journal.path.parent.is_dir()
            reading = self.journal.follow(earlier) if there else JournalState()
            self._reading = reading
            new = reading.decisions[len(earlier.decisions) :]
            continued = reading.file == earlier.file and reading.offset >= earlier.offset
            only_added = all(decision.action not in ("undo", "merge") for decision in new)
            if continued and only_added and not _repeats(earlier, new):
                self._take(resolve(new).outcomes)
            elif reading is not earlier:
                self._outcomes = {}
                self._take(resolve(reading.decisions).outcomes)
            return len(reading.decisions)

    def applied(self) -> Applied:
        """The data with all decisions."""
        return apply(self.findings.dataset, self.findings.pool.embedded.digests, self.decisions)

    def _append(self, *decisions: Decision) -> None:
        with self._lock:
            self.journal.append(*decisions)
            self.refresh()

    def _take_back(self, made: Sequence[Decision], who: str) -> Decision | None:
        """Undo the last of these, and those among them that were made with it; the last, if there is one."""
        if not made:
            return None
        last = _made_with(made[-1], made)
        batch = new_id() if len(last) > 1 else None
        self._append(*(Decision("undo", undoes=decision.id, who=who, batch=batch) for decision in reversed(last)))
        return made[-1]

    def _take(self, outcomes: Mapping[ItemKey, Outcome]) -> None:
        self._outcomes |= {self._row[key]: outcome for key, outcome in outcomes.items() if key in self._row}

    def _own(self, who: str) -> tuple[list[Decision], list[Decision]]:
        """Somebody's decisions that hold, and their undos that nothing followed, the latest last."""
        gone = resolve(self.decisions).undone
        own = [decision for decision in self.decisions if decision.who == who]
        done = {decision.id: decision for decision in own if decision.undoes is None}
        last = max((place for place, decision in enumerate(own) if decision.undoes is None), default=-1)
        undos = {decision.id: decision for decision in own[last + 1 :] if decision.undoes in done}
        return [d for d in done.values() if d.id not in gone], [d for d in undos.values() if d.id not in gone]

    def _keys_of(self, rows: Sequence[int]) -> tuple[ItemKey, ...]:
        if not rows or len(set(rows)) < len(rows) or not all(0 <= row < len(self.keys) for row in rows):
            raise UsageError(
                f"These are no items: {str(list(rows))[:40]}.", f"Rows go from 0 to {len(self.keys) - 1:,}, each once."
            )
        return tuple(self.keys[row] for row in rows)

    def _checked(self, to: str | None) -> str:
        """A label as the data would give it."""
        tags = self._label_set(to or "")
        if any(clean(tag) != tag or len(tag) > MAX_LABEL for tag in tags):
            raise UsageError(
                "The label holds characters that cannot be shown, or is too long.",
                f"Use at most {MAX_LABEL} letters, digits and signs.",
            )
        if not tags and not self.findings.dataset.tags:
            raise UsageError("The label is empty.", "Name a class.")
        return SEPARATOR.join(tags)

    def _label_set(self, label: str) -> tuple[str, ...]:
        return label_set(label.split(SEPARATOR) if self.findings.dataset.tags else [label])


def _made_with(decision: Decision, decisions: Sequence[Decision]) -> list[Decision]:
    """What was decided with one click together with a decision, that one included."""
    if decision.batch is None:
        return [decision]
    return [other for other in decisions if other.batch == decision.batch and other.who == decision.who]


def _known(who: str | None) -> str:
    return login() if who is None else who


def _repeats(earlier: JournalState, new: Sequence[Decision]) -> bool:
    """Whether a decision stands in the journal for the second time, as in two journals that were joined."""
    known = {decision.id for decision in earlier.decisions} if new else set()
    return any(decision.id in known for decision in new)
