"""A model as a server has it: what answers, and nothing of what learned."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graft import bundle
from graft.contracts import Encoder
from graft.prediction.loading import holding, load_head
from graft.prediction.made_with import encoder_of
from graft.prediction.predictor import Predictor
from graft.results.facts import plain

WEIGHTS = "encoder.safetensors"
_STRANGE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """One model that is asked over HTTP.

    Attributes:
        name: As addresses call it: letters, digits, ``.``, ``_`` and ``-``.
        version: Changes with anything that the model holds: 12 hexadecimal digits.
        predictor: Turns embeddings into answers.
        encoder: Turns contents into embeddings.
    """

    name: str
    version: str
    predictor: Predictor
    encoder: Encoder

    @property
    def modality(self) -> str:
        """``"image"``, ``"audio"`` or ``"text"``."""
        return self.predictor.modality

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels, sorted; none where numbers are predicted."""
        return self.predictor.classes

    @classmethod
    def load(cls, folder: Path, *, name: str = "", allow_download: bool = False) -> LoadedModel:
        """Load what answers from a bundle.

        Args:
            folder: The bundle.
            name: What it is called; by default as its folder.
            allow_download: Whether its encoder may be fetched where it is not on this machine.

        Raises:
            BundleError: There is none, or it cannot be used.
            EncoderError: Its encoder is not here.
        """
        predictor = load_head(folder)
        with holding(str(folder)):
            tensors = bundle.read(folder, {WEIGHTS}).tensors
            weights = tensors["encoder"].arrays if "encoder" in tensors else {}
            kept, modality = predictor.encoder, predictor.modality
            encoder = encoder_of(folder, kept, modality, weights, allow_download=allow_download)
            if predictor.head.stages != encoder.stages:
                raise ValueError(f"a head for stages of {predictor.head.stages} on an encoder of {encoder.stages}")
        called = name or folder.resolve().name.removesuffix(".graft")
        return cls(_STRANGE.sub("-", called).strip("-") or "model", bundle.version_of(folder), predictor, encoder)

    def said(self, answers: Sequence[Any], top: int | None = None) -> list[dict[str, Any]]:
        """Predictions as ``graft predict --json`` prints them; errors have their hint too."""
        return [_said(answer, top) for answer in answers]


def _said(answer: Any, top: int | None) -> dict[str, Any]:
    found: dict[str, Any] = plain(answer.to_dict(top))
    if answer.error is not None:
        found["error"] = answer.error.to_dict()
    return found
