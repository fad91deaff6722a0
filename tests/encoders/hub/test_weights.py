"""Weights in a graph: read, and replaced."""

import numpy as np
import pytest

from graft.encoders.hub import hub_encoder
from graft.encoders.hub.weights import as_initializers, read_weights, weight_name, with_weights
from graft.encoders.runtime import Backend, open_session

onnx = pytest.importorskip("onnx", reason="models of the hub need onnx")
helper, TensorProto = onnx.helper, onnx.TensorProto
SINGLE = Backend("onnxruntime", "f32")
A, B, UNUSED = (np.full(3, value, np.float32) for value in (2, 5, 7))


@pytest.fixture(scope="module")
def graph():
    """``x * a``, and in the branch of a condition that holds ``+ b``."""
    vector = [3]
    a, b, unused = map(weight_name, ("a", "b", "unused"))
    out = helper.make_tensor_value_info("sum", TensorProto.FLOAT, vector)
    then = helper.make_graph([helper.make_node("Add", ["product", b], ["sum"])], "then", [], [out])
    otherwise = helper.make_graph([helper.make_node("Identity", ["product"], ["sum"])], "else", [], [out])
    nodes = [
        helper.make_node("Mul", ["x", a], ["product"]),
        helper.make_node("Constant", [], ["yes"], value=helper.make_tensor("yes", TensorProto.BOOL, [], [True])),
        helper.make_node("If", ["yes"], ["y"], then_branch=then, else_branch=otherwise),
    ]
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, vector) for name in ("x", a, b, unused)]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, vector)]
    model = helper.make_model(
        helper.make_graph(nodes, "g", inputs, outputs), opset_imports=[helper.make_opsetid("", 17)]
    )
    model.ir_version = 8
    return as_initializers(model.SerializeToString(), {"a": A, "b": B, "unused": UNUSED})


def test_inputs_become_weights_and_what_plays_no_part_is_left_out(graph):
    found = read_weights(graph)
    assert list(found) == ["a", "b"]
    assert np.array_equal(found["a"], A)
    assert open_session(graph, SINGLE).run(np.ones(3, np.float32)).tolist() == [7, 7, 7]


def test_weights_are_replaced_by_name(graph):
    other = with_weights(graph, {"b": UNUSED, "stranger": A})
    assert list(read_weights(other)) == ["a", "b"]
    assert open_session(other, SINGLE).run(np.ones(3, np.float32)).tolist() == [9, 9, 9]


def test_equal_weights_stay_apart(made):
    encoder = hub_encoder(str(made("bert")), None, SINGLE)
    weights = encoder.pinned()
    first, second = (f"encoder.layer.{layer}.attention.self.query.bias" for layer in (0, 1))
    assert np.array_equal(weights[first], weights[second])  # zeros, as BERT begins
    assert weights["encoder.layer.1.intermediate.dense.weight"].shape == (40, 32)
    assert not any("pooler" in name for name in weights)
