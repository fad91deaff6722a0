"""What every head has: features, a linear part on them, and what tells the unknown; and how a bundle keeps these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from graft.contracts import Array, Linear, Stages
from graft.heads import restored
from graft.heads.features import width
from graft.heads.unknown import UnknownRule


@dataclass(frozen=True, slots=True)
class LinearHead:
    """Scores that are linear in features of embeddings; what is made of them is the matter of each kind of head.

    Attributes:
        stages: Widths of the encoder's pooled stages.
        features: A key of ``FEATURES``.
        linear: Makes the scores, of ``transform(x, stages, features)``.
        unknown: Tells what is like nothing that was learned from.
    """

    stages: Stages
    features: str
    linear: Linear
    unknown: UnknownRule

    def arrays(self) -> dict[str, Array]:
        """What a bundle keeps as arrays; weights in float16, as fitting rounded them."""
        return {
            "head.weights": self.linear.weights.astype(np.float16),
            "head.bias": self.linear.bias,
            **{f"unknown.{name}": array for name, array in self.unknown.arrays().items()},
        }

    def settings(self) -> dict[str, Any]:
        """What a bundle keeps as JSON."""
        return {
            "stages": [list(network) for network in self.stages],
            "features": self.features,
            "unknown": self.unknown.settings(),
        }

    def check_shapes(self, k: int) -> None:
        """Whether its parts fit each other, and ``k`` columns of scores.

        Raises:
            ValueError: They do not.
        """
        d = width(self.stages, self.features)
        if not k:
            raise ValueError("a model without classes")
        if self.linear.weights.shape != (d, k):
            raise ValueError(f"a head of shape {self.linear.weights.shape} for {k} classes on stages of {self.stages}")
        if self.unknown.prototypes.shape[1] != d:
            raise ValueError(f"prototypes of shape {self.unknown.prototypes.shape}, features of {d} columns")


def restored_parts(settings: Mapping[str, Any], arrays: Mapping[str, Array], *, words: bool = False) -> dict[str, Any]:
    """The fields of a ``LinearHead`` that ``settings`` and ``arrays`` describe.

    Raises:
        ValueError: A value is not what a head can have.
    """
    return {
        "stages": restored.stages(settings),
        "features": restored.features(settings, words=words),
        "linear": restored.linear(arrays),
        "unknown": UnknownRule.restore(settings["unknown"], within(arrays, "unknown.")),
    }


def within(arrays: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    """The arrays whose names begin with ``prefix``, by the rest of their names."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
