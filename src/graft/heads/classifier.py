"""What a model applies to embeddings, from end to end: features, head, calibration, prediction sets, unknown score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from graft.contracts import Array, Bool, Float32
from graft.heads import restored
from graft.heads.calibration import probabilities
from graft.heads.conformal import SetRule
from graft.heads.features import transform
from graft.heads.lexical import LexicalPart
from graft.heads.linear import LinearHead, restored_parts, within
from graft.results.prediction import Prediction


@dataclass(frozen=True, slots=True)
class Answer:
    """Probabilities ``(n, k) float32``, prediction sets ``(n, k) bool``, unknown scores ``(n,) float32``."""

    p: Float32
    sets: Bool
    unknown_score: Float32


@dataclass(frozen=True, slots=True)
class Classifier(LinearHead):
    """Embeddings in, answers out, of exactly one class each.

    Attributes:
        task: What it answers to, a key of ``graft.tasks.TASKS``.
        exclusive: Whether an item is of one class and no other.
        temperature: Its scores are divided by this.
        sets: Turns probabilities into prediction sets.
        lexical: What the words of a text add to its scores; ``None`` where they add nothing.
    """

    task: ClassVar[str] = "classification"
    exclusive: ClassVar[bool] = True

    temperature: float
    sets: SetRule
    lexical: LexicalPart | None = None

    @property
    def words(self) -> bool:
        """Whether it looks at the words of texts."""
        return self.lexical is not None

    def probabilities(self, x: Float32, texts: Sequence[str] | None = None) -> Float32:
        """Calibrated probabilities ``(n, k) float32``; see ``answer``."""
        return self.answer(x, texts).p

    def answer(self, x: Float32, texts: Sequence[str] | None = None) -> Answer:
        """Everything that is to be said of items.

        Args:
            x: Their embeddings ``(n, dim) float32``.
            texts: The texts themselves; they matter where there is a ``lexical`` part.

        Raises:
            ValueError: There is one, and no texts were given.
        """
        phi = transform(x, self.stages, self.features)
        logits = self.linear.scores(phi)
        if self.lexical is not None:
            if texts is None:
                raise ValueError("a classifier that looks at words needs the texts")
            logits = logits + self.lexical.scores(texts)
        p = probabilities(logits, self.temperature)
        return Answer(p, self.sets.sets(p), self.unknown.score(phi, logits))

    def predictions(self, classes: Sequence[str], answer: Answer) -> list[Prediction]:
        """An answer in words: one nameless prediction for each of its rows."""
        return [
            Prediction(
                input="",
                label=classes[int(p.argmax())],
                confidence=float(p.max()),
                unknown=bool(score > self.unknown.threshold),
                unknown_score=float(score),
                scores=dict(zip(classes, map(float, p), strict=True)),
                set=tuple(label for label, inside in zip(classes, members, strict=True) if inside),
            )
            for p, members, score in zip(answer.p, answer.sets, answer.unknown_score, strict=True)
        ]

    def check(self, classes: Sequence[str], modality: str) -> None:
        """Whether it can be the head of a model of these classes.

        Raises:
            ValueError: It cannot.
        """
        k = len(classes)
        if k < 2:
            raise ValueError(f"a classifier with the classes {list(classes)!r}")
        self.check_shapes(k)
        if len(self.sets.counts) != k:
            raise ValueError(f"sets for {len(self.sets.counts)} classes of {k}")
        if self.lexical is not None and modality != "text":
            raise ValueError(f"weights of words for a model of {modality}")
        if self.lexical is not None and len(self.lexical.scale) != k:
            raise ValueError(f"weights of words of {len(self.lexical.scale)} classes for {k} classes")

    def arrays(self) -> dict[str, Array]:
        """What a bundle keeps as arrays, those of words as well."""
        lexical = self.lexical.arrays() if self.lexical else {}
        return LinearHead.arrays(self) | {f"lexical.{name}": array for name, array in lexical.items()}

    def settings(self) -> dict[str, Any]:
        """What a bundle keeps as JSON."""
        return LinearHead.settings(self) | {"temperature": self.temperature, "sets": self.sets.to_dict()}

    @classmethod
    def restore(cls, settings: Mapping[str, Any], arrays: Mapping[str, Array]) -> Self:
        """The classifier that ``settings`` and ``arrays`` describe.

        Raises:
            ValueError: A value is not what a classifier can have, or they do not fit together.
        """
        lexical = within(arrays, "lexical.")
        return cls(
            **restored_parts(settings, arrays, words=bool(lexical)),
            temperature=restored.number(settings, "temperature", above=0),
            sets=SetRule.from_dict(settings["sets"]),
            lexical=LexicalPart.restore(lexical) if lexical else None,
        )
