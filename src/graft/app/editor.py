"""The editor as a server: what it shows, and where decisions go."""

from __future__ import annotations

import os

from graft.app.gate import HEADERS, OWN
from graft.app.routes import Routes
from graft.app.scoring import LiveScore, Score, effect_scorer
from graft.app.server import PageServer, check_installed
from graft.cleaning.findings import Findings
from graft.cleaning.review import Review
from graft.data.guard import Inputs
from graft.journal.journal import Journal
from graft.report.words import clean


class Editor(PageServer):
    """The editor of one data set."""

    what = "editor"
    invites = "whoever has this address can see the items and decide"

    def __init__(
        self,
        findings: Findings,
        journal: Journal | str | os.PathLike[str],
        *,
        port: int | None = None,
        host: str = "127.0.0.1",
        score: Score | None = None,
    ) -> None:
        """Take a port and make the page; arguments and errors are those of ``serve_editor``."""
        check_installed()
        if not isinstance(journal, Journal):
            journal = Journal(journal, findings.dataset.name)
        Inputs.of(findings.dataset).check(journal.path, "journal")
        self.review = Review(findings, journal)
        self._live = LiveScore(self.review, score or effect_scorer(findings))
        super().__init__(Routes(self.review, self._live).table(), port=port, host=host, own=OWN, headers=HEADERS)

    @property
    def instructions(self) -> tuple[str, ...]:
        """What to do with the address, a line for each."""
        journal = clean(str(self.review.journal.path))
        return (*super().instructions, f"Decisions go to {journal}; your files stay as they are.")

    def start(self) -> None:
        """Serve; once this returns, the page can be opened.

        Raises:
            GraftError: The server does not start.
        """
        self._live.start()
        super().start()

    def stop(self) -> None:
        """Serve no longer."""
        self._live.stop()
        super().stop()
