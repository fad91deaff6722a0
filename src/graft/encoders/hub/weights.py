"""The weights in a graph, by the names that transformers gives them: read, and replaced, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graft.contracts import Float32
from graft.encoders.onnx_file import read_floats, with_floats

PREFIX = "weight:"
"""Begins the names of a graph's weights, so that they are told from its constants."""


def weight_name(name: str) -> str:
    """What a weight is called in a graph."""
    return f"{PREFIX}{name}"


def read_weights(graph: bytes) -> dict[str, Float32]:
    """All weights of a graph, float32."""
    found = read_floats(graph).items()
    return {name.removeprefix(PREFIX): array for name, array in found if name.startswith(PREFIX)}


def with_weights(graph: bytes, arrays: Mapping[str, Float32]) -> bytes:
    """The graph with these arrays in the place of weights of the same names and shapes; strange names are left out."""
    own = read_weights(graph)
    return with_floats(graph, {weight_name(name): array for name, array in arrays.items() if name in own})


def as_initializers(graph: bytes, arrays: Mapping[str, Float32]) -> bytes:
    """A graph whose weights are inputs as one that holds them; those that play no part in it are left out."""
    from onnx import load_model_from_string, numpy_helper

    model = load_model_from_string(graph)
    inputs = [entry for entry in model.graph.input if not entry.name.startswith(PREFIX)]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    used = set(_used(model.graph))
    model.graph.initializer.extend(
        numpy_helper.from_array(array, weight_name(name)) for name, array in arrays.items() if weight_name(name) in used
    )
    return bytes(model.SerializeToString())


def _used(graph: Any) -> list[str]:
    """What the nodes of a graph take, those of the branches in it too."""
    inner = [attribute.g for node in graph.node for attribute in node.attribute if attribute.HasField("g")]
    return [name for node in graph.node for name in node.input] + [name for each in inner for name in _used(each)]
