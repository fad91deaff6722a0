"""Nodes and constants of an ONNX graph, collected one after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from graft.contracts import Float32
from graft.encoders.structures import WEIGHTS, offsets


class Builder:
    """Every method returns the name of the tensor that it adds.

    Args:
        weights: All that is packed, tables included, in the order of packing.
    """

    def __init__(self, weights: Mapping[str, Float32]) -> None:
        self.shapes = {name: array.shape for name, array in weights.items()}
        self.nodes: list[Any] = []
        self.tensors: dict[str, Any] = {}

    def add(self, operation: str, inputs: Sequence[str], output: str = "", **attributes: Any) -> str:
        """A node with one output."""
        output = output or f"{operation}.{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, inputs, [output], **attributes))
        return output

    def weight(self, name: str) -> str:
        """One of the packed weights."""
        start = offsets(self.shapes)[name]
        tensor = TensorProto(
            name=name, dims=self.shapes[name], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL
        )
        length = 4 * int(np.prod(self.shapes[name]))
        for key, value in (("location", WEIGHTS), ("offset", start), ("length", length)):
            tensor.external_data.add(key=key, value=str(value))
        self.tensors[name] = tensor
        return name

    def floats(self, name: str, value: Any) -> str:
        """Numbers that are part of the structure."""
        return self._constant(name, np.asarray(value, np.float32))

    def integers(self, name: str, value: Sequence[int]) -> str:
        """Whole numbers that are part of the structure."""
        return self._constant(name, np.asarray(value, np.int64))

    def model(self, name: str, inputs: Sequence[Any], outputs: Sequence[Any], opset: int, ir_version: int) -> bytes:
        """The ONNX file."""
        graph = helper.make_graph(self.nodes, name, inputs, outputs, list(self.tensors.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)
        return bytes(model.SerializeToString(deterministic=True))

    def _constant(self, name: str, value: Any) -> str:
        self.tensors.setdefault(name, numpy_helper.from_array(value, name))
        return name


def floats(name: str, *shape: str | int) -> Any:
    """An input or output of float32."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
