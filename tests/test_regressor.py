"""``GraftRegressor`` keeps scikit-learn's contract, on matrices and on items."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import shapes
from graft import GraftRegressor
from graft.errors import GraftError, ItemError


@parametrize_with_checks([GraftRegressor()])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def bars():
    """Pictures as bytes, and how much of each is dark."""
    return [shapes.bar(share, seed) for seed, share in enumerate(SHARES)], SHARES


SHARES = np.random.default_rng(0).uniform(10, 90, 36).round(1).tolist()


def test_it_does_as_well_as_ridge_of_scikit_learn():
    x, y = load_diabetes(return_X_y=True)
    folds = KFold(5, shuffle=True, random_state=0)
    peer = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 13)))
    assert (
        cross_val_score(GraftRegressor(), x, y, cv=folds).mean() > cross_val_score(peer, x, y, cv=folds).mean() - 0.01
    )
    rescaled = x * np.logspace(-6, 6, x.shape[1]) + 1000
    assert cross_val_score(GraftRegressor(), rescaled, 1e6 * y, cv=folds).mean() > 0.45


def test_the_reports_score_agrees_with_cross_validation_from_outside():
    x, y = load_diabetes(return_X_y=True)
    outside = cross_val_score(GraftRegressor(), x, y, cv=KFold(5, shuffle=True, random_state=1)).mean()
    report = GraftRegressor().fit(x, y).model_.report
    assert report.r2.low < outside < report.r2.high
    assert report.r2.value == pytest.approx(outside, abs=0.03)
    assert 0.87 < report.interval_coverage.value < 0.93


def test_items_are_predicted_with_intervals(bars):
    contents, shares = bars
    model = GraftRegressor().fit(contents[:30], shares[:30])
    low, value, high = model.predict_interval(contents[30:]).T
    assert np.array_equal(value, model.predict(contents[30:]))
    assert (low < value).all()
    assert (value < high).all()
    assert model.score(contents[30:], shares[30:]) > 0.5
    with pytest.raises(ItemError):
        model.predict([b"no picture"])


def test_scikit_learn_drives_it_and_copies_it(bars):
    x, y = load_diabetes(return_X_y=True)
    found = GridSearchCV(GraftRegressor(), {"seed": [0, 1]}, cv=3).fit(x, y)
    assert found.best_score_ > 0.4
    model = GraftRegressor().fit(x, y)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(other.predict(x), model.predict(x))
    with pytest.raises(NotFittedError):
        clone(model).predict(x)


def test_what_cannot_be_fitted_says_why():
    with pytest.raises(GraftError, match="the same number"):
        GraftRegressor().fit(np.eye(12), np.ones(12))
    with pytest.raises(GraftError, match="There are 9 items"):
        GraftRegressor().fit(np.eye(9), np.arange(9))
