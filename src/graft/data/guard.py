"""What was read is never written over: one guard for every output of every command and method."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from graft.bundle import is_saved
from graft.data.dataset import Dataset
from graft.data.items import File, Item, Member
from graft.decoding.formats import PAGE_HEAD, is_own_page
from graft.errors import OutputIsInput
from graft.files import expanded

Kind = Literal["page", "model", "data", "journal"]
Identity = tuple[int, int]
"""Device and inode: the same for all names of a file, through links and in whatever case."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Files and folders that were read.

    Attributes:
        paths: As they were given; what lies below a folder belongs to it.
    """

    paths: tuple[Path, ...] = ()

    @classmethod
    def of(cls, *sources: Dataset | Inputs | str | os.PathLike[str] | None) -> Self:
        """What is behind data sets and paths; of a data set also the files that a table names elsewhere."""
        paths: dict[Path, None] = {}
        for source in sources:
            if isinstance(source, Dataset):
                paths.update(dict.fromkeys(_behind(source)))
            elif isinstance(source, Inputs):
                paths.update(dict.fromkeys(source.paths))
            elif source is not None:
                paths[expanded(source)] = None
        return cls(tuple(paths))

    def check(self, target: str | os.PathLike[str], kind: Kind = "page") -> None:
        """Whether something may be written at a path; ask before the work where the inputs are known by then.

        Args:
            target: A file or folder, there or not.
            kind: A ``"page"`` or ``"model"`` may be laid into the folder of the data, which is read without them, and
                replace an earlier one there; ``"data"``, a table or a copy, may not, for it would be read the next
                time; a ``"journal"`` is appended to, and may lie anywhere.

        Raises:
            OutputIsInput: It is one of the inputs, or holds one, or would change one.
        """
        given, place = Path(target), _real(Path(target))
        there = _identity(place)
        folders: set[Identity] = set()
        for path in self.paths:
            real = _real(path)
            own = _identity(real)
            if real == place or (own is not None and own == there):
                raise _refusal(given, "is what is read")
            if place in real.parents or (there is not None and there in map(_identity, real.parents)):
                raise _refusal(given, f"holds {path}, which is read")
            if own is not None and real.is_dir():
                folders.add(own)
        if kind == "journal":
            return
        own_page = kind == "page" and _is_own_page(place)
        if inside := next((folder for folder in place.parents if _identity(folder) in folders), None):
            if kind == "data" or is_saved(inside):
                raise _refusal(given, f"lies in {inside}, which is read and never changed")
            if place.is_file() and not own_page:
                raise _refusal(given, f"is a file in {inside}, which is read")
        if there is not None and place.is_file() and not own_page and there in self._identities():
            raise _refusal(given, "is another name of a file that is read")

    def _identities(self) -> Iterator[Identity]:
        """Every file among the inputs, those below folders and behind links too."""
        visited: set[Identity] = set()
        stack = list(self.paths)
        while stack:
            path = stack.pop()
            own = _identity(path)
            if own is None or own in visited:
                continue
            visited.add(own)
            if not path.is_dir():
                yield own
                continue
            try:
                stack.extend(path.iterdir())
            except OSError:
                continue


def file_of(item: Item) -> Path | None:
    """The file that an item lies in, be it alone or in a zip."""
    match item:
        case File(path=path) | Member(archive=path):
            return path
    return None


def _behind(dataset: Dataset) -> Iterator[Path]:
    yield from dataset.sources
    folders = tuple(f"{path}{os.sep}" for path in dataset.sources if path.is_dir())
    for path in dict.fromkeys(filter(None, map(file_of, dataset.items))):
        if not (folders and str(path).startswith(folders)):
            yield path
    tables = [path.parent for path in dataset.sources if path.is_file()]
    yield from named_by(tables, (entry.path for entry in dataset.skipped))


def named_by(folders: Iterable[Path], names: Iterable[str]) -> Iterator[Path]:
    """The files that a table names and that could not be used: they are the user's all the same."""
    named = list(names)
    for folder in folders:
        for name in named:
            path = folder / name
            # Raises nothing for a text that is far too long for a name, or holds what no name can.
            if os.path.isfile(path):  # noqa: PTH113
                yield path


def _real(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a loop of links
        return Path(os.path.abspath(path))  # noqa: PTH100


def _identity(path: Path) -> Identity | None:
    try:
        state = path.stat()
    except (OSError, ValueError):
        return None
    return (state.st_dev, state.st_ino)


def _is_own_page(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return is_own_page(file.read(PAGE_HEAD))
    except OSError:
        return False


def _refusal(target: Path, why: str) -> OutputIsInput:
    return OutputIsInput(f"{target} {why}; nothing was written.", "Write it somewhere else, under a name of its own.")
