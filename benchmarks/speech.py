"""Time and accuracy of ``graft fit`` on recordings, beside logistic regression on the same embeddings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.draws import Draw, each_group_left_out, given_split
from benchmarks.goals import Goal, plain_goals, show_goals
from benchmarks.race import Peer, plain, race, show_race
from benchmarks.results import keep, progress
from benchmarks.sets import DATA, Example, read_takes

DIGITS = "spoken_digits"
PEERS = (Peer("graft's embeddings + logistic regression", "graft_logistic.py"),)


def as_given(takes: Sequence[Example]) -> Iterator[Draw]:
    """The set's own split: takes 0 to 4 of each speaker and digit are the test."""
    division = given_split(DIGITS, takes, "audio")
    if division is not None:
        yield division


def each_speaker(takes: Sequence[Example]) -> Iterator[Draw]:
    """One speaker in turn is the test; the others are learnt from."""
    return each_group_left_out(DIGITS, takes, "audio")


@dataclass(frozen=True, slots=True)
class Row:
    """How the recordings are divided, and the mean accuracy that is to be reached."""

    name: str
    divide: Callable[[Sequence[Example]], Iterator[Draw]]
    accuracy: float


ROWS = (
    Row("Free Spoken Digits, its own split", as_given, 0.995),
    Row("Free Spoken Digits, a speaker left out", each_speaker, 0.972),
)


def measure(peers: bool = True) -> None:
    """Measure every contestant on both rows; print the tables and write ``results/speech.json``.

    Args:
        peers: Whether the peers run too.
    """
    rows: list[dict[str, Any]] = []
    goals: list[Goal] = []
    try:
        takes = read_takes(DATA / DIGITS)
    except FileNotFoundError as problem:
        progress.print(f"[yellow]{DIGITS} is left out: {problem}[/yellow]", soft_wrap=True)
        return
    for row in ROWS:
        divisions = list(row.divide(takes))
        found = race(divisions, PEERS if peers else ())
        show_race(divisions, found, row.name)
        if found[0].runs:
            goals.append(Goal(f"{row.name}: accuracy", found[0].accuracy, "at least", row.accuracy))
        rows.append({"name": row.name, **plain(divisions, found)})
        keep("speech", {"rows": rows, "goals": plain_goals(goals)})
    show_goals("Recordings", goals)
