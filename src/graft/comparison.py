"""Which encoder: each one's score on the same folds, beside what it costs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graft.contracts import Encoder, Float64, Int, Progress, silent
from graft.data.dataset import Dataset, Item
from graft.data.split import merge
from graft.duplicates.clusters import Clusters
from graft.duplicates.likeness import clusters_of
from graft.encoders import address_of, encoder_for, facts
from graft.encoders.embed import Embedded, embed
from graft.errors import UsageError
from graft.evaluation.intervals import FOLD_CORRELATION
from graft.learning.selection import check_head
from graft.model.fitting import Fitted, fit_embedded
from graft.model.inputs import CacheChoice, Source, as_run
from graft.reading.read import read
from graft.recipe import Recipe
from graft.report.words import clean
from graft.results.facts import plain
from graft.results.figures import Interval
from graft.run import NEVER, Flag, Run
from graft.tasks import task_of
from graft.tasks.examples import embed_dataset

SAMPLE = 64
"""So many items at least are embedded anew, without the cache, to see how long one takes."""
_95 = 1.959964


@dataclass(frozen=True, slots=True)
class EncoderScore:
    """What one encoder reached, and what it costs.

    Attributes:
        name: The encoder.
        accuracy: As in its report: cross-validated, with a 95 % interval.
        behind: By how much it is behind the best on the same items of the same folds, with a paired 95 % interval.
        ms_per_item: Milliseconds for one item on this machine, decoding included, with all cores at work.
        mb: Size of the network's weights in megabytes.
        dim: Length of an embedding.
        licence: Of the weights.
    """

    name: str
    accuracy: Interval
    behind: Interval
    ms_per_item: float
    mb: float
    dim: int
    licence: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Encoders from the best to the worst, the one to take, and why."""

    encoders: tuple[EncoderScore, ...]
    recommended: str
    why: str
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        width = max(len("encoder"), *(len(clean(row.name)) for row in self.encoders))
        lines = [f"  {'encoder':<{width}}  accuracy  95 % interval   ms/item      MB    dim  licence"]
        for row in self.encoders:
            a, name = row.accuracy, clean(row.name)
            mark = "*" if row.name == self.recommended else " "
            lines.append(
                f"{mark} {name:<{width}}  {_share(a.value):>8}  {_share(a.low):>6}-{_share(a.high):<6}  "
                f"{row.ms_per_item:>7.2f}"
                f"  {row.mb:>6.1f}  {row.dim:>5}  {clean(row.licence)}"
            )
        return "\n".join([*lines, "", self.why, *(f"Warning: {clean(warning)}" for warning in self.warnings)])

    def to_dict(self) -> dict[str, Any]:
        """JSON-able values: ``{encoders, recommended, why, warnings}``."""
        values: dict[str, Any] = plain(self)
        return values


def _share(value: float) -> str:
    return f"{value:.1%}" if value == value else ""


def compare(
    data: Source,
    encoders: Sequence[str],
    recipe: Recipe | None = None,
    *,
    cache: CacheChoice = "default",
    progress: Progress = silent,
    cancelled: Flag = NEVER,
) -> Comparison:
    """Fit a model on each encoder and compare them on the same folds.

    Recommended is the cheapest, by milliseconds for one item, of those that are not clearly behind the best: whose
    paired 95 % interval of the difference in accuracy reaches 0.

    Args:
        data: A data set, or a path to one.
        encoders: Names, as ``graft.encoders.encoder_for`` takes them; ``A+B`` joins two.
        recipe: How to fit; its encoder does not matter.
        cache: Where embeddings are kept.
        progress: Told how far the work has come.
        cancelled: Ends the work once it is set, such as a ``threading.Event``.

    Raises:
        UsageError: Fewer than two encoders, or one that does not take such items.
    """
    recipe = recipe or Recipe()
    if len(names := list(dict.fromkeys(encoders))) < 2:
        raise UsageError("A comparison needs two encoders.", "Give --encoder twice or more; graft encoders names some.")
    check_head(recipe.head)  # before the downloads, not after them
    whole = read(data, progress=progress, cancelled=cancelled)
    if task_of(recipe, whole).report.measure != "accuracy":
        raise UsageError(
            "Encoders are compared by accuracy, and numbers have none.",
            "Fit a model on each and compare their errors: graft.fit(data, encoder=...).report.mae.",
        )
    dataset = whole.select([row for row, split in enumerate(whole.splits) if split != "test"])  # kept for the last word
    dataset = replace(dataset, skipped=whole.skipped, warnings=whole.warnings)
    run = as_run(cache, progress, cancelled)
    found = [encoder_for(name, dataset.modality, recipe.backend, recipe.prompt, run.tell) for name in names]
    made = list({encoder.fingerprint: encoder for encoder in found}.values())  # one may go by several names
    if len(made) < 2:
        raise UsageError(f"{' and '.join(names)} are the same encoder.", "Name two that differ.")
    embedded = _on_common_rows([embed_dataset(encoder, dataset, run) for encoder in made])
    clusters, doubtful = np.arange(len(embedded[0][0])), np.zeros(len(embedded[0][0]), np.bool_)
    unlimited = clusters
    with run.at_work():
        for encoder, (usable, part) in zip(made, embedded, strict=True):
            own = clusters_of(usable, part, encoder.stages, run)
            clusters, doubtful = merge(clusters, own.clusters.tolist()), doubtful | own.doubtful
            unlimited = merge(unlimited, own.whole.tolist())
    alike = Clusters(clusters, doubtful, unlimited)
    fitted = [
        fit_embedded(usable, part, encoder, replace(recipe, encoder=encoder.name), run, alike)
        for encoder, (usable, part) in zip(made, embedded, strict=True)
    ]
    names_of = [encoder.name for encoder in made]
    rows = [
        EncoderScore(
            name=address_of(encoder) if names_of.count(encoder.name) > 1 else encoder.name,
            accuracy=one.model.report.accuracy,
            behind=Interval(0, 0, 0),
            ms_per_item=_milliseconds(encoder, dataset.items, Run(executor=run.executor, cancelled=run.cancelled)),
            mb=facts(encoder).megabytes,
            dim=encoder.dim,
            licence=facts(encoder).licence,
        )
        for encoder, one in zip(made, fitted, strict=True)
    ]
    return _recommend(rows, fitted)


