"""The editor as a server: its addresses, and a gate before them."""

from __future__ import annotations

import os
import socket
import threading
import time
from importlib.util import find_spec
from typing import Any, Self

from graft.app.gate import BrowserSession, Gate, is_loopback
from graft.app.routes import Routes
from graft.app.scoring import LiveScore, Score, effect_scorer
from graft.cleaning.findings import Findings
from graft.cleaning.review import Review
from graft.data.guard import Inputs
from graft.errors import GraftError, MissingExtra
from graft.journal.decision import login
from graft.journal.journal import Journal
from graft.report.words import clean

PORT = 7860
"""Where such pages are by custom."""
PATIENCE = 30.0
"""Seconds in which the server has to be up."""
NEEDED = {"starlette": "Starlette", "uvicorn": "uvicorn"}
"""Modules of the extra, and what they are called."""
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - what stands for all, and what can be opened


def check_installed() -> None:
    """Whether there is what the page needs; ask before the work, not after it.

    Raises:
        MissingExtra: Starlette or uvicorn is not installed.
    """
    for module, what in NEEDED.items():
        if find_spec(module) is None:
            raise MissingExtra(f"The editor needs {what}, which is not installed.", "pip install 'graft-learn[app]'")


class Editor:
    """The editor of one data set. It serves from a thread of its own between ``start`` and ``stop``.

    Attributes:
        address: Of the page. It carries the token: whoever has it is let in, as long as the editor runs.
        port: Where it listens.
    """

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
        Inputs.of(findings.dataset).check(journal.path, "journal")
        self.review = Review(findings, journal)
        self._live = LiveScore(self.review, score or effect_scorer(findings))
        self._host = host
        self._socket = _listen(host, port)
        self.port: int = self._socket.getsockname()[1]
        self.session = BrowserSession(f"graft-{self.port}")
        name = _EVERYWHERE.get(host, f"[{host}]" if ":" in host else host)
        self.address = f"http://{name}:{self.port}/?token={self.session.token}"
        app = Gate(_app(Routes(self.review, self._live).table()), host, self.session)
        self._server = _server(app)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="graft-editor", daemon=True
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def instructions(self) -> tuple[str, ...]:
        """What to do with the address, a line for each."""
        lines = ["Open it in a browser; whoever has this address can see the items and decide. Ctrl-C ends the editor."]
        if not is_loopback(self._host):
            lines.append(
                "From another machine, put the IP address of this one in its place. What is sent is not encrypted."
            )
        elif "SSH_CONNECTION" in os.environ:
            lines.append(
                f"From your own machine: ssh -L {self.port}:127.0.0.1:{self.port} {login() or 'you'}@"
                f"{socket.gethostname()}, and open it there."
            )
        return (*lines, f"Decisions go to {clean(str(self.review.journal.path))}; your files stay as they are.")

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


def _app(routes: list[Any]) -> Any:
    from starlette.applications import Starlette

    return Starlette(routes=routes)


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
        app,
        log_level="error",
        access_log=False,
        lifespan="off",
        ws="none",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)
