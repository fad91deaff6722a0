"""Heads of every kind as nodes of a graph: embeddings in, answers out.

A new kind is a function and a line in ``HEADS``. Every number is what the head in ``graft.heads`` computes, in the same
order and in float32 as there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from graft.contracts import Float32, Float64, Linear, Stages
from graft.export.vectors import one
from graft.heads.classifier import Classifier
from graft.heads.features import FEATURES, GIVEN
from graft.heads.lexical import LexicalPart
from graft.heads.multi_label import MultiLabelClassifier
from graft.heads.regressor import Regressor
from graft.heads.unknown import UnknownRule

if TYPE_CHECKING:
    from graft.export.graph import OnnxGraph

TINY = np.finfo(np.float32).tiny


def classifier(graph: OnnxGraph, head: Classifier, x: str, words: str) -> None:
    """``probabilities (n, k)``, ``unknown_score (n,)``, ``set (n, k) bool``."""
    phi = features(graph, x, head.stages, head.features)
    logits = linear(graph, phi, head.linear)
    if head.lexical is not None:
        logits = graph.add("Add", logits, graph.add("MatMul", words, word_weights(graph, head.lexical)))
    p = graph.add("Softmax", graph.add("Div", logits, np.float32(head.temperature)), axis=-1)
    two = graph.top(logits, 2)
    best, second = (graph.add("Gather", two, np.int64(place), axis=1) for place in (0, 1))
    k = len(head.sets.thresholds)
    graph.output("probabilities", p, "float32", ("n", k))
    _unknown(graph, head.unknown, phi, graph.add("Sub", best, second))
    graph.output("set", graph.add("GreaterOrEqual", p, reaching(head.sets.reached)), "bool", ("n", k))


def multi_label(graph: OnnxGraph, head: MultiLabelClassifier, x: str, words: str) -> None:
    """The same; the set holds the labels that are given."""
    phi = features(graph, x, head.stages, head.features)
    scores = linear(graph, phi, head.linear)
    p = graph.add("Sigmoid", scores)
    k = len(head.linear.bias)
    sums = graph.add("Squeeze", graph.total(graph.add("Abs", scores)), one(1))
    graph.output("probabilities", p, "float32", ("n", k))
    _unknown(graph, head.unknown, phi, graph.add("Div", sums, np.float32(k)))
    graph.output("set", graph.add("GreaterOrEqual", p, label_thresholds(head)), "bool", ("n", k))


def regressor(graph: OnnxGraph, head: Regressor, x: str, words: str) -> None:
    """``value``, ``low`` and ``high`` ``(n,) float64``, ``unknown_score (n,)``."""
    phi = features(graph, x, head.stages, head.features)
    score = graph.add("Squeeze", linear(graph, phi, head.linear), one(1))
    scaled = graph.add("Mul", graph.cast(score, "float64"), np.float64(head.scale))
    value = graph.add("Add", scaled, np.float64(head.centre))
    graph.output("value", value, "float64", ("n",))
    graph.output("low", graph.add("Sub", value, np.float64(head.margin)), "float64", ("n",))
    graph.output("high", graph.add("Add", value, np.float64(head.margin)), "float64", ("n",))
    _unknown(graph, head.unknown, phi, graph.add("Mul", score, np.float32(0)))


HEADS: Mapping[str, Callable[[OnnxGraph, Any, str, str], None]] = {
    Classifier.task: classifier,
    MultiLabelClassifier.task: multi_label,
    Regressor.task: regressor,
}
"""By what a head answers to: adds its nodes, from embeddings and the tensor of words (``""`` for none), and outputs."""


def features(graph: OnnxGraph, x: str, stages: Stages, name: str) -> str:
    """``graft.heads.features.transform``: every stage at unit length, weighted."""
    if stages == GIVEN:
        return x
    earlier = FEATURES[name].earlier
    parts = []
    start = 0
    for network in stages:
        for place, width in enumerate(network):
            weight = 1.0 if place == len(network) - 1 else earlier
            if weight:
                bounds = (one(start), one(start + width), one(1))
                stage = graph.add("Slice", x, *bounds)
                length = graph.add("Max", _length(graph, stage), TINY)
                parts.append(graph.add("Mul", stage, graph.add("Div", np.float32(weight), length)))
            start += width
    return graph.add("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]


def linear(graph: OnnxGraph, phi: str, layer: Linear) -> str:
    """Scores ``(n, k)``."""
    weights = graph.weight("head.weights", layer.weights.astype(np.float32))
    return graph.add("Add", graph.add("MatMul", phi, weights), graph.weight("head.bias", layer.bias))


def label_thresholds(head: Any) -> Float32:
    """From which probability on each label is given ``(k,)``, by a head of any number of labels."""
    return np.full(len(head.linear.bias), head.threshold, np.float32)


def word_weights(graph: OnnxGraph, part: LexicalPart) -> str:
    """Weights of n-grams ``(v, k) float32``, kept as the codes that the head has; runtimes open them on loading."""
    codes = graph.weight("head.words", part.codes)
    if not len(part.levels):
        return graph.cast(codes, "float32")
    meaning = graph.add("Gather", part.meaning, graph.cast(codes, "int32"), axis=0)  # (v, bytes, codes in a byte)
    rows = graph.add("Slice", graph.add("Flatten", meaning, axis=1), one(0), one(len(part.scale)), one(1))
    return graph.add("Mul", rows, part.scale)


def reaching(thresholds: Float64) -> Float32:
    """The least float32 that are at least these numbers: comparing with them is comparing with the numbers."""
    near = np.asarray(thresholds, np.float64).astype(np.float32)
    return np.where(near < thresholds, np.nextafter(near, np.float32(np.inf)), near).astype(np.float32)


def _unknown(graph: OnnxGraph, rule: UnknownRule, phi: str, margin: str) -> None:
    prototypes = graph.weight("unknown.prototypes", rule.prototypes.astype(np.float32).T)
    nearest = graph.add("Squeeze", graph.top(graph.add("MatMul", phi, prototypes)), one(1))
    length = graph.add("Max", graph.add("Squeeze", _length(graph, phi), one(1)), TINY)
    distance = graph.add("Sub", np.float32(1), graph.add("Div", nearest, length))
    parts = [
        graph.add("Div", graph.add("Sub", value, np.float32(mean)), np.float32(spread))
        for value, (mean, spread) in ((distance, rule.distance), (margin, rule.margin))
    ]
    graph.output("unknown_score", graph.add("Sub", *parts), "float32", ("n",))


def _length(graph: OnnxGraph, rows: str) -> str:
    """The length of every row ``(n, 1)``."""
    return graph.add("Sqrt", graph.total(graph.add("Mul", rows, rows)))
