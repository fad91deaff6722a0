import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

import pools
from graft.cleaning.effect import Scorer, labels_after, measure_effect, paired_interval
from graft.cleaning.label_errors import score_labels
from graft.errors import TooFewClasses, UsageError
from graft.journal.decision import Decision
from graft.journal.resolution import apply, keys_of
from graft.learning import HEADS


@pytest.fixture(scope="module")
def noisy():
    """Three clouds with 30 % of the labels wrong, the right labels, and which rows are wrong."""
    x, truth = pools.clouds([60, 60, 60])
    y, wrong = pools.flipped(truth, 0.3)
    return pools.pool_of(x, y), ["abc"[label] for label in truth], wrong


def test_right_labels_teach_more(noisy):
    pool, truth, wrong = noisy
    effect = Scorer(pool).score(truth)
    assert (effect.n_relabelled, effect.n_dropped) == (len(wrong), 0)
    assert 0 < effect.n_followed < len(wrong)
    assert effect.n_held_out == 180 - effect.n_followed
    assert effect.after.value > effect.before.value > effect.as_given.value
    assert effect.difference == pytest.approx(effect.after.value - effect.before.value)
    assert effect.low < effect.difference < effect.high
    assert effect.log_loss_after < effect.log_loss_before
    assert effect.before.low < effect.before.value < effect.before.high
    assert "54 labels changed, 0 items dropped" in effect.sentence
    assert json.loads(json.dumps(effect.to_dict()))["after"]["value"] == effect.after.value
    assert effect.test is None


def test_the_same_labels_are_worth_nothing_and_not_for_sure(noisy):
    pool, _, _ = noisy
    effect = Scorer(pool).score(pool.dataset.labels)
    assert effect.difference == 0
    assert -0.05 < effect.low < 0 < effect.high < 0.05
    assert not effect.is_sure
    assert effect.before == effect.after
    assert effect.before.value == effect.as_given.value
    assert effect.sentence.startswith("Nothing was edited")


def test_wrong_corrections_are_told():
    x, truth = pools.clouds([40, 40, 40])
    edited, _ = pools.flipped(truth, 0.3)
    effect = Scorer(pools.pool_of(x, truth)).score(["abc"[label] for label in edited])
    assert effect.difference < 0
    assert effect.before.value < effect.as_given.value


def test_dropped_items_are_neither_learned_nor_asked_about(noisy):
    pool, truth, wrong = noisy
    labels = [None if row in set(wrong.tolist()) else label for row, label in enumerate(truth)]
    effect = Scorer(pool).score(labels)
    assert (effect.n_relabelled, effect.n_dropped, effect.n_held_out) == (0, len(wrong), 180 - len(wrong))
    moved = pool.x.copy()
    moved[wrong] = 0  # what they are does not matter any more, except to the heads before
    again = Scorer(pools.pool_of(moved, pool.y)).score(labels)
    assert again.after.value == pytest.approx(effect.after.value, abs=0.03)


def test_a_new_class_counts_as_a_mistake_of_the_heads_before():
    x, truth = pools.clouds([40, 40, 40])
    pool = pools.pool_of(x, np.minimum(truth, 1))  # the third cloud is called b
    effect = Scorer(pool).score([{0: "a", 1: "b", 2: "new"}[label] for label in truth])
    assert effect.n_relabelled == 40
    assert effect.before.value < 0.7
    assert effect.after.value > 0.85
    assert effect.low > 0
    assert np.isfinite(effect.log_loss_before)


def test_a_class_that_is_dropped_as_a_whole():
    x, truth = pools.clouds([30, 30, 30])
    effect = Scorer(pools.pool_of(x, truth)).score([None if label == 2 else "ab"[label] for label in truth])
    assert (effect.n_dropped, effect.n_held_out) == (30, 60)
    assert effect.after.value == pytest.approx(effect.before.value, abs=0.03)


