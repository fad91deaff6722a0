"""The notebook as it was brought: read, checked, and looked through for what is not here."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import platform
import re
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graft.errors import MissingExtra, NotebookError

MAX_NOTEBOOK_BYTES = 100 * 1024 * 1024
FORMAT = 4
"""The version of the format in which notebooks are read and written."""
SKIPPED_TAG = "skip-execution"
_PYTHON_MAGICS = ("time", "capture", "prun")
"""Cell magics that run the rest of the cell as Python, in the notebook's own names."""
_COLAB = ("google.colab", "kaggle_secrets", "dbutils")
_DRIVE = re.compile(r"/content/(?:g?drive|MyDrive)[^'\"\s]*|/kaggle/input/[^'\"\s]*")
_OTHERS = {"ir": "R", "julia": "Julia", "scala": "Scala", "bash": "Bash", "javascript": "JavaScript", "sql": "SQL"}
"""Beginnings of the names of kernels of other languages, where a notebook does not say its language."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of code.

    Attributes:
        number: Counts all cells of the notebook from 1.
        source: As it stands there.
        tree: It as Python, with shell lines and magics as calls; ``None`` where it is no Python.
    """

    number: int
    source: str
    tree: ast.Module | None


def need_libraries() -> None:
    """Raise where the extra is not installed, or cannot be.

    Raises:
        MissingExtra: It is not.
        NotebookError: The system is Windows.
    """
    if sys.platform == "win32":
        raise NotebookError(
            "Notebooks run on Linux and macOS, and this is Windows.", "Run it in WSL or in a container."
        )
    for name in ("nbformat", "nbclient", "ipykernel"):
        if importlib.util.find_spec(name) is None:
            raise MissingExtra(f"The library {name} is not installed.", "pip install 'graft-learn[notebooks]'")


def read_notebook(path: Path) -> Any:
    """The notebook in a file, in version 4 of the format.

    Raises:
        MissingExtra: The libraries for it are not installed.
        NotebookError: It is none, or in another language than Python.
    """
    need_libraries()
    import nbformat

    if not path.is_file():
        raise NotebookError(f"There is no file {path}.", "Give the path of a notebook (.ipynb).")
    if path.stat().st_size > MAX_NOTEBOOK_BYTES:
        raise NotebookError(
            f"{path} is larger than {MAX_NOTEBOOK_BYTES >> 20} MB.", "Clear its outputs in the editor, and save it."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a cell without a name is mended as it is read
            whole = json.loads(path.read_bytes().decode("utf-8-sig"))
            _complete(whole)
            _, notebook = nbformat.validator.normalize(
                nbformat.convert(nbformat.reader.reads(json.dumps(whole)), FORMAT)
            )
            for cell in notebook.cells:
                cell.source.encode()  # half a letter (a lone surrogate) could be sent to no kernel
    except Exception as error:  # what a broken file makes of the reader is not one kind of exception
        what = str(error).strip().partition("\n")[0][:200] or type(error).__name__
        raise NotebookError(
            f"{path} is no notebook that can be read: {what}.", "Open and save it in an editor."
        ) from None
    return notebook


def _complete(notebook: Any) -> None:
    """What editors leave out is put in; what no cell can be without is asked for.

    Raises:
        ValueError: It is no list of cells.
    """
    if not isinstance(notebook, dict) or not isinstance(notebook.setdefault("metadata", {}), dict):
        raise ValueError("it is no object with metadata")
    if notebook.get("nbformat", 0) < FORMAT:  # the library knows what that looks like
        return
    if not isinstance(notebook.get("cells"), list):
        raise ValueError("it holds no cells")
    for number, cell in enumerate(notebook["cells"], start=1):
        if not isinstance(cell, dict) or not isinstance(cell.get("source"), str | list) or not cell.get("cell_type"):
            raise ValueError(f"cell {number} has no source or no type")
        if not isinstance(cell.setdefault("metadata", {}), dict):
            raise ValueError(f"the metadata of cell {number} are no object")
        if cell["cell_type"] == "code":
            cell.setdefault("outputs", [])
            cell.setdefault("execution_count", None)


def kernel_note(notebook: Any, path: Path) -> str:
    """What there is to say of the kernel that the notebook asks for; nothing, mostly.

    Raises:
        NotebookError: It is not written in Python.
    """
    spec, info = (notebook.metadata.get(key) for key in ("kernelspec", "language_info"))
    name = str(spec.get("name") or "") if isinstance(spec, dict) else ""
    language = str(spec.get("language") or "") if isinstance(spec, dict) else ""
    if not language and isinstance(info, dict):
        language = str(info.get("name") or "")
    if not language:
        likely = (other for begin, other in _OTHERS.items() if re.fullmatch(rf"i?{begin}([-_.0-9].*)?", name.lower()))
        language = next(likely, "")
    language = "".join(filter(str.isprintable, language))[:40]
    if language and not language.lower().startswith(("python", "ipython")):
        raise NotebookError(f"{path} is written in {language}, not in Python.", "graft run takes notebooks in Python.")
    runs = f"it runs with the Python {platform.python_version()} that runs graft"
    if not name:
        return f"The notebook names no kernel: {runs}."
    return "" if name == "python3" else f"The notebook asks for the kernel {name!r}: {runs}."


def code_cells(notebook: Any) -> Iterator[Cell]:
    """The cells that are run."""
    from IPython.core.inputtransformer2 import TransformerManager

    transform = TransformerManager().transform_cell
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "code" and not has_tag(cell, SKIPPED_TAG):
            yield Cell(number, cell.source, _parsed(cell.source, transform))


def has_tag(cell: Any, tag: str) -> bool:
    """Whether a cell of a notebook bears a tag."""
    tags = cell.metadata.get("tags")
    return isinstance(tags, list) and tag in tags


def _parsed(source: str, transform: Any) -> ast.Module | None:
    body = source.lstrip()
    if found := re.match(r"%%(\w+)[^\n]*(?:\n|$)", body):
        if found[1] not in _PYTHON_MAGICS:
            return None
        return _parsed(body[found.end() :], transform)
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes and comparisons in the notebook, which Python tells as it runs
            tree: ast.Module = compile(str(transform(source)), "cell", "exec", flags, dont_inherit=True)
            return tree
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def needs_elsewhere(cells: list[Cell]) -> list[str]:
    """What cells need that is only on Colab or Kaggle and not here, each named with its cell.

    What stands in a ``try`` or an ``if`` asks for itself whether it is there.
    """
    found = []
    for cell in cells:
        names = [f"{name}." for statement in (cell.tree.body if cell.tree else ()) for name in _imported(statement)]
        needed = (module for module in _COLAB if any(name.startswith(f"{module}.") for name in names))
        found += [f"cell {cell.number} needs {module}" for module in needed if not _is_here(module)]
    return found


def drive_notes(cells: list[Cell]) -> list[str]:
    """Folders of a mounted drive that cells name and that are not here."""
    named = dict.fromkeys(
        (cell.number, folder.rstrip("\\")) for cell in cells for folder in _DRIVE.findall(cell.source)
    )
    return [
        f"Cell {number} names {folder}, which is not on this machine: give its name in the cell another path with -p."
        for number, folder in named
        if not os.path.exists(folder)  # noqa: PTH110 - which takes what no path can hold
    ]


def _imported(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.Import):
        return [alias.name for alias in statement.names]
    if isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
        return [statement.module, *(f"{statement.module}.{alias.name}" for alias in statement.names)]
    return []


def _is_here(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False
