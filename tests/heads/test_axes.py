import numpy as np
import pytest

from graft.contracts import Linear
from graft.learning.axes import leading, principal, turned
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
    assert again.back is None
    z[:, 1] += 0.01 * z[:, 0]
    assert principal(z).back is not None


@pytest.mark.parametrize("shape", [(5, 20), (20, 5)])
def test_constant_features_have_no_axes(shape):
    assert not principal(np.full(shape, 0.5, np.float32)).z.any()


def test_repeated_rows_lose_axes_and_nothing_else():
    x = np.repeat(blobs(6, 2, 40)[0], 5, axis=0)
    axes = principal(x)
    assert axes.z.shape[1] == 5
    centred = x - x.mean(axis=0)
    assert axes.z @ axes.z.T == pytest.approx(centred @ centred.T, abs=1e-5)


def test_leading_axes_keep_nearly_what_the_exact_ones_keep():
    x = np.random.default_rng(0).normal(size=(5000, 120)).astype(np.float32) * 0.95 ** np.arange(120, dtype=np.float32)
    axes = leading(x, 30)
    assert axes.shape == (120, 30)
    assert axes.T @ axes == pytest.approx(np.eye(30), abs=1e-4)
    exact = np.linalg.svd(x, compute_uv=False)[:30] ** 2
    kept = ((x @ axes) ** 2).sum(axis=0)
    assert kept.sum() >= 0.98 * exact.sum()
    assert kept[:5] == pytest.approx(exact[:5], rel=0.03)
    assert (leading(x, 30) == axes).all()


@pytest.mark.parametrize("shape", [(3, 20), (20, 3), (1, 1)])
def test_leading_axes_of_few_rows_or_columns_are_orthonormal(shape):
    x, count = np.random.default_rng(0).normal(size=shape).astype(np.float32), min(shape)
    axes = leading(x, count)
    assert axes.T @ axes == pytest.approx(np.eye(count), abs=1e-4)
    assert ((x @ axes) ** 2).sum() == pytest.approx((x**2).sum(), rel=1e-3)


@pytest.mark.parametrize(("n", "d"), [(700, 900), (900, 700)])
def test_turned_features_lead_with_their_axes_and_a_head_can_be_carried_back(n, d):
    x, _ = blobs(n, 8, d)
    x = x * 0.99 ** np.arange(d, dtype=np.float32) + 0.5
    axes, centred = turned(x), x - x.mean(axis=0)
    inner = centred @ centred.T
    assert axes.z @ axes.z.T == pytest.approx(inner, abs=1e-4 * float(inner.max()))
    own, exact = np.einsum("nr,nr->r", axes.z, axes.z), np.einsum("nr,nr->r", principal(x).z, principal(x).z)
    assert own[:8] == pytest.approx(exact[:8], rel=0.05)
    assert own[:64].sum() >= 0.95 * exact[:64].sum()
    head = Linear(np.random.default_rng(0).normal(size=(axes.z.shape[1], 3)).astype(np.float32), np.ones(3, np.float32))
    scores = head.scores(axes.z)
    assert axes.restore(head).scores(x) == pytest.approx(scores, abs=2e-3 * float(np.abs(scores).max()))
    assert (turned(x).z == axes.z).all()
    assert turned(axes.z).back is None
    assert turned(centred).back is not None


def test_rows_that_come_twice_do_not_stop_turning():
    x = np.repeat(blobs(350, 3, 900)[0], 2, axis=0)
    axes = turned(x)
    assert np.isfinite(axes.z).all()
    assert axes.z[::2] @ axes.z[1::2].T == pytest.approx(
        (x[::2] - x.mean(axis=0)) @ (x[1::2] - x.mean(axis=0)).T, abs=0.01
    )
    assert np.abs(turned(np.full((700, 700), 0.5, np.float32)).z).max() < 1e-5