def test_a_test_split_is_asked_by_heads_that_learned_the_rest():
    x, truth = pools.clouds([80, 80])
    splits = ["test" if row % 4 == 0 else "train" for row in range(160)]
    y, _ = pools.flipped(truth, 0.3)
    effect = Scorer(pools.pool_of(x, y, splits=splits)).score(["ab"[label] for label in truth])
    assert effect.test is not None
    assert 20 <= effect.test.n_held_out < 40  # without those that bear the model's own suggestion
    assert effect.test.after.value >= effect.test.before.value
    assert effect.test.low < effect.test.difference < effect.test.high
    only_test = [("ab"[truth[row]] if split == "test" else None) for row, split in enumerate(splits)]
    assert Scorer(pools.pool_of(x, y, splits=splits)).score(only_test).test is None


def test_decisions_of_a_journal_are_measured():
    x, truth = pools.clouds([30, 30])
    y, wrong = pools.flipped(truth, 0.2)
    pool = pools.pool_of(x, y)
    keys = keys_of(pool.dataset, pool.embedded.digests)
    first, *rest = wrong.tolist()
    decisions = [
        Decision("drop", (keys[first],)),
        *(Decision("relabel", (keys[row],), to="ab"[truth[row]]) for row in rest),
    ]
    applied = apply(pool.dataset, pool.embedded.digests, decisions)
    effect = measure_effect(pool, applied)
    assert (effect.n_relabelled, effect.n_dropped) == (len(rest), 1)
    assert labels_after(pool, applied)[first] is None
    assert effect == Scorer(pool).score(labels_after(pool, applied))


def suggestions(pool):
    """What the model suggests: which rows, and all labels with the suggestions accepted."""
    assert pool.out_of_fold is not None
    quality = score_labels(pool.out_of_fold, pool.y, len(pool.classes), pool.folds)
    accepted = np.where(quality.is_issue, quality.predicted, pool.y)
    return np.flatnonzero(quality.is_issue), [pool.classes[label] for label in accepted]


def test_a_score_does_not_confirm_what_the_model_suggested():
    """Clouds that overlap, every label right: accepting all suggestions is worth nothing, and so it says."""
    said = []
    for seed in range(6):
        x, truth = pools.clouds([150, 150], apart=1.77, seed=seed)  # 89.5 % is the most that can be reached
        pool = pools.pool_of(x, truth, head="logistic")
        rows, accepted = suggestions(pool)
        effect = Scorer(pool).score(accepted)
        assert effect.n_followed == effect.n_relabelled == len(rows)
        assert effect.n_held_out == 300 - len(rows)
        assert effect.follows
        said.append((effect.difference, effect.as_given_after.value - effect.as_given.value))
    assert abs(np.mean(said, axis=0)).max() < 0.005
    assert "whose labels no suggestion of the model changed" in effect.sentence
    assert "These are the easier items" in effect.sentence
    assert "The decisions follow the model throughout" in effect.warning
    assert effect.sentence.endswith(effect.warning)
    assert effect.to_dict()["warning"] == effect.warning


def test_dropping_all_that_is_suspected_follows_the_model_too():
    x, truth = pools.clouds([150, 150], apart=1.77)
    pool = pools.pool_of(x, truth, head="logistic")
    rows, _ = suggestions(pool)
    labels = [None if row in set(rows.tolist()) else label for row, label in enumerate(pool.dataset.labels)]
    effect = Scorer(pool).score(labels)
    assert (effect.n_dropped, effect.n_followed, effect.follows) == (len(rows), len(rows), True)
    assert abs(effect.difference) < 0.01


def test_somebody_who_contradicts_the_model_does_not_follow_it():
    x, truth = pools.clouds([150, 150], apart=1.77)
    pool = pools.pool_of(x, truth, head="logistic")
    rows, accepted = suggestions(pool)
    scorer = Scorer(pool)
    first = int(rows[0])
    accepted[first] = pool.dataset.labels[first]
    assert scorer.score(accepted).follows  # who left one out may have overlooked it
    looked = scorer.score(accepted, kept=[first])
    assert not looked.follows
    assert looked.to_dict()["warning"] is None
    few = list(pool.dataset.labels)
    for row in rows[:4].tolist():
        few[row] = accepted[row]
    assert not scorer.score(few).follows


