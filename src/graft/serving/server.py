"""A server that listens, gets ready, and ends when it is told to."""

from __future__ import annotations

import logging
import signal
import socket
import sys
from collections.abc import Callable
from importlib.util import find_spec
from types import FrameType
from typing import Any

from graft.errors import GraftError, MissingExtra
from graft.listening import speaking_http
from graft.serving.draining import Draining

NEEDED = {"fastapi": "FastAPI", "uvicorn": "uvicorn", "prometheus_client": "prometheus_client"}
"""Modules of the extra, and what they are called."""


def check_installed() -> None:
    """Whether there is what a server needs.

    Raises:
        MissingExtra: There is not.
        GraftError: Its children could not be limited on this system.
    """
    if sys.platform == "win32":
        raise GraftError(
            "graft serve decodes files in children with limits, which Windows does not have.",
            "Run it in a container, or under WSL.",
        )
    for module, what in NEEDED.items():
        if find_spec(module) is None:
            raise MissingExtra(f"A server needs {what}, which is not installed.", "pip install 'graft-learn[serve]'")


def run(app: Any, listener: socket.socket, draining: Draining, keep_alive: int, begun: Callable[[], None]) -> None:
    """Serve until a signal says otherwise; then finish what runs.

    Args:
        app: What is served.
        listener: Where.
        draining: Says when it may end.
        keep_alive: Seconds for which an idle connection is kept.
        begun: Called once it listens.
    """
    import uvicorn

    class DrainingServer(uvicorn.Server):  # type: ignore[misc, unused-ignore]
        """Finishes what runs before it closes anything."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            begun()

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            if draining.begun and sig == signal.SIGINT:
                self.force_exit = self.should_exit = True  # somebody is in a hurry
            draining.begin()

        async def on_tick(self, counter: int) -> bool:
            if draining.done:
                self.should_exit = True
            return bool(await super().on_tick(counter))

    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # what clients do wrong is told to them
    config = speaking_http(app, _protocol(), keep_alive)
    DrainingServer(config).run(sockets=[listener])


def _protocol() -> Any:
    """The faster of two ways to speak HTTP, where it is installed; the other sets its bounds itself."""
    if find_spec("httptools") is None:
        return "h11"
    from graft.serving.protocol import BoundedProtocol

    return BoundedProtocol
