"""Where the files lie that a table names: fetched, at the path, or where a file of that name or stem is found."""

from __future__ import annotations

import os
import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath

from graft.data.items import File, Item
from graft.data.listing import FileEntry, printable, walk
from graft.decoding.formats import is_tabular, promised
from graft.fetching.web import shown
from graft.files import expanded

MAX_SEARCHED = 200_000
"""So many files below a folder are looked through for those that a table names."""
_LONGEST_NAME = 255


@dataclass(slots=True)
class ItemLocator:
    """Finds the items that a table names.

    Attributes:
        at: What lies at a path, or ``None``.
        below: The files that are looked through for names.
        fetched: By the addresses among the items their files, or why there is none; ``None`` where nothing was to be
            fetched.
        elsewhere: What was found by its name alone: as it is written, and where it lies.
    """

    at: Callable[[str], Item | None]
    below: Callable[[], Iterable[FileEntry]]
    fetched: Mapping[str, Path | str] | None = None
    elsewhere: dict[str, str] = field(default_factory=dict)
    _names: dict[str, list[FileEntry]] | None = None

    def find(self, text: str) -> Item | None:
        """What was fetched, lies at the path, or is the one file of this name or stem, in folders below too."""
        if isinstance(path := (self.fetched or {}).get(text), Path):
            return File(path, printable(shown(text)))
        if item := self.at(text):
            return item
        found = self.candidates(text) if is_word(text.replace(" ", "")) and "://" not in text else []
        if len(found) != 1:
            return None
        self.elsewhere[text] = found[0].item.name
        return found[0].item

    def why_missing(self, text: str) -> str:
        """Why ``find`` finds nothing."""
        if reason := (self.fetched or {}).get(text):
            return str(reason)
        if "://" in text:
            return "It is a web address: add --fetch (in Python fetch=True), or download it first."
        several = self.candidates(text) if is_word(text) else []
        if len(several) > 1:
            return f"Several files are called so: {', '.join(entry.item.name for entry in several[:3])}."
        return "There is no such file."

    def candidates(self, text: str) -> list[FileEntry]:
        """All files of this name or stem, and with folders in the name only those in folders of these names.

        Pictures and recordings, and others only where there are none.
        """
        parts = tuple(part.lower() for part in PurePosixPath(text.replace("\\", "/")).parts if part != ".")
        if not parts or ".." in parts:
            return []
        if self._names is None:
            self._names = _by_name(islice(self.below(), MAX_SEARCHED))
        fits = [entry for entry in self._names.get(parts[-1], ()) if _ends(entry.parts[:-1], parts[:-1])]
        return [entry for entry in fits if promised(entry.parts[-1]) in ("image", "audio")] or fits


def is_word(text: str) -> bool:
    """Whether a text may be the name of a file: it is not long, and holds no white space."""
    return 0 < len(text) <= _LONGEST_NAME and text.split(None, 1) == [text]


def locate_from(
    table: Item, entries: Sequence[FileEntry] = (), folder: tuple[str, ...] = (), root: str | None = None
) -> ItemLocator:
    """Finds what a table names.

    Args:
        table: The table's file, beside which it is looked for.
        entries: The files of the zip that it lies in.
        folder: Where in the zip.
        root: The folder to look in instead.
    """
    if root is not None:
        return _locate_in_folder(expanded(root))
    return _locate_in_folder(table.path.parent) if isinstance(table, File) else _locate_in_zip(entries, folder)


def _locate_in_folder(folder: Path) -> ItemLocator:
    """Paths relative to ``folder``, or absolute; with Windows' separators where the plain name is not there."""

    def at(text: str) -> Item | None:
        for candidate in dict.fromkeys((text, text.replace("\\", "/"))):
            path = folder / candidate
            # Unlike ``Path.exists`` it raises nothing where a text is no path: too long, or holding a NUL.
            if os.path.exists(path):  # noqa: PTH110
                return File(path, printable(text))
        return None

    return ItemLocator(at, lambda: walk(folder))


def _locate_in_zip(entries: Sequence[FileEntry], folder: tuple[str, ...]) -> ItemLocator:
    """Paths relative to ``folder`` inside the zip; none leads outside it."""
    items = {entry.parts: entry.item for entry in entries}

    def at(text: str) -> Item | None:
        path = posixpath.normpath(posixpath.join(*folder, text.replace("\\", "/")))
        return items.get(PurePosixPath(path).parts)

    inside = [entry for entry in entries if entry.parts[: len(folder)] == folder]
    return ItemLocator(at, lambda: inside)


def _by_name(entries: Iterable[FileEntry]) -> dict[str, list[FileEntry]]:
    """Files by their name and by their stem, in lower case; tables name files and are not meant themselves."""
    names: defaultdict[str, list[FileEntry]] = defaultdict(list)
    for entry in entries:
        name = entry.parts[-1].lower()
        if not is_tabular(name):
            for called in {name, PurePosixPath(name).stem}:
                names[called].append(entry)
    return dict(names)


def _ends(folders: Sequence[str], asked: Sequence[str]) -> bool:
    return not asked or tuple(folder.lower() for folder in folders[-len(asked) :]) == tuple(asked)
