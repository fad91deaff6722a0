import contextlib
import io
import os
import struct
import subprocess
import sys
import threading

import numpy as np
import pytest

from graft.contracts import ItemLimits
from graft.decoding import sound
from graft.decoding.sound import HIGHEST_RATE, LONGEST, decode_sound, wav_bytes
from graft.errors import DataError, EncoderError, ItemError

soundfile = pytest.importorskip("soundfile")

RATE = 16_000


def tone(seconds: float = 1.0, rate: int = RATE, pitch: float = 440, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def written(samples: np.ndarray, rate: int = RATE, form: str = "WAV", encoding: str | None = None) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=form, subtype=encoding)
    return buffer.getvalue()


def patched(content: bytes, at: int, form: str, *values: int) -> bytes:
    new = struct.pack(form, *values)
    return content[:at] + new + content[at + len(new) :]


def reason(content: bytes) -> str:
    with pytest.raises(ItemError) as caught:
        decode_sound(content, RATE)
    assert caught.value.message.endswith(".")
    assert caught.value.hint
    return caught.value.reason


@pytest.mark.parametrize(
    ("form", "encoding"),
    [
        *(
            ("WAV", encoding)
            for encoding in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW")
        ),
        *(("WAV", encoding) for encoding in ("IMA_ADPCM", "MS_ADPCM")),
        *(("WAVEX", "PCM_16"), ("RF64", "PCM_16"), ("W64", "PCM_16"), ("AIFF", "PCM_16"), ("AU", "PCM_16")),
        *(("CAF", "PCM_16"), ("FLAC", "PCM_16"), ("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("OGG", "OPUS")),
        ("MP3", "MPEG_LAYER_III"),
    ],
)
def test_a_tone_is_the_same_in_every_format(form, encoding):
    found = decode_sound(written(tone(), RATE, form, encoding), RATE)
    assert found.statistics["seconds"] == pytest.approx(1, abs=0.04)
    assert found.statistics["rms"] == pytest.approx(0.5 / np.sqrt(2), rel=0.03)
    spectrum = np.abs(np.fft.rfft(found.value[2000:14_000]))
    assert spectrum.argmax() * RATE / 12_000 == pytest.approx(440, abs=2)
    assert found.value.dtype == np.float32


@pytest.mark.parametrize("rate", [2000, 8000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000, HIGHEST_RATE])
def test_every_rate_gives_the_same_tone(rate):
    found = decode_sound(wav_bytes(tone(0.5, rate), rate), RATE).value
    assert abs(len(found) - 8000) <= 1
    assert np.abs(found[800:7200] - tone(0.5)[800:7200]).max() < 5e-3


def test_what_lies_above_the_new_rate_does_not_fold_back():
    high = decode_sound(wav_bytes(tone(0.5, 48_000, pitch=11_000), 48_000), RATE).value
    assert np.abs(high[800:-800]).max() < 1e-3


def test_blocks_join_without_a_seam(monkeypatch):
    samples = np.stack([tone(3, 44_100), tone(3, 44_100, pitch=700)], axis=1)
    whole = decode_sound(wav_bytes(samples, 44_100), RATE)
    monkeypatch.setattr(sound, "_BLOCK", 10_007)
    parts = decode_sound(wav_bytes(samples, 44_100), RATE)
    assert np.abs(whole.value - parts.value).max() < 1e-5
    assert parts.statistics == pytest.approx(whole.statistics)


@pytest.mark.parametrize("channels", [2, 6, 8])
def test_channels_are_mixed(channels):
    samples = np.zeros((RATE, channels), np.float32)
    samples[:, 1] = tone()
    found = decode_sound(wav_bytes(samples, RATE), RATE)
    assert np.allclose(found.value, tone() / channels, atol=1e-6)
    assert found.statistics["channels"] == channels
    assert found.statistics["peak"] == pytest.approx(0.5, abs=1e-3)


def test_channels_that_cancel_each_other_are_not_mixed():
    found = decode_sound(wav_bytes(np.stack([tone(), -tone()], axis=1), RATE), RATE)
    assert np.abs(found.value).max() > 0.4


def test_the_statistics_say_what_is_in_the_file():
    found = decode_sound(wav_bytes(np.clip(tone(2.0, 8000, level=2), -1, 1), 8000), RATE).statistics
    assert (found["seconds"], found["rate"], found["channels"], found["peak"], found["read"]) == (2, 8000, 1, 1, 1)
    assert found["clipped"] == pytest.approx(2 / 3, abs=0.02)
    assert decode_sound(wav_bytes(tone(), RATE), RATE).statistics["clipped"] == 0


@pytest.mark.parametrize("encoding", ["PCM_U8", "PCM_16", "PCM_24", "FLOAT", "ULAW", "ALAW"])
def test_clipping_is_noticed_in_every_encoding(encoding):
    content = written(np.clip(tone(level=4), -1, 1), RATE, "WAV", encoding)
    assert decode_sound(content, RATE).statistics["clipped"] > 0.7


def test_silence_is_a_recording():
    found = decode_sound(wav_bytes(np.zeros(RATE, np.int16), RATE), RATE)
    assert found.statistics["rms"] == found.statistics["peak"] == 0
    assert len(found.value) == RATE


@pytest.mark.parametrize("rate", [8000, RATE, 48_000])
def test_one_sample_is_a_recording(rate):
    assert len(decode_sound(wav_bytes(np.ones(1), rate), RATE).value) >= 1


def test_nothing_is_no_recording():
    assert reason(b"") == "empty"
    assert reason(wav_bytes(np.empty(0), RATE)) == "empty"
    assert reason(written(np.empty(0), RATE, "FLAC")) in ("empty", "corrupt")


def test_a_size_that_a_recorder_never_wrote_means_the_rest_of_the_file():
    content = written(tone(), RATE, "WAV", "PCM_16")
    for sizes in ((0, 0), (0xFFFFFFFF, 0xFFFFFFFF), (36 + 10**9, 10**9), (len(content) - 8, 0)):
        lying = patched(patched(content, 4, "<I", sizes[0]), 40, "<I", sizes[1])
        assert decode_sound(lying, RATE).statistics["seconds"] == 1


@pytest.mark.parametrize("form", ["WAV", "AIFF", "AU", "MP3"])
def test_a_cut_file_is_read_as_far_as_it_goes(form):
    content = written(tone(4), RATE, form)
    found = decode_sound(content[: len(content) // 2], RATE)
    assert 1.2 < found.statistics["seconds"] < 2.3
    assert 0.3 < found.statistics["read"] <= 1


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG", "MP3", "AIFF", "CAF", "W64"])
def test_damage_never_escapes_as_another_error(form):
    content = written(tone(0.5) + 0.1 * np.random.default_rng(0).normal(size=8000).astype(np.float32), RATE, form)
    random = np.random.default_rng(1)
    cuts = [content[:cut] for cut in (4, 12, 20, 30, 44, 60, 100, len(content) // 3, len(content) - 10)]
    noise = []
    for _ in range(12):
        damaged = bytearray(content)
        for at in random.integers(4, 200 if random.random() < 0.5 else len(content), 8):
            damaged[at % len(content)] = int(random.integers(256))
        noise.append(bytes(damaged))
    for bad in cuts + noise:
        with contextlib.suppress(ItemError):
            found = decode_sound(bad, RATE)
            assert np.isfinite(found.value).all()
            assert 0 <= found.statistics["read"] <= 1


def test_a_cut_mp3_says_nothing_on_standard_error(tmp_path):
    content = written(tone(4), RATE, "MP3")
    path = tmp_path / "cut.mp3"
    path.write_bytes(content[: len(content) // 2])
    program = f"from graft.decoding.sound import decode_sound; decode_sound(open({str(path)!r}, 'rb').read(), 16000)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stderr == ""


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_values_that_are_no_samples_are_refused(bad):
    samples = tone()
    samples[777] = bad
    assert reason(wav_bytes(samples, RATE)) == "corrupt"


@pytest.mark.parametrize("rate", [1, 999, 1_000_000, 2**31 - 1])
def test_absurd_rates_are_refused(rate):
    assert reason(patched(written(tone(), RATE, "WAV", "PCM_16"), 24, "<I", rate)) == "corrupt"


def test_more_channels_than_anything_has_are_refused():
    assert reason(written(np.zeros((50, 100)), RATE, "WAV", "PCM_16")) == "too_large"


@pytest.mark.parametrize(
    ("head", "word"),
    [
        (b"\0\0\0\x20ftypM4A \0\0\0\0", "M4A"),
        (b"\xff\xf1\x50\x80\x02\x1f\xfc" * 9, "AAC"),
        (b"\x1a\x45\xdf\xa3" + bytes(60), "WebM"),
        (b"\x89PNG\r\n\x1a\n" + bytes(60), "PNG"),
        (b"Dear diary, today I recorded nothing at all.", "text"),
    ],
)
def test_strangers_are_named_with_what_to_do(head, word):
    with pytest.raises(ItemError, match=word) as caught:
        decode_sound(head, RATE)
    assert caught.value.reason == "not_a_recording"
    assert "ffmpeg" in caught.value.hint or word in ("PNG", "text")


def test_of_a_long_recording_pieces_are_read(monkeypatch):
    rate, hours = 2000, 10 * 3600
    samples = np.zeros(hours * rate, np.uint8) + np.uint8(128)
    samples[-20 * rate :] = 200
    found = decode_sound(wav_bytes(samples, rate), RATE)
    assert found.statistics["seconds"] == hours
    assert found.statistics["read"] == pytest.approx(LONGEST / hours)
    assert len(found.value) == pytest.approx(LONGEST * RATE, rel=1e-3)
    assert found.value[-RATE:].mean() > 0.4  # the last piece is the end
    assert abs(found.value[: 100 * RATE].mean()) < 0.01


@pytest.mark.parametrize("form", ["FLAC", "OGG", "MP3"])
def test_pieces_of_compressed_recordings(form):
    content = written(np.concatenate([tone(100, 8000), np.zeros(100 * 8000)]), 8000, form)
    found = decode_sound(content, 8000)
    assert found.statistics["read"] == pytest.approx(0.6, abs=0.01)
    assert np.abs(found.value[: 55 * 8000]).max() > 0.4
    assert np.abs(found.value[-55 * 8000 :]).max() < 0.01


def test_a_header_that_claims_hours_is_not_believed():
    content = bytearray(written(tone(60, 8000), 8000, "MP3"))
    tag = max(content.find(b"Xing"), content.find(b"Info"))
    content[tag + 8 : tag + 12] = struct.pack(">I", 10_000_000)  # frames
    found = decode_sound(bytes(content), 8000)
    assert found.statistics["seconds"] == pytest.approx(60, abs=1)
    assert found.statistics["read"] < 0.01


def test_several_threads_decode_at_once():
    contents = [written(tone(0.3, pitch=pitch), RATE, form) for pitch in (300, 600) for form in ("MP3", "OGG", "WAV")]
    expected = [decode_sound(content, 8000).value for content in contents]
    found: list[bool] = []

    def work() -> None:
        found.extend(np.array_equal(decode_sound(c, 8000).value, e) for c, e in zip(contents, expected, strict=True))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 24


def test_missing_packages_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "soxr", None)
    with pytest.raises(EncoderError, match=r"graft-learn\[speech\]"):
        decode_sound(wav_bytes(tone(), RATE), RATE)


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.float16, np.int16, np.int32, np.uint8])
def test_arrays_become_recordings(kind):
    samples = tone()
    if kind == np.uint8:
        samples = samples * 127 + 128
    elif np.issubdtype(kind, np.integer):
        samples = samples * np.iinfo(kind).max
    content = wav_bytes(samples.astype(kind), RATE)
    assert content == wav_bytes(samples.astype(kind), RATE)
    assert np.abs(decode_sound(content, RATE).value - tone()).max() < (0.02 if kind == np.uint8 else 1e-3)


@pytest.mark.parametrize("shape", [(RATE, 2), (2, RATE), (RATE, 1), (1, RATE)])
def test_channels_may_come_first_or_last(shape):
    found = decode_sound(wav_bytes(np.resize(tone(), shape), RATE), RATE).statistics
    assert found["channels"] == min(shape)
    assert found["seconds"] == 1


@pytest.mark.parametrize(
    ("samples", "rate"),
    [
        (np.zeros((2, 3, 4)), RATE),
        (np.float32(3), RATE),
        (np.zeros((100, 100)), RATE),
        (np.zeros(10, np.int64), RATE),
        (np.array(["a"]), RATE),
        (np.zeros(10, complex), RATE),
        (np.zeros(10), 0),
        (np.zeros(10), -8000),
        (np.zeros(10), 44.1),
        (np.zeros(10), True),
        (np.zeros(10), "fast"),
        (np.zeros(10), float("nan")),
    ],
)
def test_what_is_no_recording_is_refused(samples, rate):
    with pytest.raises(DataError):
        wav_bytes(samples, rate)


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG", "MP3"])
def test_a_server_may_lower_the_limit_of_seconds(form):
    content = written(tone(3.0), form=form)
    assert decode_sound(content, RATE, ItemLimits(seconds=3.5)).statistics["seconds"] == pytest.approx(3, abs=0.2)
    with pytest.raises(ItemError, match=r"The recording is 3\.\d seconds long; the limit is 2\.5\.") as caught:
        decode_sound(content, RATE, ItemLimits(seconds=2.5))
    assert caught.value.reason == "too_large"


def test_the_limit_of_seconds_holds_where_the_header_says_nothing():
    content = bytearray(written(tone(3.0), form="FLAC"))
    content[21] &= 0xF0  # the low 36 bits of bytes 21 to 25: how many samples there are; 0 means unknown
    content[22:26] = bytes(4)
    with pytest.raises(ItemError, match=r"the limit is 2\.5"):
        decode_sound(bytes(content), RATE, ItemLimits(seconds=2.5))
