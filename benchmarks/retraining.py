"""What ``graft retrain`` ships and keeps back: simulated months, and real ones with right and with wrong labels."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import graft
from benchmarks.populations import Population, Source, population
from benchmarks.results import keep, progress, show
from benchmarks.sets import DATA
from graft.contracts import Float64, Int
from graft.evaluation.rows import AskedItems
from graft.retraining import retrain
from graft.retraining.gate import decide, paired

MONTHS, HELD_OUT, CHANGED = 200, 200, 0.1
WORSE, BETTER = (-0.05, -0.01), (0.03, 0.08)
REPEATS = 100
"""So many times all months are simulated; the first is what one owner sees."""
SUMMARY = ("of the worse, ship", "of the better, ship", "of what shipped, is worse")
SIZES, CHANGES = (100, 200, 400), (0.02, 0.05, 0.1, 0.2)
"""Items and shares of changed answers at which the interval is looked at."""
SETS = (
    Source("beds_sofas", ()),
    Source("potato_leaves", ()),
    Source("trec6", (), "text"),
    Source("sms_spam", (), "text"),
    Source("spoken_digits", (), "audio", pattern="{label}_{group}_*.wav"),
)
DRAWS = 4
OLD, NEW, REST = 60, 200, 1500
"""Items that the model in use has learned from, that a month brings, and that tell the truth."""
WRONG = 0.3
"""Of a bad month's labels."""


def measure(draws: int = DRAWS, names: Sequence[str] = ()) -> None:
    """Simulate and measure; print the tables and write ``results/retraining.json``.

    Args:
        draws: Months with right and with wrong labels, of each set.
        names: The sets, by default all; ``none`` for the simulation alone.
    """
    intervals = list(held())
    show(
        "How often the 95 % interval of the paired difference holds",
        ("items, answers that differ", "true difference", "Wald's", "with a half added", "above the truth"),
        [
            (f"{row['n']}, {row['changed']:.0%}", f"{100 * row['difference']:+.1f}", f"{row['wald']:.1%}",
             f"{row['held']:.1%}", f"{row['above']:.1%}")
            for row in intervals
        ],
        "Above the truth: its lower end is, which is what could ship a model that is worse; 2.5 % are meant.",
    )  # fmt: skip
    simulated = [months(seed) for seed in range(REPEATS)]
    summary = {
        "worse_ships": [one["worse_ships"] for one in simulated],
        "better_ships": [one["better_ships"] for one in simulated],
        "shipped_worse": [one["shipped_worse"] for one in simulated],
    }
    show(
        f"{MONTHS} simulated months, half of them worse by 1 to 5 points, half better by 3 to 8; {HELD_OUT} items",
        ("", "first", f"mean of {REPEATS}", "largest", "smallest"),
        [
            (name, *(f"{value:.1%}" for value in (own[0], np.mean(own), max(own), min(own))))
            for name, own in zip(SUMMARY, summary.values(), strict=True)
        ],
        "Of the held-out answers 10 % are changed. The interval is that of items that decide for the first time.",
    )
    present = [one for one in SETS if (DATA / one.name).is_dir() and (not names or one.name in names)]
    found = [run for one in present for run in real(one, draws)]
    if found:
        show(
            f"Real months: {OLD} old items, {NEW} new ones",
            (
                "set, labels",
                "months",
                "old",
                "new",
                "interval holds",
                "shipped",
                "and worse",
                "kept back, better by 3 points",
            ),
            [row for one in present for row in rows_of(one.name, found)],
            f"Old and new: mean accuracy on up to {REST:,} items that neither model nor gate has seen. Wrong: of the "
            f"new labels {WRONG:.0%} are drawn at random.",
        )
    keep("retraining", {"intervals": intervals, "months": summary, "real": found})


def held(seed: int = 0, draws: int = 4000) -> Iterator[dict[str, Any]]:
    """How often intervals hold the true difference."""
    chance = np.random.default_rng(seed)
    for n in SIZES:
        for changed in CHANGES:
            for difference in (0.0, -changed / 4, changed / 2):
                pairs = [paired(_difference(chance, n, difference, changed), np.arange(n)) for _ in range(draws)]
                plain = [_wald(_difference(chance, n, difference, changed)) for _ in range(draws)]
                yield {
                    "n": n,
                    "changed": changed,
                    "difference": difference,
                    "held": float(np.mean([one.low <= difference <= one.high for one in pairs])),
                    "above": float(np.mean([one.low > difference for one in pairs])),
                    "wald": float(np.mean([low <= difference <= high for low, high in plain])),
                }


