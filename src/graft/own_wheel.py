"""Graft packed as a wheel out of the very package that runs: no network, no build tool, and the same bytes each time.

What leaves this machine and needs Graft there (a function that trains, a container, a notebook) takes this file along,
so that it runs what was tested here, not what an index offers by then.
"""

from __future__ import annotations

import base64
import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from graft.errors import GraftError
from graft.files import write_atomically, zipped
from graft.version import __version__

DISTRIBUTION = "graft-learn"
WHEEL = f"graft_learn-{__version__}-py3-none-any.whl"
ENTRY_POINT = "[console_scripts]\ngraft = graft.__main__:main\n"
_INFO = f"graft_learn-{__version__}.dist-info"
_TAGS = "Wheel-Version: 1.0\nGenerator: graft\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_LICENSE = "LICENSE"
_KINDS = frozenset(
    {
        ".css", ".html", ".js", ".md", ".mjs", ".onnx", ".onnxruntime", ".py", ".svg", ".tsv", ".txt", ".typed",
        ".wasm", ".yaml", ".yml",
    }
)  # fmt: skip
"""How the names of the package's files end. What else lies among them in a checkout (a key, a table, a model that was
tried there) is nobody's to be sent along."""
_NAMES = frozenset({"Dockerfile"})
_PACKAGE = Path(__file__).resolve().parent


def own_wheel(folder: Path) -> Path:
    """Write ``graft_learn-VERSION-py3-none-any.whl`` from the package that runs, whether installed or a checkout.

    Args:
        folder: Where it is put; made if it is not there. A wheel of this name is replaced.

    Returns:
        The file. Packed again from the same package it has the same bytes.

    Raises:
        GraftError: What Graft needs is not known: it was neither installed nor is it a checkout.
        OSError: The folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    described, license_text = _described()
    files = dict(_package_files())
    files[f"{_INFO}/METADATA"] = described.encode()
    files[f"{_INFO}/WHEEL"] = _TAGS.encode()
    files[f"{_INFO}/entry_points.txt"] = ENTRY_POINT.encode()
    if license_text:
        files[f"{_INFO}/licenses/{_LICENSE}"] = license_text.encode()
    record = "".join(f"{_field(name)},sha256={_digest(content)},{len(content)}\n" for name, content in files.items())
    files[f"{_INFO}/RECORD"] = f"{record}{_INFO}/RECORD,,\n".encode()
    write_atomically(folder / WHEEL, zipped(files.items()))
    return folder / WHEEL


def _package_files() -> Iterator[tuple[str, bytes]]:
    """Every file of the package by its place in a wheel, sorted; nothing that was only left there."""
    for path in sorted(_PACKAGE.rglob("*")):
        inside = path.relative_to(_PACKAGE.parent)
        left = any(part == "__pycache__" or part.startswith(".") or part.endswith("~") for part in inside.parts)
        ours = path.suffix in _KINDS or path.name in _NAMES
        if ours and not left and path.is_file() and not path.is_symlink():
            yield inside.as_posix(), path.read_bytes()


def _described() -> tuple[str, str]:
    """The metadata and the licence: of a checkout as it stands now, else as they were installed.

    What an editable installation has noted is as old as that installation.
    """
    root = _PACKAGE.parent.parent
    project = root / "pyproject.toml"
    if _PACKAGE.parent.name == "src" and project.is_file():
        known = tomllib.loads(project.read_text(encoding="utf-8")).get("project", {})
        if known.get("name") == DISTRIBUTION:
            readme = (root / known["readme"]).read_text(encoding="utf-8")
            return _metadata(known, readme), (root / _LICENSE).read_text(encoding="utf-8")
    try:
        installed = metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        installed = None
    if installed is None or installed.version != __version__:
        found = "it is not installed" if installed is None else f"what is installed is {installed.version}"
        raise GraftError(
            f"Graft {__version__} cannot be packed as a wheel: {found}, so what it needs is not known.",
            f"pip install {DISTRIBUTION}=={__version__}",
        )
    return installed.read_text("METADATA") or "", installed.read_text(f"licenses/{_LICENSE}") or ""


def _metadata(project: Mapping[str, Any], readme: str) -> str:
    """The core metadata of a ``[project]`` table."""
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {DISTRIBUTION}",
        f"Version: {__version__}",
        f"Summary: {project['description']}",
        f"License-Expression: {project['license']}",
        f"License-File: {_LICENSE}",
        f"Keywords: {','.join(project['keywords'])}",
        *(f"Classifier: {name}" for name in project["classifiers"]),
        f"Requires-Python: {project['requires-python']}",
        *(f"Requires-Dist: {needed}" for needed in project["dependencies"]),
    ]
    for extra, needed in sorted(project["optional-dependencies"].items()):
        lines += [f"Provides-Extra: {extra}", *(f"Requires-Dist: {_only_with(one, extra)}" for one in needed)]
    return "\n".join([*lines, "Description-Content-Type: text/markdown", "", readme])


def _only_with(needed: str, extra: str) -> str:
    """A requirement that holds where an extra is asked for."""
    name, _, marker = needed.partition(";")
    return f"{name.strip()}; {f'({marker.strip()}) and ' if marker else ''}extra == '{extra}'"


def _field(name: str) -> str:
    """A name as RECORD, a table, writes it."""
    return f'"{name}"' if "," in name else name


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
