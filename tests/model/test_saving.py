"""Save and load: the same again, small, and safe."""

import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import graft
import shapes
from bundles import put_together, read_manifest, taken_apart, write_manifest
from graft import bundle
from graft.encoders import encoder_for, retuned
from graft.encoders.cache import Cache
from graft.encoders.lru import EncoderLRU
from graft.errors import (
    BundleError,
    DamagedBundle,
    EncoderError,
    EncoderMismatch,
    NewerBundle,
    NotABundle,
    OutputExists,
)
from graft.run import Run
from graft.tensors import Tensors


def test_the_same_data_seed_and_recipe_give_the_same_bytes(photos, tmp_path):
    for name, cache in (("cold", None), ("warm", "default"), ("own", Cache(tmp_path / "cache"))):
        graft.fit(photos, cache=cache).save(tmp_path / f"{name}.graft")
    files = sorted(path.name for path in (tmp_path / "cold.graft").iterdir())
    assert files == ["head.safetensors", "job.json", "manifest.json", "record.safetensors", "report.json"]
    for name in files:
        contents = {(tmp_path / f"{run}.graft" / name).read_bytes() for run in ("cold", "warm", "own")}
        assert len(contents) == 1, name


def test_a_bundle_is_small(saved, model):
    sizes = {path.name: path.stat().st_size for path in saved.iterdir()}
    dim = model.classifier.linear.weights.shape[0]
    told = sum(sizes[name] for name in ("head.safetensors", "record.safetensors", "manifest.json"))
    assert told < 20_000 + 2 * dim * len(model.classes)
    assert sizes["report.json"] < 60_000


def test_a_loaded_model_answers_digit_for_digit(photos, model, saved):
    files = sorted(photos.rglob("*.png"))[::4]
    loaded = graft.load(saved)
    assert loaded.predict(files) == model.predict(files)
    assert np.array_equal(loaded.predict_proba(files), model.predict_proba(files))
    assert loaded.recipe == model.recipe
    assert loaded.report.model == str(saved)
    assert replace(loaded.report, model=None) == replace(model.report, seconds={}, cache={})
    assert str(loaded.report)
    assert "<html" in loaded.report.to_html()


def test_an_existing_place_is_left_alone(model, tmp_path):
    model.save(tmp_path / "a.graft")
    with pytest.raises(OutputExists):
        model.save(tmp_path / "a.graft")
    model.save(tmp_path / "a.graft", overwrite=True, page=tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    foreign = tmp_path / "b.graft"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("four years of work")
    with pytest.raises(OutputExists):
        model.save(foreign, overwrite=True)
    assert (foreign / "thesis.txt").read_text() == "four years of work"


@pytest.fixture
def copied(model, tmp_path):
    model.save(tmp_path / "copy.graft")
    return tmp_path / "copy.graft"


def rewrite(bundle: Path, change) -> None:
    """Change the settings and mend every checksum, as a newer Graft or a foreign program would write it."""
    parts = taken_apart(bundle)
    change(parts["manifest"])
    put_together(bundle, parts, "today")


def test_a_tampered_bundle_says_so(copied):
    arrays = copied / "head.safetensors"
    content = bytearray(arrays.read_bytes())
    content[-5] ^= 1
    arrays.write_bytes(content)
    with pytest.raises(DamagedBundle, match=r"head\.safetensors was changed"):
        graft.load(copied)


@pytest.mark.parametrize("name", ["head.safetensors", "record.safetensors", "report.json", "manifest.json"])
def test_a_cut_bundle_says_so(copied, name):
    content = (copied / name).read_bytes()
    (copied / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(DamagedBundle, match=name):
        graft.load(copied)


def test_a_bundle_without_a_manifest_is_none(copied, tmp_path):
    (copied / "manifest.json").unlink()
    for place in (copied, tmp_path / "nothing.graft"):
        with pytest.raises(NotABundle):
            graft.load(place)


def test_a_newer_bundle_says_so(copied):
    write_manifest(copied, {**read_manifest(copied), "schema": 99})
    with pytest.raises(NewerBundle, match="schema is 99"):
        graft.load(copied)


def test_another_version_of_the_encoder_says_so(copied):
    rewrite(copied, lambda manifest: manifest["encoder"].update(version="0123456789abcdef"))
    with pytest.raises(EncoderMismatch, match="0123456789abcdef"):
        graft.load(copied)


def test_a_bundle_of_pictures_that_were_decoded_otherwise_is_to_be_fitted_again(copied, monkeypatch):
    monkeypatch.setattr("graft.encoders.LOADED", EncoderLRU())  # an encoder is made once in a process
    monkeypatch.setattr("graft.encoders.image.DECODING", "another")
    with pytest.raises(EncoderMismatch, match="no longer what the model learned from") as caught:
        graft.load(copied)
    assert "Fit it again" in caught.value.hint


def test_an_unknown_encoder_says_so(copied):
    rewrite(copied, lambda manifest: manifest["encoder"].update(address="vision-2000"))
    with pytest.raises(EncoderError, match=r"was made with the encoder 'vision-2000'"):
        graft.load(copied)


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest["classes"].append("hexagon"),
        lambda manifest: manifest["classifier"].update(stages=[[1752]]),
        lambda manifest: manifest["classifier"].pop("temperature"),
        lambda manifest: manifest["recipe"].update(seed="seven"),
    ],
)
def test_a_bundle_that_does_not_fit_together_says_so(copied, change):
    rewrite(copied, change)
    with pytest.raises(BundleError):
        graft.load(copied)


