"""The graphs that come with Graft, and where their weights lie."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from graft.contracts import Float32
from graft.encoders.image import ImageEncoder
from graft.encoders.onnx_file import read_floats, with_floats
from graft.encoders.runtime import Backend
from graft.encoders.speech import SpeechEncoder
from graft.encoders.structures import ALIGNMENT, GRAPH, offsets, packed
from graft.encoders.structures import WEIGHTS as FILE
from graft.encoders.text import TOKENIZER, TextEncoder
from shapes import folders

onnx = pytest.importorskip("onnx")

sys.path.insert(0, str(Path(__file__).parents[2]))  # graphs stands beside src and is not installed

from graphs.networks import NETWORKS  # noqa: E402

EXACT = Backend("onnxruntime", "f32")
PICTURES = list(np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), np.uint8))
VERSIONS = {
    ImageEncoder: "efficientnet-lite0:f269846115a4f9c8:onnxruntime:f32:2",
    TextEncoder: "all-MiniLM-L6-v2:d1a55bf867cc587a:onnxruntime:f32:2",
    SpeechEncoder: "speech-embedding:85b41f593115e26d:onnxruntime:f32:2",
}


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("GRAFT_CACHE", str(folder))
    return folder


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.structure.name)
def test_the_structures_are_built_from_the_tables_of_the_networks_byte_for_byte(network):
    weights = network.weights()
    assert network.build(weights) == network.structure.content()
    assert hashlib.sha256(packed(weights)).hexdigest() == network.structure.sha256
    assert len(network.structure.content()) < 30_000


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.structure.name)
def test_a_network_on_the_disk_is_a_whole_onnx_model(network, cache):
    path, tables = network.structure.opened(network.weights, pinned=True)
    onnx.checker.check_model(str(path), full_check=True)
    model, weights = onnx.load(path), network.weights()  # with what lies in the other file
    found = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    assert all(np.array_equal((found | tables)[name], array) for name, array in weights.items())
    assert set(weights) - set(tables) <= set(found)


@pytest.mark.parametrize("encoder", VERSIONS, ids=lambda encoder: encoder.__name__)
def test_what_was_embedded_before_stays_valid(encoder):
    assert encoder(EXACT).fingerprint == VERSIONS[encoder]


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_in_memory_a_network_gives_the_same_to_the_bit(cache, backend):
    kept = ImageEncoder(Backend(backend, "f32")).embed(PICTURES)
    (folder,) = (cache / "networks").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == [GRAPH, FILE]
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    (cache / "networks").rmdir()
    (cache / "networks").write_text("a file where a folder is to be made")
    assert np.array_equal(ImageEncoder(Backend(backend, "f32")).embed(PICTURES), kept)
    assert (cache / "networks").is_file()


def test_where_there_is_no_cache_none_is_made(cache):
    cache.rmdir()
    assert ImageEncoder(EXACT).embed(PICTURES).shape == (2, 1752)
    assert not cache.exists()


def test_texts_in_memory_too(cache):
    if not TOKENIZER.is_here():
        pytest.skip("needs MiniLM's weights")
    encoders = TextEncoder(EXACT), TextEncoder(EXACT)
    kept, again = (encoder.embed([encoder.prepare(b"Hello there.").value]) for encoder in encoders)
    cache.rename(cache.with_name("gone"))
    cache.write_text("no folder")
    assert np.array_equal(kept, again)
    assert np.array_equal(TextEncoder(EXACT).embed([encoders[0].prepare(b"Hello there.").value]), kept)


def test_a_network_that_lies_there_needs_no_published_file(cache, monkeypatch):
    before = ImageEncoder(EXACT).embed(PICTURES)
    monkeypatch.setattr("graft.encoders.image.WEIGHTS", None)
    assert np.array_equal(ImageEncoder(EXACT).embed(PICTURES), before)


@pytest.mark.parametrize("file", [GRAPH, FILE])
@pytest.mark.parametrize("change", [lambda content: content[:-1], lambda content: b"!" + content[1:]])
def test_what_is_damaged_is_written_anew(cache, file, change):
    before = ImageEncoder(EXACT).embed(PICTURES)
    path = next((cache / "networks").rglob(file))
    content = path.read_bytes()
    path.write_bytes(change(content))
    assert np.array_equal(ImageEncoder(EXACT).embed(PICTURES), before)
    assert path.read_bytes() == content


def test_replaced_weights_are_never_written(cache):
    from graft.encoders import retuned

    encoder = ImageEncoder(EXACT)
    stem = encoder.pinned()["_conv_stem.weight"]
    other = retuned(encoder, {"_conv_stem.weight": stem * np.float32(1.5)})
    assert not np.array_equal(other.embed(PICTURES), encoder.embed(PICTURES))
    (folder,) = (cache / "networks").iterdir()
    assert hashlib.sha256((folder / FILE).read_bytes()).hexdigest() in [
        network.structure.sha256 for network in NETWORKS
    ]


def test_a_fit_on_pictures_imports_no_onnx(tmp_path):
    folders(tmp_path / "shapes", {"circle": 6, "square": 6})
    code = (
        "import sys, graft; model = graft.fit(sys.argv[1], seed=0); model.save(sys.argv[2]);"
        "graft.load(sys.argv[2]).predict([next(__import__('pathlib').Path(sys.argv[1]).rglob('*.png'))]);"
        "print([m for m in ('onnx', 'torch', 'google.protobuf') if m in sys.modules])"
    )
    arguments = [str(tmp_path / "shapes"), str(tmp_path / "shapes.graft")]
    environment = {**os.environ, "GRAFT_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, env=environment
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_arrays_begin_where_they_may_be_mapped():
    shapes = {"a": (3,), "b": (), "c": (0, 4), "d": (16, 2)}
    assert offsets(shapes) == {"a": 0, "b": ALIGNMENT, "c": 2 * ALIGNMENT, "d": 2 * ALIGNMENT}
    content = packed({name: np.ones(shape, np.float32) for name, shape in shapes.items()})
    assert len(content) == 2 * ALIGNMENT + 4 * 32


def model_with(*tensors: onnx.TensorProto) -> bytes:
    graph = onnx.helper.make_graph([], "g", [], [], list(tensors))
    return bytes(onnx.helper.make_model(graph, producer_name="a test").SerializeToString())


def arrays() -> dict[str, Float32]:
    rng = np.random.default_rng(0)
    shapes = {"one": (), "many": (3, 200, 1), "none": (0, 4), "long " * 60: (129,), "Umlaut ä": (2,)}
    return {name: np.asarray(rng.standard_normal(shape), np.float32) for name, shape in shapes.items()}


def test_floats_are_read_as_the_library_onnx_writes_them():
    raw = [onnx.numpy_helper.from_array(array, name) for name, array in arrays().items()]
    plain = onnx.helper.make_tensor("plain", onnx.TensorProto.FLOAT, [2, 2], [1, 2, 3, 4])  # numbers, and no bytes
    whole = onnx.numpy_helper.from_array(np.arange(5), "whole")
    found = read_floats(model_with(*raw, plain, whole))
    assert np.array_equal(found.pop("plain"), [[1, 2], [3, 4]])
    assert set(found) == set(arrays())
    assert all(
        np.array_equal(found[name], array) and found[name].shape == array.shape for name, array in arrays().items()
    )


def test_floats_are_put_in_the_place_of_those_of_the_same_name():
    before = model_with(
        onnx.numpy_helper.from_array(np.zeros(9, np.float32), "many"),
        onnx.numpy_helper.from_array(np.arange(5), "whole"),
    )
    after = onnx.load_model_from_string(with_floats(before, arrays()))
    assert after.producer_name == "a test"
    found = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in after.graph.initializer}
    assert len(found) == len(after.graph.initializer)
    assert np.array_equal(found.pop("whole"), np.arange(5))
    assert all(
        np.array_equal(found[name], array) and found[name].shape == array.shape for name, array in arrays().items()
    )


@pytest.mark.parametrize("cut", [1, 7, 100, 2000])
def test_what_is_cut_short_is_no_model(cut):
    content = model_with(onnx.numpy_helper.from_array(np.zeros(1000, np.float32), "many"))
    for work in (read_floats, lambda model: with_floats(model, {})):
        with pytest.raises(ValueError, match=r"cut short|no whole number"):
            work(content[:cut])
