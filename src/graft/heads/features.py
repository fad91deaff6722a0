"""From an embedding to the features that a head sees: a fixed transform without anything to fit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from graft.contracts import Float32, Stages
from graft.errors import UsageError

FEATURES: Mapping[str, float] = {"last": 0.0, "late": 0.25, "even": 1.0}
"""The weight of every stage of a network before its last one, whose weight is 1.

``"last"`` leaves the earlier stages out: likeness between items is measured on it. ``"late"`` adds a little of the
earlier ones, which costs next to nothing where the last stage knows the things that are to be told apart, and helps
where it does not. ``"even"`` is for textures, of which the earlier stages know more than the last.
"""
CANDIDATES = ("late", "even")
"""The keys of ``FEATURES`` that cross-validation tries."""
DESCRIPTIONS: Mapping[str, str] = {
    "last": "the last stage",
    "late": "mostly the last stage",
    "even": "all stages alike",
    "given": "the given columns",
}
"""The same in words."""
GIVEN: Stages = ()
"""The stages of a matrix that was computed elsewhere: nothing is known of its columns, so they stay as they are."""


def available(stages: Stages) -> tuple[str, ...]:
    """What cross-validation tries on an encoder with these stages; ``"given"`` for none."""
    if stages == GIVEN:
        return ("given",)
    return ("last",) if all(len(network) == 1 for network in stages) else CANDIDATES


def width(stages: Stages, features: str) -> int:
    """Number of columns that ``transform`` returns."""
    return sum(sum(network) if _earlier(features) else network[-1] for network in stages)


def transform(x: Float32, stages: Stages, features: str) -> Float32:
    """Every stage scaled to unit length and weighted: one strength of regularisation fits every encoder.

    Args:
        x: Embeddings ``(n, dim) float32``.
        stages: Widths of the pooled stages; they sum to ``dim``. ``GIVEN``: ``x`` is returned as it is.
        features: A key of ``FEATURES``, or ``"given"``.

    Returns:
        ``(n, width(stages, features)) float32``; a stage of zeros stays zero.

    Raises:
        UsageError: ``features`` is unknown, or the stages do not sum to ``dim``.
    """
    if stages == GIVEN:
        return x
    earlier = _earlier(features)
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


def _earlier(features: str) -> float:
    if features not in FEATURES:
        raise UsageError(f"There are no features called {features!r}.", f"Choose one of {', '.join(FEATURES)}.")
    return FEATURES[features]


def _unit(stage: Float32, length: float) -> Float32:
    norm = np.linalg.norm(stage, axis=1, keepdims=True)
    return np.asarray(stage * (length / np.maximum(norm, np.finfo(np.float32).tiny)), dtype=np.float32)
