"""From the rows of a manifest to labelled items: the files that they name, or the texts that they hold."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from graft.data.arrangement import SPLITS, Arrangement, Labelled
from graft.data.formats import KNOWN_SUFFIXES
from graft.data.items import File, Item, Memory, Skipped, Text
from graft.data.kinds import spread
from graft.data.listing import Entry, printable, shortened
from graft.data.manifest import PATH_COLUMNS, Manifest
from graft.errors import DataError

Resolve = Callable[[str], Item | None]
"""The item at a path that a manifest names, or ``None`` where there is nothing."""

_SAMPLE = 50
_NEARLY_ALL = 0.9
_LONGEST_PATH = 1024


def label_rows(
    manifest: Manifest, name: str, resolve: Resolve, split: str = "", modality: str | None = None
) -> Arrangement:
    """The items of a manifest of paths or texts; ``split`` is that of the whole file, where it has one.

    Raises:
        DataError: A row names a split that nobody knows.
    """
    result = Arrangement(skipped=list(manifest.skipped), warnings=list(manifest.warnings), manifests=[name])
    names_files = holds_paths(manifest, resolve, modality)
    if names_files and manifest.holds_texts:
        result.warnings.append(f"The column {manifest.item_column!r} of {name} holds paths: their files were read.")
    if names_files and manifest.text_column:
        result.text_columns.append(manifest.text_column)
    for row in manifest.rows:
        if row.split and row.split not in SPLITS:
            raise DataError(
                f"Row {row.number} of {name} has the split {row.split!r}.", "Use train, val or test, or leave it empty."
            )
        place = row.item.strip() if names_files else ""
        item = resolve(place) if names_files else Text(row.item)
        if row.content is not None:
            place = row.item
            item = Memory(row.content, printable(place))
        if item is None:
            elsewhere = "://" in place
            reason = "It is a web address: download it first." if elsewhere else "There is no such file."
            result.skipped.append(Skipped(shortened(place), f"Row {row.number} of {name}: {reason}", "missing"))
            if not elsewhere:
                result.missing.append(f"{shortened(place)} (row {row.number})")
        else:
            own = split or SPLITS.get(row.split, "")
            result.rows.append(Labelled(item, row.label, own, row.group, row.tags, place.replace("\\", "/")))
    return result


def holds_paths(manifest: Manifest, resolve: Resolve, modality: str | None = None) -> bool:
    """Whether the items of a manifest are files: by the column's name, or by what a sample of the rows leads to."""
    if manifest.item_column.strip().lower() in PATH_COLUMNS:
        return True
    rows = [row for row in manifest.rows if row.content is None]
    cells = [row.item.strip() for row in spread(rows, _SAMPLE)]
    there = sum(resolve(cell) is not None for cell in cells if len(cell) < _LONGEST_PATH and "\n" not in cell)
    if cells and there >= _NEARLY_ALL * len(cells):
        return True
    if manifest.holds_texts or modality == "text":
        return False
    called_as_files = sum(PurePosixPath(cell[-_LONGEST_PATH:]).suffix.lower() in KNOWN_SUFFIXES for cell in cells)
    return modality is not None or there > 0 or 2 * called_as_files >= len(cells)


def resolve_in_folder(folder: Path) -> Resolve:
    """Paths relative to ``folder``, or absolute; with Windows' separators where the plain name is not there."""

    def resolve(text: str) -> Item | None:
        for candidate in dict.fromkeys((text, text.replace("\\", "/"))):
            try:
                path = folder / candidate
                if path.exists():
                    return File(path, printable(text))
            except (OSError, ValueError):  # too long, or holding a NUL: no path
                pass
        return None

    return resolve


def resolve_in_zip(entries: Sequence[Entry], folder: tuple[str, ...]) -> Resolve:
    """Paths relative to ``folder`` inside the zip; none leads outside it."""
    items = {entry.parts: entry.item for entry in entries}

    def resolve(text: str) -> Item | None:
        path = posixpath.normpath(posixpath.join(*folder, text.replace("\\", "/")))
        return items.get(PurePosixPath(path).parts)

    return resolve
