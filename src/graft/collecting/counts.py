"""What became of the pictures of each class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graft.errors import GraftError


@dataclass(slots=True)
class Counts:
    """What became of a class.

    Attributes:
        kept: Pictures that are there, those of earlier runs included.
        new: Those of this run.
        duplicates: Copies of a picture of the same class that were dropped, in all runs; the other counts likewise.
        elsewhere: Copies of a picture of another class that were dropped.
        refused: How many were refused for good, by reason.
        failed: How many could not be had in the last try, by reason.
    """

    kept: int = 0
    new: int = 0
    duplicates: int = 0
    elsewhere: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Collected:
    """What ``collect`` did.

    Attributes:
        folder: Where the pictures are.
        manifest: The file that says where each came from.
        per_class: How many were asked for.
        classes: What became of each class.
        problems: What went wrong with the provider.
        stopped: Whether time ran out.
        seconds: How long it took.
    """

    folder: Path
    manifest: Path
    per_class: int
    classes: Mapping[str, Counts]
    problems: Sequence[GraftError]
    stopped: bool
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return {
            "folder": str(self.folder),
            "manifest": str(self.manifest),
            "per_class": self.per_class,
            "classes": {
                label: {
                    "kept": counts.kept,
                    "new": counts.new,
                    "duplicates": counts.duplicates,
                    "duplicates_of_other_classes": counts.elsewhere,
                    "refused": dict(counts.refused),
                    "failed": dict(counts.failed),
                }
                for label, counts in self.classes.items()
            },
            "problems": [problem.to_dict() for problem in self.problems],
            "stopped": self.stopped,
            "seconds": round(self.seconds, 3),
        }
