"""The runs of a served notebook: those that wait, those that run, and the last that have ended."""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graft.contracts import MEGABYTE
from graft.errors import Cancelled, GraftError, NotebookError
from graft.notebooks import run_notebook
from graft.notebooks.executed import RESULT
from graft.notebooks.folder import check_folder, copy_folder, files_of, plain_name
from graft.notebooks.hiding import HIDDEN, is_secret_name
from graft.notebooks.parameters import assignments, plan, settings_of
from graft.notebooks.source import code_cells, need_libraries, needs_elsewhere, read_notebook
from graft.run import Run
from graft.serving.bodies import overloaded
from graft.serving.draining import Draining
from graft.serving.limits import ServerLimits
from graft.serving.metrics import RunMetrics
from graft.serving.notebook_run import ServedRun, State
from graft.serving.problems import Problem

_log = logging.getLogger("graft.serving")
_COME_AGAIN = 10


@dataclass(frozen=True, slots=True)
class RunLimits:
    """How much a server runs and keeps.

    Attributes:
        at_once: Runs that go on together.
        waiting: Runs that wait for their turn; more are told to come again.
        kept: Runs that are kept after their end, the last.
        kept_bytes: Bytes of what they left, together; the last one is kept in any case.
        seconds: That a run may take, whoever asks for more; ``None``: for ever.
        listeners: Who follow the events of runs at once.
        requests: What is taken of a request.
    """

    at_once: int = 1
    waiting: int = 8
    kept: int = 20
    kept_bytes: int = 2048 * MEGABYTE
    seconds: float | None = 3600.0
    listeners: int = 32
    requests: ServerLimits = field(default_factory=lambda: ServerLimits(body=MEGABYTE, bodies=16 * MEGABYTE))


