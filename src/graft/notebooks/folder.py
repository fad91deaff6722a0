"""The folder of a notebook, copied: for each run of a server, whose notes no other run meets, and for an export."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from graft.contracts import MEGABYTE
from graft.errors import UsageError

MOST_BYTES = 256 * MEGABYTE
MOST_FILES = 5_000


def check_folder(notebook: Path) -> None:
    """Whether what lies beside a notebook is little enough to be copied.

    Raises:
        UsageError: It is too much.
    """
    size = 0
    for count, path in enumerate(_inside(notebook.resolve().parent), 1):
        size += 0 if path.is_symlink() else path.stat().st_size
        if size > MOST_BYTES or count > MOST_FILES:
            raise UsageError(
                f"Beside {notebook.name} lie more than {MOST_BYTES >> 20} MB or {MOST_FILES:,} files, and all of them "
                "would be copied.",
                "Put the notebook into a folder of its own; what is large there may be a link to its place.",
            )


def copy_folder(notebook: Path, content: bytes, target: Path) -> Path:
    """Copy what lies beside a notebook, but for hidden files; links go on leading where they led.

    Args:
        notebook: Which is not read again.
        content: Of the notebook.
        target: What is made.

    Returns:
        The notebook's copy.
    """
    home = notebook.resolve().parent
    target.mkdir()
    for path in _inside(home):
        copy = target / path.relative_to(home)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            copy.symlink_to(os.path.realpath(path))  # which takes one that leads to itself, too
        elif copy.name != notebook.name or copy.parent != target:
            shutil.copyfile(path, copy)
    (target / notebook.name).unlink(missing_ok=True)
    (target / notebook.name).write_bytes(content)
    return target / notebook.name


def files_of(folder: Path) -> dict[str, Path]:
    """What a run has left, by the name under which it can be fetched; no links, which lead elsewhere."""
    found: dict[str, Path] = {}
    for path in sorted(_inside(folder)):
        if not path.is_symlink():
            name = plain_name(path, folder)
            while name in found:
                name += "_"
            found[name] = path
    return found


def plain_name(path: Path, folder: Path) -> str:
    """What a file below a folder is called in addresses, zips and JSON; some letters of a name can stand in none."""
    name = path.relative_to(folder).as_posix()
    return "".join(letter if letter.isprintable() else "_" for letter in name)


def _inside(folder: Path) -> Iterator[Path]:
    """Files and links, at any depth; nothing hidden, and nothing that is neither."""
    for place, folders, files in os.walk(folder):
        linked = [name for name in folders if (Path(place) / name).is_symlink()]
        folders[:] = [name for name in folders if not name.startswith(".") and name not in linked]
        for name in (*linked, *files):
            path = Path(place) / name
            if not name.startswith(".") and (path.is_symlink() or path.is_file()):
                yield path
