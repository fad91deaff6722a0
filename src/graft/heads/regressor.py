"""What a model of numbers applies to embeddings: features, head, prediction interval, unknown score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from graft.contracts import Array, Float32, Float64
from graft.heads import restored
from graft.heads.features import transform
from graft.heads.linear import LinearHead, restored_parts
from graft.results.prediction import NumberPrediction

LEVEL = 0.9
"""The share of intervals that are to hold the number."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers ``(n,) float64`` with their prediction intervals, and unknown scores ``(n,) float32``."""

    value: Float64
    low: Float64
    high: Float64
    unknown_score: Float32


@dataclass(frozen=True, slots=True)
class Regressor(LinearHead):
    """Embeddings in, numbers out: scores have one column.

    The head was fitted to numbers that were shifted and scaled, so that float16 holds its weights whatever the unit.

    Attributes:
        centre: What is added to the scores.
        scale: What they are multiplied by before, above 0.
        margin: A number lies this far from the predicted one at most, in ``LEVEL`` of cases; in the numbers' unit.
    """

    task: ClassVar[str] = "regression"
    exclusive: ClassVar[bool] = False
    words: ClassVar[bool] = False

    centre: float
    scale: float
    margin: float

    def answer(self, x: Float32, texts: Sequence[str] | None = None) -> Numbers:
        """Everything that is to be said of embeddings ``(n, dim) float32``; texts do not matter."""
        phi = transform(x, self.stages, self.features)
        # Row by row: what a product with one column says of a row depends on where in the batch it stands.
        scores = np.einsum("nd,dk->nk", phi, self.linear.weights, dtype=np.float64) + self.linear.bias
        value = self.centre + self.scale * scores[:, 0]
        return Numbers(value, value - self.margin, value + self.margin, self.unknown.score(phi, scores))

    def predictions(self, classes: Sequence[str], answer: Numbers) -> list[NumberPrediction]:
        """An answer in words: one nameless prediction for each of its rows."""
        columns = (answer.value.tolist(), answer.low.tolist(), answer.high.tolist())
        unknown = (answer.unknown_score > self.unknown.threshold).tolist()
        return [NumberPrediction("", *row) for row in zip(*columns, unknown, strict=True)]

    def check(self, classes: Sequence[str], modality: str) -> None:
        """Whether it can be the head of a model: of numbers there are no classes.

        Raises:
            ValueError: It cannot.
        """
        if classes:
            raise ValueError(f"numbers with the classes {list(classes)!r}")
        self.check_shapes(1)

    def settings(self) -> dict[str, Any]:
        """What a bundle keeps as JSON."""
        return LinearHead.settings(self) | {"centre": self.centre, "scale": self.scale, "margin": self.margin}

    @classmethod
    def restore(cls, settings: Mapping[str, Any], arrays: Mapping[str, Array]) -> Self:
        """The regressor that ``settings`` and ``arrays`` describe.

        Raises:
            ValueError: A value is not what a regressor can have, or they do not fit together.
        """
        return cls(
            **restored_parts(settings, arrays),
            centre=restored.number(settings, "centre"),
            scale=restored.number(settings, "scale", above=0),
            margin=restored.number(settings, "margin", above=0),
        )
