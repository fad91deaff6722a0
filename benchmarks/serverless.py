"""What a function weighs, what its first answer costs, and whether a thousand calls leave anything behind."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.exports import exported_each, fitted
from benchmarks.goals import Goal, plain_goals, show_goals
from benchmarks.results import keep, show
from graft.data.dataset import Dataset
from graft.errors import ExportError
from graft.export.exporting import export_model
from graft.export.options import TargetOptions

SETS = ("ants_bees", "trec6", "spoken_digits")
PHOTOS = "ants_bees"
ROUNDS, CALLS, OTHERS = 15, 1000, 100
"""Starts of each kind, in turn; calls of one process, of so many different items."""
PYTHONS = ("3.13", "3.12")
_IMPORTS = {"image": "import numpy, onnxruntime, PIL.Image", "text": "import numpy, onnxruntime"}
_IMPORTS["audio"] = "import numpy, onnxruntime, soundfile"
_OPENED = """
import os
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
{imports}
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = len(os.sched_getaffinity(0))
onnxruntime.InferenceSession("model.onnx", options, providers=["CPUExecutionProvider"])
"""
"""What no way around it can leave out."""
_ANSWERED = """
import json, sys
from handler import handler
assert handler(json.load(open(sys.argv[1])), None)["statusCode"] == 200
"""
_CALLED = """
import json, os, sys
from handler import handler
events = json.load(open(sys.argv[1]))
held = []
for n in range(int(sys.argv[2])):
    handler(events[n % len(events)], None)
    if n + 1 in (len(events), int(sys.argv[2])):
        held.append(int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
print(json.dumps(held))
"""


def measure(names: Sequence[str] = ()) -> None:
    """Fit, export with packages from the index, unzip, start and ask; write ``results/serverless.json``."""
    cells = exported_each(SETS, names, _measured)
    show(
        "A function, unzipped, as its machine has it",
        ("set", "zip, MB", "unzipped, MB", "libraries opened, ms", "first answer, ms", "ratio", "MB more", "files"),
        [_line(cell) for cell in cells],
        f"MB of 1,000,000 bytes. Processor time of a process, median of {ROUNDS} in turn: importing the libraries and "
        f"opening the graph; and from its start to its first answer. MB more: after {CALLS:,} calls against after "
        f"{OTHERS}; files: that they left in TMPDIR.",
    )
    goals = _goals(cells)
    show_goals("Functions", goals)
    keep("serverless", {"cells": cells, "goals": plain_goals(goals)})


def _measured(name: str) -> dict[str, Any]:
    model, others = fitted(name)
    python, version = function_python()
    with TemporaryDirectory() as place:
        folder, task, temporary = (Path(place) / part for part in ("function", "task", "tmp"))
        added = export_model(model, "serverless", folder, options=TargetOptions(python=version)).added.facts
        with zipfile.ZipFile(folder / "function.zip") as archive:
            archive.extractall(task)
        temporary.mkdir()
        one, many = Path(place) / "event.json", Path(place) / "events.json"
        events = [_event(content) for content in _contents(others)]
        one.write_text(json.dumps(events[0]))
        broken = [_event(b"no item at all"), {**events[0], "isBase64Encoded": False}]
        many.write_text(json.dumps((events + broken)[-OTHERS:]))
        opened = _OPENED.format(imports=_IMPORTS[others.modality])
        costs: dict[str, list[float]] = {"opened": [], "answered": []}
        for _ in range(ROUNDS):
            costs["opened"].append(_run(python, task, temporary, opened)[0])
            costs["answered"].append(_run(python, task, temporary, _ANSWERED, str(one))[0])
        held = json.loads(_run(python, task, temporary, _CALLED, str(many), str(CALLS))[1])
        left = sum(1 for _ in temporary.rglob("*"))
    ratios = [b / a for a, b in zip(costs["opened"], costs["answered"], strict=True)]
    return {
        "set": name,
        "python": version,
        "zip_mb": round(added["zip_bytes"] / 1e6, 1),
        "unzipped_mb": round(added["unzipped_bytes"] / 1e6, 1),
        "way": added["way"],
        "opened_ms": round(1e3 * statistics.median(costs["opened"])),
        "answered_ms": round(1e3 * statistics.median(costs["answered"])),
        "ratio": round(statistics.median(ratios), 3),
        "more_mb": round((held[1] - held[0]) / 1e6, 1),
        "left": left,
    }


def _contents(others: Dataset) -> list[bytes]:
    return [item.read() for item in others.items[:OTHERS]]


def _event(content: bytes) -> dict[str, Any]:
    import base64

    http = {"method": "POST", "path": "/"}
    body = base64.b64encode(content).decode()
    return {"rawPath": "/", "headers": {}, "requestContext": {"http": http}, "body": body, "isBase64Encoded": True}


def function_python() -> tuple[str, str]:
    """An interpreter of a Python that functions have.

    Raises:
        ExportError: There is none here.
    """
    for version in PYTHONS:
        found = shutil.which(f"python{version}")
        if found and subprocess.run([found, "-c", ""], capture_output=True).returncode == 0:
            return found, version
    raise ExportError(f"There is no Python {' or '.join(PYTHONS)} here.", "Install one.")


def _run(python: str, task: Path, temporary: Path, program: str, *words: str) -> tuple[float, str]:
    """Processor seconds of a process in the function's folder, and what it printed."""
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        [python, "-c", program, *words], cwd=task, env=environment, stdout=subprocess.PIPE, stderr=sys.stderr
    )
    assert process.stdout is not None
    said = process.stdout.read().decode()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, program
    return used.ru_utime + used.ru_stime, said


def _goals(cells: Sequence[dict[str, Any]]) -> list[Goal]:
    goals = [Goal("files left by any", max((cell["left"] for cell in cells), default=0), "at most", 0)]
    for cell in cells:
        if cell["set"] == PHOTOS:
            goals.append(Goal("photos: folder with model, unzipped", cell["unzipped_mb"], "at most", 150, "MB"))
            goals.append(Goal("photos: first answer against opening", cell["ratio"], "at most", 1.5, "x"))
    return goals


def _line(cell: dict[str, Any]) -> tuple[str, ...]:
    return (
        cell["set"],
        f"{cell['zip_mb']:.1f}",
        f"{cell['unzipped_mb']:.1f}",
        f"{cell['opened_ms']}",
        f"{cell['answered_ms']}",
        f"{cell['ratio']:.2f} x",
        f"{cell['more_mb']:.1f}",
        f"{cell['left']}",
    )
