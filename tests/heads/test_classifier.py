import numpy as np
import pytest

from graft.data.split import stratified_group_folds
from graft.heads.classifier import Classifier
from graft.learning.classifier import fit_classifier
from graft.learning.selection import choose_without
from graft.recipe import Recipe

STAGES = ((6, 10),)


@pytest.fixture(scope="module")
def blobs() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    y = np.arange(90) % 3
    return np.abs(random.normal(size=(3, 16))[y] + 0.7 * random.normal(size=(90, 16))).astype(np.float32), y


@pytest.fixture(scope="module")
def fitted(blobs):
    x, y = blobs
    return fit_classifier(x, y, 3, STAGES, stratified_group_folds(y, np.arange(90), 5, 0, 2), Recipe())


def test_answers_are_probabilities_sets_and_scores(fitted, blobs):
    classifier, _ = fitted
    answer = classifier.answer(blobs[0])
    assert np.allclose(answer.p.sum(axis=1), 1, atol=1e-5)
    assert answer.sets.shape == (90, 3)
    assert answer.unknown_score.shape == (90,)
    assert (answer.p.argmax(axis=1) == blobs[1]).mean() > 0.8


def test_restored_it_answers_digit_for_digit(fitted, blobs):
    classifier, _ = fitted
    again = Classifier.restore(classifier.settings(), classifier.arrays())
    before, after = classifier.answer(blobs[0]), again.answer(blobs[0])
    assert np.array_equal(before.p, after.p)
    assert np.array_equal(before.sets, after.sets)
    assert np.array_equal(before.unknown_score, after.unknown_score)


def test_weights_and_bias_that_do_not_fit_are_refused(fitted):
    classifier, _ = fitted
    with pytest.raises(ValueError, match="shape"):
        Classifier.restore(classifier.settings(), classifier.arrays() | {"head.bias": np.zeros(2, np.float32)})


def test_a_row_has_no_say_in_the_choice_of_its_own_head():
    random = np.random.default_rng(1)
    x = np.abs(random.normal(size=(60, 16))).astype(np.float32)
    y = random.integers(0, 2, 60)  # nothing to learn: any gain of a configuration over another is luck
    folds = stratified_group_folds(y, np.arange(60), 5, 0)
    _, out_of_fold = fit_classifier(x, y, 2, STAGES, folds, Recipe())
    choice = out_of_fold.choice
    for fold in range(5):
        rows = np.flatnonzero(folds[0] == fold)
        others = np.flatnonzero(folds[0] != fold)
        swayed = choice.losses.copy()
        swayed[:, rows] = random.permuted(swayed[:, rows], axis=0)  # whatever these rows say
        again = type(choice)(**{name: getattr(choice, name) for name in choice.__slots__} | {"losses": swayed})
        assert choose_without(again, rows) == choose_without(choice, rows)
        assert len(others) + len(rows) == 60


def test_nothing_scored_is_no_error(blobs):
    x, y = blobs
    classifier, out_of_fold = fit_classifier(x[:3], y[:3], 3, STAGES, [], Recipe())
    assert not out_of_fold.scored.any()
    assert np.isnan(out_of_fold.p).all()
    assert classifier.sets.complete
    assert (classifier.probabilities(x[:3]).argmax(axis=1) == y[:3]).all()


def test_of_many_rows_those_that_had_no_vote_change_nothing():
    chance = np.random.default_rng(25)  # a set on which the hurdle of many rows and that of few choose differently
    y, scale = np.arange(1000) % 2, np.repeat([1.0, 0.3], [4, 12]) / 4
    x = (chance.normal(size=(1000, 16)) + 0.6 * y[:, None] * chance.normal(size=16)) * scale
    folds = stratified_group_folds(y, np.arange(1000), 5, 0)
    _, out_of_fold = fit_classifier(x.astype(np.float32), y, 2, ((4, 12),), folds, Recipe())
    choice = out_of_fold.choice
    explored = np.flatnonzero(~np.isnan(choice.losses).any(axis=0))
    assert len(explored) == 400
    for fold in np.unique(folds[0][np.setdiff1d(np.arange(1000), explored)]):
        assert choose_without(choice, np.flatnonzero(folds[0] == fold)) == choice.index
    assert out_of_fold.scored.all()
    assert not np.isnan(out_of_fold.p).any()
