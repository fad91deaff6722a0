"""How wrong the label-budget forecast is: of what was drawn, so many of each class as it speaks of are hidden.

A draw is what a user would have had, and ``EXTRA`` of each class more. Heads are fitted to it without these; the report
says what they would gain, of every class or of one. Then these items are given too, and the gain is measured on the
rest of the set.
"""

from __future__ import annotations

import math
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import cache

import numpy as np

import graft
from benchmarks.populations import Population, Source, population
from benchmarks.results import keep, mean, progress, show
from benchmarks.sets import DATA
from graft.contracts import Int
from graft.data.split import choose_folds, stratified_group_folds
from graft.data.texts import texts_of
from graft.encoders import encoder_for
from graft.encoders.cache import Cache
from graft.evaluation.growth import EXTRA
from graft.heads.classifier import Classifier
from graft.heads.protocols import Answering
from graft.learning.classifier import fit_classifier
from graft.learning.lexical import Words
from graft.metrics import wilson

DRAWS = 10
CHOSEN_ON = ("potato_leaves", "trec6", "sms_spam")
"""The sets that the width of the interval was chosen on; the others confirm it."""
SETS = (
    Source("potato_leaves", (30, 50)),
    Source("trec6", (30, 50), "text"),
    Source("sms_spam", (30, 50), "text"),
    Source("beds_sofas", (30, 50)),
    Source("ants_bees", (30, 50)),
    Source("banking77", (30, 50), "text", classes=10),
    Source("spoken_digits", (30, 50), "audio", pattern="{label}_{group}_*.wav"),
)
"""With how many of each class, hidden ones included."""
CLASSES = 2
"""For so many single classes, the weakest, a forecast is compared."""


@dataclass(frozen=True, slots=True)
class Task:
    """One draw of one set."""

    name: str
    shots: int
    seed: int


@dataclass(frozen=True, slots=True)
class Trial:
    """A forecast, and what came of it.

    Attributes:
        task: The draw.
        label: A class, or ``"all"``.
        extra: How many more items of it, or of every class.
        gain: What was forecast, and ``low`` and ``high``: its 95 % interval.
        truth: What was gained on the ``n_rest`` items of the rest, every class counting the same.
        n_train: How many items the forecast was made from.
        before: Accuracy on the rest without the hidden items.
    """

    task: Task
    label: str
    extra: int
    gain: float
    low: float
    high: float
    truth: float
    n_rest: int
    n_train: int
    before: float

    @property
    def holds(self) -> bool:
        return self.low <= self.truth <= self.high


def measure(draws: int = DRAWS, names: Sequence[str] = ()) -> None:
    """Make the draws; print the table and write ``results/forecast.json``.

    Args:
        draws: Of each set and size.
        names: The sets, by default all.
    """
    present = [source for source in SETS if (DATA / source.name).is_dir() and (not names or source.name in names)]
    tasks = [Task(source.name, shots, seed) for source in present for shots in source.shots for seed in range(draws)]
    if not tasks:
        progress.print(f"[yellow]none of the sets lies in {DATA}[/yellow]")
        return
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        trials = []
        for number, (task, found) in enumerate(zip(tasks, pool.map(run_once, tasks, chunksize=draws), strict=True), 1):
            trials += found
            if number % draws == 0:
                progress.print(f"{number} of {len(tasks)}: {task.name}, {task.shots} of each class")
    rows = []
    for source in present:
        for shots in source.shots:
            own = [trial for trial in trials if (trial.task.name, trial.task.shots) == (source.name, shots)]
            rows += [
                _row(f"{source.name}, {shots - EXTRA} + {EXTRA}, {what}", part) for what, part in _kinds(own) if part
            ]
    for title, sets in (("chosen on", set(CHOSEN_ON)), ("confirmed on", {s.name for s in present} - set(CHOSEN_ON))):
        rows += [
            _row(f"{title}, {what}", part)
            for what, part in _kinds([trial for trial in trials if trial.task.name in sets])
            if part
        ]
    rows += [_row(f"in all, {what}", part) for what, part in _kinds(trials)]
    note = "Points of accuracy on the rest, classes counting the same; no gain: the error of a forecast of nothing."
    show("What was forecast, and what came", COLUMNS, rows, note)
    keep("forecast", {"draws": draws, "summary": _summary(trials), "trials": [asdict(trial) for trial in trials]})


