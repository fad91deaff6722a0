"""How results are shown and kept: a rich table on stdout, and a JSON file with the machine that they belong to."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"
LIBRARIES = ("graft-learn", "numpy", "onnxruntime", "openvino", "pillow", "scikit-learn")

LOAD = os.getloadavg()[0] if hasattr(os, "getloadavg") else None  # before anything is measured: 0 on a machine at rest

WIDTH = 130
"""Columns of a table that goes to a file or a pipe; on a terminal it takes the terminal's."""

console = Console(width=None if sys.stdout.isatty() else WIDTH)
progress = Console(stderr=True)


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], note: str = "") -> None:
    """Print a table: the first column reads left, the figures right."""
    console.print(table(title, columns, rows, note))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], note: str = "") -> Table:
    """The table that ``show`` prints."""
    drawn = Table(title=title, title_justify="left", caption=note or None, caption_justify="left")
    for position, column in enumerate(columns):
        drawn.add_column(column, justify="right" if position else "left")
    for row in rows:
        drawn.add_row(*row)
    return drawn


def keep(name: str, values: Mapping[str, Any], folder: Path = RESULTS) -> Path:
    """Write ``folder/name.json``: the values, the machine, the versions and the time.

    Returns:
        The file that was written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    content = {"benchmark": name, "machine": machine(), "versions": versions(), "time": _now(), **values}
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    progress.print(f"[dim]written: {path}[/dim]", soft_wrap=True)
    return path


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load_before": LOAD,
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def versions() -> dict[str, str]:
    """The versions of Graft and of the libraries that carry the figures."""
    return {name: version(name) for name in LIBRARIES}


def ratio(value: float, base: float) -> str:
    """How many times ``base`` a value is, for a table."""
    return f"{value / base:.1f} x" if base > 0 else "-"


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean."""
    return sum(values) / len(values)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
