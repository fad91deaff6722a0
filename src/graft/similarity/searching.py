"""A search in one call."""

from __future__ import annotations

from typing import Any

from graft.contracts import Progress, silent
from graft.model.inputs import CacheChoice
from graft.reading.collection import Collection
from graft.run import NEVER, Flag
from graft.similarity.index import Index
from graft.similarity.matches import Match


def search(
    data: Collection,
    query: Any,
    n: int = 10,
    *,
    encoder: str = "auto",
    prompt: str = "",
    min_similarity: float = -1.0,
    cache: CacheChoice = "default",
    progress: Progress = silent,
    cancelled: Flag = NEVER,
) -> list[Match]:
    """The ``n`` items of ``data`` that are most like ``query``, best first, each compared with it.

    To search the same data again, make an ``Index`` of them.

    Args:
        data: A data set, a path to one (labels are not needed), or a list of values.
        query: A path, or what else ``Dataset.from_lists`` takes; a ``str`` is a text where texts are searched.
        n: How many; all where there are fewer.
        encoder: As ``graft.encoders.encoder_for`` takes it.
        prompt: What is put before every text, for encoders that were trained so.
        min_similarity: Leave out what is less like it.
        cache: Where embeddings are kept.
        progress: Told how far the work has come.
        cancelled: Ends the work once it is set, such as a ``threading.Event``.

    Raises:
        NothingToRead: No item of the data can be read.
        ItemError: The query cannot be read, or is of another modality.
        UsageError: The encoder takes items of another modality.
    """
    index = Index.of(
        data, encoder=encoder, prompt=prompt, exact=True, cache=cache, progress=progress, cancelled=cancelled
    )
    return index.search(query, n, min_similarity=min_similarity)
