"""Where the runs of a tuning are kept until its model is saved."""

from __future__ import annotations

from pathlib import Path

from graft.files import beside_already
from graft.tuning.gate import FOLDS_OF_FEW


def place_of(checkpoint: Path, run: int) -> Path:
    """The file of a run, counted from 0."""
    return checkpoint.with_name(f"{checkpoint.name}-{run}")


def forget(checkpoint: Path) -> None:
    """Remove the files of all runs, those too that were being written as a process was killed."""
    for run in range(FOLDS_OF_FEW):
        place = place_of(checkpoint, run)
        for path in (place, *beside_already(place, "new")):
            path.unlink(missing_ok=True)
