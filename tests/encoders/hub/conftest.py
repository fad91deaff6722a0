from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from encoders.hub import models
from encoders.hub.server import Hub

SCRIPT = """
import json, resource, sys, time, warnings
jobs, hidden, limit = json.loads(sys.argv[1])
sys.modules.update(dict.fromkeys(hidden))  # as if they were not installed
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
pause = time.sleep  # the hub's own library waits ever longer between attempts, which is not what is tested
time.sleep = lambda seconds: pause(min(seconds, 0.05))
from graft.encoders.hub import hub_encoder
from graft.encoders.runtime import Backend
from graft.errors import GraftError

def use(name, modality=None, prompt="", texts=()):
    steps = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            encoder = hub_encoder(
                name, modality, Backend("onnxruntime", "f32"), prompt, lambda *step: steps.append(step)
            )
        except GraftError as error:
            return {"kind": type(error).__name__, "error": error.message, "hint": error.hint, "steps": steps}
    items = [encoder.prepare(text.encode()).value for text in texts]
    return {
        "embedding": encoder.embed(items).tolist() if items else [],
        "name": encoder.name,
        "pinned_name": encoder.pinned_name,
        "version": encoder.version,
        "licence": encoder.licence,
        "parity": encoder.entry.card.parity,
        "steps": steps,
        "warnings": [str(warning.message) for warning in caught if warning.category is UserWarning],
    }

found = [use(**job) for job in jobs]
loaded = [name for name in ("torch", "transformers", "huggingface_hub") if sys.modules.get(name)]
print(json.dumps([{**entry, "loaded": loaded} for entry in found]))
"""


@dataclass
class Machine:
    """A machine with homes of its own for our cache and the hub's, and a hub that it asks."""

    hub: Hub
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """What leads a process to this machine's homes and its hub."""
        places = {
            "HF_ENDPOINT": self.hub.url,
            "HF_HOME": str(self.home / "hub"),
            "GRAFT_CACHE": str(self.home / "cache"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "OMP_NUM_THREADS": "1",
        }
        return {**os.environ, **places}

    def use(self, name: str, **settings: Any) -> dict[str, Any]:
        """Make one encoder, as ``use_all``."""
        own = {key: settings.pop(key) for key in ("modality", "prompt", "texts") if key in settings}
        return self.use_all([{"name": name, **own}], **settings)[0]

    def use_all(
        self, jobs: list[dict[str, Any]], hidden: tuple[str, ...] = (), largest_file: int = 0, **environment: str
    ) -> list[dict[str, Any]]:
        """Run ``hub_encoder`` in a fresh process, and tell what came of it.

        Args:
            jobs: Its arguments, and ``texts`` to embed; one after the other.
            hidden: Libraries that are as if they were not installed.
            largest_file: Bytes that a file may have; 0: any.
            environment: Variables beside those that lead to this machine and its hub.
        """
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, json.dumps([jobs, hidden, largest_file])],
            capture_output=True,
            text=True,
            check=False,
            env={**self.environment, **environment},
        )
        assert done.returncode == 0, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
        return found


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny model, by its name in ``models.FAMILIES``; made once, and nobody writes into it."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    torch.set_num_threads(1)  # more of them only wait for each other on networks this small
    root = tmp_path_factory.mktemp("models")

    @cache
    def make(name: str) -> Path:
        return models.make(name, root / name)

    return make


@pytest.fixture(scope="session")
def hub(made: Callable[[str], Path]) -> Iterator[Hub]:
    """A hub that serves tiny models."""
    pytest.importorskip("huggingface_hub")
    hub = Hub()
    hub.models["tiny/bert"] = made("bert")
    hub.models["tiny/sentences"] = made("sentence_cls")
    yield hub
    hub.shutdown()
    hub.server_close()


@pytest.fixture
def machine(hub: Hub, tmp_path: Path) -> Iterator[Machine]:
    """A machine that has never seen a model."""
    yield Machine(hub, tmp_path)
    hub.trouble.clear()
    hub.cuts.clear()
    hub.requests.clear()
