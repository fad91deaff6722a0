"""From the rows of a manifest to labelled items: the files that they name, or the texts that they hold."""

from __future__ import annotations

from pathlib import PurePosixPath

from graft.data.arrangement import Arrangement, Labelled
from graft.data.items import Item, Memory, Skipped, Text
from graft.data.kinds import counted, spread
from graft.data.listing import FileEntry, Listing, printable, shortened
from graft.decoding.formats import KNOWN_SUFFIXES
from graft.errors import DataError, ItemError
from graft.fetching.web import shown
from graft.job import Reading
from graft.reading.columns import PATH_COLUMNS, PICTURE_COLUMNS, spelled
from graft.reading.fetched import fetch_named, refuse_addresses
from graft.reading.folders import split_by_paths
from graft.reading.item_locator import ItemLocator, is_word, locate_from
from graft.reading.manifest import ManifestRows, parse_manifest
from graft.run import Run

_SAMPLE = 50
_NEARLY_ALL = 0.9
_LONGEST_PATH = 1024


def label_table(table: FileEntry, listing: Listing, split: str, reading: Reading, run: Run) -> Arrangement:
    """The items of a manifest of paths or texts.

    Args:
        table: The manifest's file.
        listing: The folder or zip that it lies in.
        split: That of the whole file, where it has one.
        reading: What was asked for.
        run: Told how many files are fetched, and ends that.

    Raises:
        MissingColumn: A column is not there.
        DataError: It cannot be read, or its items look like ids of files that are not there.
    """
    name = table.item.name
    try:
        manifest = parse_manifest(table.item.read(), name, reading)
    except ItemError as error:
        raise DataError(error.message, error.hint) from None
    files = locate_from(table.item, listing.entries, table.parts[:-1], reading.root)
    files.fetched = fetch_named(manifest, run) if reading.fetch else None
    result = Arrangement(
        skipped=list(manifest.skipped),
        manifests=[name],
        warnings=list(manifest.warnings),
        columns=manifest.columns.to_dict(),
    )
    names_files = 2 * len(files.fetched or ()) > len(manifest.rows) or holds_paths(manifest, files, reading.modality)
    if names_files and files.fetched is None:
        refuse_addresses(manifest, name)
    if not names_files and reading.modality is None:
        _refuse_ids(manifest, name)
    if names_files and manifest.holds_texts:
        result.warnings.append(f"The column {manifest.columns.item!r} of {name} holds paths: their files were read.")
    if names_files and manifest.text_column:
        result.text_columns.append(manifest.text_column)
    for row in manifest.rows:
        place = row.item.strip()
        if row.content is not None:
            item: Item | None = Memory(row.content, printable(row.item))
        else:
            item = files.find(place) if names_files else Text(row.item)
        if item is not None:
            inside = "" if isinstance(item, Text) else files.elsewhere.get(place, place).replace("\\", "/")
            result.rows.append(Labelled(item, row.label, split or row.split, row.group, row.tags, inside))
            continue
        reason = f"Row {row.number} of {name}: {files.why_missing(place)}"
        result.skipped.append(Skipped(shortened(shown(place)), reason, "missing"))
        if "://" not in place:
            result.missing.append(f"{shortened(place)} (row {row.number})")
    if named := files.elsewhere:
        first = min(named)
        result.warnings.append(
            f"{counted(len(named), 'file', 'files')} of {name} found by name alone, in folders below or with another "
            f"extension: {shortened(first, 60)} is {shortened(named[first], 60)}."
        )
    if names_files and not split:
        split_by_paths(result, name)
    return result


def holds_paths(manifest: ManifestRows, files: ItemLocator, modality: str | None = None) -> bool:
    """Whether the items of a manifest are files: by the column's name, or by what a sample of the rows leads to."""
    column = spelled(manifest.columns.item)
    if column in PATH_COLUMNS:
        return True
    rows = [row for row in manifest.rows if row.content is None]
    cells = [row.item.strip() for row in spread(rows, _SAMPLE)]
    there = sum(files.at(cell) is not None for cell in cells if len(cell) < _LONGEST_PATH and "\n" not in cell)
    if cells and there >= _NEARLY_ALL * len(cells):
        return True
    words = sum(map(is_word, cells))
    if modality != "text" and words >= _NEARLY_ALL * len(cells) > 0:
        if sum(bool(files.candidates(cell)) for cell in cells if is_word(cell)) >= _NEARLY_ALL * len(cells):
            return True
        if column in PICTURE_COLUMNS:
            return True
    if manifest.holds_texts or modality == "text":
        return False
    called_as_files = sum(PurePosixPath(cell[-_LONGEST_PATH:]).suffix.lower() in KNOWN_SUFFIXES for cell in cells)
    return modality is not None or there > 0 or 2 * called_as_files >= len(cells)


def _refuse_ids(manifest: ManifestRows, name: str) -> None:
    """Whether what would be read as texts are ids of files that lie elsewhere.

    Raises:
        DataError: They look so: words without white space, none of them twice, and with digits.
    """
    cells = [row.item.strip() for row in manifest.rows if row.content is None]
    if manifest.holds_texts or len(cells) < 2 or len(set(cells)) < len(cells):
        return
    ids = [cell for cell in cells if is_word(cell) and any(character.isdigit() for character in cell)]
    if len(ids) >= _NEARLY_ALL * len(cells):
        raise DataError(
            f"The column {manifest.columns.item!r} of {name} holds words such as {shortened(ids[0], 60)!r}, as ids of "
            "files are, and there are no such files beside the table or below.",
            "Say where the files lie: --root FOLDER (in Python root=); if they are texts: --modality text.",
        )
