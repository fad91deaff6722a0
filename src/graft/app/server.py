"""A page's server: its port, the gate before it, and how it begins and ends."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Self
from urllib.parse import urlsplit

from graft.app.gate import BrowserSession, Gate
from graft.errors import GraftError, MissingExtra, UsageError
from graft.journal.decision import login
from graft.listening import listening, speaking_http
from graft.loopback import is_loopback

PORT = 7860
"""Where such pages are by custom."""
PATIENCE = 30.0
"""Seconds in which the server has to be up."""
NEEDED = {"starlette": "Starlette", "uvicorn": "uvicorn"}
"""Modules of the extra, and what they are called."""
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - what stands for all, and what can be opened


def check_installed(what: str = "The editor") -> None:
    """Whether there is what a page needs; ask before the work, not after it.

    Args:
        what: Needs it.

    Raises:
        MissingExtra: Starlette or uvicorn is not installed.
    """
    for module, named in NEEDED.items():
        if find_spec(module) is None:
            raise MissingExtra(f"{what} needs {named}, which is not installed.", "pip install 'graft-learn[app]'")


class PageServer:
    """One page with all that it asks for. It serves from a thread of its own between ``start`` and ``stop``.

    Attributes:
        address: Of the page. It carries the token: whoever has it is let in, as long as the server runs.
        port: Where it listens.
        session: What lets a browser in.
    """

    what = "page"
    """What it is called in words."""
    invites = "whoever has this address can see the page"
    """What the address is good for."""

    def __init__(
        self,
        routes: list[Any],
        *,
        port: int | None = None,
        host: str = "127.0.0.1",
        behind: str = "",
        own: str = "/",
        headers: Mapping[bytes, bytes],
    ) -> None:
        """Take a port.

        Args:
            routes: Of Starlette's kind.
            port: Where to listen; 0 takes any that is free, ``None`` takes ``PORT`` or, if that is taken, any.
            host: At which address.
            behind: The address that a proxy shows to the world; ``""`` where there is none.
            own: Where the addresses begin that scripts ask for.
            headers: Of every answer.

        Raises:
            GraftError: The port is taken.
            UsageError: ``behind`` is no address.
        """
        import uvicorn
        from starlette.applications import Starlette

        public = urlsplit(behind)
        if behind and (public.scheme not in ("http", "https") or not public.netloc or public.query or public.fragment):
            raise UsageError(f"{behind} is no address of a page.", "Give one such as https://example.org/try/.")
        self._host, self._behind = host, bool(behind)
        self._socket = self._listen(host, port)
        self.port: int = self._socket.getsockname()[1]
        self.session = BrowserSession(f"graft-{self.port}", secure=public.scheme == "https")
        name = _EVERYWHERE.get(host, f"[{host}]" if ":" in host else host)
        prefix = public.path.rstrip("/")
        place = f"{public.scheme}://{public.netloc}{prefix}" if behind else f"http://{name}:{self.port}"
        self.address = f"{place}/?token={self.session.token}"
        gate = Gate(
            Starlette(routes=routes),
            host,
            self.session,
            what=self.what,
            own=own,
            headers=headers,
            public=public.netloc,
            prefix=prefix,
        )
        # h11 bounds the head of a request, which anybody may send, and the faster way does not.
        self._server = uvicorn.Server(speaking_http(gate, "h11"))
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name=f"graft-{self.what}", daemon=True
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def instructions(self) -> tuple[str, ...]:
        """What to do with the address, a line for each."""
        lines = [f"Open it in a browser; {self.invites}. Ctrl-C ends the {self.what}."]
        if self._behind:
            return (*lines, f"The proxy has to pass on to {self._host}, port {self.port}.")
        if not is_loopback(self._host):
            lines.append(
                "From another machine, put the IP address of this one in its place. What is sent is not encrypted."
            )
        elif "SSH_CONNECTION" in os.environ:
            lines.append(
                f"From your own machine: ssh -L {self.port}:127.0.0.1:{self.port} {login() or 'you'}@"
                f"{socket.gethostname()}, and open it there."
            )
        return tuple(lines)

    def start(self) -> None:
        """Serve; once this returns, the page can be opened.

        Raises:
            GraftError: The server does not start.
        """
        self._thread.start()
        until = time.monotonic() + PATIENCE
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > until:
                raise GraftError(f"The {self.what}'s server does not start.", "Try another port.")
            time.sleep(0.01)

    def wait(self) -> None:
        """Until somebody stops it."""
        while self._thread.is_alive():
            self._thread.join(0.5)

    def stop(self) -> None:
        """Serve no longer."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(PATIENCE)
        self._socket.close()

    @classmethod
    def check_port(cls, host: str, port: int) -> None:
        """Find out whether the page can listen there, before any work is done for it.

        Raises:
            GraftError: The port is taken, or ``host`` is no address of this machine.
        """
        cls._listen(host, port).close()

    @classmethod
    def _listen(cls, host: str, port: int | None) -> socket.socket:
        if port is not None:
            return listening(host, port, cls.what)
        try:
            return listening(host, PORT, cls.what)
        except GraftError:
            return listening(host, 0, cls.what)
