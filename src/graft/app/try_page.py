"""The page that tries a model, as a server."""

from __future__ import annotations

from pathlib import Path

from graft import pages
from graft.app.corrections import CorrectionFolder
from graft.app.gate import headers_of
from graft.app.server import PageServer, check_installed
from graft.app.try_routes import TryRoutes
from graft.errors import DataError
from graft.loopback import is_loopback
from graft.model import Model
from graft.report.words import clean
from graft.similarity import Index


class TryPage(PageServer):
    """The page of one model."""

    what = "app"
    invites = "whoever has this address can ask the model"

    def __init__(
        self,
        model: Model,
        *,
        index: Index | None = None,
        corrections: str | Path | None = "corrections",
        port: int | None = None,
        host: str = "127.0.0.1",
        behind: str = "",
    ) -> None:
        """Take a port and make the page.

        Args:
            model: What is asked.
            index: Of its training items, made with its own encoder; ``None``: none are shown.
            corrections: The folder for items that were answered wrongly; ``None``: none are kept.
            port: As ``PageServer`` takes it.
            host: At which address; others than this machine reach it only if it is told so.
            behind: The address that a proxy shows to the world, such as ``https://example.org/try/``.

        Raises:
            MissingExtra: Starlette or uvicorn is not installed.
            DataError: The folder for corrections holds something else, or the model takes no items.
            UsageError: The index is of another encoder.
            GraftError: The port is taken.
        """
        check_installed("The page")
        if model.encoder is None:
            raise DataError("This model was fitted to a matrix of embeddings.", "A page needs a model of items.")
        if index is not None:
            index.check_of(model.encoder)
        modality = model.encoder.modality
        self.corrections = CorrectionFolder(corrections, modality, numbers=not model.classes) if corrections else None
        self._encoder = model.encoder
        routes = TryRoutes(model, self.corrections, index, local=is_loopback(host) and not behind)
        super().__init__(routes.table(), port=port, host=host, behind=behind, headers=headers_of(pages.POLICY))

    @property
    def instructions(self) -> tuple[str, ...]:
        """What to do with the address, a line for each."""
        if self.corrections is None:
            return super().instructions
        return (*super().instructions, f"Corrections go to {clean(str(self.corrections.path))}.")

    def start(self) -> None:
        """Make the encoder ready and serve; once this returns, the page can be opened and is answered at once.

        Raises:
            EncoderError: The encoder cannot be had.
            GraftError: The server does not start.
        """
        self._encoder.warm()
        super().start()
