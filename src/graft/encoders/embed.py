"""From items to embeddings: read, look up in the cache, decode, encode, keep. Streams in bounded memory.

Each worker takes a chunk of items through all the steps on its own core, so that decoding one chunk overlaps with
encoding another without hand-over between threads.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import NamedTuple, NoReturn

import numpy as np

from graft.contracts import LIMITS, Encoder, Float32, Int, ItemLimits, Prepared, Store
from graft.data.dataset import Item, Skipped
from graft.encoders.cache import Entry
from graft.encoders.joined import JoinedEncoder
from graft.errors import ItemError
from graft.executors import checkpoint, one_thread_each
from graft.run import PLAIN, Run


@dataclass(frozen=True, slots=True)
class EmbeddedRow:
    """One embedded item: its embedding and statistics, the hash of its content, and whether the cache had it."""

    entry: Entry
    digest: str
    cached: bool


EmbeddedRows = dict[int, EmbeddedRow | ItemError]
"""What became of each item, by its position."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """Embedded items, in the order in which they came.

    Attributes:
        x: ``(n, dim) float32``, one row for each item that could be used.
        rows: ``(n,) int64``: which of the given items each row of ``x`` is.
        digests: Hash of the content of each row.
        statistics: What was measured at decoding, by name: ``(n,) float64`` each.
        skipped: The items that could not be used, by position.
        hits: How many came from the cache.
        misses: How many went through the network.
    """

    x: Float32
    rows: Int
    digests: tuple[str, ...]
    statistics: Mapping[str, np.ndarray]
    skipped: Mapping[int, ItemError]
    hits: int
    misses: int

    def select(self, rows: Sequence[int] | Int) -> Embedded:
        """Those of these rows only, in this order."""
        digests = tuple(self.digests[row] for row in rows)
        statistics = {name: values[rows] for name, values in self.statistics.items()}
        return replace(self, x=self.x[rows], rows=self.rows[rows], digests=digests, statistics=statistics)

    def skipped_items(self, items: Sequence[Item]) -> tuple[Skipped, ...]:
        """The skipped items with their names and reasons."""
        return tuple(
            Skipped(items[row].name, _without_name(error.message, items[row].name), error.reason)
            for row, error in sorted(self.skipped.items())
        )


class Chunk(NamedTuple):
    """Some of the items, in order.

    Attributes:
        items: The items.
        embedded: Their embeddings; its ``rows`` and ``skipped`` count from the first of them.
    """

    items: Sequence[Item]
    embedded: Embedded

    @property
    def readable(self) -> list[Item]:
        """The items of ``embedded.x``, row by row."""
        return [self.items[row] for row in self.embedded.rows.tolist()]


def embed(encoder: Encoder, items: Sequence[Item], run: Run = PLAIN) -> Embedded:
    """Embed all items; the bad ones are named and skipped.

    Raises:
        Cancelled: The run is to end; what was embedded by then is in its cache.
    """
    parts = []
    done = 0
    run.tell("embed", 0, len(items))
    for taken, part in chunks_of(encoder, items, run):
        skipped = {row + done: error for row, error in part.skipped.items()}
        parts.append(replace(part, rows=part.rows + done, skipped=skipped))
        done += len(taken)
        run.tell("embed", done, len(items))
    return join(encoder, parts)


def chunks_of(encoder: Encoder, items: Iterable[Item], run: Run = PLAIN) -> Iterator[Chunk]:
    """Any number of items with their embeddings, in order, with at most a few chunks in memory."""
    source = iter(items)
    size, executor = encoder.batch_size, run.executor
    pending: deque[tuple[Future[Chunk], partial[Chunk]]] = deque()
    try:
        while True:
            while len(pending) < 2 * executor.workers and (chunk := tuple(islice(source, size))):
                work = partial(_embed_chunk, encoder, chunk, run)
                pending.append((executor.submit(work), work))
            if not pending:
                return
            future, work = pending.popleft()
            # Who asks may be one of the threads itself: what none of them has begun is done here, and none waits.
            yield work() if future.cancel() else future.result()
    finally:  # the reader may stop early, or Ctrl-C may have come: nothing goes on behind the caller's back
        wait([future for future, _ in pending if not future.cancel()])


def content_digest(content: bytes) -> str:
    """What an item is known by, whatever its name: the first 128 bits of SHA-256, as 32 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()[:32]


def content_key(encoder: Encoder, digest: str) -> bytes:
    """The cache's key: content and everything that the embedding depends on."""
    return hashlib.sha256(f"{encoder.fingerprint}:{digest}".encode()).digest()


def rows_of(
    encoder: Encoder, contents: Mapping[int, bytes], cache: Store | None, limits: ItemLimits = LIMITS
) -> EmbeddedRows:
    """What becomes of each content, on the thread that asks; a bad one has its error, and the others are served."""
    # Of recordings the energies are matrix products, whose last digits depend on how many threads share them.
    with one_thread_each():
        taken = {key: content for key, content in contents.items() if len(content) <= limits.bytes}
        digests = {key: content_digest(content) for key, content in taken.items()}
        return _rows_of(encoder, digests, cache, lambda member, key: member.prepare(taken[key], limits)) | {
            key: _too_large(content, limits) for key, content in contents.items() if key not in taken
        }


