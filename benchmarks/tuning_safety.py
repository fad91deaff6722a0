"""Whether ``graft tune`` ever ships what is worse: many runs where tuning cannot help, or hardly.

Every tuned model is made, whatever the gate says, and both models are judged on the rest of the set. So one training
tells what the gate let through, and what it kept back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from benchmarks.goals import Goal, plain_goals, show_goals
from benchmarks.judging import embedded, said
from benchmarks.populations import Population, Source, population
from benchmarks.results import keep, progress, show
from benchmarks.sets import DATA
from graft.contracts import Float32, Float64, Int
from graft.errors import DataError, MissingExtra
from graft.model import fit
from graft.recipe import Recipe
from graft.tuning.tuning import tune

EACH = 10
"""Runs of each kind."""
TIME_LIMIT = 30.0
"""Of a run, in seconds."""
MOST = 1500
"""So many of the rest judge, drawn by chance: enough for an interval of 2 or 3 points."""
BOOTSTRAPS = 4000
DIGITS = "{label}_*.wav"
"""Speakers are left out: so few groups would leave nothing to the gate but to say no."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Runs of one sort, by turns on its sets, and on each of them by turns with its numbers of shots.

    Attributes:
        name: How they are called.
        sources: What is drawn from; each is large enough to leave some hundreds to judge by.
        shuffled: Labels are dealt out anew, in the test too, so that there is nothing to learn.
    """

    name: str
    sources: tuple[Source, ...]
    shuffled: bool = False


KINDS = (
    Kind(
        "shuffled labels",
        (
            Source("beds_sofas", (40, 80)),
            Source("potato_leaves", (30, 60)),
            Source("trec6", (20, 30), "text"),
            Source("sms_spam", (50, 100), "text"),
            Source("spoken_digits", (20, 30), "audio", classes=3, pattern=DIGITS),
        ),
        shuffled=True,
    ),
    Kind(
        "tiny sets",
        (
            Source("beds_sofas", (10, 16)),
            Source("potato_leaves", (10, 16)),
            Source("bears_scraped", (12, 14)),
            Source("banking77", (10, 16), "text", classes=3),
            Source("spoken_digits", (10, 16), "audio", classes=3, pattern=DIGITS),
        ),
    ),
    Kind("like ImageNet", (Source("ants_bees", (20, 30, 40)), Source("beds_sofas", (20, 35, 50)))),
    Kind("texts", (Source("sms_spam", (50, 75, 100), "text"), Source("trec6", (18, 25, 32), "text"))),
)


@dataclass(frozen=True, slots=True)
class Change:
    """How much a figure changes from the fitted model to the tuned one, with its paired 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Run:
    """One run.

    Attributes:
        kind: Name of its kind.
        data: The set.
        shots: Of each class to learn from.
        seed: Of the draw and of the training.
        n_train: Items to learn from.
        n_test: Items to be judged on.
        ships: Whether the gate lets the tuned model ship.
        reason: Why, in one sentence.
        head: Accuracy of the fitted head on the test.
        accuracy: Its change.
        log_loss: Its change, in nats.
        seconds: Of the tuning.
    """

    kind: str
    data: str
    shots: int
    seed: int
    n_train: int
    n_test: int
    ships: bool
    reason: str
    head: float
    accuracy: Change
    log_loss: Change
    seconds: float

    @property
    def less_accurate(self) -> bool:
        """Whether the tuned model is beyond chance less often right."""
        return self.accuracy.high < 0

    @property
    def worse(self) -> bool:
        """Whether it is beyond chance worse in either figure."""
        return self.less_accurate or self.log_loss.low > 0

    @property
    def better(self) -> bool:
        """Whether it is beyond chance better in its log loss, and not in doubt by its accuracy."""
        return self.log_loss.high < 0 and self.accuracy.mean >= 0


def measure(names: Sequence[str] = (), each: int = EACH, time_limit: float = TIME_LIMIT) -> None:
    """Tune and judge; print the tables and write ``results/tune_safety.json``.

    Args:
        names: Folders of the sets, by default all.
        each: Runs of each kind.
        time_limit: Of a run, in seconds.
    """
    runs: list[Run] = []
    for kind in KINDS:
        for source, seed in draws_of(kind, each):
            if names and source.name not in names:
                continue
            try:
                runs.append(run_once(kind, source, seed, time_limit))
            except (FileNotFoundError, DataError, MissingExtra, ValueError) as problem:
                progress.print(f"[yellow]{kind.name}, {source.name}: left out: {problem}[/yellow]", soft_wrap=True)
                continue
            keep("tune_safety", plain(runs, time_limit))  # a long run that is stopped keeps what it has
    if runs:
        show_runs(runs, time_limit)


def draws_of(kind: Kind, each: int) -> Iterator[tuple[Source, int]]:
    """``each`` pairs of a source, with one number of shots, and a seed."""
    for number in range(each):
        turn, position = divmod(number, len(kind.sources))
        source = kind.sources[position]
        yield replace(source, shots=(source.shots[turn % len(source.shots)],)), number


