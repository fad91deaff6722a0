"""A hub on this machine that data sets are fetched from: as many of the real one's addresses as that takes."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


class DataHub(ThreadingHTTPServer):
    """Holds data sets, ``{"owner/name": {"path": content}}``; ``asked`` lists what it was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), DataHubHandler)
        self.repos: dict[str, dict[str, bytes]] = {}
        self.gated: set[str] = set()
        self.asked: list[str] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def commit(self, name: str) -> str:
        files = {path: _oid(content) for path, content in sorted(self.repos[name].items())}
        return _oid(json.dumps(files).encode())


def _oid(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


class DataHubHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: DataHub

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *args: Any) -> None:
        pass

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = unquote(urlsplit(self.path).path).strip("/").split("/")
        api, parts = parts[0] == "api", parts[1:] if parts[0] == "api" else parts
        name = "/".join(parts[1:3])
        if parts[0] != "datasets" or name not in self.server.repos:
            self._say({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
            return
        commit = self.server.commit(name)
        what, revision = (*parts[3:5], "main")[:2] if len(parts) > 3 else ("revision", "main")
        if revision not in ("main", commit):
            self._say({"error": "Invalid rev id"}, 404, {"X-Error-Code": "RevisionNotFound"})
        elif name in self.server.gated and what == "resolve":
            self._say({"error": "gated"}, 403, {"X-Error-Code": "GatedRepo"})
        else:
            self._of_repo(name, f"{'api ' if api else ''}{what}", "/".join(parts[5:]), commit, body)

    def _of_repo(self, name: str, what: str, path: str, commit: str, body: bytes) -> None:
        files = self.server.repos[name]
        if what == "api revision":
            siblings = [{"rfilename": file} for file in sorted(files)]
            self._say({"_id": "0", "id": name, "sha": commit, "private": False, "siblings": siblings, "tags": []})
        elif what == "api tree":
            deep = parse_qs(urlsplit(self.path).query).get("recursive", ["false"])[0].lower() == "true"
            found = _tree(files, f"{path}/" if path else "", deep=deep)
            self._say(found) if found else self._say({"error": "none"}, 404, {"X-Error-Code": "EntryNotFound"})
        elif what == "api paths-info":
            asked = json.loads(body) if body.startswith(b"{") else parse_qs(body.decode())
            self._say([_entry(files, one) for one in asked["paths"] if one in files])
        elif what == "resolve" and path in files:
            self.server.asked.append(path)
            headers = {"ETag": f'"{_oid(files[path])}"', "X-Repo-Commit": commit}
            content, part = files[path], re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if part is None:
                self._say(content, 200, headers)
                return
            start, end = int(part[1]), min(int(part[2] or len(content) - 1), len(content) - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
            self._say(content[start : end + 1], 206, headers)
        else:
            self._say({"error": "none"}, 404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})

    def _say(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for key, entry in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(key, entry)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _entry(files: dict[str, bytes], path: str) -> dict[str, Any]:
    return {"type": "file", "oid": _oid(files[path]), "size": len(files[path]), "path": path}


def _tree(files: dict[str, bytes], start: str, *, deep: bool) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(files):
        if not path.startswith(start):
            continue
        inner = path.removeprefix(start)
        if "/" in inner:
            folder = start + inner.split("/")[0]
            found[folder] = {"type": "directory", "oid": _oid(folder.encode()), "size": 0, "path": folder}
        if deep or "/" not in inner:
            found[path] = _entry(files, path)
    return list(found.values())
