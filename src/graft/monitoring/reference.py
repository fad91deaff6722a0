"""What new items are compared with: labelled items, each kind of copy once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from graft.contracts import Float32, Float64, Int, Stages
from graft.heads.features import GIVEN, transform

MOST_ROWS = 2000
"""Of a larger reference so many are drawn: more would change little and take long."""
LEAST_ROWS = 16
"""Of fewer nothing is learned."""
_COPY = 0.9995
"""Cosine of what counts as one item."""


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Labelled items, as embeddings.

    Attributes:
        x: Embeddings ``(n, d) float32``, as float16 keeps them, as a log does.
        targets: What belongs to each ``(n, q)``: 1 for its class, or for each of its labels; or a number.
        classes: Columns of the targets; none for a number.
        exclusive: Whether an item is of one class and no other.
        stages: Widths of the stages of the embeddings.
        name: What these items are, in words.
        digests: Of the content of each that was given, copies too, as ``content_digest`` has it; empty where there are
            only embeddings.
        n_groups: Groups, such as speakers or bursts, that they come in; 0 where no two are of one group.
    """

    x: Float32
    targets: Float64
    classes: tuple[str, ...]
    exclusive: bool
    stages: Stages = GIVEN
    name: str = "given items"
    digests: tuple[str, ...] = ()
    n_groups: int = 0

    def __len__(self) -> int:
        return len(self.x)

    @classmethod
    def of(
        cls,
        x: Float32,
        labels: Sequence[str] | Sequence[Sequence[str]] | Sequence[float],
        *,
        stages: Stages = GIVEN,
        name: str = "given items",
        digests: Sequence[str] = (),
        groups: Sequence[str] = (),
    ) -> Self:
        """Of embeddings and what belongs to each.

        Args:
            x: ``(n, d) float32``.
            labels: Of each item its class, a list of its labels, or its number.
            stages: Widths of the stages.
            name: What these items are, in words.
            digests: Of the content of each, so that a log's items that are among these are known.
            groups: Of each, ``""`` for none.
        """
        x = np.asarray(x, np.float32)
        exclusive = all(isinstance(label, str) for label in labels)
        numbers = not exclusive and all(isinstance(label, int | float | np.number) for label in labels)
        if numbers:
            names: tuple[str, ...] = ()
            targets = np.array(labels, np.float64)[:, None]
        else:
            several = [{label} if isinstance(label, str) else set(label) for label in labels]  # type: ignore[arg-type]
            names = tuple(sorted(set().union(*several)))
            targets = np.array([[name in own for name in names] for own in several], np.float64).reshape(len(x), -1)
        kept = distinct(x.astype(np.float16).astype(np.float32), stages)
        if len(kept) > MOST_ROWS:
            kept = np.sort(np.random.default_rng(0).permutation(kept)[:MOST_ROWS])
        own = Counter(groups[row] for row in kept if groups[row]) if groups else Counter()
        n_groups = len(own) if any(count > 1 for count in own.values()) else 0
        rounded = x[kept].astype(np.float16).astype(np.float32)
        return cls(rounded, targets[kept], names, exclusive, stages, name, tuple(digests), n_groups)


def distinct(x: Float32, stages: Stages) -> Int:
    """The rows that are no copies of earlier ones; of a very large matrix, so many that enough can be drawn."""
    rows = np.arange(len(x))
    if len(x) > 4 * MOST_ROWS:
        rows = np.sort(np.random.default_rng(1).permutation(len(x))[: 4 * MOST_ROWS])
    phi = transform(x[rows], stages, "given" if stages == GIVEN else "even")
    phi = phi / np.maximum(np.linalg.norm(phi, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    kept: list[int] = []
    for start in range(0, len(rows), 1024):
        block = phi[start : start + 1024] @ phi[: start + 1024].T > _COPY
        kept += [start + row for row, own in enumerate(block) if not own[: start + row].any()]
    return rows[kept]
