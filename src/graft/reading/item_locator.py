"""Where the files lie that a table names: at the path, or where a file of that name or stem is found."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path, PurePosixPath

from graft.data.items import File, Item
from graft.data.listing import FileEntry, printable, walk
from graft.decoding.formats import is_tabular, promised

MAX_SEARCHED = 200_000
"""So many files below a folder are looked through for those that a table names."""


class ItemLocator:
    """Finds the items that a table names.

    Called with a path it answers what lies there, or ``None``. ``search`` looks for the name in folders below too, with
    any extension, and answers only where one file fits.
    """

    def __init__(self, at: Callable[[str], Item | None], below: Callable[[], Iterable[FileEntry]]) -> None:
        self._at, self._below = at, below
        self._names: dict[str, list[FileEntry]] | None = None
        self.elsewhere: dict[str, str] = {}
        """What was found by searching: as it is written, and where it lies."""

    def __call__(self, text: str) -> Item | None:
        """What lies at the path."""
        return self._at(text)

    def search(self, text: str) -> Item | None:
        """The one file of this name or stem; with folders in the name, only in folders of these names."""
        found = self.candidates(text)
        if len(found) != 1:
            return None
        self.elsewhere[text] = found[0].item.name
        return found[0].item

    def candidates(self, text: str) -> list[FileEntry]:
        """All files that could be meant: pictures and recordings, and others only where there are none."""
        parts = tuple(part.lower() for part in PurePosixPath(text.replace("\\", "/")).parts if part != ".")
        if not parts or ".." in parts:
            return []
        if self._names is None:
            self._names = _by_name(islice(self._below(), MAX_SEARCHED))
        fits = [entry for entry in self._names.get(parts[-1], ()) if _ends(entry.parts[:-1], parts[:-1])]
        return [entry for entry in fits if promised(entry.parts[-1]) in ("image", "audio")] or fits


def resolve_in_folder(folder: Path) -> ItemLocator:
    """Paths relative to ``folder``, or absolute; with Windows' separators where the plain name is not there."""

    def at(text: str) -> Item | None:
        for candidate in dict.fromkeys((text, text.replace("\\", "/"))):
            try:
                path = folder / candidate
                if path.exists():
                    return File(path, printable(text))
            except (OSError, ValueError):  # too long, or holding a NUL: no path
                pass
        return None

    return ItemLocator(at, lambda: walk(folder))


def resolve_in_zip(entries: Sequence[FileEntry], folder: tuple[str, ...]) -> ItemLocator:
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
