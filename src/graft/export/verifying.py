"""``graft verify``: whether an export is what it was, and answers on this machine as the model did on its own."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graft.contracts import Progress, silent
from graft.errors import ExportError, UsageError
from graft.export.draft import GRAPH, LABELS
from graft.export.exported_folder import ExportedFolder, FileCheck
from graft.export.installed import Installation, install
from graft.export.proof.certificate import Certificate, versions_here
from graft.export.proof.golden_set import GoldenSet, restore
from graft.export.proof.inference import GraphSession, decoder_of
from graft.export.proof.replay import Replay, replayed
from graft.export.tokenizing.files import FOLDER
from graft.tensors import from_json


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found.

    Attributes:
        path: The folder.
        certificate: What it says of itself.
        mb: Megabytes of its files, but for the golden items.
        contents: Which files are as they were.
        replay: How alike it answers; ``None`` where it could not be asked.
        problem: Why not.
        versions: Of what asked it.
        installed: What a fresh environment said; ``None`` where that was not asked for, or not gone as far as.
    """

    path: Path
    certificate: Certificate
    mb: float
    contents: FileCheck
    replay: Replay | None
    problem: str
    versions: Mapping[str, str]
    installed: Installation | None = None

    @property
    def ok(self) -> bool:
        """Whether all files are as they were, and it answers as the model did."""
        if self.certificate.notebook:  # which has no known answers
            return self.contents.ok
        here = self.contents.ok and self.replay is not None and self.replay.ok
        return here and (self.installed is None or self.installed.ok)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able values."""
        known = self.certificate
        found: dict[str, Any] = {
            "target": known.target,
            "path": str(self.path),
            "mb": round(self.mb, 2),
            "precision": known.precision,
            "goldens": len(known.items),
            "data_items": known.data_items,
            "ok": self.ok,
            "files": {name: list(names) for name, names in self.contents._asdict().items()},
            "versions": {"then": dict(known.versions), "now": dict(self.versions)},
            "tolerance": known.tolerance,
            "agreement": None,
            "largest_difference": None,
            "near_threshold": None,
            "of_files": None,
            "differing": [],
            "problem": self.problem or None,
        }
        if self.replay is not None:
            values, files = self.replay
            found |= {
                "agreement": values.share,
                "largest_difference": values.reported,
                "near_threshold": len(values.near),
                "of_files": {
                    "agreement": files.share,
                    "largest_difference": files.reported,
                    "near_threshold": len(files.near),
                    "tolerance": files.tolerance,
                },
                "differing": [one.to_dict() for one in self.replay.differing],
            }
        if known.notebook:
            found |= {"notebook": known.notebook, "precision": None, "tolerance": None}
        if self.installed is not None:
            found["installed"] = self.installed.to_dict()
        return found


def verify(path: str | Path, *, installing: bool = False, progress: Progress = silent) -> Verified:
    """Check the files of an export against its certificate, and ask its graph about the golden items.

    No program that lies in the folder is run; its graph is. A notebook has no known answers: only its files are
    compared.

    Args:
        path: The folder.
        installing: Whether its requirements are to be installed into a fresh environment, too, and its own page or
            example run and asked there; that runs what lies in the folder, where its files are as they were.
        progress: Told of the steps ``"replay"`` and ``"install"``.

    Raises:
        ExportError: There is no such folder, or it is no export; or its requirements cannot be installed.
        UsageError: A notebook's export was to be installed.
    """
    folder = ExportedFolder.open(path)
    contents = folder.contents()
    replay, problem, installed = None, "", None
    if folder.certificate.notebook:
        if installing:
            raise UsageError(
                "--install asks a model's export, and this is a notebook's.", "Build its image and run it."
            )
        known = folder.certificate
        return Verified(folder.path, known, folder.megabytes(), contents, None, "", versions_here())
    try:
        goldens = _goldens(folder)
        replay = _replayed(folder, goldens, progress)
    except ExportError as error:
        problem = error.message
    if installing and contents.ok and replay is not None and replay.ok:
        installed = install(folder, goldens, progress)
    return Verified(
        folder.path, folder.certificate, folder.megabytes(), contents, replay, problem, versions_here(), installed
    )


def _goldens(folder: ExportedFolder) -> GoldenSet:
    known, classes = folder.certificate, folder.labels()["classes"]
    if len(known.boundary.members) != len(classes):
        raise ExportError(f"The certificate knows {len(known.boundary.members)} classes of {len(classes)}.")
    return restore(known.items, folder.read, known.boundary, len(classes))


def _replayed(folder: ExportedFolder, goldens: GoldenSet, progress: Progress) -> Replay:
    labels = folder.labels()
    classes = tuple(labels["classes"])
    session = GraphSession(folder.read(GRAPH), len(classes))
    _check_texts(session.metadata, labels)
    with tempfile.TemporaryDirectory(prefix="graft-") as place:
        for name in folder.certificate.hashes:  # what stands in for a file there, such as a pipe, is never opened
            if name.startswith(f"{FOLDER}/"):
                copy = Path(place, *name.split("/"))
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(folder.read(name))
        decode = decoder_of(labels["modality"], Path(place))
        return replayed(session, goldens, decode, folder.certificate.precision, classes, progress)


def _check_texts(metadata: Mapping[str, str], labels: Mapping[str, Any]) -> None:
    """New labels over an old graph would name every answer wrongly."""
    for name, value in labels.items():
        try:
            same = name in metadata and from_json(metadata[name]) == value
        except ValueError:
            same = False
        if not same:
            raise ExportError(f"{LABELS} and the graph do not belong together: they differ in {name[:100]!r}.")
