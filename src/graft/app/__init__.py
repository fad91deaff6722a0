"""Pages in a browser: the editor, in which people go through what ``graft.cleaning`` found."""

from __future__ import annotations

import contextlib
import html
import os
import sys
import tempfile
import webbrowser
from collections.abc import Iterator
from pathlib import Path

from graft.app.editor import Editor
from graft.app.scoring import Score
from graft.app.server import PORT, check_installed
from graft.cleaning.findings import Findings
from graft.journal.journal import Journal

__all__ = ["PORT", "Editor", "check_installed", "serve_editor"]


def serve_editor(
    findings: Findings,
    journal: Journal | str | os.PathLike[str],
    *,
    port: int | None = None,
    host: str = "127.0.0.1",
    open_browser: bool = False,
    score: Score | None = None,
) -> None:
    """Serve the editor until Ctrl-C; its address is printed, and what to do with it.

    Args:
        findings: What was found in the data.
        journal: Where decisions go; a path is that of a journal that is there or will be.
        port: Where to listen; 0 takes any that is free, ``None`` takes ``PORT`` or, if that is taken, any.
        host: At which address; others than this machine reach it only if it is told so.
        open_browser: Open the page.
        score: Says in a few words what the decisions so far were worth, called in the background; by default the
            accuracy before and after.

    Raises:
        MissingExtra: Starlette or uvicorn is not installed.
        DataError: The journal cannot be read.
        GraftError: The port is taken.
    """
    with Editor(findings, journal, port=port, host=host, score=score) as editor, contextlib.ExitStack() as stack:
        sys.stderr.write("\n")
        sys.stdout.write(f"{editor.address}\n")
        sys.stdout.flush()
        sys.stderr.write("".join(f"{line}\n" for line in editor.instructions))
        if open_browser:
            webbrowser.open(stack.enter_context(_door(editor.address)))
        try:
            editor.wait()
        except KeyboardInterrupt:
            sys.stderr.write("\nStopped. All decisions are in the journal.\n")


@contextlib.contextmanager
def _door(address: str) -> Iterator[str]:
    """A page that leads to an address, which only the user can read: arguments of programs are seen by all users."""
    with tempfile.TemporaryDirectory(prefix="graft-") as folder:
        page = Path(folder, "editor.html")
        page.write_text(f'<meta http-equiv="refresh" content="0;url={html.escape(address)}">', encoding="utf-8")
        yield page.as_uri()
