"""Pages in a browser: the editor of what ``graft.cleaning`` found, and the page that tries a model."""

from __future__ import annotations

import contextlib
import html
import json
import os
import signal
import sys
import tempfile
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path

from graft.app.editor import Editor
from graft.app.scoring import Score
from graft.app.server import PORT, PageServer, check_installed
from graft.app.try_page import TryPage
from graft.cleaning.findings import Findings
from graft.executors import on_sigterm
from graft.journal.journal import Journal

__all__ = ["PORT", "Editor", "TryPage", "check_installed", "serve", "serve_editor"]


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
    editor = Editor(findings, journal, port=port, host=host, score=score)
    serve(editor, lambda: "All decisions are in the journal.", open_browser=open_browser)


def serve(
    page: PageServer, kept: Callable[[], str] = str, *, open_browser: bool = False, as_json: bool = False
) -> None:
    """Serve a page until Ctrl-C or SIGTERM; its address is printed, and what to do with it.

    Args:
        page: Is not started yet.
        kept: Says, once it has ended, what is left of it.
        open_browser: Open it.
        as_json: Print ``{"address", "port"}`` in the place of the address.
    """
    with page, on_sigterm(signal.default_int_handler), contextlib.ExitStack() as stack:
        sys.stderr.write("\n")
        where = json.dumps({"address": page.address, "port": page.port}) if as_json else page.address
        sys.stdout.write(f"{where}\n")
        sys.stdout.flush()
        sys.stderr.write("".join(f"{line}\n" for line in page.instructions))
        if open_browser:
            webbrowser.open(stack.enter_context(_door(page.address)))
        try:
            page.wait()
        except KeyboardInterrupt:
            sys.stderr.write(f"\nStopped. {kept()}".rstrip() + "\n")


@contextlib.contextmanager
def _door(address: str) -> Iterator[str]:
    """A page that leads to an address, which only the user can read: arguments of programs are seen by all users."""
    with tempfile.TemporaryDirectory(prefix="graft-") as folder:
        page = Path(folder, "page.html")
        page.write_text(f'<meta http-equiv="refresh" content="0;url={html.escape(address)}">', encoding="utf-8")
        yield page.as_uri()
