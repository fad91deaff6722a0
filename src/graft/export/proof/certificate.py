"""``certificate.json``: what an export consists of, what its golden items are, and how alike it answered when made.

It is no signature: whoever changes a file can change the certificate too. It tells accidents, and other machines.
"""

from __future__ import annotations

import math
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from graft.errors import ExportError
from graft.export.draft import CERTIFICATE
from graft.export.precisions import FULL
from graft.export.proof.agreement import FILE_TOLERANCE, TOLERANCE, Boundary
from graft.version import __version__

SCHEMA = 1
MOST_FILES = 5_000
MOST_DEEP = 10
"""Parts of a file's place in the folder."""
_MADE_BY = ("numpy", "onnx", "onnxruntime", "pillow", "tokenizers", "soundfile", "soxr")
_PART = re.compile(r"[^/\\\x00-\x1f\x7f]{1,200}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NO_BOUNDARY = Boundary(0.0, (), False)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What stands in it.

    Attributes:
        target: What was exported, a key of ``TARGETS``.
        precision: In which kind of numbers the graph keeps its weights.
        hashes: sha256 of every other file, by its place with ``/``.
        backend: What computed the known answers, and in which precision.
        versions: Of what made the export.
        boundary: Where answers tip over.
        items: What each golden item is in words, by the name of its file.
        data_items: How many of them are from data that were given.
        agreement: Of the graph on the golden values, when it was made: the share with equal labels, sets and unknown.
        largest_difference: The same; and ``of_files`` beginning at the files.
        largest_difference_of_files: See there.
        near_threshold: How many items fell to the other side of a threshold to which they are nearer than that.
        notebook: The file of the notebook that left in the place of a model, of which there are no answers to compare.
    """

    target: str
    precision: str
    hashes: Mapping[str, str]
    backend: str
    versions: Mapping[str, str]
    boundary: Boundary
    items: Mapping[str, str]
    data_items: int
    agreement: float
    largest_difference: float
    largest_difference_of_files: float
    near_threshold: int
    notebook: str = ""

    @classmethod
    def of_notebook(cls, target: str, notebook: str, hashes: Mapping[str, str], versions: Mapping[str, str]) -> Self:
        """What stands in it where a notebook has left, and no model: nothing of answers."""
        return cls(target, FULL, hashes, " ", versions, _NO_BOUNDARY, {}, 0, 0.0, 0.0, 0.0, 0, notebook)

    @property
    def tolerance(self) -> float:
        """By how much answers to the golden values may differ."""
        return TOLERANCE[self.precision]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able values."""
        if self.notebook:
            return {
                "schema": SCHEMA,
                "target": self.target,
                "notebook": self.notebook,
                "hashes": dict(sorted(self.hashes.items())),
                "versions": dict(self.versions),
            }
        backend, _, precision = self.backend.partition(" ")
        return {
            "schema": SCHEMA,
            "target": self.target,
            "precision": self.precision,
            "hashes": dict(sorted(self.hashes.items())),
            "answers": {"backend": backend, "precision": precision, "versions": dict(self.versions)},
            "tolerance": self.tolerance,
            "tolerance_of_files": FILE_TOLERANCE,
            "agreement": self.agreement,
            "largest_difference": self.largest_difference,
            "largest_difference_of_files": self.largest_difference_of_files,
            "near_threshold": self.near_threshold,
            "goldens": len(self.items),
            "data_items": self.data_items,
            "boundary": {**self.boundary._asdict(), "members": list(self.boundary.members)},
            "items": dict(self.items),
        }

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """The certificate that ``to_dict`` wrote; every value is doubted.

        Raises:
            ExportError: A newer Graft wrote it, or a value is not what one can have.
        """
        try:
            if (schema := _whole(values["schema"])) != SCHEMA:
                raise ExportError(
                    f"The certificate has the schema {str(schema)[:20]}, and this Graft knows {SCHEMA}.",
                    "Verify it with the Graft that made it, or a newer one.",
                )
            if "notebook" in values:
                target, notebook = _text(values["target"], 100), _text(values["notebook"], 1000)
                return cls.of_notebook(
                    target, notebook, _hashes(values["hashes"]), _texts(values["versions"], 100, 100)
                )
            answers, boundary = values["answers"], values["boundary"]
            return cls(
                target=_text(values["target"], 100),
                precision=_one_of(values["precision"], TOLERANCE),
                hashes=_hashes(values["hashes"]),
                backend=f"{_text(answers['backend'], 100)} {_text(answers['precision'], 100)}",
                versions=_texts(answers["versions"], 100, 100),
                boundary=Boundary(
                    _number(boundary["unknown"]),
                    tuple(map(_number, _list(boundary["members"]))),
                    _flag(boundary["exclusive"]),
                ),
                items=_texts(values["items"], MOST_FILES, 1000),
                data_items=int(_number(values["data_items"])),
                agreement=_number(values["agreement"]),
                largest_difference=_number(values["largest_difference"]),
                largest_difference_of_files=_number(values["largest_difference_of_files"]),
                near_threshold=int(_number(values["near_threshold"])),
            )
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            found = f"{type(error).__name__}: {error}"
            raise ExportError(
                f"{CERTIFICATE} is not that of an export: {found:.200}.", "Copy the folder again, or export anew."
            ) from None


def versions_here() -> dict[str, str]:
    """What runs here: Graft, Python, the processor, and the packages by which answers may differ."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"graft": __version__, "python": platform.python_version(), "machine": platform.machine()}
    for package in _MADE_BY:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def is_place(name: str) -> bool:
    """Whether a name leads to a file inside a folder, on every system."""
    parts = name.split("/")
    return len(parts) <= MOST_DEEP and all(_PART.fullmatch(part) and part not in (".", "..") for part in parts)


def _hashes(values: Any) -> dict[str, str]:
    hashes = _texts(values, MOST_FILES, 64)
    for name, digest in hashes.items():
        if not is_place(name) or ":" in name:
            raise ValueError(f"{name[:100]!r} leads out of the folder")
        if not _SHA256.fullmatch(digest):
            raise ValueError(f"the hash of {name[:100]!r} is none")
    return hashes


def _texts(values: Any, most: int, longest: int) -> dict[str, str]:
    if not isinstance(values, dict) or len(values) > most:
        raise ValueError(f"{str(values)[:60]!r} in place of texts by name")
    return {_text(name, 1000): _text(value, longest) for name, value in values.items()}


def _text(value: Any, longest: int) -> str:
    if not isinstance(value, str) or len(value) > longest:
        raise ValueError(f"{str(value)[:60]!r} in place of a text")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{str(value)[:60]!r} in place of a list")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{str(value)[:60]!r} in place of a number")
    return float(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{str(value)[:60]!r} in place of a whole number")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{str(value)[:60]!r} in place of true or false")
    return value


def _one_of(value: Any, known: Mapping[str, Any]) -> str:
    if value not in known:
        raise ValueError(f"{str(value)[:60]!r} in place of one of {', '.join(known)}")
    return str(value)
