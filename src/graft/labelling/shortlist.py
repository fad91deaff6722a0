"""What is suggested, and what became of the other items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

from graft.data.dataset import Item, Skipped


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An item to label.

    Attributes:
        item: The item.
        predicted: What the model thinks it is.
        confidence: How sure it is, 0 to 1.
        score: How much of what is unsettled among all items this label would settle, given those before it, 0 to 1.
        reason: Why it was chosen.
    """

    item: Item
    predicted: str
    confidence: float
    score: float
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """``{input, predicted, confidence, score, reason}``, for JSON."""
        return {
            "input": self.item.name,
            "predicted": self.predicted,
            "confidence": self.confidence,
            "score": self.score,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Shortlist(Sequence[Suggestion]):
    """A sequence of suggestions, the one to label first in front, and what became of the other items.

    Attributes:
        suggestions: The suggestions.
        n_items: How many different items without a label there were to choose from.
        n_labelled: How many more the model was fitted to already.
        n_copies: How many more are copies of others.
        skipped: What could not be read.
    """

    suggestions: tuple[Suggestion, ...]
    n_items: int
    n_labelled: int
    n_copies: int
    skipped: tuple[Skipped, ...]

    @overload
    def __getitem__(self, index: int) -> Suggestion: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Suggestion, ...]: ...
    def __getitem__(self, index: int | slice) -> Suggestion | tuple[Suggestion, ...]:
        return self.suggestions[index]

    def __len__(self) -> int:
        return len(self.suggestions)

    def to_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "suggestions": [suggestion.to_dict() for suggestion in self],
            "n_items": self.n_items,
            "n_labelled": self.n_labelled,
            "n_copies": self.n_copies,
            "skipped": [skipped.to_dict() for skipped in self.skipped],
        }
