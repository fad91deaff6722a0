"""An export in the making: a folder under a temporary name, and what is to stand in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graft import bundle
from graft.export.front import Front
from graft.export.options import NOTHING_SAID, TargetOptions
from graft.files import write_synced
from graft.model import Model

GRAPH = "model.onnx"
LABELS = bundle.LABELS
CERTIFICATE = bundle.CERTIFICATE


@dataclass(frozen=True, slots=True)
class Draft:
    """What a target completes and what is proved.

    Attributes:
        folder: Where the files are; nobody else knows the place yet.
        model: What is exported, on a backend that computes in float32.
        front: How its graph begins.
        labels: What stands in ``labels.json``.
        precision: In which kind of numbers the graph keeps its weights.
        options: What was said about this target.
    """

    folder: Path
    model: Model
    front: Front
    labels: dict[str, Any]
    precision: str
    options: TargetOptions = NOTHING_SAID

    def write(self, name: str, content: bytes | str) -> None:
        """A file of the export, which is not there yet.

        Args:
            name: Its place in the folder, with ``/``.
            content: What stands in it; texts in UTF-8.
        """
        place = self.folder.joinpath(*name.split("/"))
        place.parent.mkdir(parents=True, exist_ok=True)
        write_synced(place, content.encode() if isinstance(content, str) else content)

    def replace(self, name: str, content: str) -> None:
        """The same of a file that is there already."""
        self.folder.joinpath(*name.split("/")).unlink()
        self.write(name, content)

    def write_json(self, name: str, value: Any) -> None:
        """The same of a JSON value."""
        self.write(name, json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n")


@dataclass(frozen=True, slots=True)
class Added:
    """What a target has to say of what it added.

    Attributes:
        lines: For a person: a word and a sentence each.
        facts: The same for programs, by the names of JSON.
    """

    lines: tuple[tuple[str, str], ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


NOTHING_ADDED = Added()
