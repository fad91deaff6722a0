"""How long work goes on once it was stopped: processor time from a random moment of it to its end."""

from __future__ import annotations

import math
import multiprocessing
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

from benchmarks.draws import Draw, few_of, write_manifest
from benchmarks.goals import Goal, plain_goals, show_goals
from benchmarks.results import keep, progress, show
from benchmarks.sets import DATA, Example, read_folders, read_tables, read_takes

TIMES = 20
MOST = 0.5
"""Seconds of processor time."""
VERBS = ("embed", "fit", "clean", "tune")
SETS = {
    "ants_bees": ("image", read_folders, 60, 24),
    "banking77": ("text", read_tables, 25, 6),
    "spoken_digits": ("audio", read_takes, 100, 12),
}
"""Modality, reader, and how many items of each class there are at most, and where they are tuned on."""


class Stop:
    """Set as soon as this process has computed for so long; keeps how long it was not looked at, and by whom then."""

    def __init__(self, after: float = math.inf) -> None:
        self.after = after
        self.begun = self.last = time.process_time()
        self.stretches: list[tuple[float, str]] = []

    def is_set(self) -> bool:
        """Whether the time is over."""
        now = time.process_time()
        self.stretches.append((now - self.last, _asker(sys._getframe(1))))
        self.last = now
        return now - self.begun >= self.after

    @property
    def late(self) -> float:
        """Seconds since it was set."""
        return time.process_time() - self.begun - self.after


@dataclass(frozen=True, slots=True)
class Measured:
    """How one kind of work ended on one set.

    Attributes:
        verb: The work.
        data: The set.
        whole: Seconds of processor time of all of it, the first time in a process.
        longest: The longest stretches of it that nobody could have ended, and where they were over; imports are in it.
        late: For each moment at which it was stopped the seconds until it had ended.
    """

    verb: str
    data: str
    whole: float
    longest: tuple[tuple[float, str], ...]
    late: tuple[float, ...]


def measure(verbs: Sequence[str] = (), times: int = TIMES, sets: Sequence[str] = ()) -> None:
    """Stop each kind of work at many moments; print the table and write ``results/cancelling.json``.

    Args:
        verbs: Of ``VERBS``, by default all.
        times: How often each is stopped on each set.
        sets: Folders of ``SETS``, by default all.
    """
    done: list[Measured] = []
    for verb in verbs or VERBS:
        for data in sets or SETS:
            progress.print(f"{verb}: {data}")
            try:
                # In a process of its own, whose first run imports and opens whatever is needed.
                with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                    done.append(pool.submit(stopped, verb, data, times).result())
            except FileNotFoundError as problem:
                progress.print(f"[yellow]{data} is left out: {problem}[/yellow]", soft_wrap=True)
    if not done:
        return
    rows = [
        (each.verb, each.data, f"{each.whole:.1f}", str(len(each.late)), *_seconds(each.late), *_stretch(each))
        for each in done
    ]
    columns = ("", "", "whole, s", "stopped", "median, s", "worst, s", "longest stretch of a first run, s", "heard in")
    show("Cancelling: processor time from the moment to the end", columns, rows)
    goals = [
        Goal(f"{verb}: the worst of all", max(worst), "at most", MOST, "s")
        for verb in VERBS
        if (worst := [late for each in done if each.verb == verb for late in each.late])
    ]
    show_goals("Cancelling", goals)
    keep("cancelling", {"rows": [asdict(each) for each in done], "goals": plain_goals(goals)})


def stopped(verb: str, data: str, times: int) -> Measured:
    """Do the work once, and then stop it at so many moments, each drawn from all of its time.

    Raises:
        FileNotFoundError: The set is not there.
    """
    from graft.errors import Cancelled

    modality, reader, most, few = SETS[data]
    with TemporaryDirectory() as folder:
        examples = reader(DATA / data)
        work = _work(verb, _manifest(data, examples, modality, few if verb == "tune" else most, Path(folder)), folder)
        first = Stop()
        work(first)
        whole = time.process_time() - first.begun
        chance, late = random.Random(0), list[float]()
        until = whole
        while len(late) < times:
            stop = Stop(chance.uniform(0, until))
            try:
                work(stop)
            except Cancelled:
                late.append(stop.late)
            else:  # what was opened the first time takes no time any more
                until = min(until, stop.after)
        longest = tuple(sorted(first.stretches, reverse=True)[:5])
    return Measured(verb, data, whole, longest, tuple(late))


def _manifest(data: str, examples: Sequence[Example], modality: str, most: int, folder: Path) -> Path:
    train = tuple(example for example in examples if example.split in ("train", ""))
    return write_manifest(few_of(Draw(data, train, (), modality=modality), most, 0), folder / f"{data}.csv")


def _work(verb: str, manifest: Path, folder: str) -> Callable[[Stop], Any]:
    """What is to be stopped; but for embedding all is embedded already."""
    import graft
    from graft.encoders import encoder_for
    from graft.encoders.cache import Cache
    from graft.encoders.embed import embed
    from graft.run import Run

    dataset = graft.read(manifest)
    if verb == "embed":
        encoder = encoder_for("auto", dataset.modality)
        return lambda stop: embed(encoder, dataset.items, Run(cancelled=stop))
    cache = Cache(Path(folder) / "cache")
    model = graft.fit(dataset, cache=cache)
    if verb == "fit":
        return lambda stop: graft.fit(dataset, cache=cache, cancelled=stop)
    if verb == "clean":
        return lambda stop: graft.find_issues(dataset, cache=cache, cancelled=stop)
    return lambda stop: graft.tune(model, dataset, epochs=1, force=True, cache=cache, cancelled=stop)


def _asker(frame: FrameType | None) -> str:
    """The function that let itself be stopped."""
    while frame and Path(frame.f_code.co_filename).name in ("run.py", "executors.py"):
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_name}" if frame else ""


def _seconds(late: Sequence[float]) -> tuple[str, str]:
    return f"{statistics.median(late):.2f}", f"{max(late):.2f}"


def _stretch(each: Measured) -> tuple[str, str]:
    longest, place = each.longest[0]
    return f"{longest:.2f}", place
