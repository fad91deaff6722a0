"""An item and the same item without one of its parts, for each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from graft.explanation.explanation import Part, Squares


@dataclass(frozen=True, slots=True)
class Variants:
    """What an encoder is shown: the whole item first, then one variant for each part.

    Attributes:
        kind: As in ``Explanation``.
        n_parts: How many parts there are.
        value: Makes the encoder's input for a variant, from 0: the whole item. Thread-safe.
        laid_out: From one effect for each part to what an explanation holds.
        texts: The variants as texts, where they are such.
    """

    kind: str
    n_parts: int
    value: Callable[[int], Any]
    laid_out: Callable[[list[float]], Squares | Sequence[Part]]
    texts: Sequence[str] | None = None

    def __len__(self) -> int:
        return 1 + self.n_parts
