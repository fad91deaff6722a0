"""From contents to answers: decoded in children, embedded with whatever else waits, answered where that was done."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import numpy as np

from graft.contracts import Float32
from graft.data.items import Memory
from graft.data.texts import text_of
from graft.decoding.formats import HEAD, describe_kind, kind_of
from graft.encoders.embed import EmbeddedRow, content_digest
from graft.errors import ItemError
from graft.prediction.embedder import submit
from graft.results.prediction import Prediction
from graft.serving.decoders import DecodedElsewhere, Decoders
from graft.serving.limits import ServerLimits
from graft.serving.loaded import LoadedModel

Rows = list[EmbeddedRow | ItemError]
Keep = Callable[[Float32, Sequence[Any], Sequence[bytes]], None]


class Batcher:
    """Answers the items of requests, each request as soon as its own are done.

    Args:
        model: Which answers.
        decoders: Where pictures and recordings are decoded; texts are read here.
        limits: How large an item may be.
    """

    def __init__(self, model: LoadedModel, decoders: Decoders, limits: ServerLimits) -> None:
        self.model = model
        self._decoders = decoders
        self._limits = limits.item
        self._here = model.modality == "text"
        self._encoder = model.encoder if self._here else DecodedElsewhere.of(model.encoder)

    async def predictions(
        self,
        items: Sequence[bytes | ItemError],
        names: Sequence[str],
        keep: Keep | None = None,
        *,
        together: bool = True,
    ) -> list[Any]:
        """What the model says of each item, in their order; one that cannot be used has an ``error``.

        Args:
            items: Their contents.
            names: What they are called.
            keep: Is given the embeddings, answers and contents of those that can be used; it must return at once.
            together: Whether they may be computed at once, on which the last digits depend.
        """
        if not together:
            each = zip(items, names, strict=True)
            singles = (self._done([item], self._finish([item], [name], keep), together=False) for item, name in each)
            return [answer for (answer,) in await asyncio.gather(*singles)]
        found: list[Any] = await self._done(items, self._finish(items, names, keep))
        return found

    def _finish(
        self, items: Sequence[bytes | ItemError], names: Sequence[str], keep: Keep | None
    ) -> Callable[[Rows], list[Any]]:
        return lambda rows: self._predictions(items, names, rows, keep)

    async def finished(self, items: Sequence[bytes | ItemError], finish: Callable[[Rows], Any]) -> Any:
        """What ``finish`` makes of the rows of all items, in their order, each with the digest of its content."""

        def known(rows: Rows) -> Any:
            return finish([_known_as(row, item) for row, item in zip(rows, items, strict=True)])

        return await self._done(items, known)

    async def _done(
        self, items: Sequence[bytes | ItemError], finish: Callable[[Rows], Any], *, together: bool = True
    ) -> Any:
        loop = asyncio.get_running_loop()
        waiting = loop.create_future()

        def tell(result: Any, error: BaseException | None) -> None:
            if waiting.done():  # nobody waits any more
                return
            if error is None:
                waiting.set_result(result)
            else:
                waiting.set_exception(error)

        def tell_there(result: Any, error: BaseException | None) -> None:
            loop.call_soon_threadsafe(tell, result, error)

        work = _Work(len(items), finish, tell_there)
        self._begin(items, work, together)
        return await waiting

    def _begin(self, items: Sequence[bytes | ItemError], work: _Work, together: bool) -> None:
        good = [(place, item) for place, item in enumerate(items) if isinstance(item, bytes)]
        if self._here:
            contents = [item for _, item in good]
            rows = submit(self._encoder, contents, None, self._limits, together=together) if good else []
            for (place, _), row in zip(good, rows, strict=True):
                row.add_done_callback(work.taker(place))
        for place, item in enumerate(items):
            if isinstance(item, ItemError):
                work.take(place, item)
            elif not self._here:
                self._decode(item, place, work, together)

    def _decode(self, content: bytes, place: int, work: _Work, together: bool) -> None:
        if (error := self._unwanted(content)) is not None:
            work.take(place, error)
            return

        def embed(decoded: Future[bytes]) -> None:
            if (error := decoded.exception()) is not None:
                work.take(place, error)
                return
            (row,) = submit(self._encoder, [decoded.result()], together=together)
            row.add_done_callback(work.taker(place))

        self._decoders.submit(content).add_done_callback(embed)

    def _unwanted(self, content: bytes) -> ItemError | None:
        """HEIC is never decoded here, whatever is installed: its decoder was not made for files of anybody."""
        if self.model.modality != "image" or (kind := kind_of(content[:HEAD])) != "heic":
            return None
        what, _ = describe_kind(kind, "image")
        return ItemError("not_supported", f"The file is {what}, which this server does not take.", "Send it as JPEG.")

    def _predictions(
        self, items: Sequence[bytes | ItemError], names: Sequence[str], rows: Rows, keep: Keep | None
    ) -> list[Any]:
        predictor = self.model.predictor
        good = [(place, row.entry.vector) for place, row in enumerate(rows) if isinstance(row, EmbeddedRow)]
        if not good:
            return [Prediction(name, error=_error(row)) for name, row in zip(names, rows, strict=True)]
        contents = [_bytes(items[place]) for place, _ in good]
        texts = None
        if predictor.words:
            texts = [text_of(Memory(own, names[place])) or "" for own, (place, _) in zip(contents, good, strict=True)]
        x = np.stack([vector for _, vector in good])
        found = predictor.answer(x, texts)
        if keep is not None:
            keep(x, found, contents)
        answers = dict(zip((place for place, _ in good), found, strict=True))
        return [
            replace(answers[place], input=name) if place in answers else Prediction(name, error=_error(rows[place]))
            for place, name in enumerate(names)
        ]


class _Work:
    """The items of one request, until the last of them is done; that thread finishes the request.

    Args:
        n: How many items there are.
        finish: Makes the result of all rows.
        tell: Is given the result, or why there is none.
    """

    def __init__(
        self, n: int, finish: Callable[[Rows], Any], tell: Callable[[Any, BaseException | None], None]
    ) -> None:
        self._rows: list[EmbeddedRow | ItemError | None] = [None] * n
        self._left = n
        self._failed: BaseException | None = None
        self._lock = threading.Lock()
        self._finish = finish
        self._tell = tell

    def taker(self, place: int) -> Callable[[Future[EmbeddedRow]], None]:
        """What takes the row of an item once it is there."""

        def take(row: Future[EmbeddedRow]) -> None:
            error = row.exception()
            self.take(place, row.result() if error is None else error)

        return take

    def take(self, place: int, row: EmbeddedRow | BaseException) -> None:
        """One item is done."""
        with self._lock:
            if isinstance(row, EmbeddedRow | ItemError):
                self._rows[place] = row
            else:
                self._failed = row
            self._left -= 1
            if self._left:
                return
        if self._failed is not None:
            self._tell(None, self._failed)
            return
        try:
            self._tell(self._finish([row for row in self._rows if row is not None]), None)
        except BaseException as error:
            self._tell(None, error)


def _known_as(row: EmbeddedRow | ItemError, item: bytes | ItemError) -> EmbeddedRow | ItemError:
    """An embedded item is known by its own content, and not by what a child made of it."""
    if isinstance(row, EmbeddedRow) and isinstance(item, bytes):
        return replace(row, digest=content_digest(item))
    return row


def _error(row: EmbeddedRow | ItemError) -> ItemError:
    return row if isinstance(row, ItemError) else ItemError("unreadable", "It has no answer.", "Send it again.")


def _bytes(item: bytes | ItemError) -> bytes:
    return item if isinstance(item, bytes) else b""
