"""all-MiniLM-L6-v2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from onnx import TensorProto, helper

from graft.contracts import Float32
from graft.encoders.minilm import EPSILON, HEAD_WIDTH, HEADS, LAYERS, WIDTH
from graphs.builder import Builder, floats


def build(weights: Mapping[str, Float32], layers: Sequence[int]) -> bytes:
    """``vectors (r, t, 384) float32`` and ``texts (r, t) int32`` -> ``states (r, t, 384 * len(layers)) float32``.

    Args:
        weights: As ``minilm.arranged`` gives them.
        layers: After which layers the states are given, joined: 0 is the embedding of the tokens, 6 the last layer.
    """
    return _Network(weights).build(layers)


class _Network(Builder):
    def build(self, layers: Sequence[int]) -> bytes:
        states = [self._normalise("vectors", "embeddings.LayerNorm")]
        mask = self._attention_mask()
        for layer in range(LAYERS):
            states.append(self._layer(states[-1], mask, f"encoder.layer.{layer}"))
        self.add("Concat", [states[layer] for layer in layers], output="states", axis=2)
        inputs = [
            floats("vectors", "r", "t", WIDTH),
            helper.make_tensor_value_info("texts", TensorProto.INT32, ["r", "t"]),
        ]
        outputs = [floats("states", "r", "t", WIDTH * len(layers))]
        # IR version 9 and opset 20 are the first with Gelu.
        return self.model("all_minilm_l6_v2", inputs, outputs, opset=20, ir_version=9)

    def _attention_mask(self) -> str:
        """``(r, 1, t, t)``: 0 between the tokens of one text, and far below every score between those of two."""
        pair = [self.add("Unsqueeze", ["texts", self.integers(f"axes.{axes}", axes)]) for axes in ([1, 2], [1, 3])]
        same = self.add("Equal", pair)
        return self.add("Where", [same, self.floats("friend", 0), self.floats("stranger", -1e9)])

    def _layer(self, x: str, mask: str, name: str) -> str:
        attended = self._linear(self._attention(x, mask, f"{name}.attention.self"), f"{name}.attention.output.dense")
        x = self._normalise(self.add("Add", [attended, x]), f"{name}.attention.output.LayerNorm")
        wide = self.add("Gelu", [self._linear(x, f"{name}.intermediate.dense")])
        return self._normalise(
            self.add("Add", [self._linear(wide, f"{name}.output.dense"), x]), f"{name}.output.LayerNorm"
        )

    def _attention(self, x: str, mask: str, name: str) -> str:
        query = self._heads(self._linear(x, f"{name}.query"), [0, 2, 1, 3])  # scaled already
        key = self._heads(self._linear(x, f"{name}.key"), [0, 2, 3, 1])
        value = self._heads(self._linear(x, f"{name}.value"), [0, 2, 1, 3])
        scores = self.add("Add", [self.add("MatMul", [query, key]), mask])
        seen = self.add("MatMul", [self.add("Softmax", [scores], axis=-1), value])
        together = self.add("Transpose", [seen], perm=[0, 2, 1, 3])
        return self.add("Reshape", [together, self.integers("whole", [0, 0, WIDTH])])

    def _heads(self, x: str, order: list[int]) -> str:
        apart = self.add("Reshape", [x, self.integers("apart", [0, 0, HEADS, HEAD_WIDTH])])
        return self.add("Transpose", [apart], perm=order)

    def _linear(self, x: str, name: str) -> str:
        return self.add("Add", [self.add("MatMul", [x, self.weight(f"{name}.kernel")]), self.weight(f"{name}.shift")])

    def _normalise(self, x: str, name: str) -> str:
        gain, shift = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.add("LayerNormalization", [x, gain, shift], axis=-1, epsilon=EPSILON)
