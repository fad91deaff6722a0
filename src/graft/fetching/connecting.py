"""Connections to addresses that were checked, with an eye on the clock. Needs httpcore2."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import Any

import httpcore2 as http

from graft.fetching.addresses import Network, resolve
from graft.fetching.rate_limit import Limits

_GLANCE = 0.1
"""Seconds after which who waits for a look-up sees whether all is to stop."""


class CheckedBackend(http.NetworkBackend):
    """Connects to checked addresses only, and keeps an eye on the clock."""

    def __init__(
        self,
        allow: Sequence[Network],
        limits: Limits,
        remaining: Callable[[], float],
        live: set[http.NetworkStream],
    ) -> None:
        self._allow, self._limits, self._remaining, self._live = allow, limits, remaining, live
        self._opened: list[_TimedStream] = []

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> http.NetworkStream:
        """Connect to the first address of the host that answers."""
        numbers = self._look_up(host, port)
        for number in numbers[:-1]:
            with suppress(http.ConnectError, http.ConnectTimeout):
                return self._connect(number, port)
        return self._connect(numbers[-1], port)

    def close(self) -> None:
        """Close what was opened."""
        for stream in self._opened:
            self._live.discard(stream)
            stream.close()

    def _look_up(self, host: str, port: int) -> list[str]:
        """The checked addresses of a host. The system's look-up knows no deadline, so it is left behind at ours."""
        found: Future[list[str]] = Future()

        def look_up() -> None:
            try:
                found.set_result(resolve(host, port, self._allow))
            except BaseException as error:
                found.set_exception(error)

        threading.Thread(target=look_up, daemon=True, name="look-up").start()
        end = time.monotonic() + self._limits.connect
        while not found.done():
            if time.monotonic() >= end:
                raise http.ConnectTimeout
            wait([found], min(self._remaining(), _GLANCE))
        return found.result()

    def _connect(self, number: str, port: int) -> http.NetworkStream:
        inner = http.SyncBackend().connect_tcp(number, port, timeout=min(self._limits.connect, self._remaining()))
        stream = _TimedStream(inner, self._limits, self._remaining)
        self._opened.append(stream)
        self._live.add(stream)
        return stream


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
