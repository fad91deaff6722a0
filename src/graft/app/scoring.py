"""The score after the decisions so far, measured in the background while people go on deciding."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from graft.cleaning.effect import Scorer, labels_after
from graft.cleaning.findings import Findings
from graft.cleaning.review import Review
from graft.errors import GraftError
from graft.executors import one_thread_each
from graft.journal.resolution import Applied
from graft.report.words import percent, points

Score = Callable[[Applied], str]
"""From the data with all decisions to a few words that say what these were worth."""
PAUSE = 1.5
"""Seconds without a decision before anything is measured."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What is known of the score.

    Attributes:
        text: In words; ``""`` as long as nothing is known.
        n_decisions: After how many decisions.
        busy: Whether it is being measured again.
    """

    text: str = ""
    n_decisions: int = -1
    busy: bool = False


def effect_scorer(findings: Findings) -> Score | None:
    """The score by cross-validation, as ``measure_effect`` has it; ``None`` where labels cannot be judged."""
    if findings.labels is None:
        return None
    scorers: list[Scorer] = []  # the first takes its time, in the background like the rest

    def score(applied: Applied) -> str:
        with one_thread_each():
            if not scorers:
                scorers.append(Scorer(findings.pool))
            effect = scorers[0].score(labels_after(findings.pool, applied), kept=applied.kept)
        given = f"Accuracy {percent(effect.as_given.value)} with the labels as given"
        if not effect.n_relabelled + effect.n_dropped:
            return given
        change = f"{points(effect.difference)} points (95 % interval {points(effect.low)} to {points(effect.high)})"
        # No second accuracy beside it: that of the labels as edited answers another question.
        follow = ", and follow the model throughout: if nobody looked, that proves nothing" if effect.follows else ""
        return f"{given}; the decisions bring {change}{follow}"

    return score


class LiveScore:
    """Measures again when decisions came in, one measurement at a time, never while they are still coming.

    Attributes:
        current: What is known now.
    """

    def __init__(self, review: Review, score: Score | None) -> None:
        self._review = review
        self._score = score
        self._poked = threading.Event()
        self._over = threading.Event()
        self.current = Scored()
        self._thread = threading.Thread(target=self._run, name="graft-score", daemon=True)

    def start(self) -> None:
        """Begin; without a score there is nothing to do."""
        if self._score is not None:
            self._thread.start()
            self.poke()

    def stop(self) -> None:
        """Measure nothing more; a measurement that is under way is left behind."""
        self._over.set()
        self._poked.set()

    def poke(self) -> None:
        """Say that the decisions may have changed."""
        self._poked.set()

    def _run(self) -> None:
        while not self._over.is_set():
            self._poked.wait()
            while self._poked.is_set() and not self._over.is_set():
                self._poked.clear()
                self._over.wait(PAUSE)
            n = len(self._review.decisions)
            if self._score is None or self._over.is_set() or n == self.current.n_decisions:
                continue
            self.current = Scored(self.current.text, self.current.n_decisions, busy=True)
            try:
                text = self._score(self._review.applied())
            except GraftError as error:
                text = str(error)
            self.current = Scored(text, n)
