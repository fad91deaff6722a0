import numpy as np
import pytest

from graft.errors import UsageError
from graft.heads.features import transform
from graft.learning import HEADS
from graft.learning.rule import bias_corrected
from graft.learning.selection import Configuration, choose, choose_without, class_weights, fit_final
from heads.blobs import blobs, folds

STAGES = ((20, 60),)


def data(n, k, informative, seed=0):
    """Embeddings of two stages, of which one tells the classes apart."""
    rng = np.random.default_rng(seed)
    x, y = blobs(n, k, 80, spread=1.5 if informative == "late" else 1.0, seed=seed)
    noise = rng.normal(size=x.shape).astype(np.float32) / 9
    if informative == "late":
        x[:, :20] = noise[:, :20]
    else:
        x[:, 20:] = 3 * noise[:, 20:]
    return x, y


def test_out_of_fold_scores_are_those_of_heads_that_did_not_see_the_row():
    x, y = data(60, 3, "late")
    fold = folds(y, 4)[0]
    choice = choose(x, y, 3, STAGES, [fold])
    place = choice.configurations.index(Configuration("even", "logistic", 16.0))
    phi = transform(x, STAGES, "even")
    for f in range(4):
        train = (fold != f).astype(np.float32)
        linear = HEADS["logistic"].fit(phi, y, 3, train[None], [16.0])[0][0]
        expected = linear.scores(phi[fold == f])
        expected -= expected.mean(axis=1, keepdims=True)
        got = choice.logits[place, 0, fold == f]
        assert got - got.mean(axis=1, keepdims=True) == pytest.approx(expected, abs=0.05)


def test_the_earlier_stages_are_taken_where_they_help_only():
    for informative, features in (("early", "even"), ("late", "late")):
        x, y = data(120, 3, informative)
        assert choose(x, y, 3, STAGES, folds(y, 5, 2)).chosen.features == features


def test_chance_does_not_choose():
    kept = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(40, 80)).astype(np.float32), np.arange(40) % 2
        chosen = choose(x, y, 2, STAGES, folds(y, 5, seed=seed)).chosen
        kept += (chosen.features, chosen.head) == ("late", "logistic")
    assert kept >= 17


def test_the_choice_says_what_it_did():
    x, y = data(60, 3, "late")
    choice = choose(x, y, 3, STAGES, folds(y, 5, 3))
    c = len(choice.configurations)
    assert choice.logits.shape == (c, 3, 60, 3)
    assert choice.losses.shape == choice.correct.shape == (c, 60)
    assert choice.accuracy[choice.index] > 0.6
    assert choice.loss[choice.index] < np.log(3)
    assert choice.chosen.head in choice.why
    assert (choice.temperatures > 0).all()


def test_a_head_that_is_asked_for_is_taken():
    x, y = data(60, 3, "late")
    for head in HEADS:
        choice = choose(x, y, 3, STAGES, folds(y), head)
        assert {entry.head for entry in choice.configurations} == {head}
    with pytest.raises(UsageError, match="forest"):
        choose(x, y, 3, STAGES, folds(y), "forest")


def test_the_same_again():
    x, y = data(60, 3, "late")
    first, second = (choose(x, y, 3, STAGES, folds(y, 5, 2)) for _ in range(2))
    assert np.array_equal(first.logits, second.logits, equal_nan=True)
    assert first.chosen == second.chosen
    a, b = (fit_final(x, y, 3, STAGES, first.chosen) for _ in range(2))
    assert np.array_equal(a.weights, b.weights)


@pytest.mark.parametrize("repetitions", [0, 2])
def test_one_item_per_class_is_fitted_and_not_scored(repetitions):
    x, y = data(3, 3, "late")
    choice = choose(x, y, 3, STAGES, folds(y, 5, repetitions))
    assert np.isnan(choice.logits).all()
    assert (choice.chosen.features, choice.chosen.head) == ("late", "logistic")
    linear = fit_final(x, y, 3, STAGES, choice.chosen)
    assert (linear.scores(transform(x, STAGES, "late")).argmax(axis=1) == y).all()
    value, draws = bias_corrected(choice.correct, choice.losses, np.arange(3), 0, choice.plain)
    assert np.isnan(value)
    assert not len(draws)


def test_a_single_item_among_larger_classes_is_left_unscored():
    x, y = data(31, 3, "late")
    y[y == 2] = 0
    y[30] = 2
    choice = choose(x, y, 3, STAGES, folds(y))
    assert np.isnan(choice.logits[:, :, 30]).all()
    assert np.isfinite(choice.logits[:, :, :30]).all()
    assert np.isfinite(choice.loss).all()


def test_a_fold_may_lack_a_class():
    x, y = data(20, 2, "late")
    y[:] = 0
    y[:2] = 1
    fold = np.arange(20) % 5
    fold[:2] = 0  # both rows of class 1 are held out together
    choice = choose(x, y, 2, STAGES, [fold])
    assert np.isfinite(choice.loss).all()
    assert not choice.correct[choice.index, :2].any()


@pytest.mark.parametrize("shots", [2, 3, 5])
def test_few_shots_work(shots):
    x, y = data(4 * shots, 4, "late")
    choice = choose(x, y, 4, STAGES, folds(y, 5, 4))
    assert "prototype" in {entry.head for entry in choice.configurations}
    assert np.isfinite(fit_final(x, y, 4, STAGES, choice.chosen).weights).all()


