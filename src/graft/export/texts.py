"""Texts: from tokens, of any number, to embeddings, as a graph."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import onnx
from onnx import helper

from graft.contracts import Encoder
from graft.encoders.hub.encoder import HubEncoder
from graft.encoders.hub.store import VOCABULARY
from graft.encoders.minilm import STRUCTURE, WIDTH, arranged
from graft.encoders.onnx_file import with_floats
from graft.encoders.text import BEGINNING, END, TOKENIZER, WINDOW, TextEncoder
from graft.encoders.windows import MAX_WINDOWS
from graft.errors import ExportError
from graft.export import hub_texts
from graft.export.front import Front, GraphInput
from graft.export.graph import OPSET, OnnxGraph
from graft.export.tokenizing.files import FOLDER, LIBRARY, library_files, plain_files
from graft.export.vectors import one
from graft.heads.protocols import Answering, CalibratedHead

IDS = GraphInput("input_ids", "int64", ("n", "length"))
MASK = GraphInput("attention_mask", "int64", ("n", "length"))
WORDS = "words"


def front_of(encoder: Encoder, head: Answering) -> Front:
    """The front of a text encoder.

    Raises:
        ExportError: It is of a kind that cannot be exported.
    """
    lexical = cast("CalibratedHead", head).lexical if head.words else None
    lexicon = lexical.lexicon if lexical is not None else None
    host: dict[str, Any] = {"tokenizer": FOLDER, "padding": 0}
    if isinstance(encoder, TextEncoder):
        beside = plain_files(TOKENIZER.read(), lexicon)
    elif isinstance(encoder, HubEncoder):
        settings = {name: encoder.entry.card.settings[name] for name in ("length", "lower")}
        settings["prompt"] = encoder.effective_prompt
        beside = library_files(encoder.entry.read(VOCABULARY), settings, lexicon)
        host["packages"] = [LIBRARY]
    else:
        raise ExportError(
            f"The encoder {encoder.name} cannot be exported: each of its members cuts texts into other tokens, and a "
            "graph takes one row of them.",
            "Fit with one of them alone, or let graft serve answer.",
        )
    inputs: tuple[GraphInput, ...] = (IDS, MASK)
    if lexicon is not None:
        inputs = (*inputs, GraphInput(WORDS, "float32", ("n", len(lexicon.buckets))))

    def embed(graph: OnnxGraph) -> str:
        if isinstance(encoder, HubEncoder):
            return hub_texts.embedding(graph, encoder, IDS.name, MASK.name, "encoder.")
        return embedding(graph, encoder, IDS.name, MASK.name, "encoder.")

    return Front(inputs, embed, host, beside, WORDS if lexicon is not None else "")


def embedding(graph: OnnxGraph, encoder: TextEncoder, ids: str, mask: str, prefix: str) -> str:
    """``(n, 768) float32``: the states' mean over the tokens of all windows that are read.

    Args:
        graph: Where the nodes go.
        encoder: Whose network it is.
        ids: Tokens ``(n, length) int64``: of every segment the mark of its beginning, its tokens and the mark of its
            end, one after another from the first place on. A text is one segment, unless it is so long that pieces are
            read.
        mask: The number of the segment that a token belongs to, from 1 on; 0 where there is none.
        prefix: Of the network's names.
    """
    weights = arranged(encoder.tuned.over(encoder.pinned()))
    tables = {name: graph.weight(f"{prefix}{name}", weights.pop(name)) for name in STRUCTURE.tables}
    tokens, real = windows(graph, ids, mask)  # (n, w, t)
    length = _size(graph, tokens, -1)
    positions = graph.add("Slice", tables["positions"], one(0), length, one(0))
    vectors = graph.add("Add", graph.add("Gather", tables["tokens"], tokens, axis=0), positions)
    rows = graph.add("Concat", one(-1), length, axis=0)
    states = graph.include(
        with_floats(without_gelu(STRUCTURE.content()), weights),
        prefix,
        graph.add("Reshape", vectors, graph.add("Concat", rows, one(WIDTH), axis=0)),
        graph.cast(graph.add("Reshape", real, rows), "int32"),
    )
    counted = graph.cast(real, "float32")
    weights_of = graph.add("Reshape", counted, graph.add("Concat", rows, one(1), axis=0))
    sums = _sum(graph, graph.add("Mul", states, weights_of), 1)  # (n w, d)
    shape = graph.add("Concat", graph.add("Slice", graph.add("Shape", tokens), one(0), one(2)), one(-1), axis=0)
    total = _sum(graph, graph.add("Reshape", sums, shape), 1)
    every = graph.add("Reshape", counted, graph.add("Concat", _size(graph, tokens, 0), one(-1), axis=0))
    return graph.add("Div", total, graph.total(every))


def windows(graph: OnnxGraph, ids: str, mask: str) -> tuple[str, str]:
    """Tokens of the windows ``(n, w, t) int64``, their marks among them, and which of them there are, ``bool``."""
    add = graph.add
    number = add("Max", add("ReduceMax", mask, keepdims=0), np.int64(1))
    numbers = add("Range", np.int64(1), add("Add", number, np.int64(1)), np.int64(1))
    belongs = add("Equal", add("Unsqueeze", mask, one(2)), numbers)  # (n, length, segments)
    sizes = _sum(graph, graph.cast(belongs, "int64"), 1)
    body = add("Max", add("Sub", sizes, np.int64(2)), np.int64(0))
    windows = add("Div", add("Add", body, np.int64(WINDOW - 1)), np.int64(WINDOW))
    windows = add("Max", windows, add("Min", sizes, np.int64(1)))  # a segment of nothing but marks is one, too
    until = add("CumSum", windows, np.int64(1))
    whole = graph.total(windows, 1)  # (n, 1)
    read = add("Min", whole, np.int64(MAX_WINDOWS))
    order = add("Range", np.int64(0), add("ReduceMax", read, keepdims=0), np.int64(1))
    order = add("Unsqueeze", order, one(0))  # (1, w)
    chosen = add("Where", add("Greater", whole, np.int64(MAX_WINDOWS)), _spread(graph, order, whole), order)
    passed = add("LessOrEqual", add("Unsqueeze", until, one(1)), add("Unsqueeze", chosen, one(2)))
    last = add("Sub", number, np.int64(1))
    segment = add("Min", _sum(graph, graph.cast(passed, "int64"), 2), last)  # (n, w)

    def of_segment(values: str) -> str:
        return add("GatherElements", values, segment, axis=1)

    place = add("Sub", chosen, of_segment(add("Sub", until, windows)))
    size, parts = of_segment(body), add("Max", of_segment(windows), np.int64(1))
    begin = add("Div", add("Mul", size, place), parts)
    end = add("Div", add("Mul", size, add("Add", place, np.int64(1))), parts)
    there = add("Less", order, read)
    length = add("Unsqueeze", add("Where", there, add("Sub", end, begin), np.int64(0)), one(2))
    within = add("Range", np.int64(0), add("Add", add("ReduceMax", length, keepdims=0), np.int64(2)), np.int64(1))
    first = add("Add", of_segment(add("Sub", add("CumSum", sizes, np.int64(1)), sizes)), begin)
    sources = add("Add", add("Unsqueeze", first, one(2)), within)  # (n, w, t)
    sources = add("Min", sources, add("Sub", add("Squeeze", _size(graph, ids, 1)), np.int64(1)))
    flat = add("Reshape", sources, add("Concat", _size(graph, ids, 0), one(-1), axis=0))
    found = add("Reshape", add("GatherElements", ids, flat, axis=1), add("Shape", sources))
    closing = add("Add", length, np.int64(1))
    found = add("Where", add("Equal", within, closing), np.int64(END), found)
    found = add("Where", add("Equal", within, np.int64(0)), np.int64(BEGINNING), found)
    real = add("And", add("LessOrEqual", within, closing), add("Unsqueeze", there, one(2)))
    return found, real


def _spread(graph: OnnxGraph, order: str, whole: str) -> str:
    """The numbers of ``MAX_WINDOWS`` windows of so many, evenly: see ``graft.encoders.windows.spread``."""
    last = graph.cast(graph.add("Sub", whole, np.int64(1)), "float64")
    step = graph.add("Div", last, np.float64(MAX_WINDOWS - 1))
    return graph.cast(graph.add("Round", graph.add("Mul", graph.cast(order, "float64"), step)), "int64")


def without_gelu(content: bytes) -> bytes:
    """A network in whose place of ``Gelu``, which only later operator sets have, stands what it is made of."""
    network = onnx.load_model_from_string(content)
    nodes = []
    for node in network.graph.node:
        if node.op_type != "Gelu":
            nodes.append(node)
            continue
        (x,), (y,) = node.input, node.output
        nodes += [
            helper.make_node("Mul", [x, "gelu.scale"], [f"{y}.scaled"]),
            helper.make_node("Erf", [f"{y}.scaled"], [f"{y}.erf"]),
            helper.make_node("Add", [f"{y}.erf", "gelu.one"], [f"{y}.raised"]),
            helper.make_node("Mul", [x, f"{y}.raised"], [f"{y}.doubled"]),
            helper.make_node("Mul", [f"{y}.doubled", "gelu.half"], [y]),
        ]
    constants = {"gelu.scale": np.sqrt(0.5), "gelu.one": 1.0, "gelu.half": 0.5}
    for name, value in constants.items():
        network.graph.initializer.append(onnx.numpy_helper.from_array(np.array(value, np.float32), name))
    del network.graph.node[:]
    network.graph.node.extend(nodes)
    network.opset_import[0].version = OPSET
    return bytes(network.SerializeToString())


def _sum(graph: OnnxGraph, values: str, axis: int) -> str:
    return graph.add("ReduceSum", values, one(axis), keepdims=0)


def _size(graph: OnnxGraph, tensor: str, axis: int) -> str:
    return graph.add("Gather", graph.add("Shape", tensor), one(axis), axis=0)
