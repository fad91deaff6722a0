"""The graph of a sound model answers as the model does, to recordings of any length."""

import numpy as np
import pytest

from exports import Asked
from graft.decoding.sound import decode_sound, wav_bytes
from graft.export.exporting import export_model
from graft.export.proof.goldens.sounds import draw_sounds


@pytest.fixture(scope="module")
def asked(exported_sounds):
    return Asked(exported_sounds / "model.onnx")


@pytest.fixture(scope="module")
def sounds():
    return [golden.content for golden in draw_sounds(0)]


def samples_of(content):
    return decode_sound(content, 16_000).value[None]


def hold(found, one, model, atol=1e-4):
    scores = list(one.scores.values())
    np.testing.assert_allclose(found["probabilities"][0], scores, atol=atol)
    assert found["probabilities"][0].argmax() == int(np.argmax(scores))
    assert abs(found["unknown_score"][0] - one.unknown_score) < 200 * atol
    assert found["set"][0].tolist() == [label in one.set for label in model.classes]


def test_golden_recordings_are_answered_as_by_the_model(sound_model, asked, sounds):
    for content, one in zip(sounds, sound_model.predict(sounds), strict=True):
        hold(asked(samples=samples_of(content)), one, sound_model)


def test_recordings_of_any_length_are_answered_as_by_the_model(sound_model, asked):
    chance = np.random.default_rng(1)
    contents = [
        wav_bytes(chance.normal(0, 0.1, length).astype(np.float32), 16_000)
        for length in (1, 2, 159, 160, 161, 511, 512, 513, 12_000, 16_001, 16_640, 40_003, 400_000)
    ]
    for content, one in zip(contents, sound_model.predict(contents), strict=True):
        hold(asked(samples=samples_of(content)), one, sound_model)


def test_an_answer_does_not_depend_on_its_company(asked):
    samples = np.random.default_rng(2).normal(0, 0.1, (3, 9000)).astype(np.float32)
    samples[1] *= 1e-4
    samples[2, 4000:] = 0
    together = asked(samples=samples)
    for row in range(3):
        alone = asked(samples=samples[row : row + 1])
        for name in ("probabilities", "unknown_score"):
            np.testing.assert_allclose(together[name][row], alone[name][0], atol=1e-5)


def test_half_precision_stays_near(sound_model, sounds, tmp_path):
    export_model(sound_model, "onnx", tmp_path / "half", precision="fp16")
    asked = Asked(tmp_path / "half" / "model.onnx")
    assert (tmp_path / "half" / "model.onnx").stat().st_size < 1e6
    for content, one in zip(sounds, sound_model.predict(sounds), strict=True):
        found = asked(samples=samples_of(content))
        np.testing.assert_allclose(found["probabilities"][0], list(one.scores.values()), atol=0.01)
