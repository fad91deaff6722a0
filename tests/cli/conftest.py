import subprocess
import sys
from collections.abc import Callable

import pytest

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
