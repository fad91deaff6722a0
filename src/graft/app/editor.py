"""The editor as a server: Gradio's page, the editor's own addresses beside it, and a gate before both."""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from html import escape
from importlib.util import find_spec
from typing import Any, Self

from graft.app.gate import Gate
from graft.app.routes import Routes
from graft.app.scoring import LiveScore, Score, worth_of
from graft.cleaning.findings import Findings
from graft.cleaning.review import Review
from graft.data.journal import Journal
from graft.errors import GraftError, MissingExtra

PORT = 7860
"""Where Gradio's pages are by custom."""
PATIENCE = 30.0
"""Seconds in which the server has to be up."""
_HEAD = '<link rel="stylesheet" href="/editor/editor.css"><script type="module" src="/editor/editor.js"></script>'


def check_installed() -> None:
    """Whether there is what the page needs; ask before the work, not after it.

    Raises:
        MissingExtra: Gradio is not installed.
    """
    if find_spec("gradio") is None:
        raise MissingExtra("The editor needs Gradio, which is not installed.", "pip install 'graft-learn[app]'")


class Editor:
    """The editor of one data set. It serves from a thread of its own between ``start`` and ``stop``."""

    def __init__(
        self,
        findings: Findings,
        journal: Journal | str | os.PathLike[str],
        *,
        port: int | None = None,
        host: str = "127.0.0.1",
        score: Score | None = None,
    ) -> None:
        """Take a port and make the page; arguments and errors are those of ``serve_editor``."""
        check_installed()
        if not isinstance(journal, Journal):
            journal = Journal(journal, findings.dataset.name)
        self.review = Review(findings, journal)
        self.token = secrets.token_urlsafe(32)
        self._live = LiveScore(self.review, score or worth_of(findings))
        app = Gate(_page(Routes(self.review, self._live, self.token).table(), self.token), host)
        self._socket = _listen(host, port)
        name = f"[{host}]" if ":" in host else host
        self.address = f"http://{name}:{self._socket.getsockname()[1]}/"
        self._server = _server(app)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="graft-editor", daemon=True
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Serve; once this returns, the page can be opened.

        Raises:
            GraftError: The server does not start.
        """
        self._live.start()
        self._thread.start()
        until = time.monotonic() + PATIENCE
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > until:
                raise GraftError("The editor's server does not start.", "Try another port.")
            time.sleep(0.01)

    def wait(self) -> None:
        """Until somebody stops it."""
        while self._thread.is_alive():
            self._thread.join(0.5)

    def stop(self) -> None:
        """Serve no longer."""
        self._live.stop()
        self._server.should_exit = True
        self._thread.join(PATIENCE)
        self._socket.close()


def _page(routes: list[Any], token: str) -> Any:
    """An app with the editor's addresses, and Gradio's page at its root."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when Gradio is imported, which asks for news otherwise
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import gradio
    from fastapi import FastAPI

    with gradio.Blocks(analytics_enabled=False, title="Graft", fill_width=True) as blocks:
        gradio.Column(elem_id="graft")  # its HTML component would want a policy that allows eval
    app = FastAPI(routes=routes, docs_url=None, redoc_url=None, openapi_url=None)
    return gradio.mount_gradio_app(
        app,
        blocks,
        path="/",
        server_name="127.0.0.1",
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        enable_monitoring=False,
        head=f'<meta name="graft-token" content="{escape(token)}">{_HEAD}',
    )


def _listen(host: str, port: int | None) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, for asyncio sends small answers without delay only where it knows that it is TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, PORT if port is None else port))
        listener.listen()
    except OSError as error:
        listener.close()
        if port is None:
            return _listen(host, 0)
        raise GraftError(
            f"The editor cannot listen at {host}, port {port}: {error.strerror or error}.",
            "Choose another port; 0 takes a free one.",
        ) from None
    return listener


def _server(app: Any) -> Any:
    import uvicorn

    config = uvicorn.Config(
        app, log_level="error", access_log=False, lifespan="on", server_header=False, timeout_graceful_shutdown=1
    )
    return uvicorn.Server(config)
