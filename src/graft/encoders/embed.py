"""From items to embeddings: read, look up in the cache, decode, encode, keep. Streams in bounded memory.

Each worker takes a chunk of items through all the steps on its own core, so that decoding one chunk overlaps with
encoding another without hand-over between threads.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np

from graft.contracts import Encoder, Float32, Int, Progress, silent
from graft.data.dataset import Item, Skipped
from graft.encoders.cache import Cache, Entry
from graft.encoders.joined import JoinedEncoder
from graft.errors import ItemError
from graft.executors import one_thread_each, workers


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

    def skipped_items(self, items: Sequence[Item]) -> tuple[Skipped, ...]:
        """The skipped items with their names and reasons."""
        return tuple(
            Skipped(items[row].name, _without_name(error.message, items[row].name), error.reason)
            for row, error in sorted(self.skipped.items())
        )


def embed(encoder: Encoder, items: Sequence[Item], cache: Cache | None = None, progress: Progress = silent) -> Embedded:
    """Embed all items; the bad ones are named and skipped."""
    parts = []
    done = 0
    progress("embed", 0, len(items))
    for part in stream(encoder, items, cache):
        parts.append(part)
        done += len(part.rows) + len(part.skipped)
        progress("embed", done, len(items))
    return _join(encoder, parts)


def stream(encoder: Encoder, items: Iterable[Item], cache: Cache | None = None) -> Iterator[Embedded]:
    """Embed any number of items, chunk by chunk and in order, with at most a few chunks in memory."""
    source = enumerate(iter(items))
    size = encoder.batch_size
    pending: deque[Future[Embedded]] = deque()
    with ThreadPoolExecutor(workers(), thread_name_prefix="graft-embed") as pool:
        try:
            while True:
                while len(pending) < 2 * workers() and (chunk := list(islice(source, size))):
                    pending.append(pool.submit(_embed_on_a_core, encoder, chunk, cache))
                if not pending:
                    return
                yield pending.popleft().result()
        finally:  # the reader may stop early, or Ctrl-C may have come
            for future in pending:
                future.cancel()


def content_digest(content: bytes) -> str:
    """What an item is known by, whatever its name: the first 128 bits of SHA-256, as 32 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()[:32]


def content_key(encoder: Encoder, digest: str) -> bytes:
    """The cache's key: content and everything that the embedding depends on."""
    return hashlib.sha256(f"{encoder.fingerprint}:{digest}".encode()).digest()


def _embed_on_a_core(encoder: Encoder, chunk: Sequence[tuple[int, Item]], cache: Cache | None) -> Embedded:
    # Of recordings the energies are matrix products, whose last digits depend on how many threads share them.
    with one_thread_each():
        return _embed_chunk(encoder, chunk, cache)


def _embed_chunk(encoder: Encoder, chunk: Sequence[tuple[int, Item]], cache: Cache | None) -> Embedded:
    if isinstance(encoder, JoinedEncoder):  # each from its own entries of the cache
        return _side_by_side(encoder, [_embed_chunk(member, chunk, cache) for member in encoder.members])
    digests: dict[int, str] = {}
    contents: dict[int, bytes] = {}
    skipped: dict[int, ItemError] = {}
    for row, item in chunk:
        try:
            contents[row] = item.read()
            digests[row] = content_digest(contents[row])
        except ItemError as error:
            skipped[row] = error
    keys = {row: content_key(encoder, digest) for row, digest in digests.items()}
    found = cache.get(list(set(keys.values())), encoder.dim) if cache else {}
    missing = [row for row in digests if keys[row] not in found]
    fresh = _encode(encoder, {row: contents[row] for row in missing}, dict(chunk), skipped)
    if cache:
        cache.put(encoder.fingerprint, {keys[row]: entry for row, entry in fresh.items()})
    rows = [row for row in digests if row not in skipped]
    entries = [fresh[row] if row in fresh else found[keys[row]] for row in rows]
    return _embedded(encoder, rows, entries, tuple(digests[row] for row in rows), skipped, misses=len(fresh))


def _embedded(
    encoder: Encoder,
    rows: Sequence[int],
    entries: Sequence[Entry],
    digests: tuple[str, ...],
    skipped: Mapping[int, ItemError],
    misses: int,
) -> Embedded:
    return Embedded(
        x=np.stack([entry.vector for entry in entries]) if entries else np.empty((0, encoder.dim), np.float32),
        rows=np.array(rows, dtype=np.int64),
        digests=digests,
        statistics={
            name: np.array([entry.statistics.get(name, np.nan) for entry in entries], np.float64)
            for name in encoder.statistics
        },
        skipped=skipped,
        hits=len(rows) - misses,
        misses=misses,
    )


def _encode(
    encoder: Encoder, contents: Mapping[int, bytes], items: Mapping[int, Item], skipped: dict[int, ItemError]
) -> dict[int, Entry]:
    prepared = {}
    for row, content in contents.items():
        try:
            prepared[row] = encoder.prepare(content)
        except ItemError as error:
            skipped[row] = ItemError(error.reason, f"{items[row].name}: {error.message}", error.hint)
    if not prepared:
        return {}
    vectors = encoder.embed([entry.value for entry in prepared.values()])
    return {
        row: Entry(vector, entry.statistics) for vector, (row, entry) in zip(vectors, prepared.items(), strict=True)
    }


def recall(encoder: Encoder, digests: Sequence[str], cache: Cache) -> Embedded:
    """What the cache still has of items that are not at hand; the others are missing from ``rows``."""
    if isinstance(encoder, JoinedEncoder):
        return _side_by_side(encoder, [recall(member, digests, cache) for member in encoder.members])
    keys = [content_key(encoder, digest) for digest in digests]
    found = cache.get(list(dict.fromkeys(keys)), encoder.dim)
    rows = [row for row, key in enumerate(keys) if key in found]
    gone = ItemError("not_in_cache", "Its embedding is not in the cache any more.", "Give the item again.")
    return _embedded(
        encoder,
        rows,
        [found[keys[row]] for row in rows],
        tuple(digests[row] for row in rows),
        {row: gone for row in range(len(keys)) if keys[row] not in found},
        misses=0,
    )


def _side_by_side(encoder: JoinedEncoder, parts: Sequence[Embedded]) -> Embedded:
    """The items that every member could use; the reason that the first of them gave for each that is missing."""
    skipped = {row: error for part in reversed(parts) for row, error in part.skipped.items()}
    kept = [np.array([row not in skipped for row in part.rows.tolist()], np.bool_) for part in parts]
    first = parts[0]
    statistics = {
        name: values[own] for part, own in zip(parts, kept, strict=True) for name, values in part.statistics.items()
    }
    return Embedded(
        x=np.concatenate([part.x[own] for part, own in zip(parts, kept, strict=True)], axis=1),
        rows=first.rows[kept[0]],
        digests=tuple(digest for digest, own in zip(first.digests, kept[0].tolist(), strict=True) if own),
        statistics=statistics,
        skipped=skipped,
        hits=min(part.hits for part in parts),
        misses=max(part.misses for part in parts),
    )


def _without_name(message: str, name: str) -> str:
    """The message, where the name is said beside it already."""
    message = message.removeprefix(f"{name}: ")
    return f"It {message.removeprefix(f'{name} ')}" if message.startswith(f"{name} ") else message


def _join(encoder: Encoder, parts: Sequence[Embedded]) -> Embedded:
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
