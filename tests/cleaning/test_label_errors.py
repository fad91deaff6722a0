import numpy as np
import pytest

import pools
from graft.cleaning.label_errors import balance_of, score_labels
from graft.metrics import average_precision


def quality_of(pool):
    return score_labels(pool.out_of_fold, pool.y, len(pool.classes), pool.folds)


@pytest.fixture(scope="module", params=[[60, 60, 60], [120, 40, 20]], ids=["even", "uneven"])
def noisy(request):
    """Three clouds, a tenth of the labels wrong, and what is said of them."""
    x, truth = pools.clouds(request.param, apart=5.0)
    y, wrong = pools.flipped(truth, 0.1)
    return quality_of(pools.pool_of(x, y)), truth, y, wrong


def test_wrong_labels_score_low_and_are_flagged(noisy):
    quality, truth, y, wrong = noisy
    is_wrong = np.isin(np.arange(len(y)), wrong)
    assert average_precision(is_wrong, -quality.score) > 0.95
    assert quality.is_issue[wrong].mean() > 0.8
    assert is_wrong[quality.is_issue].mean() > 0.8
    assert (quality.predicted[wrong] == truth[wrong]).mean() > 0.9


def test_scores_are_probabilities_of_the_given_label(noisy):
    quality, _, y, _ = noisy
    assert quality.judged.all()
    assert quality.p.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert quality.score == pytest.approx(quality.p[np.arange(len(y)), y])
    assert quality.score.dtype == np.float32
    assert (quality.predicted == quality.p.argmax(axis=1)).all()
    assert not (quality.is_issue & (quality.predicted == y)).any()
    assert 0 <= quality.balance <= 1


def test_the_second_fit_is_misled_less_than_the_first():
    x, truth = pools.clouds([80, 80], apart=2.5)
    y, wrong = pools.flipped(truth, 0.3)
    pool = pools.pool_of(x, y)
    is_wrong = np.isin(np.arange(160), wrong)
    first = average_precision(is_wrong, -pool.out_of_fold.p[np.arange(160), y])
    assert average_precision(is_wrong, -quality_of(pool).score) > first


def test_clean_labels_are_hardly_flagged():
    x, y = pools.clouds([50, 50], apart=8.0)
    quality = quality_of(pools.pool_of(x, y))
    assert not quality.is_issue.any()
    assert quality.score.min() > 0.5


def test_labels_are_not_doubted_by_heads_that_know_nothing():
    doubted = 0
    for seed in range(8):
        x, y = pools.clouds([40, 40], apart=0.0, seed=seed)
        doubted += bool(quality_of(pools.pool_of(x, y)).judged.any())
    assert doubted <= 2  # chance looks like knowledge in one case of forty


def test_a_class_of_one_item_cannot_be_judged():
    x, y = pools.clouds([30, 30, 1], apart=6.0)
    quality = quality_of(pools.pool_of(x, y))
    assert not quality.judged[60]
    assert quality.judged[:60].all()
    assert quality.score[60] == 1
    assert quality.predicted[60] == 2
    assert not quality.is_issue[60]
    assert np.isnan(quality.p[60]).all()


def test_random_slips_leave_shares_as_they_are_and_a_default_answer_does_not():
    sizes = np.array([400, 100, 50])
    y = np.repeat([0, 1, 2], sizes)
    strangers = 15  # as many slip into each class: the smallest is the least pure
    slips = np.concatenate([np.r_[np.full(strangers, 0.05), np.full(n - strangers, 0.95)] for n in sizes])
    assert balance_of(slips.astype(np.float32), y, 3) < 0.1
    credible = np.where(y == 0, 0.5, 0.95).astype(np.float32)  # the largest class swallows what belongs to others
    assert balance_of(credible, y, 3) == 1
    assert balance_of(np.full(90, 0.9, np.float32), np.repeat([0, 1, 2], 30), 3) == 0


def test_a_default_answer_is_found():
    """Of two small classes a third was called by the name of the large one."""
    x, truth = pools.clouds([200, 60, 60], apart=3.0)
    chance = np.random.default_rng(0)
    y = truth.copy()
    wrong = chance.permutation(np.flatnonzero(truth))[:40]
    y[wrong] = 0
    quality = quality_of(pools.pool_of(x, y))
    assert quality.balance > 0.5
    assert average_precision(np.isin(np.arange(320), wrong), -quality.score) > 0.8
