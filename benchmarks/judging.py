"""What a fitted model and the one that was tuned from it say of items that neither has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.draws import Draw
from graft.contracts import Encoder, Float32, Int
from graft.data.dataset import Item, as_item
from graft.data.texts import texts_of
from graft.encoders.embed import embed
from graft.metrics import accuracy, log_loss
from graft.model import Model, load

AT_ONCE = 32
"""Items that go through the torch network together."""


@dataclass(frozen=True, slots=True)
class Score:
    """Of one model: accuracy in [0, 1], and log loss in nats."""

    accuracy: float
    log_loss: float


@dataclass(frozen=True, slots=True)
class Parity:
    """A bundle's network beside the same weights in torch.

    Attributes:
        backend: What runs the bundle's network, and in which precision.
        equal: Share of items that get the same label, in [0, 1].
        probability: Largest difference of a probability.
        embedding: Largest difference of a component of an embedding.
    """

    backend: str
    equal: float
    probability: float
    embedding: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """Both models, and the second one's network beside torch: exactly, and as it is served on this machine."""

    before: Score
    after: Score
    exact: Parity
    served: Parity


def judge(before: Path, after: Path, division: Draw) -> Judgement:
    """Two saved models on the test of a division; the second one's network in torch too."""
    fitted, tuned = load(before), load(after)
    items = [as_item(example.item, position, division.modality) for position, example in enumerate(division.test)]
    y = np.array([fitted.classes.index(example.label) for example in division.test], np.int64)
    expected = in_torch(encoder_of(tuned), items)
    x = embedded(tuned, items)
    same = load(after, backend="onnxruntime")  # in float32 on every processor
    return Judgement(
        before=score(said(fitted, embedded(fitted, items), items), y),
        after=score(said(tuned, x, items), y),
        exact=_parity(same, embedded(same, items), expected, items),
        served=_parity(tuned, x, expected, items),
    )


def embedded(model: Model, items: Sequence[Item]) -> Float32:
    """The embeddings ``(n, dim)`` of a model's own encoder, computed anew.

    Raises:
        ValueError: An item cannot be read.
    """
    found = embed(encoder_of(model), items)
    if found.skipped:
        raise ValueError(f"{len(found.skipped)} items cannot be read")
    return found.x


def in_torch(encoder: Encoder, items: Sequence[Item]) -> Float32:
    """The embeddings ``(n, dim)`` of the same weights in torch."""
    import torch

    from graft.encoders import Tunable
    from graft.tuning.networks import network_for

    assert isinstance(encoder, Tunable), "the others have no network in torch"
    network = network_for(encoder)
    parts = []
    with torch.inference_mode():
        for start in range(0, len(items), AT_ONCE):
            values = [encoder.prepare(item.read()).value for item in items[start : start + AT_ONCE]]
            parts.append(network(network.batch(values)).numpy())
    return np.concatenate(parts)


def said(model: Model, x: Float32, items: Sequence[Item]) -> Float32:
    """A model's probabilities ``(n, k)`` for items with the embeddings ``x``."""
    texts = texts_of(items) if model.classifier.words else None
    return model.classifier.answer(x, texts).p


def score(p: Float32, y: Int) -> Score:
    """Of probabilities ``(n, k)``; classes ``(n,)``."""
    return Score(accuracy(y, p.argmax(axis=1)), log_loss(y, p))


def encoder_of(model: Model) -> Any:
    """The model's encoder.

    Raises:
        ValueError: It has none.
    """
    if model.encoder is None:
        raise ValueError("the model was fitted to a matrix and has no encoder")
    return model.encoder


def _parity(model: Model, x: Float32, expected: Float32, items: Sequence[Item]) -> Parity:
    p, q = said(model, x, items), said(model, expected, items)
    return Parity(
        backend=str(encoder_of(model).runs_on),
        equal=float((p.argmax(axis=1) == q.argmax(axis=1)).mean()),
        probability=float(np.abs(p - q).max()),
        embedding=float(np.abs(x - expected).max()),
    )
