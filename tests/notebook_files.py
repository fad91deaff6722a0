"""Notebooks for tests, made of the sources of their cells."""

import json
from pathlib import Path
from typing import Any

PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


def notebook_file(
    path: Path, *sources: str, metadata: dict[str, Any] | None = None, tags: tuple[str, ...] = ()
) -> Path:
    """A notebook with a cell for each source, one of text where it begins with ``md:``; ``tags`` on its first cell."""
    cells: list[dict[str, Any]] = []
    for n, source in enumerate(sources):
        cell: dict[str, Any] = {"cell_type": "code", "id": f"cell-{n}", "metadata": {}, "source": source}
        cell |= {"outputs": [], "execution_count": None}
        if source.startswith("md:"):
            cell = {"cell_type": "markdown", "id": f"cell-{n}", "metadata": {}, "source": source[3:]}
        cells.append(cell)
    if tags:
        cells[0]["metadata"]["tags"] = list(tags)
    whole = {"cells": cells, "metadata": PYTHON if metadata is None else metadata, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(whole), encoding="utf-8")
    return path


def printed(notebook: Path) -> list[str]:
    """What each cell of an executed copy printed and showed."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return ["".join(map(_text, cell.get("outputs", []))) for cell in cells]


def _text(output: dict[str, Any]) -> str:
    text = output.get("text") or output.get("data", {}).get("text/plain") or output.get("traceback") or ""
    return text if isinstance(text, str) else "".join(text)
