"""Whether an input is none of the classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from graft.contracts import Array, Float16, Float32
from graft.heads.restored import number, pair


@dataclass(frozen=True, slots=True, eq=False)
class UnknownRule:
    """Scores how little an input looks like any class, and where to call it unknown.

    The score adds two signs, each in standard deviations from what held-out items of the classes show: how far the
    features point away from the nearest prototype (finds what is altogether different), and how undecided the head is
    between its two best classes (finds what lies between the classes, such as a class that was left out).

    Attributes:
        prototypes: Unit vectors ``(m, d)``, float16 or float32 of the same numbers: the class means, or
            centres of groups of class means where there are many classes.
        threshold: An input that scores above it is unknown.
        distance: Mean and standard deviation of the distance, ``1 - cosine``, of held-out items.
        margin: Mean and standard deviation of the margin, in scores of the head, of held-out items.
    """

    prototypes: Float16 | Float32
    threshold: float
    distance: tuple[float, float]
    margin: tuple[float, float]

    def score(self, phi: Float32, logits: Float32) -> Float32:
        """Unknown scores ``(n,) float32``, higher for the more unknown.

        Args:
            phi: Features ``(n, d) float32`` as the head sees them.
            logits: The head's scores ``(n, k) float32``, no temperature applied.
        """
        return self.combined(distance_to(phi, self.prototypes), margin_of(logits))

    def combined(self, distance: Float32, margin: Float32) -> Float32:
        """The score of distances and margins of any shape; ``nan`` stays ``nan``."""
        total = (distance - self.distance[0]) / self.distance[1] - (margin - self.margin[0]) / self.margin[1]
        return np.asarray(total, dtype=np.float32)

    def arrays(self) -> dict[str, Array]:
        """What a bundle keeps as arrays."""
        return {"prototypes": self.prototypes.astype(np.float16)}

    def settings(self) -> dict[str, Any]:
        """What a bundle keeps as JSON."""
        return {"threshold": self.threshold, "distance": list(self.distance), "margin": list(self.margin)}

    @classmethod
    def restore(cls, settings: Mapping[str, Any], arrays: Mapping[str, Array]) -> Self:
        """The rule that ``settings`` and ``arrays`` describe.

        Raises:
            ValueError: A value is not what a rule can have.
        """
        prototypes = np.asarray(arrays["prototypes"])
        if prototypes.ndim != 2 or not len(prototypes) or prototypes.dtype.kind != "f":
            raise ValueError(f"prototypes of shape {prototypes.shape}")
        threshold = number(settings, "threshold")
        return cls(prototypes, threshold, pair(settings, "distance"), pair(settings, "margin"))


def distance_to(phi: Float32, prototypes: Float16 | Float32) -> Float32:
    """One minus the cosine to the nearest prototype ``(n,)``."""
    length = np.maximum(np.sqrt(np.einsum("nd,nd->n", phi, phi)), np.finfo(np.float32).tiny)
    nearest = (phi @ prototypes.astype(np.float32, copy=False).T).max(axis=1) / length
    return np.asarray(1 - nearest, dtype=np.float32)


def margin_of(logits: Float32) -> Float32:
    """The best score less the second best, over the last axis; 0 of a number alone."""
    if logits.shape[-1] == 1:
        return np.asarray(logits[..., 0] * 0, dtype=np.float32)  # ``nan`` stays ``nan``
    best = np.partition(logits, -2, axis=-1)
    return np.asarray(best[..., -1] - best[..., -2], dtype=np.float32)
