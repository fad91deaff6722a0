"""What pages of texts and of recordings answer is what the model answers."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import soundfile

import graft
from graft.export.proof.goldens.sounds import draw_sounds
from graft.export.proof.goldens.texts import draw_texts

pytestmark = pytest.mark.browser
NEAR = 0.02
FORMATS = (
    ("WAV", "PCM_16"), ("WAV", "PCM_U8"), ("WAV", "PCM_24"), ("WAV", "FLOAT"), ("WAV", "DOUBLE"), ("WAV", "ULAW"),
    ("WAV", "ALAW"), ("WAVEX", "PCM_32"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"),
)  # fmt: skip


def apart(found: dict[str, Any], expected: graft.Prediction) -> float:
    assert "error" not in found, found
    assert (found["label"], found["unknown"]) == (expected.label, expected.unknown)
    return max(abs(found["scores"][label] - share) for label, share in expected.scores.items())


def test_texts_of_every_kind_are_answered_as_by_the_model(texts_page: Any, text_model: graft.Model) -> None:
    """Accents composed and not, joined emoji, CJK, characters that are not seen, words of 200 letters."""
    texts = [golden.content.decode() for golden in draw_texts(1)]
    assert max(apart(texts_page.ask_text(text), text_model.predict_one(text)) for text in texts) <= NEAR
    assert texts_page.ask(texts[0].encode()) == texts_page.ask_text(texts[0])


def test_texts_that_cannot_be_read_are_told(texts_page: Any) -> None:
    assert texts_page.ask_text(" \n")["error"]["code"] == "empty"
    assert texts_page.ask(b"\xff\xfa\x00nonsense")["error"]["code"] == "not_a_text"
    assert texts_page.ask_text("\0a\0b\0c\0d")["error"]["code"] == "not_supported"
    long = texts_page.ask_text("word " * 40_001)["error"]
    assert (long["code"], "200,005 characters; the limit is 200,000" in long["message"]) == ("too_large", True)


def test_words_that_decide_are_those_of_the_model(texts_page: Any, text_model: graft.Model) -> None:
    text = "Where is my parcel? 🙂 It has not come yet, 漢字 and all."
    found, expected = texts_page.ask_text(text, why=True)["why"], text_model.why(text).to_dict()
    assert (found["kind"], found["label"]) == (expected["kind"], expected["label"])
    assert [(part["start"], part["end"]) for part in found["words"]] == [
        (part["start"], part["end"]) for part in expected["words"]
    ]
    np.testing.assert_allclose(
        [part["effect"] for part in found["words"]], [part["effect"] for part in expected["words"]], atol=NEAR
    )


def test_recordings_of_every_kind_are_answered_as_by_the_model(sounds_page: Any, sound_model: graft.Model) -> None:
    """Short and long, silent and clipped, 8 to 48 kHz, channels that cancel each other."""
    goldens = list(draw_sounds(1))
    found = {one.what: apart(sounds_page.ask(one.content), sound_model.predict_one(one.content)) for one in goldens}
    assert {what: value for what, value in found.items() if value > NEAR} == {}


@pytest.mark.parametrize(("kind", "subtype"), FORMATS)
def test_sound_files_of_each_format_are_read(
    sounds_page: Any, sound_model: graft.Model, kind: str, subtype: str
) -> None:
    rate = 48_000 if subtype == "OPUS" else 44_100
    time = np.arange(int(0.8 * rate)) / rate
    stereo = np.stack([0.3 * np.sin(2 * np.pi * 500 * time), 0.2 * np.sin(2 * np.pi * 700 * time)], axis=1)
    buffer = io.BytesIO()
    soundfile.write(buffer, stereo, rate, format=kind, subtype=subtype)
    content = buffer.getvalue()
    assert apart(sounds_page.ask(content), sound_model.predict_one(content)) <= NEAR


def test_samples_of_a_microphone_are_taken_at_its_rate(sounds_page: Any, sound_model: graft.Model) -> None:
    samples = (0.3 * np.sin(2 * np.pi * 440 * np.arange(24_000) / 48_000)).astype(np.float32)
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, 48_000, format="WAV", subtype="FLOAT")
    found = sounds_page.ask_samples(samples.tolist(), 48_000)
    assert apart(found, sound_model.predict_one(buffer.getvalue())) <= NEAR


def test_what_is_no_recording_is_told(sounds_page: Any) -> None:
    for content, code in ((b"", "empty"), (b"\0\0\0\x18ftypM4A " + bytes(40), "not_a_recording"),
                          (b"RIFF\0\0\0\0WAVEfmt ", "corrupt"), (b"fLaC" + bytes(60), "corrupt")):  # fmt: skip
        error = sounds_page.ask(content)["error"]
        assert (error["code"], bool(error["hint"])) == (code, True)


def test_a_recording_beyond_the_limit_is_told(sounds_page: Any) -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros(8_000 * 601, np.int16), 8_000, format="WAV")
    error = sounds_page.ask(buffer.getvalue())["error"]
    assert (error["code"], "601.0 seconds long; the limit is 600" in error["message"]) == ("too_large", True)


def test_moments_that_decide_are_those_of_the_model(sounds_page: Any, sound_model: graft.Model) -> None:
    time = np.arange(16_000) / 16_000
    samples = np.where(time < 0.5, 0.3 * np.sin(2 * np.pi * 500 * time), 0.001).astype(np.float32)
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, 16_000, format="WAV", subtype="FLOAT")
    found = sounds_page.ask(buffer.getvalue(), why=True)["why"]
    expected = sound_model.why(buffer.getvalue()).to_dict()
    assert (found["kind"], len(found["spans"])) == (expected["kind"], len(expected["spans"]))
    for ours, theirs in zip(found["spans"], expected["spans"], strict=True):
        assert (ours["start"], ours["end"]) == (pytest.approx(theirs["start"]), pytest.approx(theirs["end"]))
    changes = [[part["effect"] for part in one["spans"]] for one in (found, expected)]
    assert np.abs(np.subtract(*changes)).max() <= 0.02  # the same noise stands for a silenced moment
