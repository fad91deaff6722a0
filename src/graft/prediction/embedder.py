"""Embeddings for anybody: single requests from many threads, encoded together.

Whatever waits for the same encoder when a thread is free goes through the network at once, ``TOGETHER`` items at most.
Nobody waits for others to come: on a machine with nothing to do a request is served at once and alone, and the batches
grow with the load. The threads are those of the process that embed data sets as well.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextvars import Context
from dataclasses import dataclass, field
from functools import partial

from graft.contracts import Encoder
from graft.encoders.cache import Cache
from graft.encoders.embed import Embedded, Row, gathered, rows_of
from graft.errors import GraftError, ItemError
from graft.executors import CORES, renew_in_child

TOGETHER = 8
"""Items that go through the network at once, at most: nobody should wait long for what strangers ask."""


@dataclass(frozen=True, slots=True)
class _Request:
    content: bytes
    row: Future[Row] = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class _Line:
    """Who waits for the same encoder, with the same cache."""

    encoder: Encoder
    cache: Cache | None
    requests: deque[_Request] = field(default_factory=deque)


class Embedder:
    """Takes contents from any thread and embeds together what waits at the same time."""

    def __init__(self) -> None:
        self._lines: dict[tuple[int, int], _Line] = {}
        self._lock = threading.Lock()
        # What waited in the parent is answered there.
        renew_in_child(self, _lock=threading.Lock, _lines=dict)

    def submit(self, encoder: Encoder, contents: Sequence[bytes], cache: Cache | None = None) -> list[Future[Row]]:
        """Ask for the embeddings of these contents; the answers come as they are ready.

        Args:
            encoder: What embeds them.
            contents: Files as bytes, or texts in UTF-8.
            cache: Where embeddings are looked up and kept; ``None`` for nowhere.

        Returns:
            A future for each content. It raises ``ItemError`` where that content is empty, broken or of another kind;
            what else was asked for at the same time is answered all the same.
        """
        requests = [_Request(content) for content in contents]
        place = id(encoder), id(cache)
        with self._lock:
            self._lines.setdefault(place, _Line(encoder, cache)).requests.extend(requests)
        # As many turns as take all that wait, whoever comes between: none is left over.
        for _ in range(0, len(requests), TOGETHER):
            # In a context of its own: whoever stops the work that asked must not stop what strangers wait for.
            Context().run(CORES.submit, partial(self._serve, place))
        return [request.row for request in requests]

    def embed(self, encoder: Encoder, contents: Sequence[bytes], cache: Cache | None = None) -> Embedded:
        """The embeddings of these contents; the bad ones are skipped, each with its reason.

        Args:
            encoder: What embeds them.
            contents: Files as bytes, or texts in UTF-8.
            cache: Where embeddings are looked up and kept; ``None`` for nowhere.

        Raises:
            EncoderError: The encoder cannot be had.
        """
        rows: dict[int, Row | ItemError] = {}
        for position, future in enumerate(self.submit(encoder, contents, cache)):
            try:
                rows[position] = future.result()
            except ItemError as error:
                rows[position] = error
        return gathered(encoder, rows)

    def _serve(self, place: tuple[int, int]) -> None:
        """One turn of a thread: the next few of a line."""
        with self._lock:
            line = self._lines.get(place)
            if line is None:
                return
            taken = [line.requests.popleft() for _ in range(min(TOGETHER, len(line.requests)))]
            if not line.requests:  # an encoder that nobody waits for may go
                del self._lines[place]
        requests = [request for request in taken if request.row.set_running_or_notify_cancel()]
        if requests:
            _answer(line.encoder, requests, line.cache)


def _answer(encoder: Encoder, requests: Sequence[_Request], cache: Cache | None) -> None:
    try:
        rows = rows_of(encoder, {place: request.content for place, request in enumerate(requests)}, cache)
    except BaseException as error:
        if len(requests) > 1 and isinstance(error, Exception) and not isinstance(error, GraftError):
            for request in requests:  # whose content it was shows when each is asked for alone
                _answer(encoder, [request], cache)
            return
        for request in requests:
            request.row.set_exception(error)
        return
    for place, request in enumerate(requests):
        row = rows[place]
        if isinstance(row, Row):
            request.row.set_result(row)
        else:
            request.row.set_exception(row)


_embedder = Embedder()
submit = _embedder.submit
embed = _embedder.embed