def run_once(kind: Kind, source: Source, seed: int, time_limit: float | None, epochs: int | None = None) -> Run:
    """Fit a draw, tune it for so many seconds or epochs, and judge both on the rest.

    Raises:
        FileNotFoundError: The set is not there.
        DataError: None of the items can be held out.
        ValueError: A class of the set is too small.
        MissingExtra: What tuning needs is not installed.
    """
    [shots] = source.shots
    progress.print(f"{kind.name}: {source.name}, {shots} of each class, seed {seed}")
    own = _population(replace(source, shots=()))
    if kind.shuffled:
        own = with_shuffled_labels(own, seed)
    rows, rest = own.draw(shots, seed)
    rest = np.sort(np.random.default_rng(seed).permutation(rest)[:MOST])
    learnt, judged = own.dataset.select(rows), own.dataset.select(rest)
    fitted = fit(learnt, Recipe(seed=seed))
    tuned = tune(fitted, learnt, epochs=epochs, time_limit=time_limit, force=True, seed=seed)
    y, units = own.dataset.y[rest], own.clusters[rest]
    before = said(fitted, own.x[rest], judged.items)
    after = said(tuned.model, embedded(tuned.model, judged.items), judged.items)
    right = _right(after, y) - _right(before, y)
    return Run(
        kind=kind.name,
        data=source.name,
        shots=shots,
        seed=seed,
        n_train=len(rows),
        n_test=len(rest),
        ships=tuned.better,
        reason=tuned.reason,
        head=float(_right(before, y).mean()),
        accuracy=paired(right, units, seed),
        log_loss=paired(_losses(after, y) - _losses(before, y), units, seed),
        seconds=tuned.seconds,
    )


def with_shuffled_labels(own: Population, seed: int) -> Population:
    """The same items, the labels dealt out among them anew; copies may get different ones, as they would by chance."""
    order = np.random.default_rng(seed).permutation(len(own.dataset))
    return replace(own, dataset=replace(own.dataset, labels=tuple(own.dataset.labels[row] for row in order.tolist())))


def paired(difference: Float64, units: Int, seed: int, draws: int = BOOTSTRAPS) -> Change:
    """The mean, and the percentile interval of the bootstrap over units (Efron and Tibshirani 1993, chapter 13).

    Args:
        difference: Of each item, the tuned model's figure less the fitted one's ``(n,)``.
        units: What is a near-duplicate of what ``(n,) int64``.
        seed: Of the draws.
        draws: How many.
    """
    own = np.unique(units, return_inverse=True)[1].reshape(-1)
    sums, sizes = np.bincount(own, difference), np.bincount(own)
    chance = np.random.default_rng(seed)
    means = np.empty(draws)
    for number in range(draws):
        drawn = chance.integers(len(sums), size=len(sums))
        means[number] = sums[drawn].sum() / sizes[drawn].sum()
    low, high = np.quantile(means, [0.025, 0.975])
    return Change(float(difference.mean()), float(low), float(high))


def show_runs(runs: Sequence[Run], time_limit: float) -> None:
    """Print every run, what each kind comes to, and the goals."""
    columns = ("", "shots", "seed", "test", "head", "ships", "accuracy, points", "log loss", "s")
    rows = [
        (
            f"{run.kind}: {run.data}",
            str(run.shots),
            str(run.seed),
            str(run.n_test),
            f"{run.head:.3f}",
            "yes" if run.ships else "no",
            _told(run.accuracy, 100, 1),
            _told(run.log_loss, 1, 3),
            f"{run.seconds:.0f}",
        )
        for run in runs
    ]
    show("Tuning where it can hardly help", columns, rows, "Change by tuning, shipped or not, with its 95 % interval.")
    counted = ("", "runs", "ship", "worse", "better", "kept back", "worse", "better")
    kinds = [kind.name for kind in KINDS if any(run.kind == kind.name for run in runs)]
    sums = [_sums(name, [run for run in runs if run.kind == name]) for name in kinds]
    note = (
        f"{time_limit:g} s each. Worse: accuracy or log loss is, beyond its interval. "
        "Better: the log loss is, beyond its interval, and the accuracy is not lower."
    )
    show("What the gate let through, and what it kept back", counted, [*sums, _sums("all", runs)], note)
    show_goals("Safety of tuning", goals_of(runs))


def goals_of(runs: Sequence[Run]) -> list[Goal]:
    """No shipped model is worse."""
    shipped = [run for run in runs if run.ships]
    return [
        Goal(
            "shipped models that are less often right", float(sum(run.less_accurate for run in shipped)), "at most", 0
        ),
        Goal("shipped models that are worse in either figure", float(sum(run.worse for run in shipped)), "at most", 0),
    ]


def plain(runs: Sequence[Run], time_limit: float) -> dict[str, Any]:
    """All runs as JSON holds them."""
    return {
        "time_limit": time_limit,
        "runs": [{**asdict(run), "worse": run.worse, "better": run.better} for run in runs],
        "goals": plain_goals(goals_of(runs)),
    }


def _sums(name: str, runs: Sequence[Run]) -> tuple[str, ...]:
    cells = [name, str(len(runs))]
    for ships in (True, False):
        part = [run for run in runs if run.ships is ships]
        cells += [str(len(part)), str(sum(run.worse for run in part)), str(sum(run.better for run in part))]
    return tuple(cells)


def _told(change: Change, scale: float, digits: int) -> str:
    mean, low, high = (f"{scale * value:+.{digits}f}" for value in (change.mean, change.low, change.high))
    return f"{mean} ({low} to {high})"


def _right(p: Float32, y: Int) -> Float64:
    return (p.argmax(axis=1) == y).astype(np.float64)


def _losses(p: Float32, y: Int) -> Float64:
    given = p[np.arange(len(y)), y].astype(np.float64)
    return -np.log(np.clip(given, np.finfo(p.dtype).eps, 1.0))  # as ``metrics.log_loss`` has it


@cache
def _population(source: Source) -> Population:
    return population(DATA / source.name, source)
