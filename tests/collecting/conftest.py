"""Servers, and ``collect`` as the tests of this room call it."""

import ipaddress
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from collecting.server import Server
from graft.collecting import Collected, Limits, collect
from graft.collecting.manifest import NAME

LOOPBACK = (ipaddress.ip_network("127.0.0.1/32"),)
QUICK = Limits(max_bytes=2_000_000, connect=2, read=2, total=0.7, backoff=0.01)


@pytest.fixture
def server() -> Iterator[Server]:
    own = Server()
    yield own
    own.close()


@pytest.fixture
def gather(tmp_path: Path, server: Server) -> Callable[..., Collected]:
    """Collect paths of the server, by class, into ``tmp_path/out``."""

    def call(per_class: int = 100, min_side: int = 32, limits: Limits = QUICK, **paths: list[str]) -> Collected:
        rows = [
            {"label": label, "url": path if ":" in path else server.url(path)}
            for label in paths
            for path in paths[label]
        ]
        (tmp_path / "list.jsonl").write_text("\n".join(map(json.dumps, rows)))
        return collect(
            [], tmp_path / "out", source=tmp_path / "list.jsonl", per_class=per_class, delay=0, min_side=min_side,
            limits=limits, allow=LOOPBACK, ports={server.port},
        )  # fmt: skip

    return call


@pytest.fixture
def lines(tmp_path: Path) -> Callable[[], list[dict[str, Any]]]:
    """The manifest."""
    return lambda: [json.loads(line) for line in (tmp_path / "out" / NAME).read_text().splitlines()]
