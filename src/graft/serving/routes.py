"""The addresses of a server of one model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from graft import __version__
from graft.errors import GraftError
from graft.serving import kserve
from graft.serving.documentation import document, page, style
from graft.serving.guard import BROKEN, RequestGuard
from graft.serving.keys import ServerKey
from graft.serving.media_types import JSON
from graft.serving.one_model import Answered, ModelServer, refused_all
from graft.serving.problems import Problem, to_json
from graft.serving.records import LINES, kind_of_records, lines_of

PAGES = ("/docs", "/docs/style.css", "/openapi.json")
FIGURES = "text/plain; version=0.0.4; charset=utf-8"
"""The text form of Prometheus."""
MAX_PAYLOAD = 6
"""Megabytes that a batch job sends at once where nothing else is said."""
PROBES = ("/healthz", "/readyz", "/ping", "/execution-parameters", "/v2/health/live", "/v2/health/ready")
PAGE_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class DocumentedRoutes:
    """The addresses at which a server says how it is asked, and that it lives.

    Attributes:
        document: Of OpenAPI.
    """

    document: dict[str, Any]

    def always(self) -> Sequence[tuple[str, str, Any]]:
        """Method, address, and what answers there, whatever else the server does."""
        return (
            ("GET", "/healthz", self.alive),
            ("GET", "/docs", self.docs),
            ("GET", "/docs/style.css", self.style),
            ("GET", "/openapi.json", self.openapi),
        )

    async def alive(self) -> Response:
        """The process lives, busy or not."""
        return json_answer({"status": "alive"})

    async def docs(self) -> Response:
        """How to ask, as a page."""
        headers = {"content-security-policy": PAGE_POLICY, "referrer-policy": "no-referrer"}
        return Response(page(self.document), media_type="text/html; charset=utf-8", headers=headers)

    async def style(self) -> Response:
        """The page's style."""
        return Response(style(), media_type="text/css; charset=utf-8")

    async def openapi(self) -> Response:
        """How to ask, for programs."""
        return json_answer(self.document)


