import numpy as np
import pytest

from graft.contracts import Linear
from graft.heads.axes import principal
from heads.blobs import blobs


@pytest.mark.parametrize(("n", "d"), [(30, 100), (100, 30), (40, 40)])
def test_inner_products_stay_and_a_head_can_be_carried_back(n, d):
    x, _ = blobs(n, 3, d)
    axes = principal(x)
    centred = x - x.mean(axis=0)
    assert axes.z.shape[1] <= min(n, d)
    assert axes.z @ axes.z.T == pytest.approx(centred @ centred.T, abs=1e-4)
    head = Linear(np.random.default_rng(0).normal(size=(axes.z.shape[1], 3)).astype(np.float32), np.ones(3, np.float32))
    assert axes.restore(head).scores(x) == pytest.approx(head.scores(axes.z), abs=1e-3)


def test_moments_are_diagonal_and_falling():
    z = principal(blobs(50, 2, 80)[0]).z
    moments = z.T @ z
    assert np.abs(moments - np.diag(np.diagonal(moments))).max() < 1e-4 * moments.max()
    assert (np.diff(np.diagonal(moments)) <= 1e-4).all()


def test_features_on_their_axes_are_left_there():
    z = principal(blobs(50, 2, 80)[0]).z
    again = principal(z)
    assert again.z == pytest.approx(z, abs=1e-5)
    assert again.right is None
    z[:, 1] += 0.01 * z[:, 0]
    assert principal(z).right is not None


@pytest.mark.parametrize("shape", [(5, 20), (20, 5)])
def test_constant_features_have_no_axes(shape):
    assert not principal(np.full(shape, 0.5, np.float32)).z.any()


def test_repeated_rows_lose_axes_and_nothing_else():
    x = np.repeat(blobs(6, 2, 40)[0], 5, axis=0)
    axes = principal(x)
    assert axes.z.shape[1] == 5
    centred = x - x.mean(axis=0)
    assert axes.z @ axes.z.T == pytest.approx(centred @ centred.T, abs=1e-5)
