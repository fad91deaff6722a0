"""Who trains what for an address: a record of each run beside the model, which is also what keeps two from training.

::

    doors.graft.zip                 the model, one object
    doors.graft.runs/000001.json    {"run", "digest", "state", "until", ...}

A run begins by making the record with the next number, which one of several callers succeeds in. Until it is over, or
its time has passed without a word, nobody begins another.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graft.buckets import BucketAddress, list_objects, read_bytes, write_bytes
from graft.buckets.access import with_access
from graft.buckets.objects import look_at
from graft.errors import Busy, GraftError, NothingToRead, OutputExists

TRAINING, DONE, FAILED = "training", "done", "failed"
LEASE = 3600.0
"""Seconds after which a run that nobody heard of counts as dead, where its platform names no limit."""
GRACE = 30.0
"""Seconds beyond the platform's limit until a run counts as dead: clocks differ."""
LONGEST = 7 * 24 * 3600.0
"""Seconds: no platform lets a run go on for longer, so a record that says so is none of ours."""
_MAX_RECORD = 16 << 20


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """A run of ours, begun.

    Attributes:
        output: The address of the model.
        number: From 1.
        digest: Of the event and the data.
        until: When it counts as dead, in seconds since 1970.
    """

    output: str
    number: int
    digest: str
    until: float

    def end(self, state: str, told: Mapping[str, Any]) -> None:
        """Say how it ended.

        Raises:
            AddressError: The store refuses, or cannot be reached.
        """
        etag = etag_of(self.output) if state == DONE else ""
        write_bytes(_place(self.output, self.number), _record(self, state, {**told, "etag": etag}))


def begin(output: str, digest: str, seconds: float | None, *, force: bool) -> TrainingRun | Mapping[str, Any]:
    """Begin a run, or give the answer of the last one, which did the same and whose model is there as it was written.

    Args:
        output: The address of the model.
        digest: Of the event and the data.
        seconds: Until the platform ends the run.
        force: Whether to train although the last run did the same.

    Raises:
        Busy: Another run is at work on this address.
        AddressError: The store refuses, or cannot be reached.
    """
    number, last = last_record(output)
    if last.get("state") == TRAINING and _left(last):
        raise _busy(output, last)
    answer = last.get("answer")
    same = not force and last.get("state") == DONE and last.get("digest") == digest
    if same and isinstance(answer, dict) and last.get("etag") == etag_of(output):
        return answer
    until = time.time() + (LEASE if seconds is None else seconds + GRACE)
    run = TrainingRun(output, number + 1, digest, until)
    try:
        write_bytes(_place(output, run.number), _record(run, TRAINING, {}), create=True)
    except OutputExists:  # somebody was faster
        raise _busy(output, {}) from None
    return run


def last_record(output: str) -> tuple[int, Mapping[str, Any]]:
    """The number of the last run for a model, and what is recorded of it; 0 and nothing where there was none.

    Raises:
        AddressError: The store refuses, or cannot be reached.
    """
    names = [one.key.rpartition("/")[2].removesuffix(".json") for one in list_objects(_runs(output)).objects]
    number = max((int(name) for name in names if name.isascii() and name.isdigit() and len(name) < 10), default=0)
    if not number:
        return 0, {}
    try:
        found = json.loads(read_bytes(_place(output, number), _MAX_RECORD))
    except (NothingToRead, ValueError, RecursionError):  # removed since, or no record of ours
        return number, {}
    return number, found if isinstance(found, dict) else {}


def etag_of(address: str) -> str:
    """Changes with the content of an object; "" where there is none.

    Raises:
        AddressError: The store refuses, or cannot be reached.
    """
    try:
        return with_access(BucketAddress.of(address), look_at).etag
    except NothingToRead:
        return ""


def _left(record: Mapping[str, Any]) -> float:
    """Seconds until the run of a record counts as dead; 0 where it does, or the record says nothing possible."""
    until = record.get("until")
    try:
        left = float(until) - time.time() if isinstance(until, int | float) else 0.0
    except OverflowError:
        return 0.0
    return left if 0 < left < LONGEST else 0.0


def _busy(output: str, record: Mapping[str, Any]) -> GraftError:
    left = _left(record)
    when = f" It ends within {left:,.0f} s." if left else ""
    return Busy(f"Another run is training {output} already.{when}", "Ask again when it is over; nothing was changed.")


def _place(output: str, number: int) -> str:
    return f"{_runs(output)}{number:06}.json"


def _runs(output: str) -> str:
    return f"{output.removesuffix('.zip')}.runs/"


def _record(run: TrainingRun, state: str, told: Mapping[str, Any]) -> bytes:
    known = {"run": run.number, "digest": run.digest, "state": state, "until": run.until, **told}
    return (json.dumps(known, indent=2) + "\n").encode()
