"""Fetching a file from a server that may be slow, broken or hostile. Needs httpcore2."""

from __future__ import annotations

import email.utils
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import NamedTuple
from urllib.parse import urlsplit

import httpcore2 as http

from graft.decoding.formats import HEAD
from graft.errors import ItemError
from graft.fetching.addresses import PORTS, Network, WebAddress, locate
from graft.fetching.bounds import too_large
from graft.fetching.connecting import connect
from graft.fetching.rate_limit import Limits, RateLimiter
from graft.version import __version__

PASSING = frozenset({"busy", "connection", "no_address", "timeout"})
"""Reasons that may be gone at the next try."""

_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Fetched(NamedTuple):
    """What a server sent, and the address that it came from in the end."""

    content: bytes
    url: str


class Fetcher:
    """Fetches files from the public internet. Thread-safe.

    Neither cookies nor a referer nor the environment's proxies are used. Names are looked up here, each address is
    checked, and the connection goes to the address that was checked, at every redirect anew. Once it is ``stopped``,
    nothing more is fetched.

    Args:
        limits: What one picture may cost.
        rate_limiter: Says when a host may be asked.
        allow: Networks that are allowed though they are not public.
        ports: The ports that may be asked.
        trust: Whose certificates are believed; by default the system's.
        check_head: Raises an ``ItemError`` where the first ``HEAD`` bytes of a file say that it is not wanted.
        accept: What servers are told to be wanted.
    """

    def __init__(
        self,
        limits: Limits,
        rate_limiter: RateLimiter,
        allow: Sequence[Network] = (),
        ports: Collection[int] = PORTS,
        trust: ssl.SSLContext | None = None,
        check_head: Callable[[bytes], object] | None = None,
        accept: str = "*/*",
    ) -> None:
        self.limits, self.rate_limiter = limits, rate_limiter
        self._allow, self._ports = allow, ports
        self._check_head, self._accept = check_head, accept
        self._trust = trust or http.default_ssl_context()
        self._trust.set_alpn_protocols(["http/1.1"])
        self.stopped = threading.Event()
        self._live: set[socket.socket] = set()

    def locate(self, url: str) -> WebAddress:
        """Take an address apart and check it.

        Raises:
            ItemError: As for ``graft.fetching.addresses.locate``.
        """
        return locate(url, self._ports)

    def may_pass(self, error: ItemError) -> bool:
        """Whether what went wrong may be gone at the next try."""
        return error.reason in PASSING

    def fetch(self, place: WebAddress) -> Fetched:
        """Fetch what lies at an address whose host was acquired; it is released.

        Raises:
            ItemError: It cannot be had, with a reason of ``PASSING`` if it may be had later.
        """
        remaining = self.countdown(f"The file was not there after {self.limits.total:g} seconds.")
        for redirects in range(self.limits.redirects + 1):
            if redirects:
                self.rate_limiter.acquire(place.host, remaining, self.limits.max_rest)
            try:
                answer = self._ask(place, remaining)
            finally:
                self.rate_limiter.release(place.host)
            if isinstance(answer, bytes):
                return Fetched(answer, place.url)
            place = answer
        raise ItemError("redirects", f"The server redirects more than {self.limits.redirects} times.")

    def countdown(self, message: str, advice: str = "") -> Callable[[], float]:
        """Tells how many seconds are left of what a file may take from now on; it raises when there are none."""
        end = time.monotonic() + self.limits.total

        def remaining() -> float:
            left = 0.0 if self.stopped.is_set() else end - time.monotonic()
            if left <= 0:
                raise ItemError("timeout", message, advice)
            return left

        return remaining

    def stop(self) -> None:
        """Break off what is under way."""
        self.stopped.set()
        self.rate_limiter.wake()
        for connection in list(self._live):
            with suppress(OSError):  # it is closed already; to close it here would not wake who reads from it
                connection.shutdown(socket.SHUT_RDWR)

    def _ask(self, place: WebAddress, remaining: Callable[[], float]) -> bytes | WebAddress:
        """What is sent, or where it is said to lie."""
        headers = [
            ("Host", urlsplit(place.url).netloc),
            ("User-Agent", f"graft/{__version__}"),
            ("Accept", self._accept),
            ("Accept-Encoding", "identity"),
            ("Connection", "close"),
        ]
        url = http.URL(scheme=place.scheme, host=place.host, port=place.port, target=place.target)
        with _in_words(place.host), self._connected(place, remaining) as stream:
            connection = http.HTTP11Connection(url.origin, stream)
            with connection.stream("GET", url, headers=headers) as answer:
                return self._take(answer, place)

    @contextmanager
    def _connected(self, place: WebAddress, remaining: Callable[[], float]) -> Iterator[http.NetworkStream]:
        """A connection that ``stop`` breaks off, also in the midst of a TLS handshake, which takes its socket away."""
        with (
            closing(connect(place, self._allow, self.limits, remaining)) as stream,
            stream.get_extra_info("socket").dup() as handle,
        ):
            self._live.add(handle)
            try:
                yield stream.start_tls(self._trust, place.host) if place.scheme == "https" else stream
            finally:
                self._live.discard(handle)

    def _take(self, answer: http.Response, place: WebAddress) -> bytes | WebAddress:
        headers = {name.lower(): value.decode("latin-1") for name, value in answer.headers}
        if answer.status in _REDIRECTS and b"location" in headers:
            location = headers[b"location"].encode("latin-1").decode("utf-8", "replace")
            return locate(location, self._ports, base=place)
        if answer.status in _BUSY:
            self.rate_limiter.rest(place.host, _rest(headers.get(b"retry-after", "")))
            raise ItemError("busy", f"The server answered {answer.status}.", "Run the same command later.")
        if answer.status != 200:
            raise ItemError(f"status_{answer.status}", f"The server answered {answer.status}.")
        length = headers.get(b"content-length", "")
        if length.isdecimal() and len(length) < 20 and int(length) > self.limits.max_bytes:
            raise too_large(int(length), self.limits.max_bytes)
        packed = self._bounded(answer.iter_stream())
        return self._collect(self._bounded(_unpacked(packed, headers.get(b"content-encoding", ""))))

    def _collect(self, chunks: Iterable[bytes]) -> bytes:
        content = bytearray()
        for chunk in chunks:
            before = len(content)
            content += chunk
            if self._check_head and before < HEAD <= len(content):
                self._check_head(bytes(content[:HEAD]))
        return bytes(content)

    def _bounded(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        n_bytes = 0
        for chunk in chunks:
            n_bytes += len(chunk)
            if n_bytes > self.limits.max_bytes:
                raise too_large(n_bytes, self.limits.max_bytes)
            yield chunk


@contextmanager
def _in_words(host: str) -> Iterator[None]:
    """Turn what the network raises into reasons."""
    try:
        yield
    except http.TimeoutException:
        raise ItemError("timeout", f"The host {host} did not answer in time.", "Run the same command later.") from None
    except (http.NetworkError, http.ProtocolError, OSError) as error:
        if isinstance(error.__cause__, ssl.SSLError):
            raise ItemError("tls", f"The host {host} cannot be trusted: {error.__cause__.reason}.") from None
        found = f"{type(error).__name__} {error}".strip()[:200]
        raise ItemError(
            "connection", f"The connection to {host} broke: {found}.", "Run the same command later."
        ) from None


def _unpacked(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """What was sent, unpacked in small pieces, so that a bomb is seen before it goes off.

    Raises:
        ItemError: ``encoding``, where it was packed in a way that was not asked for and is not known.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        yield from chunks
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise ItemError("encoding", f"The server packed the file as {encoding[:40]!r}.")
    unpacker = zlib.decompressobj(wbits=47)  # gzip and zlib by their header
    try:
        for chunk in chunks:
            while chunk and not unpacker.eof:
                yield unpacker.decompress(chunk, 1 << 16)
                chunk = unpacker.unconsumed_tail
            if unpacker.eof:  # what may follow is nothing of the file
                return
        yield unpacker.flush()
    except zlib.error as error:
        raise ItemError("encoding", f"The file cannot be unpacked: {error}.") from None


def _rest(said: str) -> float:
    """The seconds that a ``Retry-After`` asks for, 0 where it asks for nothing that makes sense."""
    said = said.strip()
    if said.isdecimal() and len(said) < 10:
        return float(said)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(said).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0
