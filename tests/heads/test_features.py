import numpy as np
import pytest

from graft.errors import UsageError
from graft.heads.features import FEATURES, available, design, scales, transform, width

STAGES = ((3, 4, 5),)


def test_every_stage_has_its_length_and_keeps_its_signs():
    x = np.random.default_rng(0).normal(size=(6, 12)).astype(np.float32)
    phi = transform(x, STAGES, "late")
    assert phi.shape == (6, width(STAGES, "late")) == (6, 12)
    assert np.linalg.norm(phi[:, :3], axis=1) == pytest.approx(FEATURES["late"].earlier)
    assert np.linalg.norm(phi[:, 3:7], axis=1) == pytest.approx(FEATURES["late"].earlier)
    assert np.linalg.norm(phi[:, 7:], axis=1) == pytest.approx(1)
    assert np.array_equal(np.sign(phi), np.sign(x))


def test_last_is_the_direction_of_the_last_stage():
    x = np.array([[5, 5, 5, 1, 1, 1, 1, 4, 0, 0, 0, -3]], np.float32)
    phi = transform(x, STAGES, "last")
    assert phi == pytest.approx(np.array([[4, 0, 0, 0, -3]]) / 5)


def test_scale_does_not_matter_and_nothing_stays_nothing():
    x = np.abs(np.random.default_rng(1).normal(size=(4, 12))).astype(np.float32)
    assert transform(100 * x, STAGES, "late") == pytest.approx(transform(x, STAGES, "late"), abs=1e-6)
    assert not transform(np.zeros((2, 12), np.float32), STAGES, "late").any()


def test_one_stage_has_one_kind_of_features():
    assert available(((384,),)) == ("last",)
    assert available(STAGES) == ("late", "even")


def test_of_two_networks_joined_each_has_its_own_last_stage():
    x = np.random.default_rng(0).normal(size=(3, 9)).astype(np.float32)
    phi = transform(x, ((2, 3), (4,)), "last")
    assert np.array_equal(phi[:, :3], transform(x[:, :5], ((2, 3),), "last"))
    assert np.array_equal(phi[:, 3:], transform(x[:, 5:], ((4,),), "last"))
    assert width(((2, 3), (4,)), "last") == 7
    assert available(((2, 3), (4,))) == ("late", "even")


def test_words_stand_beside_the_embedding_and_together_they_are_as_long_as_it():
    random = np.random.default_rng(0)
    x, words = random.normal(size=(5, 12)).astype(np.float32), random.normal(size=(5, 7)).astype(np.float32)
    words /= np.linalg.norm(words, axis=1, keepdims=True)
    joined = design(x, STAGES, "even+many words", words)
    assert joined.shape == (5, 12 + 7)
    embedding, lexical = scales("even+many words")
    assert embedding**2 + lexical**2 == pytest.approx(1)
    assert joined[:, :12] / embedding == pytest.approx(transform(x, STAGES, "even"))
    assert np.linalg.norm(joined[:, 12:], axis=1) == pytest.approx(lexical)
    assert lexical / embedding == pytest.approx(FEATURES["even+many words"].words)
    assert np.array_equal(design(x, STAGES, "late", words), transform(x, STAGES, "late"))
    assert set(available(STAGES, words=True)) > set(available(STAGES))
    assert available(((384,),), words=True)[0] == "last"


def test_wrong_calls_say_what_is_wrong():
    with pytest.raises(UsageError, match="first"):
        transform(np.zeros((1, 12), np.float32), STAGES, "first")
    with pytest.raises(UsageError, match="11 numbers"):
        transform(np.zeros((1, 11), np.float32), STAGES, "last")
