"""Recordings of any rate come to 16 kHz beside a graph as they do in the library: in the example, and in JavaScript."""

import json
import shutil
import subprocess

import numpy as np
import pytest

from graft.decoding.sound import decode_sound, wav_bytes
from graft.export.templates import example_audio

RATES = (6_000, 8_000, 11_025, 22_050, 44_100, 47_990, 48_000, 96_000)
INPUT = {"rate": 16_000, "longest_seconds": 120.0, "piece_seconds": 10.0}


def sound(rate, seconds=0.4, seed=0):
    """A glide over the band, with noise in all of it."""
    time = np.arange(round(rate * seconds)) / rate
    glide = 0.4 * np.sin(2 * np.pi * (100 + 0.2 * rate * time / seconds) * time)
    return (glide + np.random.default_rng(seed).normal(0, 0.02, len(time))).astype(np.float32)


@pytest.fixture(scope="module")
def in_node(exported_sounds):
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node on this machine to run JavaScript with")
    script = __file__.replace("test_resampling.py", "resample.mjs")

    def ask(sounds, given=INPUT):
        lines = "".join(json.dumps({"samples": samples.tolist(), "rate": rate}) + "\n" for samples, rate in sounds)
        command = [node, script, str(exported_sounds / "resample.js"), json.dumps(given)]
        done = subprocess.run(command, input=lines, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        return [np.array(json.loads(line), np.float32) for line in done.stdout.splitlines()]

    return ask


@pytest.mark.parametrize("rate", RATES)
def test_the_example_resamples_as_the_library_does(rate):
    samples = sound(rate)[:-7]
    ours = example_audio.resampled(samples, rate, 16_000)
    theirs = decode_sound(wav_bytes(samples, rate), 16_000).value
    assert len(ours) == len(theirs)
    inside = slice(200, -200)  # at the ends the library's filter is delayed by blocks
    np.testing.assert_allclose(ours[inside], theirs[inside], atol=2e-3)


def test_javascript_resamples_as_the_example_does(in_node):
    sounds = [(sound(rate), rate) for rate in RATES]
    sounds += [(sound(rate)[:-cut], rate) for rate in RATES for cut in (7, 8)]
    sounds += [(sound(16_000), 16_000), (sound(44_100)[:1], 44_100), (sound(8_000)[:2], 8_000)]
    for (samples, rate), found in zip(sounds, in_node(sounds), strict=True):
        wanted = example_audio.resampled(samples, rate, 16_000)
        assert len(found) == len(wanted), rate
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_of_a_very_long_recording_the_same_pieces_are_heard(in_node, tmp_path):
    rate, samples = 2_000, sound(2_000, seconds=130.25)
    (tmp_path / "long.wav").write_bytes(wav_bytes(samples, rate))
    theirs = decode_sound((tmp_path / "long.wav").read_bytes(), 16_000).value
    ours = example_audio.samples_of(str(tmp_path / "long.wav"), 16_000, 120.0, 10.0)[0]
    assert len(ours) == len(theirs) == 120 * 16_000
    assert np.abs(ours - theirs).mean() < 1e-3
    short = {**INPUT, "longest_seconds": 6.0, "piece_seconds": 0.5}
    ours = example_audio.samples_of(str(tmp_path / "long.wav"), 16_000, 6.0, 0.5)[0]
    (found,) = in_node([(samples, rate)], short)
    np.testing.assert_allclose(found, ours, atol=1e-5)


def test_answers_to_resampled_recordings_are_those_of_the_library(sound_model):
    contents, own = [], []
    for rate in (8_000, 22_050, 44_100, 48_000):
        for seed in range(3):
            samples = sound(rate, seed=seed)
            contents.append(wav_bytes(samples, rate))
            own.append(wav_bytes(example_audio.resampled(samples, rate, 16_000), 16_000))
    for one, other in zip(sound_model.predict(contents), sound_model.predict(own), strict=True):
        assert one.label == other.label
        assert max(abs(one.scores[label] - other.scores[label]) for label in one.scores) < 0.005


def test_channels_are_mixed_as_the_library_does_those_that_cancel_each_other_too():
    left = sound(16_000)
    for channels in ([left, 0.3 * left], [left, -left], [0.2 * left, -left, left], [0 * left, left]):
        both = np.stack(channels, axis=1)
        theirs = decode_sound(wav_bytes(both, 16_000), 16_000).value
        np.testing.assert_allclose(example_audio.one_channel(both), theirs, atol=1e-6)
