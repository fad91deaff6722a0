"""Pooling and the layers that follow, held to what each of them is by definition, item by item."""

import numpy as np
import pytest

from graft.encoders.hub.readout import ACTIVATIONS, POOLINGS, read_out

STATES = np.random.default_rng(0).normal(size=(4, 6, 3)).astype(np.float32)
MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 0, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 1, 1]], bool)
"""All tokens count, one, those in front, and those behind, as where what fills up stands before a text."""


def weighted_mean(tokens, places):
    return (tokens * places[:, None]).sum(axis=0) / places.sum()


BY_DEFINITION = {
    "cls": lambda tokens, places: tokens[0],
    "lasttoken": lambda tokens, places: tokens[-1],
    "max": lambda tokens, places: tokens.max(axis=0),
    "mean": lambda tokens, places: tokens.mean(axis=0),
    "given": lambda tokens, places: tokens.mean(axis=0),
    "mean_sqrt_len_tokens": lambda tokens, places: tokens.sum(axis=0) / np.sqrt(len(tokens)),
    "weightedmean": weighted_mean,
}
"""From the tokens that count ``(t, d)`` and their places from 1 on ``(t,)`` to the embedding ``(d,)``."""


@pytest.mark.parametrize("name", POOLINGS)
@pytest.mark.parametrize("mask", [MASK, None], ids=["masked", "whole"])
def test_poolings_are_what_they_are_called(name, mask):
    found = read_out(STATES, mask, {"pooling": [name], "layers": []}, {})
    counted = np.ones_like(MASK) if mask is None else mask
    places = [np.flatnonzero(row) for row in counted]
    expected = [BY_DEFINITION[name](states[own], own + 1) for states, own in zip(STATES, places, strict=True)]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_dense_layers_and_rows_of_length_1(name):
    x = np.array([[1, -2, 0], [0, 0, 0]], np.float32)
    dense = {"w": np.array([[1, 2, 3], [0, 1, -1]], np.float32), "b": np.array([0, 1], np.float32)}
    layer = {"kind": "dense", "activation": name, "weight": "w", "bias": "b"}
    plain = {"Identity": [[-3, -1], [0, 1]], "ReLU": [[0, 0], [0, 1]], "Tanh": np.tanh([[-3, -1], [0, 1]])}[name]
    np.testing.assert_allclose(read_out(x, None, {"layers": [layer]}, dense), plain, atol=1e-6)
    unit = read_out(x, None, {"layers": [{"kind": "normalise"}]}, dense)
    np.testing.assert_allclose(unit, [[0.4472136, -0.8944272, 0], [0, 0, 0]], atol=1e-6)


def test_states_of_convolutions_are_averaged_over_their_places():
    found = read_out(STATES.reshape(4, 3, 3, 2), None, {"layers": []}, {})
    np.testing.assert_allclose(found, STATES.reshape(4, 3, 6).mean(axis=2), atol=1e-6)
