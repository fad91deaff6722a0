"""What every head must do; what only one does stands in its own file."""

import numpy as np
import pytest

from graft.learning import HEADS
from graft.learning.axes import principal
from heads.blobs import blobs, close, folds, masks_of


def relative(scores):
    """Scores up to what softmax cannot see."""
    return scores - scores.mean(axis=1, keepdims=True)


def one(n):
    return np.ones((1, n), np.float32)


pytestmark = pytest.mark.parametrize("name", HEADS)


@pytest.mark.parametrize(("n", "k", "d"), [(40, 2, 90), (60, 3, 20), (30, 10, 300)])
def test_a_mask_is_a_fit_on_the_subset(name, n, k, d):
    x, y = blobs(n, k, d, spread=2)
    head = HEADS[name]
    masks = masks_of(folds(y, 3)[0])
    for mask, fitted in zip(masks, head.fit(x, y, k, masks, head.strengths), strict=True):
        rows = mask > 0
        for strength, linear in zip(head.strengths, fitted, strict=True):
            alone = head.fit(x[rows], y[rows], k, one(rows.sum()), [strength])[0][0]
            expected = relative(alone.scores(x))
            assert close(relative(linear.scores(x)), expected, 0.01)


def test_many_at_once_are_what_each_is_alone(name):
    x, y = blobs(50, 3, 120, spread=2)
    head = HEADS[name]
    masks = masks_of(folds(y, 5)[0])
    together = head.fit(x, y, 3, masks, head.strengths)
    for subset in range(len(masks)):
        for place, strength in enumerate(head.strengths):
            alone = relative(head.fit(x, y, 3, masks[subset : subset + 1], [strength])[0][0].scores(x))
            assert close(relative(together[subset][place].scores(x)), alone, 0.01)


def test_a_rotation_changes_nothing(name):
    x, y = blobs(40, 4, 100)
    head = HEADS[name]
    axes = principal(x)
    strength = head.strengths[len(head.strengths) // 2]
    direct = head.fit(x, y, 4, one(40), [strength])[0][0]
    rotated = axes.restore(head.fit(axes.z, y, 4, one(40), [strength])[0][0])
    expected = relative(direct.scores(x))
    assert close(relative(rotated.scores(x)), expected, 0.01)


def test_the_same_again(name):
    x, y = blobs(60, 5, 80)
    head = HEADS[name]
    first, second = (head.fit(x, y, 5, masks_of(folds(y)[0]), head.strengths) for _ in range(2))
    for some, others in zip(first, second, strict=True):
        for a, b in zip(some, others, strict=True):
            assert np.array_equal(a.weights, b.weights)
            assert np.array_equal(a.bias, b.bias)


def test_separable_classes_are_separated(name):
    x, y = blobs(100, 10, 50, spread=0.1)
    for linear in HEADS[name].fit(x, y, 10, one(100), HEADS[name].strengths)[0]:
        assert np.isfinite(linear.weights).all()
        assert (linear.scores(x).argmax(axis=1) == y).all()


def test_a_hundred_classes_with_one_item_each(name):
    x, y = blobs(100, 100, 64, spread=0.0)
    linear = HEADS[name].fit(x, y, 100, one(100), HEADS[name].strengths)[0][-1]
    assert linear.weights.shape == (64, 100)
    assert (linear.scores(x).argmax(axis=1) == y).all()


def test_a_class_without_rows_never_wins_and_breaks_nothing(name):
    x, y = blobs(30, 3, 40)
    masks = (y != 1).astype(np.float32)[None]
    for linear in HEADS[name].fit(x, y, 3, masks, HEADS[name].strengths)[0]:
        scores = linear.scores(x)
        assert np.isfinite(scores).all()
        assert not (scores.argmax(axis=1) == 1).any()
        assert (scores[:, 1] < scores[:, [0, 2]].min(axis=1) - 100).all()


@pytest.mark.parametrize("value", [0.0, 0.7])
def test_constant_features_give_finite_heads(name, value):
    x, y = np.full((12, 30), value, np.float32), np.arange(12, dtype=np.int64) % 3
    for linear in HEADS[name].fit(x, y, 3, one(12), HEADS[name].strengths)[0]:
        scores = linear.scores(x)
        assert np.isfinite(scores).all()
        assert np.ptp(scores) < 0.1


def test_duplicates_under_two_labels_are_a_draw(name):
    x, y = blobs(20, 2, 30, spread=0.3)
    x, y = np.concatenate([x, x[:2]]), np.concatenate([y, 1 - y[:2]])
    scores = HEADS[name].fit(x, y, 2, one(22), HEADS[name].strengths)[0][-1].scores(x)
    assert np.isfinite(scores).all()
    assert (scores.argmax(axis=1) == y)[2:20].all()


def test_strengths_go_from_strong_to_weak(name):
    x, y = blobs(60, 3, 100, spread=3)
    heads = HEADS[name].fit(x, y, 3, one(60), HEADS[name].strengths)[0]
    sizes = [np.linalg.norm(linear.weights) for linear in heads]
    assert sizes == sorted(sizes)