def months(seed: int) -> dict[str, float]:
    """Months of a model, half of which bring bad labels: what ships."""
    chance = np.random.default_rng(seed)
    outcomes: dict[bool, list[bool]] = {True: [], False: []}
    for month in range(MONTHS):
        worse = month % 2 == 0
        difference = _difference(chance, HELD_OUT, chance.uniform(*(WORSE if worse else BETTER)), CHANGED)
        before = np.where(difference == 0, 0.9, difference < 0).astype(np.float64)
        outcomes[worse].append(decide(before, before + difference, np.arange(HELD_OUT)).ships)
    bad, well = sum(outcomes[True]), sum(outcomes[False])
    return {
        "worse_ships": bad / len(outcomes[True]),
        "better_ships": well / len(outcomes[False]),
        "shipped_worse": bad / max(bad + well, 1),
    }


def real(source: Source, draws: int) -> Iterator[dict[str, Any]]:
    """Months of one set: what a model is worth before and after, and whether it shipped."""
    own = population(DATA / source.name, source)
    for seed in range(draws):
        old, new, rest = parts(own, seed)
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "model.graft"
            used = graft.fit(own.dataset.select(old))
            for wrong in (0.0, WRONG):
                used.save(place, overwrite=True)
                data = with_wrong(own, old, new, wrong, seed)
                found = retrain(place, data)
                after = graft.fit(data)
                run: dict[str, Any] = {
                    "set": source.name,
                    "seed": seed,
                    "wrong": wrong,
                    "before": score(own, used, rest),
                    "after": score(own, after, rest),
                    "shipped": found.shipped,
                    "reason": found.reason,
                }
                if found.compared is not None:
                    low, high = found.compared.difference.low, found.compared.difference.high
                    right = 1 - wrong - wrong / (len(own.dataset.classes) - 1)  # by labels as wrong as the month's own
                    run |= {"low": low, "high": high, "holds": low <= right * (run["after"] - run["before"]) <= high}
                place.with_name("model.graft.decisions.jsonl").unlink()
                progress.print(f"[dim]{source.name} {seed} {wrong}: {run['before']:.3f} {run['after']:.3f} "
                               f"{found.shipped}[/dim]")  # fmt: skip
                yield run


def parts(own: Population, seed: int) -> tuple[Int, Int, Int]:
    """Rows of the old items, the new ones, and the rest; near-copies stand in one part."""
    order = np.random.default_rng(seed).permutation(np.unique(own.clusters))
    rows = np.concatenate([np.flatnonzero(own.clusters == cluster) for cluster in order])
    old, new, rest = rows[:OLD], rows[OLD : OLD + NEW], rows[OLD + NEW :][:REST]
    apart = ~np.isin(own.clusters[rest], own.clusters[np.concatenate([old, new])])
    return old, new, rest[apart]


def with_wrong(own: Population, old: Int, new: Int, share: float, seed: int) -> graft.Dataset:
    """Old and new items, of the new ones some with a label drawn at random from the other classes."""
    chance = np.random.default_rng([seed, 1])
    classes = own.dataset.select(old).classes
    labels = [own.dataset.labels[row] for row in old]
    for row in new:
        right = own.dataset.labels[row]
        others = [label for label in classes if label != right]
        labels.append(str(chance.choice(others)) if chance.random() < share else right)
    return replace(own.dataset.select(np.concatenate([old, new])), labels=tuple(labels))


def score(own: Population, model: graft.Model, rows: Int) -> float:
    """Accuracy on these rows."""
    answered = AskedItems.by(model.classifier, model.classes, own.x[rows], own.dataset.select(rows))
    return float(model.task.right(answered, own.dataset).mean())


def rows_of(name: str, found: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    """What a set's months come to, with right and with wrong labels."""
    for wrong in (0.0, WRONG):
        runs = [run for run in found if run["set"] == name and run["wrong"] == wrong]
        better = [run for run in runs if run["after"] - run["before"] >= BETTER[0]]
        yield (
            f"{name}, {'wrong' if wrong else 'right'}",
            str(len(runs)),
            f"{np.mean([run['before'] for run in runs]):.1%}",
            f"{np.mean([run['after'] for run in runs]):.1%}",
            str(sum(run.get("holds", False) for run in runs)),
            str(sum(run["shipped"] for run in runs)),
            str(sum(run["shipped"] and run["after"] < run["before"] for run in runs)),
            f"{sum(not run['shipped'] for run in better)} of {len(better)}",
        )


def _difference(chance: np.random.Generator, n: int, difference: float, changed: float) -> Float64:
    """Right less right, of two models that differ on so many items."""
    p = ((changed + difference) / 2, (changed - difference) / 2, 1 - changed)
    return np.array([1.0, -1.0, 0.0])[chance.choice(3, size=n, p=p)]


def _wald(difference: Float64) -> tuple[float, float]:
    mean, reach = float(difference.mean()), 1.96 * float(difference.std()) / len(difference) ** 0.5
    return mean - reach, mean + reach
