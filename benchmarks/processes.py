"""Run a program as a user would, from start to finish, and say how long it took and how much memory it held."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from threading import Timer
from typing import Any

from benchmarks.environments import UnavailableError, last_words

GRAFT = Path(sys.executable).with_name("graft")
LIMIT = 3600.0
"""Seconds after which a process is taken to hang; nothing here takes half as long."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A process that went well.

    Attributes:
        answer: The JSON value that it printed.
        wall: Seconds from its start to its end.
        peak: Most memory that it held, in bytes (of the largest, where it has children of its own; at least what this
            process holds, for Linux hands a parent's peak down to its child).
    """

    answer: dict[str, Any]
    wall: float
    peak: int


def finish(
    command: Sequence[str | Path], environment: Mapping[str, str] | None = None, limit: float = LIMIT
) -> Finished:
    """Run a command to its end; the last thing on its stdout is a JSON object.

    Args:
        command: The program and its arguments.
        environment: Added to this process's own.
        limit: After so many seconds it is ended.

    Raises:
        UnavailableError: It went wrong, and the message holds its last words; or it did not end, and the message says
            where its threads stood.
    """
    # Files, not pipes: nothing has to be read while the process runs, so that waiting for it is all that is done here.
    with TemporaryFile("w+", encoding="utf-8") as out, TemporaryFile("w+", encoding="utf-8") as err:
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={**os.environ, "PYTHONFAULTHANDLER": "1", **(environment or {})},  # for SIGABRT: tell where it stood
        )
        guard = Timer(limit, os.kill, (process.pid, signal.SIGABRT))
        guard.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        guard.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        said, complaint = out.read(), err.read()
    if wall >= limit:
        raise UnavailableError(f"{Path(command[0]).name} did not end in {limit:.0f} s: {last_words(complaint, 60)}")
    answer = json_at_end(said)
    if process.returncode or answer is None:
        raise UnavailableError(
            f"{Path(command[0]).name} ended with {process.returncode}: {last_words(complaint or said)}"
        )
    return Finished(answer, wall, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))


def json_at_end(text: str) -> dict[str, Any] | None:
    """The JSON object that a program's output is, or that its last line is; ``None`` where there is none."""
    for candidate in (text, *text.strip().splitlines()[-1:]):
        try:
            value = json.loads(candidate)
        except ValueError:
            continue
        if isinstance(value, dict):
            return value
    return None


def graft_fit(data: Path, folder: Path, cache: Path, *options: str) -> Finished:
    """``graft fit DATA --json`` in a new process.

    Args:
        data: Folder or manifest.
        folder: Where the model goes; an earlier one is overwritten.
        cache: The folder of cached embeddings, ``$GRAFT_CACHE``.
        options: Further flags.
    """
    command: list[str | Path] = [GRAFT, "fit", data, "-o", folder / "model.graft", "--overwrite", "--json", *options]
    return finish(command, {"GRAFT_CACHE": str(cache)})
