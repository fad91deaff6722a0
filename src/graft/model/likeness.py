"""What is a copy, or nearly one, of what: each modality has its own way to tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graft.contracts import Float32, Int, Stages
from graft.data.dataset import Dataset
from graft.data.near_sounds import SAME_SOUND, WIDTH
from graft.data.near_texts import near_duplicate_texts
from graft.data.split import merge, near_duplicates
from graft.encoders.cache import Cache
from graft.encoders.embed import Embedded, embed, recall
from graft.encoders.prints import SoundPrints
from graft.heads.features import GIVEN, transform
from graft.model.texts import text_of


def clusters_of(dataset: Dataset, embedded: Embedded, stages: Stages, cache: Cache | None = None) -> Int:
    """Clusters of near-duplicates ``(n,) int64``; ``dataset`` has the rows of ``embedded``.

    In a matrix that was given instead of items, rows of equal content only. What recordings are compared by is kept in
    the cache.
    """
    if stages == GIVEN:
        return merge(np.arange(len(embedded.x)), embedded.digests)
    if dataset.modality == "text":
        return merge(_alike_texts(dataset), embedded.digests)
    if dataset.modality == "audio":
        return near_duplicates(embedded.digests, _prints(dataset, embedded.digests, cache), SAME_SOUND)
    return near_duplicates(embedded.digests, transform(embedded.x, stages, "last"))


def _alike_texts(dataset: Dataset) -> Int:
    """Near-duplicates among the texts that are at hand; the others stand alone."""
    texts = [text_of(item) for item in dataset.items]
    known = [row for row, text in enumerate(texts) if text is not None]
    alike = len(dataset) + np.arange(len(dataset))
    alike[known] = near_duplicate_texts([text for text in texts if text is not None])
    return alike


def _prints(dataset: Dataset, digests: Sequence[str], cache: Cache | None) -> Float32:
    """What copies of recordings are recognised by ``(n, 1024) float32``; zeros, like nothing, for those gone."""
    x = np.zeros((len(dataset), WIDTH), np.float32)
    missing = np.arange(len(dataset))
    if cache:
        known = recall(SoundPrints(), digests, cache)
        x[known.rows] = known.x
        missing = np.setdiff1d(missing, known.rows)
    if len(missing):
        found = embed(SoundPrints(), [dataset.items[row] for row in missing], cache)
        x[missing[found.rows]] = found.x
    return x