def test_backends_agree(photos, tmp_path):
    fitted = graft.fit(photos, graft.Recipe(backend="onnxruntime"))
    assert fitted.encoder.backend == "onnxruntime f32"
    fitted.save(tmp_path / "ort.graft")
    files = sorted(photos.rglob("*.png"))
    here = fitted.predict(files)
    there = graft.load(tmp_path / "ort.graft").predict(files)
    assert sum(a.label == b.label for a, b in zip(here, there, strict=True)) >= 35
    assert max(abs(a.confidence - b.confidence) for a, b in zip(here, there, strict=True)) < 0.1


def test_a_model_can_be_copied_to_another_process(model, photos):
    files = sorted(photos.rglob("*.png"))[:2]
    assert pickle.loads(pickle.dumps(model)).predict(files) == model.predict(files)


@pytest.fixture(scope="module")
def changed():
    """Weights of two layers, moved a little."""
    pinned = encoder_for("image").pinned()
    chance = np.random.default_rng(0)
    names = ("_conv_head.weight", "_blocks.15._bn2.bias")
    return {name: (pinned[name] * chance.uniform(0.9, 1.1, pinned[name].shape)).astype(np.float32) for name in names}


@pytest.fixture(scope="module")
def tuned(photos, changed):
    """A model whose encoder was tuned."""
    from graft.model.fitting import fit_embedded
    from graft.tasks.examples import embed_dataset

    encoder, run = retuned(encoder_for("image"), changed), Run(Cache())
    dataset, embedded = embed_dataset(encoder, graft.read(photos), run)
    return fit_embedded(dataset, embedded, encoder, graft.Recipe(), run).model


def test_a_tuned_encoder_is_kept_in_the_bundle_and_nothing_more_of_it(tuned, changed, model, photos, tmp_path):
    tuned.save(tmp_path / "tuned.graft")
    loaded = graft.load(tmp_path / "tuned.graft")
    files = sorted(photos.rglob("*.png"))[::4]
    assert loaded.predict(files) == tuned.predict(files)
    assert loaded.predict_proba(files).tolist() != model.predict_proba(files).tolist()
    assert loaded.encoder == tuned.encoder
    assert loaded.encoder.name == loaded.report.encoder == "efficientnet-lite0+tuned"
    assert tuned.encoder.fingerprint not in (model.encoder.fingerprint, replace_first(tuned.encoder).fingerprint)
    own = bundle.read(tmp_path / "tuned.graft").tensors["encoder"].arrays
    assert own.keys() == changed.keys()
    size = (tmp_path / "tuned.graft" / "encoder.safetensors").stat().st_size
    assert size < sum(array.nbytes for array in own.values()) + 3000


