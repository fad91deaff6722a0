"""Where the reference of a model comes from: what it was fitted to, or labelled data that are given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from graft.contracts import SEPARATOR, Encoder, Float32, Store
from graft.data.dataset import Dataset
from graft.encoders.embed import content_key, embed
from graft.encoders.joined import JoinedEncoder
from graft.errors import DataError
from graft.model import Model
from graft.monitoring.reference import Reference
from graft.reading.read import read
from graft.run import Run
from graft.tasks.examples import check_modality, nothing_readable

_ENOUGH = 0.9
"""Share of the items that a model was fitted to whose embeddings have to be in the cache."""


def fitted_to(model: Model, run: Run) -> Reference:
    """The items that a model was fitted to, its test split included, from the cache or from where they were read.

    Raises:
        DataError: They are in neither.
    """
    encoder, training = model.encoder, model.training
    if encoder is None or training is None or not len(training):
        raise DataError("The model does not say what it was fitted to.", "Give labelled items: --data DATA.")
    labels = dict(zip(training.digests, training.labels, strict=True))
    groups = dict(zip(training.digests, training.groups, strict=True))
    kept = _cached(encoder, tuple(labels), run.cache)
    name = f"the {len(training):,} items that the model was fitted to"
    if len(kept) < _ENOUGH * len(labels):
        source = model.job.reading.source if model.job else None
        if model.job is None or source is None or not Path(source).exists():
            raise DataError(
                f"Of the {len(labels):,} items that the model was fitted to, {len(kept):,} are still in the cache, and "
                "the data do not lie where they were read.",
                "Give the data, or other labelled items of the usual kind: --data DATA.",
            )
        dataset = read(source, **{**model.job.reading.options(), **model.task.reading, "min_classes": 1})
        return labelled(model, dataset, run, name)
    x = np.array([kept[digest] for digest in labels if digest in kept], np.float32)
    found = [digest for digest in labels if digest in kept]
    return _reference(model, x, [labels[one] for one in found], name, tuple(labels), [groups[one] for one in found])


def labelled(model: Model, dataset: Dataset, run: Run, name: str = "") -> Reference:
    """Labelled data as the reference.

    Raises:
        DataError: They are of another kind, or nothing of them can be read.
    """
    encoder = model.encoder
    if encoder is None:
        raise DataError("This model was fitted to a matrix of embeddings.", "Fit one to items, which it can then read.")
    check_modality(dataset, encoder)
    dataset = model.task.prepared(dataset)
    embedded = embed(encoder, dataset.items, run)
    if not len(embedded.rows):
        raise nothing_readable(embedded.skipped_items(dataset.items), dataset.modality)
    own = {digest: row for row, digest in reversed(list(enumerate(embedded.digests)))}  # each content once
    rows = sorted(own.values())
    labels = [dataset.labels[int(embedded.rows[row])] for row in rows]
    groups = [dataset.groups[int(embedded.rows[row])] for row in rows]
    bad = len(embedded.skipped) + len(dataset.skipped)
    name = name or f"the {len(rows):,} items of {dataset.name}" + (f"; {bad:,} more cannot be used" if bad else "")
    return _reference(model, embedded.x[rows], labels, name, tuple(own), groups)


def _reference(
    model: Model, x: Float32, labels: Sequence[str], name: str, digests: Sequence[str], groups: Sequence[str]
) -> Reference:
    given: Sequence[str] | list[list[str]] | list[float] = labels
    if not model.classes:
        given = [float(label) for label in labels]
    elif not model.classifier.exclusive:
        given = [[one for one in label.split(SEPARATOR) if one] for label in labels]
    stages = model.encoder.stages if model.encoder else ()
    return Reference.of(x, given, stages=stages, name=name, digests=digests, groups=groups)


def _cached(encoder: Encoder, digests: Sequence[str], cache: Store | None) -> dict[str, Float32]:
    """The embeddings that the cache has of contents with these digests."""
    if cache is None:
        return {}
    if isinstance(encoder, JoinedEncoder):
        parts = [_cached(member, digests, cache) for member in encoder.members]
        return {
            digest: np.concatenate([part[digest] for part in parts])
            for digest in digests
            if all(digest in part for part in parts)
        }
    keys = {digest: content_key(encoder, digest) for digest in digests}
    found = cache.get(list(keys.values()), encoder.dim)
    return {digest: found[key].vector for digest, key in keys.items() if key in found}
