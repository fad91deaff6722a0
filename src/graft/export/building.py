"""From a fitted model to one graph that answers alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from graft.contracts import Encoder
from graft.encoders import Tunable, moved_to
from graft.encoders.joined import JoinedEncoder
from graft.encoders.runtime import Backend
from graft.errors import ExportError
from graft.export import pictures, speech, texts
from graft.export.front import Front
from graft.export.graph import OnnxGraph
from graft.export.heads import HEADS
from graft.heads.protocols import Answering
from graft.model import Model

EXACT = Backend("onnxruntime", "f32")
"""What runs a model whose answers an export is held to."""
FRONTS: Mapping[str, Callable[[Encoder, Answering], Front]] = {
    "image": pictures.front_of,
    "text": texts.front_of,
    "audio": speech.front_of,
}
"""By modality: how a graph of such an encoder begins, for a head of this kind."""


def exact(model: Model) -> Model:
    """The same model on ONNX Runtime in float32, whatever the processor has.

    Raises:
        ExportError: It has no encoder, or one that nothing else can run.
    """
    if model.encoder is None:
        raise ExportError(
            "This model was fitted to a matrix of embeddings, and an export answers items.",
            "Fit it to the items themselves.",
        )
    return replace(model, encoder=_exact(model.encoder))


def _exact(encoder: Encoder) -> Encoder:
    if isinstance(encoder, JoinedEncoder):
        return JoinedEncoder(tuple(map(_exact, encoder.members)))
    if not isinstance(encoder, Tunable):
        raise ExportError(
            f"The encoder {encoder.name} runs in Python, and no graph of it is known.",
            "Fit with an encoder that graft encoders shows, or with one of the hub.",
        )
    return moved_to(encoder, EXACT)


def front_of(model: Model) -> Front:
    """How the graph of a model begins.

    Raises:
        ExportError: Its encoder cannot be exported; says why.
    """
    encoder = model.encoder
    assert encoder is not None
    if encoder.modality not in FRONTS:
        raise ExportError(f"Models of {encoder.modality} cannot be exported.", "Ask them with graft predict.")
    return FRONTS[encoder.modality](encoder, model.classifier)


def graph_of(model: Model, front: Front, labels: Mapping[str, Any]) -> bytes:
    """The ONNX file.

    Args:
        model: What is exported.
        front: How its graph begins.
        labels: What stands in its metadata, each value as JSON; ``precision`` among it is that of the weights.

    Raises:
        ExportError: It would be too large, or the encoder's own graph cannot stand in one with others.
    """
    graph = OnnxGraph()
    for entry in front.inputs:
        graph.input(entry.name, entry.kind, entry.shape)
    HEADS[model.classifier.task](graph, model.classifier, front.embed(graph), front.words)
    texts = {name: json.dumps(value, ensure_ascii=False) for name, value in labels.items()}
    return graph.finish(texts, labels["precision"])
