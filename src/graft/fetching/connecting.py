"""Connections to addresses that were checked, with an eye on the clock. Needs httpcore2."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import Any

import httpcore2 as http

from graft.fetching.addresses import Network, WebAddress, resolve
from graft.fetching.rate_limit import Limits

_GLANCE = 0.1
"""Seconds after which who waits for a look-up sees whether all is to stop."""


def connect(
    place: WebAddress, allow: Sequence[Network], limits: Limits, remaining: Callable[[], float]
) -> http.NetworkStream:
    """A connection to the first address of a host that answers; all of them are checked.

    Raises:
        ItemError: There is no such host, an address is not public, or there is no time left.
    """
    found: Future[list[str]] = Future()

    def look_up() -> None:
        try:
            found.set_result(resolve(place.host, place.port, allow))
        except BaseException as error:
            found.set_exception(error)

    def reach(number: str) -> http.NetworkStream:
        inner = http.SyncBackend().connect_tcp(number, place.port, timeout=min(limits.connect, remaining()))
        return _TimedStream(inner, limits, remaining)

    threading.Thread(target=look_up, daemon=True, name="look-up").start()
    end = time.monotonic() + limits.connect
    while not found.done():  # the system's look-up knows no deadline, so it is left behind at ours
        if time.monotonic() >= end:
            raise http.ConnectTimeout
        wait([found], min(remaining(), _GLANCE))
    *others, last = found.result()
    for number in others:
        with suppress(http.ConnectError, http.ConnectTimeout):
            return reach(number)
    return reach(last)


class _TimedStream(http.NetworkStream):
    """A stream that asks the clock before each step: a server that sends a byte a second does not keep us for ever."""

    def __init__(self, inner: http.NetworkStream, limits: Limits, remaining: Callable[[], float]) -> None:
        self._inner, self._limits, self._remaining = inner, limits, remaining

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, min(self._limits.read, self._remaining()))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, min(self._limits.read, self._remaining()))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> http.NetworkStream:
        seconds = min(self._limits.connect, self._remaining())
        self._inner = self._inner.start_tls(ssl_context, server_hostname, seconds)
        return self

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
