"""Scoring on items that were given as a test."""

import numpy as np
import pytest

from graft.data.dataset import Dataset, Memory
from graft.data.split import stratified_group_folds
from graft.errors import DataError
from graft.evaluation import AskedItems, score_held_out
from graft.evaluation.notices import check_shared_labels
from graft.evaluation.outcomes import Outcomes
from graft.learning.classifier import fit_classifier
from graft.metrics import wilson
from graft.recipe import Recipe
from heads.blobs import blobs

CLASSES = ("ant", "bee")


@pytest.fixture(scope="module")
def fitted():
    x, y = blobs(160, 2, 16, spread=0.6)
    classifier, _ = fit_classifier(
        x[:80], y[:80], 2, ((16,),), stratified_group_folds(y[:80], np.arange(80), 5, 0), Recipe()
    )
    return classifier, x[80:], [CLASSES[c] for c in y[80:]]


def outcomes(y, predicted, classes):
    """Of items that were called so, surely."""
    return Outcomes.of_classes(classes, np.eye(len(classes))[predicted], y)


def score(classifier, x, labels, clusters, part):
    dataset = Dataset(tuple(Memory(b"", f"item {row}") for row in range(len(x))), tuple(labels))
    return score_held_out(AskedItems.by(classifier, CLASSES, x, dataset), clusters, part)


def test_labels_of_which_none_is_known_are_an_error():
    check_shared_labels("The data", ["wasp", "bee"], "the model", CLASSES)
    check_shared_labels("The data", [], "the model", CLASSES)
    with pytest.raises(DataError, match=r"^The data share no label with the model \(fly, wasp / ant, bee\)\. "):
        check_shared_labels("The data", ["wasp", "fly", "wasp"], "the model", CLASSES)


def test_a_score_with_wilsons_interval(fitted):
    classifier, x, labels = fitted
    found = score(classifier, x, labels, np.arange(80), "test")
    right = sum(
        CLASSES[c] == label for c, label in zip(classifier.probabilities(x).argmax(axis=1), labels, strict=True)
    )
    assert found.accuracy.value == right / 80
    assert (found.accuracy.low, found.accuracy.high) == pytest.approx(wilson(right, 80))
    assert (found.n_items, found.split, found.classes, found.warnings) == (80, "test", CLASSES, ())
    assert sum(map(sum, found.confusion)) == 80
    assert 0 <= found.ece <= 0.3
    assert 0.8 <= found.coverage <= 1


def test_copies_widen_the_interval(fitted):
    classifier, x, labels = fitted
    apart = score(classifier, x, labels, np.arange(80), "test").accuracy
    copies = score(classifier, x, labels, np.arange(80) // 8, "test").accuracy
    assert copies.value == apart.value
    assert copies.high - copies.low > apart.high - apart.low


def test_labels_that_are_not_known_count_as_wrong_and_are_named(fitted):
    classifier, x, labels = fitted
    strange = ["wasp"] * 20 + labels[20:]
    found = score(classifier, x, strange, np.arange(80), "test")
    whole = score(classifier, x[20:], labels[20:], np.arange(60), "test")
    assert found.accuracy.value == pytest.approx(whole.accuracy.value * 60 / 80)
    assert found.coverage == pytest.approx(whole.coverage * 60 / 80)
    assert found.ece == whole.ece
    assert found.per_class["wasp"].recall == 0
    assert found.classes == (*CLASSES, "wasp")
    assert found.warnings == ("The model does not know wasp: the 20 items with such labels count as wrong.",)


def test_nothing_but_strangers(fitted):
    classifier, x, _ = fitted
    found = score(classifier, x[:10], ["wasp", "fly"] * 5, np.arange(10), "test")
    assert found.accuracy.value == 0
    assert found.coverage == 0
    assert np.isnan(found.ece)


def test_what_did_not_occur_has_no_figure():
    figures = outcomes(np.array([0, 0, 1]), np.array([0, 1, 1]), ["a", "b", "c"]).per_class(np.arange(3))
    assert (figures["a"].precision, figures["a"].recall, figures["a"].n) == (1.0, 0.5, 2)
    assert (figures["b"].precision, figures["b"].recall) == (0.5, 1.0)
    assert np.isnan([figures["c"].precision, figures["c"].recall]).all()
    assert (figures["c"].recall_low, figures["c"].recall_high) == (0.0, 1.0)
    assert (figures["a"].recall_low, figures["a"].recall_high) == pytest.approx(wilson(1, 2))


def test_given_labels_are_rows():
    found = outcomes(np.array([0, 0, 1]), np.array([0, 1, 1]), ["a", "b", "c"])
    assert found.confusion == ((1, 1, 0), (0, 1, 0), (0, 0, 0))


def test_the_interval_of_a_recall_knows_of_copies_groups_and_folds():
    y, predicted = np.zeros(40, np.int64), np.repeat([0, 1], [30, 10])
    found, apart = outcomes(y, predicted, ["a", "b"]), np.arange(40)
    plain = found.per_class(apart)["a"]
    assert (plain.recall_low, plain.recall_high) == pytest.approx(wilson(30, 40))
    copies = found.per_class(apart // 4)["a"]
    assert (copies.recall_low, copies.recall_high) == pytest.approx(wilson(7.5, 10))
    folds = found.per_class(apart, correlation=1.6)["a"]
    assert (folds.recall_low, folds.recall_high) == pytest.approx(wilson(30 / 1.6, 25))
    groups = found.per_class(apart, groups=[f"{i // 10}" for i in range(40)])["a"]
    assert groups.recall_high - groups.recall_low > 2 * (plain.recall_high - plain.recall_low)
    kept = found.per_class(apart, kept=np.array([0.8, 1]))["a"]
    assert kept.recall == pytest.approx(0.8)
    assert (kept.recall_low, kept.recall_high) == pytest.approx(wilson(32, 40))
