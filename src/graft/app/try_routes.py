"""Addresses of the page that tries a model; ``docs/pages.md`` says what is asked and answered."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from typing import Any

from graft import pages
from graft.app.about import about
from graft.app.corrections import CorrectionFolder, as_labels
from graft.app.media import Medium
from graft.app.responses import DISCARDED, giving, taking
from graft.app.training_items import TrainingItems
from graft.contracts import SERVED
from graft.data.items import Memory
from graft.encoders.embed import Chunk, gathered
from graft.errors import ItemError, UsageError
from graft.explanation import explain
from graft.model import Model
from graft.prediction import embedder
from graft.results.facts import plain
from graft.similarity import Index

PAGE = "try.html"
ANSWERER = "answerer.js"
"""As the page calls it."""
ASKED_AT_ONCE = 4
"""Items that are decoded at the same time, at most: each may take the memory of 25 megapixels."""


class TryRoutes:
    """What stands behind the addresses."""

    def __init__(self, model: Model, corrections: CorrectionFolder | None, index: Index | None, *, local: bool) -> None:
        self._model, self._corrections = model, corrections
        self._run = secrets.token_hex(4)  # names one run of a server in addresses
        self._training = TrainingItems(index, self._run) if index is not None else None
        self._about = about(model, corrections=corrections is not None, local=local)
        self._files = {name: Medium(pages.content(name), kind) for name, kind in pages.TRY.items()}
        self._files[ANSWERER] = Medium(pages.content(pages.ANSWERER), "text/javascript")
        self._places = threading.Semaphore(ASKED_AT_ONCE)

    def table(self) -> list[Any]:
        """All routes, for an app of Starlette's kind."""
        from starlette.routing import Route

        page = giving(lambda _: self._files[PAGE])
        too_large = f"The item has more than {SERVED.bytes >> 20} MB, the limit."
        sent = {"/answer": self._answer, "/corrections": self._correct}
        taken = {path: taking(sent[path], SERVED.bytes, too_large, "Make it smaller.", DISCARDED) for path in sent}
        given: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
            "about": lambda _: self._about,
            f"nearest/{self._run}/picture/{{row:int}}": lambda path: self._neighbours().picture(path["row"]),
            f"nearest/{self._run}/sound/{{row:int}}": lambda path: self._neighbours().sound(path["row"]),
            "{name}": self._file,
        }
        return [
            Route("/", page, methods=["GET"]),
            *(Route(path, endpoint, methods=["POST"]) for path, endpoint in taken.items()),
            Route("/corrections/{name}", giving(self._undo), methods=["DELETE"]),
            *(Route(f"/{path}", giving(handle), methods=["GET"]) for path, handle in given.items()),
        ]

    def _file(self, path: Mapping[str, Any]) -> Medium:
        if path["name"] not in self._files or path["name"] == PAGE:
            raise ItemError("unreadable", "There is nothing here.")
        return self._files[path["name"]]

    def _answer(self, content: bytes, query: Mapping[str, list[str]]) -> dict[str, Any]:
        """What is said of one item, as ``graft predict --json`` prints it; one that cannot be read has its error."""
        with self._places:
            found = self._asked(content)
            if "error" not in found and query.get("why") == ["1"]:
                model = self._model
                assert model.encoder is not None
                found["why"] = explain(model.classes, model.classifier, model.encoder, content, limits=SERVED).to_dict()
        return found

    def _asked(self, content: bytes) -> dict[str, Any]:
        model = self._model
        assert model.encoder is not None
        # No cache: what is shown to a page is not to be found on the disk afterwards.
        (future,) = embedder.submit(model.encoder, [content], None, SERVED)
        try:
            row = future.result()
        except ItemError as error:
            return {"input": "item", "error": error.to_dict()}
        chunk = Chunk((Memory(content, "item"),), gathered(model.encoder, {0: row}))
        (prediction,) = model.answers(chunk)
        found: dict[str, Any] = {**plain(prediction.to_dict()), "threshold": float(model.classifier.unknown.threshold)}
        if self._training is not None:
            found |= {"nearest": self._training.beside(chunk), "n_nearest": len(self._training)}
        return found

    def _correct(self, content: bytes, query: Mapping[str, list[str]]) -> dict[str, Any]:
        labels = as_labels(query)
        with self._places:
            found = self._asked(content)
            if "error" in found:
                raise ItemError(*(found["error"][key] for key in ("code", "message", "hint")))
            predicted = str(found.get("label", found.get("value", "")))
            return {"id": self._kept().save(content, labels, predicted, several=self._several)}

    def _undo(self, path: Mapping[str, Any]) -> dict[str, Any]:
        if not self._kept().undo(path["name"]):
            raise ItemError("unreadable", "This correction is not there any more.")
        return {}

    @property
    def _several(self) -> bool:
        return not self._model.classifier.exclusive and bool(self._model.classes)

    def _kept(self) -> CorrectionFolder:
        if self._corrections is None:
            raise UsageError("Corrections are not kept here.")
        return self._corrections

    def _neighbours(self) -> TrainingItems:
        if self._training is None:
            raise ItemError("unreadable", "There are no training items here.")
        return self._training
