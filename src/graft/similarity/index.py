"""A collection that can be searched: one vector of unit length for each item."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from graft.bundle import is_bundle
from graft.contracts import Encoder, Float32, Int, Progress, Store, silent
from graft.data.dataset import Item, Skipped
from graft.data.guard import Inputs
from graft.encoders import encoder_for
from graft.encoders.embed import Chunk, chunks_of, embed
from graft.errors import ItemError, UsageError
from graft.files import expanded
from graft.learning.neighbours import Neighbours, nearest
from graft.model import Model, load
from graft.model.inputs import CacheChoice, as_run, at_least_one
from graft.reading.collection import Collection, read_collection
from graft.results.prediction import Prediction
from graft.run import NEVER, Flag, Run
from graft.similarity.graph import EXACT_UP_TO, Graph
from graft.similarity.matches import Match, SearchResult
from graft.similarity.queries import as_query, check_asked, explained
from graft.similarity.saved import IndexContent, QuerySettings, read, write
from graft.similarity.space import Space
from graft.similarity.vectors import items_of, query_of, rows_of
from graft.tasks.examples import embed_dataset, nothing_readable


class Index:
    """A collection of items that can be searched by likeness; safe to use from several threads.

    Attributes:
        dataset: The items, with ``""`` for the label of one that has none.
        x: A vector of unit length for each ``(n, d) float32``.
        exact: Whether each query is compared with every item.
    """

    def __init__(
        self, content: IndexContent, exact: bool | None = None, progress: Progress = silent, cache: Store | None = None
    ) -> None:
        self.dataset, self.x = content.dataset, content.x
        self.exact = len(self.x) <= EXACT_UP_TO if exact is None else exact
        self._content = content
        self._progress, self._cache = progress, cache
        self._graph: Graph | None = None
        self._building = threading.Lock()

    @classmethod
    def of(
        cls,
        data: Collection,
        *,
        encoder: str = "auto",
        prompt: str = "",
        exact: bool | None = None,
        cache: CacheChoice = "default",
        progress: Progress = silent,
        cancelled: Flag = NEVER,
    ) -> Self:
        """Embed a collection; what cannot be read is skipped and listed in ``dataset.skipped``.

        Args:
            data: A data set, a path to one (labels are not needed), or a list of values.
            encoder: As ``graft.encoders.encoder_for`` takes it, or the folder of a saved model, for its encoder.
            prompt: What is put before every text, for encoders that were trained so; a saved model has its own.
            exact: Compare each query with every item; ``None``: only up to ``EXACT_UP_TO`` items.
            cache: Where embeddings are kept.
            progress: Told how far the work has come.
            cancelled: Ends the work once it is set, such as a ``threading.Event``.

        Raises:
            NothingToRead: No item can be read.
            UsageError: The encoder takes items of another modality.
        """
        dataset = read_collection(data, progress=progress, cancelled=cancelled)
        run = as_run(cache, progress, cancelled)
        network, prompt = _network(encoder, dataset.modality, prompt, run)
        usable, embedded = embed_dataset(network, dataset, run)
        if not len(usable):
            raise nothing_readable(usable.skipped, dataset.modality)
        space, vectors = Space.around(embedded.x, network.stages)
        content = IndexContent(usable, embedded.digests, vectors, QuerySettings(network, prompt, space))
        return cls(content, exact, run.tell, run.cache)

    @classmethod
    def load(
        cls,
        folder: str | Path,
        *,
        exact: bool | None = None,
        cache: CacheChoice = "default",
        progress: Progress = silent,
        backend: str = "auto",
        allow_download: bool = False,
    ) -> Self:
        """Open an index that ``save`` wrote; nothing is embedded but queries.

        Args:
            folder: Where it is.
            exact: As in ``of``.
            cache: Where embeddings of queries are kept.
            progress: Told how far the work has come.
            backend: ``"openvino"``, ``"onnxruntime"`` or ``"auto"``.
            allow_download: Whether its encoder may be fetched; allow it to indexes whose maker you trust.

        Raises:
            NotABundle: There is none.
            BundleError: It was damaged, was written by a newer Graft, or holds something that no index can have.
            EncoderError: This Graft does not have its encoder or another version of it, or it would have to be fetched.
        """
        content = read(folder, backend=backend, allow_download=allow_download)
        return cls(content, exact, progress, as_run(cache, progress).cache)

    def save(self, folder: str | Path, *, overwrite: bool = False) -> None:
        """Write the index as a folder, for ``load`` and ``graft search``; texts stand in it, files are only named.

        Raises:
            OutputExists: Something is there, and ``overwrite`` is false or it is no index.
            OutputIsInput: What is indexed lies there.
            BundleError: The disk refuses, or the index is one of embeddings that were computed elsewhere.
        """
        Inputs.of(self.dataset).check(folder)
        write(folder, self._content, overwrite=overwrite)

    @classmethod
    def from_embeddings(
        cls,
        x: Float32,
        labels: Sequence[Any] | None = None,
        *,
        names: Sequence[Any] | None = None,
        exact: bool | None = None,
        progress: Progress = silent,
    ) -> Self:
        """Search a matrix that was computed elsewhere; a query is a vector ``(d,)`` then.

        Args:
            x: ``(n, d) float32`` of any length; plain cosine is measured.
            labels: One for each row; ``None`` where it has none.
            names: One for each row; by default ``row 0``, ``row 1``, ...
            exact: As in ``of``.
            progress: Told how far the work has come.

        Raises:
            NothingToRead: The matrix has no rows.
            DataError: It is no matrix, not all its numbers are finite, or labels or names are more or fewer than rows.
        """
        rows = rows_of(x)
        items = items_of(len(rows), labels, names)
        return cls(IndexContent(items, ("",) * len(rows), rows, querying=None), exact, progress)

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        what = f"{self.dataset.modality} items" if self._content.querying else f"vectors of {self.x.shape[1]} numbers"
        return f"Index({self.dataset.name!r}, {len(self):,} {what})"

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """What could not be read, and why."""
        return self.dataset.skipped

    def search(self, query: Any, n: int = 10, *, min_similarity: float = -1.0) -> list[Match]:
        """The ``n`` items that are most like the query, best first; ties in the order of the items.

        An item with the query's own content is found too, first, with ``same`` set.

        Args:
            query: A path, or what else ``Dataset.from_lists`` takes; a ``str`` is a text where texts are searched. A
                vector ``(d,)`` for an index of embeddings.
            n: How many; all where there are fewer.
            min_similarity: Leave out what is less like it.

        Raises:
            ItemError: The query cannot be read, is of another modality, or holds numbers that are not finite.
            MissingExtra: There are too many items to compare with each, and usearch is not installed.
            UsageError: ``n`` is no number from 1 on, or an index of embeddings is asked for no vector of its width.
        """
        (found,) = self.search_many([query], n, min_similarity=min_similarity)
        if found.error is not None:
            raise found.error
        return list(found.matches)

    def search_many(self, queries: Sequence[Any], n: int = 10, *, min_similarity: float = -1.0) -> list[SearchResult]:
        """As ``search``, for several queries at once; one that cannot be read has an ``error`` in its place."""
        check_asked(queries, min_similarity)
        n = at_least_one(n)
        if (querying := self._content.querying) is None:
            vectors = [query_of(query, self.x.shape[1]) for query in queries]
            return self._found([(f"query {place}", each, "") for place, each in enumerate(vectors)], n, min_similarity)
        items = [as_query(query, place, self.dataset.modality) for place, query in enumerate(queries)]
        embedded = embed(querying.encoder, items, Run(self._cache))
        return self.near(Chunk(items, embedded), n, min_similarity)

    def beside(
        self, model: Model, items: Iterable[Item], n: int = 10, *, cache: CacheChoice = "default"
    ) -> Iterator[tuple[Prediction, SearchResult]]:
        """What a model says of each item, beside what is most like it here; each is embedded once.

        Args:
            model: A model with the encoder of the index.
            items: Any number of them; memory is bounded.
            n: How many look-alikes; all where there are fewer.
            cache: Where embeddings are looked up and kept.

        Raises:
            UsageError: The model has another encoder, or ``n`` is no number from 1 on.
        """
        n, encoder = at_least_one(n), self.check_of(model.encoder)
        for chunk in chunks_of(encoder, items, as_run(cache, silent)):
            yield from zip(model.answers(chunk), self.near(chunk, n), strict=True)

    def check_of(self, encoder: Encoder | None) -> Encoder:
        """A model's encoder, if what it makes of items can be compared with this index.

        Raises:
            UsageError: It is another encoder.
        """
        querying = self._content.querying
        if querying is None or encoder is None or querying.encoder.fingerprint != encoder.fingerprint:
            names = [one.name if one else "none" for one in (querying and querying.encoder, encoder)]
            raise UsageError(
                f"{self.dataset.name} was indexed with the encoder {names[0]}, and the model has {names[1]}"
                f"{' of another version' if names[0] == names[1] else ''}.",
                "Index the data with the model's own: graft index DATA --encoder MODEL.",
            )
        return encoder

    def near(self, chunk: Chunk, n: int = 10, min_similarity: float = -1.0) -> list[SearchResult]:
        """What is most like each of these items, which the encoder of the index has embedded.

        One that could not be embedded has an ``error`` in its place.
        """
        if (querying := self._content.querying) is None:
            raise UsageError("This index is of embeddings that were computed elsewhere.", "Search it with vectors.")
        embedded = chunk.embedded
        placed = zip(querying.space.place(embedded.x), embedded.digests, strict=True)
        asked: list[tuple[str, Float32 | ItemError, str]] = []
        for row, item in enumerate(chunk.items):
            if row in embedded.skipped:
                asked.append((item.name, explained(embedded.skipped[row], item, self.dataset), ""))
            else:
                asked.append((item.name, *next(placed)))
        return self._found(asked, n, min_similarity)

    def neighbours(self, row: int, n: int = 10) -> list[Match]:
        """The ``n`` items that are most like one of the index, which is itself left out.

        Raises:
            UsageError: There is no such row, or ``n`` is no number from 1 on.
        """
        n = at_least_one(n)
        if not 0 <= row < len(self):
            raise UsageError(f"There is no row {row}.", f"The rows of this index are 0 to {len(self) - 1}.")
        near = self._nearest(self.x[row : row + 1], n, np.array([row]))
        return list(self._matches(near, 0, self._content.digests[row], -1.0))

    def _found(self, asked: Sequence[tuple[str, Float32 | ItemError, str]], n: int, least: float) -> list[SearchResult]:
        """What is found for queries, each with its name, its vector or why it has none, and the hash of its content."""
        vectors = [vector for _, vector, _ in asked if not isinstance(vector, ItemError)]
        near = self._nearest(np.stack(vectors) if vectors else self.x[:0], n)
        places = iter(range(len(vectors)))
        return [
            SearchResult(name, error=vector)
            if isinstance(vector, ItemError)
            else SearchResult(name, self._matches(near, next(places), digest, least))
            for name, vector, digest in asked
        ]

    def _nearest(self, vectors: Float32, n: int, own: Int | None = None) -> Neighbours:
        n = min(n, len(self) - (own is not None))
        if self.exact or n < 1 or not len(vectors):
            return nearest(vectors, self.x, n, own)
        with self._building:
            if self._graph is None:
                self._graph = Graph(self.x, self._progress)
        return self._graph.nearest(vectors, n, own)

    def _matches(self, near: Neighbours, place: int, digest: str, least: float) -> tuple[Match, ...]:
        found = []
        for row, similarity in zip(near.rows[place].tolist(), near.similarity[place].tolist(), strict=True):
            same = bool(digest) and self._content.digests[row] == digest
            found.append((1.0 if same else similarity, same, row))
        found.sort(key=lambda one: (-one[0], not one[1], one[2]))  # the most alike first, equal content before others
        return tuple(
            Match(
                rank=position,
                row=row,
                name=self.dataset.items[row].name,
                similarity=similarity,
                label=self.dataset.labels[row],
                same=same,
                item=self.dataset.items[row],
            )
            for position, (similarity, same, row) in enumerate(found, 1)
            if similarity >= least
        )


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


def _network(encoder: str, modality: str, prompt: str, run: Run) -> tuple[Encoder, str]:
    """The encoder, tuned where it is that of a saved model which was tuned, and what it puts before every text."""
    place = expanded(encoder)
    if not is_bundle(place):
        return encoder_for(encoder, modality, "auto", prompt, run.tell), prompt
    model = load(place)
    if model.encoder is None:
        raise UsageError(f"{encoder} has no encoder.", "Name another.")
    return model.encoder, model.recipe.prompt
