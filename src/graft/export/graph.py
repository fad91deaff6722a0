"""An ONNX graph in the making: nodes, constants, and whole networks that are taken in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from graft.contracts import Array
from graft.errors import ExportError
from graft.export.precisions import HALF
from graft.export.vectors import one

OPSET = 17
"""The lowest that has all operators that the networks need."""
IR_VERSION = 8
"""Of the file's format; with this operator set it is read by ONNX Runtime from 1.12 on, whichever onnx wrote it.

A network of the hub that wants a later operator set gets the format that belongs to that."""
LARGEST = 2_000_000_000
"""Bytes of one file: more is not possible in one message of protocol buffers."""
HALVED_FROM = 1024
"""Matrices and kernels of at least so many numbers are stored in half precision, where that is asked for."""
TYPES = {
    "uint8": TensorProto.UINT8,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "bool": TensorProto.BOOL,
    "float16": TensorProto.FLOAT16,
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
}


class OnnxGraph:
    """Every method that adds something returns the name of the tensor that comes of it.

    Whatever stands in it is valid under every operator set from 13 to 21, so that a network of the hub that wants a
    later one than ``OPSET`` raises that of the whole.
    """

    def __init__(self) -> None:
        self.opset = OPSET
        self._nodes: list[Any] = []
        self._weights: dict[str, Array] = {}
        self._kept: list[Any] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._ranks: dict[str, int] = {}
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []

    def add(self, operation: str, *inputs: str | Array | np.generic, output: str = "", **attributes: Any) -> str:
        """A node with one output; numbers among its inputs become constants, of their own type."""
        names = [entry if isinstance(entry, str) else self.constant(entry) for entry in inputs]
        output = output or f"{operation.lower()}.{len(self._nodes)}"
        self._nodes.append(helper.make_node(operation, names, [output], **attributes))
        return output

    def cast(self, tensor: str, kind: str) -> str:
        """The same numbers in another type, a key of ``TYPES``."""
        return self.add("Cast", tensor, to=TYPES[kind])

    def top(self, tensor: str, k: int = 1) -> str:
        """The ``k`` largest of every row ``(n, k)``, the largest first."""
        output = f"top.{len(self._nodes)}"
        names = [tensor, self.constant(one(k))]
        self._nodes.append(helper.make_node("TopK", names, [output, f"{output}.places"], axis=-1))
        return output

    def total(self, tensor: str, axis: int = -1) -> str:
        """Sums over one axis, which stays with length 1."""
        return self.add("ReduceSum", tensor, one(axis), keepdims=1)

    def vector(self, number: str) -> str:
        """A number of the graph ``()`` as a vector ``(1,)``."""
        return self.add("Reshape", number, one(-1))

    def constant(self, value: Array | np.generic) -> str:
        """Numbers that are part of the graph; equal ones stand in it once."""
        array = np.asarray(value)
        key = (array.dtype.name, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = self.weight(f"constant.{len(self._constants)}", array)
        return self._constants[key]

    def weight(self, name: str, value: Array) -> str:
        """Numbers with a name of their own."""
        if name in self._weights:
            raise ValueError(f"two weights are called {name}")
        self._weights[name] = np.asarray(value)
        return name

    def include(self, content: bytes, prefix: str, *inputs: str) -> str:
        """A whole network; its names get a prefix, and its first output is returned.

        Args:
            content: An ONNX model that lies in one file.
            prefix: Tells its names from those of others.
            inputs: What stands in the place of its inputs, in their order.

        Raises:
            ExportError: It uses operators that can not stand beside those of this graph.
        """
        network = onnx.load_model_from_string(content)
        if network.functions:
            network = onnx.inliner.inline_local_functions(network)
        self._raise_to(network)
        graph = compose.add_prefix(network, prefix).graph
        given = [entry.name for entry in graph.input if entry.name not in {each.name for each in graph.initializer}]
        for own, name in zip(inputs, given, strict=True):
            self._nodes.append(helper.make_node("Identity", [own], [name]))
        self._nodes.extend(graph.node)
        for tensor in graph.initializer:
            if tensor.data_type in (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64, TensorProto.UINT8):
                self._weights[tensor.name] = numpy_helper.to_array(tensor)
            else:
                self._kept.append(tensor)
        states = graph.output[0]
        self._ranks[states.name] = len(states.type.tensor_type.shape.dim)
        return str(states.name)

    def rank(self, tensor: str) -> int:
        """How many axes the output of a network has that was taken in."""
        return self._ranks[tensor]

    def input(self, name: str, kind: str, shape: Sequence[str | int]) -> str:
        """What the graph takes."""
        self._inputs.append(helper.make_tensor_value_info(name, TYPES[kind], shape))
        return name

    def output(self, name: str, tensor: str, kind: str, shape: Sequence[str | int]) -> None:
        """What the graph gives."""
        self.add("Identity", tensor, output=name)
        self._outputs.append(helper.make_tensor_value_info(name, TYPES[kind], shape))

    def finish(self, metadata: Mapping[str, str], precision: str) -> bytes:
        """The file.

        Args:
            metadata: Texts that stand in it by name.
            precision: One of ``PRECISIONS``: in which kind of numbers weights are stored; it computes in float32.

        Raises:
            ExportError: It would be too large for one file.
        """
        heads: list[Any] = []
        tensors = list(self._kept)
        size = 0
        for name, array in self._weights.items():
            stored = _halved(array) if precision == HALF else array
            size += stored.nbytes
            if stored is not array:
                heads.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
                name = f"{name}.half"
            if size > LARGEST:
                raise ExportError(
                    f"The model's weights are more than {LARGEST / 1e9:g} GB, which one ONNX file cannot hold.",
                    "Export it with --precision fp16, or fit with a smaller encoder.",
                )
            tensors.append(numpy_helper.from_array(np.asarray(stored, order="C"), name))
        graph = helper.make_graph([*heads, *self._nodes], "graft", self._inputs, self._outputs, tensors)
        opsets = [helper.make_opsetid("", self.opset)]
        version = max(IR_VERSION, helper.find_min_ir_version_for(opsets))
        model = helper.make_model(graph, opset_imports=opsets, ir_version=version, producer_name="graft")
        helper.set_model_props(model, dict(metadata))
        return bytes(model.SerializeToString(deterministic=True))

    def _raise_to(self, network: Any) -> None:
        opsets = {entry.domain: entry.version for entry in network.opset_import}
        own = opsets.pop("", self.opset)
        foreign = {node.domain for node in network.graph.node} & {domain for domain in opsets if domain != "ai.onnx"}
        if foreign:
            raise ExportError(
                f"The encoder's graph uses operators of {', '.join(sorted(foreign))}, which plain runtimes lack.",
                "Fit with another encoder: graft encoders shows those that come with Graft.",
            )
        if own < self.opset and not _same(network.graph.node, own, self.opset):
            raise ExportError(
                f"The encoder's graph is written for operator set {own}, which means other things than {self.opset}.",
                "Fit with another encoder: graft encoders shows those that come with Graft.",
            )
        if own > self.opset and not _same(self._nodes, self.opset, own):
            raise ExportError(
                f"The encoders' graphs are written for operator sets {self.opset} and {own}, which cannot be joined.",
                "Export a model of one of them alone.",
            )
        self.opset = max(own, self.opset)


def _halved(array: Array) -> Array:
    """The array in half precision, where that saves something and loses no number altogether."""
    if array.dtype != np.float32 or array.ndim < 2 or array.size < HALVED_FROM:
        return array
    if np.abs(array).max() > np.finfo(np.float16).max:
        return array
    return array.astype(np.float16)


def _same(nodes: Sequence[Any], old: int, new: int) -> bool:
    """Whether these operators mean the same in both sets."""
    schema = onnx.defs.get_schema
    return all(schema(node.op_type, old).since_version == schema(node.op_type, new).since_version for node in nodes)
