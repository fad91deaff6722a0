"""``graft verify --install``: a fresh environment installs what an export asks for, runs it, and asks it.

What lies in the folder is run here, as whoever installs it would run it: with none of this process's environment, in a
copy of the files that the certificate names, on loopback. Whatever was started is ended, and nothing of it stays.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graft.contracts import Progress, silent
from graft.errors import ExportError
from graft.executors import on_sigterm
from graft.export.draft import GRAPH
from graft.export.examples import EXAMPLE
from graft.export.exported_folder import ExportedFolder
from graft.export.proof.agreement import FILE_TOLERANCE, Agreement, Answer
from graft.export.proof.golden_set import FOLDER, GoldenSet
from graft.export.space.folder import PYTHON_VERSION, REQUIREMENTS

PAGE = "app.py"
START_SECONDS = 300.0
ASK_SECONDS = 1200.0
INSTALL_SECONDS = 3600.0
_STOP_SECONDS = 10.0
_KEPT = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LANG", "LC_ALL")
"""Of the environment: what any process needs. Tokens are none of it."""
_NOT_PIPS = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_LINES = 1_000_000
_ASK = """\
import json, sys
from gradio_client import Client, handle_file

address, kind, *names = sys.argv[1:]
client = Client(address, verbose=False)
for name in names:
    item = open(name, encoding="utf-8").read() if kind == "text" else handle_file(name)
    try:
        answer = client.predict(item, api_name="/answer")[1]
    except Exception as error:
        answer = {"error": {"message": str(error)[:300]}}
    print(json.dumps(answer), flush=True)
"""


@dataclass(frozen=True, slots=True)
class Installation:
    """What a fresh environment said.

    Attributes:
        packages: How many were installed.
        mb: Megabytes that they take.
        seconds: Of ``install``, of ``start`` (to the first answer) and of ``answers``, all of them.
        agreement: How alike it answered to the golden files; ``None`` where it did not.
        problem: Why not.
    """

    packages: int
    mb: float
    seconds: dict[str, float]
    agreement: Agreement | None
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether it answered as the model did."""
        return self.agreement is not None and self.agreement.ok

    def to_dict(self) -> dict[str, Any]:
        """JSON-able values."""
        found = self.agreement
        return {
            "ok": self.ok,
            "packages": self.packages,
            "mb": round(self.mb, 1),
            "seconds": {name: round(value, 2) for name, value in self.seconds.items()},
            "agreement": found.share if found else None,
            "largest_difference": found.reported if found else None,
            "near_threshold": len(found.near) if found else None,
            "differing": [one.to_dict() for one in found.differing] if found else [],
            "problem": self.problem or None,
        }


def install(folder: ExportedFolder, goldens: GoldenSet, progress: Progress = silent) -> Installation:
    """Install, start and ask an export; a Space through its page, any other through its example.

    Args:
        folder: Its files are as its certificate says.
        goldens: Items with the model's answers.
        progress: Told of the step ``"install"``.

    Raises:
        ExportError: A file is not what the certificate says, or its requirements cannot be installed.
    """
    labels = folder.labels()
    classes, modality = tuple(labels["classes"]), str(labels["modality"])
    temporary = tempfile.TemporaryDirectory(prefix="graft install ", ignore_cleanup_errors=True)
    with on_sigterm(_end_in_order), temporary as name:
        work = Path(name)
        place = _copied(folder, work / "export")
        progress("install", 0, 3)
        environment, packages, mb, seconds = _environment(place, work)
        progress("install", 1, 3)
        files = [str(place / FOLDER / item.name) for item in goldens.items]
        watch = {"install": seconds, "start": 0.0, "answers": 0.0}
        try:
            if (place / PAGE).is_file():
                said = _through_page(environment, place, work, modality, files, watch)
            else:
                said = _through_example(environment, place, work, files, watch)
        except _NotAsked as error:
            return Installation(packages, mb, watch, None, f"{error}{_of_another_python(place)}")
        progress("install", 2, 3)
    agreement = Agreement(goldens.boundary, FILE_TOLERANCE, classes)
    for item, answer in zip(goldens.items, said, strict=True):
        agreement.add(item.name, item.of_file, answer_of(answer, classes))
    progress("install", 3, 3)
    return Installation(packages, mb, watch, agreement)


def answer_of(said: Any, classes: Sequence[str]) -> Answer | str:
    """What a page or an example said of an item, as a graph would have; a text where that is no answer."""
    try:
        if not isinstance(said, dict):
            raise TypeError
        if "error" in said:
            return str(said["error"]["message"])[:300]
        if not classes:
            return {key: np.array([float(said[key])]) for key in ("value", "low", "high", "unknown_score")}
        scores = said.get("scores") or dict(zip(classes, said["probabilities"], strict=True))
        return {
            "probabilities": np.array([[float(scores[label]) for label in classes]]),
            "unknown_score": np.array([float(said["unknown_score"])]),
            "set": np.array([[label in said["set"] for label in classes]]),
        }
    except (LookupError, TypeError, ValueError):
        return f"it is no answer: {str(said)[:100]}"


def _end_in_order(number: int, frame: object) -> None:
    """SIGTERM, which else ends a process at once, ends it as Ctrl-C does: with all that was started, and its files."""
    raise SystemExit(128 + number)


class _NotAsked(Exception):
    """It was installed, and does not answer."""


def _copied(folder: ExportedFolder, place: Path) -> Path:
    """The files that the certificate names, each checked as it is copied: they are run next."""
    import hashlib

    for name, digest in folder.certificate.hashes.items():
        content = folder.read(name)
        if hashlib.sha256(content).hexdigest() != digest:
            raise ExportError(
                f"{name} is not what the certificate says; nothing was installed or run.", "Export the model again."
            )
        target = place.joinpath(*name.split("/"))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    if not (place / REQUIREMENTS).is_file():
        raise ExportError(f"The export has no {REQUIREMENTS}.", "Export the model again.")
    return place


