"""From a listing to labelled items: a folder per class, split folders above them, or manifests inside."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from graft.data.arrangement import SPLITS, Arrangement
from graft.data.items import Text
from graft.data.kinds import first_bytes, kind_or_reason, spread
from graft.data.listing import FileEntry, Listing, printable
from graft.decoding.formats import belongs_to, is_tabular
from graft.errors import DataError, MissingColumn, UsageError
from graft.job import Reading
from graft.reading.folders import from_folders, inside_of_one, splits_of
from graft.reading.naming import apply_pattern, label_by_names
from graft.reading.patterns import compile_pattern
from graft.reading.tables import label_table
from graft.run import Run

_SAMPLE = 50
_SHARD = re.compile(r"-\d{5}-of-\d{5}$")
"""What follows the split's name in tables that were cut in pieces: ``train-00000-of-00004.parquet``."""


def arrange(listing: Listing, reading: Reading, run: Run) -> Arrangement:
    """Find out how a folder or zip is laid out, and label its files by that.

    Args:
        listing: Its files.
        reading: What was asked for. Where columns are named, folders of classes are not meant; where a pattern says
            the labels, nothing else is looked at.
        run: Told how many files are fetched, and ends that.

    Raises:
        MissingColumn: There is a manifest, and no folders of classes, and it lacks a column.
        DataError: The same, and it cannot be read, or names splits that nobody knows; or no file fits the pattern.
        UsageError: The pattern is of no use here.
    """
    while (inside := inside_of_one(listing)) and any(
        len(entry.parts) > 2 or _is_manifest(entry, depth=2) for entry in listing.entries
    ):
        listing = inside
    pattern = compile_pattern(reading.pattern) if reading.pattern is not None else None
    if pattern and "label" in pattern.fields:
        if _names_columns(reading):
            raise UsageError("A column and a pattern of labels were asked for.", "Give one of the two.")
        found = label_by_names(listing, pattern)
    else:
        found = _by_layout(listing, reading, run)
        if pattern:
            apply_pattern(found, pattern)
        elif found.nested:
            found.warnings.append(found.nested)
    found.skipped, found.strays = [*listing.skipped, *found.skipped], listing.strays
    return found


def _names_columns(reading: Reading) -> bool:
    return any((reading.label_column, reading.item_column, reading.group_column))


def _by_layout(listing: Listing, reading: Reading, run: Run) -> Arrangement:
    """By manifests, or else by folders."""
    problem: DataError | None = None
    try:
        tables = _from_manifests(listing, reading, run)
    except DataError as error:
        tables, problem = Arrangement(), error
    if tables.rows and (_names_columns(reading) or not _beside_media(tables, listing, reading.modality)):
        return tables
    if _names_columns(reading):
        raise problem or MissingColumn(
            "A column was asked for, and there is no manifest to look in.", "Give a manifest."
        )
    folders = from_folders(listing)
    if len({row.label for row in folders.rows}) >= 2:  # then the tables are there for another purpose
        if tables.rows:
            folders.warnings.append(
                f"{', '.join(tables.manifests)} was not read: the class folders were. To read its texts: --modality "
                "text (in Python modality='text')."
            )
        return folders
    if problem:
        raise problem
    return tables if tables.skipped or tables.rows else folders


def _from_manifests(listing: Listing, reading: Reading, run: Run) -> Arrangement:
    """The items of the manifest, or of those that are called as splits are.

    Raises:
        DataError: Something is wrong with these files.
    """
    found = [entry for entry in listing.entries if _is_manifest(entry, depth=1)] or _of_json(listing)
    if not found:
        return _from_split_folders(listing, reading, run)
    named = [entry for entry in found if _stem(entry) in SPLITS]
    if not named and len(found) > 1:
        names = ", ".join(entry.parts[-1] for entry in found[:5])
        raise DataError(f"There are {len(found)} manifests: {names}.", "Give the one that is meant.")
    result = Arrangement()
    for entry in named or found:
        result.add(label_table(entry, listing, SPLITS.get(_stem(entry), ""), reading, run))
    if named and (others := [entry.parts[-1] for entry in found if entry not in named]):
        result.warnings.append(f"Not read, as no split is called so: {printable(', '.join(others[:5]))}.")
    return result


def _of_json(listing: Listing) -> list[FileEntry]:
    """The files of JSON that are called as splits are, or else the only one, where it begins as a list does."""
    found = [entry for entry in listing.entries if len(entry.parts) == 1 and is_tabular(entry.parts[-1])]
    if named := [entry for entry in found if _stem(entry) in SPLITS]:
        return named
    return found if len(found) == 1 and first_bytes(found[0].item).lstrip().startswith(b"[") else []


def _from_split_folders(listing: Listing, reading: Reading, run: Run) -> Arrangement:
    """The items of a manifest in each split folder, ``train/metadata.csv``; of those without one, of its folders."""
    named = splits_of({entry.parts[0] for entry in listing.entries if len(entry.parts) > 1})
    tables: dict[str, list[FileEntry]] = {}
    for entry in listing.entries:
        if entry.parts[0] in named and _is_manifest(entry, depth=2):
            tables.setdefault(entry.parts[0], []).append(entry)
    result = Arrangement()
    for folder, entries in tables.items():
        if len(entries) > 1:
            names = ", ".join(entry.parts[-1] for entry in entries[:5])
            raise DataError(f"There are {len(entries)} manifests in {folder}/: {names}.", "Leave one of them.")
        (entry,) = entries
        result.add(label_table(entry, listing, named[folder], reading, run))
    if result.rows and len(tables) < len(named):
        result.add(from_folders(listing, elsewhere=tables))
    return result


def _beside_media(tables: Arrangement, listing: Listing, modality: str | None) -> bool:
    """Whether a table of texts stands beside class folders of pictures or recordings, which are meant then."""
    if modality == "text" or not isinstance(tables.rows[0].item, Text):
        return False
    rows = from_folders(listing).rows
    if len({row.label for row in rows}) < 2:
        return False
    sample = spread(rows, _SAMPLE)
    media = [row for row in sample if belongs_to(kind_or_reason(row.item)[0]) in ("image", "audio")]
    return 2 * len(media) > len(sample)


def _is_manifest(entry: FileEntry, depth: int) -> bool:
    return len(entry.parts) == depth and is_tabular(entry.parts[-1], given=False)


def _stem(entry: FileEntry) -> str:
    return _SHARD.sub("", PurePosixPath(entry.parts[-1].lower().removesuffix(".gz")).stem)
