"""A data set as files of its own: a cleaned copy, or a manifest of the files that remain. No original is touched.

Whatever layout is chosen, ``graft.read`` gives the same contents, labels, splits and groups again.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from graft.cells import guarded
from graft.cleaning.naming import Names, can_be_folders
from graft.contracts import SEPARATOR
from graft.data.dataset import Dataset, File, Item, Skipped, Text
from graft.data.guard import Inputs
from graft.decoding.encoding import mend
from graft.errors import DataError, GraftError, ItemError, OutputExists, refused_as
from graft.files import expanded, folder_beside, sync_folder
from graft.reading.delimited import MAX_CELL

Paths = Literal["absolute", "relative"]

_SYNCED_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written; it can be given to ``graft.read`` as it is.

    Attributes:
        folder: Where it lies.
        n_items: How many items it holds.
        skipped: What could not be written, and why.
    """

    folder: Path
    n_items: int
    skipped: tuple[Skipped, ...]

    def __fspath__(self) -> str:
        return str(self.folder)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able values."""
        skipped = [entry.to_dict() for entry in self.skipped]
        return {"folder": str(self.folder), "n_items": self.n_items, "skipped": skipped}


def export(dataset: Dataset, folder: str | os.PathLike[str], *, as_manifest: Paths | None = None) -> Exported:
    """Write a data set into a new folder, wholly or not at all, even if the process is killed.

    Files are copied byte by byte into ``label/name``, or ``split/label/name``. Where folders cannot say it all (labels
    that are no names for folders, groups, several labels, a single class), they lie in ``items/`` beside a
    ``manifest.csv``. Texts that were rows of a table become a table: ``data.csv``, or one for each split. Several
    labels stand as ``a|b``; read them with ``multi_label=True``.

    Args:
        dataset: What is to be written.
        folder: Where to; its parents are made. It may be there if it is empty.
        as_manifest: Copy no files; write a ``manifest.csv`` with their paths, absolute or relative to it.

    Raises:
        OutputExists: ``folder`` is there already and is not empty.
        OutputIsInput: ``folder`` lies among the data.
        DataError: There is nothing to write, or the items of ``as_manifest`` are no files.
        GraftError: Nothing can be written there.
    """
    given, place = Path(folder), expanded(folder).resolve()
    if os.path.lexists(place) and not (place.is_dir() and not any(place.iterdir())):
        raise OutputExists(f"{given} is already there.", "Name a folder that is not there yet.")
    Inputs.of(dataset).check(given, "data")
    _check(dataset, as_manifest)
    with (
        refused_as(
            GraftError, f"The data cannot be written to {given}", "Make room on the disk, or choose another place."
        ),
        _made_whole(place, given) as new,
    ):
        skipped = _write(dataset, new, place, as_manifest)
        if len(skipped) == len(dataset):
            raise DataError(f"None of the {len(dataset):,} items can be written: {skipped[0].reason}", "Check them.")
    return Exported(place, len(dataset) - len(skipped), tuple(skipped))


def _check(dataset: Dataset, as_manifest: Paths | None) -> None:
    if not len(dataset):
        raise DataError("There are no items to write.", "Undo some of the decisions that dropped them.")
    if torn := [tag for tags in dataset.tags for tag in tags if SEPARATOR in tag]:
        raise DataError(f"The label {torn[0]!r} holds a {SEPARATOR!r}, which stands between labels.", "Rename it.")
    if as_manifest and any(not isinstance(item, File | Text) for item in dataset.items):
        first = next(item for item in dataset.items if not isinstance(item, File | Text))
        raise DataError(
            f"{first.name} lies in a zip or in memory, where no manifest can point to.", "Write a copy instead."
        )


def _write(dataset: Dataset, folder: Path, place: Path, as_manifest: Paths | None) -> list[Skipped]:
    """Items and the tables that say what they are; those that cannot be written.

    Args:
        dataset: The items.
        folder: Where to.
        place: What the folder will be called, for paths relative to it.
        as_manifest: As for ``export``.
    """
    texts = all(isinstance(item, Text) for item in dataset.items)
    as_folders = not texts and not as_manifest and can_be_folders(dataset)
    # What names no split is there to learn from.
    splits = [split or "train" for split in dataset.splits] if any(dataset.splits) else [""] * len(dataset)
    names, skipped = Names(), []
    cells: dict[int, str] = {}  # what stands for each item in a table, by its row
    for row, item in enumerate(dataset.items):
        try:
            if texts:
                cells[row] = _text_of(item)
            elif as_manifest:
                cells[row] = _path_of(item, place, as_manifest)
            else:
                content = item.read()
                label = dataset.labels[row]
                mark = "-" if label in dataset.negatives else ""
                inside = "/".join(filter(None, (splits[row], mark + label))) if as_folders else "items"
                cells[row] = f"{inside}/{names.name(inside, item.name, content, dataset.modality)}"
                (folder / inside).mkdir(parents=True, exist_ok=True)
                (folder / cells[row]).write_bytes(content)
        except ItemError as error:
            skipped.append(Skipped(item.name, error.message, error.reason))
    if texts:
        for split in {splits[row] for row in cells}:
            own = {row: cell for row, cell in cells.items() if splits[row] == split}
            _write_table(folder / f"{split or 'data'}.csv", dataset, "text", own, group=dataset.groups)
    elif cells and not as_folders:
        _write_table(folder / "manifest.csv", dataset, "path", cells, split=dataset.splits, group=dataset.groups)
    return skipped


def _text_of(item: Item) -> str:
    text = mend(item.text) if isinstance(item, Text) else ""
    if not text.strip() or len(text) > MAX_CELL:
        reason = "It is longer than a cell of a table may be." if text.strip() else "It is blank."
        raise ItemError("not_written", reason)
    return text


def _path_of(item: Item, place: Path, paths: Paths) -> str:
    if not isinstance(item, File):
        raise DataError("Files and texts stand together.", "Write a copy instead.")
    path = os.path.abspath(item.path)  # links stay links  # noqa: PTH100
    if paths == "relative":
        with suppress(ValueError):  # another drive of Windows
            path = os.path.relpath(path, place)
    if path != path.strip() or path != mend(path):
        raise ItemError("not_written", "A manifest cannot hold its path.")
    return path


def _write_table(path: Path, dataset: Dataset, first: str, cells: Mapping[int, str], **more: Sequence[str]) -> None:
    """A column called ``first`` of the cells, beside it their labels, and what is said of any item in ``more``."""
    columns = {first: list(cells.values()), "label": [dataset.labels[row] for row in cells]}
    columns |= {name: [values[row] for row in cells] for name, values in more.items() if any(values)}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([guarded(mend(cell)) for cell in row] for row in zip(*columns.values(), strict=True))


@contextmanager
def _made_whole(place: Path, given: Path) -> Iterator[Path]:
    """A folder beside ``place`` to write into, which takes its name once all is on the disk; else nothing is left."""
    with folder_beside(place) as new:
        yield new
        _sync(new)
        if place.is_dir() and os.name == "nt":  # where a folder is not renamed onto an empty one
            place.rmdir()
        try:
            new.rename(place)
        except OSError:
            if place.exists():
                raise OutputExists(f"{given} was made by somebody else meanwhile.", "Name another folder.") from None
            raise
        sync_folder(place.parent)


def _sync(folder: Path) -> None:
    """Bring all that lies in a folder to the disk; disks take many files at once far quicker than one by one."""

    def sync(path: Path) -> None:
        with path.open("rb+") as file:
            os.fsync(file.fileno())

    paths = list(folder.rglob("*"))
    with ThreadPoolExecutor(_SYNCED_AT_ONCE, thread_name_prefix="graft-sync") as pool:
        list(pool.map(sync, [path for path in paths if path.is_file()]))
    for inside in (folder, *(path for path in paths if path.is_dir())):
        sync_folder(inside)
