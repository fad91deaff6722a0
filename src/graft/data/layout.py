"""From a listing to labelled items: a folder per class, split folders above them, or manifests inside."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from graft.data.dataset import File, Item, Skipped
from graft.data.formats import TABULAR
from graft.data.listing import Entry, Listing, printable
from graft.data.manifest import Manifest
from graft.errors import DataError, MissingColumn

SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
"""Names of splits, in lower case, and which split each means."""


class Labelled(NamedTuple):
    """An item with all that the data say about it; whether it can be read is not known yet."""

    item: Item
    label: str
    split: str = ""
    group: str = ""


@dataclass(slots=True)
class Arrangement:
    """What a source holds, before its files are looked into."""

    rows: list[Labelled] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unlabelled: list[Item] = field(default_factory=list)
    """Files that lie beside the class folders, or in no folder at all."""
    empty_folders: list[str] = field(default_factory=list)
    """Folders where classes are, without any file."""
    manifests: list[str] = field(default_factory=list)
    """The manifests that were read."""
    missing: list[str] = field(default_factory=list)
    """Files that they name and that are not there, each with its row."""

    def add(self, other: Arrangement) -> None:
        """Take over everything from ``other``."""
        self.rows += other.rows
        self.skipped += other.skipped
        self.warnings += other.warnings
        self.unlabelled += other.unlabelled
        self.empty_folders += other.empty_folders
        self.manifests += other.manifests
        self.missing += other.missing


Resolve = Callable[[str], Item | None]
"""The item at a path that a manifest names, or ``None`` where there is nothing."""

Parse = Callable[[Entry], Manifest]
"""Reads a manifest in a listing."""


def arrange(listing: Listing, parse: Parse, *, must_be_manifest: bool = False) -> Arrangement:
    """Find out how a folder or zip is laid out, and label its files by that.

    Args:
        listing: Its files.
        parse: Reads a manifest among them.
        must_be_manifest: Columns were asked for by name, so folders of classes are not meant.

    Raises:
        MissingColumn: There is a manifest, and no folders of classes, and it lacks a column.
        DataError: The same, and it cannot be read, or names splits that nobody knows.
    """
    listing = _unwrap(listing)
    tables, problem = _from_manifests(listing, parse)
    if tables.rows and problem is None:
        return tables
    if must_be_manifest:
        raise problem or MissingColumn(
            "A column was asked for, and there is no manifest to look in.", "Give a manifest."
        )
    folders = _from_folders(listing)
    if len({row.label for row in folders.rows}) >= 2:  # then the tables are there for another purpose
        return folders
    if problem:
        raise problem
    return tables if tables.skipped else folders


def label_rows(manifest: Manifest, name: str, resolve: Resolve, split: str = "") -> Arrangement:
    """The items of a manifest of paths; ``split`` is that of the whole file, where it has one.

    Raises:
        DataError: A row names a split that nobody knows.
    """
    result = Arrangement(skipped=list(manifest.skipped), manifests=[name])
    for row in manifest.rows:
        if row.split and row.split not in SPLITS:
            raise DataError(
                f"Row {row.number} of {name} has the split {row.split!r}.", "Use train, val or test, or leave it empty."
            )
        item = resolve(row.item)
        if item is None:
            elsewhere = "://" in row.item
            reason = "It is a web address: download it first." if elsewhere else "There is no such file."
            result.skipped.append(Skipped(row.item, f"Row {row.number} of {name}: {reason}", "missing"))
            if not elsewhere:
                result.missing.append(f"{row.item} (row {row.number})")
        else:
            result.rows.append(Labelled(item, row.label, split or SPLITS.get(row.split, ""), row.group))
    return result


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


def _from_manifests(listing: Listing, parse: Parse) -> tuple[Arrangement, DataError | None]:
    """The items of the manifest, or of those that are called as splits are, and what is wrong with these files."""
    found = [entry for entry in listing.entries if _is_manifest(entry, depth=1)]
    named = [entry for entry in found if _stem(entry) in SPLITS]
    result = Arrangement()
    if not named and len(found) > 1:
        names = ", ".join(entry.parts[-1] for entry in found[:5])
        return result, DataError(f"There are {len(found)} manifests: {names}.", "Give the one that is meant.")
    for entry in named or found:
        try:
            manifest = parse(entry)
            result.add(label_rows(manifest, entry.item.name, _resolver(entry, listing), SPLITS.get(_stem(entry), "")))
        except DataError as error:
            return result, error
    return result, None


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
            result.rows.append(Labelled(entry.item, printable(entry.parts[0]), split))
        else:
            result.unlabelled.append(entry.item)
            result.skipped.append(_beside(entry, "It lies beside the class folders, so it has no label."))
    return result


def _beside(entry: Entry, reason: str) -> Skipped:
    return Skipped(entry.item.name, reason, "no_label")


def _is_manifest(entry: Entry, depth: int) -> bool:
    return len(entry.parts) == depth and PurePosixPath(entry.parts[-1]).suffix.lower() in TABULAR


def _stem(entry: Entry) -> str:
    return PurePosixPath(entry.parts[-1]).stem.lower()
