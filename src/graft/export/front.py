"""What stands before the head in an exported graph: inputs, and the way from them to embeddings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graft.export.graph import OnnxGraph


@dataclass(frozen=True, slots=True)
class GraphInput:
    """One input of an exported graph.

    Attributes:
        name: As it is called there.
        kind: The type of its numbers, a key of ``graph.TYPES``.
        shape: Its axes; those with a name have any length.
    """

    name: str
    kind: str
    shape: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Front:
    """The part of an exported graph that belongs to an encoder.

    Attributes:
        inputs: What the graph takes.
        embed: Adds the nodes from these inputs to embeddings, and names the tensor ``(n, dim) float32``.
        host: What whoever asks the graph has to do before, for ``labels.json``.
        files: What lies beside the graph for that, by relative path.
        words: The tensor name of the row of words, where the head looks at them; it is one of ``inputs``.
    """

    inputs: tuple[GraphInput, ...]
    embed: Callable[[OnnxGraph], str]
    host: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    words: str = ""
