"""The folder of an export, read by somebody who does not know where it comes from: bounded, and nothing outside it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from graft.errors import ExportError, refused_as
from graft.export.draft import CERTIFICATE, GRAPH, LABELS
from graft.export.proof.certificate import MOST_DEEP, MOST_FILES, Certificate
from graft.tensors import from_json

_LITTER = frozenset({".git", ".gitattributes", ".gitignore", ".DS_Store", "Thumbs.db", "desktop.ini", "__pycache__"})
"""What systems and version control leave in a folder."""
_LARGEST_GRAPH = 2_200_000_000
_LARGEST_FILE = 100_000_000
_LARGEST_JSON = 20_000_000
_LARGEST_REST = 500_000_000
"""Bytes of all files but the graph: they are held together, and an empty file of any length takes no room on a disk."""
_AGAIN = "Copy the folder again, or export anew."


class FileCheck(NamedTuple):
    """What the files of a folder are, against what its certificate says.

    Attributes:
        changed: Those with another hash.
        missing: Those that are not there, or are no plain files.
        extra: Those that the certificate does not name.
    """

    changed: tuple[str, ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether all files are there as they were; others beside them do no harm."""
        return not self.changed and not self.missing


@dataclass(frozen=True, slots=True)
class ExportedFolder:
    """A folder with a certificate.

    Attributes:
        path: Where it is, as it was given.
        certificate: What stands in it.
    """

    path: Path
    certificate: Certificate

    @classmethod
    def open(cls, path: str | Path) -> ExportedFolder:
        """The folder at a path.

        Raises:
            ExportError: There is none, or it is no export.
        """
        path = Path(path)
        if not path.is_dir():
            what = "a file, and no folder" if path.exists() else "not there"
            raise ExportError(f"{path} is {what}.", "Give the folder that graft export has written.")
        if not os.path.lexists(path / CERTIFICATE):
            raise ExportError(f"{path} is no export: it has no {CERTIFICATE}.", "Give a folder of graft export.")
        certificate = Certificate.from_dict(_json(_read(path, CERTIFICATE, _LARGEST_JSON), CERTIFICATE))
        return cls(path, certificate)

    def read(self, name: str) -> bytes:
        """The content of a file that the certificate names, bounded.

        Raises:
            ExportError: It is not there, no plain file, or far too large.
        """
        if name not in self.certificate.hashes:
            raise ExportError(f"The certificate does not name {name}.", _AGAIN)
        return _read(self.path, name, _limit_of(name))

    def labels(self) -> Mapping[str, Any]:
        """What stands in ``labels.json``.

        Raises:
            ExportError: It is not what an export has.
        """
        labels = _json(self.read(LABELS), LABELS)
        if not isinstance(labels, dict):
            raise ExportError(f"{LABELS} is no object.", _AGAIN)
        classes = labels.get("classes")
        if not (isinstance(classes, list) and all(isinstance(label, str) for label in classes)):
            raise ExportError(f"{LABELS} does not say which classes there are.", _AGAIN)
        if len(set(classes)) != len(classes) or labels.get("modality") not in ("image", "text", "audio"):
            raise ExportError(f"{LABELS} names a class twice, or an unknown kind of item.", _AGAIN)
        return labels

    def contents(self) -> FileCheck:
        """Hash every file; links are none.

        Raises:
            ExportError: They are more, or larger, than those of an export.
        """
        there = _files(self.path)
        hashes = self.certificate.hashes
        rest = sum(there[name] for name in hashes.keys() & there.keys() - {GRAPH} if there[name] <= _limit_of(name))
        if rest > _LARGEST_REST:
            raise ExportError(f"The files beside the graph have {rest / 1e6:,.0f} MB, which no export has.", _AGAIN)
        missing = sorted(name for name in hashes if name not in there)
        changed = sorted(
            name
            for name, digest in hashes.items()
            if name in there and (there[name] > _limit_of(name) or _sha256(self.path, name) != digest)
        )
        extra = sorted(there.keys() - hashes.keys() - {CERTIFICATE})
        return FileCheck(tuple(changed), tuple(missing), tuple(extra))

    def megabytes(self) -> float:
        """Of all files but the golden items."""
        return megabytes_of(self.path)


def _limit_of(name: str) -> int:
    return _LARGEST_GRAPH if name == GRAPH else _LARGEST_FILE


def hashes_of(folder: Path) -> dict[str, str]:
    """sha256 of every file of an export but its certificate, by its place."""
    return {name: _sha256(folder, name) for name in sorted(_files(folder)) if name != CERTIFICATE}


def megabytes_of(folder: Path) -> float:
    """Of all files but the golden items, as they lie on the disk."""
    return sum(size for name, size in _files(folder).items() if not name.startswith("goldens/")) / 1e6


def _files(folder: Path) -> dict[str, int]:
    """Sizes of the plain files by their place; nothing behind a link."""
    found: dict[str, int] = {}
    for place, names, files in os.walk(folder):
        deep = len(Path(place).relative_to(folder).parts) + 1 >= MOST_DEEP  # deeper ones would end the walk itself
        names[:] = [] if deep else sorted(name for name in names if name not in _LITTER)
        for name in files:
            entry = Path(place) / name
            facts = entry.lstat()
            if name not in _LITTER and stat.S_ISREG(facts.st_mode):
                found[entry.relative_to(folder).as_posix()] = facts.st_size
            if len(found) > MOST_FILES:
                raise ExportError(f"{folder} holds more than {MOST_FILES:,} files.", "Give a folder of graft export.")
    return found


def _read(folder: Path, name: str, limit: int) -> bytes:
    """At most ``limit`` bytes of a plain file."""
    path = folder
    with refused_as(ExportError, f"{name} cannot be read", _AGAIN):
        for part in name.split("/"):
            path /= part
            if path.is_symlink():
                raise ExportError(f"{name} is a link, and exports hold none.", _AGAIN)
        if not path.is_file():  # a FIFO or a device would hang the read, or never end
            raise ExportError(f"{name} is missing.", _AGAIN)
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > limit:
                raise ExportError(f"{name} is larger than {limit / 1e6:,.0f} MB, which no export has.", _AGAIN)
            return file.read(limit)


def _sha256(folder: Path, name: str) -> str:
    path = folder.joinpath(*name.split("/"))
    with refused_as(ExportError, f"{name} cannot be read", _AGAIN), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _json(content: bytes, name: str) -> Any:
    try:
        return from_json(content)
    except ValueError as error:
        raise ExportError(f"{name} is not JSON: {str(error)[:200]}.", _AGAIN) from None
