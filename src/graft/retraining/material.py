"""What a retraining learns from and judges on: data and corrections, each item once, and what the model saw of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from graft.contracts import Bool, Encoder, Int
from graft.data.dataset import Dataset
from graft.data.listing import CORRECTIONS
from graft.data.split import merge
from graft.duplicates.clusters import Clusters
from graft.duplicates.likeness import clusters_of
from graft.encoders.embed import Embedded, join
from graft.errors import DataError, NothingToRead
from graft.model import Model
from graft.model.journalled import decisions_of, follow_journal
from graft.reading.read import read
from graft.results.facts import JournalEffect
from graft.run import Run
from graft.tasks.examples import embed_dataset, nothing_readable


@dataclass(frozen=True, slots=True, eq=False)
class GatheredItems:
    """Items with their embeddings, and what the model in use knows of them.

    Attributes:
        dataset: The items that can be used, n of them.
        embedded: Their embeddings.
        alike: What is nearly a copy of what.
        units: What stands on one side of every split: copies and groups ``(n,) int64``.
        known: Which items the model was fitted to, byte for byte ``(n,) bool``.
        seen: These, and all that shares a unit with one of them ``(n,) bool``.
        tested: Which stand in a test split ``(n,) bool``.
        coverage: Of the items that the model was fitted to, this share is here.
        n_corrected: Items from the folder of corrections.
        journal: What decisions did, where a journal was followed.
    """

    dataset: Dataset
    embedded: Embedded
    alike: Clusters
    units: Int
    known: Bool
    seen: Bool
    tested: Bool
    coverage: float
    n_corrected: int
    journal: JournalEffect | None = None


def gather(
    model: Model, dataset: Dataset, corrections: Path | None, journal: Path | None, encoder: Encoder, run: Run
) -> GatheredItems:
    """Embed data and corrections, and find out what is a copy of what the model has seen.

    A correction takes the place of the same item in the data, its split and group kept; it shares a unit with its
    copies, so that no copy of an item that was learned from judges.

    Args:
        model: The one in use.
        dataset: The data.
        corrections: A folder of corrections.
        journal: Decisions about the items of the data.
        encoder: The model's own.
        run: Keeps embeddings and what copies are told by.

    Raises:
        DataError: Nothing is known of what the model was fitted to, or nothing can be read.
    """
    if model.training is None:
        raise DataError("Nothing is known of the items that this model was fitted to.", "Fit a new one to all items.")
    dataset = model.task.prepared(dataset)
    usable, embedded = embed_dataset(encoder, dataset, run)
    if not len(usable):
        raise nothing_readable(usable.skipped, dataset.modality)
    effect = None
    if journal is not None:
        usable, embedded, effect = follow_journal(decisions_of(journal), usable, embedded)
    n_corrected = 0
    own = None if corrections is None else _read_corrections(corrections, model, encoder)
    if own is not None:
        mended, rows = embed_dataset(encoder, own, run)
        n_corrected = len(mended)
        usable, embedded = _corrected(encoder, usable, embedded, mended, rows)
    learned = {
        digest for digest, split in zip(model.training.digests, model.training.splits, strict=True) if split != "test"
    }
    with run.working("fit"):
        alike = clusters_of(usable, embedded, encoder.stages, run)
    units = merge(alike.clusters, usable.groups)
    known = np.array([digest in learned for digest in embedded.digests], np.bool_)
    return GatheredItems(
        usable,
        embedded,
        alike,
        units,
        known,
        np.isin(units, units[known]),
        np.array([split == "test" for split in usable.splits], np.bool_),
        len(learned.intersection(embedded.digests)) / max(len(learned), 1),
        n_corrected,
        effect,
    )


def _read_corrections(folder: Path, model: Model, encoder: Encoder) -> Dataset | None:
    """The corrections with a label, if there are any yet: the page makes their folder with the first.

    Raises:
        DataError: The folder holds something else.
    """
    if not (folder / CORRECTIONS).is_file():
        if os.path.lexists(folder) and not (folder.is_dir() and not any(folder.iterdir())):
            raise DataError(
                f"{folder} holds no corrections: it has no {CORRECTIONS}.",
                "Name the folder that graft app keeps corrections in.",
            )
        return None
    reading = {**model.task.reading, "min_classes": 1, "modality": encoder.modality}
    try:
        own: Dataset = model.task.prepared(read(folder, **reading))
        return own
    except NothingToRead:  # all that were corrected are of none of the classes
        return None


def _corrected(
    encoder: Encoder, data: Dataset, embedded: Embedded, own: Dataset, rows: Embedded
) -> tuple[Dataset, Embedded]:
    """The data with the corrections, each item once."""
    last = {digest: row for row, digest in enumerate(rows.digests)}  # of two copies of an item the later correction
    place = {digest: row for row, digest in enumerate(embedded.digests)}
    kept = [row for row, digest in enumerate(embedded.digests) if digest not in last]
    added = list(last.values())
    before = [place.get(digest) for digest in last]
    corrections = replace(
        own.select(added),
        splits=tuple(_of(data.splits, row) for row in before),
        groups=tuple(_of(data.groups, row) for row in before),
        warnings=(),
    )
    joined = data.select(kept).joined(corrections)
    whole = join(encoder, [embedded.select(kept), rows.select(added)])
    return joined, replace(whole, rows=np.arange(len(joined)), skipped={})


def _of(values: Sequence[str], row: int | None) -> str:
    return "" if row is None else values[row]
