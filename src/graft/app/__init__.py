"""Pages in a browser, made with Gradio: the editor, in which people go through what ``graft.cleaning`` found."""

from __future__ import annotations

import os
import sys
import webbrowser

from graft.app.editor import PORT, Editor, check_installed
from graft.app.scoring import Score
from graft.cleaning.findings import Findings
from graft.data.journal import Journal

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
    """Serve the editor until Ctrl-C, and print its address.

    Args:
        findings: What was found in the data.
        journal: Where decisions go; a path is that of a journal that is there or will be.
        port: Where to listen; 0 takes any that is free, ``None`` takes ``PORT`` or, if that is taken, any.
        host: At which address; others than this machine reach it only if it is told so.
        open_browser: Open the page.
        score: Says in a few words what the decisions so far were worth, called in the background; by default the
            accuracy before and after.

    Raises:
        MissingExtra: Gradio is not installed.
        DataError: The journal cannot be read.
        GraftError: The port is taken.
    """
    with Editor(findings, journal, port=port, host=host, score=score) as editor:
        sys.stdout.write(f"{editor.address}\n")
        sys.stdout.flush()
        if open_browser:
            webbrowser.open(editor.address)
        try:
            editor.wait()
        except KeyboardInterrupt:
            sys.stderr.write("\nStopped. All decisions are in the journal.\n")
