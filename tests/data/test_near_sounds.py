import io

import numpy as np
import pytest

from graft.decoding.sound import decode_sound, wav_bytes
from graft.duplicates.clusters import near_duplicates
from graft.duplicates.pictures import WIDTH
from graft.duplicates.prints import SoundPrints
from graft.duplicates.sounds import SAME_SOUND, sound_print

soundfile = pytest.importorskip("soundfile")


@pytest.fixture(scope="module")
def digits(shared) -> list[bytes]:
    return [path.read_bytes() for path in sorted((shared / "spoken_digits").glob("*.wav"))[::6]]


def prints_of(contents: list[bytes]) -> np.ndarray:
    encoder = SoundPrints()
    return encoder.embed([encoder.prepare(content).value for content in contents])


def compressed(samples: np.ndarray, form: str) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, 16_000, format=form)
    return buffer.getvalue()


ALTERED = {
    "mp3": lambda x: compressed(x, "MP3"),
    "ogg": lambda x: compressed(x, "OGG"),
    "quieter": lambda x: wav_bytes(0.5 * x, 16_000),
    "later": lambda x: wav_bytes(np.pad(x, (320, 0)), 16_000),
    "noisier": lambda x: wav_bytes(x + x.std() * 10**-1.5 * np.random.default_rng(0).normal(size=len(x)), 16_000),
}


@pytest.mark.parametrize("alter", ALTERED.values(), ids=ALTERED)
def test_a_copy_is_found_and_different_takes_are_kept_apart(digits, alter):
    copies = [alter(decode_sound(content, 16_000).value) for content in digits[:30]]
    x = prints_of([*digits, *copies])
    clusters = near_duplicates([str(row) for row in range(len(x))], x, SAME_SOUND).clusters
    n = len(digits)
    assert (clusters[n:] == clusters[:30]).mean() >= 0.96
    assert len(np.unique(clusters[:n])) == n


def test_a_print_has_unit_length_whatever_is_heard():
    long = np.cos(np.arange(200_000) ** 1.3 / 100)
    for samples in (long, long[:40], long[:1]):
        (found,) = prints_of([wav_bytes(samples, 16_000)])
        assert found.shape == (WIDTH,)
        assert np.isclose(np.linalg.norm(found), 1, atol=1e-5)


def test_silence_has_an_empty_print():
    assert not prints_of([wav_bytes(np.zeros(8000), 16_000)]).any()


def test_neither_level_nor_silence_around_it_changes_a_print():
    samples = np.cos(np.arange(12_000) ** 1.4 / 100).astype(np.float32) * np.hanning(12_000).astype(np.float32)
    same = np.pad(samples / 50, (1600, 9000))
    assert sound_print(samples) @ sound_print(same) > 0.999
    assert sound_print(samples) @ sound_print(samples[::-1]) < 0.98


def test_prints_keep_what_is_asked_of_an_encoder():
    encoder = SoundPrints()
    assert encoder.version in encoder.fingerprint
    assert encoder.dim == sum(map(sum, encoder.stages)) == WIDTH
