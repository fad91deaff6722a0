"""What the loop says while it runs."""

from __future__ import annotations

from typing import Protocol


class Note(Protocol):
    """Told in words how it goes."""

    def __call__(self, text: str, *, live: bool = False) -> None:
        """A sentence about something that happened; ``live``: where it stands, until the next word of that kind."""


def unheard(text: str, *, live: bool = False) -> None:
    """The note that nobody reads."""
