"""Cutting long texts for encoders that read a limited number of tokens at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

MAX_WINDOWS = 64
"""Of a longer text this many windows are read, spread evenly."""


def pieces(text: str, length: int) -> list[str]:
    """The text itself, or if it has more than ``MAX_WINDOWS * length`` characters so many pieces, spread evenly."""
    if len(text) <= MAX_WINDOWS * length:
        return [text]
    starts = np.linspace(0, len(text) - length, MAX_WINDOWS).astype(int)
    return [text[start : start + length] for start in starts]


def cuts(tokens: int, room: int) -> list[tuple[int, int]]:
    """Begin and end of as few parts of at most ``room`` as will hold the tokens, all of nearly the same length."""
    count = -(-tokens // room)
    bounds = [tokens * index // count for index in range(count + 1)] if count else []
    return list(pairwise(bounds))


def spread(windows: Sequence[list[int]]) -> list[list[int]]:
    """At most ``MAX_WINDOWS`` of them, evenly, the first and the last among them."""
    if len(windows) <= MAX_WINDOWS:
        return list(windows)
    return [windows[index] for index in np.linspace(0, len(windows) - 1, MAX_WINDOWS).round().astype(int)]
