import numpy as np

from graft.learning.prototype import Prototype
from heads.blobs import blobs


def test_the_nearest_class_mean_wins():
    x, y = blobs(60, 4, 20, spread=2)
    linear = Prototype().fit(x, y, 4, np.ones((1, 60), np.float32), [1.0])[0][0]
    means = np.stack([x[y == c].mean(axis=0) for c in range(4)])
    distances = ((x[:, None] - means) ** 2).sum(axis=2)
    assert np.array_equal(linear.scores(x).argmax(axis=1), distances.argmin(axis=1))
