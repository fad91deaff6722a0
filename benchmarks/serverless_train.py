"""A function that trains: its model against that of ``graft fit``, with its own packages and with all of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.exports import fitted
from benchmarks.goals import Goal, plain_goals, show_goals
from benchmarks.results import keep, progress, show
from benchmarks.serverless import function_python
from benchmarks.sets import DATA
from graft import fit, read
from graft.errors import ExportError
from graft.export.exporting import export_model
from graft.export.options import TargetOptions

PHOTOS, TRAINED, HELD_OUT, CALLS = "ants_bees", 100, 150, 20
_TRAINED = """
import json, os, sys
from handler import handler
event, n = json.loads(sys.argv[1]), int(sys.argv[2])
held = []
for _ in range(n):
    said = handler(event, None)
    assert "error" not in said, said
    held.append(int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
print(json.dumps({"said": said, "held": held}))
"""


def measure() -> None:
    """Export, unzip, train by an event on a store on loopback, fit beside it; write ``serverless_train.json``."""
    if not (DATA / PHOTOS).is_dir():
        progress.print(f"[dim]{PHOTOS} is left out[/dim]")
        return
    from tests.buckets import S3Server

    try:
        python, version = function_python()
    except ExportError as error:
        progress.print(f"[dim]{error}[/dim]")
        return
    with TemporaryDirectory() as place:
        store = S3Server(Path(place) / "store")
        os.environ.update(store.environment)
        try:
            cell = _measured(Path(place), store, python, version)
        finally:
            store.stop()
    show(
        "A function that trains",
        (
            "photos",
            "function, unzipped, MB",
            "event, s",
            "peak, MB",
            "files alike",
            "labels alike",
            "MB more",
            "files left",
        ),
        [
            (
                f"{TRAINED} + {HELD_OUT}",
                f"{cell['unzipped_mb']:.0f}",
                f"{cell['seconds']:.1f}",
                f"{cell['peak_mb']:.0f}",
                f"{cell['alike']} of {cell['files']}",
                f"{cell['labels']:.1%}",
                f"{cell['more_mb']:.1f}",
                f"{cell['left']}",
            )
        ],
        f"Python {version} with the function's packages alone. Files alike: of the bundle, byte for byte, against "
        f"graft fit with the same packages. Labels alike: of {HELD_OUT} photos that neither has seen, against a fit "
        f"and its answers with all packages ({cell['backend']}). MB more: what the process holds after {CALLS} "
        f"trainings against after 2; files left: in TMPDIR.",
    )
    goals = [
        Goal("bundle: files that differ", cell["files"] - cell["alike"], "at most", 0),
        Goal("labels as with all packages", round(100 * cell["labels"], 2), "at least", 99, "%"),
        Goal("function, unzipped", cell["unzipped_mb"], "at most", 250, "MB"),
        Goal("files left in TMPDIR", cell["left"], "at most", 0),
    ]
    show_goals("Functions that train", goals)
    keep("serverless_train", {"cells": [cell], "goals": plain_goals(goals)})


def _measured(place: Path, store: Any, python: str, version: str) -> dict[str, Any]:
    shown, held_out = _photos(place)
    task, temporary = place / "task", place / "tmp"
    temporary.mkdir()
    options = TargetOptions(python=version, train=True)
    added = export_model(fitted(PHOTOS)[0], "serverless", place / "function", options=options).added.facts
    with zipfile.ZipFile(place / "function" / "function.zip") as archive:
        archive.extractall(task)
    address = store.put_folder(shown, "photos")
    event = {"train": address, "output": "s3://private/models/"}
    once = _run(python, task, temporary, _TRAINED, json.dumps(event), "1")
    said = once["said"]
    many = _run(python, task, temporary, _TRAINED, json.dumps({**event, "force": True}), str(CALLS))
    trained, same = place / "trained", place / "same" / "photos.graft"
    content = place / "photos.graft.zip"
    content.write_bytes(store.client().get_object(Bucket="private", Key="models/photos.graft.zip")["Body"].read())
    with zipfile.ZipFile(content) as archive:
        archive.extractall(trained)
    same.parent.mkdir()
    _graft(python, task, temporary, "fit", address, "-o", str(same), "--no-cache", "--json")
    files = sorted(path.name for path in same.iterdir())
    alike = sum((trained / "photos.graft" / name).read_bytes() == (same / name).read_bytes() for name in files)
    asked = sorted(map(str, held_out.iterdir()))
    answers = json.loads(_graft(python, task, temporary, "predict", str(trained / "photos.graft"), *asked, "--json"))
    full = fit(read(str(shown)), cache=None)
    known = [one.label for one in full.predict([Path(path) for path in asked])]
    labels = np.mean([one["label"] == label for one, label in zip(answers, known, strict=True)])
    return {
        "set": PHOTOS,
        "python": version,
        "backend": full.report.backend,
        "unzipped_mb": round(added["unzipped_bytes"] / 1e6, 1),
        "seconds": said["receipt"]["seconds"],
        "peak_mb": said["receipt"]["peak_mb"],
        "files": len(files),
        "alike": int(alike),
        "labels": float(labels),
        "more_mb": round((many["held"][-1] - many["held"][1]) / 1e6, 1),
        "left": sum(1 for _ in temporary.rglob("*")),
    }


def _photos(place: Path) -> tuple[Path, Path]:
    """A folder per class to train on, and one of others, in an order of chance."""
    dataset = read(DATA / PHOTOS)
    order = np.random.default_rng(0).permutation(len(dataset))
    shown, held_out = place / "photos", place / "held_out"
    held_out.mkdir()
    for n, row in enumerate(order[: TRAINED + HELD_OUT]):
        item = dataset.items[row]
        folder = shown / dataset.labels[row] if n < TRAINED else held_out
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{n:03}{Path(item.name).suffix}").write_bytes(item.read())
    return shown, held_out


def _run(python: str, task: Path, temporary: Path, program: str, *words: str) -> Any:
    return json.loads(_said([python, "-c", program, *words], task, temporary))


def _graft(python: str, task: Path, temporary: Path, *words: str) -> str:
    return _said([python, "-m", "graft", *words], task, temporary)


def _said(command: list[str], task: Path, temporary: Path) -> str:
    """What a process in the function's folder printed; it knows the store and TMPDIR, and has no home."""
    kept = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    own = {"PATH": os.environ["PATH"], "TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"}
    with TemporaryDirectory() as cache:
        more = {"GRAFT_WEIGHTS": str(task / "weights"), **({"GRAFT_CACHE": cache} if "-m" in command else {})}
        done = subprocess.run(command, cwd=task, env={**kept, **own, **more}, stdout=subprocess.PIPE, stderr=sys.stderr)
    assert done.returncode == 0, command
    return done.stdout.decode()
