"""Views in numpy: the same for the same seed, close to the item, and of its shape."""

import numpy as np
import pytest

import shapes
from graft.decoding.augment import (
    MASKED_BANDS,
    MASKED_FRAMES,
    MASKS,
    add_noise,
    mask,
    relight,
    see,
    views,
)


@pytest.fixture(scope="module")
def picture():
    return np.asarray(shapes.picture("circle", 1, 96).convert("RGB"))


@pytest.fixture(scope="module")
def sound():
    time = np.arange(8000) / 16_000
    return (0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)


@pytest.fixture(scope="module")
def mel():
    """Two fifths of a second of sound with silence about it, in tens of decibels."""
    frames = np.full((148, 32), -4, np.float32)
    frames[50:90] = 2 + np.random.default_rng(0).standard_normal((40, 32))
    return frames


def test_the_same_seed_gives_the_same_views(picture, sound, mel):
    for value, modality in ((picture, "image"), (sound, "audio"), (mel, "audio")):
        first, again, other = views(value, modality, 3, 7), views(value, modality, 3, 7), views(value, modality, 3, 8)
        for one, same, different in zip(first, again, other, strict=True):
            assert np.array_equal(one, same)
            assert not np.array_equal(one, different)
            assert (one.shape, one.dtype) == (value.shape, value.dtype)
        assert not np.array_equal(first[0], first[1])


def test_the_first_of_many_views_are_those_of_few(picture):
    few, many = views(picture, "image", 2, 0), views(picture, "image", 5, 0)
    assert all(np.array_equal(one, other) for one, other in zip(few, many[:2], strict=True))


def test_the_item_is_left_as_it_is(picture, sound, mel):
    for value, modality in ((picture, "image"), (sound, "audio"), (mel, "audio")):
        before = value.copy()
        views(value, modality, 4, 0)
        assert np.array_equal(value, before)


def test_windows_are_seen_one_by_one(sound):
    (windows,) = views((sound, sound[:400]), "audio", 1, 0)
    assert [len(window) for window in windows] == [8000, 400]


def test_texts_have_no_views():
    assert views((np.arange(5, dtype=np.int32),), "text", 3, 0) == []


def test_a_straight_look_changes_nothing_and_a_flip_is_exact(picture):
    assert np.array_equal(see(picture, flipped=False, zoom=1, turn=0, right=0, down=0), picture)
    assert np.array_equal(see(picture, flipped=True, zoom=1, turn=0, right=0, down=0), picture[:, ::-1])
    narrow = picture[:, :60]
    assert np.array_equal(see(narrow, flipped=True, zoom=1, turn=0, right=0, down=0), narrow[:, ::-1])


def test_a_quarter_turn_is_numpys(picture):
    assert np.array_equal(
        see(picture, flipped=False, zoom=1, turn=90, right=0, down=0), np.rot90(picture, 1)
    ) or np.array_equal(see(picture, flipped=False, zoom=1, turn=90, right=0, down=0), np.rot90(picture, -1))


def test_a_crop_shows_its_part_larger(picture):
    half = see(picture, flipped=False, zoom=0.5, turn=0, right=0.5, down=0.5)  # the lower right quarter
    quarter = picture[48:, 48:].astype(float).mean(axis=(0, 1))
    assert np.abs(half.astype(float).mean(axis=(0, 1)) - quarter).max() < 3


def test_without_flips_left_stays_left():
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:, :20] = 255
    seen = views(picture, "image", 20, 0, flips=False)
    assert all(view[:, :32].mean() > view[:, 32:].mean() for view in seen)
    mirrored = views(picture, "image", 20, 0)
    assert any(view[:, :32].mean() < view[:, 32:].mean() for view in mirrored)


def test_light_is_scaled(picture):
    assert np.array_equal(relight(picture, 1, 1, 1), picture)
    assert relight(picture, 0.5, 1, 1).mean() == pytest.approx(picture.mean() / 2, rel=0.02)
    assert relight(picture, 1, 0.5, 1).std() < 0.6 * picture.std()
    grey = relight(picture, 1, 1, 0).astype(int)
    assert np.abs(grey - grey[..., :1]).max() <= 1


def test_noise_has_the_level_that_was_asked_for(sound):
    noise = add_noise(sound, 20, np.random.default_rng(0)) - sound
    ratio = 10 * np.log10(np.square(sound).mean() / np.square(noise).mean())
    assert ratio == pytest.approx(20, abs=0.3)


def test_silence_stays_silence():
    silence = np.zeros(1000, np.float32)
    assert not np.any(views(silence, "audio", 2, 0))


def test_masks_cover_a_part_of_the_sound_and_none_of_the_silence(mel):
    for seed in range(10):
        masked = mask(mel, np.random.default_rng(seed))
        changed = masked != mel
        assert not changed[:50].any()
        assert not changed[90:].any()
        bands = changed[50:90].all(axis=0).sum()
        assert bands <= MASKS * MASKED_BANDS * 32
        frames = changed[50:90].all(axis=1).sum()
        assert frames <= MASKS * MASKED_FRAMES * 40
    assert any((mask(mel, np.random.default_rng(seed)) != mel).any() for seed in range(10))


def test_a_flat_recording_can_be_masked():
    assert views(np.zeros((76, 32), np.float32), "audio", 1, 0)[0].shape == (76, 32)
