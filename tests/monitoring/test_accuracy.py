"""How accurate a model is without labels, where only the shares of classes have moved."""

import math

import numpy as np
import pytest

from graft.monitoring.accuracy import accuracy_now, believed, counted, effective, labels_needed, shares_of

MEANS = np.array([[0.0, 0.0], [1.8, 0.0], [0.0, 1.8]])


def answered(n: int, shares: tuple[float, ...], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Classes of items, and the true probabilities of each under equal shares."""
    chance = np.random.default_rng(seed)
    y = chance.choice(3, n, p=shares)
    x = MEANS[y] + chance.standard_normal((n, 2))
    logits = -((x[:, None] - MEANS) ** 2).sum(axis=2) / 2
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return y, p / p.sum(axis=1, keepdims=True)


def test_the_interval_holds_where_shares_moved() -> None:
    held, widths = [], []
    for seed in range(60):
        y, p = answered(300, (1 / 3, 1 / 3, 1 / 3), seed)
        confusion = np.zeros((3, 3))
        np.add.at(confusion, (y, p.argmax(axis=1)), 1)
        shares = tuple(np.random.default_rng(seed).dirichlet(np.ones(3)))
        given, p = answered(300, shares, 1000 + seed)
        value, low, high = accuracy_now(confusion, p)
        truth = float((p.argmax(axis=1) == given).mean())
        assert low <= value <= high
        held.append(low <= truth <= high)
        widths.append(high - low)
    assert np.mean(held) >= 0.9
    assert np.median(widths) <= 0.2


def test_shares_of_classes_are_found_again() -> None:
    rows = np.array([[0.8, 0.1, 0.1], [0.1, 0.7, 0.2], [0.0, 0.1, 0.9]])
    true = np.array([0.6, 0.3, 0.1])
    assert np.allclose(shares_of(rows, true @ rows), true, atol=0.02)
    y, p = answered(4000, (0.8, 0.1, 0.1), 5)
    right = (p.argmax(axis=1) == y).mean()
    assert believed(p, np.array([100, 100, 100])) == pytest.approx(right, abs=0.02)
    assert abs(p.max(axis=1).mean() - right) > 0.03  # what the probabilities say as they are


def test_a_class_that_was_never_judged_widens_the_interval_and_is_no_error() -> None:
    _, p = answered(200, (0.2, 0.3, 0.5), 6)
    confusion = np.diag([60.0, 60.0, 0.0]) + 2
    confusion[2] = 0
    judged = accuracy_now(np.diag([60.0, 60.0, 60.0]) + 2, p)
    unjudged = accuracy_now(confusion, p)
    assert unjudged[2] - unjudged[1] > judged[2] - judged[1]
    assert all(0 <= one <= 1 for one in (*judged, *unjudged))


def test_how_many_items_to_label() -> None:
    assert labels_needed(0.95) == labels_needed(0.8) == 246
    assert labels_needed(0.5) == labels_needed(math.nan) == 385
    assert effective(0.9, 0.87, 0.93, 400) == pytest.approx(1.04, abs=0.01)
    assert effective(math.nan, math.nan, math.nan, 10) == 1
    assert counted(["a", "b", "a", "new"], ["a", "b"]).tolist() == [2, 1]
