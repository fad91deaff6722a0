"""What a monitor found: plain data, the keys of ``graft monitor --json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from graft.monitoring.accuracy import AccuracyNow


@dataclass(frozen=True, slots=True)
class Finding:
    """What one of the tests found.

    Attributes:
        changed: Whether there is an alarm, which holds for good: a monitor's log does not forget.
        p: A p-value that may be looked at after every item.
        level: What it is held against.
        effect: How large the change is since it began; of inputs in standard deviations, of answers and unknown ones in
            shares. ``None`` without a change.
        since: When the item was answered with which the change seems to have begun.
        since_item: Which item that was, from 1.
        found_item: After which item the alarm was raised, from 1.
        text: The same in words; ``""`` without a change.
    """

    changed: bool
    p: float
    level: float
    effect: float | None = None
    since: str | None = None
    since_item: int | None = None
    found_item: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class ClassShare:
    """Share of a class among the answers before and now, and their difference with its 95 % interval.

    Before and now are what one standing head says, which has seen neither; ``answered`` is what the model itself said.
    """

    label: str
    before: float
    now: float
    difference: float
    low: float
    high: float
    answered: int


@dataclass(frozen=True, slots=True)
class StrangeItem:
    """An item that is far from all classes, or far along what has changed."""

    item: int
    key: str
    time: str
    label: str
    confidence: float | None
    unknown: bool
    strangeness: float


@dataclass(frozen=True, slots=True)
class MonitorReport:
    """All of it.

    Attributes:
        n: Items that were looked at, each once, and none that is in the reference.
        since: When the earliest change began that there is an alarm for.
        input: Whether the items themselves have changed.
        answers: Whether classes come in other shares.
        unknown: Whether more items are like no class.
        accuracy: How accurate the model probably is now.
        classes: Shares of the classes; empty for numbers.
        new: Classes that the model answers and the reference does not have.
        gone: Classes that should have been answered several times by now, and never were.
        to_label: So many items have to be labelled to know the accuracy within 5 points.
        examples: The newest of the strangest items beside an alarm.
        reference: What items were compared with.
        n_reference: So many.
        known: Items of the log that are in the reference, and tell nothing new.
        repeats: Lines of items that were there already.
        near_copies: Of the newest 2,000 items so many are other content but nearly the same to the model as another.
        broken: Lines that cannot be read, and
        broken_lines: the numbers of the first of them.
        waiting: Whether a last line is there in part.
        others: Items of other models, by their digest.
        notes: What else is to be said.
    """

    n: int
    since: str | None
    input: Finding
    answers: Finding
    unknown: Finding
    accuracy: AccuracyNow
    classes: tuple[ClassShare, ...]
    new: tuple[str, ...]
    gone: tuple[str, ...]
    to_label: int
    examples: tuple[StrangeItem, ...]
    reference: str
    n_reference: int
    known: int = 0
    repeats: int = 0
    near_copies: int = 0
    broken: int = 0
    broken_lines: tuple[int, ...] = ()
    waiting: bool = False
    others: Mapping[str, int] | None = None
    notes: tuple[str, ...] = ()

    @property
    def alarm(self) -> bool:
        """Whether anything has changed."""
        return self.input.changed or self.answers.changed or self.unknown.changed

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; ``estimated_accuracy`` is ``None`` where none can be given, and ``no_accuracy`` says why."""
        own = self.accuracy
        given = own.value is not None
        return {
            "n": self.n,
            "since": self.since,
            "input": asdict(self.input),
            "answers": {**asdict(self.answers), "classes": [asdict(one) for one in self.classes],
                        "new": list(self.new), "gone": list(self.gone)},
            "unknown": asdict(self.unknown),
            "estimated_accuracy": {"value": own.value, "low": own.low, "high": own.high, "n": own.n} if given else None,
            "no_accuracy": None if given else own.reason,
            "to_label": None if given else self.to_label,
            "alarm": self.alarm,
            "examples": [asdict(one) for one in self.examples],
            "reference": {"name": self.reference, "n": self.n_reference},
            "log": {"known": self.known, "repeats": self.repeats,
                    "near_copies": self.near_copies, "broken": self.broken,
                    "broken_lines": list(self.broken_lines), "waiting": self.waiting,
                    "other_models": dict(self.others or {})},
            "notes": list(self.notes),
        }  # fmt: skip


def as_time(seconds: float) -> str:
    """Seconds since 1970 as ISO text; a clock that was far off gives what can be said of it."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (OverflowError, OSError, ValueError):
        return f"{seconds:.0f}"
