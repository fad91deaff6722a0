"""An export from end to end: written under a temporary name, proved there, and only then put in its place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from graft.data.dataset import Dataset
from graft.errors import ExportError, GraftError, MissingExtra, OutputExists, UsageError, refused_as
from graft.export.draft import CERTIFICATE, GRAPH, LABELS, NOTHING_ADDED, Added, Draft
from graft.export.exported_folder import ExportedFolder, megabytes_of
from graft.export.labels import labels_of
from graft.export.options import NOTHING_SAID, TargetOptions
from graft.export.precisions import FULL, PRECISIONS
from graft.export.proof.certificate import Certificate
from graft.export.proof.golden_set import GoldenSet
from graft.export.proving import Proof, Unlike, golden_set, prove, prove_example, seal, write_proof
from graft.export.targets import TARGETS, Target
from graft.files import beside, folder_beside, sync_folder, try_place
from graft.model import Model
from graft.reading.read import read
from graft.run import PLAIN, Run

STEPS = 4
"""Of an export: the model's own answers, those of the graph, those of the example, what the target adds."""
LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
"""What systems leave in a folder, and nobody misses."""


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """What was written.

    Attributes:
        target: A key of ``TARGETS``.
        path: The folder.
        mb: Megabytes of its files, but for the golden items.
        certificate: Which files those are, and how alike the graph answers.
        fell_back: Why weights are not kept in the kind of numbers that was asked for; ``""`` where they are.
        added: What the target has to say of what it added.
    """

    target: str
    path: Path
    mb: float
    certificate: Certificate
    fell_back: str = ""
    added: Added = NOTHING_ADDED

    @property
    def precision(self) -> str:
        """In which kind of numbers weights are kept."""
        return self.certificate.precision

    def to_dict(self) -> dict[str, Any]:
        """JSON-able values."""
        known = self.certificate
        return {
            "target": self.target,
            "path": str(self.path),
            "mb": self.mb,
            "precision": self.precision,
            "agreement": known.agreement,
            "largest_difference": known.largest_difference,
            "goldens": len(known.items),
            "data_items": known.data_items,
            "near_threshold": known.near_threshold,
            "fell_back": self.fell_back or None,
            **self.added.facts,
        }


def export_model(
    model: Model,
    target: str,
    folder: str | Path,
    *,
    precision: str | None = None,
    data: Dataset | str | Path | None = None,
    overwrite: bool = False,
    options: TargetOptions = NOTHING_SAID,
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
        options: What is said about this target alone.
        run: What it is done with; told of the step ``"prove"``.

    Raises:
        UsageError: There is no such target or precision, an option is not for this target, or the model is of a kind
            that cannot leave; says why.
        OutputExists: Something is there, and ``overwrite`` is false or it is no export.
        MissingExtra: onnx is not installed.
        Unlike: The graph does not answer as the model does; nothing was written.
        Cancelled: ``run`` says so; nothing was written.
        GraftError: The data cannot be read.
    """
    kind = target_called(target)
    precision = precision or kind.precision
    if precision not in PRECISIONS:
        raise UsageError(f"There is no precision {precision!r}.", f"Choose one of {', '.join(PRECISIONS)}.")
    kind.check_options(target, options)
    check_free(folder, overwrite)
    building = _building()
    model = building.exact(model)
    own = read(data, **model.reading) if data is not None else None
    with put_in_place(Path(folder), overwrite) as place:
        front = building.front_of(model)
        draft = Draft(place, model, front, labels_of(model, front, precision), precision, options)
        for name, content in front.files.items():
            draft.write(name, content)
        run.tell("prove", 0, STEPS)
        goldens = golden_set(model, place, own)
        run.tell("prove", 1, STEPS)
        draft, proof, fell_back = _with_graph(draft, goldens, building)
        draft.write_json(LABELS, draft.labels)
        write_proof(draft, goldens)
        run.tell("prove", 2, STEPS)
        prove_example(draft, goldens)
        run.tell("prove", 3, STEPS)
        added = kind.complete(draft) or NOTHING_ADDED
        certificate = seal(draft, target, proof)
        mb = megabytes_of(place)
        run.tell("prove", STEPS, STEPS)
    return ExportedModel(target, Path(folder), round(mb, 2), certificate, fell_back, added)


def _with_graph(draft: Draft, goldens: GoldenSet, building: Any) -> tuple[Draft, Proof, str]:
    """Write the graph and ask it; one that answers otherwise in half precision is written in full precision instead.

    Returns:
        The draft, what was shown, and why it is in full precision where half was asked for.

    Raises:
        Unlike: It answers otherwise in full precision too.
    """
    draft.write(GRAPH, building.graph_of(draft.model, draft.front, draft.labels))
    try:
        return draft, prove(draft, goldens), ""
    except Unlike as error:
        if draft.precision == FULL:
            raise
        (draft.folder / GRAPH).unlink()
        exact = replace(draft, labels=labels_of(draft.model, draft.front, FULL), precision=FULL)
        return (*_with_graph(exact, goldens, building)[:2], error.message)


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
        OutputExists: Something is there, and ``overwrite`` is false or it is no export or holds files of others.
        GraftError: Nothing can be written there.
    """
    given, folder = Path(folder), Path(folder).resolve()
    if given.is_symlink() and not folder.exists():
        raise OutputExists(f"{given} is a link to nothing, and no export.", "Give another name with -o.")
    if os.path.lexists(folder) and not (folder.is_dir() and not any(folder.iterdir())):
        _check_replaceable(folder, given, overwrite)
    with refused_as(GraftError, f"The export cannot be written to {given}", "Give another place with -o."):
        try_place(folder)


def _check_replaceable(folder: Path, given: Path, overwrite: bool) -> None:
    try:
        known = {*ExportedFolder.open(folder).certificate.hashes, CERTIFICATE}
    except ExportError:
        raise OutputExists(
            f"{given} is already there; it is no export and was not touched.", "Give another name with -o."
        ) from None
    if not overwrite:
        raise OutputExists(f"{given} is already there.", "Give another name with -o, or --overwrite.")
    for place, _, files in os.walk(folder):
        for name in files:
            inside = (Path(place) / name).relative_to(folder).as_posix()
            if inside not in known and name not in LITTER and "__pycache__" not in inside:
                raise OutputExists(
                    f"{given} holds {inside}, which no export wrote; nothing was touched.",
                    "Give another name with -o, or move that file.",
                )


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
def put_in_place(folder: Path, overwrite: bool) -> Iterator[Path]:
    """A folder to write into, which takes its place once all is on the disk; after an error, nothing has.

    Raises:
        OutputExists: Something is there by now.
    """
    given, folder = folder, folder.resolve()
    with folder_beside(folder) as temporary:
        yield temporary
        sync_folder(temporary)
        check_free(given, overwrite)
        if folder.is_dir():
            old = beside(folder, "old")
            folder.rename(old)
            try:
                temporary.rename(folder)
            except OSError:
                old.rename(folder)
                raise
            shutil.rmtree(old, ignore_errors=True)
        else:
            temporary.rename(folder)
        sync_folder(folder.parent)
