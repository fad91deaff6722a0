"""Whether what is said of predicted numbers is true: drawn pictures whose number is known.

A draw is what a user would have had. What its report says, from cross-validation alone, is held against what the model
does on all the pictures that are left. Everything was chosen on pictures of other seeds (``DEVELOPED_ON``).
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import graft
from benchmarks.drawings import DRAWN, drawn
from benchmarks.goals import Goal, plain_goals, show_goals
from benchmarks.results import keep, mean, progress, show
from graft.encoders import encoder_for
from graft.encoders.cache import Cache
from graft.encoders.embed import embed
from graft.run import Run

DRAWS = 30
SIZES = (50, 100)
POOL = 800
"""So many pictures are drawn of each set; what a draw leaves of them is fresh to its model."""
SEED = 2
DEVELOPED_ON = 1
"""The seed of the pictures that strengths and widths of intervals were chosen on."""
COVERAGE, RATIO = (0.87, 0.95), (0.85, 1.15)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a report says of one draw, and what is true on fresh pictures.

    Attributes:
        name: The set.
        n: How many pictures were learned from.
        seed: Of the draw.
        coverage: Share of fresh numbers within their interval, and ``coverage_said``: as reported.
        mae: Mean absolute error on fresh pictures, and ``mae_said``: as reported, between ``mae_low`` and ``mae_high``.
        r2: On fresh pictures, and ``r2_said``: as reported, between ``r2_low`` and ``r2_high``.
        unknown: Share of fresh pictures that are called unknown.
    """

    name: str
    n: int
    seed: int
    coverage: float
    coverage_said: float
    mae: float
    mae_said: float
    mae_low: float
    mae_high: float
    r2: float
    r2_said: float
    r2_low: float
    r2_high: float
    unknown: float


def measure(draws: int = DRAWS, names: Sequence[str] = (), pool: int = POOL, seed: int = SEED) -> list[Goal]:
    """Make the draws; print the tables and write ``results/regression.json``.

    Args:
        draws: Of each set and size.
        names: Keys of ``DRAWN``, by default all.
        pool: Pictures of each set.
        seed: Of the pictures.
    """
    trials = []
    for name in names or DRAWN:
        with tempfile.TemporaryDirectory() as folder:
            trials += _trials(name, draws, pool, seed, Cache(Path(folder)))
        progress.print(f"{name}: {draws} draws of {' and '.join(map(str, SIZES))}")
    rows, goals = [], []
    for name, n in dict.fromkeys((trial.name, trial.n) for trial in trials):
        own = [trial for trial in trials if (trial.name, trial.n) == (name, n)]
        coverage, ratio = mean([t.coverage for t in own]), mean([t.mae_said / t.mae for t in own])
        rows.append((
            f"{name}, {n}", f"{coverage:.3f}", f"{mean([t.coverage_said for t in own]):.3f}",
            f"{mean([t.mae for t in own]):.3g}", f"{mean([t.mae_said for t in own]):.3g}", f"{ratio:.3f}",
            f"{mean([t.mae_low <= t.mae <= t.mae_high for t in own]):.0%}", f"{mean([t.r2 for t in own]):.3f}",
            f"{mean([t.r2_low <= t.r2 <= t.r2_high for t in own]):.0%}", f"{mean([t.unknown for t in own]):.1%}",
        ))  # fmt: skip
        for what, value, (low, high) in (("90 % intervals hold", coverage, COVERAGE), ("MAE said/true", ratio, RATIO)):
            goals += [Goal(f"{what}: {name}, {n}", value, way, bound) for way, bound in
                      (("at least", low), ("at most", high))]  # fmt: skip
    heads = ("", "intervals hold", "as said", "MAE", "as said", "said/true", "its interval holds", "R2",
             "its interval holds", "unknown")  # fmt: skip
    show(f"Numbers of drawn pictures, {draws} draws of each", heads, rows)
    show_goals("Goals", goals)
    keep("regression", {"trials": [asdict(trial) for trial in trials], "goals": plain_goals(goals)})
    return goals


def _trials(name: str, draws: int, pool: int, seed: int, cache: Cache) -> list[Trial]:
    contents, numbers = drawn(name, pool, seed)
    y = np.array(numbers)
    everything = graft.Dataset.from_lists(contents, [str(number) for number in numbers])
    x = embed(encoder_for("auto", "image"), everything.items, Run(cache=cache)).x
    trials = []
    for n in SIZES:
        for number in range(draws):
            order = np.random.default_rng([seed, number, n]).permutation(pool)
            model = graft.fit(everything.select(order[:n]), task="regression", cache=cache)
            rest, report = order[n:], model.report
            said = model.classifier.answer(x[rest])
            error = np.abs(said.value - y[rest])
            trials.append(Trial(
                name, n, number,
                coverage=float(((said.low <= y[rest]) & (y[rest] <= said.high)).mean()),
                coverage_said=report.interval_coverage.value,
                mae=float(error.mean()), mae_said=report.mae.value, mae_low=report.mae.low, mae_high=report.mae.high,
                r2=float(1 - (error**2).mean() / y[rest].var()), r2_said=report.r2.value, r2_low=report.r2.low,
                r2_high=report.r2.high,
                unknown=float((said.unknown_score > model.classifier.unknown.threshold).mean()),
            ))  # fmt: skip
    return trials
