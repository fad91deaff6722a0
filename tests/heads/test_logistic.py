import tracemalloc

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from graft.learning.logistic import Logistic
from heads.blobs import blobs


def objective(x, y, weights, bias, strength, row_weights):
    scores = x.astype(np.float64) @ weights + bias
    scores -= scores.max(axis=1, keepdims=True)
    loss = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(y)), y]
    return (weights.astype(np.float64) ** 2).sum() / 2 + strength * (row_weights * loss).sum()


def log_loss(y, scores):
    scores = scores - scores.max(axis=1, keepdims=True)
    return (np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(y)), y]).mean()


@pytest.mark.parametrize(("n", "k", "d"), [(60, 3, 150), (200, 5, 20), (700, 3, 600)])
@pytest.mark.parametrize("strength", [1.0, 100.0])
def test_the_optimum_is_scikit_learns(n, k, d, strength):
    x, y = blobs(n, k, d, spread=2)
    row_weights = np.random.default_rng(0).uniform(0.5, 2, n).astype(np.float32)
    ours = Logistic().fit(x, y, k, row_weights[None], [strength])[0][0]
    peer = LogisticRegression(C=strength, tol=1e-8, max_iter=5000).fit(x.astype(np.float64), y, row_weights)
    reached = objective(x, y, ours.weights, ours.bias, strength, row_weights)
    best = objective(x, y, peer.coef_.T, peer.intercept_, strength, row_weights)
    assert reached <= best * (1 + 1e-3) + 1e-4
    assert (ours.scores(x).argmax(axis=1) == peer.predict(x)).mean() > 0.99


def test_two_classes_are_a_softmax_of_two():
    x, y = blobs(80, 2, 30, spread=2)
    ours = Logistic().fit(x, y, 2, np.ones((1, 80), np.float32), [10.0])[0][0]
    # one weight vector of a binary fit is the difference of two: half the penalty, so twice the C
    peer = LogisticRegression(C=20, tol=1e-8, max_iter=5000).fit(x.astype(np.float64), y)
    scores = ours.scores(x)
    assert scores[:, 1] - scores[:, 0] == pytest.approx(peer.decision_function(x), abs=0.1)


def test_a_weight_of_two_is_a_row_twice():
    x, y = blobs(40, 3, 60)
    weights = np.ones((1, 40), np.float32)
    weights[0, 3] = 2
    heavy = Logistic().fit(x, y, 3, weights, [10.0])[0][0].scores(x)
    again = np.append(np.arange(40), 3)
    twice = Logistic().fit(x[again], y[again], 3, np.ones((1, 41), np.float32), [10.0])[0][0].scores(x)
    assert heavy == pytest.approx(twice, abs=0.02)


def test_many_rows_are_fitted_nearly_to_the_optimum():
    """Near enough that rows held out cannot tell: the tolerance of many rows is a loose one."""
    x, y = blobs(3000, 12, 40, spread=1.2)
    x, y, others, truth = x[:2000], y[:2000], x[2000:], y[2000:]
    ones = np.ones(len(y), np.float32)
    for strength, ours in zip((1.0, 16.0), Logistic().fit(x, y, 12, ones[None], [1.0, 16.0])[0], strict=True):
        peer = LogisticRegression(C=strength, tol=1e-8, max_iter=5000).fit(x.astype(np.float64), y)
        reached = objective(x, y, ours.weights, ours.bias, strength, ones)
        assert reached <= objective(x, y, peer.coef_.T, peer.intercept_, strength, ones) * 1.02
        held_out = log_loss(truth, ours.scores(others))
        assert held_out == pytest.approx(log_loss(truth, peer.decision_function(others)), abs=0.01)


def test_a_part_of_many_rows_is_fitted_without_the_others(monkeypatch):
    """Subsets are solved by size, each from the one that it contains: none learns of rows that are not its own."""
    x, y = blobs(1200, 3, 20, spread=1.5)
    order = np.random.default_rng(0).permutation(1200)
    masks = np.stack([np.isin(np.arange(1200), order[:size]) for size in (1100, 150, 600)]).astype(np.float32)
    y[order[1100:]] = 0  # what no subset holds must not matter, and here it would
    monkeypatch.setattr("graft.learning.lbfgs._MEMORY", 1)
    for mask, (linear,) in zip(masks, Logistic().fit(x, y, 3, masks, [8.0]), strict=True):
        own = mask > 0
        alone = Logistic().fit(x[own], y[own], 3, np.ones((1, int(own.sum())), np.float32), [8.0])[0][0]
        assert log_loss(y[own], linear.scores(x[own])) == pytest.approx(
            log_loss(y[own], alone.scores(x[own])), abs=0.01
        )


def test_many_rows_of_rare_classes_are_no_trouble():
    """A class may be missing from the rows that a fit begins with, and from a whole subset."""
    x, y = blobs(1500, 4, 10, spread=1.5)
    y[:] = np.where(np.arange(1500) < 3, 3, y % 3)
    masks = np.ones((2, 1500), np.float32)
    masks[1, :3] = 0
    for (linear,), count in zip(Logistic().fit(x, y, 4, masks, [16.0]), (4, 3), strict=True):
        assert np.isfinite(linear.scores(x)).all()
        assert linear.scores(x)[:, :count].min() > -100
    assert (Logistic().fit(x, y, 4, masks, [16.0])[1][0].bias[3]) < -1e5


def test_chunks_of_problems_change_nothing(monkeypatch):
    x, y = blobs(50, 4, 30)
    masks = (np.random.default_rng(0).random((7, 50)) > 0.2).astype(np.float32)
    whole = Logistic().fit(x, y, 4, masks, [10.0])
    monkeypatch.setattr("graft.learning.lbfgs._MEMORY", 1)
    for a, b in zip(whole, Logistic().fit(x, y, 4, masks, [10.0]), strict=True):
        assert a[0].scores(x) == pytest.approx(b[0].scores(x), abs=0.01)


def test_strengths_of_many_classes_take_no_more_memory_than_one(monkeypatch):
    k, strengths = 100, [1.0, 4.0, 16.0, 64.0, 256.0]
    x, y = blobs(600, k, 40)
    one = np.ones((1, 600), np.float32)

    def peak(some):
        tracemalloc.start()
        try:
            heads = Logistic().fit(x, y, k, one, some)[0]
            return heads, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    together, _ = peak(strengths)
    monkeypatch.setattr("graft.learning.lbfgs._MEMORY", 4 << 20)
    (_, alone), (heads, most) = peak(strengths[:1]), peak(strengths)
    assert most < 1.5 * alone
    for a, b in zip(together, heads, strict=True):
        assert log_loss(y, a.scores(x)) == pytest.approx(log_loss(y, b.scores(x)), abs=0.002)
