"""What a run of a notebook came to, and what is told while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class CellError:
    """Where a notebook failed, and why.

    Attributes:
        cell: Counts the notebook's own cells from 1, those of text too; 0 where no cell was reached.
        name: Of the exception; ``TimeLimit``, ``DeadKernel``, ``ShellError`` and ``Stopped`` are no exceptions.
        message: What it said, without its traceback.
    """

    cell: int
    name: str
    message: str

    def to_dict(self) -> dict[str, Any]:
        """``{cell, name, message}``."""
        return {"cell": self.cell, "name": self.name, "message": self.message}


@dataclass(frozen=True, slots=True)
class ShellFailure:
    """A shell line that ended with a code other than 0.

    Attributes:
        cell: The cell that it stands in, counted from 1.
        command: As the shell was given it.
        exit_code: What it ended with; of one that a signal ended, minus its number.
    """

    cell: int
    command: str
    exit_code: int

    def to_dict(self) -> dict[str, Any]:
        """``{cell, command, exit_code}``."""
        return {"cell": self.cell, "command": self.command, "exit_code": self.exit_code}


@dataclass(frozen=True, slots=True)
class OutputEvent:
    """Something that happened in a running notebook; a value that was given as a secret never stands in it.

    Attributes:
        kind: ``"cell"``: a cell begins. ``"stdout"`` and ``"stderr"``: lines that it printed, a line that was redrawn
            only as it was at some moment. ``"display"``: it showed something, of which ``text`` is the plain form.
            ``"error"``: it failed. ``"note"``: said about the run itself.
        cell: Counts the notebook's own cells from 1; 0 before the first.
        text: What there is to read.
        cells: How many cells the notebook has.
    """

    kind: Literal["cell", "stdout", "stderr", "display", "error", "note"]
    cell: int
    text: str
    cells: int


OnOutput = Callable[[OutputEvent], None]


def unheard(event: OutputEvent) -> None:
    """Tells nobody."""


@dataclass(frozen=True, slots=True)
class NotebookRun:
    """What a run of a notebook came to.

    Attributes:
        ok: Whether it came to its end without an error.
        seconds: From its start to the end of its last process.
        notebook: The executed copy.
        files: What it wrote beside models, copied to where the executed copy lies.
        models: Bundles that it wrote, copied likewise.
        error: Where it failed, if it did.
        shell: Shell lines that failed.
        warnings: What else there is to know.
    """

    ok: bool
    seconds: float
    notebook: Path
    files: tuple[Path, ...] = ()
    models: tuple[Path, ...] = ()
    error: CellError | None = None
    shell: tuple[ShellFailure, ...] = ()
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As ``graft run --json`` prints it."""
        return {
            "ok": self.ok,
            "seconds": self.seconds,
            "notebook": str(self.notebook),
            "files": [str(path) for path in self.files],
            "models": [str(path) for path in self.models],
            "error": self.error and self.error.to_dict(),
            "shell": [one.to_dict() for one in self.shell],
            "warnings": list(self.warnings),
        }
