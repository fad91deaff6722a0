"""The editor's addresses: what the page asks for, and the decisions that it sends. Items are named by row only."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from graft import pages
from graft.app import views
from graft.app.gate import OWN, PAGE
from graft.app.media import SIDES, Media, Medium
from graft.app.responses import giving, taking
from graft.app.scoring import LiveScore
from graft.cleaning.review import Review
from graft.cleaning.review_queue import ANY, Filter
from graft.errors import ItemError, UsageError
from graft.report.words import clean

Values = Mapping[str, Any]

MAX_BODY = 512 << 10
"""Bytes of a decision."""
MAX_TILES = 200
"""Items of a grid that are asked for at once."""
ACCEPT = "accept"
"""The action that does about each item what is proposed."""
MAX_DIGITS = 12
"""Of a row's number."""
MAX_WHO = 60
"""Characters of a name."""
KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
"""What the files of this page are; beside them stand those of every page."""


class Routes:
    """What stands behind the addresses."""

    def __init__(self, review: Review, live: LiveScore) -> None:
        self._review = review
        self._live = live
        self._run = secrets.token_hex(4)  # so that no browser takes a picture of an earlier run for one of this
        self._settled: tuple[Any, dict[str, Any]] = None, {}  # what follows from these decisions; it takes a while
        self._media = Media(review.findings.dataset)
        beside = resources.files("graft.app").joinpath("assets").iterdir()
        own = [file for file in beside if Path(file.name).suffix in KINDS]  # other programs leave theirs there, too
        self._assets = {
            **{file.name: Medium(file.read_bytes(), KINDS[Path(file.name).suffix]) for file in own},
            **{name: Medium(pages.content(name), kind) for name, kind in pages.SHARED.items()},
        }

    def table(self) -> list[Any]:
        """All routes, for an app of Starlette's kind."""
        from starlette.routing import Route

        asked: Mapping[str, Callable[[Values], Any]] = {
            "start": lambda _: views.of_whole(self._review, self._run),
            "state": self._state,
            "queue": self._queue,
            "suggested": self._suggested,
            "tiles": self._tiles,
            "item/{row}": self._item,
            "picture/{row}": self._picture,
            "why/{row}": self._why,
            "sound/{row}": lambda values: self._media.sound(self._row(values)),
            "{name}": self._asset,
        }
        sent = {"decide": self._decide, "undo": self._undo, "redo": self._redo}
        taken = {path: taking(_decision(sent[path]), MAX_BODY, "The request is too large.") for path in sent}
        page = giving(lambda _: self._asset({"name": "page.html"}))
        return [
            Route(PAGE, page, methods=["GET"]),
            *(Route(f"{OWN}{path}", endpoint, methods=["POST"]) for path, endpoint in taken.items()),
            *(Route(f"{OWN}{path}", giving(handle), methods=["GET"]) for path, handle in asked.items()),
        ]

    def _state(self, values: Values) -> Any:
        n = len(self._review.decisions)
        if self._review.refresh() != n:
            self._live.poke()
        return self._of_state(values)

    def _queue(self, values: Values) -> Any:
        wanted = _wanted(values)
        keep = values.get("keep", "")
        rows = self._review.queue(wanted, int(keep) if _is_row(keep) else None)
        return {"rows": rows.tolist(), "decided": rows[self._review.decided[rows]].tolist()}

    def _suggested(self, values: Values) -> Any:
        try:
            above = float(values.get("above", ""))
        except ValueError:
            above = math.nan
        if not 0 <= above <= 1:
            raise UsageError("There is no such bound.", "Name a probability from 0 to 1.")
        return {"rows": self._review.suggested(_wanted(values), above).tolist()}

    def _tiles(self, values: Values) -> Any:
        given = values.get("rows", "").split(",")
        if len(given) > MAX_TILES:
            raise UsageError("These are too many items.", f"Ask for {MAX_TILES} at most.")
        return {"items": [views.of_tile(self._review, self._row({"row": row})) for row in given]}

    def _item(self, values: Values) -> Any:
        return views.of_item(self._review, self._row(values))

    def _why(self, values: Values) -> Any:
        return views.of_why(self._review, self._row(values))

    def _picture(self, values: Values) -> Medium:
        side = next((side for side in SIDES if values.get("side") == str(side)), SIDES[0])
        return self._media.picture(self._row(values), side)

    def _asset(self, values: Values) -> Medium:
        if values["name"] not in self._assets:
            raise ItemError("unreadable", "There is nothing here.")
        return self._assets[values["name"]]

    def _decide(self, values: Values) -> Any:
        rows, to = values.get("rows"), values.get("to")
        if not isinstance(rows, list) or not all(type(row) is int for row in rows):
            raise UsageError("There are no rows.", "Name items by their rows.")
        if to is not None and not isinstance(to, str):
            raise UsageError("The label is no text.", "Name a class.")
        action, who = str(values.get("action")), _who(values)
        if action == ACCEPT:
            rows = self._review.rows_of(self._review.accept(rows, who, undecided=values.get("undecided") is True))
        else:
            self._review.decide(action, rows, to, who)
        return self._decided(rows, values)

    def _undo(self, values: Values) -> Any:
        undone = self._review.undo(_who(values))
        return self._decided(self._review.rows_of(undone) if undone else (), values)

    def _redo(self, values: Values) -> Any:
        made = self._review.redo(_who(values))
        return self._decided(self._review.rows_of(made) if made else (), values)

    def _decided(self, rows: Any, values: Values) -> Any:
        self._live.poke()
        return {"rows": list(rows), "state": self._of_state(values)}

    def _of_state(self, values: Values) -> Any:
        decisions, settled = self._settled
        if decisions is not self._review.decisions:
            decisions = self._review.decisions
            settled = views.of_decisions(self._review)
            self._settled = decisions, settled
        return views.of_state(self._review, settled, self._live.current, _who(values))

    def _row(self, values: Values) -> int:
        given = values["row"]
        if not _is_row(given) or int(given) >= len(self._review.findings):
            raise ItemError("unreadable", f"There is no item {given[:20]}.")
        return int(given)


def _decision(handle: Callable[[Values], Any]) -> Callable[[bytes, Any], Any]:
    """Takes a decision as JSON."""

    def decided(body: bytes, _: Any) -> Any:
        try:
            values = json.loads(body)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            raise UsageError("The request is no JSON object.")
        return handle(values)

    return decided


def _wanted(values: Values) -> Filter:
    names = {name: values.get(name) for name in ("label", "predicted", "now")}
    return Filter(kind=values.get("kind", ANY), undecided=values.get("undecided") == "1", **names)


def _is_row(text: str) -> bool:
    """Whether a text is a number that a row can have."""
    return len(text) < MAX_DIGITS and text.isascii() and text.isdigit()


def _who(values: Values) -> str:
    return clean(str(values.get("who", ""))).strip()[:MAX_WHO]
