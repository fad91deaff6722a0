"""Sound encoders of the hub in a graph: their windows, their levels, Whisper's spectrogram."""

from functools import cache

import numpy as np
import onnxruntime
import pytest

from encoders.hub import models
from graft.decoding.sound import wav_bytes
from graft.encoders.hub import audio, hub_encoder
from graft.encoders.joined import JoinedEncoder
from graft.encoders.runtime import Backend
from graft.encoders.speech import SpeechEncoder
from graft.export import hub_speech, speech
from graft.export.graph import OnnxGraph

F32 = Backend("onnxruntime", "f32")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    pytest.importorskip("transformers")

    @cache
    def make(name):
        return hub_encoder(str(models.make(name, tmp_path_factory.mktemp("hub") / name)), "audio", F32)

    return make


def hold(encoder, seconds):
    """The graph of an encoder gives its embeddings of recordings of these lengths."""
    graph = OnnxGraph()
    front = speech.front_of(encoder, None)
    for entry in front.inputs:
        graph.input(entry.name, entry.kind, entry.shape)
    graph.output("x", front.embed(graph), "float32", ("n", encoder.dim))
    session = onnxruntime.InferenceSession(graph.finish({}, "fp32"))
    for length in seconds:
        time = np.arange(round(length * 16_000)) / 16_000
        tones = np.stack([0.3 * np.sin(2 * np.pi * pitch * time * (1 + time / 9)) for pitch in (220, 610)])
        samples = (tones + np.random.default_rng(1).normal(0, 0.02, tones.shape)).astype(np.float32)
        prepared = [encoder.prepare(wav_bytes(row, 16_000)).value for row in samples]
        found = session.run(None, {"samples": samples})[0]
        np.testing.assert_allclose(found, encoder.embed(prepared), atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("name", ["wav2vec2", "hubert", "wavlm"])
def test_samples_are_levelled_as_by_the_encoder(made, name):
    hold(made(name), (0.001, 0.5, 1.37))


def test_the_embedding_of_a_long_recording_is_the_mean_of_its_windows(made):
    hold(made("wav2vec2"), (20.5,))


def test_of_a_very_long_recording_the_same_windows_are_heard(made):
    graph = OnnxGraph()
    graph.input("samples", "float32", ("n", "length"))
    graph.output("x", hub_speech.windows(graph, "samples", 100), "float32", ("n", "w", "l"))
    session = onnxruntime.InferenceSession(graph.finish({}, "fp32"))
    for length in (1, 99, 100, 101, 250, 1600, 1601, 2345, 98_765):
        samples = np.arange(length, dtype=np.float32)
        windows, _ = audio.cut(samples, 100)
        assert session.run(None, {"samples": samples[None]})[0][0].tolist() == [one.tolist() for one in windows]


def test_spectrograms_of_whisper_are_those_of_the_encoder(made):
    hold(made("whisper"), (0.01, 0.7, 2.0, 5.3))


def test_joined_encoders_hear_the_same_samples(made):
    hold(JoinedEncoder((SpeechEncoder(F32), made("wavlm"))), (0.8,))
