"""What the container runs: in Lambda its runtime client, anywhere else a server at $PORT that gives the same answers.

Outside Lambda a key is needed: set GRAFT_KEY, and send it as ``Authorization: Bearer KEY``. GRAFT_NO_KEY=1 says that
the platform's own door asks who may come in.
"""

import base64
import hashlib
import hmac
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

RUNTIME, PORT, KEY, NO_KEY = "AWS_LAMBDA_RUNTIME_API", "PORT", "GRAFT_KEY", "GRAFT_NO_KEY"
PAUSE = 30
"""Seconds in which more of a request has to arrive."""
AT_ONCE = 32
"""Connections; more of them are told to come again."""
BASE_ENTRY = "/lambda-entrypoint.sh"
"""How Lambda's base image starts its runtime client."""
LINGER, REFUSED = 2, 64 << 20
"""Seconds of silence and bytes after which a refused body is no longer taken off the line."""
ENDING = 20
"""Seconds in which running answers are finished after SIGTERM."""


class Server(ThreadingHTTPServer):
    """Listens at all addresses, for a container has no other way in."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, key: str) -> None:
        from handler import handler

        self.answer, self.digest = handler, hashlib.sha256(key.encode()).digest() if key else b""
        self.room, self.models = threading.Semaphore(AT_ONCE), threading.Lock()
        self.running, self.changed = 0, threading.Condition()
        super().__init__(("0.0.0.0", port), Request)  # noqa: S104 - the container's own door, which asks for a key

    @contextmanager
    def counted(self) -> Iterator[None]:
        """One more answer is being made."""
        with self.changed:
            self.running += 1
        try:
            yield
        finally:
            with self.changed:
                self.running -= 1
                self.changed.notify_all()

    def finish(self) -> None:
        """Wait for the answers that are being made, but not for ever."""
        with self.changed:
            self.changed.wait_for(lambda: not self.running, ENDING)


class Request(BaseHTTPRequestHandler):
    """One request, handed to the function as a function URL would."""

    protocol_version, server_version, sys_version, timeout = "HTTP/1.1", "graft", "", PAUSE
    server: Server

    def do_GET(self) -> None:
        """Probes, which need no key. A body is not read, so it may not be taken for the next request either."""
        if self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
            self.close_connection = True
        self.asked_for(b"")

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        """What asks the model: the key first, then how long the body is, then the body."""
        from answering import MOST_BYTES

        lengths = self.headers.get_all("Content-Length", [])
        length = lengths[0] if len(lengths) == 1 else ""  # where two are sent, others on the way may follow the other
        if not self.opened():
            self.refuse(401, "no_key", "There is no key, or a wrong one.", "Send Authorization: Bearer KEY.")
        elif not (length.isascii() and length.isdigit()) or "Transfer-Encoding" in self.headers:
            self.refuse(411, "no_length", "The body does not say how long it is.", "Send Content-Length.")
        elif len(length) > 12 or int(length) > MOST_BYTES:
            self.refuse(413, "too_large", f"The body has more than {MOST_BYTES >> 20} MB, the limit.", "Send less.")
        else:
            if self.headers.get("Expect", "").lower() == "100-continue":  # only now is the body asked for
                self.send_response_only(100)
                self.end_headers()
            body = self.rfile.read(int(length))
            if len(body) == int(length):
                self.asked_for(body)
            else:
                self.close_connection = True

    def handle_expect_100(self) -> bool:
        """Wait with that until the key and the length have been looked at."""
        return True

    def opened(self) -> bool:
        """Whether the key was sent, where one is needed; how long it takes tells nothing of it."""
        scheme, _, given = self.headers.get("Authorization", "").partition(" ")
        digest = hashlib.sha256(given.strip().encode("utf-8", "surrogateescape")).digest()
        return not self.server.digest or (
            hmac.compare_digest(digest, self.server.digest) and scheme.lower() == "bearer"
        )

    def asked_for(self, body: bytes) -> None:
        """Answer a request whose body is here."""
        event = {
            "version": "2.0",
            "rawPath": self.path.partition("?")[0],
            "headers": dict(self.headers.items()),
            "requestContext": {"http": {"method": self.command}, "authorizer": {"by": "start.py"}},
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
        }
        with self.server.counted():
            if self.command == "POST":
                with self.server.models:  # one request at a time has all threads
                    said = self.server.answer(event, None)
            else:
                said = self.server.answer(event, None)
            self.send(said["statusCode"], said["headers"], said["body"].encode())

    def refuse(self, status: int, code: str, message: str, hint: str) -> None:
        """Answer without having read the body: the connection ends with it."""
        from http_events import PROBLEM, response

        self.close_connection = True
        said = response(status, {"status": status, "code": code, "message": message, "hint": hint}, PROBLEM)
        more = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
        self.send(status, {**said["headers"], **more, "Connection": "close"}, said["body"].encode())
        self.throw_away()

    def throw_away(self) -> None:
        """Take what is still being sent off the line: a connection that is closed before it is reset, unread."""
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(LINGER)
        left = REFUSED
        while left > 0 and (block := self.rfile.read1(1 << 16)):
            left -= len(block)

    def send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        """The response."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def handle(self) -> None:
        """A connection, unless there are too many."""
        if not self.server.room.acquire(blocking=False):
            self.wfile.write(b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        try:
            super().handle()
        except (ConnectionError, TimeoutError):  # whoever asked has gone
            self.close_connection = True
        finally:
            self.server.room.release()

    def log_message(self, format: str, *values: Any) -> None:  # noqa: A002 - the library's name
        """Nothing: platforms log requests themselves, and an address may hold what nobody else is to read."""


def serve() -> int:
    """Answer until SIGTERM."""
    key, port = os.environ.get(KEY, ""), os.environ.get(PORT) or "8080"
    if not key and os.environ.get(NO_KEY) != "1":
        print(f"Everybody could ask: no {KEY} is set. Set it, or {NO_KEY}=1 where only the platform lets callers in.")
        return 2
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        print(f"{PORT} is {port[:20]!r}, and no port. Set a number from 1 to 65535.")
        return 2
    server = Server(int(port), key)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"Listening at all addresses, port {port}.", flush=True)
    server.serve_forever()
    server.finish()
    server.server_close()
    return 0


if __name__ == "__main__":
    if os.environ.get(RUNTIME):
        client = [BASE_ENTRY] if os.access(BASE_ENTRY, os.X_OK) else [sys.executable, "-m", "awslambdaric"]
        os.execv(client[0], [*client, "handler.handler"])  # noqa: S606 - the same process goes on, without a shell
    sys.exit(serve())
