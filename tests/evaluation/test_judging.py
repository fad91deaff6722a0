"""What is said of a classifier follows from what was predicted of rows that it had not seen."""

import tracemalloc

import numpy as np
import pytest

from graft.data.dataset import Memory
from graft.data.split import stratified_group_folds
from graft.evaluation import Rows, judge
from graft.evaluation.judging import majority_baseline, nearest_baseline
from graft.evaluation.outcomes import EXAMPLES, EXAMPLES_PER_CELL, HARDEST, Outcomes, calibration
from graft.learning.classifier import fit_classifier
from graft.recipe import Recipe
from heads.blobs import blobs


def items_of(n):
    return [Memory(b"", f"item {row}") for row in range(n)]


def judged(x, y, k, *, folds=5, repeats=1, units=None, seed=0):
    units = np.arange(len(y)) if units is None else units
    plan = stratified_group_folds(y, units, folds, seed, repeats)
    classifier, out_of_fold = fit_classifier(x, y, k, ((x.shape[1],),), plan, Recipe())
    classes = tuple(f"class {c}" for c in range(k))
    rows = Rows(x, y, plan, units, units, items_of(len(y)), classes=classes)
    figures, growth = judge(classifier, out_of_fold, rows, Recipe(seed=seed))
    return figures, out_of_fold, growth


def test_the_figures_agree_with_the_predictions():
    x, y = blobs(120, 3, 24, spread=0.9)
    found, out_of_fold, _ = judged(x, y, 3)
    predicted = out_of_fold.p.argmax(axis=1)
    assert np.array(found.confusion).sum() == 120
    assert np.array(found.confusion)[1, 2] == ((y == 1) & (predicted == 2)).sum()
    assert found.accuracy.low < found.accuracy.value < found.accuracy.high
    assert found.accuracy.value == pytest.approx((predicted == y).mean(), abs=0.06)
    for c, figures in enumerate(found.per_class.values()):
        assert figures.n == 40
        assert figures.recall == pytest.approx((predicted[y == c] == c).mean())
        assert figures.recall_low <= figures.recall <= figures.recall_high
    assert found.baselines["majority"] == pytest.approx(1 / 3)
    assert found.baselines["majority"] < found.accuracy.value
    assert 0 <= found.calibration.ece < 0.25
    assert 0.8 < found.sets.coverage <= 1
    assert found.judged_on.startswith("all 120 training items")
    assert "5-fold" in found.accuracy.method


def test_noise_is_not_flattered():
    random = np.random.default_rng(5)
    x, y = random.normal(size=(120, 64)).astype(np.float32), (np.arange(120) % 2).astype(np.int64)
    found, _, _ = judged(x, y, 2, repeats=2)
    assert found.accuracy.low < 0.5 < found.accuracy.high
    assert found.overfit_gap > 0.2
    assert "repeated 2 times" in found.accuracy.method


def test_an_item_that_is_never_held_out_is_not_judged():
    x, y = blobs(41, 2, 8)
    y[-1] = 2
    found, out_of_fold, _ = judged(x, y, 3)
    assert not out_of_fold.scored[-1]
    assert found.per_class["class 2"].n == 0
    assert np.isnan(found.per_class["class 2"].recall)
    assert "40 of the 41" in found.judged_on


def test_nothing_is_judged_where_nothing_can_be_held_out():
    x, y = blobs(3, 3, 8)
    classifier, out_of_fold = fit_classifier(x, y, 3, ((8,),), [], Recipe())
    rows = Rows(x, y, [], np.arange(3), np.arange(3), items_of(3), classes=("a", "b", "c"))
    found, _ = judge(classifier, out_of_fold, rows, Recipe())
    assert np.isnan(found.accuracy.value)
    assert np.isnan([found.accuracy.low, found.accuracy.high]).all()
    assert "not judged" in found.accuracy.method
    assert found.judged_on.startswith("nothing")
    assert (found.hardest, found.mistakes, found.learning_curve) == ((), (), ())
    assert np.isnan(found.baselines["nearest"])


def probabilities(n, k, seed=0):
    p = np.random.default_rng(seed).dirichlet(np.ones(k), n).astype(np.float32)
    return p, np.random.default_rng(seed + 1).integers(0, k, n)


def test_the_hardest_are_those_whose_label_is_believed_least():
    p, y = probabilities(200, 4)
    found = Outcomes.of_classes(["a", "b", "c", "d"], p, y).hardest(items_of(200))
    given = [entry.given for entry in found]
    assert len(found) == HARDEST
    assert given == sorted(given)
    assert given[0] == pytest.approx(p[np.arange(200), y].min())
    assert len(Outcomes.of_classes(["a", "b", "c", "d"], p[:5], y[:5]).hardest(items_of(5))) == 5
    row = int(found[0].path.removeprefix("item "))
    assert found[0].label == "abcd"[y[row]]
    assert found[0].predicted == "abcd"[p[row].argmax()]
    assert found[0].confidence == pytest.approx(p[row].max())


