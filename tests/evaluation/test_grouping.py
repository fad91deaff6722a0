import numpy as np
import pytest

from graft.data.split import stratified_group_folds
from graft.evaluation.grouping import called_out_of_fold, group_effect
from graft.evaluation.intervals import FOLD_CORRELATION


def nearest(x, y):
    """Names every row after the nearest of those in the subset."""

    def fit_many(masks, asked=None):
        distance = ((x[:, None] - x[None]) ** 2).sum(axis=2)
        return np.stack([y[np.where(mask > 0, distance, np.inf).argmin(axis=1)] for mask in masks])

    return fit_many


@pytest.fixture
def voices():
    """Twelve speakers who each say two words ten times; a speaker's two words are further apart than speakers are."""
    rng = np.random.default_rng(0)
    speaker, y = np.repeat(np.arange(12), 20), np.tile([0, 1], 120)
    word = rng.normal(size=(2, 4))
    own = 3 * rng.normal(size=(12, 2, 4))
    x = word[y] + own[speaker, y] + 0.3 * rng.normal(size=(240, 4))
    return x, y, speaker


def test_speakers_on_both_sides_flatter(voices):
    x, y, speaker = voices
    whole = stratified_group_folds(y, speaker, 4, 0)
    ignoring = stratified_group_folds(y, np.arange(240), 4, 0)
    fit_many = nearest(x, y)
    called = called_out_of_fold(fit_many, y, whole)
    found = group_effect(fit_many, y, [f"speaker {one}" for one in speaker], called, ignoring, 0)
    assert found.accuracy == pytest.approx((called == y).mean())
    assert found.n == 12
    assert found.ignoring > 0.95
    assert found.accuracy < 0.8
    assert found.drop == pytest.approx(found.ignoring - found.accuracy)
    assert 0 < found.low < found.drop < found.high


def test_without_two_groups_there_is_nothing_to_say(voices):
    x, y, _ = voices
    folds = stratified_group_folds(y, np.arange(240), 4, 0)
    fit_many = nearest(x, y)
    called = called_out_of_fold(fit_many, y, folds)
    assert group_effect(fit_many, y, [""] * 240, called, folds, 0) is None
    assert group_effect(fit_many, y, ["anna"] * 200 + [""] * 40, called, folds, 0) is None
    assert group_effect(fit_many, y, ["anna", "ben"] * 120, np.full((0, 240), -1), [], 0) is None


def test_few_groups_tell_little_of_others():
    rng = np.random.default_rng(1)
    y = np.tile([0, 1], 60)
    widths = []
    for n in (3, 12):
        speaker = np.arange(120) % n
        x = y[:, None] + rng.normal(size=n)[speaker, None] + rng.normal(size=(120, 1))
        whole, ignoring = (stratified_group_folds(y, units, 3, 0) for units in (speaker, np.arange(120)))
        fit_many = nearest(x, y)
        called = called_out_of_fold(fit_many, y, whole)
        found = group_effect(fit_many, y, [f"{one}" for one in speaker], called, ignoring, 0)
        assert found.high - found.drop == pytest.approx(found.drop - found.low)
        widths.append(found.high - found.low)
    least = 2 * 4.30 * np.sqrt(FOLD_CORRELATION / 120) * 0.5  # of items that are as likely to change as not
    assert widths[0] > 1.3 * widths[1]
    assert widths[0] > 0.4 * least
