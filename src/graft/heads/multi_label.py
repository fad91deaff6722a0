"""Any number of labels for one item: calibrated log odds of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from graft.contracts import SEPARATOR, Array, Bool, Float32
from graft.heads import restored
from graft.heads.classifier import Answer
from graft.heads.features import transform
from graft.heads.linear import LinearHead, restored_parts
from graft.results.prediction import Prediction

THRESHOLD = 0.5
"""An item is given the labels that are more likely than not.

These are the labels that are most likely all right, and nothing has to be chosen on data. Thresholds with the best F1
out of fold were tried for each label (questions, pairs of messages, collages of photos; 60, 200 and 600 items): on
further items macro F1 was between 0.02 lower and 0.11 higher, and up to 38 points of exact matches were lost.
"""


@dataclass(frozen=True, slots=True)
class MultiLabelClassifier(LinearHead):
    """Embeddings in, answers out, where an item bears any number of labels: scores are calibrated log odds of each.

    Attributes:
        task: What it answers to, a key of ``graft.tasks.TASKS``.
        exclusive: Whether an item is of one class and no other.
        threshold: Labels with at least this probability are predicted.
    """

    task: ClassVar[str] = "multi_label"
    exclusive: ClassVar[bool] = False

    words: ClassVar[bool] = False

    threshold: float = THRESHOLD

    def probabilities(self, x: Float32, texts: Sequence[str] | None = None) -> Float32:
        """Calibrated probability of each label ``(n, k) float32`` of embeddings ``(n, dim) float32``."""
        return sigmoid(self.linear.scores(transform(x, self.stages, self.features)))

    def answer(self, x: Float32, texts: Sequence[str] | None = None) -> Answer:
        """Everything that is to be said of embeddings ``(n, dim) float32``; the sets are the predicted labels.

        Texts add nothing.
        """
        phi = transform(x, self.stages, self.features)
        scores = self.linear.scores(phi)
        p = sigmoid(scores)
        return Answer(p, p >= self.threshold, self.unknown.score(phi, firmness_of(scores)))

    def predictions(self, classes: Sequence[str], answer: Answer) -> list[Prediction]:
        """An answer in words: one nameless prediction for each of its rows."""
        found = []
        sure = confidence_of(answer.p, answer.sets)
        for p, members, score, confidence in zip(answer.p, answer.sets, answer.unknown_score, sure, strict=True):
            given = [place for place in (-p).argsort(kind="stable").tolist() if members[place]]
            inside = tuple(label for label, member in zip(classes, members, strict=True) if member)
            found.append(
                Prediction(
                    input="",
                    label=SEPARATOR.join(inside),
                    confidence=float(confidence),
                    unknown=bool(score > self.unknown.threshold),
                    unknown_score=float(score),
                    scores=dict(zip(classes, map(float, p), strict=True)),
                    set=inside,
                    labels=tuple(classes[place] for place in given),
                )
            )
        return found

    def check(self, classes: Sequence[str], modality: str) -> None:
        """Whether it can be the head of a model of these labels; texts of any kind will do.

        Raises:
            ValueError: It cannot.
        """
        self.check_shapes(len(classes))

    def settings(self) -> dict[str, Any]:
        """What a bundle keeps as JSON."""
        return LinearHead.settings(self) | {"threshold": self.threshold}

    @classmethod
    def restore(cls, settings: Mapping[str, Any], arrays: Mapping[str, Array]) -> Self:
        """The classifier that ``settings`` and ``arrays`` describe.

        Raises:
            ValueError: A value is not what a classifier can have, or they do not fit together.
        """
        threshold = restored.number(settings, "threshold", above=0, below=1)
        return cls(**restored_parts(settings, arrays), threshold=threshold)


def confidence_of(p: Float32, sets: Bool) -> Float32:
    """The probability that exactly these labels are right, each decided for itself: ``(n,) float32``.

    Labels that exclude each other, or come together, are right or wrong together: then it is too modest.

    Args:
        p: Probability of each label ``(n, k) float32``.
        sets: The labels ``(n, k) bool``.
    """
    return np.asarray(np.where(sets, p, 1 - p).prod(axis=1), dtype=np.float32)


def firmness_of(logits: Float32) -> Float32:
    """How far the labels are from being undecided, as two scores whose margin the unknown rule takes ``(..., 2)``."""
    firmness = np.abs(logits).mean(axis=-1)
    return np.stack([firmness, np.zeros_like(firmness)], axis=-1)


def sigmoid(logits: Array) -> Array:
    """``1 / (1 + exp(-logits))`` without overflow, in the type of ``logits``."""
    tail = np.exp(-np.abs(logits))
    return np.asarray(np.where(logits >= 0, 1, tail) / (1 + tail), dtype=logits.dtype)
