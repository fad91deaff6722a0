"""``example.py``: the few lines that ask an exported graph without Graft, which people copy into their own programs.

It is run at every export, as a process of its own that has been told nothing: so it cannot fall behind the graph.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from graft.contracts import SEPARATOR
from graft.errors import ExportError
from graft.export.draft import GRAPH
from graft.export.proof.agreement import Answer
from graft.export.tokenizing.files import FOLDER

EXAMPLE = "example.py"
NEEDS = {
    "image": ("numpy", "onnxruntime", "pillow"),
    "text": ("numpy", "onnxruntime"),
    "audio": ("numpy", "onnxruntime", "soundfile"),
}
"""The packages that the example of a modality imports; a model may need more, see ``needs_of``."""
_SECONDS = 600
_UNWRITTEN = "Nothing was written. Check that the packages it needs are installed: pip install 'graft-learn[export]'"
_KEPT = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "HOME", "LANG", "LC_ALL")
"""Of the environment: what any process needs."""


def example_of(modality: str) -> str:
    """The program's text."""
    return template(f"example_{modality}.py")


def template(name: str) -> str:
    """A file that is the same in every export that has it."""
    return resources.files("graft.export.templates").joinpath(name).read_text(encoding="utf-8")


def needs_of(labels: Mapping[str, Any]) -> tuple[str, ...]:
    """The packages that the example of a model imports.

    Args:
        labels: What stands in ``labels.json``.
    """
    return (*NEEDS[labels["modality"]], *labels["input"].get("packages", ()))


def requirements_of(labels: Mapping[str, Any]) -> str:
    """``requirements.txt``: what the example needs, in the versions that are installed here."""
    from importlib.metadata import version

    return "".join(f"{package}=={version(package)}\n" for package in needs_of(labels))


def run_example(folder: Path, files: Sequence[str], classes: Sequence[str]) -> list[Answer]:
    """What the example of an export says of its files, copied out of the folder.

    Args:
        folder: The export, which was made here: its code is run.
        files: Their places in it.
        classes: The labels.

    Raises:
        ExportError: The example does not run.
    """
    with tempfile.TemporaryDirectory(prefix="graft example ") as place:  # with spaces, as a user's folder may have
        copy = Path(place) / "copied out"
        copy.mkdir()
        shutil.copy(folder / EXAMPLE, copy)
        if (folder / FOLDER).is_dir():
            shutil.copytree(folder / FOLDER, copy / FOLDER)
        graph = (folder / GRAPH).resolve()
        names = [str((folder / name).resolve()) for name in files]
        environment = {name: value for name in _KEPT if (value := os.environ.get(name)) is not None}
        command = [sys.executable, "-E", "-s", EXAMPLE, str(graph), *names]
        try:
            done = subprocess.run(  # noqa: S603 - the program that was written here, and files that were
                command, cwd=copy, env=environment, capture_output=True, timeout=_SECONDS
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ExportError(f"The example beside the export does not run: {str(error)[:200]}.", _UNWRITTEN) from None
    lines = done.stdout.decode(errors="replace").splitlines()
    if done.returncode or len(lines) != len(files):
        told = done.stderr.decode(errors="replace").strip().splitlines() or ["nothing was said"]
        raise ExportError(
            f"The example beside the export answered {len(lines)} of {len(files)} golden items and ended with "
            f"{done.returncode}: {told[-1][:300]}",
            _UNWRITTEN,
        )
    try:
        return [_answer(json.loads(line), classes) for line in lines]
    except (LookupError, TypeError, ValueError) as error:
        raise ExportError(f"The example beside the export says something else: {error}.", _UNWRITTEN) from None


def _answer(said: dict[str, Any], classes: Sequence[str]) -> Answer:
    """One line of the example as a graph would have answered.

    Raises:
        ValueError: The label that it names is not that of its own numbers.
    """
    names = ("probabilities", "value", "low", "high", "unknown_score")
    answer = {name: np.array([said[name]], np.float64) for name in names if name in said}
    if classes:
        answer["set"] = np.array([[label in said["set"] for label in classes]])
        best = classes[int(answer["probabilities"][0].argmax())]
        if said["label"] not in (best, SEPARATOR.join(said["set"])):
            raise ValueError(f"{said['label']} where its numbers say {best}")
    return answer
