"""Ridge: what is said of rows held out is what a refit would say, at every strength."""

import numpy as np
import pytest

from graft.contracts import Float64, Int
from graft.data.split import choose_folds, stratified_group_folds
from graft.learning.ridge import STRENGTHS, RidgeChoice, Smoother, choose_ridge, unswayed


def cloud(n: int, d: int, noise: float, seed: int = 0) -> tuple[np.ndarray, Float64]:
    """Features ``(n, d)`` away from the origin, and a number that five of them make."""
    rng = np.random.default_rng(seed)
    x = (rng.standard_normal((n, d)) * np.exp(-np.arange(d) / 60) + 3).astype(np.float32)
    y = x[:, :5].sum(axis=1) + noise * rng.standard_normal(n)
    return x, np.asarray((y - y.mean()) / y.std(), np.float64)


def folds_of(units: Int) -> list[Int]:
    """Folds that keep units whole, as fits make them."""
    strata = np.zeros(len(units), np.int64)
    n_folds, _ = choose_folds(strata, units)
    return stratified_group_folds(strata, units, n_folds, seed=0, repeats=2)


def refitted(x: np.ndarray, y: Float64, rows: Int, penalty: float, asked: Int) -> Float64:
    """The textbook: centre, solve the normal equations, add the intercept."""
    wide = x.astype(np.float64)
    mean, level = wide[rows].mean(axis=0), y[rows].mean()
    z = wide[rows] - mean
    weights = np.linalg.solve(z.T @ z + penalty * np.eye(x.shape[1]), z.T @ (y[rows] - level))
    return np.asarray((wide[asked] - mean) @ weights + level)


@pytest.mark.parametrize(("n", "d"), [(60, 200), (120, 10), (90, 90)])
@pytest.mark.parametrize("strength", [STRENGTHS[0], 4.0, STRENGTHS[-1]])
def test_what_is_said_of_rows_held_out_is_what_a_refit_says(n: int, d: int, strength: float) -> None:
    x, y = cloud(n, d, 0.3)
    units = np.arange(n) // 3
    smoother = Smoother.of(x)
    folds = folds_of(units)
    said = smoother.held_out(y, folds, [strength])[0]
    for repetition, fold in enumerate(folds):
        for held_out in np.unique(fold):
            rows, asked = np.flatnonzero(fold != held_out), np.flatnonzero(fold == held_out)
            truth = refitted(x, y, rows, smoother.penalty(strength), asked)
            assert np.abs(said[repetition, asked] - truth).max() < 1e-3  # features are centred in float32


def test_fitting_some_rows_is_what_is_said_of_the_others() -> None:
    x, y = cloud(150, 400, 0.3)
    fold = folds_of(np.arange(150))[0]
    smoother = Smoother.of(x)
    for held_out in np.unique(fold):
        weights, intercept = smoother.fitted(y, 4.0, np.flatnonzero(fold != held_out))
        own = fold == held_out
        said = smoother.held_out(y, [fold], [4.0])[0, 0, own]
        assert np.abs(smoother.z[own] @ weights + intercept - said).max() < 1e-9


@pytest.mark.parametrize(("n", "d"), [(60, 200), (200, 20)])
def test_the_head_on_the_features_says_what_the_fit_on_the_axes_says(n: int, d: int) -> None:
    x, y = cloud(n, d, 0.3)
    smoother = Smoother.of(x)
    weights, intercept = smoother.fitted(y, 16.0)
    head = smoother.linear(y, 16.0)
    assert np.abs(head.scores(x)[:, 0] - (smoother.z @ weights + intercept)).max() < 5e-3  # weights are float16
    assert np.array_equal(head.weights, head.weights.astype(np.float16))


def test_noise_calls_for_a_larger_penalty() -> None:
    def strength(noise: float) -> float:
        x, y = cloud(100, 60, noise)
        return choose_ridge(x, y, (), folds_of(np.arange(100))).chosen.strength

    assert strength(0.01) > strength(1.0) > strength(20.0)


def test_a_row_has_no_say_in_what_is_said_of_it() -> None:
    x, y = cloud(60, 30, 3.0)
    fold = folds_of(np.arange(60))[0]
    choice = choose_ridge(x, y, (), [fold])
    rows = np.flatnonzero(fold == 0)
    losses = choice.losses.copy()
    losses[5, rows] = -100  # were they asked, they would choose this
    swayed = RidgeChoice(choice.penalties, choice.said, losses, 5, choice.smoother)
    assert swayed.without(rows) == choice.without(rows) != 5
    assert np.array_equal(unswayed(swayed, [fold])[0, rows], choice.said[choice.without(rows), 0, rows])


def test_where_nothing_can_be_held_out_the_plain_choice_is_taken() -> None:
    x, y = cloud(20, 30, 1.0)
    choice = choose_ridge(x, y, (), [])
    assert choice.chosen.strength == 4.0
    assert "Nothing could be held out" in choice.why
