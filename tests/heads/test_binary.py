import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from graft.learning.logistic import fit_binary


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    x = (random.normal(size=(300, 40)) / 6).astype(np.float32)
    y = x @ random.normal(size=(40, 4)) * 3 + random.normal(size=(300, 4)) > np.array([0, 1, 2, -1])
    weights = np.where(y, 2, 1).astype(np.float32)
    masks = np.ones((2, 300), np.float32)
    masks[1, :100] = 0
    return x, y, weights, masks


def test_each_label_is_the_logistic_regression_of_scikit_learn(data):
    x, y, weights, masks = data
    heads = fit_binary(x, y, weights, masks, [1.0, 16.0, 256.0])
    for subset, mask in enumerate(masks):
        for place, strength in enumerate([1.0, 16.0, 256.0]):
            scores = heads[subset][place].scores(x)
            for label in range(4):
                theirs = LogisticRegression(C=strength, tol=1e-8, max_iter=5000)
                theirs.fit(x, y[:, label], sample_weight=weights[:, label] * mask)
                expected = theirs.decision_function(x)
                assert np.abs(scores[:, label] - expected).max() < 0.005 * np.abs(expected).max()


def test_labels_do_not_see_each_other(data):
    x, y, weights, masks = data
    together = fit_binary(x, y, weights, masks[:1], [16.0])[0][0]
    alone = fit_binary(x, y[:, 2:3], weights[:, 2:3], masks[:1], [16.0])[0][0]
    assert np.allclose(together.weights[:, 2], alone.weights[:, 0], rtol=0.01, atol=0.02)


def test_a_subset_in_which_a_label_does_not_vary_gives_it_its_share(data):
    x, y, weights, masks = data
    y = y.copy()
    y[100:, 0], y[100:, 1] = True, False
    head = fit_binary(x, y, weights, masks, [16.0])[1][0]
    assert np.allclose(head.weights[:, :2], 0)
    assert np.allclose(head.bias[:2], [np.log(200.5 / 0.5), -np.log(200.5 / 0.5)], rtol=1e-4)


def test_more_features_than_rows_are_no_trouble():
    random = np.random.default_rng(1)
    x = random.normal(size=(20, 100)).astype(np.float32)
    y = random.random((20, 3)) < 0.5
    head = fit_binary(x, y, np.ones((20, 3), np.float32), np.ones((1, 20), np.float32), [1000.0])[0][0]
    assert ((head.scores(x) > 0) == y).all()


def test_labels_that_all_rows_have_or_none_of_them_are_no_trouble_where_no_other_is(data):
    x, _, weights, masks = data
    y = np.array([[True, False]] * 300)
    heads = fit_binary(x, y, weights[:, :2], masks, [16.0])
    for (head,), n in zip(heads, (300, 200), strict=True):
        assert not head.weights.any()
        assert np.allclose(head.bias, np.log((n + 0.5) / 0.5) * np.array([1, -1]), rtol=1e-4)
