"""Models of the hub, tuned: in torch what the encoder gives, and afterwards encoders as any other."""

import dataclasses
import json
import os
import pickle
import shutil
import subprocess
import sys

import numpy as np
import pytest

import contracts
from graft import bundle
from graft.encoders import address_of, base_of, facts, retuned, tuned_weights
from graft.encoders.hub import hub_encoder
from graft.encoders.hub.encoder import HubEncoder
from graft.encoders.hub.store import StoredEncoder
from graft.encoders.runtime import Backend
from graft.errors import EncoderError, UsageError
from graft.tensors import Tensors
from graft.tuning.networks import network_for

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

SINGLE = Backend("onnxruntime", "f32")
SAME = 1e-4
"""Largest difference between two embeddings that are the same."""
NETWORKS = (
    *("bert", "xlm_roberta", "t5", "sentence_cls", "sentence_max_dense"),
    *("vit", "resnet", "swin", "siglip"),
    *("wav2vec2", "whisper"),
)
TUNE = """
import sys
import graft
from graft.tuning.plan import TrainingPlan
from graft.tuning.tuning import tune

name, data, target = sys.argv[1:]
model = graft.fit(data, graft.Recipe(encoder=name, backend="onnxruntime"))
tuned = tune(model, data, method=TrainingPlan(unfreeze=1, rate=1e-3, epochs=1, batch=16, at_once=16), force=True)
tuned.model.save(target)
"""
ANSWER = """
import json
import sys
sys.modules.update(dict.fromkeys(("torch", "transformers", "huggingface_hub", "peft")))
import graft
from graft.errors import DamagedBundle

good, bad, *texts = sys.argv[1:]
model = graft.load(good, backend="onnxruntime")
try:
    graft.load(bad, backend="onnxruntime")
    said = "nothing"
except DamagedBundle as error:
    said = error.message
print(json.dumps({"encoder": model.encoder.name, "p": model.predict_proba(texts).tolist(), "said": said}))
"""


@pytest.fixture(scope="module", params=NETWORKS)
def encoder(request, made):
    return hub_encoder(str(made(request.param)), None, SINGLE)


def values_of(encoder):
    """Items of several lengths, of texts and recordings one that is longer than a window."""
    contents = [contracts.GOOD[encoder.modality](seed) for seed in range(4)]
    if encoder.modality == "text":
        contents.append(b"my card has not arrived yet where is it ? " * 12)
    return [encoder.prepare(content).value for content in contents]


def embedded(network, values):
    with torch.no_grad():
        return network(network.batch(values)).numpy()


def apart(found, expected):
    return np.abs(found - expected).max() / np.abs(expected).max()


def moved(network, groups):
    """The network with the weights of some groups moved by chance."""
    chance = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for group in groups:
            for each in group:
                scale = 0.05 * each.abs().mean() if each.any() else 0.01
                each += scale * torch.randn(each.shape, generator=chance)
    return network


def test_what_was_learnt_goes_back_into_the_encoder(encoder):
    values, network = values_of(encoder), network_for(encoder)
    before = encoder.embed(values)
    assert apart(embedded(network, values), before) <= SAME
    assert network.changed() == {}
    groups = list(network.groups().values())
    chosen = [groups[0], groups[-1]]
    learnt = embedded(moved(network, chosen), values)
    assert apart(learnt, before) > 10 * SAME
    changed = network.changed()
    assert len(changed) == sum(len(group) for group in chosen)
    tuned = retuned(encoder, changed)
    assert apart(tuned.embed(values), learnt) <= SAME
    assert np.array_equal(embedded(network_for(tuned), values), learnt)


def test_every_parameter_of_the_groups_has_a_slope(encoder):
    network = network_for(encoder)
    groups = list(network.groups().values())
    own = [id(each) for group in groups for each in group]
    assert len(own) == len(set(own)) > 10
    assert len(groups) > 1
    network.train_mode()
    before = {name: each.clone() for name, each in network.network.named_buffers()}
    network(network.batch(values_of(encoder))).square().sum().backward()
    for name, group in network.groups().items():
        assert all(each.grad is not None and torch.isfinite(each.grad).all() for each in group), name
    assert all(torch.equal(each, before[name]) for name, each in network.network.named_buffers())


def test_batches_go_to_the_device_of_the_network(encoder):
    parts = network_for(encoder).to("meta").batch(values_of(encoder))
    assert parts
    assert all(part.is_meta for part in parts)


def test_a_tuned_encoder_is_another_one_and_knows_what_it_was(made):
    encoder = hub_encoder(str(made("sentence_cls")), None, SINGLE, prompt="passage: ")
    name = "encoder.layer.1.output.dense.bias"
    arrays = {name: np.ones(32, np.float32)}
    tuned = retuned(encoder, arrays)
    assert tuned.name == f"{encoder.name}+tuned"
    assert tuned.effective_prompt == "passage: "
    assert tuned.version != encoder.version != retuned(encoder, {name: arrays[name] * 2}).version
    assert tuned.fingerprint != encoder.fingerprint
    assert address_of(tuned) == address_of(encoder)
    assert facts(tuned).licence == "apache-2.0"
    assert base_of(tuned) == encoder == retuned(tuned, {})
    assert set(tuned_weights(tuned)) == {name}
    assert pickle.loads(pickle.dumps(tuned)) == tuned
    for bad in ({"pooler.dense.bias": arrays[name]}, {name: arrays[name][:3]}, {name: arrays[name] * np.nan}):
        with pytest.raises(ValueError, match=r"no weight|has shape|not finite"):
            retuned(encoder, bad)


