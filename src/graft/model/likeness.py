"""What is a copy, or nearly one, of what: each modality has its own way to tell."""

from __future__ import annotations

import numpy as np

from graft.contracts import Int, Stages
from graft.data.dataset import Dataset
from graft.data.near_texts import near_duplicate_texts
from graft.data.split import merge, near_duplicates
from graft.encoders.embed import Embedded
from graft.heads.features import GIVEN, transform
from graft.model.texts import texts_of


def clusters_of(dataset: Dataset, embedded: Embedded, stages: Stages) -> Int:
    """Clusters of near-duplicates ``(n,) int64``; ``dataset`` has the rows of ``embedded``.

    In a matrix that was given instead of items, rows of equal content only.
    """
    if stages == GIVEN:
        return merge(np.arange(len(embedded.x)), embedded.digests)
    if dataset.modality == "text":
        texts = texts_of(dataset.items)
        alike = np.arange(len(dataset)) if texts is None else near_duplicate_texts(texts)
        return merge(alike, embedded.digests)
    return near_duplicates(embedded.digests, transform(embedded.x, stages, "last"))
