"""What judging and tuning ask of a fitted head, whichever it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

from graft.contracts import Array, Float32, Linear, Stages
from graft.heads.classifier import Answer
from graft.heads.conformal import SetRule
from graft.heads.lexical import LexicalPart
from graft.heads.unknown import UnknownRule


class FittedHead(Protocol):
    """Embeddings in, answers out."""

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

    def answer(self, x: Float32, texts: Sequence[str] | None = None) -> Answer:
        """Everything that is to be said of embeddings ``(n, dim) float32``."""

    def arrays(self) -> dict[str, Array]:
        """What a bundle keeps of it."""


class CalibratedHead(FittedHead, Protocol):
    """A head that tells classes apart and says how sure it is: a dataclass, so that its parts can be replaced."""

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
