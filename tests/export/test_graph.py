"""The graph itself: what it takes in, in which numbers it is kept, and what it refuses."""

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

import graft
from graft.errors import ExportError
from graft.export.building import exact
from graft.export.graph import LARGEST, OnnxGraph


def doubled(opset=17, domain="", operation="Add"):
    """A network of one node: twice its input."""
    node = helper.make_node(operation, ["x", "x"], ["y"], domain=domain)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 2]) for name in ("x", "y")]
    graph = helper.make_graph([node], "doubled", ends[:1], ends[1:])
    opsets = [helper.make_opsetid("", opset), *([helper.make_opsetid(domain, 1)] if domain else [])]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def asked(graph, x, precision="fp32"):
    return onnxruntime.InferenceSession(graph.finish({}, precision)).run(None, {"x": x})[0]


def test_networks_stand_side_by_side_under_names_of_their_own():
    graph = OnnxGraph()
    x = graph.input("x", "float32", ("n", 2))
    both = [graph.include(doubled(), prefix, x) for prefix in ("a.", "b.")]
    assert graph.rank(both[0]) == 2
    graph.output("y", graph.add("Mul", *both), "float32", ("n", 2))
    assert asked(graph, np.array([[1, 3]], np.float32)).tolist() == [[4, 36]]


def test_a_network_of_a_later_operator_set_raises_that_of_the_whole_where_all_mean_the_same():
    graph = OnnxGraph()
    x = graph.input("x", "float32", ("n", 2))
    graph.output("y", graph.include(doubled(18), "a.", graph.add("Abs", x)), "float32", ("n", 2))
    content = graph.finish({}, "fp32")
    assert onnx.load_model_from_string(content).opset_import[0].version == 18
    assert onnx.load_model_from_string(content).ir_version == 8
    later = OnnxGraph()
    later.output("y", later.include(doubled(21), "a.", later.input("x", "float32", ("n", 2))), "float32", ("n", 2))
    assert onnx.load_model_from_string(later.finish({}, "fp32")).ir_version == 10
    assert asked(graph, np.array([[-1, 3]], np.float32)).tolist() == [[2, 6]]
    mixed = OnnxGraph()
    x = mixed.input("x", "float32", ("n", 2))
    most = mixed.add("ReduceMax", x, axes=[1])  # whose axes are an input from 18 on
    with pytest.raises(ExportError, match="cannot be joined"):
        mixed.include(doubled(18), "a.", most)


def test_operators_that_plain_runtimes_lack_are_refused():
    graph = OnnxGraph()
    with pytest.raises(ExportError, match=r"com\.microsoft"):
        graph.include(doubled(17, "com.microsoft", "BiasAdd"), "a.", graph.input("x", "float32", ("n", 2)))


def test_half_precision_halves_matrices_and_computes_in_full():
    weights = np.random.default_rng(0).normal(size=(2, 5000)).astype(np.float32)
    contents = {}
    for precision in ("fp32", "fp16"):
        graph = OnnxGraph()
        x = graph.input("x", "float32", ("n", 2))
        product = graph.add("MatMul", x, graph.weight("w", weights))
        graph.output("y", graph.add("Add", product, graph.weight("b", weights[0])), "float32", ("n", 5000))
        contents[precision] = len(graph.finish({}, precision))
        found = asked(graph, np.array([[1e6, 1]], np.float32), precision)  # more than half precision can hold
        np.testing.assert_allclose(found[0], 1e6 * weights[0] + weights[1] + weights[0], rtol=2e-3, atol=500)
    assert contents["fp16"] < contents["fp32"] - 0.9 * weights.nbytes / 2


def test_weights_that_half_precision_cannot_hold_stay():
    weights = np.full((2, 600), 1e5, np.float32)
    graph = OnnxGraph()
    x = graph.input("x", "float32", ("n", 2))
    graph.output("y", graph.add("MatMul", x, graph.weight("w", weights)), "float32", ("n", 600))
    assert (asked(graph, np.ones((1, 2), np.float32), "fp16") == 2e5).all()


def test_what_one_file_cannot_hold_is_refused_before_anything_is_made():
    graph = OnnxGraph()
    graph.weight("w", np.broadcast_to(np.float32(0), (LARGEST // 4 + 1,)))  # which takes no memory itself
    with pytest.raises(ExportError, match="2 GB"):
        graph.finish({}, "fp32")


def test_a_model_without_an_encoder_cannot_leave_and_says_why(model):
    with pytest.raises(ExportError, match="matrix"):
        exact(replace(model, encoder=None))


def test_a_model_whose_encoder_runs_in_python_cannot_leave_and_says_why(model):
    class Own:
        name, modality = "own", "image"

    with pytest.raises(ExportError, match="own runs in Python"):
        exact(replace(model, encoder=Own()))


def test_a_model_is_asked_in_full_precision_whatever_the_processor_has(model, model_in_f32):
    assert isinstance(model_in_f32, graft.Model)
    assert model_in_f32.encoder.backend == "onnxruntime f32"
    assert exact(model_in_f32).encoder.backend == "onnxruntime f32"
    assert model_in_f32.classifier is model.classifier
