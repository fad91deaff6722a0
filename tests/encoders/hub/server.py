"""A hub on this machine: folders served as models over HTTP, as the real one does, with its troubles on request."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

LARGE = (".safetensors", ".onnx", ".bin")
"""Files of these names are stored apart (LFS): the hub redirects to where they are, and tells their sha256."""


class Hub(ThreadingHTTPServer):
    """Serves ``models``; each has the commit that its name and content give.

    ``trouble`` holds what goes wrong, by model: ``gated``, ``private``, ``busy`` (429), ``ill`` (500), ``damaged``
    (other bytes of the right length), ``cut`` (the connection breaks in the middle of a large file, once), ``dying``
    (after that, nothing answers for that file), ``slow`` (large files wait for ``may_go``), ``understated`` (all files
    are said to have one byte), and ``moved to NAME``.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.models: dict[str, Path] = {}
        self.trouble: dict[str, str] = {}
        self.requests: list[str] = []
        self.cuts: Counter[str] = Counter()
        self.held, self.may_go = threading.Event(), threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def storage(self) -> str:
        """Where large files are: for the hub's library another host, as on the real one."""
        return f"http://localhost:{self.server_address[1]}"

    def commit(self, model: str) -> str:
        digest = hashlib.sha1(model.encode())
        for path in sorted(self.models[model].rglob("*")):
            if path.is_file():
                digest.update(path.read_bytes())
        return digest.hexdigest()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, *args: Any) -> None:
        pass

    def _answer(self) -> None:
        path = urlsplit(self.path).path.strip("/")
        self.server.requests.append(f"{self.command} /{path}")
        parts = path.split("/")
        if parts[:2] == ["api", "models"]:
            self._model("/".join(parts[2:4]), parts[5] if len(parts) > 5 else "main")
        elif parts[0] == "storage":
            self._content("/".join(parts[1:3]), "/".join(parts[3:]))
        elif len(parts) > 4 and parts[2] == "resolve":
            self._file("/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        else:
            self._refuse(404, "EntryNotFound")

    def _refused(self, model: str) -> bool:
        trouble = self.server.trouble.get(model, "")
        refusals = {"gated": (403, "GatedRepo"), "private": (401, "RepoNotFound"), "busy": (429, ""), "ill": (500, "")}
        if trouble in refusals:
            self._refuse(*refusals[trouble])
        elif trouble.startswith("moved to "):
            target = trouble.removeprefix("moved to ")
            self._head(307, {"Location": self.path.replace(f"/{model}", f"/{target}", 1), "Content-Length": "0"})
        elif model not in self.server.models:
            self._refuse(404, "RepoNotFound")
        else:
            return False
        return True

    def _model(self, model: str, revision: str) -> None:
        if self._refused(model):
            return
        commit = self.server.commit(model)
        if revision not in ("main", commit):
            self._refuse(404, "RevisionNotFound")
            return
        folder = self.server.models[model]
        siblings = []
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            content = path.read_bytes()
            entry: dict[str, Any] = {"rfilename": path.relative_to(folder).as_posix(), "size": len(content)}
            if self.server.trouble.get(model) == "understated":
                entry["size"] = 1
            if path.suffix in LARGE:
                entry["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
            siblings.append(entry)
        body = json.dumps({"_id": "0", "id": model, "modelId": model, "sha": commit, "siblings": siblings, "tags": []})
        self._head(200, {"Content-Type": "application/json", "Content-Length": str(len(body))})
        if self.command == "GET":
            self.wfile.write(body.encode())

    def _file(self, model: str, revision: str, name: str) -> None:
        if self._refused(model):
            return
        path = self.server.models[model] / name
        commit = self.server.commit(model)
        if revision not in ("main", commit):
            self._refuse(404, "RevisionNotFound")
        elif not path.is_file():
            self._refuse(404, "EntryNotFound")
        elif path.suffix in LARGE:
            content = path.read_bytes()
            self._head(
                302,
                {
                    "Location": f"{self.server.storage}/storage/{model}/{name}",
                    "X-Repo-Commit": commit,
                    "X-Linked-Etag": f'"{hashlib.sha256(content).hexdigest()}"',
                    "X-Linked-Size": str(len(content)),
                    "Content-Length": "0",
                },
            )
        else:
            self._content(model, name, {"X-Repo-Commit": commit})

    def _content(self, model: str, name: str, headers: dict[str, str] | None = None) -> None:
        content = (self.server.models[model] / name).read_bytes()
        trouble = self.server.trouble.get(model)
        large = name.endswith(LARGE)
        if trouble == "dying" and large and self.server.cuts[name]:
            self.close_connection = True
            return
        if trouble == "damaged" and large:
            content = content[:-4] + b"????"
        etag = hashlib.sha1(content).hexdigest()
        start = 0
        if wanted := self.headers.get("Range"):
            start = int(wanted.removeprefix("bytes=").split("-")[0])
        span = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if wanted else {}
        rest = content[start:]
        self._head(
            206 if wanted else 200,
            {
                "Content-Length": str(len(rest)),
                "ETag": f'"{etag}"',
                "Accept-Ranges": "bytes",
                **span,
                **(headers or {}),
            },
        )
        if self.command == "HEAD":
            return
        if trouble == "slow" and large:
            self.server.held.set()
            self.server.may_go.wait()
        if trouble in ("cut", "dying") and large and not self.server.cuts[name]:
            self.server.cuts[name] += 1
            self.wfile.write(rest[: len(rest) // 2])
            self.close_connection = True
            return
        self.wfile.write(rest)

    def _refuse(self, status: int, code: str) -> None:
        self._head(status, {"Content-Length": "0", **({"X-Error-Code": code} if code else {})})

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
