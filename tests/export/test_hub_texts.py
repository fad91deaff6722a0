"""Text encoders of the hub in a graph: their own tokenizers beside it, their windows, their pooling."""

import sys
from functools import cache
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest

from encoders.hub import models
from graft.encoders.hub import hub_encoder
from graft.encoders.joined import JoinedEncoder
from graft.encoders.runtime import Backend
from graft.encoders.text import TextEncoder
from graft.errors import ExportError
from graft.export import texts
from graft.export.browser.folder import complete
from graft.export.draft import Draft
from graft.export.graph import OnnxGraph
from graft.export.tokenizing import library

WORDLESS = SimpleNamespace(words=False)
"""A head that does not look at words, as far as an encoder's part of a graph asks."""
TEXTS = [
    "My card has not arrived yet.",
    "a",
    "The Old Man and the sea, " * 9,
    "the new card " * 300,
    "one and the other " * 3000,
    "\u00c9t\u00e9 and half \ufffd",
]
"""The fourth has more windows than one, the fifth more than are read."""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    pytest.importorskip("transformers")

    @cache
    def make(name):
        folder = models.make(name, tmp_path_factory.mktemp("hub") / name)
        return hub_encoder(str(folder), "text", Backend("onnxruntime", "f32"))

    return make


@pytest.mark.parametrize(
    "name", ["bert", "distilbert", "xlm_roberta", "t5", "modernbert", "sentence_cls", "sentence_max_dense"]
)
def test_embeddings_are_those_of_the_encoder_alone_and_in_company(made, name, tmp_path):
    encoder = made(name)
    front = texts.front_of(encoder, WORDLESS)
    for file, content in front.files.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(content)
    tokenizer = library.Tokenizer(tmp_path / "tokenizer")
    graph = OnnxGraph()
    for entry in front.inputs:
        graph.input(entry.name, entry.kind, entry.shape)
    graph.output("x", front.embed(graph), "float32", ("n", encoder.dim))
    session = onnxruntime.InferenceSession(graph.finish({}, "fp32"))
    prepared = [encoder.prepare(text.encode()).value for text in TEXTS]
    assert [tokenizer.segments(text) for text in TEXTS] == [[window.tolist() for window in one] for one in prepared]
    wanted = np.concatenate([encoder.embed([one]) for one in prepared])
    alone = np.concatenate([session.run(None, tokenizer([text]))[0] for text in TEXTS])
    np.testing.assert_allclose(alone, wanted, atol=2e-5)
    np.testing.assert_allclose(session.run(None, tokenizer(TEXTS[:4]))[0], wanted[:4], atol=2e-5)


def test_the_copied_tokenizer_needs_numpy_and_the_library(made, tmp_path, monkeypatch):
    front = texts.front_of(made("bert"), WORDLESS)
    for file, content in front.files.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(content)
    assert b"graft" not in front.files["tokenizer/tokenizer.py"] + front.files["tokenizer/plain.py"]
    assert front.host["packages"] == ["tokenizers"]
    assert "tokenizer/tokenizer.js" not in front.files
    monkeypatch.syspath_prepend(str(tmp_path))
    from tokenizer.tokenizer import Tokenizer

    try:
        copied = Tokenizer(tmp_path / "tokenizer")
        assert copied.segments(TEXTS[3]) == library.Tokenizer(tmp_path / "tokenizer").segments(TEXTS[3])
        with pytest.raises(ValueError, match="no character"):
            copied(["\t"])
    finally:
        for name in ("tokenizer", "tokenizer.tokenizer", "tokenizer.plain"):
            sys.modules.pop(name, WORDLESS)


def test_a_page_in_a_browser_is_refused_before_anything_is_written(made, tmp_path):
    encoder = made("bert")
    labels = {"modality": "text", "encoder": {"name": encoder.name}}
    with pytest.raises(ExportError, match="runs in Python alone"):
        complete(Draft(tmp_path, None, texts.front_of(encoder, WORDLESS), labels, "fp16", None))
    assert not list(tmp_path.iterdir())


def test_joined_text_encoders_are_refused_in_words(made):
    with pytest.raises(ExportError, match="each of its members cuts texts into other tokens"):
        texts.front_of(JoinedEncoder((TextEncoder(), made("bert"))), WORDLESS)
