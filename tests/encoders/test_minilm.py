import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from graft.encoders.minilm import LAYERS, STRUCTURE, WIDTH, arranged
from graft.encoders.onnx_file import with_floats
from graft.encoders.runtime import Backend, open_session, processor_features
from graft.encoders.text import WEIGHTS
from graft.encoders.weights import read_safetensors
from graft.errors import EncoderError

sys.path.insert(0, str(Path(__file__).parents[2]))  # graphs stands beside src and is not installed

pytest.importorskip("onnx")
from graphs import minilm

pytestmark = pytest.mark.skipif(not WEIGHTS.is_here(), reason="needs MiniLM's weights")

TEXTS = {
    "short": "hi",
    "a sentence": "My card has not arrived yet: what shall I do?",
    "many languages": "Straße, naïve café, 東京, Привет, שלום, 🙂",
    "two hundred words": "A letter from the bank, about a card. " * 25,
}
LAYERS_TO_SEE = (0, 3, 6)


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    return read_safetensors(WEIGHTS.read())


@pytest.fixture(scope="module")
def folder() -> Path:
    return next(path.parent for _, path in WEIGHTS.places() if path and path.is_file())


@pytest.fixture(scope="module")
def tokens(folder) -> list[list[int]]:
    transformers = pytest.importorskip("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    return [tokenizer(text)["input_ids"] for text in TEXTS.values()]


@pytest.fixture(scope="module")
def reference(folder, tokens) -> list[np.ndarray]:
    """What transformers makes of each text: the mean over its tokens after each of the layers."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    model = transformers.AutoModel.from_pretrained(folder).eval()
    means = []
    for text in tokens:
        with torch.inference_mode():
            states = model(torch.tensor([text]), output_hidden_states=True).hidden_states
        means.append(np.concatenate([states[layer][0].mean(dim=0).numpy() for layer in LAYERS_TO_SEE]))
    return means


Run = Callable[[list[list[int]]], list[np.ndarray]]


@pytest.fixture(scope="module")
def network(weights) -> Callable[[Backend], Run]:
    """All texts in one row, one after another and before seven empty places -> the mean of each."""
    arrays = arranged(weights)
    words, positions = (arrays.pop(name) for name in STRUCTURE.tables)
    graph = with_floats(minilm.build(arrays, LAYERS_TO_SEE), arrays)

    def opened(backend: Backend) -> Run:
        session = open_session(graph, backend)

        def run(texts: list[list[int]]) -> list[np.ndarray]:
            vectors = np.concatenate([words[text] + positions[: len(text)] for text in texts] + [words[[0] * 7]])
            owners = [number for number, text in enumerate([*texts, [0] * 7]) for _ in text]
            states = session.run(vectors[None], np.array([owners], np.int32))[0]
            ends = np.cumsum([len(text) for text in texts])
            return [states[end - len(text) : end].mean(axis=0) for text, end in zip(texts, ends, strict=True)]

        return run

    return opened


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_the_graph_is_transformers_network(network, tokens, reference, name):
    run = network(Backend(name, "f32"))
    for text, found, expected in zip(tokens, run(tokens), reference, strict=True):
        assert found.shape == (WIDTH * len(LAYERS_TO_SEE),)
        assert np.abs(found - expected).max() < 1e-5, len(text)


def test_half_precision_stays_close(network, tokens, reference):
    if not processor_features() & {"avx512_bf16", "amx_bf16"}:
        pytest.skip("this processor does not multiply bf16")
    run = network(Backend("openvino", "bf16"))
    for found, expected in zip(run(tokens), reference, strict=True):
        last, wanted = found[-WIDTH:], expected[-WIDTH:]
        assert last @ wanted / np.linalg.norm(last) / np.linalg.norm(wanted) > 0.9995


def test_the_texts_in_a_row_do_not_see_each_other(network, tokens):
    run = network(Backend("onnxruntime", "f32"))
    together, backwards = run(tokens), run(tokens[::-1])[::-1]
    for index, text in enumerate(tokens):
        alone = run([text])[0]
        assert np.abs(together[index] - alone).max() < 1e-5
        assert np.abs(backwards[index] - alone).max() < 1e-5


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 8, b"\xff" * 16, b"\x02" + b"\0" * 7 + b"{}" * 9, b"not weights at all"]
)
def test_weights_that_are_not_safetensors_are_refused(content):
    with pytest.raises(EncoderError, match="cannot be read"):
        read_safetensors(content)


def test_weights_that_are_cut_short_are_refused():
    with pytest.raises(EncoderError, match="cannot be read"):
        read_safetensors(WEIGHTS.read()[:1_000_000])


def test_layers_are_counted_from_the_embedding_of_the_tokens():
    assert LAYERS_TO_SEE[-1] == LAYERS
