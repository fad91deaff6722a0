"""The addresses of a server of one notebook."""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
import zipfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, StreamingResponse

from graft.errors import UsageError
from graft.notebooks.requests import RunRequest
from graft.serving.bodies import BodyBudget, overloaded, read_body
from graft.serving.guard import RequestGuard
from graft.serving.keys import ServerKey
from graft.serving.media_types import BYTES, JSON, check_encoding, parameters
from graft.serving.notebook_documentation import document
from graft.serving.notebook_run import ServedRun
from graft.serving.notebook_runs import NotebookRuns
from graft.serving.problems import Problem, to_json
from graft.serving.routes import FIGURES, PAGES, DocumentedRoutes, guarded, json_answer

PROBES = ("/healthz", "/readyz", "/ping")
_LOOK = 0.2
"""Seconds between two looks whether a run has said something."""
_ALIVE = 15.0
"""Seconds after which a line is sent though there is nothing to tell, so that nobody takes the connection for dead."""
_RUN = re.compile(r"/runs/[^/]+")
_FILE = re.compile(r"/result/.+")
_FILE_HEADERS = {"content-security-policy": "sandbox; default-src 'none'", "content-disposition": "attachment"}


class NotebookRoutes(DocumentedRoutes):
    """What is answered under which address.

    Args:
        runs: Of the notebook.
    """

    def __init__(self, runs: NotebookRuns) -> None:
        self.runs = runs
        self.document = document(runs)
        self._budget = BodyBudget(runs.limits.requests)
        self._listening = 0
        self._packing = asyncio.Lock()

    def table(self) -> Sequence[tuple[str, str, Any]]:
        """Method, address, and what answers."""
        return (
            ("POST", "/runs", self.begin),
            ("GET", "/runs", self.known),
            ("GET", "/runs/{run_id}", self.about),
            ("POST", "/runs/{run_id}/cancel", self.cancel),
            ("GET", "/runs/{run_id}/events", self.events),
            ("GET", "/runs/{run_id}/result", self.result),
            ("GET", "/runs/{run_id}/result.zip", self.packed),
            ("GET", "/runs/{run_id}/result/{name:path}", self.file),
            ("GET", "/readyz", self.ready),
            ("GET", "/ping", self.alive),
            ("GET", "/metrics", self.metrics),
            *self.always(),
        )

    async def begin(self, request: Request) -> Response:
        """A new run."""
        if parameters(request.headers.get("content-type", ""))[0] != JSON:
            # A page of another site could send anything else without asking first.
            raise Problem(
                415, "unsupported_media_type", "The body is no JSON by its type.", f"Send Content-Type: {JSON}."
            )
        check_encoding(request.headers)
        with self._budget.room() as take:
            body = await read_body(request.scope, request.receive, take, self.runs.limits.requests)
            wanted = _asked(body)
        run = self.runs.add(wanted.texts, wanted.given, wanted.seconds)
        return json_answer(run.to_dict(), 202, {"Location": f"{request.scope['path']}/{run.id}"})

    async def known(self) -> Response:
        """All that are known, the newest first."""
        told = [run.to_dict() for run in reversed(self.runs.all())]
        keys = ("id", "state", "created", "started", "ended", "progress")
        return json_answer({"runs": [{key: run[key] for key in keys} for run in told]})

    async def about(self, run_id: str) -> Response:
        """How far a run is, and once it has ended what it came to."""
        return json_answer(self.runs.get(run_id).to_dict())

    async def cancel(self, run_id: str) -> Response:
        """End a run."""
        return json_answer(self.runs.cancel(run_id).to_dict(), 202)

    async def events(self, run_id: str, request: Request) -> Response:
        """What a run says, as it says it."""
        run = self.runs.get(run_id)
        last = request.headers.get("last-event-id", "")
        if self._listening >= self.runs.limits.listeners:
            raise overloaded(f"{self._listening} connections follow runs already.")
        return StreamingResponse(
            self._told(run, int(last) if last.isascii() and last.isdigit() and len(last) < 10 else 0),
            media_type="text/event-stream",
            headers={"x-accel-buffering": "no"},
        )

    async def _told(self, run: ServedRun, last: int) -> AsyncIterator[bytes]:
        self._listening += 1
        quiet = 0.0
        try:
            while True:
                over = run.is_over  # asked first: what it said before its end is told before that
                for number, event in run.events_after(last):
                    last, quiet = number, 0.0
                    yield _event(str(event["kind"]), event, number)
                if over:
                    yield _event("end", run.to_dict())
                    return
                if self.runs.draining.begun:
                    return  # an open page does not hold the end of a server up
                if quiet >= _ALIVE:
                    quiet = 0.0
                    yield b": still there\n\n"
                await asyncio.sleep(_LOOK)
                quiet += _LOOK
        finally:
            self._listening -= 1

    async def result(self, run_id: str) -> Response:
        """What a run has left, by name."""
        run = self._ended(run_id)
        files = [{"name": name, "bytes": path.stat().st_size} for name, path in run.files.items() if path.is_file()]
        told = run.to_dict()
        return json_answer({**{key: told[key] for key in ("id", "state", "notebook", "models")}, "files": files})

    async def file(self, run_id: str, name: str) -> Response:
        """One of its files."""
        path = self._ended(run_id).files.get(name)  # one of those that are listed, and never a path that is made of it
        if path is None or not path.is_file():
            raise Problem(404, "no_file", f"The run has left no {name[:100]!r}.", "GET .../result lists what it has.")
        return FileResponse(path, media_type=BYTES, headers=_FILE_HEADERS)

    async def packed(self, run_id: str) -> Response:
        """All of them as a zip."""
        run = self._ended(run_id)
        async with self._packing:  # one at a time: it takes as much of the disk as the run left
            path = await asyncio.to_thread(_pack, run)
        headers = {**_FILE_HEADERS, "content-disposition": f'attachment; filename="{run.id}.zip"'}
        remove = BackgroundTask(path.unlink, missing_ok=True)
        return FileResponse(path, media_type="application/zip", headers=headers, background=remove)

    def _ended(self, run_id: str) -> ServedRun:
        run = self.runs.get(run_id)
        if not run.is_over:
            raise Problem(
                409, "not_ended", f"The run is {run.state}.", "Ask again when it has ended: GET .../events says so."
            )
        return run

    async def ready(self) -> Response:
        """Whether the server is not about to end."""
        self.runs.draining.check()
        return json_answer({"ready": True, "name": self.runs.notebook.stem, "version": self.runs.version})

    async def metrics(self) -> Response:
        """What is counted, for Prometheus."""
        text = self.runs.metrics.show(self.runs.queued, self.runs.running, self.runs.kept_bytes)
        return Response(text, media_type=FIGURES)


