"""New classes for a fitted model, without its old items: their embeddings are in the cache."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from graft.contracts import Encoder, Progress, silent
from graft.data.dataset import Dataset
from graft.data.guard import Inputs
from graft.data.items import Broken
from graft.data.provenance import inputs_of
from graft.encoders import tuned_weights
from graft.encoders.embed import Embedded, content_digest, embed, join, recall
from graft.errors import DataError, ItemError
from graft.job import Job, Plan, Reading
from graft.model.fitting import Fitted, fit_embedded
from graft.model.inputs import CacheChoice, Source, as_run
from graft.model.model import Model
from graft.model.training import Training
from graft.reading.inputs import renamed
from graft.reading.read import read
from graft.results.figures import ClassesAdded, RecallChange
from graft.run import NEVER, Flag, Run, Stopwatch
from graft.tasks import task_of
from graft.tasks.examples import embed_dataset

WITHOUT_TEXTS = (
    "The cache holds the embeddings of the first fit's texts and not their words: no TF-IDF was tried, and near-copies "
    "of the old texts were not looked for. Give the old texts too (--old), and they are."
)
ENCODER_KNOWS_THEM = (
    "The encoder was tuned on the old items and has seen their labels: the figures of the old classes flatter."
)


def extend(
    model: Model,
    data: Source,
    *,
    old: Source | None = None,
    cache: CacheChoice = "default",
    progress: Progress = silent,
    cancelled: Flag = NEVER,
    clock: Stopwatch | None = None,
) -> Model:
    """Fit a model anew with more classes, or more items of those it knows.

    Every item counts as if all had been given at once: choice, calibration and judging are those of ``fit``. The report
    says what happened to the old classes.

    Args:
        model: A fitted model. It stays as it is.
        data: Labelled items of new classes, of old ones, or of both.
        old: The items of the first fit, where the cache does not hold their embeddings any more.
        cache: Where embeddings are kept.
        progress: Told how far the work has come.
        cancelled: Ends the work once it is set, such as a ``threading.Event``.
        clock: Holds the seconds of steps that came before.

    Raises:
        DataError: Nothing is known of the old items, or the cache has lost some and ``old`` does not bring them.
    """
    encoder, training = model._own_encoder(), model.training
    if training is None:
        raise DataError("Nothing is known of the items that this model was fitted to.", "Fit a new one to all items.")
    run = as_run(cache, progress, cancelled, clock)
    with run.clock.timing("read"):
        dataset = read(data, min_classes=1, modality=encoder.modality, progress=progress, cancelled=cancelled)
    if not model.classes:
        raise DataError("This model predicts numbers: no class can be added to it.", "Fit a new model to all items.")
    if not model.task.growing or not task_of(model.recipe, dataset).growing:
        raise DataError("Classes cannot be added where items bear several labels.", "Fit a new model to all items.")
    new, embedded = embed_dataset(encoder, dataset, run)
    place = model.report.model
    plan = Plan("extend", model=place, old=_path_of(old), inputs=inputs_of(new, embedded.digests, place))
    with run.clock.timing("embed"):
        before, remembered = _remember(model, training, old, run)
    joined, everything = _join(encoder, before, remembered, new, embedded)
    if encoder.modality == "text" and old is None:
        joined = replace(joined, warnings=(*joined.warnings, WITHOUT_TEXTS))
    fitted = fit_embedded(joined, everything, encoder, model.recipe, run)
    flattered = (ENCODER_KNOWS_THEM,) if tuned_weights(encoder) else ()
    report = replace(
        fitted.model.report,
        warnings=(*fitted.model.report.warnings, *flattered),
        name=model.report.name,
        added=_what_happened(model, fitted, len(before)),
        journal=model.report.journal,  # the old items are those of the first fit, as the journal had them
        tuning=model.report.tuning if tuned_weights(encoder) else None,
        columns=model.report.columns,
        inputs=Inputs.of(model.report.inputs, dataset, before),
    )
    return replace(fitted.model, report=report, job=Job(new.reading or Reading(), model.recipe, plan))


def _path_of(source: Source | None) -> str | None:
    """Where data can be read again; of the old items the model's record tells whether they are the same."""
    if isinstance(source, Dataset):
        return source.reading.source if source.reading else None
    return str(source) if isinstance(source, str | Path) else None


