import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from graft.heads.logistic import Logistic
from heads.blobs import blobs


def objective(x, y, weights, bias, strength, row_weights):
    scores = x.astype(np.float64) @ weights + bias
    scores -= scores.max(axis=1, keepdims=True)
    loss = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(y)), y]
    return (weights.astype(np.float64) ** 2).sum() / 2 + strength * (row_weights * loss).sum()


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


def test_chunks_of_problems_change_nothing(monkeypatch):
    x, y = blobs(50, 4, 30)
    masks = (np.random.default_rng(0).random((7, 50)) > 0.2).astype(np.float32)
    whole = Logistic().fit(x, y, 4, masks, [10.0])
    monkeypatch.setattr("graft.heads.logistic._MEMORY", 1)
    for a, b in zip(whole, Logistic().fit(x, y, 4, masks, [10.0]), strict=True):
        assert a[0].scores(x) == pytest.approx(b[0].scores(x), abs=0.01)
