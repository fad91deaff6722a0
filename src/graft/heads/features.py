"""From an embedding to the features that a head sees: a fixed transform without anything to fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from graft.contracts import Float32, Stages
from graft.errors import UsageError


@dataclass(frozen=True, slots=True)
class Features:
    """How much of what a head sees.

    Attributes:
        described: In words.
        earlier: Weight of every stage of a network before its last one, whose weight is 1.
        words: Length of the TF-IDF part of a text's features, where that of an embedding's last stage is 1.
    """

    described: str
    earlier: float
    words: float = 0.0


FEATURES: Mapping[str, Features] = {
    "last": Features("the last stage", 0.0),
    "late": Features("mostly the last stage", 0.25),
    "even": Features("all stages alike", 1.0),
    "last+words": Features("the last stage and a little TF-IDF", 0.0, 0.5),
    "late+words": Features("mostly the last stage and a little TF-IDF", 0.25, 0.5),
    "even+words": Features("all stages alike and TF-IDF", 1.0, 1.5),
    "last+many words": Features("TF-IDF and the last stage", 0.0, 2.0),
    "even+many words": Features("TF-IDF and all stages alike", 1.0, 3.0),
}
"""What a head may see, by name.

``"last"`` leaves the earlier stages out: likeness between items is measured on it. ``"late"`` adds a little of the
earlier ones, which costs next to nothing where the last stage knows the things that are to be told apart, and helps
where it does not. ``"even"`` is for textures and for the form of a sentence, of which the earlier stages know more than
the last. Words are for names, and for languages that the network has hardly seen.
"""
DESCRIPTIONS = {name: each.described for name, each in FEATURES.items()} | {"given": "the given columns"}
"""The same in words."""
GIVEN: Stages = ()
"""The stages of a matrix that was computed elsewhere: nothing is known of its columns, so they stay as they are."""


def available(stages: Stages, words: bool = False) -> tuple[str, ...]:
    """What cross-validation tries on an encoder with these stages; ``"given"`` for none.

    Args:
        stages: Widths of the pooled stages.
        words: Whether there is TF-IDF beside the embedding.
    """
    if stages == GIVEN:
        return ("given",)
    single = all(len(network) == 1 for network in stages)
    plain = ("last",) if single else ("late", "even")
    if not words:
        return plain
    return (*plain, *(("last+words", "last+many words") if single else ("late+words", "even+words", "even+many words")))


def width(stages: Stages, features: str) -> int:
    """Number of columns that ``transform`` returns."""
    return sum(sum(network) if _known(features).earlier else network[-1] for network in stages)


def design(x: Float32, stages: Stages, features: str, words: Float32 | None = None) -> Float32:
    """What a head is fitted to: ``transform``, and beside it TF-IDF where the features have words.

    Args:
        x: Embeddings ``(n, dim) float32``.
        stages: Widths of the pooled stages.
        features: A key of ``FEATURES``, or ``"given"``.
        words: TF-IDF in coordinates of its own ``(n, r) float32``.

    Returns:
        ``(n, width(stages, features) + r) float32``, scaled as ``scales`` says.
    """
    phi = transform(x, stages, features)
    embedding, lexical = scales(features)
    return phi if words is None or not lexical else np.concatenate([embedding * phi, lexical * words], axis=1)


def scales(features: str) -> tuple[np.float32, np.float32]:
    """By what ``design`` multiplies the embedding's features and the words: their squares sum to 1."""
    words = 0.0 if features == "given" else _known(features).words
    return np.float32(1 / np.hypot(1, words)), np.float32(words / np.hypot(1, words))


def transform(x: Float32, stages: Stages, features: str) -> Float32:
    """Every stage scaled to unit length and weighted: one strength of regularisation fits every encoder.

    Args:
        x: Embeddings ``(n, dim) float32``.
        stages: Widths of the pooled stages; they sum to ``dim``. ``GIVEN``: ``x`` is returned as it is.
        features: A key of ``FEATURES``, or ``"given"``; its words stand elsewhere.

    Returns:
        ``(n, width(stages, features)) float32``; a stage of zeros stays zero.

    Raises:
        UsageError: ``features`` is unknown, or the stages do not sum to ``dim``.
    """
    if stages == GIVEN:
        return x
    earlier = _known(features).earlier
    if sum(map(sum, stages)) != x.shape[1]:
        raise UsageError(
            f"Embeddings of {x.shape[1]} numbers do not fit stages of {sum(map(sum, stages))}.",
            "Use the encoder of the model.",
        )
    parts = []
    start = 0
    for network in stages:
        for stage, columns in enumerate(network):
            weight = 1.0 if stage == len(network) - 1 else earlier
            if weight:
                parts.append(_unit(x[:, start : start + columns], weight))
            start += columns
    phi: Float32 = np.concatenate(parts, axis=1)
    return phi


def _known(features: str) -> Features:
    if features not in FEATURES:
        raise UsageError(f"There are no features called {features!r}.", f"Choose one of {', '.join(FEATURES)}.")
    return FEATURES[features]


def _unit(stage: Float32, length: float) -> Float32:
    norm = np.linalg.norm(stage, axis=1, keepdims=True)
    return np.asarray(stage * (length / np.maximum(norm, np.finfo(np.float32).tiny)), dtype=np.float32)
