"""Where the runs of a tuning are kept until its model is saved."""

from __future__ import annotations

from pathlib import Path

from graft.files import beside_already
from graft.tuning.gate import FOLDS_OF_FEW


def place_of(checkpoint: Path, run: int) -> Path:
    """The file of a run, counted from 0."""
    return checkpoint.with_name(f"{checkpoint.name}-{run}")


def places(checkpoint: Path) -> list[Path]:
    """The files of all runs that are there, those too that were being written as a process was killed."""
    runs = [place_of(checkpoint, run) for run in range(FOLDS_OF_FEW)]
    return [path for run in runs for path in (run, *beside_already(run, "new")) if path.exists()]


def forget(checkpoint: Path) -> None:
    """Remove them."""
    for path in places(checkpoint):
        path.unlink(missing_ok=True)