@pytest.mark.parametrize("name", ["bert", "vit", "wav2vec2"])
def test_the_contract(made, name):
    encoder = hub_encoder(str(made(name)), None, SINGLE)
    changed = moved(network := network_for(encoder), list(network.groups().values())[-1:]).changed()
    for check in contracts.ENCODER_CHECKS:
        check(retuned(encoder, changed))


def test_other_backends_take_the_weights_too(made):
    pytest.importorskip("openvino")
    encoder = hub_encoder(str(made("bert")), None, Backend("openvino", "f32"))
    network = network_for(encoder)
    learnt = embedded(moved(network, network.groups().values()), values_of(encoder))
    assert apart(retuned(encoder, network.changed()).embed(values_of(encoder)), learnt) <= SAME


def test_adapters_melt_into_the_weights(made):
    pytest.importorskip("peft")
    from graft.tuning.adapters import insert_adapters, merge_adapters

    encoder = hub_encoder(str(made("bert")), None, SINGLE)
    values, network = values_of(encoder), network_for(encoder)
    insert_adapters(network, {id(each): 0 for each in list(network.groups().values())[-1]}, 2)
    with torch.no_grad():
        for name, each in network.named_parameters():
            if "lora_B" in name:
                each += 0.1
    learnt = embedded(network, values)
    merge_adapters(network)
    changed = network.changed()
    assert changed
    assert all(name.startswith("encoder.layer.1.") and name.endswith(".weight") for name in changed)
    assert apart(learnt, encoder.embed(values)) > 10 * SAME
    assert apart(retuned(encoder, changed).embed(values), learnt) <= SAME


def test_pictures_of_another_size_are_brought_to_the_usual_one(made):
    encoder = hub_encoder(str(made("vit")), None, SINGLE)
    values, network = values_of(encoder), network_for(encoder)
    pixels, *others = network.batch(values)
    with torch.no_grad():
        smaller = network((torch.nn.functional.avg_pool2d(pixels.float(), 2), *others)).numpy()
    assert 0 < apart(smaller, encoder.embed(values)) < 0.5


def test_chance_is_torchs_alone(made):
    """Layers that are left out, and masks in time, would not follow from the seed."""
    encoder = hub_encoder(str(made("wav2vec2")), None, SINGLE)
    network = network_for(encoder)
    network.train_mode()
    values, found = values_of(encoder), []
    for _ in range(2):
        torch.manual_seed(3)
        found.append(embedded(network, values))
    assert np.array_equal(*found)


@pytest.mark.parametrize(("graph", "said"), [("repository", "ONNX file of its makers"), ("exported", "bert")])
def test_weights_that_cannot_be_replaced(made, graph, said):
    entry = hub_encoder(str(made("bert")), None, SINGLE).entry
    card = dataclasses.replace(entry.card, graph=graph, open=False)
    closed = HubEncoder(SINGLE, entry=StoredEncoder(card, entry.folder))
    with pytest.raises(UsageError, match=f"cannot be tuned.*{said}") as error:
        network_for(closed)
    assert "model.safetensors" in error.value.hint
    with pytest.raises(UsageError, match="cannot be tuned"):
        retuned(closed, {"a": np.zeros(1, np.float32)})


def test_files_that_have_changed_are_not_trained_on(made, tmp_path):
    folder = shutil.copytree(made("bert"), tmp_path / "bert")
    encoder = hub_encoder(str(folder), None, SINGLE)
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "model.safetensors").write_bytes(weights)
    with pytest.raises(EncoderError, match=r"model\.safetensors .* has changed"):
        network_for(encoder)


def test_from_the_hub_to_answers_without_torch(machine, tmp_path):
    chance = np.random.default_rng(0)
    words = {
        "card": ["my", "card", "has", "not", "arrived", "yet"],
        "post": ["the", "two", "spaces", "lost", "in", "post"],
    }
    rows = [(" ".join(chance.choice(own, 8)), label) for label, own in words.items() for _ in range(14)]
    data, tuned, damaged = tmp_path / "texts.csv", tmp_path / "tuned.graft", tmp_path / "damaged.graft"
    data.write_text("text,label\n" + "\n".join(f"{text},{label}" for text, label in rows))
    places = {
        "HF_ENDPOINT": machine.hub.url,
        "HF_HOME": str(machine.home / "hub"),
        "GRAFT_CACHE": str(machine.home / "cache"),
        "HF_HUB_DISABLE_XET": "1",
        "OMP_NUM_THREADS": "1",
    }
    environment = {**os.environ, **places}
    subprocess.run([sys.executable, "-c", TUNE, "tiny/sentences", data, tuned], env=environment, check=True)
    content = bundle.read(tuned)
    kept = content.tensors["encoder"].arrays
    assert kept
    assert all(name.startswith("encoder.layer.1.") for name in kept)
    first = next(iter(kept))
    short = {name: array[:1] if name == first else array for name, array in kept.items()}
    tensors = {**content.tensors, "encoder": Tensors(short, {})}
    bundle.write(damaged, manifest=content.manifest, tensors=tensors, documents=content.documents)
    machine.hub.requests.clear()
    texts = [text for text, _ in rows]
    asked = [sys.executable, "-c", ANSWER, tuned, damaged, *texts]
    done = subprocess.run(asked, env=environment, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["encoder"] == "tiny/sentences+tuned"
    assert "has shape" in found["said"]
    assert machine.hub.requests == []
    p = np.array(found["p"])
    assert p.shape == (28, 2)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)
    assert np.mean(p.argmax(axis=1) == np.repeat([0, 1], 14)) > 0.7