COLUMNS = ("set, of each class", "cases", "forecast", "came", "error", "bias", "no gain", "hold", "width")


def _kinds(trials: Sequence[Trial]) -> tuple[tuple[str, list[Trial]], ...]:
    return (
        ("every class", [trial for trial in trials if trial.label == "all"]),
        ("one class", [trial for trial in trials if trial.label != "all"]),
    )


def _row(title: str, trials: Sequence[Trial]) -> tuple[str, ...]:
    figures = figures_of(trials)
    shares = [f"{figures[key] * 100:.2f}" for key in ("gain", "truth", "error", "bias", "nothing")]
    return (title, f"{len(trials)}", *shares, f"{figures['holds']:.3f}", f"{figures['width'] * 100:.2f}")


def _summary(trials: Sequence[Trial]) -> dict[str, dict[str, float]]:
    return {what: figures_of(part) for what, part in _kinds(trials)}


def figures_of(trials: Sequence[Trial]) -> dict[str, float]:
    """Means over cases: forecast, truth, absolute error, bias, error of a forecast of nothing; coverage and width."""
    held = sum(trial.holds for trial in trials)
    low, high = wilson(held, len(trials))
    return {
        "cases": len(trials),
        "gain": mean([trial.gain for trial in trials]),
        "truth": mean([trial.truth for trial in trials]),
        "error": mean([abs(trial.gain - trial.truth) for trial in trials]),
        "bias": mean([trial.gain - trial.truth for trial in trials]),
        "nothing": mean([abs(trial.truth) for trial in trials]),
        "holds": held / len(trials),
        "holds_low": low,
        "holds_high": high,
        "width": mean([trial.high - trial.low for trial in trials]),
    }


def run_once(task: Task) -> list[Trial]:
    """The forecasts of one draw, and what came of them."""
    own = _population(task.name)
    drawn, rest = own.draw(task.shots, task.seed)
    y, extra = own.dataset.y, EXTRA
    order = np.random.default_rng(task.seed).permutation(drawn)
    hidden = np.concatenate([order[y[order] == label][:extra] for label in np.unique(y)])
    shown = np.setdiff1d(drawn, hidden)

    first = _fit(own, shown, task.seed)
    before = _score(own, first.classifier, rest)
    trials = []
    told = [forecast for forecast in first.report.forecast if not math.isnan(forecast.gain)]
    for forecast in told[: 1 + CLASSES]:
        wanted = forecast.label == "all" or np.array(own.dataset.labels)[hidden] == forecast.label
        revealed = np.sort(np.concatenate([shown, hidden[np.broadcast_to(wanted, hidden.shape)]]))
        truth = _score(own, _refit(own, revealed, task.seed), rest) - before
        said = (forecast.gain, forecast.low, forecast.high)
        trials.append(Trial(task, forecast.label, extra, *said, truth, len(rest), len(shown), before))
    return trials


def _fit(own: Population, rows: Int, seed: int) -> graft.Model:
    with closing(Cache()) as store:
        return graft.fit(own.dataset.select(rows), graft.Recipe(seed=seed), cache=store)


def _refit(own: Population, rows: Int, seed: int) -> Classifier:
    """What ``graft.fit`` would choose and fit, without judging it."""
    y, units = own.dataset.y[rows], own.clusters[rows]
    n_folds, repeats = choose_folds(y, units)
    folds = stratified_group_folds(y, units, n_folds, seed, repeats)
    texts = _texts(own, rows)
    words = None if texts is None else Words.of(texts, seed)
    stages, k = encoder_for("auto", own.dataset.modality).stages, len(own.dataset.classes)
    return fit_classifier(own.x[rows], y, k, stages, folds, graft.Recipe(seed=seed), units, words)[0]


def _score(own: Population, classifier: Answering, rows: Int) -> float:
    """Accuracy with every class counting the same, as in the draws, whatever the rest of the set has of each."""
    y = own.dataset.y[rows]
    right = classifier.answer(own.x[rows], _texts(own, rows)).p.argmax(axis=1) == y
    return float(np.mean([right[y == label].mean() for label in np.unique(y)]))


def _texts(own: Population, rows: Int) -> list[str] | None:
    return texts_of(own.dataset.items[row] for row in rows) if own.dataset.modality == "text" else None


@cache
def _population(name: str) -> Population:
    return population(DATA / name, next(source for source in SETS if source.name == name))
