"""``graft verify``: whether an export is what it was, and answers on this machine as the model did on its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graft.errors import ExportError
from graft.export.certificate import Certificate, versions_here
from graft.export.draft import GRAPH
from graft.export.exported_folder import ExportedFolder, FileCheck
from graft.export.golden_set import restore
from graft.export.inference import GraphSession, decoder_of
from graft.export.replay import Replay, replayed


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
    """

    path: Path
    certificate: Certificate
    mb: float
    contents: FileCheck
    replay: Replay | None
    problem: str
    versions: Mapping[str, str]

    @property
    def ok(self) -> bool:
        """Whether all files are as they were, and it answers as the model did."""
        return self.contents.ok and self.replay is not None and self.replay.ok

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
        return found


def verify(path: str | Path) -> Verified:
    """Check the files of an export against its certificate, and ask its graph about the golden items.

    No program that lies in the folder is run; its graph is.

    Raises:
        ExportError: There is no such folder, or it is no export.
    """
    folder = ExportedFolder.open(path)
    contents = folder.contents()
    replay, problem = None, ""
    try:
        replay = _replayed(folder)
    except ExportError as error:
        problem = error.message
    return Verified(folder.path, folder.certificate, folder.megabytes(), contents, replay, problem, versions_here())


def _replayed(folder: ExportedFolder) -> Replay:
    known, labels = folder.certificate, folder.labels()
    classes = tuple(labels["classes"])
    if len(known.boundary.members) != len(classes):
        raise ExportError(f"The certificate knows {len(known.boundary.members)} classes of {len(classes)}.")
    goldens = restore(known.items, folder.read, known.boundary, len(classes))
    session = GraphSession(folder.read(GRAPH), len(classes))
    return replayed(session, goldens, decoder_of(labels["modality"], folder.path), known.precision, classes)
