"""One model over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from graft.errors import GraftError, ItemError
from graft.serving import json_items
from graft.serving.admission import Admission
from graft.serving.batching import Batcher
from graft.serving.bodies import BodyBudget, read_body
from graft.serving.decoders import Decoders
from graft.serving.draining import Draining
from graft.serving.first_item import first_item
from graft.serving.front import Front, described
from graft.serving.keys import ServerKey
from graft.serving.limits import ServerLimits
from graft.serving.loaded import LoadedModel
from graft.serving.media_types import JSON, body_type, check_accept, check_encoding
from graft.serving.metrics import Metrics
from graft.serving.packing import unpack_request
from graft.serving.predict_request import PredictRequest
from graft.serving.problems import Problem, to_json

READ_HERE = 1 << 20
"""Bytes of JSON that are read at once; more of it is read in a child, for nothing else is answered meanwhile."""
JSON_READER = b"j"
OPEN = frozenset({"/healthz", "/readyz", "/ping", "/docs", "/openapi.json"})
"""What needs no key: probes, and how to ask."""


class ModelServer:
    """Everything that one model needs to be asked over HTTP.

    Attributes:
        model: Which answers.
        ready: Whether it has answered once.
        draining: Ends it.

    Args:
        model: Which answers.
        limits: What is taken.
        key: Who is let in; ``None``: everybody.
        own_host: As ``Front`` takes it.
        draining: How it ends.
    """

    def __init__(
        self,
        model: LoadedModel,
        *,
        limits: ServerLimits | None = None,
        key: ServerKey | None = None,
        own_host: str | None = None,
        draining: Draining | None = None,
    ) -> None:
        self.model = model
        self.limits = limits or ServerLimits()
        self.draining = draining or Draining()
        self.metrics = Metrics(model.name, model.version)
        self.decoders = Decoders(model.encoder, self.limits.item, {JSON_READER: json_items.read_in_child})
        self.batcher = Batcher(model, self.decoders, self.limits)
        self.admission = Admission(self.limits)
        self.budget = BodyBudget(self.limits)
        self.ready = False
        self._key = key
        self._own_host = own_host

    def app(self) -> Any:
        """The ASGI app."""
        app = FastAPI(title=f"graft serve {self.model.name}", docs_url=None, redoc_url=None)
        app.add_api_route("/predict", self.predict, methods=["POST"])
        app.add_api_route("/invocations", self.predict, methods=["POST"])
        app.add_api_route("/healthz", self.alive, methods=["GET"])
        app.add_api_route("/readyz", self.is_ready, methods=["GET"])
        app.add_api_route("/ping", self.is_ready, methods=["GET"])
        app.add_api_route("/metrics", self.figures, methods=["GET"])
        front = Front(
            app,
            open_to_all=OPEN,
            own_host=self._own_host,
            key=self._key,
            limits=self.limits,
            draining=self.draining,
            metrics=self.metrics,
        )

        async def refused(request: Request, error: Exception) -> Any:
            return front.refused(error if isinstance(error, GraftError) else _routing(request, error))

        app.add_exception_handler(HTTPException, refused)
        app.add_exception_handler(GraftError, refused)
        return front

    async def warm(self) -> None:
        """Answer one item, from its bytes to its label; from then on it is ready.

        Raises:
            GraftError: It cannot be answered.
        """
        self.model.encoder.warm()
        (answer,) = await self.batcher.predictions([first_item(self.model.modality)], ["the first item"])
        if answer.error is not None:
            raise answer.error
        self.ready = True

    async def predict(self, request: Request) -> Response:
        """Answer one item or many: JSON, a form with files, or the bytes of one file."""
        described(request.scope, "predict")
        headers = request.headers
        check_accept(headers.get("accept", ""), JSON)
        check_encoding(headers)
        self._check_ready()
        self.admission.check()
        with self.budget.room() as take:
            body = await read_body(request.scope, request.receive, take, self.limits)
            asked = await self._read(body, headers.get("content-type", ""), request.query_params)
            with self.admission.items(len(asked.items)):
                answers = await self.batcher.predictions(asked.items, asked.names)
        self._count(answers)
        if all(answer.error is not None for answer in answers):
            raise self._nothing(asked, answers)
        said = self.model.said(answers, asked.top)
        if asked.ids:
            said = [{"id": own, **one} for own, one in zip(asked.ids, said, strict=True)]
        return _json({"model": self.model.name, "version": self.model.version, "predictions": said})

    async def alive(self) -> Response:
        """Whether the process lives: it does, busy or not."""
        return _json({"status": "alive"})

    async def is_ready(self) -> Response:
        """Whether the model has answered once, and the server is not about to end."""
        self._check_ready()
        if self.draining.begun:
            raise Problem(503, "draining", "The server is about to end.", "Ask another one.")
        return _json({"status": "ready", "model": self.model.name, "version": self.model.version})

    async def figures(self) -> Response:
        """What is counted, for Prometheus."""
        text = self.metrics.show(self.admission.waiting, self.budget.taken, self.decoders.died)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    def _check_ready(self) -> None:
        if not self.ready:
            raise Problem(
                503, "starting", "The model is being loaded.", "Ask again in a second.", headers={"Retry-After": "1"}
            )

    async def _read(self, body: bytes, header: str, query: Mapping[str, str]) -> PredictRequest:
        """The items of a body."""
        modality = self.model.modality
        kind = body_type(header, body, modality)
        if kind != JSON:
            return self._checked(PredictRequest((body,), ("body",), top=json_items.count(query.get("top"), "top")))
        if len(body) <= READ_HERE:
            return self._checked(json_items.read_request(body))
        found = self.decoders.submit(body, JSON_READER)
        return self._checked(unpack_request(await asyncio.wrap_future(found)))

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

    def _count(self, answers: list[Any]) -> None:
        bad = [answer.error for answer in answers if answer.error is not None]
        self.metrics.items(len(answers) - len(bad), len(bad))
        for error in bad:
            self.metrics.error(error.reason)

    def _nothing(self, asked: PredictRequest, answers: list[Any]) -> Problem:
        """What is said where no item could be answered: of the first, by its name."""
        error: ItemError = answers[0].error
        return Problem.of_item(error, asked.names[0])


def _json(value: Any, status: int = 200) -> Response:
    return Response(to_json(value), status, media_type=JSON)


def _routing(request: Request, error: Any) -> Problem:
    """What is said of paths and methods that there are not."""
    path = request.scope["path"][:100]
    told = {
        404: ("not_found", f"There is no {path!r} here.", "GET /docs shows what there is."),
        405: ("wrong_method", f"{request.method[:20]} is not for {path!r}.", "GET /docs shows what is."),
    }
    code, message, hint = told.get(error.status_code, ("error", "The request cannot be answered.", ""))
    return Problem(error.status_code, code, message, hint, headers=error.headers, closes=True)
