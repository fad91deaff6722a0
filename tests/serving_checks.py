"""Servers that run in a test, clients that send what it says, and answers over HTTP beside those in process."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="FastAPI is not installed: pip install 'graft-learn[serve]'")

from graft.decoding.sound import wav_bytes
from graft.listening import KEEP_ALIVE, listening
from graft.serving.draining import Draining
from graft.serving.keys import ServerKey
from graft.serving.loaded import LoadedModel
from graft.serving.one_model import ModelServer
from graft.serving.routes import application
from graft.serving.server import run

TOLERANCE = 0.02
"""Of a probability in bf16: whatever else is in a batch changes the last digits."""


def same(answers: Sequence[Mapping[str, Any]], expected: Sequence[Any], tolerance: float = TOLERANCE) -> None:
    """Whether these are the answers of ``graft predict``."""
    assert len(answers) == len(expected)
    for answer, prediction in zip(answers, expected, strict=True):
        wanted = prediction.to_dict()
        assert answer.keys() == wanted.keys() | (answer.keys() & {"id"})
        if "error" in wanted:
            assert answer["error"]["code"] == wanted["error"]["code"]
            continue
        for key in ("label", "unknown", "set", "labels"):
            assert answer.get(key) == wanted.get(key), (answer, wanted)
        for key in ("confidence", "value", "low", "high"):
            assert answer.get(key) == pytest.approx(wanted.get(key), abs=tolerance)
        assert answer.get("scores") == pytest.approx(wanted.get("scores"), abs=tolerance)


def in_base64(content: bytes) -> str:
    """A file as JSON holds it."""
    return base64.b64encode(content).decode()


def form(*parts: tuple[str, str | None, bytes]) -> tuple[bytes, str]:
    """A form of fields (name, file name or none, content), and its type."""
    pieces = []
    for name, file, content in parts:
        named = f'; filename="{file}"' if file is not None else ""
        pieces.append(f'--edge\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + content)
    return b"\r\n".join([*pieces, b"--edge--\r\n"]), 'multipart/form-data; boundary="edge"'


def hum(hertz: float, rate: int = 16_000, channels: int = 1) -> bytes:
    """Half a second of a tone as a WAV file."""
    time = np.arange(rate // 2) / rate
    wave = (0.3 * np.sin(2 * np.pi * hertz * time) * np.hanning(len(time))).astype(np.float32)
    return wav_bytes(np.stack([wave] * channels, axis=1) if channels > 1 else wave, rate)


def head(length: int | None) -> bytes:
    """What comes before a picture of so many bytes, or one in pieces, but for the empty line at the end."""
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n{size}\r\n".encode()


LONG = 240
"""Seconds after which something hangs."""


class Reply(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Its value; NaN is none."""

        def refuse(constant: str) -> None:
            raise AssertionError(f"{constant} is not JSON")

        return json.loads(self.body, parse_constant=refuse)

    @property
    def problem(self) -> Any:
        """Its value, which says why there is no answer."""
        assert self.headers["content-type"] == "application/problem+json", self
        found = self.json
        assert found["status"] == self.status
        assert found["code"]
        assert found["message"]
        return found


