"""An export from end to end: written under a temporary name, proved there, and only then put in its place."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graft.errors import GraftError, MissingExtra, OutputExists, UsageError
from graft.export.draft import GRAPH, LABELS, Draft
from graft.export.labels import labels_of
from graft.export.targets import TARGETS, Target
from graft.files import beside, sync_folder, try_place
from graft.model import Model
from graft.run import PLAIN, Run

PRECISIONS = ("fp32", "fp16")
"""In which kind of numbers weights can be kept. Whole numbers of 8 bits would cost labels."""


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """What was written.

    Attributes:
        target: A key of ``TARGETS``.
        path: The folder.
        mb: Megabytes of its files, but for the golden items.
        precision: In which kind of numbers weights are kept.
    """

    target: str
    path: Path
    mb: float
    precision: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-able values."""
        return {"target": self.target, "path": str(self.path), "mb": self.mb, "precision": self.precision}


def export_model(
    model: Model,
    target: str,
    folder: str | Path,
    *,
    precision: str | None = None,
    data: str | Path | None = None,
    overwrite: bool = False,
    runtime: Path | None = None,
    run: Run = PLAIN,
) -> ExportedModel:
    """Write a model in a form that answers without Graft.

    Args:
        model: A fitted model.
        target: A key of ``TARGETS``.
        folder: What is written; its parents are made.
        precision: ``"fp32"`` or ``"fp16"``: how weights are kept; what is computed stays float32. ``None`` leaves it to
            the target.
        data: Where items come from that join the golden ones; they leave with the export.
        overwrite: Whether an export that is there may be replaced.
        runtime: A folder of the files that run a graph in a browser; ``None``: Graft finds them.
        run: What it is done with.

    Raises:
        UsageError: There is no such target or precision, or the model is of a kind that cannot leave; says why.
        OutputExists: Something is there, and ``overwrite`` is false or it is no export.
        MissingExtra: onnx is not installed.
    """
    kind = target_called(target)
    precision = precision or kind.precision
    if precision not in PRECISIONS:
        raise UsageError(f"There is no precision {precision!r}.", f"Choose one of {', '.join(PRECISIONS)}.")
    check_free(folder, overwrite)
    building = _building()
    model = building.exact(model)
    with _put_in_place(Path(folder), overwrite) as place:
        front = building.front_of(model)
        labels = labels_of(model, front, precision)
        draft = Draft(place, model, front, labels, precision, runtime)
        draft.write(GRAPH, building.graph_of(model, front, labels))
        draft.write_json(LABELS, labels)
        for name, content in front.files.items():
            draft.write(name, content)
        kind.complete(draft)
        mb = sum(file.stat().st_size for file in place.rglob("*") if file.is_file()) / 1e6
    return ExportedModel(target, Path(folder), round(mb, 2), precision)


def target_called(name: str) -> Target:
    """The target of this name.

    Raises:
        UsageError: There is none.
    """
    if name not in TARGETS:
        raise UsageError(f"There is no target {name!r}.", f"Choose one of {', '.join(TARGETS)}.")
    return TARGETS[name]


def check_free(folder: str | Path, overwrite: bool) -> None:
    """Whether an export may be written there; ask before the work, not after it.

    Raises:
        OutputExists: Something is there, and ``overwrite`` is false or it is no export.
        GraftError: Nothing can be written there.
    """
    given, folder = Path(folder), Path(folder).resolve()
    if folder.exists() or folder.is_symlink():
        is_export = (folder / LABELS).is_file() and (folder / GRAPH).is_file()
        if not is_export and not (folder.is_dir() and not any(folder.iterdir())):
            raise OutputExists(
                f"{given} is already there; it is no export and was not touched.", "Give another name with -o."
            )
        if is_export and not overwrite:
            raise OutputExists(f"{given} is already there.", "Give another name with -o, or --overwrite.")
    try:
        try_place(folder)
    except OSError as error:
        raise GraftError(
            f"The export cannot be written to {given}: {error.strerror or error}.", "Give another place with -o."
        ) from None


def _building() -> Any:
    try:
        from graft.export import building
    except ImportError as error:
        if error.name is None or not error.name.startswith("onnx"):
            raise
        raise MissingExtra(
            "Exporting takes the library onnx, which is not installed.", "pip install 'graft-learn[export]'"
        ) from None
    return building


@contextmanager
def _put_in_place(folder: Path, overwrite: bool) -> Iterator[Path]:
    """A folder to write into, which takes its place once all is on the disk; after an error, nothing has.

    Raises:
        OutputExists: Something is there by now.
    """
    given, folder = folder, folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = beside(folder, "new")
    temporary.mkdir()
    try:
        yield temporary
        sync_folder(temporary)
        check_free(given, overwrite)
        if folder.is_dir():
            old = beside(folder, "old")
            folder.rename(old)
            temporary.rename(folder)
            shutil.rmtree(old, ignore_errors=True)
        else:
            temporary.rename(folder)
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
