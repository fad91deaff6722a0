"""The sockets that servers of this machine listen at, and what speaks HTTP there."""

from __future__ import annotations

import os
import socket
from typing import Any

from graft.errors import GraftError

KEEP_ALIVE = 75
"""Seconds for which an idle connection is kept: longer than the 60 of the usual load balancers and proxies, which would
otherwise send a request into a connection that is being closed."""
_BACKLOG = 2048


def listening(host: str, port: int, what: str) -> socket.socket:
    """A socket that listens there; port 0 takes a free one.

    Args:
        host: The address.
        port: Of that address.
        what: Listens, in words.

    Raises:
        GraftError: The port is taken or none, or ``host`` is no address of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, for asyncio sends small answers without delay only where it knows that it is TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        raise GraftError(
            f"The {what} cannot listen at {host}, port {port}: {getattr(error, 'strerror', None) or error}.",
            "Choose another port (--port; 0 takes a free one), or end what listens there.",
        ) from None
    return listener


def speaking_http(app: Any, protocol: Any, keep_alive: int = KEEP_ALIVE) -> Any:
    """The configuration of uvicorn for an app of ASGI: it tells nothing of itself, and trusts nothing of a proxy.

    Args:
        app: The app.
        protocol: How HTTP is read, as uvicorn takes it.
        keep_alive: Seconds for which an idle connection is kept.
    """
    import uvicorn

    return uvicorn.Config(
        app,
        http=protocol,
        log_config=None,
        log_level="error",  # what clients do wrong is told to them
        access_log=False,
        lifespan="off",
        ws="none",
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=keep_alive,
        timeout_graceful_shutdown=1,
    )
