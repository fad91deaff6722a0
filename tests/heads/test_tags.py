import json

import numpy as np
import pytest

from graft.data.split import stratified_group_folds
from graft.errors import UsageError
from graft.heads.kinds import KINDS
from graft.heads.multi_label import MultiLabelClassifier, confidence_of, sigmoid
from graft.learning.multi_label import (
    balance,
    check_multi_label_head,
    choose_multi_label,
    fit_multi_label,
    fit_rule,
    rules_without,
    strata_of,
    units_with,
)
from graft.recipe import Recipe

STAGES = ((6, 10),)


def tagged(n, seed=0, noise=0.5):
    """Rows with any of three labels, the third rare: each adds its own direction."""
    random = np.random.default_rng(seed)
    given = random.random((n, 3)) < np.array([0.5, 0.3, 0.12])
    directions = np.random.default_rng(99).normal(size=(3, 16))
    x = np.abs(1 + given @ directions + noise * random.normal(size=(n, 16))).astype(np.float32)
    return x, given


def folds_of(given, units=None, repeats=1):
    units = np.arange(len(given)) if units is None else units
    return stratified_group_folds(strata_of(given, units), units, 5, 0, repeats)


@pytest.fixture(scope="module")
def fitted():
    x, given = tagged(150)
    return fit_multi_label(x, given, np.arange(150), STAGES, folds_of(given, repeats=2), Recipe())


def test_each_label_has_a_probability_of_its_own(fitted):
    classifier, _ = fitted
    x, given = tagged(600, seed=5)
    answer = classifier.answer(x)
    assert answer.p.shape == answer.sets.shape == (600, 3)
    assert answer.unknown_score.shape == (600,)
    assert answer.p.dtype == np.float32
    assert np.array_equal(answer.sets, answer.p >= 0.5)
    assert np.array_equal(answer.p, classifier.probabilities(x))
    assert (answer.sets == given).mean() > 0.9
    assert np.ptp(answer.p.sum(axis=1)) > 1


def test_probabilities_are_as_often_right_as_they_say(fitted):
    classifier, _ = fitted
    x, given = tagged(4000, seed=6)
    p = classifier.probabilities(x)
    assert np.abs(p.mean(axis=0) - given.mean(axis=0)).max() < 0.04
    for low, high in ((0.0, 0.2), (0.2, 0.8), (0.8, 1.0)):
        inside = (p > low) & (p <= high)
        assert abs(p[inside].mean() - given[inside].mean()) < 0.08


def test_restored_it_answers_digit_for_digit(fitted):
    classifier, _ = fitted
    again = MultiLabelClassifier.restore(json.loads(json.dumps(classifier.settings())), classifier.arrays())
    x, _ = tagged(50, seed=7)
    before, after = classifier.answer(x), again.answer(x)
    assert np.array_equal(before.p, after.p)
    assert np.array_equal(before.sets, after.sets)
    assert np.array_equal(before.unknown_score, after.unknown_score)
    assert KINDS[classifier.task] is MultiLabelClassifier


def test_weights_and_bias_that_do_not_fit_are_refused(fitted):
    classifier, _ = fitted
    with pytest.raises(ValueError, match="shape"):
        MultiLabelClassifier.restore(
            classifier.settings(), classifier.arrays() | {"head.bias": np.zeros(2, np.float32)}
        )


def test_what_is_said_out_of_fold_holds_for_new_items(fitted):
    classifier, out_of_fold = fitted
    x, truth = tagged(2000, seed=8)
    promised = out_of_fold.right[out_of_fold.scored].mean()
    kept = (classifier.answer(x).sets == truth).all(axis=1).mean()
    assert out_of_fold.scored.all()
    assert abs(promised - kept) < 0.12


def test_out_of_fold_no_row_sees_its_own_labels():
    random = np.random.default_rng(3)
    x = random.normal(size=(80, 16)).astype(np.float32)
    given = random.random((80, 3)) < 0.5  # nothing to learn
    _, out_of_fold = fit_multi_label(x, given, np.arange(80), STAGES, folds_of(given), Recipe())
    assert abs((out_of_fold.sets == given).mean() - 0.5) < 0.15
    assert np.abs(out_of_fold.p - 0.5).mean() < 0.2


def test_the_scores_of_a_row_do_not_depend_on_its_labels():
    x, given = tagged(60)
    folds = folds_of(given)
    changed = given.copy()
    rows = np.flatnonzero(folds[0] == 0)
    changed[rows] = changed[np.roll(rows, 1)]  # the same labels, on other rows of the fold
    before, after = (choose_multi_label(x, labels, STAGES, folds, np.arange(60)).logits for labels in (given, changed))
    others = np.flatnonzero(folds[0] != 0)
    assert np.allclose(before[:, 0, rows], after[:, 0, rows], rtol=1e-3, atol=1e-3)
    assert not np.allclose(before[:, 0, others], after[:, 0, others], rtol=1e-3, atol=1e-3)


def test_the_calibration_of_a_row_does_not_depend_on_its_labels():
    x, given = tagged(60, noise=2)
    [fold] = folds_of(given)
    scores = choose_multi_label(x, given, STAGES, [fold], np.arange(60)).logits[0, 0]
    changed = given.copy()
    own = fold == 0
    changed[own] = ~changed[own]
    before, after = (rules_without(scores, labels, fold) for labels in (given, changed))
    assert before.slope.shape == before.shift.shape == given.shape
    assert np.array_equal(before.of(own).slope, after.of(own).slope)
    assert np.array_equal(before.of(own).shift, after.of(own).shift)
    assert not np.isclose(before.of(~own).slope, after.of(~own).slope).any()


