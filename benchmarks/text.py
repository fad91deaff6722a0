"""Time and accuracy of ``graft fit`` on texts, beside what people do today with the same pretrained weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.draws import DRAWS, Draw, few_of, given_split
from benchmarks.goals import Goal, plain_goals, show_goals
from benchmarks.race import COLD, WARM, Contestant, Peer, plain, race, show_race
from benchmarks.results import keep, progress
from benchmarks.sets import DATA, read_tables

STEPS = 200
"""Of SetFit's training, each on 32 pairs: its own default, every pair, would take hours or days here."""
SENTENCES = Peer("sentence-transformers + logistic regression", "sentence_logistic.py", "setfit")
SAME = Peer("graft's embeddings + logistic regression", "graft_logistic.py")
LOGISTIC = (SENTENCES, SAME)
"""Both with their strength chosen by cross-validation."""


@dataclass(frozen=True, slots=True)
class Row:
    """A data set, how it is divided, and what is to be reached.

    Attributes:
        name: How the row is called.
        data: The folder's name.
        accuracy: At least so much; ``None``: more than the logistic regressions.
        shots: Of each class to learn from, by draws; ``None``: all that the given split has.
        cold: At most so many seconds with an empty cache.
        warm: At most so many seconds with a warm one.
    """

    name: str
    data: str
    accuracy: float | None = None
    shots: int | None = None
    cold: float | None = None
    warm: float | None = None


ROWS = (
    Row("Banking77, all of its training texts", "banking77", accuracy=0.932, cold=30.0, warm=6.0),
    Row("Banking77, 8 of each class", "banking77", accuracy=0.84, shots=8),
    Row("TREC-6", "trec6"),
    Row("SMS spam", "sms_spam"),
)


def measure(
    names: Sequence[str] = (), count: int = DRAWS, peers: bool = True, setfit: bool = True, steps: int = STEPS
) -> None:
    """Measure every contestant on every row; print the tables and write ``results/text.json``.

    Args:
        names: Folders of the sets, by default all.
        count: Draws of the row that has few texts of each class.
        peers: Whether the peers run too.
        setfit: Whether SetFit is among them: it takes most of the time.
        steps: How long SetFit trains.
    """
    contestants = (*([setfit_for(steps)] if setfit else []), *LOGISTIC) if peers else ()
    rows: list[dict[str, Any]] = []
    goals: list[Goal] = []
    for row in ROWS:
        if names and row.data not in names:
            continue
        try:
            divisions = list(divide(row, count))
        except (FileNotFoundError, ValueError) as problem:
            progress.print(f"[yellow]{row.name} is left out: {problem}[/yellow]", soft_wrap=True)
            continue
        found = race(divisions, contestants)
        show_race(divisions, found, row.name)
        goals += goals_of(row, found)
        rows.append({"name": row.name, **plain(divisions, found)})
        keep("text", {"rows": rows, "goals": plain_goals(goals)})  # a long run that is stopped keeps what it has
    show_goals("Texts", goals)


def setfit_for(steps: int) -> Peer:
    """SetFit with so many steps of 32 pairs."""
    return Peer(f"SetFit, {steps} steps of 32 pairs", "setfit_pairs.py", "setfit", ("--steps", str(steps)))


def divide(row: Row, count: int) -> Iterator[Draw]:
    """The given split of a row's data, or so many draws of a few of its training texts; the test is always the same.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: A class is too small.
    """
    division = given_split(row.data, read_tables(DATA / row.data), "text")
    if division is None:
        raise ValueError("one of its two tables is empty")
    if row.shots is None:
        return iter([division])
    return (few_of(division, row.shots, seed) for seed in range(count))


def goals_of(row: Row, contestants: Sequence[Contestant]) -> Iterator[Goal]:
    """What the row asks for, as far as it was measured."""
    by_name = {contestant.name: contestant for contestant in contestants if contestant.runs}
    if COLD not in by_name:
        return
    accuracy = by_name[COLD].accuracy
    if row.accuracy is not None:
        yield Goal(f"{row.name}: accuracy", accuracy, "at least", row.accuracy)
    else:
        for peer in LOGISTIC:
            if peer.name in by_name:
                yield Goal(f"{row.name}: accuracy, beside {peer.name}", accuracy, "above", by_name[peer.name].accuracy)
    for name, bound in ((COLD, row.cold), (WARM, row.warm)):
        if bound is not None:
            yield Goal(f"{row.name}: {name}", by_name[name].wall, "at most", bound, "s")
