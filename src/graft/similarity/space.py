"""Where likeness is measured: late features, seen from the middle of the collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from graft.contracts import Float32, Stages
from graft.heads.features import transform, width
from graft.learning.neighbours import unit

FEATURES = "late"
CENTRED_BY = 30
"""Of so many items half of their mean is taken away; of more, more of it."""
BLOCK = 4096
"""Rows that are worked on at a time, so that no second copy of all is held."""


@dataclass(frozen=True, slots=True)
class Space:
    """From embeddings to vectors whose inner products are similarities.

    What all items of a collection have in common tells none of them apart, so their mean is taken away: 0 then means
    no more alike than two items at random. The mean of a few items is mostly chance, and less of it is taken.

    Attributes:
        stages: Of the encoder.
        centre: ``(d,) float32``.
    """

    stages: Stages
    centre: Float32

    @classmethod
    def around(cls, x: Float32, stages: Stages) -> tuple[Self, Float32]:
        """The space of a collection, and its items' vectors.

        Args:
            x: Embeddings ``(n, dim) float32``.
            stages: Of their encoder.

        Returns:
            The space, and ``(n, d) float32`` of unit length.
        """
        n = len(x)
        vectors = np.empty((n, width(stages, FEATURES)), np.float32)
        for start in range(0, n, BLOCK):
            vectors[start : start + BLOCK] = unit(transform(x[start : start + BLOCK], stages, FEATURES))
        space = cls(stages, (vectors.sum(axis=0, dtype=np.float64) / (n + CENTRED_BY)).astype(np.float32))
        for start in range(0, n, BLOCK):
            vectors[start : start + BLOCK] = unit(vectors[start : start + BLOCK] - space.centre)
        return space, vectors

    def place(self, x: Float32) -> Float32:
        """Vectors of unit length ``(q, d) float32`` of the embeddings ``(q, dim) float32`` of queries."""
        return unit(unit(transform(x, self.stages, FEATURES)) - self.centre)
