"""Bundles of schema 1, as they are read: one file had all arrays, and the manifest all settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graft.contracts import Array
from graft.tensors import Tensors

SCHEMA = 1
ARRAYS = "arrays.safetensors"

_FILES = {"training": "record", "encoder": "encoder"}
"""The file of today in which arrays stand whose names began so."""


def upgraded(manifest: Mapping[str, Any], arrays: Mapping[str, Array]) -> tuple[dict[str, Any], dict[str, Tensors]]:
    """Manifest and files as they are written today.

    Raises:
        ValueError: The arrays are not those that the manifest describes.
        LookupError: The manifest lacks something; of a wrong type, it is an ``AttributeError``.
    """
    described = {name: {"dtype": array.dtype.name, "shape": list(array.shape)} for name, array in arrays.items()}
    if described != manifest["arrays"]:
        raise ValueError(f"{ARRAYS} does not hold the arrays that the manifest describes")
    parts: dict[str, dict[str, Array]] = {"head": {}, "record": {}}
    for name, array in arrays.items():
        first, _, rest = name.partition(".")
        file = _FILES.get(first, "head")
        parts.setdefault(file, {})[name if file == "head" else rest] = array
    several = manifest["classifier"].get("kind") == "tags"
    settings = {
        "head": {
            "schema": SCHEMA,
            "task": "multi_label" if several else "classification",
            "classes": manifest["classes"],
            "modality": manifest["modality"],
            "encoder": {**dict(manifest["encoder"].items()), "prompt": manifest["recipe"].get("prompt", "")},
            "settings": manifest["classifier"],
        },
        "record": manifest["training"],
    }
    found = {name: Tensors(own, settings.get(name, {})) for name, own in parts.items()}
    return {"recipe": manifest["recipe"]}, found
