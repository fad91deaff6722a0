"""The peers' own virtual environments, made on first use from pinned lists of requirements."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ENVIRONMENTS = HERE / ".environments"
PEERS = HERE / "peers"


class UnavailableError(Exception):
    """A peer's environment cannot be made here, or the peer failed; the message says why."""


def python_of(name: str) -> Path:
    """The interpreter of the environment ``name``, which is made first where it is missing or its list has changed.

    Args:
        name: ``<name>`` of ``peers/requirements-<name>.txt``.

    Raises:
        UnavailableError: It cannot be made; the message holds the last words of ``pip``.
    """
    folder = ENVIRONMENTS / name
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    wanted = requirements_of(name)
    marker = folder / "installed.txt"
    if not marker.is_file() or marker.read_text() != wanted.read_text():
        _make(folder, python, wanted)
        marker.write_text(wanted.read_text())  # written last: its presence means that all was installed
    return python


def requirements_of(name: str) -> Path:
    """The pinned list of requirements of the environment ``name``."""
    return PEERS / f"requirements-{name}.txt"


def last_words(text: str, lines: int = 3) -> str:
    """The last lines of a program's complaint that say something."""
    return " | ".join([line.strip() for line in text.splitlines() if line.strip()][-lines:])


def _make(folder: Path, python: Path, requirements: Path) -> None:
    print(f"making {folder.name}'s environment in {folder} (once)", file=sys.stderr)
    _run([sys.executable, "-m", "venv", "--clear", str(folder)])
    # pip's own environment and configuration are kept: they may name a nearer index or one with wheels for CPU
    _run([str(python), "-m", "pip", "install", "--quiet", "--requirement", str(requirements)])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnavailableError(f"{' '.join(command[1:4])} failed: {last_words(done.stderr or done.stdout)}")
