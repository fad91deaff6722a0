"""What lies in a folder or a zip: every file in a fixed order, without what operating systems leave behind."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from graft.bundle import is_saved
from graft.data.items import File, Item, Member, Skipped
from graft.decoding.archive import list_members, peek_member
from graft.decoding.formats import HEAD
from graft.errors import ItemError

OWN = ".graft-"
"""What Graft itself lays beside the data is passed over without a word."""
CORRECTIONS = "corrections.jsonl"
"""The table in a folder of corrections, which the page that tries a model keeps."""
STRAYS = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin", "icon\r"})
"""Left behind by operating systems, in lower case; so is whatever begins with a dot."""


class FileEntry(NamedTuple):
    """A file in a listing: the parts of its path inside, and the item."""

    parts: tuple[str, ...]
    item: Item


@dataclass(slots=True)
class Listing:
    """The files of a folder or zip, sorted by path.

    Attributes:
        entries: The files.
        folders: The folders directly inside, empty ones too.
        strays: How often each stray name was met.
        skipped: What could not be listed.
    """

    entries: list[FileEntry] = field(default_factory=list)
    folders: set[str] = field(default_factory=set)
    strays: Counter[str] = field(default_factory=Counter)
    skipped: list[Skipped] = field(default_factory=list)


def list_folder(root: Path) -> Listing:
    """Every file below ``root``. Links are followed, to each folder once, so that a loop of links ends."""
    listing = Listing()
    listing.entries = sorted(walk(root, listing))  # by path: the order never depends on the file system
    return listing


def list_archive(path: Path) -> Listing:
    """Every file in the zip or tar.

    Raises:
        UnsafeArchive: It is broken, encrypted, a bomb, or reaches outside itself.
    """
    listing = Listing()
    seen: set[tuple[str, ...]] = set()
    for member, parts, is_link in list_members(path):
        name = "/".join(parts)
        if stray := next((part for part in parts if is_stray(part)), None):
            listing.strays.update([stray] if not stray.startswith(OWN) else [])
        elif is_link:
            listing.skipped.append(Skipped(name, "It is a link; links in an archive are not followed.", "link"))
        elif parts in seen:
            listing.skipped.append(Skipped(name, "The archive has another file of this name.", "repeated"))
        elif parts:
            seen.add(parts)
            listing.folders.update(parts[:-1][:1])
            listing.entries.append(FileEntry(parts, Member(path, member, name)))
    listing.entries.sort()
    return listing


def walk(root: Path, listing: Listing | None = None) -> Iterator[FileEntry]:
    """The files below ``root``, folder by folder, each folder sorted; what is not a file goes to ``listing``.

    Linked folders come last, and only if they were not met in their own place: each file has one name, its own.
    """
    notes = listing if listing is not None else Listing()
    visited: set[tuple[int, int]] = set()
    links: list[tuple[Path, tuple[str, ...]]] = []
    stack: list[tuple[Path, tuple[str, ...]]] = [(root, ())]
    while stack or links:
        folder, parts = stack.pop() if stack else links.pop(0)
        children = _scan(folder, parts, visited, notes)
        below: list[tuple[Path, tuple[str, ...]]] = []
        for child in children:
            child_parts = (*parts, child.name)
            folder_too = _is_folder(child)
            if is_stray(child.name) or (folder_too and _is_no_data(Path(child.path))):
                notes.strays.update([child.name] if not child.name.startswith(OWN) else [])
            elif folder_too:
                if not parts:
                    notes.folders.add(child.name)
                (links if child.is_symlink() else below).append((Path(child.path), child_parts))
            else:
                yield FileEntry(child_parts, File(Path(child.path), printable("/".join(child_parts))))
        stack.extend(reversed(below))


def _is_no_data(folder: Path) -> bool:
    """What Graft wrote: a model, an index, an export, or corrections, which are data of their own and no class."""
    return is_saved(folder) or (folder / CORRECTIONS).is_file()


def is_stray(name: str) -> bool:
    """Whether a file or folder of this name was left behind by an operating system or a program, Graft included."""
    return name.startswith((".", "~$")) or name.lower() in STRAYS or name.lower().endswith(".graft")


def printable(name: str) -> str:
    """A file's name that can be printed and saved: bytes that are no UTF-8 become question marks."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def shortened(name: str, most: int = 100) -> str:
    """A name of at most so many characters, for messages: a text, or what was taken for a path, may be a book."""
    return name if len(name) <= most else f"{name[: most - 1]}\N{HORIZONTAL ELLIPSIS}"


def peek(item: Item) -> bytes:
    """The first bytes of an item, enough to ``sniff``; empty where it is empty.

    Raises:
        ItemError: It is no regular file, or an item of another kind that cannot be read.
        graft.decoding.archive.READ_ERRORS: A file or member cannot be read.
    """
    match item:
        case File(path=path):
            try:
                handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
            except ValueError as error:  # a NUL, or half a character
                raise ItemError("unreadable", f"It is no path: {error}.") from None
            try:  # plain system calls: a hundred thousand file objects take seconds
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise ItemError("unreadable", "It is not a regular file.")
                return os.read(handle, HEAD)
            finally:
                os.close(handle)
        case Member(archive=archive, member=member):
            return peek_member(archive, member, HEAD)
        case _:
            return item.read()[:HEAD]


def _scan(
    folder: Path, parts: tuple[str, ...], visited: set[tuple[int, int]], notes: Listing
) -> list[os.DirEntry[str]]:
    name = printable("/".join(parts)) or "."
    try:
        state = folder.stat()
        if (state.st_dev, state.st_ino) in visited:
            notes.skipped.append(Skipped(name, "It is a link to a folder that was read already.", "link"))
            return []
        visited.add((state.st_dev, state.st_ino))
        with os.scandir(folder) as children:
            return sorted(children, key=lambda child: child.name)
    except OSError as error:
        notes.skipped.append(Skipped(name, f"The folder cannot be opened: {error.strerror or error}.", "unreadable"))
        return []


def _is_folder(child: os.DirEntry[str]) -> bool:
    try:
        return child.is_dir()
    except OSError:  # a link to itself: not a folder, and named when it is read
        return False
