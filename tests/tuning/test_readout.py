"""Pooling in torch and in numpy give the same; a graph knows all of it."""

import numpy as np
import pytest

from graft.encoders.hub import readout
from graft.export import readout as nodes

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def states():
    return np.random.default_rng(0).normal(size=(3, 5, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def mask():
    return np.arange(5) < np.array([[5], [1], [3]])


def same(states, mask, how, dense=None):
    dense = dense or {}
    tensors = {name: torch.from_numpy(array) for name, array in dense.items()}
    seen = None if mask is None else torch.from_numpy(mask)
    found = readout.read_out(torch.from_numpy(states), seen, how, tensors, torch).numpy()
    expected = readout.read_out(states, mask, how, dense)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("name", readout.POOLINGS)
def test_poolings(states, mask, name):
    same(states, mask, {"pooling": [name], "layers": []})
    same(states, None, {"pooling": [name], "layers": []})


def test_the_tables_have_the_same_keys():
    assert set(nodes.POOLINGS) == set(readout.POOLINGS)
    assert {"Identity", *nodes.ACTIVATIONS} == set(readout.ACTIVATIONS)


@pytest.mark.parametrize("activation", readout.ACTIVATIONS)
def test_layers_after_the_pooling(states, mask, activation):
    chance = np.random.default_rng(1)
    dense = {"w": chance.normal(size=(6, 8)).astype(np.float32), "b": chance.normal(size=6).astype(np.float32)}
    layer = {"kind": "dense", "activation": activation, "weight": "w", "bias": "b"}
    for layers in ([layer], [layer, {"kind": "normalise"}], [{**layer, "bias": ""}]):
        same(states, mask, {"pooling": ["max", "mean"], "layers": layers}, dense)


def test_states_of_convolutions_and_of_networks_that_pool(states):
    how = {"pooling": ["given"], "layers": []}
    same(states.reshape(3, 5, 2, 2), None, how)
    same(states[:, 0], None, how)
