"""Real servers on loopback, one for each model, and clients that send what a test says, byte by byte."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytest.importorskip("fastapi", reason="FastAPI is not installed: pip install 'graft-learn[serve]'")


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


class Served:
    """A server that runs in a process of its own."""

    def __init__(self, *arguments: object, environment: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "graft", "serve", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})},
            text=True,
        )
        assert self.process.stdout
        self.address = self.process.stdout.readline().strip().removesuffix("/docs")
        if not self.address:
            _, said = self.process.communicate()
            raise RuntimeError(said)
        self.port = int(self.address.rpartition(":")[2])

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            given = {"Content-Type": "application/json"} if isinstance(body, dict | list) else {}
            sent = json.dumps(body).encode() if isinstance(body, dict | list) else body
            connection.request(method, path, sent, {**given, **(headers or {})})
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, found, answer.read())
        finally:
            connection.close()

    def until_ready(self) -> None:
        while self.ask("GET", "/readyz").status == 503:
            assert self.process.poll() is None

    def stop(self) -> tuple[int, str]:
        """End it as a container is ended; its exit code, and what it said."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=120)
        return self.process.returncode, said


Serve = Callable[..., Served]


@pytest.fixture(scope="session")
def serve() -> Iterator[Serve]:
    """Starts servers, and ends those that a test has left."""
    running: list[Served] = []

    def start(*arguments: object, environment: dict[str, str] | None = None, ready: bool = True) -> Served:
        served = Served(*arguments, "--port", 0, environment=environment)
        running.append(served)
        if ready:
            served.until_ready()
        return served

    yield start
    for served in running:
        served.stop()


@pytest.fixture(scope="session")
def pictures(serve: Serve, saved: Path) -> Served:
    """A server of the model of shapes."""
    return serve(saved)
