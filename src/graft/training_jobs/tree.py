"""The folders of a job, as SageMaker lays them out under ``/opt/ml``; elsewhere each is given by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graft.errors import DataError, UsageError

ROOT = Path("/opt/ml")
TRAINING = ("training", "train")
"""Names of the channel whose items are learned from."""
TEST = ("test", "validation")
"""Names of the channel that gives the final figure."""
_MAX_CONFIG = 1 << 20
_LONGEST_FAILURE = 1024
"""Characters of a failure file that SageMaker shows."""


@dataclass(frozen=True, slots=True)
class JobTree:
    """Where a job finds what it needs, and leaves what it made.

    Attributes:
        root: Holds ``input/``, ``model/``, ``output/`` and maybe ``checkpoints/``.
        input: The folder of the training data, where it is no channel of ``root``.
        output: Where the model goes, where it is not ``root/model``.
        checkpoint: Where embeddings are kept for the next start, where it is not ``root/checkpoints``.
        machine: The name of the machine, where the platform does not say it.
    """

    root: Path = ROOT
    input: Path | None = None
    output: Path | None = None
    checkpoint: Path | None = None
    machine: str = ""

    @property
    def model(self) -> Path:
        """The only folder whose content is kept."""
        return self.output or self.root / "model"

    @property
    def checkpoints(self) -> Path | None:
        """The folder that a later start of the job finds again; ``None`` where there is none."""
        place = self.checkpoint or self.root / "checkpoints"
        return place if place.is_dir() else None

    def hyperparameters(self) -> dict[str, Any]:
        """What the platform hands over, each value a text.

        Raises:
            UsageError: The file holds no JSON object.
        """
        return self._config("hyperparameters.json")

    def instance(self) -> str:
        """The kind of machine, where the platform or the command line says it."""
        return self.machine or str(self._config("resourceconfig.json").get("current_instance_type") or "")

    def data(self, table: str = "") -> tuple[Path, Path | None]:
        """The training data, and those that give the final figure.

        Args:
            table: The file of the training folder that names the items, if that was said.

        Raises:
            UsageError: There is a channel that nobody knows, one that is streamed, or more than one machine.
            DataError: There are no training data.
        """
        self._check_hosts()
        if self.input is not None:
            return _source(self.input, table), None
        channels = self._channels()
        training = [name for name in TRAINING if name in channels]
        test = [name for name in TEST if name in channels]
        if unknown := sorted(set(channels) - {*TRAINING, *TEST}):
            raise UsageError(
                f"The job has a channel {unknown[0][:60]!r}, which is not known; nothing was done.",
                f"Call it {TRAINING[0]} or {TEST[0]}.",
            )
        if len(training) > 1 or len(test) > 1:
            raise UsageError(f"{' and '.join(training if len(training) > 1 else test)} are one channel.", "Give one.")
        if not training:
            raise DataError(
                f"There is no channel {TRAINING[0]} in {self.root / 'input' / 'data'}.",
                "Give the job one, or the data: --input PATH.",
            )
        return _source(channels[training[0]], table), _source(channels[test[0]], "") if test else None

    def fail(self, reason: str) -> None:
        """Leave the reason where the platform looks for it; where that cannot be written, the log has it."""
        place = (self.root / "output" if self.output is None else self.output) / "failure"
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(reason[:_LONGEST_FAILURE], encoding="utf-8", errors="replace")
        except OSError:
            return

    def _channels(self) -> dict[str, Path]:
        folder = self.root / "input" / "data"
        said = self._config("inputdataconfig.json")
        for name, channel in said.items():
            if isinstance(channel, dict) and channel.get("TrainingInputMode", "File") not in ("File", "FastFile"):
                mode = str(channel["TrainingInputMode"])[:20]
                raise UsageError(f"The channel {name} is streamed ({mode}).", "Choose File or FastFile.")
        found = [entry.name for entry in folder.iterdir() if entry.is_dir()] if folder.is_dir() else []
        return {name: folder / name for name in (*said, *found) if (folder / name).parent == folder}

    def _check_hosts(self) -> None:
        hosts = self._config("resourceconfig.json").get("hosts")
        if isinstance(hosts, list) and len(hosts) > 1:
            raise UsageError(
                f"The job has {len(hosts)} machines, and each would do the same work.", "Ask for one machine."
            )

    def _config(self, name: str) -> dict[str, Any]:
        place = self.root / "input" / "config" / name
        try:
            if not place.is_file():
                return {}
            if place.stat().st_size > _MAX_CONFIG:
                raise ValueError("it is far too large")
            value = json.loads(place.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            raise UsageError(f"{place} cannot be read: {error}.", "Give a JSON object.") from None
        if not isinstance(value, Mapping):
            raise UsageError(f"{place} holds no JSON object.", "Give one: names and values.")
        return dict(value)


def _source(folder: Path, table: str) -> Path:
    """What is read of a channel: a table that is named, the one file in it (a table or a zip), or the folder."""
    if table:
        try:
            place = (folder / table).resolve()
            there = folder.resolve() in place.parents and place.is_file()
        except (OSError, ValueError, RuntimeError):  # it is no name of a file, or a link to itself
            there = False
        if not there:
            raise DataError(f"There is no file {table[:100]!r} in {folder}.", "Name one that lies there.")
        return folder / table
    if not folder.is_dir():
        if folder.is_file():
            return folder
        raise DataError(f"There is nothing at {folder}.", "Check the spelling, or the channel's address.")
    inside = [entry for entry in sorted(folder.iterdir()) if not entry.name.startswith(".")]
    if not inside:
        raise DataError(f"{folder} is empty.", "Check the channel's address: it may lead past the data.")
    return inside[0] if len(inside) == 1 and inside[0].is_file() else folder
