"""Recordings that travel inside the page."""

import io
import math

import numpy as np
import pytest

from graft.report.sounds import BEGINNING, EACH, portable

soundfile = pytest.importorskip("soundfile")


def recording(seconds: float, rate: int, kind: str = "WAV", channels: int = 2) -> bytes:
    noise = np.random.default_rng(0).normal(0, 0.1, (round(seconds * rate), channels)).astype(np.float32)
    buffer = io.BytesIO()
    soundfile.write(buffer, noise, rate, format=kind)
    return buffer.getvalue()


@pytest.mark.parametrize(("kind", "mime"), [("WAV", "wav"), ("FLAC", "flac"), ("OGG", "ogg"), ("MP3", "mpeg")])
def test_small_recordings_travel_as_they_are(kind: str, mime: str) -> None:
    content = recording(0.5, 16_000, kind)

    sound = portable(content)

    assert sound.content == content
    assert sound.kind == f"audio/{mime}"
    assert sound.seconds == pytest.approx(0.5, abs=0.1)
    assert sound.kept == 0


@pytest.mark.parametrize("rate", [16_000, 44_100, 96_000])
def test_of_large_recordings_the_beginning_is_made_small(rate: int) -> None:
    sound = portable(recording(10, rate))

    assert 0 < len(sound.content) <= EACH
    assert sound.kind == "audio/mpeg"
    assert sound.seconds == 10
    assert sound.kept == BEGINNING
    assert soundfile.info(io.BytesIO(sound.content)).duration == pytest.approx(BEGINNING, abs=0.1)


def test_a_kind_that_browsers_do_not_play_is_made_one() -> None:
    sound = portable(recording(0.5, 22_050, "AIFF"))

    assert sound.kind == "audio/mpeg"
    assert sound.content
    assert sound.kept == 0


@pytest.mark.parametrize("content", [b"", b"not a recording", b"RIFF\x00\x00\x00\x00WAVEfmt "])
def test_what_is_no_recording_is_not_played_as_one(content: bytes) -> None:
    sound = portable(content, most=10)

    assert not sound.content
    assert math.isnan(sound.seconds)


def test_an_odd_rate_is_left_out() -> None:
    assert not portable(recording(0.2, 5_001), most=10).content
