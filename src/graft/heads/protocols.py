"""What a fitted head offers to those who do not ask which one it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

from graft.contracts import Array, Float32, Linear, Stages
from graft.heads.classifier import Answer
from graft.heads.conformal import SetRule
from graft.heads.lexical import LexicalPart
from graft.heads.regressor import Numbers
from graft.heads.unknown import UnknownRule


class Answering(Protocol):
    """Embeddings in, answers out."""

    task: ClassVar[str]
    """What it answers to, which stands in its file: a key of ``KINDS``, and of ``graft.tasks.TASKS``."""
    exclusive: ClassVar[bool]
    """Whether an item is of one class and no other."""

    @property
    def words(self) -> bool:
        """Whether it looks at the words of texts."""

    @property
    def stages(self) -> Stages:
        """Widths of the stages of the embeddings."""

    @property
    def features(self) -> str:
        """A key of ``FEATURES``."""

    @property
    def linear(self) -> Linear:
        """On the features."""

    @property
    def unknown(self) -> UnknownRule:
        """Tells what is like nothing that was learned from."""

    def answer(self, x: Float32, texts: Sequence[str] | None = None) -> Any:
        """Everything that is to be said of embeddings ``(n, dim) float32``, as arrays."""

    def predictions(self, classes: Sequence[str], answer: Any) -> list[Any]:
        """An answer in words: one nameless prediction for each row."""

    def check(self, classes: Sequence[str], modality: str) -> None:
        """Whether it can be the head of such a model.

        Raises:
            ValueError: It cannot.
        """

    def arrays(self) -> dict[str, Array]:
        """What a bundle keeps of it as arrays."""

    def settings(self) -> dict[str, Any]:
        """What a bundle keeps of it as JSON."""

    @classmethod
    def restore(cls, settings: Mapping[str, Any], arrays: Mapping[str, Array]) -> Self:
        """The head that ``settings`` and ``arrays`` describe.

        Raises:
            ValueError: A value is not what it can have, or they do not fit together.
        """


class LabelHead(Answering, Protocol):
    """Its answers are probabilities of classes or labels."""

    def answer(self, x: Float32, texts: Sequence[str] | None = None) -> Answer:
        """Everything that is to be said of embeddings ``(n, dim) float32``."""


class CalibratedHead(LabelHead, Protocol):
    """It tells classes apart and says how sure it is: a dataclass, so that its parts can be replaced."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def temperature(self) -> float:
        """Its scores are divided by this."""

    @property
    def sets(self) -> SetRule:
        """Turns probabilities into prediction sets."""

    @property
    def lexical(self) -> LexicalPart | None:
        """What the words of a text add to its scores, if anything."""


class NumberHead(Answering, Protocol):
    """Its answers are numbers."""

    @property
    def centre(self) -> float:
        """What is added to its scores."""

    @property
    def scale(self) -> float:
        """What they are multiplied by before."""

    @property
    def margin(self) -> float:
        """How far its intervals reach to either side."""

    def answer(self, x: Float32, texts: Sequence[str] | None = None) -> Numbers:
        """Everything that is to be said of embeddings ``(n, dim) float32``."""