def test_every_configuration_is_scored_by_calibrations_that_have_not_seen_the_row():
    x, given = tagged(60, noise=2)
    [fold] = folds_of(given)
    choice = choose_multi_label(x, given, STAGES, [fold], np.arange(60))
    for scores, correct in zip(choice.logits[:, 0], choice.correct, strict=True):
        for held_out in range(5):
            rows = fold == held_out
            rule = fit_rule(scores[None, ~rows], given[~rows])
            assert np.array_equal(((rule.apply(scores[rows]) >= 0) == given[rows]).all(axis=1), correct[rows] == 1)


def test_nothing_scored_is_no_error():
    x, given = np.eye(16, dtype=np.float32)[:3], np.eye(3, dtype=np.bool_)
    classifier, out_of_fold = fit_multi_label(x, given, np.arange(3), STAGES, [], Recipe())
    assert not out_of_fold.scored.any()
    assert np.isnan(out_of_fold.p).all()
    assert "Nothing could be held out" in out_of_fold.choice.why
    assert (classifier.probabilities(x).argmax(axis=1) == [0, 1, 2]).all()


def test_a_label_that_all_items_bear_is_always_predicted():
    x, given = tagged(60)
    given[:, 1] = True
    classifier, _ = fit_multi_label(x, given, np.arange(60), STAGES, folds_of(given), Recipe())
    assert classifier.answer(tagged(60, seed=1)[0]).sets[:, 1].all()


def test_one_label_alone_can_be_learned():
    x, given = tagged(80)
    classifier, _ = fit_multi_label(x, given[:, :1], np.arange(80), STAGES, folds_of(given[:, :1]), Recipe())
    other, truth = tagged(300, seed=4)
    assert (classifier.answer(other).sets == truth[:, :1]).mean() > 0.85


def test_strata_are_the_rarest_labels():
    given = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 0], [1, 0, 1], [0, 0, 0], [1, 0, 0]], np.bool_)
    assert strata_of(given, np.arange(6)).tolist() == [1, 0, 1, 0, 3, 0]  # the last label is that of one item
    assert units_with(given, np.arange(6)).tolist() == [4, 2, 1]
    assert units_with(given, np.array([0, 0, 0, 1, 1, 1])).tolist() == [2, 1, 1]
    assert strata_of(np.array([[0, 1]], np.bool_), np.arange(1)).tolist() == [1]


def test_folds_hold_about_as_much_of_every_label():
    _, given = tagged(200)
    [fold] = folds_of(given)
    counts = np.stack([given[fold == f].sum(axis=0) for f in range(5)])
    assert (np.ptp(counts, axis=0) <= np.array([12, 8, 1])).all()


def test_balance_makes_those_who_bear_a_label_count_as_much_as_the_others():
    _, given = tagged(100)
    weights = balance(given)
    assert np.allclose((weights * given).sum(axis=0), 50)
    assert np.allclose(weights.mean(axis=0), 1)
    assert (balance(np.array([[True, False]] * 3)) == 1).all()


def test_a_label_with_few_items_is_calibrated_like_the_others():
    random = np.random.default_rng(0)
    given = random.random((400, 5)) < 0.4
    given[:, 4] = False
    given[:2, 4] = True
    scores = (4 * (given - 0.5) + 4 * random.normal(size=given.shape)).astype(np.float32)
    rule = fit_rule(scores[None], given)
    assert np.ptp(rule.slope) < 0.5 * rule.slope.mean()
    assert np.isfinite(rule.apply(scores)).all()
    p = sigmoid(rule.apply(scores))
    assert np.abs(p.mean(axis=0) - given.mean(axis=0))[:4].max() < 0.02


def test_repetitions_do_not_make_a_calibration_surer():
    x, given = tagged(60)
    scores = choose_multi_label(x, given, STAGES, folds_of(given), np.arange(60)).logits[0]
    once, thrice = fit_rule(scores, given), fit_rule(np.repeat(scores, 3, axis=0), given)
    assert np.allclose(once.slope, thrice.slope, rtol=1e-3)
    assert np.allclose(once.shift, thrice.shift, atol=1e-3)


def test_confidence_is_that_of_all_decisions_together():
    p = np.array([[0.9, 0.2], [0.5, 0.5]], np.float32)
    assert np.allclose(confidence_of(p, p >= 0.5), [0.9 * 0.8, 0.25])


def test_the_unknown_score_finds_what_is_like_nothing_learned_from(fitted):
    classifier, _ = fitted
    x, _ = tagged(300, seed=9)
    strange = np.abs(np.random.default_rng(1).normal(size=(300, 16)) ** 3).astype(np.float32)
    assert np.median(classifier.answer(strange).unknown_score) > np.median(classifier.answer(x).unknown_score) + 1
    assert (classifier.answer(x).unknown_score > classifier.unknown.threshold).mean() < 0.15


@pytest.mark.parametrize("head", ["discriminant", "prototype"])
def test_heads_that_choose_one_class_are_refused(head):
    with pytest.raises(UsageError, match="any number of labels"):
        check_multi_label_head(head)