class NotebookRuns:
    """A notebook, and its runs.

    Args:
        notebook: Is read now, and not again.
        limits: How much is run and kept.
        hidden: Names of parameters whose values are secrets, beside those that their names tell.
        strict: Whether a shell line that fails ends a run.
        draining: Once it has begun, nothing new runs.

    Raises:
        GraftError: It is no notebook that can run here.
    """

    def __init__(
        self,
        notebook: Path,
        *,
        limits: RunLimits | None = None,
        hidden: Iterable[str] = (),
        strict: bool = False,
        draining: Draining | None = None,
    ) -> None:
        need_libraries()
        self.notebook = notebook
        self._cells = list(code_cells(read_notebook(notebook)))
        if needs := needs_elsewhere(self._cells):
            raise NotebookError(f"{notebook} cannot run here: {'; '.join(needs)}.", "Take these cells out of it.")
        self._content = notebook.read_bytes()
        check_folder(notebook)
        self.version = hashlib.sha256(self._content).hexdigest()[:12]
        self.limits = limits or RunLimits()
        self.names = list(dict.fromkeys(one.name for one in assignments(self._cells)))
        self.settings = settings_of(self._cells)
        self.metrics = RunMetrics(notebook.stem, self.version)
        self.draining = draining or Draining()
        self.draining.busy = lambda: self.running > 0
        self._hidden, self._strict = frozenset(hidden), strict
        self._place = Path(tempfile.mkdtemp(prefix="graft-runs-"))
        self._runs: dict[str, ServedRun] = {}
        self._queue: deque[ServedRun] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """From now on runs begin."""
        for number in range(self.limits.at_once):
            thread = threading.Thread(target=self._work, name=f"graft-run-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """End all runs, and leave nothing."""
        self.draining.begin()
        with self._changed:
            self._closing = True
            for run in self._queue:
                run.end("stopped", _failed("Stopped", "The server has ended."), {})
            self._queue.clear()
            for run in self._runs.values():
                run.cancelled.set()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        shutil.rmtree(self._place, ignore_errors=True)

    @property
    def _may_begin(self) -> bool:
        """Whether one waits, and the server is not about to end."""
        return bool(self._queue) and not self.draining.begun

    @property
    def queued(self) -> int:
        """How many wait."""
        return len(self._queue)

    @property
    def running(self) -> int:
        """How many run."""
        return sum(run.state == "running" for run in list(self._runs.values()))

    @property
    def kept_bytes(self) -> int:
        """Bytes of what is kept of those that have ended."""
        return sum(run.size for run in list(self._runs.values()) if run.is_over)

    def add(self, parameters: Mapping[str, str], shown: Mapping[str, Any], seconds: float | None) -> ServedRun:
        """A new run, which waits for its turn.

        Args:
            parameters: Values as texts.
            shown: The same, as they came.
            seconds: That it may take; at most as the limits have it.

        Raises:
            GraftError: A name is set by no cell, or a value is not of its type.
            Problem: Too many wait.
        """
        plan(self._cells, parameters, frozenset(filter(self._is_secret, parameters)))
        limits = [limit for limit in (seconds, self.limits.seconds) if limit is not None]
        shown = {name: HIDDEN if self._is_secret(name) else value for name, value in shown.items()}
        with self._changed:
            self.draining.check()
            if len(self._queue) >= self.limits.waiting:
                raise overloaded(f"{len(self._queue)} runs wait already.", _COME_AGAIN)
            run = ServedRun(self._place, parameters, shown, min(limits, default=None))
            self._runs[run.id] = run
            self._queue.append(run)
            self._changed.notify()
        return run

    def all(self) -> list[ServedRun]:
        """Those that are known, in the order in which they came."""
        return list(self._runs.values())

    def get(self, own: str) -> ServedRun:
        """The run of this id.

        Raises:
            Problem: There is none.
        """
        if own not in self._runs:
            raise Problem(
                404,
                "no_run",
                f"There is no run {own[:40]!r}.",
                f"GET /runs shows them; the last {self.limits.kept} that have ended are kept.",
            )
        return self._runs[own]

    def cancel(self, own: str) -> ServedRun:
        """End a run, or take it out of the queue.

        Raises:
            Problem: There is none, or it has ended.
        """
        run = self.get(own)
        with self._changed:
            if run.is_over:
                raise Problem(409, "ended", f"The run has ended: it is {run.state}.", "Its result is kept.")
            run.cancelled.set()
            if run in self._queue:
                self._queue.remove(run)
                self._end(run, "stopped", _failed("Stopped", "It was cancelled before it began."))
        return run

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or self._may_begin, timeout=1.0)
                if self._closing:
                    return
                if not self._may_begin:
                    continue
                run = self._queue.popleft()
                run.begin()
            state, result = self._ran(run)
            with self._changed:
                self._end(run, state, result)
                gone = self._forget()
            for folder in gone:  # which may take a while
                shutil.rmtree(folder, ignore_errors=True)

    def _ran(self, run: ServedRun) -> tuple[State, dict[str, Any]]:
        """Run it in a folder of its own, which is gone afterwards."""
        place = run.folder / "notebook"
        try:
            run.folder.mkdir()
            copy = copy_folder(self.notebook, self._content, place)
            found = run_notebook(
                copy,
                run.given,
                output=run.output,
                time_limit=run.limit,
                run=Run(cancelled=run.cancelled),
                on_output=run.heard,
                secrets=self._hidden,
                strict=self._strict,
            )
        except Cancelled:
            why = "The server has ended." if self._closing else "It was cancelled."
            return "stopped", _failed("Stopped", why, run)
        except GraftError as error:
            return "failed", _failed(error.code, _without(str(error), place, run.folder))
        except Exception:
            _log.exception("A run has failed.")
            return "failed", _failed("internal", "The run could not be made; the server's log says why.")
        finally:
            shutil.rmtree(place, ignore_errors=True)
        return ("done" if found.ok else "failed"), _with_names(found.to_dict(), run.output)

    def _end(self, run: ServedRun, state: State, result: dict[str, Any]) -> None:
        files = files_of(run.output) if run.output.is_dir() else {}
        files.pop(RESULT, None)  # which holds paths of this machine
        run.end(state, {**result, "notebook": self.notebook.name if self.notebook.name in files else None}, files)
        self.metrics.run(state)

    def _forget(self) -> list[Path]:
        """Let go of the oldest of those that have ended, until few enough are kept; whose folders may go."""
        over = [run for run in self._runs.values() if run.is_over]
        size, gone = sum(run.size for run in over), []
        while len(over) > 1 and (len(over) > self.limits.kept or size > self.limits.kept_bytes):
            oldest = over.pop(0)
            size -= oldest.size
            gone.append(self._runs.pop(oldest.id).folder)
        return gone

    def _is_secret(self, name: str) -> bool:
        return name in self._hidden or is_secret_name(name)


def _failed(name: str, message: str, run: ServedRun | None = None) -> dict[str, Any]:
    """The keys of a run that came to no result."""
    cell = run.to_dict()["progress"]["cell"] if run is not None else 0
    return {
        "ok": False,
        "files": [],
        "models": [],
        "error": {"cell": cell, "name": name, "message": message},
        "shell": [],
        "warnings": [],
    }


def _with_names(result: dict[str, Any], output: Path) -> dict[str, Any]:
    """A result whose files have the names under which they can be fetched."""

    def named(paths: Iterable[str]) -> list[str]:
        return [plain_name(Path(path), output) for path in paths if Path(path).is_relative_to(output)]

    return {**result, "files": named(result["files"]), "models": named(result["models"])}


def _without(message: str, *places: Path) -> str:
    for place in places:
        message = message.replace(f"{place}/", "").replace(str(place), ".")
    return message
