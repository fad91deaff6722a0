"""A web server for a folder, as plain or as faulty as hosts are."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".wasm": "application/wasm",
    ".png": "image/png",
}


@dataclass
class Reply:
    """What a host sends for a path.

    Attributes:
        status: Of HTTP.
        headers: By name.
        body: Its content.
        claimed: The length that the header says; ``None``: the body's.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    claimed: int | None = None


@dataclass
class Host:
    """A folder on loopback.

    Attributes:
        folder: What is shown; it may be replaced.
        prefix: The path under which it lies.
        faults: By name, what becomes of the reply; ``"*"`` of every one.
        asked: The names that were asked for, in order.
    """

    folder: Path
    prefix: str = "/"
    faults: dict[str, Callable[[Reply], Reply]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}{quote(self.prefix)}"

    def reply(self, path: str) -> Reply:
        path = unquote(path)
        name = path.removeprefix(self.prefix) or "index.html"
        self.asked.append(name)
        file = self.folder / name
        found = path.startswith(self.prefix) and ".." not in name and file.is_file()
        kind = TYPES.get(file.suffix, "application/octet-stream")
        reply = Reply(200, {"Content-Type": kind}, file.read_bytes()) if found else Reply(404, {}, b"nothing here")
        for key in (name, "*"):
            reply = self.faults.get(key, lambda plain: plain)(reply)
        return reply


@contextmanager
def hosted(folder: Path, prefix: str = "/") -> Iterator[Host]:
    host = Host(folder, prefix)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            reply = host.reply(urlsplit(self.path).path)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body) if reply.claimed is None else reply.claimed))
            self.end_headers()
            self.wfile.write(reply.body)
            self.close_connection = reply.claimed is not None

        def log_message(self, *_: object) -> None:
            """The console is for the tests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    host.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
