"""One model over HTTP: what its server is made of, and how a request becomes answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.requests import Request

from graft.data.items import Memory
from graft.encoders.embed import Chunk, gathered
from graft.errors import ItemError
from graft.serving import json_items, kserve, records
from graft.serving.admission import Admission
from graft.serving.batching import Batcher, Rows
from graft.serving.bodies import BodyBudget, read_body
from graft.serving.decoders import Decoders
from graft.serving.draining import Draining
from graft.serving.first_item import first_item
from graft.serving.form_items import read_form
from graft.serving.limits import ServerLimits
from graft.serving.loaded import LoadedModel
from graft.serving.media_types import JSON, MULTIPART, body_type, check_accept, check_encoding, parameters, to_utf8
from graft.serving.metrics import Metrics
from graft.serving.packing import pack, read_there, unpack_request
from graft.serving.predict_request import PredictRequest
from graft.serving.problems import Problem

if TYPE_CHECKING:
    from graft.monitoring.keeping import LogKeeper
    from graft.similarity import Index

READ_HERE = 1 << 20
"""Bytes of JSON that are read at once; more of it is read in a child, for nothing else is answered meanwhile."""
READERS: Mapping[bytes, Callable[..., PredictRequest]] = {
    b"j": json_items.read_request,
    b"k": kserve.read_infer,
    b"r": records.read_records,
}
"""What reads a body, by the letter by which a child knows it."""
MATCHES = 10
"""So many look-alikes are found where no number is asked for."""

Reading = Callable[[bytes], Awaitable[PredictRequest]]


class Answered(NamedTuple):
    """What was asked, and what there is to say."""

    request: PredictRequest
    answers: list[Any]


class ModelServer:
    """Everything that one model needs to be asked over HTTP; ``routes`` says under which addresses.

    Attributes:
        model: Which answers.
        index: In which look-alikes are found, by the encoder of the model; ``None`` where there is none.
        ready: Whether it has answered once.
        draining: Ends it.

    Args:
        model: Which answers.
        index: The folder of an index.
        limits: What is taken.
        draining: How it ends.
        keeper: Keeps what is answered.
    """

    def __init__(
        self,
        model: LoadedModel,
        *,
        index: Path | None = None,
        limits: ServerLimits | None = None,
        draining: Draining | None = None,
        keeper: LogKeeper | None = None,
    ) -> None:
        self.model = model
        self.index = None if index is None else _index(index, model)
        self.limits = limits or ServerLimits()
        self.draining = draining or Draining()
        self.metrics = Metrics(model.name, model.version)
        readers = {letter: partial(read_there, reader) for letter, reader in READERS.items()}
        self.decoders = Decoders(model.encoder, self.limits.item, readers)
        self.batcher = Batcher(model, self.decoders, self.limits)
        self.admission = Admission(self.limits)
        self.budget = BodyBudget(self.limits)
        self._keep = None if keeper is None else keeper.offer
        self.ready = False

    async def warm(self) -> None:
        """Answer one item, from its bytes to its label; from then on it is ready.

        Raises:
            GraftError: It cannot be answered.
        """
        await asyncio.to_thread(self.model.encoder.warm)
        items, names = [first_item(self.model.modality)], ["the first item"]
        (answer,) = await self.batcher.predictions(items, names)
        if answer.error is not None:
            raise answer.error
        if self.index is not None:
            await self._near(PredictRequest(tuple(items), tuple(names)))
        self.ready = True

    def check_ready(self) -> None:
        """Whether it has answered once.

        Raises:
            Problem: It has not yet.
        """
        if not self.ready:
            raise Problem(
                503, "starting", "The model is being loaded.", "Ask again in a second.", headers={"Retry-After": "1"}
            )

    async def predictions(self, request: Request, reading: Reading) -> Answered:
        """What the model says of the items of a request; an item that cannot be used has an error.

        Raises:
            Problem: The request is refused.
            ClientGone: Nobody waits for an answer.
        """
        return await self._answered(
            request, reading, lambda asked: self.batcher.predictions(asked.items, asked.names, self._keep)
        )

    async def batch(self, request: Request) -> Answered:
        """What the model says of the records of a batch, each by itself, so that no digit depends on where it was cut.

        They take half the room that there is: others are answered meanwhile.

        Raises:
            Problem: The batch is refused as a whole.
            ClientGone: Nobody waits for an answer.
        """
        room = max(1, self.limits.waiting // 2)

        async def read(body: bytes) -> PredictRequest:
            header, modality = request.headers.get("content-type", ""), self.model.modality
            asked = await self._read_by(b"r", len(body), body, header, modality)
            return self._ranked(asked, request.query_params.get("top"))

        async def answer(asked: PredictRequest) -> list[Any]:
            found: list[Any] = []
            for start in range(0, len(asked.items), room):
                part = slice(start, start + room)
                items, names = asked.items[part], asked.names[part]
                found += await self.batcher.predictions(items, names, self._keep, together=False)
            return found

        return await self._answered(request, read, answer, accepted=(JSON, *records.LINES), room=room)

    async def matches(self, request: Request, reading: Reading) -> Answered:
        """What is most like each item of a request, in the index.

        Raises:
            Problem: The request is refused, or there is no index.
            ClientGone: Nobody waits for an answer.
        """
        if self.index is None:
            raise Problem(404, "not_found", "This server has no index.", "Start it with --index DIR.", closes=True)
        return await self._answered(request, reading, self._near)

    async def read(self, body: bytes, request: Request) -> PredictRequest:
        """The items of a body: JSON, a form with files, or the bytes of one file.

        Raises:
            Problem: It holds none.
        """
        header, query = request.headers.get("content-type", ""), request.query_params
        kind = body_type(header, body, self.model.modality)
        if kind == JSON:
            asked = await self._read_by(b"j", len(body), body)
        elif kind == MULTIPART:
            asked = await read_form(body, parameters(header)[1].get("boundary", ""), self.limits.items)
        else:
            content = to_utf8(body, header) if self.model.modality == "text" else body
            asked = PredictRequest((content,), ("body",), rest=json_items.rest_of("", query))
        return self._ranked(asked, query.get("top"))

    def _ranked(self, asked: PredictRequest, top: str | None) -> PredictRequest:
        """The same with so many classes of each, where the address says how many and the body does not."""
        if asked.top is None and (number := json_items.count(top, "top")):
            asked = PredictRequest(asked.items, asked.names, asked.ids, number, asked.rest)
        if asked.top is not None and not self.model.classes:
            raise Problem(422, "bad_request", "This model predicts numbers, which have no ranks.", "Leave top out.")
        return asked

    async def read_infer(self, body: bytes, request: Request) -> PredictRequest:
        """The items of a request of the v2 protocol.

        Raises:
            Problem: It holds none.
        """
        length = kserve.header_length(request.headers.get(kserve.HEADER_LENGTH), body)
        return await self._read_by(b"k", len(body) if length is None else length, body, self.model.modality, length)

    async def _read_by(self, letter: bytes, size: int, body: bytes, *arguments: Any) -> PredictRequest:
        """What one of ``READERS`` makes of a body with so many bytes of JSON or records."""
        if size <= READ_HERE:
            return READERS[letter](body, *arguments)
        try:
            return unpack_request(await asyncio.wrap_future(self.decoders.submit(pack(arguments, [body]), letter)))
        except ItemError as error:  # the child did not come to its end
            raise Problem(
                413 if error.reason == "too_large" else 400,
                error.reason,
                "The body could not be read: it takes too much memory or time.",
                "Send fewer items at once.",
            ) from None

    async def _answered(
        self,
        request: Request,
        reading: Reading,
        answer: Callable[[PredictRequest], Awaitable[list[Any]]],
        *,
        accepted: Sequence[str] = (JSON,),
        room: int | None = None,
    ) -> Answered:
        check_accept(request.headers.get("accept", ""), *accepted)
        check_encoding(request.headers)
        self.check_ready()
        self.admission.check()
        with self.budget.room() as take:
            body = await read_body(request.scope, request.receive, take, self.limits)
            asked = await reading(body)
            if room is None:
                asked = self._checked(asked)
            with self.admission.items(len(asked.items) if room is None else min(len(asked.items), room)):
                answers = await answer(asked)
        bad = [one.error for one in answers if one.error is not None]
        self.metrics.items(len(answers) - len(bad), len(bad))
        for error in bad:
            self.metrics.error(error.reason)
        return Answered(asked, answers)

    def _checked(self, asked: PredictRequest) -> PredictRequest:
        """The same, where it is what this model takes."""
        given = asked.rest.get("modality", "")
        if given and given != self.model.modality:
            key = {modality: key for key, modality in json_items.KEYS.items()}[self.model.modality]
            raise Problem(
                422, "bad_request", f"This model takes {key}, and was sent others.", f'Send {{"{key}": [...]}}.'
            )
        if len(asked.items) > self.limits.items:
            raise Problem(
                413,
                "too_many",
                f"The request has {len(asked.items):,} items; the limit is {self.limits.items:,}.",
                "Send them in several requests.",
            )
        return asked

    async def _near(self, asked: PredictRequest) -> list[Any]:
        index, encoder = self.index, self.model.encoder
        assert index is not None
        items = tuple(Memory(_content(item), name) for item, name in zip(asked.items, asked.names, strict=True))

        def find(rows: Rows) -> list[Any]:
            n = min(asked.rest.get("n", MATCHES), len(index))
            return index.near(Chunk(items, gathered(encoder, dict(enumerate(rows)))), n)

        found: list[Any] = await self.batcher.finished(asked.items, find)
        return found


def refused_all(found: Answered) -> Problem | None:
    """What is said where no item could be answered: why of each, and of the first above all; ``None`` where one was."""
    errors = [answer.error for answer in found.answers]
    if not all(errors):
        return None
    names = found.request.names
    problem = Problem.of_item(errors[0], names[0])
    if len(errors) > 1:
        problem.rest = {
            "errors": [{"item": name, **error.to_dict()} for name, error in zip(names, errors, strict=True)]
        }
    return problem


def _content(item: bytes | ItemError) -> bytes:
    return item if isinstance(item, bytes) else b""


def _index(folder: Path, model: LoadedModel) -> Index:
    from graft.similarity import Index

    index = Index.load(folder, cache=None)
    index.check_of(model.encoder)
    return index
