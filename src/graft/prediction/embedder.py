"""Embeddings for anybody: single requests from many threads, encoded together.

Whatever waits for the same encoder when a thread is free goes through the network at once, ``TOGETHER`` items at most.
Nobody waits for others to come: on a machine with nothing to do a request is served at once and alone, and the batches
grow with the load. The threads are those of the process that embed data sets as well.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextvars import Context
from dataclasses import dataclass, field
from functools import partial

from graft.contracts import LIMITS, Encoder, ItemLimits, Store
from graft.encoders.embed import Embedded, EmbeddedRow, EmbeddedRows, gathered, rows_of
from graft.errors import GraftError, ItemError
from graft.executors import CORES, renew_in_child

TOGETHER = 8
"""Items that go through the network at once, at most: nobody should wait long for what others ask."""


@dataclass(frozen=True, slots=True)
class _Request:
    content: bytes
    row: Future[EmbeddedRow] = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class _Line:
    """Who waits for the same encoder, with the same cache and limits."""

    encoder: Encoder
    cache: Store | None
    limits: ItemLimits
    requests: deque[_Request] = field(default_factory=deque)


_Place = tuple[int, int, ItemLimits]


class Embedder:
    """Takes contents from any thread and embeds together what waits at the same time."""

    def __init__(self) -> None:
        self._lines: dict[_Place, _Line] = {}
        self._lock = threading.Lock()
        # What waited in the parent is answered there.
        renew_in_child(self, _lock=threading.Lock, _lines=dict)

    def submit(
        self,
        encoder: Encoder,
        contents: Sequence[bytes],
        cache: Store | None = None,
        limits: ItemLimits = LIMITS,
        *,
        together: bool = True,
    ) -> list[Future[EmbeddedRow]]:
        """Ask for the embeddings of these contents; the answers come as they are ready.

        Args:
            encoder: What embeds them.
            contents: Files as bytes, or texts in UTF-8.
            cache: Where embeddings are looked up and kept; ``None`` for nowhere.
            limits: How large each content may be.
            together: Whether they may go through the network with others, on which the last digits depend.

        Returns:
            A future for each content. It raises ``ItemError`` where that content is empty, broken or of another kind;
            what else was asked for at the same time is answered all the same.
        """
        requests = [_Request(content) for content in contents]
        if not together:
            for request in requests:
                Context().run(CORES.submit, partial(_answer, _Line(encoder, cache, limits), [request]))
            return [request.row for request in requests]
        place = id(encoder), id(cache), limits
        with self._lock:
            self._lines.setdefault(place, _Line(encoder, cache, limits)).requests.extend(requests)
        # As many turns as take all that wait, whoever comes between: none is left over.
        for _ in range(0, len(requests), TOGETHER):
            # In a context of its own: whoever stops the work that asked must not stop what others wait for.
            Context().run(CORES.submit, partial(self._serve, place))
        return [request.row for request in requests]

    def embed(
        self,
        encoder: Encoder,
        contents: Sequence[bytes],
        cache: Store | None = None,
        limits: ItemLimits = LIMITS,
    ) -> Embedded:
        """The embeddings of these contents; the bad ones are skipped, each with its reason.

        Args:
            encoder: What embeds them.
            contents: Files as bytes, or texts in UTF-8.
            cache: Where embeddings are looked up and kept; ``None`` for nowhere.
            limits: How large each content may be.

        Raises:
            EncoderError: The encoder cannot be had.
        """
        rows: EmbeddedRows = {}
        for position, future in enumerate(self.submit(encoder, contents, cache, limits)):
            try:
                rows[position] = future.result()
            except ItemError as error:
                rows[position] = error
        return gathered(encoder, rows)

    def _serve(self, place: _Place) -> None:
        """One turn of a thread: the next few of a line."""
        line = self._lines.get(place)
        before = -1
        # Those who have just been answered are about to ask again: they get the interpreter first, for as long as more
        # come of it. Nothing is waited for: where nobody is about to ask, this takes a few microseconds.
        while line is not None and before < len(line.requests) < TOGETHER:
            before = len(line.requests)
            time.sleep(0)
        with self._lock:
            line = self._lines.get(place)
            if line is None:
                return
            taken = [line.requests.popleft() for _ in range(min(TOGETHER, len(line.requests)))]
            if not line.requests:  # an encoder that nobody waits for may go
                del self._lines[place]
        requests = [request for request in taken if request.row.set_running_or_notify_cancel()]
        if requests:
            _answer(line, requests)


def _answer(line: _Line, requests: Sequence[_Request]) -> None:
    try:
        contents = {place: request.content for place, request in enumerate(requests)}
        rows = rows_of(line.encoder, contents, line.cache, line.limits)
    except BaseException as error:
        if len(requests) > 1 and isinstance(error, Exception) and not isinstance(error, GraftError):
            for request in requests:  # whose content it was shows when each is asked for alone
                _answer(line, [request])
            return
        for request in requests:
            request.row.set_exception(error)
        return
    for place, request in enumerate(requests):
        row = rows[place]
        if isinstance(row, EmbeddedRow):
            request.row.set_result(row)
        else:
            request.row.set_exception(row)


_embedder = Embedder()
submit = _embedder.submit
embed = _embedder.embed