class ModelRoutes(DocumentedRoutes):
    """What is answered under which address.

    Args:
        server: What answers.
    """

    def __init__(self, server: ModelServer) -> None:
        self.server = server
        self.model = server.model
        self.document = document(server)

    def table(self) -> Sequence[tuple[str, str, Any]]:
        """Method, address, and what answers."""
        name = f"/v2/models/{self.model.name}"
        models = (name, f"{name}/versions/{self.model.version}")
        return (
            ("POST", "/predict", self.predict),
            ("POST", "/invocations", self.invoked),
            ("GET", "/execution-parameters", self.execution),
            ("POST", "/search", self.search),
            ("GET", "/readyz", self.ready),
            ("GET", "/ping", self.pinged),
            ("GET", "/metrics", self.metrics),
            *self.always(),
            ("GET", "/v2", self.about),
            ("GET", "/v2/health/live", self.live),
            ("GET", "/v2/health/ready", self.ready),
            *(("GET", model, self.about_model) for model in models),
            *(("GET", f"{model}/ready", self.ready) for model in models),
            *(("POST", f"{model}/infer", self.infer) for model in models),
        )

    async def predict(self, request: Request) -> Response:
        """Answer one item or many."""
        found = await self.server.predictions(request, lambda body: self.server.read(body, request))
        return self._of_each(found, "predictions", self.model.said(found.answers, found.request.top))

    def _of_each(self, found: Answered, key: str, said: Sequence[Mapping[str, Any]]) -> Response:
        """What is said of each item, in their order."""
        if (problem := refused_all(found)) is not None:
            raise problem
        if found.request.ids:
            said = [{"id": own, **one} for own, one in zip(found.request.ids, said, strict=True)]
        return json_answer({"model": self.model.name, "version": self.model.version, key: said})

    async def invoked(self, request: Request) -> Response:
        """Answer as SageMaker asks: the same, or a batch of records with a line for each."""
        if not kind_of_records(request.headers.get("content-type", "")):
            return await self.predict(request)
        found = await self.server.batch(request)
        said = self.model.said(found.answers, found.request.top)
        return Response(lines_of(said, found.request.ids), media_type=LINES[0])

    async def execution(self) -> Response:
        """How a batch job of SageMaker should ask."""
        most = min(MAX_PAYLOAD, self.server.limits.body >> 20)
        return json_answer({"MaxConcurrentTransforms": 1, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": most})

    async def search(self, request: Request) -> Response:
        """Find what is most like each item."""
        found = await self.server.matches(request, lambda body: self.server.read(body, request))
        return self._of_each(found, "results", [_result(answer) for answer in found.answers])

    async def infer(self, request: Request) -> Response:
        """Answer a request of the v2 protocol."""
        found = await self.server.predictions(request, lambda body: self.server.read_infer(body, request))
        body, length = kserve.infer_answer(self.model, found.request, found.answers)
        if length is None:
            return Response(body, media_type=JSON)
        return Response(body, media_type="application/octet-stream", headers={kserve.HEADER_LENGTH: str(length)})

    async def live(self) -> Response:
        """The same in the words of the v2 protocol."""
        return json_answer({"live": True})

    async def ready(self) -> Response:
        """Whether the model has answered once, and the server is not about to end."""
        self.server.check_ready()
        self.server.draining.check()
        return json_answer({"ready": True, "name": self.model.name, "version": self.model.version})

    async def pinged(self) -> Response:
        """Whether the model has answered once: the same until the end, for who pings would take it for dead."""
        self.server.check_ready()
        return json_answer({"status": "alive"})

    async def metrics(self) -> Response:
        """What is counted, for Prometheus."""
        server = self.server
        text = server.metrics.show(server.admission.waiting, server.budget.taken, server.decoders.died)
        return Response(text, media_type=FIGURES)

    async def about(self) -> Response:
        """The server in the words of the v2 protocol."""
        return json_answer({"name": "graft", "version": __version__, "extensions": ["binary_tensor_data"]})

    async def about_model(self) -> Response:
        """The model in the words of the v2 protocol."""
        return json_answer(kserve.model_data(self.model))


def application(server: ModelServer, *, key: ServerKey | None = None, own_host: str | None = None) -> RequestGuard:
    """The ASGI app.

    Args:
        server: What answers.
        key: Who is let in; ``None``: everybody.
        own_host: As ``RequestGuard`` takes it.
    """
    table = ModelRoutes(server).table()
    ready = {path for _, path, _ in table if path.startswith("/v2/models/") and path.endswith("/ready")}
    return guarded(
        table,
        open_to_all=frozenset({*PAGES, *PROBES, *ready}),
        own_host=own_host,
        key=key,
        limits=server.limits,
        draining=server.draining,
        metrics=server.metrics,
    )


def guarded(table: Sequence[tuple[str, str, Any]], **settings: Any) -> RequestGuard:
    """An app that answers what a table says, behind a guard with these settings, which says all that is refused."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    guard = RequestGuard(app, routes=frozenset(path.replace(":path", "") for _, path, _ in table), **settings)
    for method, path, answer in table:
        methods = ["GET", "HEAD"] if method == "GET" else [method]
        app.add_api_route(path, answer, methods=methods, response_model=None)

    async def refused(request: Request, error: Exception) -> Any:
        return guard.refused(error if isinstance(error, GraftError) else _routing(request, error))

    async def broken(request: Request, error: Exception) -> Any:
        return guard.refused(BROKEN)

    app.add_exception_handler(Exception, broken)
    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(GraftError, refused)
    return guard


def _result(answer: Any) -> dict[str, Any]:
    said: dict[str, Any] = answer.to_dict()
    return said if answer.error is None else {**said, "error": answer.error.to_dict()}


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in strict JSON."""
    return Response(to_json(value), status, headers=headers, media_type=JSON)


def _routing(request: Request, error: Any) -> Problem:
    """What is said of paths and methods that there are not."""
    path = request.scope["path"][:100]
    told = {
        404: ("not_found", f"There is no {path!r} here.", "GET /docs shows what there is."),
        405: ("wrong_method", f"{request.method[:20]} is not for {path!r}.", "GET /docs shows what is."),
    }
    code, message, hint = told.get(error.status_code, ("error", "The request cannot be answered.", ""))
    return Problem(error.status_code, code, message, hint, headers=error.headers, closes=True)
