"""The executed copy of a notebook: whole at any instant, and with nothing in it that is nobody else's business."""

from __future__ import annotations

import copy
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from graft.errors import OutputExists
from graft.files import beside, write_atomically
from graft.notebooks.hiding import Hiding
from graft.notebooks.outputs import MAX_COPY_BYTES, size_of
from graft.notebooks.parameters import TAG, Injection

RESULT = "run.json"
"""What a run came to, beside its executed copy."""


class ExecutedCopy:
    """The notebook that is executed, and the file in which it is kept.

    Args:
        notebook: The notebook as it was brought; it stays as it is.
        injections: What goes behind which cell.
        secret: Names whose values are not shown.
        target: The file.
        hiding: What may not stand in it.
    """

    def __init__(
        self, notebook: Any, injections: list[Injection], secret: frozenset[str], target: Path, hiding: Hiding
    ) -> None:
        self.notebook = copy.deepcopy(notebook)
        self.target = target
        self._hiding = hiding
        self._cleaned: dict[int, Any] = {}
        self._size = 0
        self.numbers: list[int] = []
        self.shown: dict[int, str] = {}
        behind = {one.after: one for one in injections}
        cells = []
        for number, cell in enumerate(self.notebook.cells, start=1):
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
            cells.append(cell)
            self.numbers.append(number)
            if number in behind:
                self.shown[len(cells)] = behind[number].source(secret)
                cells.append(self._injected(behind[number].source()))
                self.numbers.append(number)
        self.notebook.cells = cells

    def _injected(self, source: str) -> Any:
        from nbformat.v4 import new_code_cell

        cell = new_code_cell(source, metadata={"tags": [TAG]})
        cell["id"] = f"graft-{secrets.token_hex(4)}"
        if (self.notebook.nbformat, self.notebook.nbformat_minor) < (4, 5):
            del cell["id"]
        return cell

    def write(self, done: int | None = None) -> None:
        """Write it; of the cell ``done`` the outputs are final.

        Raises:
            OSError: It cannot be written.
        """
        from nbformat.v4 import writes

        if done is not None:
            self._cleaned[done] = self._clean(done)
        written = copy.copy(self.notebook)
        written.cells = [self._cleaned.get(n) or self._clean(n) for n in range(len(self.notebook.cells))]
        text = writes(written)
        write_atomically(self.target, f"{text}\n".encode("utf-8", "backslashreplace"))

    def finish(self) -> None:
        """Write it once more, for a later cell may have changed what an earlier one shows.

        Raises:
            OSError: It cannot be written.
        """
        self._cleaned.clear()
        self.write()

    def _clean(self, index: int) -> Any:
        cell = self.notebook.cells[index]
        shown = self.shown.get(index)
        if cell.cell_type != "code":
            return cell
        cleaned = copy.copy(cell)
        cleaned.source = self._hiding.without_secrets(cell.source) if shown is None else self._hiding.text(shown)
        cleaned.outputs = [self._clean_output(output) for output in cell.outputs]
        return cleaned

    def _clean_output(self, output: Any) -> Any:
        cleaned = copy.copy(output)
        for key in ("text", "ename", "evalue", "traceback"):
            if key in output:
                cleaned[key] = self._hiding.value(output[key])
        if "data" in output:
            cleaned["data"] = type(output["data"])({kind: self._shown(kind, v) for kind, v in output["data"].items()})
        return cleaned

    def _shown(self, kind: str, value: Any) -> Any:
        """What was shown in one form."""
        if kind.startswith("image/") and kind != "image/svg+xml":
            return value
        return self._hiding.value(value)

    def bound(self, index: int) -> bool:
        """Whether the outputs of a cell that ended have room in the copy; where not, a line stands for them."""
        from nbformat.v4 import new_output

        cell = self.notebook.cells[index]
        size = size_of(cell.outputs)
        if self._size + size <= MAX_COPY_BYTES:
            self._size += size
            return True
        text = f"[its outputs were left out: {MAX_COPY_BYTES >> 20} MB of the whole notebook are kept]\n"
        cell.outputs = [*(one for one in cell.outputs if one.output_type == "error")]
        cell.outputs.append(new_output("stream", name="stderr", text=text))
        return False


def open_output(output: Path, read: Iterable[Path], *, overwrite: bool) -> None:
    """Make the folder of a run.

    Args:
        output: The folder.
        read: What the notebook is read from, and may read.
        overwrite: Whether the folder of an earlier run goes.

    Raises:
        OutputExists: There is something at its place, or what is read lies in it.
        OSError: It cannot be made.
    """
    if output.is_symlink() or output.exists():
        ours = output.is_dir() and ((output / RESULT).is_file() or not any(output.iterdir()))
        if not overwrite:
            raise OutputExists(
                f"There is something at {output}; nothing was run.", "Name another place, or --overwrite."
            )
        if not ours or output.is_symlink():
            raise OutputExists(
                f"{output} is no folder that graft run wrote; nothing was run.", "Name another place with -o."
            )
        if lost := next((one for one in read if _lies_in(one, output)), None):
            raise OutputExists(f"{output} holds {lost}, which is read; nothing was run.", "Name another place with -o.")
        aside = beside(output.resolve(), "old")
        output.rename(aside)
        shutil.rmtree(aside)
    output.mkdir(parents=True)
    write_atomically(output / RESULT, b"{}\n")


def _lies_in(path: Path, folder: Path) -> bool:
    """Whether it is there, and in the folder; a text that is no name of a file is nowhere."""
    try:
        return path.exists() and path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError):
        return False
