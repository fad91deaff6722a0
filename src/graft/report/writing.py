"""A page or a table on its way to a file: asked for before the work, written whole or not at all."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from graft.bundle import OVERWRITE_ADVICE
from graft.errors import GraftError, OutputExists, refused_as
from graft.files import try_place, write_atomically


def check_free(path: Path, *, overwrite: bool) -> None:
    """Whether the page or table may be written there; ask before the work, not after it.

    Raises:
        OutputExists: ``path`` is a folder, or is there already and ``overwrite`` is false.
        GraftError: Nothing can be written there.
    """
    if path.is_dir():
        raise OutputExists(f"{path} is a folder.", "Name a file that lies in it, or beside it.")
    if not overwrite and path.exists():
        raise OutputExists(f"{path} is already there.", OVERWRITE_ADVICE)
    with _written_to(path):
        try_place(path)


def write(page: str, path: Path, *, overwrite: bool) -> None:
    """Write the page to a temporary name beside ``path``, sync it, and rename it.

    Raises:
        OutputExists: ``path`` is there already and ``overwrite`` is false.
        GraftError: The file cannot be written.
    """
    check_free(path, overwrite=overwrite)
    with _written_to(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, page.encode())


def _written_to(path: Path) -> AbstractContextManager[None]:
    return refused_as(GraftError, f"The report cannot be written to {path}", "Choose another place for it.")