def _rows_of(
    encoder: Encoder, digests: Mapping[int, str], cache: Store | None, prepare: Callable[[Encoder, int], Prepared]
) -> EmbeddedRows:
    """What becomes of the contents with these digests; what the cache does not have is prepared for an encoder."""
    if isinstance(encoder, JoinedEncoder):  # each from its own entries of the cache
        members = [_rows_of(member, digests, cache, prepare) for member in encoder.members]
        return {key: _side_by_side([rows[key] for rows in members]) for key in digests}
    keys = {key: content_key(encoder, digest) for key, digest in digests.items()}
    found = cache.get(list(set(keys.values())), encoder.dim) if cache else {}
    rows: EmbeddedRows = {}
    prepared = {}
    for key, digest in digests.items():
        checkpoint()
        if (entry := found.get(keys[key])) is not None:
            rows[key] = EmbeddedRow(entry, digest, cached=True)
            continue
        try:
            prepared[key] = prepare(encoder, key)
        except ItemError as error:
            rows[key] = error
    if prepared:
        checkpoint()
        vectors = encoder.embed([one.value for one in prepared.values()])
        fresh = {key: Entry(x, one.statistics) for x, (key, one) in zip(vectors, prepared.items(), strict=True)}
        if cache:
            cache.put(encoder.fingerprint, {keys[key]: entry for key, entry in fresh.items()})
        rows |= {key: EmbeddedRow(entry, digests[key], cached=False) for key, entry in fresh.items()}
    return rows


def _too_large(content: bytes, limits: ItemLimits) -> ItemError:
    found = f"The item has {len(content):,} bytes; the limit is {limits.bytes:,}."
    return ItemError("too_large", found, "Make it smaller.")


def gathered(encoder: Encoder, rows: EmbeddedRows) -> Embedded:
    """What became of each item, by its position, as arrays in the order of the mapping."""
    good = {row: found for row, found in rows.items() if isinstance(found, EmbeddedRow)}
    entries = [found.entry for found in good.values()]
    hits = sum(found.cached for found in good.values())
    return Embedded(
        x=np.stack([entry.vector for entry in entries]) if entries else np.empty((0, encoder.dim), np.float32),
        rows=np.array(list(good), dtype=np.int64),
        digests=tuple(found.digest for found in good.values()),
        statistics={
            name: np.array([entry.statistics.get(name, np.nan) for entry in entries], np.float64)
            for name in encoder.statistics
        },
        skipped={row: found for row, found in rows.items() if isinstance(found, ItemError)},
        hits=hits,
        misses=len(good) - hits,
    )


def recall(encoder: Encoder, digests: Sequence[str], cache: Store) -> Embedded:
    """What the cache still has of items that are not at hand; the others are missing from ``rows``."""

    def gone(member: Encoder, row: int) -> NoReturn:
        raise ItemError("not_in_cache", "Its embedding is not in the cache any more.", "Give the item again.")

    return gathered(encoder, _rows_of(encoder, dict(enumerate(digests)), cache, gone))


def _side_by_side(parts: Sequence[EmbeddedRow | ItemError]) -> EmbeddedRow | ItemError:
    """One row of what each encoder made of an item; the reason of the first of them that could not use it."""
    rows = []
    for part in parts:
        if isinstance(part, ItemError):
            return part
        rows.append(part)
    statistics = {name: value for row in rows for name, value in row.entry.statistics.items()}
    entry = Entry(np.concatenate([row.entry.vector for row in rows]), statistics)
    return EmbeddedRow(entry, rows[0].digest, cached=all(row.cached for row in rows))


def _embed_chunk(encoder: Encoder, items: Sequence[Item], run: Run) -> Chunk:
    contents: dict[int, bytes] = {}
    rows: EmbeddedRows = {}
    for row, item in enumerate(items):
        run.check()
        try:
            contents[row] = item.read()
        except ItemError as error:  # says its name itself
            rows[row] = error
    with run.at_work():
        embedded = rows_of(encoder, contents, run.cache)
    for row, found in embedded.items():
        rows[row] = _named(found, items[row].name) if isinstance(found, ItemError) else found
    return Chunk(items, gathered(encoder, dict(sorted(rows.items()))))


def _named(error: ItemError, name: str) -> ItemError:
    return ItemError(error.reason, f"{name}: {error.message}", error.hint)


def _without_name(message: str, name: str) -> str:
    """The message, where the name is said beside it already."""
    message = message.removeprefix(f"{name}: ")
    return f"It {message.removeprefix(f'{name} ')}" if message.startswith(f"{name} ") else message


def join(encoder: Encoder, parts: Sequence[Embedded]) -> Embedded:
    """Items that were embedded part by part, as one."""
    return Embedded(
        x=np.concatenate([np.empty((0, encoder.dim), np.float32), *(part.x for part in parts)]),
        rows=np.concatenate([np.empty(0, np.int64), *(part.rows for part in parts)]),
        digests=tuple(digest for part in parts for digest in part.digests),
        statistics={
            name: np.concatenate([np.empty(0), *(part.statistics[name] for part in parts)])
            for name in encoder.statistics
        },
        skipped={row: error for part in parts for row, error in part.skipped.items()},
        hits=sum(part.hits for part in parts),
        misses=sum(part.misses for part in parts),
    )