def _remembered(name: str) -> Broken:
    """An item of the first fit, of which only the embedding is known."""
    return Broken(name, "not_given", f"{name} was not given again.", "Give the old items too, to see them.")


def _remember(model: Model, training: Training, old: Source | None, run: Run) -> tuple[Dataset, Embedded]:
    """The old items with what the cache has of them, or with what ``old`` brings."""
    encoder, again, items = model._own_encoder(), None, {}
    if old is not None:
        again = read(old, min_classes=1, modality=encoder.modality, progress=run.progress, cancelled=run.cancelled)
        wanted = set(training.digests)
        rows = [row for row, item in enumerate(again.items) if _digest(item) in wanted]
        embedded = embed(encoder, again.select(rows).items, run)
        items = dict(zip(embedded.digests, (again.items[rows[row]] for row in embedded.rows.tolist()), strict=True))
    elif run.cache is not None:
        embedded = recall(encoder, training.digests, run.cache)
    else:
        raise DataError("The old items are only known from the cache, and none is to be used.", "Give the old items.")
    place = {digest: row for row, digest in enumerate(embedded.digests)}
    missing = [digest for digest in training.digests if digest not in place]
    if missing:
        where = "among the old items that were given" if again is not None else "in the cache any more"
        raise DataError(
            f"{len(missing):,} of the {len(training):,} items of the first fit are not {where}.",
            "Give the data of the first fit as well (--old DATA, in Python old=), or fit a new model to all items.",
        )
    rows = [place[digest] for digest in training.digests]
    names = [f"{label}, item {row + 1} of the first fit" for row, label in enumerate(training.labels)]
    dataset = Dataset(
        items=tuple(items.get(digest, _remembered(name)) for digest, name in zip(training.digests, names, strict=True)),
        labels=training.labels,
        splits=training.splits,
        groups=training.groups,
        modality=encoder.modality,
        name=model.report.name,
        sources=again.sources if again is not None else (),
        negatives=model.report.false_alarms.labels if model.report.false_alarms else (),
    )
    return dataset, replace(embedded.select(rows), skipped={}, hits=embedded.hits and len(rows))


def _digest(item: object) -> str | None:
    try:
        return content_digest(item.read())  # type: ignore[attr-defined]
    except ItemError:
        return None


def _join(
    encoder: Encoder, before: Dataset, remembered: Embedded, new: Dataset, embedded: Embedded
) -> tuple[Dataset, Embedded]:
    """Old and new as one; what stands in both under the same label is taken once."""
    known = set(zip(remembered.digests, before.labels, strict=True))
    rows = [row for row, pair in enumerate(zip(embedded.digests, new.labels, strict=True)) if pair not in known]
    added = new.select(rows)
    names = {item.name for item in before.items}  # an old and a new cat/1.jpg are two items
    items = (renamed(item, f"{new.name}/{item.name}") if item.name in names else item for item in added.items)
    joined = before.joined(replace(added, items=tuple(items)))
    whole = join(encoder, [remembered, embedded.select(rows)])
    return joined, replace(whole, rows=np.arange(len(joined)))


def _what_happened(model: Model, fitted: Fitted, n_before: int) -> ClassesAdded:
    """Out-of-fold recall of each old class on its old items, in the first fit and now."""
    classes = fitted.model.classes
    out_of_fold = fitted.found.out_of_fold
    old_rows = np.flatnonzero((fitted.examples.train < n_before) & out_of_fold.scored)
    y, p = fitted.examples.rows.y[old_rows], out_of_fold.p[old_rows]
    predicted = p.argmax(axis=1) if len(p) else np.empty(0, np.int64)
    new = tuple(label for label in classes if label not in model.classes)
    is_new = np.isin(classes, new)
    recall = {}
    for label in model.classes:
        own = predicted[y == classes.index(label)]
        before = model.report.per_class[label].recall
        after = float((own == classes.index(label)).mean()) if len(own) else float("nan")
        recall[label] = RecallChange(before, after, len(own), int(is_new[own].sum()))
    return ClassesAdded(new, recall)
