"""What a search finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from graft.data.dataset import Item, Text
from graft.errors import ItemError


@dataclass(frozen=True, slots=True)
class Match:
    """One item that is like the query.

    Attributes:
        rank: From 1.
        row: Which item of the index it is, from 0.
        name: Its path, or the text itself, shortened.
        similarity: Cosine from -1 to 1; 1 is the same, and 0 no more alike than any two items of the collection.
        label: Its label, or ``""``.
        same: Whether its content is that of the query, byte for byte.
        item: The item itself, whose ``read`` gives its bytes.
    """

    rank: int
    row: int
    name: str
    similarity: float
    label: str
    same: bool
    item: Item = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: ``{rank, path, similarity, row, same}`` and ``label`` if it has one; of a text, ``text``."""
        return {
            "rank": self.rank,
            **({"text": self.item.text} if isinstance(self.item, Text) else {"path": self.name}),
            **({"label": self.label} if self.label else {}),
            "similarity": self.similarity,
            "row": self.row,
            "same": self.same,
        }


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What was found for one query.

    Attributes:
        query: The query's name.
        matches: The best first; empty where there is an ``error``.
        error: Why there is no answer, or ``None``.
    """

    query: str
    matches: tuple[Match, ...] = ()
    error: ItemError | None = None

    @property
    def heading(self) -> str:
        """What stands above the matches: a text without a character has no name."""
        return self.query or "(no text)"

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: ``{query, matches}``, or ``{query, error}``."""
        if self.error is not None:
            error = self.error.to_dict()
            return {"query": self.query, "error": {"code": error["code"], "message": error["message"]}}
        return {"query": self.query, "matches": [match.to_dict() for match in self.matches]}
