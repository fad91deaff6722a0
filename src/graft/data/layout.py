"""From a listing to labelled items: a folder per class, split folders above them, or manifests inside."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from graft.data.arrangement import SPLITS, Arrangement, Labelled
from graft.data.formats import TABULAR, belongs_to
from graft.data.items import File, Item, Skipped, Text
from graft.data.kinds import UNREADABLE, look_at, spread
from graft.data.listing import Entry, Listing, printable
from graft.data.manifest import Manifest
from graft.data.naming import apply_pattern, label_by_names
from graft.data.patterns import Pattern
from graft.data.tables import Resolve, label_rows, resolve_in_folder, resolve_in_zip
from graft.errors import DataError, MissingColumn, UsageError

_SAMPLE = 50
_SHARD = re.compile(r"-\d{5}-of-\d{5}$")
"""What follows the split's name in tables that were cut in pieces: ``train-00000-of-00004.parquet``."""

Parse = Callable[[Entry], Manifest]
"""Reads a manifest in a listing."""


def arrange(
    listing: Listing,
    parse: Parse,
    *,
    must_be_manifest: bool = False,
    modality: str | None = None,
    pattern: Pattern | None = None,
) -> Arrangement:
    """Find out how a folder or zip is laid out, and label its files by that.

    Args:
        listing: Its files.
        parse: Reads a manifest among them.
        must_be_manifest: Columns were asked for by name, so folders of classes are not meant.
        modality: What was asked for.
        pattern: What the names of files say. If that is their label, nothing else is looked at.

    Raises:
        MissingColumn: There is a manifest, and no folders of classes, and it lacks a column.
        DataError: The same, and it cannot be read, or names splits that nobody knows; or no file fits the pattern.
        UsageError: The pattern is of no use here.
    """
    listing = _unwrap(listing)
    if pattern and "label" in pattern.fields:
        if must_be_manifest:
            raise UsageError("A column and a pattern of labels were asked for.", "Give one of the two.")
        return label_by_names(listing, pattern)
    found = _by_layout(listing, parse, must_be_manifest, modality)
    if pattern:
        apply_pattern(found, pattern)
    return found


def _by_layout(listing: Listing, parse: Parse, must_be_manifest: bool, modality: str | None) -> Arrangement:
    """By manifests, or else by folders."""
    tables, problem = _from_manifests(listing, parse, modality)
    if tables.rows and problem is None and (must_be_manifest or not _beside_media(tables, listing, modality)):
        return tables
    if must_be_manifest:
        raise problem or MissingColumn(
            "A column was asked for, and there is no manifest to look in.", "Give a manifest."
        )
    folders = _from_folders(listing)
    if len({row.label for row in folders.rows}) >= 2:  # then the tables are there for another purpose
        if tables.rows and problem is None:
            folders.warnings.append(
                f"{', '.join(tables.manifests)} was not read: the class folders were. To read its texts: --modality "
                "text (in Python modality='text')."
            )
        return folders
    if problem:
        raise problem
    return tables if tables.skipped or tables.rows else folders


def _unwrap(listing: Listing) -> Listing:
    """The listing inside, where everything lies in one folder that holds folders or a manifest itself."""
    while True:
        tops = {entry.parts[0] for entry in listing.entries}
        if len(tops) != 1 or tops & {name for name in tops if name.lower() in SPLITS}:
            return listing
        holds_more = any(len(entry.parts) > 2 or _is_manifest(entry, depth=2) for entry in listing.entries)
        if not holds_more or any(len(entry.parts) < 2 for entry in listing.entries):
            return listing
        inside = [Entry(entry.parts[1:], entry.item) for entry in listing.entries]
        folders = {entry.parts[0] for entry in inside if len(entry.parts) > 1}
        listing = Listing(inside, folders, listing.strays, listing.skipped)


def _from_manifests(listing: Listing, parse: Parse, modality: str | None) -> tuple[Arrangement, DataError | None]:
    """The items of the manifest, or of those that are called as splits are, and what is wrong with these files."""
    found = [entry for entry in listing.entries if _is_manifest(entry, depth=1)]
    named = [entry for entry in found if _stem(entry) in SPLITS]
    result = Arrangement()
    if not named and len(found) > 1:
        names = ", ".join(entry.parts[-1] for entry in found[:5])
        return result, DataError(f"There are {len(found)} manifests: {names}.", "Give the one that is meant.")
    for entry in named or found:
        try:
            split = SPLITS.get(_stem(entry), "")
            result.add(label_rows(parse(entry), entry.item.name, _resolver(entry, listing), split, modality))
        except DataError as error:
            return result, error
    if named and (others := [entry.parts[-1] for entry in found if entry not in named]):
        result.warnings.append(f"Not read, as no split is called so: {printable(', '.join(others[:5]))}.")
    return result, None


