"""From the rows of a manifest to labelled items: the files that they name, or the texts that they hold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from graft.data.arrangement import SPLITS, Arrangement, Labelled
from graft.data.items import File, Item, Memory, Skipped, Text
from graft.data.kinds import spread
from graft.data.listing import printable, shortened
from graft.decoding.formats import KNOWN_SUFFIXES
from graft.errors import DataError
from graft.fetching.web import shown
from graft.reading.columns import PATH_COLUMNS, PICTURE_COLUMNS, spelled
from graft.reading.fetched import refuse_addresses
from graft.reading.folders import split_by_paths
from graft.reading.item_locator import ItemLocator
from graft.reading.manifest import ManifestRows, Row

_SAMPLE = 50
_NEARLY_ALL = 0.9
_LONGEST_PATH = 1024
_LONGEST_NAME = 255


def label_rows(
    manifest: ManifestRows,
    name: str,
    resolve: ItemLocator,
    split: str,
    modality: str | None,
    fetched: Mapping[str, Path | str] | None,
) -> Arrangement:
    """The items of a manifest of paths or texts.

    Args:
        manifest: The rows.
        name: How it is called in messages.
        resolve: Finds its files.
        split: That of the whole file, where it has one.
        modality: What was asked for.
        fetched: By the addresses among the items their files, or why there is none; ``None`` where nothing was to be
            fetched.

    Raises:
        DataError: A row names a split that nobody knows, or its items look like ids of files that are not there.
    """
    result = Arrangement(
        skipped=list(manifest.skipped),
        manifests=[name],
        warnings=list(manifest.warnings),
        columns=manifest.columns.to_dict(),
    )
    names_files = 2 * len(fetched or ()) > len(manifest.rows) or holds_paths(manifest, resolve, modality)
    if names_files and fetched is None:
        refuse_addresses(manifest, name)
    if not names_files and modality is None:
        _refuse_ids(manifest, name)
    if names_files and manifest.holds_texts:
        result.warnings.append(f"The column {manifest.columns.item!r} of {name} holds paths: their files were read.")
    if names_files and manifest.text_column:
        result.text_columns.append(manifest.text_column)
    for row in manifest.rows:
        if row.split and row.split not in SPLITS:
            raise DataError(
                f"Row {row.number} of {name} has the split {row.split!r}.", "Use train, val or test, or leave it empty."
            )
        place = row.item.strip() if names_files else ""
        item = _found(place, resolve, fetched or {}) if names_files else Text(row.item)
        if row.content is not None:
            place = row.item
            item = Memory(row.content, printable(place))
        if item is None:
            _note_missing(result, row, place, name, resolve, fetched or {})
        else:
            own = split or SPLITS.get(row.split, "")
            inside = resolve.elsewhere.get(place, place).replace("\\", "/")
            result.rows.append(Labelled(item, row.label, own, row.group, row.tags, inside))
    named = {row.item.strip() for row in manifest.rows} & resolve.elsewhere.keys() if names_files else set()
    if named:
        first = min(named)
        files = "1 file" if len(named) == 1 else f"{len(named):,} files"
        result.warnings.append(
            f"{files} of {name} found by name alone, in folders below or with another extension: "
            f"{shortened(first, 60)} is {shortened(resolve.elsewhere[first], 60)}."
        )
    if names_files and not split:
        split_by_paths(result, name)
    return result


def holds_paths(manifest: ManifestRows, resolve: ItemLocator, modality: str | None = None) -> bool:
    """Whether the items of a manifest are files: by the column's name, or by what a sample of the rows leads to."""
    column = spelled(manifest.columns.item)
    if column in PATH_COLUMNS:
        return True
    rows = [row for row in manifest.rows if row.content is None]
    cells = [row.item.strip() for row in spread(rows, _SAMPLE)]
    there = sum(resolve(cell) is not None for cell in cells if len(cell) < _LONGEST_PATH and "\n" not in cell)
    if cells and there >= _NEARLY_ALL * len(cells):
        return True
    words = sum(map(_is_word, cells))
    if modality != "text" and words >= _NEARLY_ALL * len(cells) > 0:
        if sum(bool(resolve.candidates(cell)) for cell in cells if _is_word(cell)) >= _NEARLY_ALL * len(cells):
            return True
        if column in PICTURE_COLUMNS:
            return True
    if manifest.holds_texts or modality == "text":
        return False
    called_as_files = sum(PurePosixPath(cell[-_LONGEST_PATH:]).suffix.lower() in KNOWN_SUFFIXES for cell in cells)
    return modality is not None or there > 0 or 2 * called_as_files >= len(cells)


def _found(place: str, resolve: ItemLocator, fetched: Mapping[str, Path | str]) -> Item | None:
    if isinstance(path := fetched.get(place), Path):
        return File(path, printable(shown(place)))
    return resolve(place) or (
        resolve.search(place) if _is_word(place.replace(" ", "")) and "://" not in place else None
    )


def _is_word(cell: str) -> bool:
    return 0 < len(cell) <= _LONGEST_NAME and cell.split(None, 1) == [cell]


def _refuse_ids(manifest: ManifestRows, name: str) -> None:
    """Whether what would be read as texts are ids of files that lie elsewhere.

    Raises:
        DataError: They look so: words without white space, none of them twice, and with digits.
    """
    cells = [row.item.strip() for row in manifest.rows if row.content is None]
    if manifest.holds_texts or len(cells) < 2 or len(set(cells)) < len(cells):
        return
    ids = [cell for cell in cells if _is_word(cell) and any(character.isdigit() for character in cell)]
    if len(ids) >= _NEARLY_ALL * len(cells):
        raise DataError(
            f"The column {manifest.columns.item!r} of {name} holds words such as {shortened(ids[0], 60)!r}, as ids of "
            "files are, and there are no such files beside the table or below.",
            "Say where the files lie: --root FOLDER (in Python root=); if they are texts: --modality text.",
        )


def _note_missing(
    result: Arrangement, row: Row, place: str, name: str, resolve: ItemLocator, fetched: Mapping[str, Path | str]
) -> None:
    several = resolve.candidates(place) if _is_word(place) and "://" not in place else []
    if place in fetched:
        reason = str(fetched[place])
    elif "://" in place:
        reason = "It is a web address: add --fetch (in Python fetch=True), or download it first."
    elif len(several) > 1:
        reason = f"Several files are called so: {', '.join(entry.item.name for entry in several[:3])}."
    else:
        reason = "There is no such file."
    result.skipped.append(Skipped(shortened(shown(place)), f"Row {row.number} of {name}: {reason}", "missing"))
    if "://" not in place:
        result.missing.append(f"{shortened(place)} (row {row.number})")
