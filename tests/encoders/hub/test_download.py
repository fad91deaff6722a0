"""The real loading code in processes of its own, against a hub on this machine that speaks the real one's HTTP."""

from __future__ import annotations

import re
import shutil

import numpy as np
import pytest

TEXTS = ("my card has not arrived", "where is it?")
NOBODY = "http://127.0.0.1:9"
"""Where no hub answers."""


def test_a_model_is_brought_and_exported_once_and_then_runs_alone(machine):
    first = machine.use("tiny/sentences", texts=TEXTS)
    assert first["licence"] == "apache-2.0"
    assert first["parity"] < 1e-5
    assert first["warnings"] == []
    downloads = [done for step, done, total in first["steps"] if step == "download" and total > 10_000]
    assert downloads == sorted(downloads)
    assert ["export", 3, 3] in first["steps"]
    machine.hub.requests.clear()
    jobs = [
        {"name": "tiny/sentences", "texts": TEXTS},
        {"name": first["pinned_name"], "texts": TEXTS},
        {"name": "tiny/sentences", "modality": "text", "prompt": "passage: ", "texts": TEXTS},
        {"name": "tiny/sentences", "prompt": "query: ", "texts": TEXTS},  # what its makers put there as well
        {"name": "tiny/bert"},
    ]
    hidden = ("torch", "transformers", "huggingface_hub")
    again, pinned, other, same, missing = machine.use_all(jobs, hidden, HF_ENDPOINT=NOBODY)
    assert (again["embedding"], again["version"]) == (first["embedding"], first["version"])
    assert pinned["embedding"] == first["embedding"]
    assert re.fullmatch(r"tiny/sentences@[0-9a-f]{40}", first["pinned_name"])
    assert same["version"] == first["version"] != other["version"]
    assert not np.allclose(other["embedding"], first["embedding"])
    assert (again["steps"], again["loaded"], machine.hub.requests) == ([], [], [])
    assert missing["kind"] == "MissingExtra"
    assert missing["hint"] == "pip install 'graft-learn[hub]'"


def test_what_the_hub_refuses_is_said(machine, made, tmp_path):
    pickled = shutil.copytree(made("bert"), tmp_path / "pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    machine.hub.models["tiny/pickled"] = pickled
    machine.hub.trouble |= {"a/gated": "gated", "a/private": "private", "a/busy": "busy", "an/ill": "ill"}
    said = {
        "a/gated": ("gated", "Ask for it"),
        "a/private": ("no model a/private on the hub, or it is private", "hf auth login"),
        "a/busy": ("too many requests", "Wait"),
        "an/ill": ("could not be downloaded", "Check the connection"),
        "tiny/bart": ("no model tiny/bart on the hub", "spelling"),
        "tiny/bert@v2": ("no such revision", "branches"),
        "tiny/pickled": ("only as pytorch_model.bin", "save_pretrained"),
        "../../nowhere": ("neither a model of the hub nor a folder", "owner/model"),
        str(tmp_path): ("holds no model", "save_pretrained"),
    }
    found = machine.use_all([{"name": name} for name in said])
    for (name, (message, hint)), error in zip(said.items(), found, strict=True):
        assert error["kind"] in ("EncoderError", "Unreachable"), name
        assert message in error["error"], name
        assert hint in error["hint"], name
    assert not any("pytorch_model.bin" in request for request in machine.hub.requests)
    assert "torch" not in found[0]["loaded"]


def test_what_went_wrong_leaves_nothing_behind(machine):
    machine.hub.trouble["tiny/bert"] = "dying"
    broken = machine.use("tiny/bert")
    assert "model.safetensors of tiny/bert could not be downloaded" in broken["error"]
    assert "try again" in broken["hint"]
    machine.hub.trouble["tiny/bert"] = "damaged"
    damaged = machine.use("tiny/bert")
    assert "arrived damaged: sha256" in damaged["error"]
    machine.hub.trouble.clear()
    full = machine.use("tiny/bert", largest_file=40_000)
    assert "disk is full: model.safetensors" in full["error"]
    assert "HF_HOME" in full["hint"]
    # The model was renamed, and the connection breaks off once more, but comes back.
    machine.hub.cuts.clear()
    machine.hub.trouble |= {"old/bert": "moved to tiny/bert", "tiny/bert": "cut"}
    online = machine.use("old/bert", texts=TEXTS)
    assert machine.hub.cuts
    assert online["warnings"] == ["old/bert is now called tiny/bert; it was followed there."]
    assert online["name"] == "tiny/bert"
    again = machine.use("old/bert", texts=TEXTS, HF_HUB_OFFLINE="1")
    assert (again["embedding"], again["loaded"]) == (online["embedding"], [])
    shutil.rmtree(machine.home / "cache")  # what the hub's own library keeps is enough
    offline = machine.use("tiny/bert", texts=TEXTS, HF_HUB_OFFLINE="1")
    assert offline["embedding"] == online["embedding"]
    assert offline["pinned_name"] == online["pinned_name"]


def test_without_a_network(machine):
    nothing = machine.use("tiny/bert", HF_ENDPOINT=NOBODY)
    assert "the hub did not answer" in nothing["error"]
    assert "comes with pip" in nothing["hint"]
    forbidden = machine.use("tiny/bert", HF_HUB_OFFLINE="1")
    assert "HF_HUB_OFFLINE is set" in forbidden["error"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("facebook/dinov2-small", True),
        ("facebook/dinov2-small@main", True),
        ("image", False),
        ("efficientnet-lite0", False),
        ("a/b/c", False),
        ("a/..", False),
        ("../b", False),
        ("a/b@../c", False),
        ("https://huggingface.co/a/b", False),
    ],
)
def test_a_name_of_the_hub_is_told_from_others(name, expected):
    from graft.encoders.hub import is_hub_name

    assert is_hub_name(name) is expected


def test_a_folder_is_a_name_if_it_holds_a_model(made, tmp_path):
    from graft.encoders.hub import is_hub_name

    assert is_hub_name(str(made("bert")))
    assert not is_hub_name(str(tmp_path))