def _on_common_rows(parts: Sequence[tuple[Dataset, Embedded]]) -> list[tuple[Dataset, Embedded]]:
    """The items that every encoder could use."""
    common = sorted(set.intersection(*(set(part.rows.tolist()) for _, part in parts)))
    result = []
    for usable, part in parts:
        place = {row: i for i, row in enumerate(part.rows.tolist())}
        kept = [place[row] for row in common]
        result.append((replace(usable.select(kept), warnings=usable.warnings), part.select(kept)))
    return result


def _milliseconds(encoder: Encoder, items: Sequence[Item], run: Run) -> float:
    """For one item, with the cache out of the way and every core at work; the first batch warms up."""
    workers = run.executor.workers
    wanted = max(SAMPLE, 2 * encoder.batch_size * workers)
    sample = items[:: max(1, len(items) // wanted)][:wanted]
    embed(encoder, sample[: encoder.batch_size], run)
    start = time.perf_counter()
    embed(encoder, sample, run)
    seconds = time.perf_counter() - start
    chunks = -(-len(sample) // encoder.batch_size)
    busy = min(workers, chunks) / workers  # a small data set cannot keep all cores busy; one item costs no more
    return 1000 * seconds * busy / len(sample)


def _recommend(rows: Sequence[EncoderScore], fitted: Sequence[Fitted]) -> Comparison:
    right = np.stack([one.found.right for one in fitted])  # (e, n), nan where not scored
    scored = ~np.isnan(right).any(axis=0)
    right, units = right[:, scored], fitted[0].examples.rows.units[scored]
    means = right.mean(axis=1) if scored.any() else np.zeros(len(rows))
    order = sorted(range(len(rows)), key=lambda i: (-float(means[i]), rows[i].ms_per_item))
    best = order[0]
    ranked = [replace(rows[i], behind=_paired(right[best] - right[i], units)) for i in order]
    near = [row for row in ranked if row.behind.low <= 0]
    chosen = min(near, key=lambda row: row.ms_per_item)
    warnings = tuple(dict.fromkeys(note for one in fitted for note in one.model.report.warnings))
    return Comparison(tuple(ranked), chosen.name, _why(ranked, chosen), warnings)


def _paired(difference: Float64, units: Int) -> Interval:
    """Mean of a paired difference with a 95 % interval; items of one unit count as one.

    The variance is enlarged by ``FOLD_CORRELATION``, as that of every cross-validated figure.
    """
    if not len(difference):
        return Interval(float("nan"), -1.0, 1.0)
    mean = float(difference.mean())
    place = np.unique(units, return_inverse=True)[1]
    totals = np.bincount(place, difference - mean)
    error = float(np.sqrt(FOLD_CORRELATION * (totals**2).sum())) / len(difference)
    return Interval(mean, mean - _95 * error, mean + _95 * error, "paired, same folds")


def _why(ranked: Sequence[EncoderScore], chosen: EncoderScore) -> str:
    best = ranked[0]
    if chosen is best:
        slower = [row for row in ranked[1:] if row.ms_per_item < best.ms_per_item]
        if not slower:
            return f"Take {clean(best.name)}: the best score, and nothing here is cheaper."
        behind = ", ".join(f"{clean(row.name)} by {_points(row.behind)}" for row in slower)
        return f"Take {clean(best.name)}: the cheaper ones are clearly behind: {behind}."
    return (
        f"Take {clean(chosen.name)}: at {chosen.ms_per_item:.2f} ms for an item it is the cheapest whose score may "
        f"well be as good as the best: behind {clean(best.name)} by {_points(chosen.behind)}, which takes "
        f"{best.ms_per_item:.2f} ms."
    )


def _points(behind: Interval) -> str:
    return f"{100 * behind.value:.1f} points ({100 * behind.low:.1f} to {100 * behind.high:.1f})"
