"""The sockets that servers of this machine listen at."""

from __future__ import annotations

import os
import socket

from graft.errors import GraftError

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
