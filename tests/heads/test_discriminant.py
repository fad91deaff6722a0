import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from graft.learning.discriminant import Discriminant
from heads.blobs import blobs, close, folds, masks_of


def relative(scores):
    return scores - scores[:, :1]


@pytest.mark.parametrize(("n", "k", "d"), [(50, 3, 100), (200, 4, 15), (41, 2, 60)])
@pytest.mark.parametrize("ridge", [0.03, 1.0])
def test_it_is_scikit_learns_with_the_same_covariance(n, k, d, ridge):
    x, y = blobs(n, k, d)
    ours = Discriminant().fit(x, y, k, np.ones((1, n), np.float32), [ridge])[0][0]
    means = np.stack([x[y == c].mean(axis=0) for c in range(k)]).astype(np.float64)
    within = x - means[y]
    covariance = (within.T @ within + ridge * np.eye(d)) / n

    class Fixed:
        def fit(self, _):
            self.covariance_ = covariance
            return self

    peer = LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=Fixed()).fit(x.astype(np.float64), y)
    expected = peer.decision_function(x)
    expected = np.stack([0 * expected, expected], axis=1) if k == 2 else relative(expected)
    assert close(relative(ours.scores(x)), expected, 0.002)


def test_the_short_way_over_folds_is_the_long_way():
    x, y = blobs(120, 3, 80, spread=2)
    masks = masks_of(folds(y, 10)[0])
    head = Discriminant()
    for mask, fitted in zip(masks, head.fit(x, y, 3, masks, head.strengths), strict=True):
        for strength, linear in zip(head.strengths, fitted, strict=True):
            alone = head.fit(x, y, 3, mask[None], [strength])[0][0]  # solved from the rows themselves
            expected = relative(alone.scores(x))
            assert close(relative(linear.scores(x)), expected, 1e-3)


def test_class_weights_are_priors_and_nothing_else():
    x, y = blobs(60, 2, 40)
    weights = np.where(y == 0, 3, 1).astype(np.float32)[None]
    plain = relative(Discriminant().fit(x, y, 2, np.ones_like(weights), [0.3])[0][0].scores(x))
    tilted = relative(Discriminant().fit(x, y, 2, weights, [0.3])[0][0].scores(x))
    assert tilted[:, 1] - plain[:, 1] == pytest.approx(-np.log(3), abs=1e-2)


def test_row_weights_within_a_class_are_counts():
    x, y = blobs(40, 2, 30)
    weights = np.ones((1, 40), np.float32)
    weights[0, :2] = 2
    rows = np.concatenate([np.arange(40), [0, 1]])
    heavy = relative(Discriminant().fit(x, y, 2, weights, [0.3])[0][0].scores(x))
    # normalised within the class: the same mean, the scatter of 20 rows instead of 21
    means = np.stack([x[rows][y[rows] == c].mean(axis=0) for c in range(2)])
    within = (x[rows] - means[y[rows]]) * np.sqrt(20 / 21)
    direction = 40 * np.linalg.solve(within.T @ within + 0.3 * np.eye(30), means[1] - means[0])
    slope = heavy[:, 1] - heavy[0, 1]
    assert close(slope, (x - x[0]) @ direction, 0.01)