def _interpreter(place: Path) -> str:
    """The Python to install with: of a Space the one that its hub runs, where it is at hand, else this one."""
    wanted = shutil.which(f"python{PYTHON_VERSION}") if (place / PAGE).is_file() and not _is_tested() else None
    return wanted or sys.executable


def _of_another_python(place: Path) -> str:
    if not (place / PAGE).is_file() or _is_tested() or _interpreter(place) != sys.executable:
        return ""
    own = "{}.{}".format(*sys.version_info)
    return f" This was Python {own}, and the Space runs on {PYTHON_VERSION}: put python{PYTHON_VERSION} on the PATH."


def _is_tested() -> bool:
    return "{}.{}".format(*sys.version_info) == PYTHON_VERSION


def _environment(place: Path, work: Path) -> tuple[Path, int, float, float]:
    """Its Python, the packages that were installed, their megabytes, and the seconds that took."""
    folder = work / "environment"
    start = time.perf_counter()
    own = {name: value for name, value in os.environ.items() if name not in _NOT_PIPS}
    _installing([_interpreter(place), "-m", "venv", str(folder)], own)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    before, there = _size(folder), _packages(folder)
    flags = ["--no-input", "--disable-pip-version-check", "--quiet", "--only-binary", ":all:"]
    _installing([str(python), "-m", "pip", "install", *flags, "-r", str(place / REQUIREMENTS)], own)
    return python, _packages(folder) - there, (_size(folder) - before) / 1e6, time.perf_counter() - start


def _packages(folder: Path) -> int:
    return sum(1 for _ in folder.glob("**/*.dist-info"))


def _installing(words: list[str], environment: dict[str, str]) -> None:
    try:
        done = subprocess.run(words, env=environment, capture_output=True, timeout=INSTALL_SECONDS)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise ExportError("The requirements were not installed within an hour.", "Look at the connection.") from None
    if done.returncode:
        told = [line for line in done.stderr.decode(errors="replace").splitlines() if line.startswith("ERROR")]
        raise ExportError(
            f"The requirements of the export cannot be installed: {(told or ['pip failed'])[0][:300]}",
            "Check the connection to the package index; nothing of the export was run.",
        )


def _through_example(
    python: Path, place: Path, work: Path, files: Sequence[str], watch: dict[str, float]
) -> list[dict[str, Any]]:
    words = [str(python), "-E", "-s", "-B", EXAMPLE, GRAPH, *files]
    return _said(words, place, work, len(files), watch)


def _through_page(
    python: Path, place: Path, work: Path, modality: str, files: Sequence[str], watch: dict[str, float]
) -> list[dict[str, Any]]:
    (work / "ask.py").write_text(_ASK, encoding="utf-8")
    start = time.perf_counter()
    with _running([str(python), "-E", "-s", "-B", PAGE], place, work) as address:
        words = [str(python), "-E", "-s", "-B", str(work / "ask.py"), address, modality]
        _said([*words, files[0]], work, work, 1, {})
        watch["start"] = time.perf_counter() - start
        return _said([*words, *files], work, work, len(files), watch)


def _said(words: list[str], place: Path, work: Path, n: int, watch: dict[str, float]) -> list[dict[str, Any]]:
    start = time.perf_counter()
    with (work / "said").open("w+b") as out, (work / "said.err").open("w+b") as err:
        process = subprocess.Popen(words, cwd=place, env=_own(work), stdout=out, stderr=err, start_new_session=True)  # noqa: S603
        try:
            process.wait(ASK_SECONDS)
        except subprocess.TimeoutExpired:
            raise _NotAsked(f"it did not answer within {ASK_SECONDS:.0f} seconds") from None
        finally:
            _end(process)
        out.seek(0)
        lines = out.read(_LINES * max(n, 1)).splitlines()
    if process.returncode or len(lines) != n:
        raise _NotAsked(f"it answered {len(lines)} of {n} items: {_last_line(work / 'said.err')}")
    watch["answers"] = time.perf_counter() - start
    try:
        return [json.loads(line) for line in lines]
    except ValueError:
        raise _NotAsked("what it answered is no JSON") from None


@contextmanager
def _running(words: list[str], place: Path, work: Path) -> Iterator[str]:
    """The page on loopback, until the block ends; its children end with it."""
    port = _free_port()
    own = {"GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": str(work / "files")}
    with (work / "page.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603
            words, cwd=place, env=_own(work) | own, stdout=log, stderr=log, start_new_session=True
        )
        try:
            _wait(process, port, work / "page.log")
            yield f"http://127.0.0.1:{port}/"
        finally:
            _end(process)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise _NotAsked(f"the page ended before it answered: {_last_line(log)}")
        with socket.socket() as tried:
            tried.settimeout(1)
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise _NotAsked(f"the page did not listen within {START_SECONDS:.0f} seconds: {_last_line(log)}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started."""
    for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        if hasattr(os, "killpg"):
            try:
                os.killpg(process.pid, number)
            except (ProcessLookupError, PermissionError):
                break
        else:
            process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def _own(work: Path) -> dict[str, str]:
    """An environment that knows nothing of whoever runs this; its home is empty."""
    home = work / "home"
    home.mkdir(exist_ok=True)
    kept = {name: value for name in _KEPT if (value := os.environ.get(name)) is not None}
    return {**kept, "HOME": str(home), "USERPROFILE": str(home)}


def _free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


def _last_line(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4096))
        lines = file.read().decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "nothing was said"


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