def _beside_media(tables: Arrangement, listing: Listing, modality: str | None) -> bool:
    """Whether a table of texts stands beside class folders of pictures or recordings, which are meant then."""
    if modality == "text" or not isinstance(tables.rows[0].item, Text):
        return False
    rows = _from_folders(listing).rows
    if len({row.label for row in rows}) < 2:
        return False
    sample = spread(rows, _SAMPLE)
    return 2 * sum(_is_media(row.item) for row in sample) > len(sample)


def _is_media(item: Item) -> bool:
    try:
        return belongs_to(look_at(item)) in ("image", "audio")
    except UNREADABLE:
        return False


def _resolver(entry: Entry, listing: Listing) -> Resolve:
    if isinstance(entry.item, File):
        return resolve_in_folder(entry.item.path.parent)
    return resolve_in_zip(listing.entries, entry.parts[:-1])


def _from_folders(listing: Listing) -> Arrangement:
    splits = _split_folders(listing)
    if not splits:
        result = _from_class_folders(listing.entries, "")
        filled = {entry.parts[0] for entry in listing.entries if len(entry.parts) > 1}
        result.empty_folders = sorted(map(printable, listing.folders - filled))
        if result.empty_folders:
            result.warnings.append(f"Folders without any file are no classes: {', '.join(result.empty_folders[:5])}.")
        return result
    result = Arrangement()
    split_of = {folder: split for split, folders in splits.items() for folder in folders}
    inside: dict[str, list[Entry]] = {folder: [] for folder in split_of}
    flat: dict[str, None] = {}
    for entry in listing.entries:
        top = entry.parts[0]
        if top in inside:
            inside[top].append(Entry(entry.parts[1:], entry.item))
        elif len(entry.parts) > 1 and top.lower() in SPLITS:
            flat[top] = None
            reason = f"It lies in {printable(top)}/ without a class folder, so it has no label."
            result.skipped.append(_beside(entry, reason))
        else:
            result.skipped.append(_beside(entry, "It lies beside the split folders."))
    result.warnings += [_warn_of_flat(folder) for folder in flat]
    for folder, entries in inside.items():
        result.add(_from_class_folders(entries, split_of[folder]))
    return result


def _warn_of_flat(folder: str) -> str:
    purpose = "learned from it" if SPLITS[folder.lower()] == "train" else "tested"
    return f"{printable(folder)}/ has no class folders: nothing was {purpose}."


def _split_folders(listing: Listing) -> dict[str, list[str]]:
    """The folders of each split; none unless they hold folders, for a class may be called "train" too."""
    depths: dict[str, set[bool]] = {}
    for entry in listing.entries:
        depths.setdefault(entry.parts[0], set()).add(len(entry.parts) > 2)
    folders = {entry.parts[0] for entry in listing.entries if len(entry.parts) > 1}
    splits: dict[str, list[str]] = {}
    for folder in sorted(folders):
        if folder.lower() in SPLITS and True in depths[folder]:
            splits.setdefault(SPLITS[folder.lower()], []).append(folder)
    others = {folder for folder in folders if folder.lower() not in SPLITS}
    return {} if others and len(splits) < 2 else splits


def _from_class_folders(entries: Sequence[Entry], split: str) -> Arrangement:
    result = Arrangement()
    for entry in entries:
        if len(entry.parts) > 1:
            inside = printable("/".join(entry.parts[1:]))
            result.rows.append(Labelled(entry.item, printable(entry.parts[0]), split, inside=inside))
        else:
            result.unlabelled.append(entry.item)
            result.skipped.append(_beside(entry, "It lies beside the class folders, so it has no label."))
    return result


def _beside(entry: Entry, reason: str) -> Skipped:
    return Skipped(entry.item.name, reason, "no_label")


def _is_manifest(entry: Entry, depth: int) -> bool:
    return len(entry.parts) == depth and PurePosixPath(entry.parts[-1]).suffix.lower() in TABULAR


def _stem(entry: Entry) -> str:
    return _SHARD.sub("", PurePosixPath(entry.parts[-1]).stem.lower())