def replace_first(encoder):
    """The same encoder with one number of its weights another."""
    arrays = {name: array.copy() for name, array in encoder.tuned.items()}
    next(iter(arrays.values())).flat[0] += 1
    return retuned(encoder, arrays)


def test_everything_downstream_takes_a_tuned_encoder(tuned, photos, tmp_path):
    tuned.save(tmp_path / "tuned.graft")
    loaded = graft.load(tmp_path / "tuned.graft")
    assert loaded.evaluate(photos).accuracy.value > 0.8
    more = shapes.folders(tmp_path / "more", {"star": 12})
    extended = graft.extend(loaded, more)
    assert extended.encoder == tuned.encoder
    assert extended.classes == ("circle", "square", "star", "triangle")
    assert pickle.loads(pickle.dumps(extended)).predict(sorted(more.rglob("*.png"))[:1])[0].label == "star"
    extended.save(tmp_path / "more.graft")
    assert graft.load(tmp_path / "more.graft").encoder.version == tuned.encoder.version


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda own: own.pop("_conv_head.weight"), "not those that were saved"),
        (lambda own: own.clear(), "not those that were saved"),
        (lambda own: own.update({"_bn1.bias": np.zeros(1280, np.float32)}), "not those that were saved"),
        (lambda own: own.update({"_fc.weight": np.zeros(3, np.float32)}), "no weight '_fc.weight'"),
        (lambda own: own.update({"../../etc": np.zeros(3, np.float32)}), "no weight"),
        (lambda own: own.update({"_conv_head.weight": np.zeros((1280, 320), np.float32)}), "has shape"),
        (lambda own: own.update({"_conv_head.weight": own["_conv_head.weight"].astype(np.float16)}), "is float16"),
        (lambda own: own["_conv_head.weight"].__setitem__(0, 7), "not those that were saved"),
        (lambda own: own.update({"_bn1.running_var": np.full(1280, -1, np.float32)}), "below zero"),
    ],
)
def test_a_tuned_encoder_that_is_damaged_says_so(tuned, tmp_path, change, what):
    tuned.save(tmp_path / "tuned.graft")
    content = bundle.read(tmp_path / "tuned.graft")
    own = {name: array.copy() for name, array in content.tensors["encoder"].arrays.items()}
    change(own)
    bundle.write(
        tmp_path / "changed.graft",
        manifest=content.manifest,
        tensors={**content.tensors, "encoder": Tensors(own, {})},
        documents=content.documents,
    )
    with pytest.raises(DamagedBundle, match=what):
        graft.load(tmp_path / "changed.graft")


def test_weights_that_are_not_finite_are_refused(tuned, tmp_path):
    tuned.save(tmp_path / "tuned.graft")
    file = tmp_path / "tuned.graft" / "encoder.safetensors"
    content = bytearray(file.read_bytes())
    start = content.index(tuned.encoder.tuned["_blocks.15._bn2.bias"].tobytes())
    content[start : start + 4] = np.float32(np.nan).tobytes()
    file.write_bytes(content)
    write_manifest(file.parent, read_manifest(file.parent))
    with pytest.raises(DamagedBundle, match="not finite"):
        graft.load(file.parent)


def test_a_plain_bundle_with_weights_for_its_encoder_is_refused(copied, changed):
    content = bundle.read(copied)
    tensors = {**content.tensors, "encoder": Tensors(changed, {})}
    bundle.write(copied, manifest=content.manifest, tensors=tensors, documents=content.documents, overwrite=True)
    with pytest.raises(DamagedBundle, match="not those that were saved"):
        graft.load(copied)


def test_a_tuned_bundle_predicts_without_torch(tuned, photos, tmp_path):
    tuned.save(tmp_path / "tuned.graft")
    code = (
        "import sys, graft; model = graft.load(sys.argv[1]); "
        "assert model.predict_one(sys.argv[2]).label; print('torch' in sys.modules)"
    )
    picture = next(photos.rglob("*.png"))
    ran = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "tuned.graft", picture], capture_output=True, text=True
    )
    assert ran.stdout.strip() == "False", ran.stderr
