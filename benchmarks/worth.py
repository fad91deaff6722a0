"""Whether the interval around what cleaning was worth is true, and whether the shortest list is the one to follow.

Some items of a real set are taken, a share of their labels is flipped, and some of that is mended again. What the model
gained is known from the rest of the set, whose labels are clean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks.populations import Population, population_of
from benchmarks.results import keep, mean, progress, show
from benchmarks.sets import DATA
from graft.cleaning.effect import Scorer
from graft.cleaning.influence import REST, influence
from graft.cleaning.label_errors import LabelQuality, score_labels
from graft.cleaning.pool import Pool
from graft.contracts import Bool, Int
from graft.data.split import choose_folds, merge, stratified_group_folds
from graft.duplicates.copies import Copies
from graft.encoders import encoder_for
from graft.encoders.embed import Embedded, content_digest
from graft.heads.features import transform
from graft.learning.classifier import fit_classifier
from graft.learning.selection import class_weights, fit_final
from graft.recipe import Recipe

DRAWS = 6
RATES = (0.1, 0.2)
SIZES: Mapping[str, Sequence[int]] = {
    "beds_sofas": (100, 300), "potato_leaves": (150, 450), "trec6": (300, 1200),
}  # fmt: skip
"""Items that a user would have had."""
HONEST = ("third", "half", "all", "looked at", "spoiled")
"""Edits whose labels do not follow the model."""
PARTS = (0.1, 0.25, 0.5)
"""Of the label issues, somebody looks at so many."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Some items with flipped labels, and the rest of their set.

    Attributes:
        pool: The items, with the labels as flipped.
        truth: Their right classes ``(n,) int64``.
        wrong: Rows that were flipped.
        quality: Of the labels.
        own: The whole set.
        test: Its rows that tell the truth.
        chance: For the edits.
    """

    pool: Pool
    truth: Int
    wrong: Int
    quality: LabelQuality
    own: Population
    test: Int
    chance: np.random.Generator

    def right(self, y: Int, kept: Bool) -> Bool:
        """Which test items the chosen head names rightly after learning these labels."""
        assert self.pool.out_of_fold is not None
        chosen, k, weights = self.pool.out_of_fold.choice.chosen, len(self.pool.classes), np.zeros(len(y), np.float32)
        weights[kept] = class_weights(y[kept], k)
        head = fit_final(self.pool.x, y, k, self.pool.encoder.stages, chosen, weights)
        phi = transform(self.own.x[self.test], self.pool.encoder.stages, chosen.features)
        return np.asarray(head.scores(phi).argmax(axis=1) == self.own.dataset.y[self.test])


def measure(draws: int = DRAWS, names: Sequence[str] = ()) -> None:
    """Simulate; print both tables and write ``results/worth.json``."""
    runs: list[dict[str, Any]] = []
    orders: list[dict[str, float]] = []
    for name in names or tuple(SIZES):
        if not (DATA / name).is_dir():
            progress.print(f"[yellow]{name} does not lie in {DATA}[/yellow]")
            continue
        for case in cases(name, draws):
            runs += list(measured(name, case))
            orders.append(followed(case))
    rows = []
    for edit in dict.fromkeys(run["edit"] for run in runs):
        own = [run for run in runs if run["edit"] == edit]
        errors = [run["difference"] - run["true"] for run in own]
        rows.append((
            edit, str(len(own)), f"{mean([run['low'] <= run['true'] <= run['high'] for run in own]):.3f}",
            f"{mean(errors):+.4f}", f"{mean([run['true'] for run in own]):+.4f}",
        ))  # fmt: skip
    show("What edits are worth", ("edit", "draws", "interval holds", "mean error", "true gain"), rows)
    means = {key: mean([order[key] for order in orders]) for key in orders[0]} if orders else {}
    show("Accuracy after looking at the first label issues", ("order", ""), [(k, f"{v:.4f}") for k, v in means.items()])
    honest = [run["low"] <= run["true"] <= run["high"] for run in runs if run["edit"] in HONEST]
    keep("worth", {"draws": draws, "holds": mean(honest) if honest else None, "orders": means, "runs": runs})


def cases(name: str, draws: int) -> Iterator[Case]:
    """Draws of each size and rate."""
    own = population_of(name)
    y, k, n = own.dataset.y, len(own.dataset.classes), len(own.x)
    for size in SIZES[name]:
        for rate in RATES:
            for seed in range(draws):
                chance = np.random.default_rng([seed, size, round(10 * rate)])
                order = np.argsort(chance.permutation(n)[own.clusters], kind="stable")  # copies side by side
                rows, test = order[:size], order[size:]
                test = test[~np.isin(own.clusters[test], own.clusters[rows])]
                given = y[rows].copy()
                wrong = chance.choice(size, round(rate * size), replace=False)
                given[wrong] = (given[wrong] + chance.integers(1, k, len(wrong))) % k
                if len(np.unique(given)) == k and (pool := _pool(own, rows, given, seed)):
                    assert pool.out_of_fold is not None
                    quality = score_labels(pool.out_of_fold, given, k, pool.folds)
                    yield Case(pool, y[rows], wrong, quality, own, test, chance)


def measured(name: str, case: Case) -> Iterator[dict[str, Any]]:
    """What each kind of edit is said to be worth, and what it is."""
    scorer, given = Scorer(case.pool), np.ones(len(case.truth), np.bool_)
    before = case.right(case.pool.y, given).astype(np.float64)
    for edit, (y, kept) in _edits(case).items():
        labels = [case.pool.classes[own] if stays else None for own, stays in zip(y.tolist(), kept, strict=True)]
        worth = scorer.score(labels)
        true = float((case.right(y, kept) - before).mean())
        figures = {"difference": worth.difference, "low": worth.low, "high": worth.high, "true": true}
        yield {"set": name, "n": len(y), "edit": edit, **figures}


def followed(case: Case) -> dict[str, float]:
    """Accuracy after somebody looked at the first label issues in each order, and mended what was wrong."""
    rows = np.flatnonzero(case.quality.is_issue)
    gains = influence(case.pool, rows, case.quality.predicted[rows])
    orders = {
        "influence": np.argsort(-gains, kind="stable"),
        "label score": np.argsort(case.quality.score[rows], kind="stable"),
        "random": case.chance.permutation(len(rows)),
    }
    kept = np.ones(len(case.truth), np.bool_)
    found = {"none": float(case.right(case.pool.y, kept).mean())}
    best = np.sort(gains.clip(0))[::-1].cumsum()
    whole = int(np.searchsorted(best, (1 - REST) * best[-1])) + 1 if len(rows) and best[-1] > 0 else 0
    lengths = {
        **{f"{part:.0%}": round(part * len(rows)) for part in PARTS},
        "length of the list": whole,
        "all": len(rows),
    }
    for way, order in orders.items():
        for title, length in lengths.items():
            y = _mended(case, rows[order[:length]])
            found[f"{way}, {title}"] = float(case.right(y, kept).mean())
    return found


def _edits(case: Case) -> dict[str, tuple[Int, Bool]]:
    """The labels after each kind of edit, and which rows are kept."""
    n, k, issue, y = len(case.truth), len(case.pool.classes), case.quality.is_issue, case.pool.y
    everything, shuffled = np.ones(n, np.bool_), case.chance.permutation(case.wrong)
    spoiled = y.copy()
    rows = case.chance.permutation(np.setdiff1d(np.arange(n), case.wrong))[: n // 20]
    spoiled[rows] = (y[rows] + case.chance.integers(1, k, len(rows))) % k
    return {
        "third": (_mended(case, shuffled[: round(len(shuffled) / 3)]), everything),
        "half": (_mended(case, shuffled[: round(len(shuffled) / 2)]), everything),
        "all": (case.truth, everything),
        "looked at": (_mended(case, np.flatnonzero(issue)), everything),
        "spoiled": (spoiled, everything),
        "issues dropped": (y, ~issue),
        "accepted blindly": (np.where(issue, case.quality.predicted, y), everything),
    }


def _mended(case: Case, rows: Int) -> Int:
    y = case.pool.y.copy()
    y[rows] = case.truth[rows]
    return y


def _pool(own: Population, rows: Int, y: Int, seed: int) -> Pool | None:
    """The rows as ``gather`` would have them, without the words of texts, so that a fit is quick."""
    whole, clusters = own.dataset, own.clusters[rows]
    dataset = replace(whole.select(rows), labels=tuple(whole.classes[label] for label in y.tolist()))
    units, recipe, encoder = merge(clusters, dataset.groups), Recipe(seed=seed), encoder_for("auto", whole.modality)
    n_folds, repeats = choose_folds(y, units)
    if not n_folds:
        return None
    folds = stratified_group_folds(y, units, n_folds, seed, repeats)
    x, k = own.x[rows], len(whole.classes)
    digests = tuple(content_digest(item.read()) for item in dataset.items)
    out_of_fold = fit_classifier(x, y, k, encoder.stages, folds, recipe, units)[1]
    copies = Copies(clusters, np.zeros(len(rows), np.float32))
    embedded = Embedded(x, np.arange(len(rows)), digests, {}, {}, 0, len(rows))
    return Pool(dataset, embedded, encoder, recipe, whole.classes, y, copies, units, folds, out_of_fold, None)
