"""Saved models taken apart, and put together again in today's layout or in that of schema 1, checksums mended."""

import json
from pathlib import Path
from typing import Any

from graft import bundle, older, tensors
from graft.tensors import Tensors, to_json

Parts = dict[str, Any]
"""``manifest``, ``report`` and ``arrays``, as schema 1 had them: all settings in the manifest."""
LAYOUTS = ("today", "schema 1")
_KINDS = {"multi_label": "tags", "classification": "classification"}


def taken_apart(folder: Path) -> Parts:
    """The parts of a bundle of today's layout."""
    content = bundle.read(folder)
    head, record = content.tensors["head"], content.tensors["record"]
    encoder = dict(head.settings["encoder"])
    prompt = encoder.pop("prompt")
    arrays = {f"{file}.{name}": array for file, name, array in _named(content) if file != "head"}
    return {
        "manifest": {
            **{key: head.settings[key] for key in ("classes", "modality")},
            "encoder": encoder,
            "recipe": {**content.manifest["recipe"], "prompt": prompt},
            "classifier": {"kind": _KINDS[head.settings["task"]], **head.settings["settings"]},
            "training": dict(record.settings),
        },
        "report": content.documents["report"],
        "arrays": {**head.arrays, **arrays},
    }


def put_together(folder: Path, parts: Parts, layout: str) -> None:
    """Write these parts as a bundle that has every checksum right, whatever they hold."""
    for file in folder.glob("*"):
        file.unlink()
    folder.mkdir(exist_ok=True)
    manifest = parts["manifest"]
    if layout == "today":
        files = {f"{name}.safetensors": _bytes(own) for name, own in _todays(manifest, parts["arrays"]).items()}
        kept = {key: manifest[key] for key in ("recipe",) if key in manifest}
        head = {**kept, "schema": bundle.SCHEMA}
    else:
        files = {older.ARRAYS: _bytes(Tensors(parts["arrays"], {}), bare=True)}
        described = {name: {"dtype": a.dtype.name, "shape": list(a.shape)} for name, a in parts["arrays"].items()}
        head = {**manifest, "schema": 1, "arrays": described}
    files["report.json"] = to_json(parts["report"], "report")
    for name, data in files.items():
        (folder / name).write_bytes(data)
    write_manifest(folder, {**head, "format": "graft-bundle"})


def write_manifest(folder: Path, manifest: Parts) -> None:
    """The manifest with sizes and checksums as the files are."""
    found = {file.name: file.read_bytes() for file in folder.iterdir() if file.name != bundle.MANIFEST}
    files = {name: {"sha256": bundle._sha256(data), "size": len(data)} for name, data in found.items()}
    manifest = {**manifest, "files": files}
    manifest.pop("checksum", None)
    checksum = bundle._sha256(to_json(manifest, "manifest"))
    (folder / bundle.MANIFEST).write_bytes(to_json({**manifest, "checksum": checksum}, "manifest"))


def read_manifest(folder: Path) -> Parts:
    return json.loads((folder / bundle.MANIFEST).read_text())


def _named(content: bundle.Bundle) -> list[tuple[str, str, Any]]:
    file_of = {"record": "training", "encoder": "encoder", "head": "head"}
    return [(file_of[file], name, array) for file, own in content.tensors.items() for name, array in own.arrays.items()]


def _todays(manifest: Parts, arrays: Parts) -> dict[str, Tensors]:
    found: dict[str, Tensors] = {"head": Tensors({}, {}), "record": Tensors({}, manifest.get("training", {}))}
    classifier, encoder = manifest["classifier"], manifest.get("encoder")
    kind = classifier.get("kind") if isinstance(classifier, dict) else "classification"
    if isinstance(encoder, dict):
        encoder = {**encoder, "prompt": manifest.get("recipe", {}).get("prompt", "")}
    settings = {
        "schema": bundle.SCHEMA,
        "task": {"tags": "multi_label"}.get(kind, kind),
        **{key: manifest[key] for key in ("classes", "modality") if key in manifest},
        "encoder": encoder,
        "settings": classifier,
    }
    found["head"] = Tensors({}, {key: value for key, value in settings.items() if value is not None})
    for name, array in arrays.items():
        first, _, rest = name.partition(".")
        file = {"training": "record", "encoder": "encoder"}.get(first, "head")
        found.setdefault(file, Tensors({}, {})).arrays[name if file == "head" else rest] = array
    return found


def _bytes(own: Tensors, bare: bool = False) -> bytes:
    """A file of the format, even of numbers that ``tensors.dump`` refuses."""
    from safetensors.numpy import save

    arrays = {name: own.arrays[name] for name in own.arrays}
    if bare:
        return save(arrays)
    plain = save(arrays)
    length = int.from_bytes(plain[:8], "little")
    header, data = json.loads(plain[8 : 8 + length]), plain[8 + length :]
    settings = to_json(own.settings, "settings", indent=None).decode().rstrip("\n")
    told = [tensors._told(name, entry["dtype"], entry["shape"]) for name, entry in header.items()]
    header["__metadata__"] = {"settings": settings, "digest": tensors._digest(told, settings, data)}
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data
