"""Find what is wrong in a data set: labels, outliers, copies, leaks, bad pictures, spurious cues."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from graft.cleaning.cues import find_cues
from graft.cleaning.duplicates import Duplicates, duplicates_of
from graft.cleaning.findings import Findings
from graft.cleaning.issue_table import LESSER, overall
from graft.cleaning.label_errors import score_labels
from graft.cleaning.outliers import score_outliers
from graft.cleaning.pool import Pool, gather
from graft.cleaning.quality import examine
from graft.contracts import Array, Progress, silent
from graft.heads.features import transform
from graft.model.inputs import CacheChoice, Source, as_run
from graft.reading.read import read
from graft.recipe import Recipe
from graft.run import NEVER, Flag, Run

GRAVE = ("label_conflict",)
"""Issues that mislead a model as a wrong label does."""


def find_issues(
    data: Source,
    recipe: Recipe | None = None,
    *,
    cache: CacheChoice = "default",
    progress: Progress = silent,
    cancelled: Flag = NEVER,
) -> Findings:
    """Find what is wrong in a data set. Nothing in it is changed.

    Args:
        data: A data set, or a path to one. One class is enough for all but the labels.
        recipe: Which encoder and head to look with; the default is right for most.
        cache: Where embeddings are kept: ``"default"``, a ``Cache``, or ``None`` for nowhere.
        progress: Told how far the work has come.
        cancelled: Ends the work once it is set, such as a ``threading.Event``.

    Raises:
        NothingToRead: No item can be read.
        UsageError: The recipe asks for something that is not there.
        Cancelled: ``cancelled`` was set; what was embedded by then is in the cache.
    """
    dataset = read(data, min_classes=1, progress=progress, cancelled=cancelled)
    run = as_run(cache, progress, cancelled)
    pool = gather(dataset, recipe or Recipe(), run)
    with run.working("evaluate"):
        return examine_pool(pool, run)


def examine_pool(pool: Pool, run: Run) -> Findings:
    """All findings about items that are embedded and cross-validated already."""
    dataset, embedded = pool.dataset, pool.embedded
    n, held_out = len(dataset), pool.out_of_fold
    labels, outliers = run.executor.both(
        lambda: score_labels(held_out, pool.y, len(pool.classes), pool.folds) if held_out else None,
        lambda: score_outliers(transform(pool.x, pool.encoder.stages, "last"), pool.clusters),
    )
    copies = duplicates_of(
        pool.clusters, embedded.digests, dataset.labels, dataset.splits, dataset.groups, pool.copies.likeness
    )
    cues = (
        ()
        if dataset.tags
        else find_cues(pool.y, pool.classes, embedded.statistics, dataset.modality, pool.clusters, pool.recipe.seed)
    )
    predicted = dataset.labels if labels is None else [pool.classes[place] for place in labels.predicted.tolist()]
    columns: dict[str, Array] = {
        "row": np.arange(n),
        ("text" if dataset.modality == "text" else "path"): np.array([item.name for item in dataset.items], object),
        "split": np.array(dataset.splits, object),
        "given_label": np.array(dataset.labels, object),
        "predicted_label": np.array(predicted, object),
        "is_label_issue": labels.is_issue if labels else np.zeros(n, np.bool_),
        "label_score": labels.score if labels else np.ones(n, np.float32),
        "is_label_judged": labels.judged if labels else np.zeros(n, np.bool_),
        "is_outlier_issue": outliers.is_issue,
        "outlier_score": outliers.score,
        **_of_copies(copies, embedded.digests, dataset.labels, bool(dataset.tags)),
        "distance_to_nearest_neighbor": outliers.distance,
        **examine(dataset, embedded.statistics, pool.texts),
        "digest": np.array(embedded.digests, object),
    }
    columns["overall_score"] = overall(columns, GRAVE)
    return Findings(pool, columns, labels, outliers, copies.sets, cues)


def _of_copies(copies: Duplicates, digests: Sequence[str], labels: Sequence[str], several: bool) -> dict[str, Array]:
    n = len(digests)
    conflict, leak = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    score = np.ones(n)
    for found in copies.sets:
        rows = list(found.rows)
        leak[rows] = found.across_splits
        if found.across_labels and (found.exact or not several):
            conflict[rows] = True  # what is nearly the same may well be of another class; what is the same may not
            called: defaultdict[str, set[str]] = defaultdict(set)
            for row in rows:
                called[digests[row]].add(labels[row])
            score[rows] = [0 if len(called[digests[row]]) > 1 else LESSER for row in rows]
    return {
        **copies.columns,
        "is_label_conflict_issue": conflict,
        "label_conflict_score": score,
        "is_leak_issue": leak,
    }
