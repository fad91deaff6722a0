import contextlib
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import click
import pytest

import graft.cli as command_line

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def graft() -> Run:
    """The command line as a process of its own."""

    def run(*arguments: object, stdin: bytes | None = None, **options: object) -> "subprocess.CompletedProcess[str]":
        found = subprocess.run(
            [sys.executable, "-m", "graft", *map(str, arguments)], input=stdin, capture_output=True, **options
        )
        return subprocess.CompletedProcess(found.args, found.returncode, found.stdout.decode(), found.stderr.decode())

    return run


class Outcome(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON value on stdout; anything else there, and NaN, is an error."""

        def refuse(constant: str) -> None:
            raise AssertionError(f"{constant} is not JSON")

        return json.loads(self.out, parse_constant=refuse)


@pytest.fixture
def run(capfd, monkeypatch) -> Callable[..., Outcome]:
    """The command line in this process, which is quicker."""

    def run_here(*arguments: object, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(stdin))))
        capfd.readouterr()
        code = command_line.exit_code([str(argument) for argument in arguments])
        return Outcome(code, *capfd.readouterr())

    return run_here


def shown_on(terminal: int) -> bytes:
    """All that is shown until the other end is closed; then this end is, too."""
    shown = b""
    with contextlib.suppress(OSError):  # which Linux answers once the other end is closed
        while part := os.read(terminal, 65536):
            shown += part
    os.close(terminal)
    return shown


@pytest.fixture
def on_a_terminal() -> Callable[..., list[str]]:
    """The lines that a process of its own shows on a terminal of so many columns, without colours."""

    def run(*arguments: object, columns: int = 80) -> list[str]:
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [sys.executable, "-m", "graft", *map(str, arguments)],
            stdout=theirs,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "COLUMNS": str(columns)},
        ):
            os.close(theirs)
            shown = shown_on(ours)
        return click.unstyle(shown.decode()).splitlines()

    return run
