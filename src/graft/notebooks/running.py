"""Running a notebook from its first cell to its last, or to its limit; nothing of it is left running."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from graft.errors import Cancelled, NotebookError, UsageError
from graft.files import write_atomically
from graft.notebooks.collected import WrittenFiles, collect, listing
from graft.notebooks.executed import RESULT, ExecutedCopy, open_output
from graft.notebooks.hiding import Hiding, folders_of, is_secret_name
from graft.notebooks.parameters import plan, with_paths
from graft.notebooks.results import CellError, NotebookRun, OnOutput, OutputEvent, ShellFailure, unheard
from graft.notebooks.source import (
    SKIPPED_TAG,
    code_cells,
    drive_notes,
    has_tag,
    kernel_note,
    needs_elsewhere,
    read_notebook,
)
from graft.run import PLAIN, Run

_LOOK = 0.1
"""Seconds between two looks whether it is to stop."""
_START = 300.0
"""Seconds that a kernel may take to start."""
_COMMAND = 300
"""Characters of a shell line that are told."""
_MESSAGE = 4000
"""Characters of an error that are told."""


def run_notebook(
    path: str | Path,
    parameters: Mapping[str, str] | None = None,
    *,
    output: Path,
    time_limit: float | None = None,
    run: Run = PLAIN,
    on_output: OnOutput = unheard,
    secrets: Iterable[str] = (),
    strict: bool = False,
    overwrite: bool = False,
    paths_from: Path | None = None,
) -> NotebookRun:
    """Run a notebook as it is, in its own folder.

    A notebook that fails is no exception: ``ok`` of what comes back is false, and ``error`` names the cell.

    Args:
        path: The notebook, which stays as it is.
        parameters: Values for names that its cells set, as text; the cell's own value says of which type each is.
        output: A folder for the executed copy and for what the notebook writes. It must not be there.
        time_limit: Seconds for all of it, the start of the kernel too.
        run: Its ``cancelled`` ends the notebook and all its processes.
        on_output: Told what the notebook prints and shows; from another thread.
        secrets: Names of parameters whose values stand in no copy and no event, beside those that are called a token, a
            key, or a password.
        strict: A shell line that fails ends the run.
        overwrite: Take the place of an earlier run.
        paths_from: A folder; what a value names in it is found from the notebook's folder, too. None: values stay as
            they are.

    Raises:
        Cancelled: ``run.cancelled`` was set; the executed copy is there as far as it came.
        MissingExtra: The libraries for it are not installed.
        NotebookError: It is no notebook, is not in Python, or needs what is only elsewhere.
        OutputExists: There is something at ``output``.
        UsageError: A name is set by no cell, or a value is not of its type.
    """
    started = time.monotonic()
    path, given = Path(path), dict(parameters or {})
    notebook = read_notebook(path)
    warnings = [note for note in [kernel_note(notebook, path)] if note]
    cells = list(code_cells(notebook))
    if needs := needs_elsewhere(cells):
        raise NotebookError(
            f"{path} cannot run here: {'; '.join(needs)}.",
            f"Give the data with -p, and tag the cell {SKIPPED_TAG!r}, or let it ask first "
            "(if 'google.colab' in sys.modules: ...).",
        )
    warnings += drive_notes(cells)
    home = path.resolve().parent
    if paths_from is not None:
        given, notes = with_paths(given, cells, paths_from, home)
        warnings += notes
    secret = frozenset(name for name in given if is_secret_name(name)) | (frozenset(secrets) & frozenset(given))
    injections, notes = plan(cells, given, secret)
    warnings += notes
    if time_limit is not None and not time_limit > 0:
        raise UsageError(f"The time limit is {time_limit} seconds.", "It is more than 0.")
    hiding = Hiding((given[name] for name in secret), folders_of(path))
    open_output(output, (path, *(home / text for text in given.values() if text)), overwrite=overwrite)
    before = listing(home, output)
    executed = ExecutedCopy(notebook, injections, secret, output / path.name, hiding)
    session = _Session(executed, home, hiding, on_output, strict=strict)
    for warning in warnings:
        session.tell("note", warning)
    deadline = started + time_limit if time_limit is not None else None
    found = WrittenFiles()
    try:
        session.attend(run, deadline, time_limit)
        found = collect(home, output, before)
    finally:  # what was stopped says so itself
        result = NotebookRun(
            ok=session.error is None,
            seconds=round(time.monotonic() - started, 3),
            notebook=executed.target,
            files=found.files,
            models=found.models,
            error=session.error,
            shell=tuple(session.failures),
            warnings=tuple(map(hiding.text, (*warnings, *session.warnings, *found.notes))),
        )
        write_atomically(output / RESULT, (json.dumps(result.to_dict(), indent=1) + "\n").encode())
    for note in found.notes:
        session.tell("note", note)
    return result


class _Session:
    """One run: a thread that speaks to the kernel, and the thread that called, which looks at the clock."""

    def __init__(
        self, executed: ExecutedCopy, home: Path, hiding: Hiding, on_output: OnOutput, *, strict: bool
    ) -> None:
        self.executed = executed
        self.error: CellError | None = None
        self.failures: list[ShellFailure] = []
        self.warnings: list[str] = []
        self._home = home
        self._hiding = hiding
        self._on_output = on_output
        self._strict = strict
        self._number = 0
        self._stopped: tuple[str, str] | None = None
        self._failure: BaseException | None = None
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._kernel: Any = None
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def tell(self, kind: str, text: str) -> None:
        """Tell who listens; where they fail, the run ends, and they get their error."""
        known: dict[str, Literal["cell", "stdout", "stderr", "display", "error", "note"]] = {
            "cell": "cell", "stdout": "stdout", "stderr": "stderr", "display": "display", "error": "error"
        }  # fmt: skip
        cells = self.executed.numbers[-1] if self.executed.numbers else 0
        event = OutputEvent(known.get(kind, "note"), self._number, self._hiding.text(text), cells)
        try:
            if self._failure is None:
                self._on_output(event)
        except BaseException as failure:
            self._failure = failure
            self.stop("Stopped", "What listened to its output failed.")

    def attend(self, run: Run, deadline: float | None, limit: float | None) -> None:
        """Run it in a thread; stop it at its deadline, or when it is told to.

        Raises:
            Cancelled: It was told to.
        """
        thread = threading.Thread(target=self._work, name="notebook", daemon=True)
        thread.start()
        try:
            while not self._done.wait(_LOOK):
                run.check()
                if deadline is not None and time.monotonic() > deadline and self._stopped is None:
                    self.stop(
                        "TimeLimit", f"It was still running when the {limit:g} seconds of the time limit were over."
                    )
        except Cancelled:
            self._end(thread)
            raise Cancelled(
                f"The notebook was stopped in cell {self._number}.",
                f"Its executed copy, as far as it came, is {self.executed.target}.",
            ) from None
        except BaseException:
            self._end(thread)
            raise
        thread.join()
        if self._failure is not None:
            raise self._failure

    def stop(self, name: str, message: str) -> None:
        """Kill all of it; the cell that runs is said to have ended so."""
        with self._lock:
            self._stopped = self._stopped or (name, message)
            if self._kernel is not None:
                self._kernel.kill()
            if self._loop is not None and self._task is not None and not self._done.is_set():
                self._loop.call_soon_threadsafe(self._task.cancel)

    def _end(self, thread: threading.Thread) -> None:
        self.stop("Stopped", "It was stopped from outside.")
        thread.join()

    def _work(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as failure:  # it is raised again where the run was asked for
            self._failure = self._failure or failure
        finally:
            self._done.set()

    async def _main(self) -> None:
        from graft.notebooks.kernel import KernelProcess

        self.executed.write()
        with self._lock:
            self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
            if self._stopped is None:
                self._kernel = KernelProcess(self._home)
        if self._kernel is None:
            self.error = CellError(0, *(self._stopped or ("", "")))
            return
        client = self._kernel.client()
        try:
            if await self._is_ready(client):
                await self._run_cells(client)
                if self.error is None:
                    await asyncio.to_thread(self._kernel.finish, client)
        except asyncio.CancelledError:
            if self._stopped is None:
                raise
            self.error = self.error or CellError(self._number, *self._stopped)
        finally:
            client.stop_channels()
            client.context.destroy(linger=0)
            self._kernel.close()

    async def _is_ready(self, client: Any) -> bool:
        """Whether the kernel answers; where it ends before, it says why."""
        ready = asyncio.ensure_future(client.wait_for_ready(timeout=_START))
        try:
            while not ready.done() and self._kernel.process.poll() is None:
                await asyncio.wait([ready], timeout=_LOOK)
            if ready.done() and ready.exception() is None:
                client.allow_stdin = False
                return True
        finally:
            ready.cancel()
        if self._stopped is None:
            said = self._hiding.text(self._kernel.said()) or "it ended, or does not answer"
            raise NotebookError(f"The kernel does not start: {said}", "pip install 'graft-learn[notebooks]' once more.")
        self.error = CellError(0, *self._stopped)
        return False

    async def _run_cells(self, client: Any) -> None:
        from graft.notebooks.client import CellClient

        executed = self.executed
        cells = CellClient(executed.notebook, client, self._hiding, self.tell)
        count = 0
        for index, cell in enumerate(executed.notebook.cells):
            is_own = index not in executed.shown
            if cell.cell_type != "code" or not cell.source.strip() or has_tag(cell, SKIPPED_TAG):
                continue
            self._number = executed.numbers[index]
            if is_own:
                self.tell("cell", "")
            count += 1
            cells.begin()
            try:
                self.error = await self._run_cell(cells, cell, index, count)
            finally:
                cells.end(cell)
                if self._stopped is not None:
                    self.error = CellError(self._number, *self._stopped)
                self._show_error(cell)
                if not executed.bound(index):
                    self.warnings.append(f"The outputs of cell {self._number} were left out of the executed copy.")
                    self.tell("note", self.warnings[-1])
                executed.write(index)
            if self.error is not None:
                break
        cells.set_widgets_metadata()
        executed.finish()

    async def _run_cell(self, cells: Any, cell: Any, index: int, count: int) -> CellError | None:
        """Run one cell; what went wrong in it."""
        from nbclient.exceptions import CellExecutionError, DeadKernelError

        number, error = self._number, None
        try:
            await cells.async_execute_cell(cell, index, execution_count=count)
        except CellExecutionError as failure:
            error = CellError(number, failure.ename, self._said(failure.evalue))
        except DeadKernelError:
            error = CellError(number, "DeadKernel", self._how_it_died())
        for command, code in cells.shell:
            self.failures.append(ShellFailure(number, self._hiding.text(command)[:_COMMAND], code))
        if has_tag(cell, "raises-exception"):
            return error
        if error is None and cells.shown_error:
            error = CellError(number, cells.shown_error[0], self._said(cells.shown_error[1]))
        if error is None and cells.shell and self._strict:
            last = self.failures[-1]
            error = CellError(number, "ShellError", f"{last.command} ended with exit code {last.exit_code}.")
        return error

    def _said(self, message: str) -> str:
        return self._hiding.text(str(message))[:_MESSAGE]

    def _how_it_died(self) -> str:
        code = self._kernel.close()
        if code > 128:
            try:
                return (
                    f"The kernel was ended by {signal.Signals(code - 128).name}: memory ran out, or a library crashed."
                )
            except ValueError:
                pass
        return f"The kernel ended by itself, with exit code {code}."

    def _show_error(self, cell: Any) -> None:
        """The executed copy says itself where it ended, and why."""
        from nbformat.v4 import new_output

        if self.error is None or any(one.output_type == "error" for one in cell.outputs):
            return
        text = f"{self.error.name}: {self.error.message}"
        cell.outputs.append(new_output("error", ename=self.error.name, evalue=self.error.message, traceback=[text]))
        self.tell("error", text)