def test_mistakes_are_bounded_by_cell_and_in_all():
    p, y = probabilities(4000, 10)
    found = Outcomes.of_classes([f"{c}" for c in range(10)], p, y).mistakes(items_of(4000))
    cells = {}
    for entry in found:
        assert entry.label != entry.predicted
        cells.setdefault((entry.label, entry.predicted), []).append(entry.confidence)
    assert len(found) == EXAMPLES
    assert max(map(len, cells.values())) == EXAMPLES_PER_CELL
    assert all(sure == sorted(sure, reverse=True) for sure in cells.values())
    p, y = probabilities(4000, 3)
    assert len(Outcomes.of_classes(["a", "b", "c"], p, y).mistakes(items_of(4000))) == 6 * EXAMPLES_PER_CELL
    p, y = probabilities(4000, 10)
    assert Outcomes.of_classes([f"{c}" for c in range(10)], p[:1], p[:1].argmax(axis=1)).mistakes(items_of(1)) == ()


def test_naming_what_is_wrong_takes_no_list_of_all_classes():
    """A Python object for each class of each mistake would be 8 bytes, where a truth value is 1."""
    n, k = 4000, 500
    p, _ = probabilities(n, k)
    said = Outcomes.of_classes([f"{c}" for c in range(k)], p, p.argmin(axis=1))
    tracemalloc.start()
    try:
        found = said.mistakes(items_of(n))
        assert tracemalloc.get_traced_memory()[1] < 4 * n * k
    finally:
        tracemalloc.stop()
    assert len(found) == EXAMPLES


def test_a_perfectly_calibrated_answer_has_no_error_and_a_boastful_one_has():
    p = np.tile(np.float32([0.75, 0.25]), (400, 1))
    y = (np.arange(400) % 4 == 0).astype(np.int64)
    assert calibration(p, y).ece == pytest.approx(0, abs=1e-6)
    assert [entry.n for entry in calibration(p, y).bins] == [400]
    boastful = np.tile(np.float32([0.99, 0.01]), (400, 1))
    assert calibration(boastful, y).ece == pytest.approx(0.24, abs=1e-6)


def test_baselines():
    y = np.array([0, 0, 0, 1, 1])
    assert majority_baseline(y) == 0.6
    assert np.isnan(majority_baseline(y[:0]))
    phi = np.array([[1, 0], [3, 0.1], [1, 0.2], [0, 1], [0.1, 8]], np.float32)  # of any length: directions count
    assert nearest_baseline(phi, y, np.arange(5)) == 1
    assert nearest_baseline(phi, y, np.array([0, 0, 0, 1, 1])) == 0  # only the other class stands in the other fold
    assert np.isnan(nearest_baseline(phi, y, np.full(5, -1)))


def test_of_many_rows_a_sample_looks_for_its_neighbours(monkeypatch):
    x, y = blobs(600, 3, 12, spread=1.0)
    fold = np.arange(600) % 5
    whole = nearest_baseline(x, y, fold)
    monkeypatch.setattr("graft.evaluation.judging.NEIGHBOURS", 0)
    monkeypatch.setattr("graft.evaluation.judging.LEAST_NEIGHBOURS", 200)
    assert 0.5 < whole < 1
    assert nearest_baseline(x, y, fold) == pytest.approx(whole, abs=0.08)


def test_items_that_were_held_out_once_are_judged_less_surely():
    x, y = blobs(120, 3, 24, spread=0.9)
    once, often = (judged(x, y, 3, repeats=repeats)[0].accuracy for repeats in (1, 3))
    widths = [(score.high - score.low) / np.sqrt(score.value * (1 - score.value)) for score in (once, often)]
    assert widths[0] / widths[1] == pytest.approx(np.sqrt(1.65 / 1.4), rel=0.02)


def test_a_rare_class_is_judged_as_if_no_fold_had_taken_from_it():
    x, y = blobs(240, 2, 24, spread=1.4)
    kept = np.flatnonzero((y == 0) | (np.arange(240) % 12 == 1))  # 120 and 20
    found, out_of_fold, growth = judged(x[kept], y[kept], 2)
    predicted = out_of_fold.p.argmax(axis=1)
    common, rare = found.per_class.values()
    assert common.recall == pytest.approx((predicted[y[kept] == 0] == 0).mean())
    counted = (predicted[y[kept] == 1] == 1).mean()
    assert counted < rare.recall < counted + 0.21 * (1 - counted)
    assert rare.recall == pytest.approx(1 - (1 - counted) * 0.8 ** growth.power_of(1))
    assert rare.n == 20


def test_what_is_called_unknown_has_an_interval():
    x, y = blobs(120, 3, 24, spread=0.9)
    found, out_of_fold, _ = judged(x, y, 3)
    rate = found.unknown.rate
    assert rate.value == pytest.approx(np.nanmean(out_of_fold.rejected), abs=1e-6)
    assert 0 < rate.low < rate.value < rate.high < 0.3
    assert found.unknown.asked == 0.05
