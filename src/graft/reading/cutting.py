"""Cutting a name along a pattern, in time that grows with the product of their lengths at most."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

_STEPS = 100_000
"""A regular expression is faster for what people call files, and may take this many steps at worst."""


class Piece(NamedTuple):
    """A part of a pattern.

    Attributes:
        literal: What stands in the name as it is; ``""`` for a wildcard.
        field: What a wildcard is called, ``""`` where nobody asks.
        barred: Characters that a wildcard holds none of.
        least: How many characters it has at least, 0 or 1.
        greedy: It takes as much as it can, else as little.
    """

    literal: str
    field: str = ""
    barred: str = "/"
    least: int = 1
    greedy: bool = False

    @property
    def regex(self) -> str:
        """The same as a regular expression."""
        if self.literal:
            return re.escape(self.literal)
        inner = f"[^{re.escape(self.barred)}]{'+' if self.least else '*'}{'' if self.greedy else '?'}"
        return f"(?P<{self.field}>{inner})" if self.field else f"(?:{inner})"

    def slides_before(self, after: Piece) -> bool:
        """Whether this wildcard may end in more than one place, as the literal after it may stand inside."""
        return not self.literal and not set(after.literal) & set(self.barred)


@dataclass(frozen=True)
class Way:
    """One way to read a pattern: its pieces, from the first wildcard on each as long or as short as it can be."""

    pieces: tuple[Piece, ...]

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """What matches the same names, and takes ``n ** sliding`` steps at worst."""
        return re.compile("".join(piece.regex for piece in self.pieces))

    @cached_property
    def sliding(self) -> int:
        """How many wildcards may end in several places."""
        return sum(piece.slides_before(after) for piece, after in zip(self.pieces, self.pieces[1:], strict=False))

    def fit(self, name: str) -> dict[str, str] | None:
        """What the fields hold, or ``None`` where the name does not fit."""
        if len(name) ** self.sliding > _STEPS:
            return cut(self.pieces, name)
        found = self.regex.fullmatch(name)
        return found.groupdict() if found else None


def cut(pieces: Sequence[Piece], name: str) -> dict[str, str] | None:
    """What the fields hold, as the regular expression of the pieces has it, in ``len(pieces) * len(name)`` steps.

    From the end it is found out where the rest of the pieces fits; from the start each piece then takes its own.
    """
    n = len(name)
    fits: list[list[bool]] = [[False] * n + [True]]  # by piece from the last: whether the rest fits from here on
    for piece in reversed(pieces):
        after = fits[-1]
        if piece.literal:
            size = len(piece.literal)
            here = [name.startswith(piece.literal, i) and after[i + size] for i in range(n - size + 1)]
            fits.append(here + [False] * (n + 1 - len(here)))
            continue
        reach = list(after)  # this wildcard may go on from here, or end
        for i in range(n - 1, -1, -1):
            reach[i] = after[i] or (name[i] not in piece.barred and reach[i + 1])
        if piece.least:
            reach = [name[i] not in piece.barred and reach[i + 1] for i in range(n)] + [False]
        fits.append(reach)
    fits.reverse()
    if not fits[0][0]:
        return None
    found: dict[str, str] = {}
    start = 0
    for position, piece in enumerate(pieces):
        end = start + len(piece.literal) if piece.literal else _end(piece, name, start, fits[position + 1])
        if piece.field:
            found[piece.field] = name[start:end]
        start = end
    return found


def _end(piece: Piece, name: str, start: int, after: Sequence[bool]) -> int:
    """Where a wildcard ends that begins at ``start``: at the first or the last place from which the rest fits."""
    last = next((i for i in range(start, len(name)) if name[i] in piece.barred), len(name))
    places = range(start + piece.least, last + 1)
    return next(i for i in (reversed(places) if piece.greedy else places) if after[i])
