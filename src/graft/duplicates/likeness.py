"""What is a copy, or nearly one, of what: each modality has its own way to tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from graft.contracts import Encoder, Float32, Stages, silent
from graft.data.dataset import Dataset
from graft.data.split import merge
from graft.data.texts import text_of
from graft.duplicates.clusters import FEW, Alike, Clusters, near_duplicates, settled, with_partner
from graft.duplicates.copies import PARTNER, Copies, copies_among
from graft.duplicates.pictures import show_nothing
from graft.duplicates.prints import PicturePrints, SoundPrints
from graft.duplicates.sounds import SAME_SOUND
from graft.duplicates.texts import near_duplicate_texts
from graft.encoders.embed import Embedded, embed, recall
from graft.heads.features import GIVEN, transform
from graft.run import PLAIN, Run

_BLIND = 0.9
"""Plain cosine that nine pairs of pictures in ten reach where an encoder agrees to everything, as one with random
weights does: it is not asked whether what looks alike is."""
_LOOKED_AT = 256


def clusters_of(dataset: Dataset, embedded: Embedded, stages: Stages, run: Run = PLAIN) -> Clusters:
    """Clusters of near-duplicates; ``dataset`` has the rows of ``embedded``.

    In a matrix that was given instead of items, rows of equal content only. What pictures and recordings are compared
    by is kept in the cache.
    """
    if stages == GIVEN:
        equal = merge(np.arange(len(embedded.x)), embedded.digests)
        alike = Alike(equal, equal)
    elif dataset.modality == "text":
        alike = Alike(*(merge(clusters, embedded.digests) for clusters in _alike_texts(dataset)))
    elif dataset.modality == "audio":
        prints = _prints(SoundPrints(), dataset, embedded.digests, run)
        alike = near_duplicates(embedded.digests, prints, SAME_SOUND)
    else:
        alike = _alike_pictures(dataset, embedded, stages, run)
    return _settled(dataset, alike)


def copies_of(
    dataset: Dataset, embedded: Embedded, stages: Stages, run: Run = PLAIN, clusters: Clusters | None = None
) -> Copies:
    """What is a copy of what, as strictly as it can be told; for cleaning, where ``clusters_of`` is for splits.

    Of pictures only those that show the same in the same places, whichever encoder there is; two shots of one thing
    must not straddle a split, and are no copies. That takes a print of each picture, which is kept in the cache. Of
    all else it is what ``clusters_of`` finds, and how alike they are is not known.

    Args:
        dataset: The items.
        embedded: Their embeddings.
        stages: Of their encoder.
        run: Keeps the prints.
        clusters: What ``clusters_of`` found, where that is known already.
    """
    if dataset.modality == "image" and stages != GIVEN:
        found = copies_among(embedded.digests, _prints(PicturePrints(), dataset, embedded.digests, run))
        return Copies(_settled(dataset, found.alike).clusters, found.likeness)
    alike = (clusters or clusters_of(dataset, embedded, stages, run)).clusters
    together = np.bincount(alike, minlength=1)[alike] > 1
    return Copies(alike, np.where(together, np.float32(0.5), np.float32(0)))


def _alike_pictures(dataset: Dataset, embedded: Embedded, stages: Stages, run: Run) -> Alike:
    """Copies, and two shots of one thing, which an encoder tells and a print does not."""
    x = transform(embedded.x, stages, "last")
    unit = x / np.linalg.norm(x, axis=1, keepdims=True).clip(1e-12)  # two encoders side by side are longer
    rows = np.arange(len(x)) if len(x) < FEW else np.flatnonzero(with_partner(unit, PARTNER))
    digests = [embedded.digests[row] for row in rows]
    prints = _prints(PicturePrints(), dataset.select(rows), digests, run)
    known = rows[copies_among(digests, prints, unit[rows]).pairs] if _tells_apart(unit) else np.empty((0, 2), np.int64)
    blank = np.zeros(len(x), np.bool_)
    blank[rows] = show_nothing(prints)
    return near_duplicates(embedded.digests, x, known=map(tuple, known.tolist()), apart=blank)


def _tells_apart(x: Float32) -> bool:
    """Whether an encoder finds some pictures unlike; ``x`` is ``(n, d)``, of unit length."""
    some = x[np.linspace(0, len(x) - 1, min(len(x), _LOOKED_AT)).astype(np.int64)]
    pairs = (some @ some.T)[np.triu_indices(len(some), 1)]
    return len(x) < FEW or bool(np.quantile(pairs, 0.1) < _BLIND)


def _settled(dataset: Dataset, alike: Alike) -> Clusters:
    names = {label: place for place, label in enumerate(dict.fromkeys(dataset.labels))}
    return settled(alike, np.array([names[label] for label in dataset.labels], np.int64))


def _alike_texts(dataset: Dataset) -> Alike:
    """Near-duplicates among the texts that are at hand; the others stand alone."""
    texts = {row: text for row, item in enumerate(dataset.items) if (text := text_of(item)) is not None}
    found = []
    for clusters in near_duplicate_texts(list(texts.values())):
        alike = len(dataset) + np.arange(len(dataset))
        alike[list(texts)] = clusters
        found.append(alike)
    return Alike(*found)


def _prints(encoder: Encoder, dataset: Dataset, digests: Sequence[str], run: Run) -> Float32:
    """What copies are recognised by ``(n, dim) float32``; zeros, like nothing, for items that are gone."""
    x = np.zeros((len(dataset), encoder.dim), np.float32)
    missing = np.arange(len(dataset))
    run = replace(run, progress=silent)  # of these items it was told before
    if run.cache:
        known = recall(encoder, digests, run.cache)
        x[known.rows] = known.x
        missing = np.setdiff1d(missing, known.rows)
    if len(missing):
        found = embed(encoder, [dataset.items[row] for row in missing], run)
        x[missing[found.rows]] = found.x
    return x
