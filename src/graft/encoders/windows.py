"""Texts for encoders that read a limited number of tokens at once: into tokens, and long ones into windows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from graft.decoding.measures import of_text

MAX_WINDOWS = 64
"""Of a longer text this many windows are read, spread evenly."""


def verbatim(tokenizer: Any) -> Any:
    """A tokenizer of the library tokenizers that takes all of a text, for what it says."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True  # a text that says "[SEP]" says just that
    return tokenizer


def measured(text: str, tokens: int, windows: int, read: float) -> dict[str, float]:
    """The statistics of a text: those of ``of_text``, its tokens, windows that are read, share of it that they hold."""
    return {**of_text(text), "tokens": float(tokens), "windows": float(windows), "read": min(1.0, read)}


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
