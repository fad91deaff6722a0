"""A tuning in words and figures: the terminal, the command and the page say the same of it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from statistics import fmean
from typing import NamedTuple

from graft.report.words import NO_FIGURE, amount, clean, count, duration, fixed, known, percent
from graft.results.history import History, Tuning

_ENDS = {"done": "as planned", "time": "time was up"}


class RunSummary(NamedTuple):
    """What a table says of a run, ready to be shown.

    Attributes:
        name: Which one it is.
        epochs: How many there were.
        best: Number of the epoch whose weights were kept.
        loss: Log loss of the validation part before the first step, and with the weights that were kept.
        each: Time for an epoch, on average.
        seconds: In all.
        ended: Why.
    """

    name: str
    epochs: str
    best: str
    loss: str
    each: str
    seconds: str
    ended: str


def runs(tuning: Tuning) -> list[RunSummary]:
    """All runs, in the order in which they were made."""
    return [_run(name, history) for name, history in named(tuning)]


def named(tuning: Tuning) -> list[tuple[str, History]]:
    """The runs with what they are called: ``trial``, or where there are several, ``trial 1`` and so on."""
    if len(tuning.runs) == 1:
        return [("trial", tuning.runs[0])]
    return [(f"trial {number}", run) for number, run in enumerate(tuning.runs, 1)]


def compared(tuning: Tuning) -> list[tuple[str, str, str]]:
    """``before`` and ``after``, each with accuracy and log loss."""
    return [
        (when, percent(figures.get("accuracy")), fixed(figures.get("log_loss")))
        for when, figures in (("before", tuning.before), ("after", tuning.after))
    ]


def decided(tuning: Tuning, modality: str) -> str:
    """``120 photos decided``."""
    return f"{amount(tuning.n_decided, modality)} decided"


def trained(tuning: Tuning) -> str:
    """What was unfrozen, and where it ran; nothing where there was no run."""
    if not tuning.runs:
        return ""
    run = tuning.runs[0]
    parts = [clean(name) for name in run.unfrozen]
    if len(parts) > 1:
        parts = [f"{parts[0]} to {parts[-1]} ({len(parts)} parts)"]
    where = f"on {clean(run.device)} in {clean(run.precision)}"
    return f"Trained: {' and '.join([*parts, 'the head'])}, {run.parameters:,} numbers, {where}.{_way(tuning)}"


def spent(tuning: Tuning) -> str:
    """``Method blocks: 3 trials, 36 epochs of 3 s on average; 2 min 8 s in all``."""
    made = count(len(tuning.runs), "trial", "trials")
    epochs = sum(len(run.passes) for run in tuning.runs)
    each = _each(epoch.seconds for run in tuning.runs for epoch in run.passes)
    taken = f" of {each} on average" if each else ""
    whole = duration(tuning.seconds)
    return (
        f"Method {clean(tuning.method)}: {made}, {count(epochs, 'epoch', 'epochs')}{taken}"
        f"{f'; {whole} in all' if whole else ''}."
    )


def notes(tuning: Tuning) -> list[str]:
    """What else happened, with the run in which it did."""
    return [f"{name.capitalize()}: {clean(note)}" for name, run in named(tuning) for note in run.notes]


def _run(name: str, history: History) -> RunSummary:
    passes = history.passes
    losses = {epoch.number: epoch.validation_loss for epoch in history.epochs}
    start, kept = losses.get(0, math.nan), losses.get(history.best, math.nan)
    return RunSummary(
        name=name,
        epochs=str(len(passes)),
        best=str(history.best),
        loss=f"{fixed(start)} to {fixed(kept)}" if known(start, kept) else NO_FIGURE,
        each=_each(epoch.seconds for epoch in passes) or NO_FIGURE,
        seconds=duration(history.seconds) or NO_FIGURE,
        ended=_ENDS.get(history.stopped, clean(history.stopped)),
    )


def _way(tuning: Tuning) -> str:
    """How far the weights that were kept are from those before; nothing where they are those trained."""
    low, high = min(run.alpha for run in tuning.runs), max(run.alpha for run in tuning.runs)
    if low == 1:
        return ""
    share = percent(low, 0) if low == high else f"{percent(low, 0)} to {percent(high, 0)}"
    return f" The weights that were kept lie {share} of the way to those trained."


def _each(seconds: Iterable[float]) -> str:
    measured = [value for value in seconds if known(value)]
    return duration(fmean(measured)) if measured else ""
