"""The graph of a text model answers as the model does, to texts of any length, alone and in company."""

import importlib.util
from dataclasses import replace

import numpy as np
import onnx
import pytest

from exports import Asked
from graft.encoders.text import TextEncoder
from graft.export.exporting import export_model
from graft.export.graph import OnnxGraph
from graft.export.proof.goldens.texts import draw_texts
from graft.export.texts import IDS, MASK, front_of, windows

LONG = ["one two three four five six. " * 60, "word " * 254, "word " * 255, "\u6f22" * 763]
"""Two windows, one, two, and four."""
VERY_LONG = ["where is my order? " * 3000, "one two three four " * 4100, "pay now, or later. " * 8500]
"""More windows than are read, and at last more characters, too."""


@pytest.fixture(scope="module")
def asked(exported_texts):
    return Asked(exported_texts / "model.onnx")


@pytest.fixture(scope="module")
def tokenizer(exported_texts):
    """The file as it was copied, not Graft's own."""
    place = exported_texts / "tokenizer"
    spec = importlib.util.spec_from_file_location("copied_tokenizer", place / "tokenizer.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Tokenizer(place)


@pytest.fixture(scope="module")
def texts():
    return [golden.content.decode() for golden in draw_texts(0)]


def hold(found, wanted, model, atol=1e-4):
    for row, one in enumerate(wanted):
        scores = list(one.scores.values())
        np.testing.assert_allclose(found["probabilities"][row], scores, atol=atol)
        assert found["probabilities"][row].argmax() == int(np.argmax(scores))
        assert abs(found["unknown_score"][row] - one.unknown_score) < 50 * atol
        assert found["set"][row].tolist() == [label in one.set for label in model.classes]


def test_golden_texts_are_answered_as_by_the_model(text_model, asked, tokenizer, texts):
    wanted = text_model.predict(texts)
    for text, one in zip(texts, wanted, strict=True):
        hold(asked(**tokenizer([text])), [one], text_model)


def test_texts_of_any_length_are_read_window_by_window(text_model, asked, tokenizer):
    for text, one in zip(LONG, text_model.predict(LONG), strict=True):
        hold(asked(**tokenizer([text])), [one], text_model)


def test_windows_are_those_of_the_encoder(tokenizer, texts):
    graph = OnnxGraph()
    for entry in (IDS, MASK):
        graph.input(entry.name, entry.kind, entry.shape)
    for name, tensor in zip(("tokens", "real"), windows(graph, IDS.name, MASK.name), strict=True):
        graph.output(name, graph.cast(tensor, "int64"), "int64", ("n", "w", "t"))
    asked = Asked(graph.finish({}, "fp32"))
    encoder = TextEncoder()
    for company in ([*texts, *LONG], [VERY_LONG[0], "a"], VERY_LONG):
        found = asked(**{name: array for name, array in tokenizer(company).items() if name != "words"})
        for text, tokens, real in zip(company, found["tokens"], found["real"].astype(bool), strict=True):
            windows_of = [row[there].tolist() for row, there in zip(tokens, real, strict=True) if there.any()]
            assert windows_of == [window.tolist() for window in encoder.prepare(text.encode()).value]


def test_an_answer_does_not_depend_on_its_company(asked, tokenizer, texts):
    company = [texts[3], "a", LONG[0], texts[0]]
    together = asked(**tokenizer(company))
    for row, text in enumerate(company):
        alone = asked(**tokenizer([text]))
        padded = tokenizer([text])
        for name in (IDS.name, MASK.name):
            padded[name] = np.pad(padded[name], ((0, 0), (0, 37)))
        for found in (alone, asked(**padded)):
            for name in ("probabilities", "unknown_score"):
                np.testing.assert_allclose(together[name][row], found[name][0], atol=1e-5)


def test_what_a_plain_tokenizer_gives_will_do(asked, tokenizer, texts):
    """Ids with a mask of ones, as the libraries of the network's makers write them, whatever stands in the padding."""
    own = TextEncoder()._tokenizer
    for text in (texts[0], LONG[0]):
        given = tokenizer([text])
        ids = [101, *own.encode(text, add_special_tokens=False).ids, 102, 7, 7]
        mask = [1] * (len(ids) - 2) + [0, 0]
        found = asked(**{**given, IDS.name: np.array([ids]), MASK.name: np.array([mask])})
        wanted = asked(**given)
        np.testing.assert_allclose(found["probabilities"], wanted["probabilities"], atol=1e-6)


def test_the_lowest_operator_set_and_file_format_are_kept(exported_texts):
    model = onnx.load(exported_texts / "model.onnx")
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 17)]
    assert model.ir_version == 8
    onnx.checker.check_model(model)


def test_half_precision_halves_the_file_and_stays_near(text_model, tokenizer, texts, tmp_path):
    export_model(text_model, "onnx", tmp_path / "half", precision="fp16")
    asked = Asked(tmp_path / "half" / "model.onnx")
    assert (tmp_path / "half" / "model.onnx").stat().st_size < 47e6
    for text, one in zip(texts, text_model.predict(texts), strict=True):
        found = asked(**tokenizer([text]))
        np.testing.assert_allclose(found["probabilities"][0], list(one.scores.values()), atol=0.01)


def test_a_head_without_words_takes_no_row_of_them(text_model):
    front = front_of(text_model.encoder, replace(text_model.classifier, lexical=None))
    assert [entry.name for entry in front.inputs] == ["input_ids", "attention_mask"]
    assert not front.words
    assert "tokenizer/words.json" not in front.files
