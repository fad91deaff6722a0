"""Save and load: the same again, small, and safe."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import graft
from graft.bundle import _sha256, _to_json
from graft.encoders.cache import Cache
from graft.errors import (
    BundleError,
    DamagedBundle,
    EncoderError,
    EncoderMismatch,
    NewerBundle,
    NotABundle,
    OutputExists,
)


def test_the_same_data_seed_and_recipe_give_the_same_bytes(photos, tmp_path):
    for name, cache in (("cold", None), ("warm", "default"), ("own", Cache(tmp_path / "cache"))):
        graft.fit(photos, cache=cache).save(tmp_path / f"{name}.graft")
    files = sorted(path.name for path in (tmp_path / "cold.graft").iterdir())
    assert files == ["arrays.safetensors", "manifest.json", "report.json"]
    for name in files:
        contents = {(tmp_path / f"{run}.graft" / name).read_bytes() for run in ("cold", "warm", "own")}
        assert len(contents) == 1, name


def test_a_bundle_is_small(saved, model):
    sizes = {path.name: path.stat().st_size for path in saved.iterdir()}
    dim = model.classifier.linear.weights.shape[0]
    assert sizes["arrays.safetensors"] + sizes["manifest.json"] < 20_000 + 2 * dim * len(model.classes)
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
    """Change a manifest and mend its checksum, as a newer Graft or a foreign program would write it."""
    manifest = json.loads((bundle / "manifest.json").read_text())
    change(manifest)
    manifest.pop("checksum")
    manifest["checksum"] = _sha256(_to_json(manifest, "manifest"))
    (bundle / "manifest.json").write_bytes(_to_json(manifest, "manifest"))


def test_a_tampered_bundle_says_so(copied):
    arrays = copied / "arrays.safetensors"
    content = bytearray(arrays.read_bytes())
    content[-5] ^= 1
    arrays.write_bytes(content)
    with pytest.raises(DamagedBundle, match=r"arrays\.safetensors was changed"):
        graft.load(copied)


@pytest.mark.parametrize("name", ["arrays.safetensors", "report.json", "manifest.json"])
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
    rewrite(copied, lambda manifest: manifest.update(schema=99))
    with pytest.raises(NewerBundle, match="schema is 99"):
        graft.load(copied)


def test_another_version_of_the_encoder_says_so(copied):
    rewrite(copied, lambda manifest: manifest["encoder"].update(version="0123456789abcdef"))
    with pytest.raises(EncoderMismatch, match="0123456789abcdef"):
        graft.load(copied)


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