def test_the_grid_is_thinned_out_rather_than_the_memory_filled(monkeypatch):
    x, y = data(60, 3, "late")
    monkeypatch.setattr("graft.learning.selection._SCORES", 1000)
    choice = choose(x, y, 3, STAGES, folds(y))
    assert choice.logits.size <= 1000
    assert choice.chosen.head == "logistic"


def many(n=1400, k=3, seed=0):
    x, y = data(n, k, "early", seed)
    return x, y, folds(y, 5)


def test_of_many_rows_the_first_folds_decide_and_all_are_judged():
    x, y, plan = many()
    choice = choose(x, y, 3, STAGES, plan)
    scored = ~np.isnan(choice.losses)
    assert scored[choice.index].all()
    assert np.isfinite(choice.logits[choice.index]).all()
    for row in np.delete(scored, choice.index, axis=0):
        assert np.array_equal(row, plan[0] < 2)
    whole = trial_of_all(x, y, plan)
    common = plan[0] < 2
    best = [choice.losses[choice.index, common].mean(), whole.losses[whole.index, common].mean()]
    assert best[0] == pytest.approx(best[1], abs=0.01)
    assert choose_without(choice, np.flatnonzero(plan[0] == 3)) == choice.index


def trial_of_all(x, y, plan):
    """The choice among all configurations on all folds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("graft.learning.selection._explored", lambda n: 100)
        return choose(x, y, 3, STAGES, plan)


def test_of_many_rows_the_final_head_is_fitted_along_the_way():
    x, y, plan = many()
    choice = choose(x, y, 3, STAGES, plan)
    again = fit_final(x, y, 3, STAGES, choice.chosen)
    phi = transform(x, STAGES, choice.chosen.features)
    assert (choice.final.scores(phi).argmax(axis=1) == again.scores(phi).argmax(axis=1)).mean() > 0.99
    known = fit_final(x, y, 3, STAGES, choice.chosen, axes=choice.axes)
    assert known.scores(phi) == pytest.approx(again.scores(phi), abs=0.01)
    assert choose(x[:60], y[:60], 3, STAGES, folds(y[:60])).final is None


def test_what_choosing_flatters_is_carried_from_the_explored_rows_to_all():
    rng = np.random.default_rng(0)
    losses, correct = rng.random((3, 300)).astype(np.float32), (rng.random((3, 300)) < 0.6).astype(np.float32)
    losses[1] -= 0.5
    partly = [np.where(np.arange(300) < 120, rows, np.nan) for rows in (losses, correct)]
    for rows, all_rows in zip(partly, (losses, correct), strict=True):
        rows[1] = all_rows[1]
    value, _ = bias_corrected(partly[1].astype(np.float32), partly[0].astype(np.float32), np.arange(300), 0)
    assert value == pytest.approx(correct[1].mean(), abs=0.01)  # nothing comes near it: it is chosen in every draw


def test_rows_of_a_group_count_once():
    """Ten copies of every row make no difference look clearer than it is."""
    x, y = data(40, 2, "early")
    x += np.random.default_rng(0).normal(size=x.shape).astype(np.float32) / 3
    copies = np.repeat(np.arange(40), 10)
    plan = [fold[copies] for fold in folds(y, 5)]
    alone, together = (choose(x[copies], y[copies], 2, STAGES, plan, groups=groups) for groups in (None, copies))
    assert np.array_equal(alone.loss, together.loss)
    assert not alone.plain[alone.index]
    assert together.plain[together.index]


def test_class_weights_help_rare_classes_halfway():
    y = np.repeat([0, 1], [80, 20])
    weights = class_weights(y, 2)
    assert weights.mean() == pytest.approx(1)
    assert weights[-1] / weights[0] == pytest.approx(2)
    assert (class_weights(np.repeat([0, 1], [30, 20]), 2) == 1).all()


def test_choosing_among_chance_is_corrected_to_chance():
    """Fifty classifiers that guess: the best looks good, choosing it is worth nothing."""
    best, corrected = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        p = rng.random((50, 100)).astype(np.float32)
        correct = (p > 0.5).astype(np.float32)
        losses = -np.log(p)
        best.append(correct[losses.mean(axis=1).argmin()].mean())
        corrected.append(bias_corrected(correct, losses, np.arange(100), seed)[0])
    assert np.mean(best) > 0.55
    assert np.mean(corrected) == pytest.approx(0.5, abs=0.02)


def test_a_single_classifier_needs_no_correction():
    correct = (np.random.default_rng(0).random((1, 400)) < 0.8).astype(np.float32)
    value, draws = bias_corrected(correct, 1 - correct, np.arange(400), 0)
    assert value == pytest.approx(correct.mean(), abs=0.005)
    assert draws.std() > 0


def test_groups_are_drawn_as_a_whole():
    correct = np.repeat((np.random.default_rng(0).random((1, 40)) < 0.7).astype(np.float32), 10, axis=1)
    alone = bias_corrected(correct, 1 - correct, np.arange(400), 0)[1].std()
    together = bias_corrected(correct, 1 - correct, np.repeat(np.arange(40), 10), 0)[1].std()
    assert together > 2 * alone


def test_one_group_leaves_nothing_out_and_still_answers():
    correct = np.ones((2, 5), np.float32)
    value, draws = bias_corrected(correct, 1 - correct, np.zeros(5, np.int64), 0)
    assert value == 1
    assert not len(draws)
