"""A hub on this machine that repositories are sent to: the addresses of the real one, with its troubles on request."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import yaml

TOKEN = "hf_" + "w" * 34
READER = "hf_" + "r" * 34
CHOSEN = "hf_" + "c" * 34
LARGE = (".safetensors", ".onnx")
SDKS = ("gradio", "static", "docker", "streamlit")


@dataclass
class Repo:
    """A repository: the files of each of its commits, in order."""

    private: bool
    commits: list[tuple[str, dict[str, bytes]]] = field(default_factory=list)

    @property
    def head(self) -> str:
        return self.commits[-1][0]

    @property
    def files(self) -> dict[str, bytes]:
        return self.commits[-1][1]

    def add(self, files: dict[str, bytes]) -> str:
        text = json.dumps([len(self.commits), {name: hashlib.sha1(data).hexdigest() for name, data in files.items()}])
        self.commits.append((hashlib.sha1(text.encode()).hexdigest(), files))
        return self.head


class PushHub(ThreadingHTTPServer):
    """Takes repositories, whole commits only.

    ``troubles`` holds, by the name of a step, what the next requests of it get: a status with headers, ``"cut"`` (the
    connection ends before an answer), ``"lost"`` (all is done, but the answer never comes) or a function to run first.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), PushHandler)
        self.repos: dict[tuple[str, str], Repo] = {}
        self.storage: dict[str, bytes] = {}
        self.troubles: dict[str, list[Any]] = defaultdict(list)
        self.steps: list[str] = []
        self.bytes_taken = 0
        self.authorized: list[tuple[str, str]] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def repo(self, name: str, kind: str = "model") -> Repo:
        return self.repos[kind, name]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class PushHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: PushHub

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def log_message(self, *args: Any) -> None:
        pass

    def _answer(self) -> None:
        path = urlsplit(self.path).path.strip("/")
        body = (
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if "chunked" not in str(self.headers.get("Transfer-Encoding"))
            else self._chunks()
        )
        step, call, arguments = self._route(path.split("/"))
        self.server.steps.append(step)
        self.server.authorized.append((step, self.headers.get("Authorization", "")))
        trouble = self.server.troubles[step].pop(0) if self.server.troubles[step] else None
        if callable(trouble):
            trouble()
        if trouble == "cut":
            self.close_connection = True
            self.connection.close()
            return
        if isinstance(trouble, tuple):
            self._say({"error": "in trouble"}, *trouble)
            return
        if step not in ("unknown", "storage") and not self._known():
            self._say({"error": "Invalid credentials in Authorization header"}, 401, {})
            return
        answer = call(body, *arguments)
        if trouble == "lost":
            self.close_connection = True
            self.connection.close()
            return
        self._say(*answer)

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _route(self, parts: list[str]) -> tuple[str, Any, tuple[Any, ...]]:
        kinds = {"models": "model", "spaces": "space"}
        if parts == ["api", "whoami-v2"]:
            return "whoami", self._whoami, ()
        if parts == ["api", "validate-yaml"]:
            return "card", self._card, ()
        if parts == ["api", "repos", "create"]:
            return "create", self._create, ()
        if parts[0] == "storage":
            return "storage", self._store, (parts[1],)
        if parts[0] == "api" and parts[1] in kinds and len(parts) >= 4:
            kind, name = kinds[parts[1]], "/".join(parts[2:4])
            verb = parts[4] if len(parts) > 4 else "revision"
            calls = {"revision": self._info, "preupload": self._preupload, "commit": self._commit}
            return verb if verb in calls else "unknown", calls.get(verb, self._missing), (kind, name)
        kind = "space" if parts[0] == "spaces" else "model"
        parts = parts[1:] if kind == "space" else parts
        if parts[-1] == "batch":
            return "batch", self._batch, (kind, f"{parts[0]}/{parts[1].removesuffix('.git')}")
        if len(parts) > 4 and parts[2] == "resolve":
            return "resolve", self._resolve, (kind, "/".join(parts[:2]), "/".join(parts[4:]))
        return "unknown", self._missing, ()

    def _known(self) -> bool:
        return self.headers.get("Authorization", "").removeprefix("Bearer ") in (TOKEN, READER, CHOSEN)

    def _say(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for key, entry in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(key, entry)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _missing(self, body: bytes, *_: Any) -> Any:
        return {"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"}

    def _whoami(self, body: bytes) -> Any:
        token = self.headers["Authorization"].removeprefix("Bearer ")
        access: dict[str, Any] = {"role": {TOKEN: "write", READER: "read", CHOSEN: "fineGrained"}[token]}
        if token == CHOSEN:
            scope = {"entity": {"type": "user", "name": "ann"}, "permissions": ["repo.content.read"]}
            access["fineGrained"] = {"scoped": [scope]}
        groups = [{"name": "club", "roleInOrg": "write"}, {"name": "museum", "roleInOrg": "read"}]
        return {"type": "user", "name": "ann", "orgs": groups, "auth": {"accessToken": access}}, 200

    def _card(self, body: bytes) -> Any:
        asked = json.loads(body)
        text = asked["content"]
        errors = []
        if text.startswith("---\n"):
            try:
                values = yaml.safe_load(text[4:].partition("\n---")[0]) or {}
                errors += [
                    f'"{key}" must be a string'
                    for key in ("license", "title")
                    if key in values and not isinstance(values[key], str)
                ]
                errors += [
                    f'"{key}" is not allowed to be empty' for key, value in values.items() if value in (None, "")
                ]
                if asked["repoType"] == "space" and values.get("sdk") not in SDKS:
                    errors.append('"sdk" must be one of [gradio, static, docker]')
                if len(values.get("short_description", "")) > 60:
                    errors.append('"short_description" length must be less than or equal to 60 characters long')
            except yaml.YAMLError as error:
                errors.append(f"YAML: {error}")
        elif asked["repoType"] == "space":
            errors.append('"sdk" is required')
        return {"errors": [{"message": error} for error in errors], "warnings": []}, 400 if errors else 200

    def _create(self, body: bytes) -> Any:
        asked = json.loads(body)
        kind, name = asked.get("type", "model"), f"{asked['organization'] or 'ann'}/{asked['name']}"
        if (kind, name) in self.server.repos:
            return {"error": "You already created this repo", "url": f"{self.server.url}/{name}"}, 409
        private = asked.get("private", asked.get("visibility") == "private")
        self.server.repos[kind, name] = repo = Repo(private)
        first = {".gitattributes": "".join(f"*{end} filter=lfs\n" for end in LARGE).encode()}
        if kind == "space":
            first["README.md"] = f"---\ntitle: {asked['name']}\nsdk: {asked['sdk']}\n---\n".encode()
        repo.add(first)
        return {"url": f"{self.server.url}/{'spaces/' if kind == 'space' else ''}{name}"}, 200

    def _info(self, body: bytes, kind: str, name: str) -> Any:
        if (kind, name) not in self.server.repos:
            return self._missing(body)
        repo = self.server.repos[kind, name]
        siblings = [{"rfilename": file} for file in sorted(repo.files)]
        return {
            "_id": "0",
            "id": name,
            "sha": repo.head,
            "private": repo.private,
            "siblings": siblings,
            "tags": [],
        }, 200

    def _preupload(self, body: bytes, kind: str, name: str) -> Any:
        there = self.server.repos[kind, name].files
        files = []
        for file in json.loads(body)["files"]:
            large = file["path"].endswith(LARGE)
            entry = {"path": file["path"], "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}
            if (data := there.get(file["path"])) is not None:
                blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
                entry["oid"] = hashlib.sha256(data).hexdigest() if large else blob
            files.append(entry)
        return {"files": files}, 200

    def _batch(self, body: bytes, kind: str, name: str) -> Any:
        objects = []
        for asked in json.loads(body)["objects"]:
            entry = {"oid": asked["oid"], "size": asked["size"]}
            if asked["oid"] not in self.server.storage:
                entry["actions"] = {"upload": {"href": f"{self.server.url}/storage/{asked['oid']}"}}
            objects.append(entry)
        return {"transfer": "basic", "objects": objects}, 200

    def _store(self, body: bytes, oid: str) -> Any:
        self.server.bytes_taken += len(body)
        if hashlib.sha256(body).hexdigest() != oid:
            return {"error": "other bytes"}, 400
        self.server.storage[oid] = body
        return {}, 200

    def _commit(self, body: bytes, kind: str, name: str) -> Any:
        repo = self.server.repos[kind, name]
        lines = [json.loads(line) for line in body.splitlines()]
        if lines[0]["value"].get("parentCommit") not in (None, repo.head):
            return {"error": "A commit has happened since. Please refresh and try again."}, 412
        files = dict(repo.files)
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.server.storage[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        commit = repo.add(files)
        return {
            "commitUrl": f"{self.server.url}/{name}/commit/{commit}",
            "commitOid": commit,
            "pullRequestUrl": None,
        }, 200

    def _resolve(self, body: bytes, kind: str, name: str, file: str) -> Any:
        data = self.server.repos[kind, name].files.get(file)
        return (data, 200) if data is not None else self._missing(body)