class Client:
    """Asks a server."""

    port: int

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """One request on a connection of its own; lists and objects are sent as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONG)
        try:
            given = {"Content-Type": "application/json"} if isinstance(body, dict | list) else {}
            sent = json.dumps(body).encode() if isinstance(body, dict | list) else body
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, sent, {**given, **named})
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, found, answer.read())
        finally:
            connection.close()

    def predict(self, body: Any, kind: str = "", path: str = "/predict", **headers: str) -> Reply:
        """Ask for answers."""
        return self.ask("POST", path, body, **({"Content-Type": kind} if kind else {}), **headers)


class ServerHere(Client):
    """A server in this process.

    Args:
        folder: Of a model.
        key: Who is let in.
        own_host: As ``RequestGuard`` takes it.
        decoding: Whether the children are started; without them nothing is decoded, and requests wait.
        ready: Whether it has had its first answer, or may say that it had where nothing is decoded.
        keep_alive: Seconds of an idle connection.
        options: Of a ``ModelServer``.
    """

    def __init__(
        self,
        folder: Path,
        *,
        key: str = "",
        own_host: str | None = None,
        decoding: bool = True,
        ready: bool = True,
        keep_alive: int = KEEP_ALIVE,
        **options: Any,
    ) -> None:
        self.draining = options.pop("draining", Draining())
        self.server = ModelServer(LoadedModel.load(folder), draining=self.draining, **options)
        if decoding:
            self.server.decoders.start()
        listener = listening("127.0.0.1", 0, "server")
        self.port = listener.getsockname()[1]
        begun = threading.Event()
        app = application(self.server, key=ServerKey.of(key) if key else None, own_host=own_host)
        arguments = (app, listener, self.draining, keep_alive, begun.set)
        self.thread = threading.Thread(target=run, args=arguments, daemon=True)
        self.thread.start()
        assert begun.wait(LONG)
        if decoding and ready:
            asyncio.run(self.server.warm())
        self.server.ready = ready

    def stop(self) -> None:
        """End it as a signal does."""
        self.draining.begin()
        self.thread.join(LONG)
        assert not self.thread.is_alive()
        self.server.decoders.stop()


class NotebookHere(Client):
    """A server of a notebook in this process.

    Args:
        notebook: Which is run.
        key: Who is let in.
        own_host: As ``RequestGuard`` takes it.
        limits: How much is run and kept.
    """

    def __init__(
        self, notebook: Path, *, key: str = "", own_host: str | None = None, limits: Any = None, **options: Any
    ) -> None:
        from graft.serving.notebook_routes import notebook_application
        from graft.serving.notebook_runs import NotebookRuns

        self.runs = NotebookRuns(notebook, limits=limits, draining=Draining(limit=5.0), **options)
        self.runs.start()
        listener = listening("127.0.0.1", 0, "server")
        self.port = listener.getsockname()[1]
        begun = threading.Event()
        app = notebook_application(self.runs, key=ServerKey.of(key) if key else None, own_host=own_host)
        arguments = (app, listener, self.runs.draining, KEEP_ALIVE, begun.set)
        self.thread = threading.Thread(target=run, args=arguments, daemon=True)
        self.thread.start()
        assert begun.wait(LONG)

    def begin(self, time_limit: float | None = None, **parameters: Any) -> str:
        """The address of a new run."""
        limit = {} if time_limit is None else {"time_limit": time_limit}
        reply = self.ask("POST", "/runs", {"parameters": parameters, **limit})
        assert reply.status == 202, reply
        return reply.headers["location"]

    def ended(self, address: str) -> Any:
        """What a run came to."""
        wait_until(lambda: self.ask("GET", address).json["ended"] is not None)
        return self.ask("GET", address).json

    def stop(self) -> None:
        """End it as a signal does."""
        self.runs.draining.begin()
        self.thread.join(LONG)
        assert not self.thread.is_alive()
        self.runs.stop()


class ServerProcess(Client):
    """``graft serve`` in a process of its own, started by the command ``before`` where there is one."""

    def __init__(
        self, *arguments: object, environment: dict[str, str] | None = None, before: Sequence[str] = ()
    ) -> None:
        self.process = subprocess.Popen(
            [*before, sys.executable, "-m", "graft", "serve", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})},
            text=True,
        )
        assert self.process.stdout
        self.said = self.process.stdout.readline()
        if not self.said:
            raise RuntimeError(self.process.communicate()[1])
        self.port = int(re.findall(r"http://[^/]*:(\d+)", self.said)[0])

    def children(self) -> list[int]:
        """The processes in which files are decoded."""
        return [child for server in _children(self.process.pid) for child in _children(server)]

    def until_ready(self) -> None:
        """Wait for its first answer."""
        while self.ask("GET", "/readyz").status == 503:
            assert self.process.poll() is None

    def stop(self) -> tuple[int, str]:
        """End it as a container is ended; its exit code, and what it said."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        said = self.process.communicate(timeout=LONG)[1]
        return self.process.returncode, said


def wait_until(condition: Callable[[], bool]) -> None:
    """Until it holds."""
    until = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]
