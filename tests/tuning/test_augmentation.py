"""What a network that learns sees: seeded, of the same shapes, and nothing of the batch is changed."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("kornia", reason="kornia is not installed")

import shapes  # noqa: E402
from graft.tuning.augmentation import ImageAugmentation, augmentation_for, with_some_left_out  # noqa: E402


def chance(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def pictures():
    """Six pictures as a network takes them."""
    stack = np.stack([np.asarray(shapes.picture("circle", seed, 64).convert("RGB")) for seed in range(6)])
    return torch.from_numpy(stack).permute(0, 3, 1, 2)


@pytest.fixture(scope="module")
def sounds():
    """Three recordings with silence about them, the last filled up with zeros."""
    frames = torch.full((3, 148, 32), -4.0)
    frames[:, 50:90] = 2 + torch.randn(3, 40, 32, generator=chance())
    frames[2, 120:] = 0
    return frames


def test_pictures_keep_shape_and_range(pictures):
    (seen,) = augmentation_for("image")((pictures,), chance())
    assert (seen.shape, seen.dtype) == (pictures.shape, torch.float32)
    assert seen.min() >= 0
    assert 200 < seen.max() <= 255
    assert pictures.dtype == torch.uint8
    assert abs(seen.mean() - pictures.float().mean()) < 40


def test_the_same_seed_gives_the_same_views(pictures, sounds):
    for modality, values in (("image", pictures), ("audio", sounds)):
        augmentation, before = augmentation_for(modality), values.clone()
        first, again, other = (augmentation((values,), chance(seed))[0] for seed in (1, 1, 2))
        assert torch.equal(first, again)
        assert not torch.equal(first, other)
        assert torch.equal(values, before)


def test_a_generator_goes_on(pictures):
    augmentation, generator = augmentation_for("image"), chance()
    first, second = (augmentation((pictures,), generator)[0] for _ in range(2))
    assert not torch.equal(first, second)


def test_the_global_chance_is_left_alone(pictures):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    augmentation_for("image")((pictures,), chance())
    assert torch.equal(torch.rand(3), expected)


def test_items_of_a_batch_differ(pictures):
    same = pictures[:1].expand(4, -1, -1, -1)
    (seen,) = augmentation_for("image")((same,), chance())
    assert not torch.equal(seen[0], seen[1])


def test_without_flips_left_stays_left():
    picture = torch.zeros(16, 3, 64, 64, dtype=torch.uint8)
    picture[..., :20] = 255
    for flips, all_left in ((False, True), (True, False)):
        (seen,) = ImageAugmentation(flips)((picture,), chance())
        left = seen[..., :32].mean(dim=(1, 2, 3)) > seen[..., 32:].mean(dim=(1, 2, 3))
        assert bool(left.all()) is all_left


def test_sounds_keep_their_length(sounds):
    (heard,) = augmentation_for("audio")((sounds,), chance())
    assert heard.shape == sounds.shape
    assert not heard[2, 120:].any()
    assert torch.isfinite(heard).all()
    assert heard[:, 60:80].mean() > heard[:, :20].mean() + 0.5


def test_a_recording_without_a_sound_passes(sounds):
    (heard,) = augmentation_for("audio")((torch.full((1, 76, 32), -4.0),), chance())
    assert torch.isfinite(heard).all()


def test_what_else_a_network_takes_stays(sounds):
    shares = torch.ones(3, 10)
    _, other = augmentation_for("audio")((sounds, shares), chance())
    assert other is shares


def test_texts_stay_as_they_are():
    assert augmentation_for("text") is None  # some of their tokens are left out before they are a batch


def test_samples_are_moved_and_made_louder_or_softer():
    samples = torch.zeros(3, 1000)
    samples[:2, :800] = torch.sin(torch.arange(800) * 0.3)
    samples[2, :500] = 1.0
    lengths = torch.tensor([800, 800, 500])
    before = samples.clone()
    first, again, other = (augmentation_for("audio")((samples, lengths), chance(seed)) for seed in (1, 1, 2))
    assert torch.equal(samples, before)
    assert torch.equal(first[0], again[0])
    assert not torch.equal(first[0], other[0])
    assert first[1] is lengths
    heard = first[0]
    assert not heard[:2, 800:].any()
    assert not heard[2, 500:].any()
    assert not torch.equal(heard[0], heard[1])
    level = heard[:2, 100:700].square().mean(dim=1).sqrt() / samples[:2, 100:700].square().mean(dim=1).sqrt()
    assert ((level > 0.45) & (level < 2.1)).all()


def test_samples_moved_forward_and_back_keep_their_middle():
    samples = torch.ones(1, 400)
    for seed in range(8):
        (heard,) = augmentation_for("audio")((samples,), chance(seed))
        assert (heard[0, 60:340] > 0.1).all()


def test_silence_passes():
    (heard,) = augmentation_for("audio")((torch.zeros(2, 50),), chance())
    assert not heard.any()


def test_texts_lack_some_tokens_and_keep_their_ends():
    windows = (np.arange(100, dtype=np.int32), np.arange(2, dtype=np.int32))
    seen = [with_some_left_out([windows, windows[:1]], 0.3, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    long, short = seen[0][0]
    assert 50 < len(long) < 90
    assert (long[0], long[-1]) == (0, 99)
    assert (np.diff(long) > 0).all()
    assert short.tolist() == [0, 1]
    assert len(with_some_left_out([(np.arange(3),)], 0.999, chance())[0][0]) == 3
    assert [len(text) for text in seen[0]] == [2, 1]
    assert np.array_equal(seen[1][0][0], long)
    assert not np.array_equal(seen[2][0][0], long)