def notebook_application(
    runs: NotebookRuns, *, key: ServerKey | None = None, own_host: str | None = None
) -> RequestGuard:
    """The ASGI app.

    Args:
        runs: Of the notebook.
        key: Who is let in; ``None``: everybody.
        own_host: As ``RequestGuard`` takes it.
    """
    return guarded(
        NotebookRoutes(runs).table(),
        open_to_all=frozenset({*PAGES, *PROBES}),
        own_host=own_host,
        key=key,
        limits=runs.limits.requests,
        draining=runs.draining,
        metrics=runs.metrics,
        template=_template,
        own_pages=True,
    )


def _template(path: str) -> str:
    """The route of a path."""
    return _FILE.sub("/result/{name}", _RUN.sub("/runs/{run_id}", path, count=1), count=1)


def _asked(body: bytes) -> RunRequest:
    """What is asked for in a body.

    Raises:
        Problem: The body says something else.
    """
    try:
        return RunRequest.of(json.loads(body or b"{}", parse_constant=_refuse))
    except (ValueError, RecursionError):
        raise Problem(
            400, "bad_json", "The body is no JSON.", 'Send {"parameters": {"name": value}}, or {} for none.'
        ) from None
    except UsageError as error:
        raise Problem(422, "bad_request", error.message, error.hint) from None


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _event(kind: str, data: Any, number: int | None = None) -> bytes:
    """One event of a stream; JSON holds no line break, which would end it."""
    own = b"" if number is None else f"id: {number}\n".encode()
    return own + f"event: {kind}\ndata: ".encode() + to_json(data) + b"\n\n"


def _pack(run: ServedRun) -> Path:
    with tempfile.NamedTemporaryFile(dir=run.folder, suffix=".zip", delete=False) as made:
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1, strict_timestamps=False) as archive:
            for name, path in run.files.items():
                archive.write(path, name)
        return Path(made.name)
