"""Spaces of texts and recordings: their scripts answer as the model does."""

import importlib
import sys

import numpy as np
import pytest

from graft.decoding.sound import wav_bytes
from graft.export.building import exact
from graft.export.exporting import export_model

NAMES = ("answering", "example", "tokenizer", "tokenizer.tokenizer", "tokenizer.library")


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Exports a model as a Space and imports what asks it there."""

    def ask(model):
        folder = tmp_path / "space"
        export_model(model, "space", folder)
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        for name in NAMES:
            monkeypatch.delitem(sys.modules, name, raising=False)
        return importlib.import_module("answering")

    yield ask
    for name in NAMES:
        sys.modules.pop(name, None)


def alike(found, known):
    assert (found["label"], found["unknown"], found["set"]) == (known["label"], known["unknown"], known["set"])
    assert max(abs(found["scores"][label] - p) for label, p in known["scores"].items()) < 0.02


def test_texts(asked, text_model):
    answering, model = asked(text_model), exact(text_model)
    for text in ("Where is my card?", "café, cafe\u0301 and 日本語 👩‍👩‍👧", "a " * 400):
        alike(answering.answer(text), model.predict_one(text).to_dict())
    assert answering.answer(" \n")["error"]["code"] == "empty"
    assert answering.answer("x" * 200_001)["error"]["code"] == "too_large"


def test_recordings_at_48_khz_with_two_channels(asked, sound_model, tmp_path):
    answering, model = asked(sound_model), exact(sound_model)
    time = np.arange(48_000) / 48_000
    hum = np.stack([0.3 * np.sin(2 * np.pi * 440 * time), 0.1 * np.sin(2 * np.pi * 900 * time)], axis=1)
    path = tmp_path / "hum.wav"
    path.write_bytes(wav_bytes(hum.astype(np.float32), 48_000))
    alike(answering.answer(str(path)), model.predict_one(path).to_dict())
    (tmp_path / "talk.m4a").write_bytes(b"\0\0\0\x20ftypM4A \0\0\0\0" + bytes(64))
    error = answering.answer(str(tmp_path / "talk.m4a"))["error"]
    assert (error["code"], "WAV" in error["hint"]) == ("not_a_recording", True)
