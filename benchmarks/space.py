"""What a Space needs in a fresh environment: megabytes, seconds, and whether it answers there as its model does."""

from __future__ import annotations

import resource
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.exports import exported_each, fitted
from benchmarks.results import keep, show
from graft.export.exporting import export_model
from graft.export.verifying import verify

SETS = ("ants_bees", "trec6", "spoken_digits")


def measure(names: Sequence[str] = ()) -> None:
    """Fit, export, install, start and ask; write ``results/space.json``."""
    cells = exported_each(SETS, names, _tried)
    show(
        "A Space in a fresh environment",
        (
            "set",
            "folder, MB",
            "packages",
            "their MB",
            "installed, s",
            "first answer, s",
            "processor, s",
            "alike",
            "apart",
        ),
        [_line(cell) for cell in cells],
        "Seconds by the clock, of installing with the connection that there is, and from the start of the page to its "
        "first answer; of the processor, all of that and all golden items through gradio_client. Apart: the largest "
        "difference of a probability.",
    )
    keep("space", {"cells": cells})


def _tried(name: str) -> dict[str, Any]:
    model, _ = fitted(name)
    with TemporaryDirectory() as place:
        folder = Path(place) / "space"
        mb = export_model(model, "space", folder).mb
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        found = verify(folder, installing=True).installed
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert found is not None
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"set": name, "folder_mb": mb, "processor": round(seconds, 1), **found.to_dict()}


def _line(cell: dict[str, Any]) -> tuple[str, ...]:
    seconds = cell["seconds"]
    return (
        cell["set"],
        f"{cell['folder_mb']:.1f}",
        str(cell["packages"]),
        f"{cell['mb']:.0f}",
        f"{seconds['install']:.0f}",
        f"{seconds['start']:.1f}",
        f"{cell['processor']:.0f}",
        "-" if cell["agreement"] is None else f"{cell['agreement']:.2%}",
        "-" if cell["largest_difference"] is None else f"{cell['largest_difference']:.4f}",
    )
