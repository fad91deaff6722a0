"""Exports that several tests look at, each made once, and how a graph is asked."""

from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

import graft
from graft.decoding.sound import wav_bytes
from graft.export.building import exact
from graft.export.exporting import export_model
from graft.heads.lexical import LexicalPart
from graft.heads.ngrams import count
from graft.learning.lexical import fit_lexicon


@pytest.fixture(scope="session")
def model_in_f32(model: graft.Model) -> graft.Model:
    """The model of shapes, in the precision of its export."""
    return exact(model)


@pytest.fixture(scope="session")
def exported(model: graft.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That model as an ONNX graph. Nobody writes into it."""
    folder = tmp_path_factory.mktemp("exports") / "shapes"
    export_model(model, "onnx", folder)
    return folder


@pytest.fixture(scope="session")
def text_model() -> graft.Model:
    """A model of messages, whose head looks at words as well, in the precision of its export."""
    lines = resources.files("graft.samples").joinpath("messages.tsv").read_text(encoding="utf-8").splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    labels = sorted({label for label, _, _ in rows})[:3]
    chosen = [row for label in labels for row in [row for row in rows if row[0] == label][:12]]
    texts = [text for _, _, text in chosen]
    model = exact(graft.fit(texts, [label for label, _, _ in chosen]))
    lexicon = fit_lexicon(count(texts))
    weights = np.random.default_rng(2).normal(0, 1, (len(lexicon.buckets), len(labels))).astype(np.float16)
    part = LexicalPart(lexicon, weights, np.empty(0, np.float32), np.ones(len(labels), np.float32))
    return replace(model, classifier=replace(model.classifier, lexical=part))


@pytest.fixture(scope="session")
def exported_texts(text_model: graft.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That model as an ONNX graph. Nobody writes into it."""
    folder = tmp_path_factory.mktemp("exports") / "texts"
    export_model(text_model, "onnx", folder)
    return folder


@pytest.fixture(scope="session")
def sound_model(tmp_path_factory: pytest.TempPathFactory) -> graft.Model:
    """A model of three kinds of sounds, in the precision of its export."""
    folder = tmp_path_factory.mktemp("data") / "sounds"
    chance = np.random.default_rng(5)
    time = np.arange(4800) / 16_000
    for number in range(12):
        pitch = chance.uniform(200, 900)
        sounds = {
            "tone": 0.3 * np.sin(2 * np.pi * pitch * time),
            "glide": 0.3 * np.sin(2 * np.pi * pitch * time * (1 + 2 * time)),
            "noise": chance.normal(0, 0.1, len(time)),
        }
        for kind, sound in sounds.items():
            (folder / kind).mkdir(parents=True, exist_ok=True)
            (folder / kind / f"{number}.wav").write_bytes(wav_bytes(sound.astype(np.float32), 16_000))
    return exact(graft.fit(folder))


@pytest.fixture(scope="session")
def exported_sounds(sound_model: graft.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That model as an ONNX graph. Nobody writes into it."""
    folder = tmp_path_factory.mktemp("exports") / "sounds"
    export_model(sound_model, "onnx", folder)
    return folder
