import numpy as np
import pytest

import pools
from graft.cleaning.influence import DROP, REST, candidates, influence, shortest_list
from graft.cleaning.label_errors import score_labels
from graft.cleaning.outliers import Outliers
from graft.errors import UsageError
from graft.heads.calibration import probabilities
from graft.learning import HEADS
from graft.learning.calibration import fit_temperature
from graft.learning.selection import class_weights


def quality_of(pool):
    return score_labels(pool.out_of_fold, pool.y, len(pool.classes), pool.folds)


def outliers_at(n, *rows):
    return Outliers(np.ones(n, np.float32), np.isin(np.arange(n), rows), np.zeros((n, 1), np.int64), np.ones(n))


@pytest.fixture(scope="module")
def noisy():
    """Two clouds that overlap, a fifth of the labels wrong, and the rows that are."""
    x, truth = pools.clouds([70, 70], apart=2.5)
    y, wrong = pools.flipped(truth, 0.2)
    return pools.pool_of(x, y, head="logistic"), truth, wrong


def exact_gain(pool, row, label, truth, counts):
    """By how much the held-out log loss falls when one label is changed, or its item left out, and all is refitted."""
    choice = pool.out_of_fold.choice
    y, weights = pool.y.copy(), class_weights(pool.y, 2)
    if label == DROP:
        weights[row] = 0
    else:
        y[row] = label
    total = 0.0
    for fold in pool.folds:
        for f in np.unique(fold[fold >= 0]):
            out = fold == f
            asked = out & counts
            before, after = (
                HEADS["logistic"].fit(choice.axes.z, labels, 2, np.where(out, 0, own)[None].astype(np.float32),
                                      [choice.chosen.strength])[0][0].scores(choice.axes.z[asked])
                for labels, own in ((pool.y, class_weights(pool.y, 2)), (y, weights))
            )  # fmt: skip
            temperature = fit_temperature(before, truth[asked])
            rows = np.arange(asked.sum())
            first, second = (probabilities(each, temperature)[rows, truth[asked]] for each in (before, after))
            total += float(np.log(second / first).sum())
    return total / (len(pool.folds) * counts.sum())


@pytest.mark.parametrize("action", ["relabel", "drop"])
def test_influence_ranks_as_refitting_does(noisy, action):
    pool, _, wrong = noisy
    rows = np.sort(np.concatenate([wrong[:10], np.setdiff1d(np.arange(140), wrong)[::20]]))
    proposed = 1 - pool.y[rows] if action == "relabel" else np.full(len(rows), DROP)
    told = influence(pool, rows, proposed)
    truth, counts = pool.y.copy(), np.ones(140, np.bool_)
    truth[rows] = np.where(proposed == DROP, truth[rows], proposed)
    counts[rows] = proposed != DROP
    exact = [exact_gain(pool, row, label, truth, counts) for row, label in zip(rows, proposed, strict=True)]
    rank = np.corrcoef(np.argsort(np.argsort(told)), np.argsort(np.argsort(exact)))[0, 1]
    assert rank > 0.9
    assert 0.3 < np.sum(exact) / np.sum(told) < 1.5


def test_the_list_is_short_ordered_and_stops_where_little_is_left(noisy):
    pool, truth, _ = noisy
    quality = quality_of(pool)
    found = shortest_list(pool, quality, outliers_at(140))
    flagged = np.flatnonzero(quality.is_issue)
    assert 0 < len(found) < found.n_candidates == len(flagged)
    assert set(found.rows.tolist()) < set(flagged.tolist())
    assert (np.diff(found.gains) <= 0).all()
    assert found.gains[-1] > 0
    assert found.share[-1] >= 1 - REST > found.share[-2]
    assert set(found.actions) == {"relabel"}
    assert [pool.classes.index(label) for label in found.to] == quality.predicted[found.rows].tolist()
    assert (quality.predicted[found.rows] == truth[found.rows]).mean() > 0.8
    assert f"{len(found)} of {len(flagged)} possible corrections" in found.sentence


def test_outliers_are_proposed_to_be_dropped_and_copies_to_agree():
    x, truth = pools.clouds([30, 30])
    x[1] = x[0]
    x[31] = x[30]
    y = truth.copy()
    y[1] = 1  # a copy under another label
    clusters = np.arange(60)
    clusters[1], clusters[31] = 0, 30
    pool, outliers = pools.pool_of(x, y, clusters=clusters), outliers_at(60, 59)
    quality = quality_of(pool)
    rows, proposed = candidates(pool, quality, outliers)
    chosen = dict(zip(rows.tolist(), proposed.tolist(), strict=True))
    assert chosen[1] == 0
    assert chosen[59] == DROP
    assert not {0, 30, 31} & set(chosen)
    found = shortest_list(pool, quality, outliers)
    assert all((action == "drop") == (label is None) for action, label in zip(found.actions, found.to, strict=True))


def test_nothing_to_correct_is_an_empty_list():
    x, y = pools.clouds([20, 20], apart=8.0)
    pool = pools.pool_of(x, y)
    found = shortest_list(pool, quality_of(pool), outliers_at(40))
    assert len(found) == found.n_candidates == 0
    assert found.sentence == "None of 0 possible corrections is expected to help the model."


def test_a_discriminant_head_is_stood_in_for():
    x, truth = pools.clouds([40, 40])
    y, _ = pools.flipped(truth, 0.2)
    pool = pools.pool_of(x, y, head="discriminant")
    assert len(shortest_list(pool, quality_of(pool), outliers_at(80)))


def test_what_cannot_be_cross_validated_says_so():
    x, y = pools.clouds([1, 1])
    with pytest.raises(UsageError, match="cannot be cross-validated"):
        influence(pools.pool_of(x, y), np.array([0]), np.array([1]))