def test_where_no_item_is_left_to_ask_it_is_said(noisy):
    pool, truth, _ = noisy
    effect = Scorer(pool).score(truth)
    nothing = replace(effect, n_held_out=0)
    assert nothing.sentence.startswith("54 labels changed, 0 items dropped: no item is left whose labels")


def test_many_threads_get_the_answers_of_one(noisy):
    pool, truth, wrong = noisy
    scorer = Scorer(pool)
    edits = []
    for n in range(4):
        labels = list(pool.dataset.labels)
        for row in wrong[: 10 * n]:
            labels[row] = truth[row]
        edits.append(labels)
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(scorer.score, edits)) == [scorer.score(labels) for labels in edits]


def test_what_cannot_be_measured_says_why(noisy):
    x, truth = pools.clouds([1, 1])
    with pytest.raises(UsageError, match="cannot be cross-validated"):
        Scorer(pools.pool_of(x, truth))
    pool, truth, _ = noisy
    with pytest.raises(TooFewClasses, match="fewer than two classes"):
        Scorer(pool).score([label if label == "a" else None for label in truth])


def test_paired_interval_of_independent_items_is_that_of_a_mean():
    gain = np.random.default_rng(0).choice([-1.0, 0.0, 1.0], 4000, p=[0.1, 0.7, 0.2])
    low, high = paired_interval(gain, np.arange(4000))
    half = 1.96 * gain.std() / np.sqrt(4000)
    assert (low, high) == pytest.approx((gain.mean() - half, gain.mean() + half), abs=2e-4)
    wide = paired_interval(gain, np.arange(4000), widening=4.0)
    assert wide[1] - wide[0] == pytest.approx(2 * (high - low))


def test_paired_interval_counts_copies_once_and_is_never_of_no_width():
    gain = np.repeat(np.random.default_rng(0).choice([-1.0, 0.0, 1.0], 100), 5)
    alone, together = (paired_interval(gain, units) for units in (np.arange(500), np.arange(500) // 5))
    assert together[1] - together[0] > 2 * (alone[1] - alone[0])
    for n in (1, 2, 20):
        low, high = paired_interval(np.zeros(n), np.arange(n))
        assert -1 <= low < 0 < high <= 1
    assert paired_interval(np.zeros(0), np.zeros(0, np.int64)) == (-1.0, 1.0)


@pytest.mark.parametrize(("units", "quantile"), [(3, 2.776), (5, 2.447), (12, 2.160)])
def test_few_units_widen_the_paired_interval(units, quantile):
    """Nothing changed, in so many units: Student's t with two more, for the two that are added."""
    low, high = paired_interval(np.zeros(units), np.arange(units))
    n = units + 2
    assert high == pytest.approx(quantile * np.sqrt(2 * n / (n - 1)) / n, rel=0.02)
    assert low == -high


def test_intervals_hold_what_a_large_test_says():
    """Corrected labels of clouds that overlap: the interval around the measured change holds the true one."""
    held = []
    for seed in range(20):
        x, truth = pools.clouds([60, 60], apart=2.0, seed=seed)
        fresh, fresh_y = pools.clouds([2000, 2000], apart=2.0, seed=100 + seed)
        y, wrong = pools.flipped(truth, 0.3, seed)
        pool = pools.pool_of(x, y, head="logistic")
        edited = y.copy()
        edited[wrong[::2]] = truth[wrong[::2]]
        effect = Scorer(pool).score(["ab"[label] for label in edited])
        strength, one = [pool.out_of_fold.choice.chosen.strength], np.ones((1, 120), np.float32)
        heads = [HEADS["logistic"].fit(x, labels, 2, one, strength)[0][0] for labels in (y, edited)]
        accuracy = [float((head.scores(fresh).argmax(axis=1) == fresh_y).mean()) for head in heads]
        held.append(effect.low <= accuracy[1] - accuracy[0] <= effect.high)
    assert sum(held) >= 18
