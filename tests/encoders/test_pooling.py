import numpy as np

from graft.encoders.pooling import signed_root


def test_the_root_keeps_the_sign():
    x = np.array([[4, -9, 0, 0.25]], np.float32)
    root = signed_root(x)
    assert root.tolist() == [[2, -3, 0, 0.5]]
    assert root.dtype == np.float32
