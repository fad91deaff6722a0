"""all-MiniLM-L6-v2 (Wang et al. 2020; trained on pairs of sentences by Reimers et al. 2021), its shape once.

A BERT of 6 layers. The ONNX graph that embeds texts is built from the pretrained weights. Several short texts stand one
after another in a row of tokens, so that hardly any padding is computed; tokens see their own text only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graft.contracts import Float32

LAYERS = 6
WIDTH = 384
HEADS = 12
HEAD_WIDTH = WIDTH // HEADS
EPSILON = 1e-12
"""Of the layer normalisations."""


def onnx_graph(weights: Mapping[str, Float32], layers: Sequence[int]) -> bytes:
    """The network as an ONNX model, for rows of ``t`` tokens.

    Inputs: ``vectors (r, t, 384) float32``, the sum of ``token_vectors`` for each token and its position in its own
    text; ``texts (r, t) int32``, a number for the text that a token belongs to. The vectors are looked up outside, as
    their table is half of all weights and a runtime would copy it several times.
    Output: ``states (r, t, 384 * len(layers)) float32``.

    Args:
        weights: The pretrained tensors, by their own names.
        layers: After which layers the states are given, joined: 0 is the embedding of the tokens, 6 the last layer.
    """
    return _Graph(weights).build(layers)


def token_vectors(weights: Mapping[str, Float32]) -> tuple[Float32, Float32]:
    """The vectors of all tokens ``(30522, 384)`` and of all positions ``(512, 384)``."""
    # A row of BERT's can hold a second text, of another type: here every token is of the first.
    positions = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    return weights["embeddings.word_embeddings.weight"], positions


class _Graph:
    """Collects nodes and constants; every method returns the name of the tensor it adds."""

    def __init__(self, weights: Mapping[str, Float32]) -> None:
        self.weights = weights
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}

    def build(self, layers: Sequence[int]) -> bytes:
        from onnx import TensorProto, helper

        states = [self._normalise("vectors", "embeddings.LayerNorm")]
        strangers = self._strangers()
        for layer in range(LAYERS):
            states.append(self._layer(states[-1], strangers, f"encoder.layer.{layer}"))
        self._add("Concat", [states[layer] for layer in layers], output="states", axis=2)
        inputs = [
            helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["r", "t", WIDTH]),
            helper.make_tensor_value_info("texts", TensorProto.INT32, ["r", "t"]),
        ]
        outputs = [helper.make_tensor_value_info("states", TensorProto.FLOAT, ["r", "t", WIDTH * len(layers)])]
        graph = helper.make_graph(self.nodes, "all_minilm_l6_v2", inputs, outputs)
        # IR version 9 and opset 20 are the first with Gelu.
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
        for name, value in self.constants.items():  # here, and not in make_graph: each step there copies them all
            model.graph.initializer.add(
                name=name,
                dims=value.shape,
                data_type=helper.np_dtype_to_tensor_dtype(value.dtype),
                raw_data=value.tobytes(),
            )
        return bytes(model.SerializeToString())

    def _strangers(self) -> str:
        """``(r, 1, t, t)``: 0 between the tokens of one text, and far below every score between those of two."""
        pair = [self._add("Unsqueeze", ["texts", self._integers(f"axes.{axes}", axes)]) for axes in ([1, 2], [1, 3])]
        friends = self._add("Equal", pair)
        bias = [self._constant("friend", np.float32(0)), self._constant("stranger", np.float32(-1e9))]
        return self._add("Where", [friends, *bias])

    def _layer(self, x: str, strangers: str, name: str) -> str:
        attended = self._linear(
            self._attention(x, strangers, f"{name}.attention.self"), f"{name}.attention.output.dense"
        )
        x = self._normalise(self._add("Add", [attended, x]), f"{name}.attention.output.LayerNorm")
        wide = self._add("Gelu", [self._linear(x, f"{name}.intermediate.dense")])
        return self._normalise(
            self._add("Add", [self._linear(wide, f"{name}.output.dense"), x]), f"{name}.output.LayerNorm"
        )

    def _attention(self, x: str, strangers: str, name: str) -> str:
        scale = 1 / np.sqrt(HEAD_WIDTH, dtype=np.float32)
        query = self._heads(self._linear(x, f"{name}.query", scale), [0, 2, 1, 3])
        key = self._heads(self._linear(x, f"{name}.key"), [0, 2, 3, 1])
        value = self._heads(self._linear(x, f"{name}.value"), [0, 2, 1, 3])
        scores = self._add("Add", [self._add("MatMul", [query, key]), strangers])
        seen = self._add("MatMul", [self._add("Softmax", [scores], axis=-1), value])
        together = self._add("Transpose", [seen], perm=[0, 2, 1, 3])
        return self._add("Reshape", [together, self._integers("whole", [0, 0, WIDTH])])

    def _heads(self, x: str, order: list[int]) -> str:
        apart = self._add("Reshape", [x, self._integers("apart", [0, 0, HEADS, HEAD_WIDTH])])
        return self._add("Transpose", [apart], perm=order)

    def _linear(self, x: str, name: str, scale: float = 1.0) -> str:
        kernel = self._constant(f"{name}.kernel", self.weights[f"{name}.weight"].T * np.float32(scale))
        bias = self._constant(f"{name}.shift", self.weights[f"{name}.bias"] * np.float32(scale))
        return self._add("Add", [self._add("MatMul", [x, kernel]), bias])

    def _normalise(self, x: str, name: str) -> str:
        gain, shift = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        return self._add("LayerNormalization", [x, gain, shift], axis=-1, epsilon=EPSILON)

    def _add(self, operation: str, inputs: list[str], output: str = "", **attributes: Any) -> str:
        from onnx import helper

        output = output or f"{operation}.{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, inputs, [output], **attributes))
        return output

    def _weight(self, name: str) -> str:
        return self._constant(name, self.weights[name])

    def _constant(self, name: str, value: Any) -> str:
        return self._keep(name, np.asarray(value, np.float32))

    def _integers(self, name: str, value: list[int]) -> str:
        return self._keep(name, np.asarray(value, np.int64))

    def _keep(self, name: str, value: Any) -> str:
        self.constants.setdefault(name, value)
        return name
