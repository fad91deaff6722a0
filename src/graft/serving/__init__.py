"""A model or a notebook over HTTP (``graft serve``), on what a service of many tenants stands on as well."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from graft.errors import GraftError
from graft.listening import KEEP_ALIVE, listening
from graft.monitoring.keeping import LogOptions
from graft.serving.draining import Draining
from graft.serving.keys import ServerKey
from graft.serving.limits import ServerLimits
from graft.serving.server import check_installed, run

if TYPE_CHECKING:
    from graft.serving.notebook_runs import RunLimits

__all__ = ["KEEP_ALIVE", "ServerLimits", "check_installed", "serve_model", "serve_notebook"]


def serve_model(
    folder: Path,
    *,
    index: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 8080,
    key: str = "",
    no_key: bool = False,
    name: str = "",
    keep_alive: int = KEEP_ALIVE,
    drain_delay: float = 0.0,
    drain_limit: float = 30.0,
    allow_download: bool = False,
    limits: ServerLimits | None = None,
    log: LogOptions | None = None,
    warned: Callable[[str], None] = print,
    told: Callable[[dict[str, str]], None] = print,
) -> None:
    """Serve one model until SIGTERM or Ctrl-C.

    Args:
        folder: The bundle.
        index: The folder of an index, to find look-alikes in.
        host: Where to listen.
        port: On which port; 0 takes a free one.
        key: Who asks has to send it.
        no_key: Whether anybody may ask.
        name: What the model is called; by default as its folder.
        keep_alive: Seconds for which an idle connection is kept.
        drain_delay: Seconds in which it goes on as before once it is to end, and only says that it is not ready.
        drain_limit: Seconds in which what runs then has to end.
        allow_download: Whether the model's encoder may be fetched.
        limits: What is taken.
        log: Where answers are kept, if anywhere.
        warned: Is given what is to be said of that, such as of a full disk, once.
        told: Is given ``address``, ``model`` and ``version`` once the server listens.

    Raises:
        MissingExtra: FastAPI or uvicorn is not installed.
        UsageError: It would be open to other machines without a key.
        BundleError: There is no such model.
        DataError: The log is none.
        GraftError: The port is taken.
    """
    check_installed()
    from graft.serving.loaded import LoadedModel
    from graft.serving.one_model import ModelServer
    from graft.serving.routes import application

    model = LoadedModel.load(folder, name=name, allow_download=allow_download)
    draining = Draining(drain_delay, drain_limit)
    keeper = None if log is None else log.keeper(folder, model.classes, model.predictor.head, warned)
    server = ModelServer(model, index=index, limits=limits, draining=draining, keeper=keeper)
    app = application(server, key=ServerKey.of(key) if key else None, own_host=host if not (key or no_key) else None)
    listener = listening(host, port, "server")
    failed: list[GraftError] = []

    def warm() -> None:
        try:
            asyncio.run(server.warm())
        except GraftError as error:
            failed.append(error)
            draining.begin()

    def begun() -> None:
        told({"address": _address(host, listener), "model": model.name, "version": model.version})
        warming.start()

    warming = threading.Thread(target=warm, name="graft-warm", daemon=True)
    server.decoders.start()
    try:
        run(app, listener, draining, keep_alive, begun)
    finally:
        if warming.ident is not None:
            warming.join(drain_limit)  # a network that is being opened cannot be left alone
        server.decoders.stop()
        if keeper is not None:
            keeper.stop(drain_limit)
    if failed:
        raise failed[0]


def serve_notebook(
    notebook: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    key: str = "",
    no_key: bool = False,
    keep_alive: int = KEEP_ALIVE,
    drain_delay: float = 0.0,
    drain_limit: float = 30.0,
    limits: RunLimits | None = None,
    hidden: Iterable[str] = (),
    strict: bool = False,
    told: Callable[[dict[str, str]], None] = print,
) -> None:
    """Serve the runs of a notebook until SIGTERM or Ctrl-C.

    Args:
        notebook: Is read once; each run executes it in a copy of its folder.
        host: Where to listen.
        port: On which port; 0 takes a free one.
        key: Who asks has to send it.
        no_key: Whether anybody may ask.
        keep_alive: Seconds for which an idle connection is kept.
        drain_delay: Seconds in which it goes on as before once it is to end, and only says that it is not ready.
        drain_limit: Seconds in which the runs that go on then have to end; they are stopped after that.
        limits: How much is run and kept.
        hidden: Names of parameters whose values are secrets, beside those that their names tell.
        strict: Whether a shell line that fails ends a run.
        told: Is given ``address``, ``notebook`` and ``version`` once the server listens.

    Raises:
        MissingExtra: What a server or a notebook needs is not installed.
        GraftError: It is no notebook that can run here, or the port is taken.
    """
    check_installed()
    from graft.serving.notebook_routes import notebook_application
    from graft.serving.notebook_runs import NotebookRuns

    draining = Draining(drain_delay, drain_limit)
    opened_by = ServerKey.of(key) if key else None
    listener = listening(host, port, "server")
    with listener:
        runs = NotebookRuns(notebook, limits=limits, hidden=hidden, strict=strict, draining=draining)
        app = notebook_application(runs, key=opened_by, own_host=host if not (key or no_key) else None)
        runs.start()
        try:
            names = {"notebook": notebook.stem, "version": runs.version}
            run(app, listener, draining, keep_alive, lambda: told({"address": _address(host, listener), **names}))
        finally:
            runs.stop()


def _address(host: str, listener: socket.socket) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
