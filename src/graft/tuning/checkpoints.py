"""Where a run can be taken up again: one safetensors file with JSON in its header, written as a whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes

from graft.files import write_atomically

KINDS = ("now", "best", "first", "second")
"""Weights as they are, the best so far, and the two moments of the optimiser."""
HEADER = 16 * 1024 * 1024
"""Bytes that a checkpoint may have beside its tensors."""


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """A moment of a run.

    Attributes:
        state: How far it has come; JSON-able.
        updates: How often the optimiser has stepped.
        tensors: For each of ``KINDS`` the tensors by name; moments are missing before the first step.
    """

    state: Mapping[str, Any]
    updates: int
    tensors: Mapping[str, Mapping[str, Any]]


def take(state: Mapping[str, Any], parameters: Mapping[str, Any], best: Mapping[str, Any], optimizer: Any) -> Snapshot:
    """A copy of everything that the next step depends on. Chance is not among it: it follows from seed and step."""
    known = {name: optimizer.state.get(parameter, {}) for name, parameter in parameters.items()}
    tensors = {
        "now": {name: parameter.detach().clone() for name, parameter in parameters.items()},
        "best": dict(best),
        "first": {name: each["exp_avg"].clone() for name, each in known.items() if each},
        "second": {name: each["exp_avg_sq"].clone() for name, each in known.items() if each},
    }
    updates = max((int(each["step"]) for each in known.values() if each), default=0)
    return Snapshot(state, updates, tensors)


def put_back(snapshot: Snapshot, parameters: Mapping[str, Any], optimizer: Any) -> None:
    """Weights and optimiser become what they were."""
    optimizer.state.clear()
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(snapshot.tensors["now"][name])
            parameter.grad = None
            if name in snapshot.tensors["first"]:
                optimizer.state[parameter] = {
                    "step": torch.tensor(float(snapshot.updates)),
                    "exp_avg": snapshot.tensors["first"][name].to(parameter.device, copy=True),
                    "exp_avg_sq": snapshot.tensors["second"][name].to(parameter.device, copy=True),
                }


def save(path: Path, snapshot: Snapshot, key: str) -> None:
    """Write a snapshot; what was there is replaced. Of a run that has stopped only the best weights are kept.

    Args:
        path: The file.
        snapshot: What to keep.
        key: Says which run it belongs to.

    Raises:
        OSError: It cannot be written; what was there is still there.
    """
    kinds = ("best",) if snapshot.state.get("stopped") else KINDS
    named = {
        f"{kind}/{name}": tensor.cpu().contiguous() for kind in kinds for name, tensor in snapshot.tensors[kind].items()
    }
    state = {"key": key, "updates": snapshot.updates, "state": dict(snapshot.state)}
    write_atomically(path, to_bytes(named, {"graft": json.dumps(state, allow_nan=False)}))


def load(path: Path, parameters: Mapping[str, Any], key: str) -> Snapshot | None:
    """The snapshot that ``save`` wrote; ``None`` where there is none, or one that is broken or of another run."""
    shapes = {name: tuple(parameter.shape) for name, parameter in parameters.items()}
    room = HEADER + 4 * len(KINDS) * sum(parameter.numel() for parameter in parameters.values())
    try:
        if path.stat().st_size > room:
            return None
        with safe_open(path, "pt") as file:
            state = json.loads((file.metadata() or {}).get("graft", "{}"))
            if state.get("key") != key or not isinstance(state.get("state"), dict):
                return None
            tensors: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
            for full in file.keys():  # noqa: SIM118 - not a dict
                kind, _, name = full.partition("/")
                if shapes.get(name) != tuple(file.get_slice(full).get_shape()):
                    return None
                tensors[kind][name] = file.get_tensor(full)
    except (OSError, ValueError, KeyError, SafetensorError):
        return None
    if state["state"].get("stopped"):
        tensors["now"] = tensors["best"]
    complete = set(tensors["now"]) == set(tensors["best"]) == set(shapes)
    return Snapshot(state["state"], int(state["updates"]), tensors) if complete else None


def key_of(settings: Mapping[str, Any], contents: Iterable[Any]) -> str:
    """Says which run a checkpoint belongs to: the settings, the data, and the weights that it starts from.

    Args:
        settings: JSON-able.
        contents: Arrays, tensors of the processor, texts, and lists and tuples of such.
    """
    digest = hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=16)
    for content in contents:
        _digest(digest, content)
    return digest.hexdigest()


def _digest(digest: Any, content: Any) -> None:
    if isinstance(content, Mapping):
        content = [part for pair in content.items() for part in pair]
    if isinstance(content, list | tuple):
        digest.update(f"{len(content)};".encode())
        for part in content:
            _digest(digest, part)
    elif isinstance(content, str) or content is None:
        digest.update(repr(content).encode())
    else:
        array = np.ascontiguousarray(content)
        digest.update(f"{array.dtype}{array.shape};".encode())
        digest.update(array.view(np.uint8).data if array.size and array.ndim else array.tobytes())
