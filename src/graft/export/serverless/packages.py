"""The packages of a function: chosen by pip for the machine that runs it, and checked before they leave."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from graft.errors import ExportError
from graft.export.serverless.libraries import Machine, check_libraries

_MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
"""As wheels call the processors."""
_OLDEST = 17
"""The oldest glibc (2.17) that wheels are built for."""
_SECONDS = 1800
_NO_PIP = "python -m ensurepip"
_LEFT_OUT = ("bin", "share", "include")
"""Of what pip lays down: commands and headers, which nothing imports."""
_NOT_IMPORTED = ("tests", "__pycache__")
_NOT_READ = (".pyi", ".pxd", ".h", ".a")
"""What compilers and editors read."""
BEHIND = {"soundfile": ("cffi", "typing_extensions")}
"""What a package needs of others to be imported here; what else it names is for roads that a function does not go."""


def install_packages(requirements: Iterable[str], folder: Path, machine: Machine, wheels: Path | None) -> int:
    """Lay packages down as the machine takes them, each in the version that was asked for, and nothing else.

    Args:
        requirements: ``NAME==VERSION``.
        folder: Made; what pip lays down, without tests and commands.
        machine: What they are chosen for.
        wheels: A folder to take them from; ``None``: from the package index, as pip is set up here.

    Returns:
        How many shared libraries there are, each of which the machine can load.

    Raises:
        ExportError: There is no pip, no such wheel, or one whose library does not fit; names it.
    """
    wanted = list(requirements)
    tags = [f"manylinux_2_{minor}" for minor in range(_OLDEST, machine.glibc[1] + 1)] + ["manylinux2014"]
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--quiet"]
    command += ["--no-deps", "--no-compile", "--only-binary=:all:", "--target", str(folder)]
    command += ["--implementation", "cp", "--python-version", machine.python]
    command += [word for tag in tags for word in ("--platform", f"{tag}_{_MACHINES[machine.platform]}")]
    if wheels is not None:
        command += ["--no-index", "--find-links", str(wheels.resolve())]
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    try:
        done = subprocess.run(  # noqa: S603 - pip, with names and versions of what is installed here
            [*command, *wanted], env=environment, capture_output=True, timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ExportError(f"pip did not come to an end: {str(error)[:200]}.", "Try again.") from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        if lines[-1].endswith("No module named pip"):
            raise ExportError("There is no pip in this environment, which chooses a function's packages.", _NO_PIP)
        told = next((line for line in reversed(lines) if line.startswith("ERROR")), lines[-1]).removeprefix("ERROR: ")
        raise ExportError(
            f"pip has no {', '.join(wanted)} for Python {machine.python} on Lambda's {machine.platform} "
            f"(glibc {machine.glibc[0]}.{machine.glibc[1]}): {told[:300]}",
            "Choose another --python, or give a folder of such wheels with --wheels.",
        )
    _prune(folder)
    return check_libraries(folder, machine)


def _prune(folder: Path) -> None:
    """Take away what no program imports."""
    for name in _LEFT_OUT:
        shutil.rmtree(folder / name, ignore_errors=True)
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and path.name in _NOT_IMPORTED:
            shutil.rmtree(path)
        elif path.suffix in _NOT_READ:
            path.unlink()
