import math

import numpy as np
import pytest
from sklearn import metrics as theirs

from graft.data.dataset import Dataset, Text
from graft.data.split import stratified_group_folds
from graft.errors import DataError
from graft.evaluation import score_held_out
from graft.evaluation.multi_label import judge_multi_label, warn_of_the_labels
from graft.evaluation.outcomes import Outcomes, measure
from graft.evaluation.rows import AskedItems, Rows
from graft.learning.multi_label import fit_multi_label, strata_of
from graft.learning.selection import choose_without
from graft.recipe import Recipe
from graft.report import Evaluation
from graft.tasks.classification import check_test

STAGES = ((8, 8),)
CLASSES = ("day", "night", "rain")


def tagged(n, seed=0):
    random = np.random.default_rng(seed)
    given = random.random((n, 3)) < np.array([0.5, 0.4, 0.2])
    directions = np.random.default_rng(99).normal(size=(3, 16))
    return np.abs(1 + given @ directions + 0.6 * random.normal(size=(n, 16))).astype(np.float32), given


def rows_of(x, given, folds, units=None, copies=None, groups=()):
    units = np.arange(len(x)) if units is None else units
    items = [Text(f"item {row}") for row in range(len(x))]
    copies, known = units if copies is None else copies, {"groups": groups, "classes": CLASSES, "values": given}
    return Rows(x, strata_of(given, units), folds, units, copies, items, **known)


def names(given):
    return [tuple(label for label, borne in zip(CLASSES, row, strict=True) if borne) for row in given]


def score(classifier, x, label_sets, clusters, part):
    items = tuple(Text(f"item {row}") for row in range(len(x)))
    dataset = Dataset(items, tuple(map("|".join, label_sets)), tags=tuple(label_sets))
    return score_held_out(AskedItems.by(classifier, CLASSES, x, dataset), clusters, part)


@pytest.fixture(scope="module")
def fitted():
    x, given = tagged(120)
    units = np.arange(120)
    folds = stratified_group_folds(strata_of(given, units), units, 5, 0, 2)
    return (*fit_multi_label(x, given, units, STAGES, folds, Recipe()), x, given, folds, units)


@pytest.fixture(scope="module")
def judgement(fitted):
    classifier, out_of_fold, x, given, folds, _ = fitted
    return judge_multi_label(classifier, out_of_fold, rows_of(x, given, folds), Recipe())


def test_figures_are_those_of_scikit_learn():
    random = np.random.default_rng(0)
    given = random.random((200, 4)) < 0.3
    p = np.clip(0.3 * given + 0.5 * random.random((200, 4)), 0, 1).astype(np.float32)
    sets = p >= 0.5
    found = measure(p, sets, given)
    assert found.micro_f1 == pytest.approx(theirs.f1_score(given, sets, average="micro"))
    assert found.macro_f1 == pytest.approx(theirs.f1_score(given, sets, average="macro"))
    assert found.hamming_loss == pytest.approx(theirs.hamming_loss(given, sets))
    assert found.exact_match == pytest.approx(theirs.accuracy_score(given, sets))
    assert found.mean_average_precision == pytest.approx(theirs.average_precision_score(given, p, average="macro"))
    assert found.labels_per_item == pytest.approx(given.sum() / 200)
    figures = Outcomes(list("abcd"), p, sets, given, exclusive=False).per_class(np.arange(200))
    assert figures["b"].precision == pytest.approx(theirs.precision_score(given[:, 1], sets[:, 1]))
    assert figures["b"].recall == pytest.approx(theirs.recall_score(given[:, 1], sets[:, 1]))
    assert figures["b"].n == given[:, 1].sum()


def test_tied_scores_stand_on_one_rank():
    given = np.array([[True], [False], [True], [False]])
    p = np.array([[0.9], [0.5], [0.5], [0.5]], np.float32)
    assert measure(p, p >= 0.5, given).mean_average_precision == pytest.approx(
        theirs.average_precision_score(given[:, 0], p[:, 0])
    )


def test_no_labels_at_all_are_no_error():
    nothing = np.zeros((3, 2), np.bool_)
    found = measure(np.full((3, 2), 0.1, np.float32), nothing, nothing)
    assert found.exact_match == 1
    assert math.isnan(found.micro_f1)
    assert math.isnan(found.mean_average_precision)


def test_the_judgement_holds_for_new_items(judgement, fitted):
    x, given = tagged(3000, seed=5)
    kept = (fitted[0].answer(x).sets == given).all(axis=1).mean()
    assert judgement.accuracy.low - 0.03 < kept < judgement.accuracy.high + 0.03
    assert judgement.multi.exact_match == judgement.accuracy.value
    assert "exact match" in judgement.accuracy.method


def test_the_judgement_is_whole(judgement, fitted):
    given = fitted[3]
    assert list(judgement.per_class) == list(CLASSES)
    assert [figures.n for figures in judgement.per_class.values()] == given.sum(axis=0).tolist()
    assert judgement.baselines["majority"] < judgement.accuracy.value
    assert 0 < judgement.baselines["nearest"] < 1
    assert judgement.multi.micro_f1 > 0.8
    assert judgement.learning_curve[-1].accuracy > judgement.learning_curve[0].accuracy
    assert [entry.label for entry in judgement.forecast] == ["all"]
    assert judgement.overfit_gap > -0.05
    assert judgement.judged_on.startswith("all 120 training items")
    assert sum(entry.n for entry in judgement.calibration.bins) == 120


def test_the_commonest_set_is_the_baseline(judgement, fitted):
    sets = names(fitted[3])
    assert judgement.baselines["majority"] == pytest.approx(max(map(sets.count, set(sets))) / 120)


def test_hardest_are_those_whose_labels_are_least_believed(judgement):
    given = [entry.given for entry in judgement.hardest]
    assert given == sorted(given)
    assert any(entry.label != entry.predicted for entry in judgement.hardest)


def test_mistakes_are_the_surest_first_and_few_of_a_kind():
    p = np.array([[0.9, 0.1]] * 10 + [[0.6, 0.4]], np.float32)
    given = np.array([[False, True]] * 10 + [[False, False]])
    items = [Text(f"item {row}") for row in range(11)]
    said = Outcomes(("a", "b"), p, p >= 0.5, given, exclusive=False)
    found = said.mistakes(items)
    assert len(found) == 7
    assert (found[0].label, found[0].predicted) == ("b", "a")
    assert found[0].confidence == pytest.approx(0.81)
    assert found[0].given == pytest.approx(0.01)
    assert (found[-1].label, found[-1].predicted) == ("", "a")
    assert said.hardest(items)[-1].path == "item 10"


def test_no_row_is_judged_by_a_calibration_that_has_seen_it():
    x, given = noisy(90)
    units = np.arange(90)
    folds = stratified_group_folds(strata_of(given, units), units, 5, 0)
    classifier, out_of_fold = fit_multi_label(x, given, units, STAGES, folds, Recipe())
    found = judge_multi_label(classifier, out_of_fold, rows_of(x, given, folds), Recipe())
    choice = out_of_fold.choice
    own = choice.correct[choice.index]
    assert found.learning_curve[-1].accuracy == pytest.approx(own.mean())
    parts = [np.flatnonzero(folds[0] == held_out) for held_out in range(5)]
    chosen_alike = [rows for rows in parts if choose_without(choice, rows) == choice.index]
    assert chosen_alike
    for rows in chosen_alike:
        assert np.array_equal(own[rows] == 1, out_of_fold.right[rows])


def noisy(n):
    x, given = tagged(n)
    return x + 2 * np.random.default_rng(1).normal(size=x.shape).astype(np.float32), given


def test_groups_widen_the_interval_by_how_alike_they_are(fitted):
    classifier, out_of_fold, x, given, folds, _ = fitted
    right = out_of_fold.right
    scattered = [f"g{row % 40}" for row in range(120)]
    alike = [f"g{place // 3}" for place in np.argsort(np.argsort(right, kind="stable"))]  # right together, or wrong
    plain, some, all_of_it = (
        judge_multi_label(classifier, out_of_fold, rows_of(x, given, folds, groups=groups), Recipe())
        for groups in ((), scattered, alike)
    )
    widths = [found.accuracy.high - found.accuracy.low for found in (plain, some, all_of_it)]
    assert widths[0] < widths[1] < widths[2]
    assert plain.accuracy.value == some.accuracy.value == all_of_it.accuracy.value
    curves = [found.learning_curve[-1].high - found.learning_curve[-1].low for found in (plain, all_of_it)]
    assert curves[0] < curves[1]


def test_a_label_of_one_item_has_no_figures():
    x, given = tagged(60)
    given[:, 2] = False
    given[0, 2] = True
    units = np.arange(60)
    folds = stratified_group_folds(strata_of(given, units), units, 5, 0)
    classifier, out_of_fold = fit_multi_label(x, given, units, STAGES, folds, Recipe())
    found = judge_multi_label(classifier, out_of_fold, rows_of(x, given, folds), Recipe())
    assert found.per_class["rain"].n == 0
    assert math.isnan(found.per_class["rain"].recall)


def test_nothing_held_out_is_no_error():
    x, given = tagged(3)
    given = np.eye(3, dtype=np.bool_)
    classifier, out_of_fold = fit_multi_label(x, given, np.arange(3), STAGES, [], Recipe())
    found = judge_multi_label(classifier, out_of_fold, rows_of(x, given, []), Recipe())
    assert math.isnan(found.accuracy.value)
    assert found.judged_on.startswith("nothing")
    assert found.hardest == found.mistakes == ()


def test_held_out_items_are_scored(fitted):
    x, given = tagged(400, seed=6)
    found = score(fitted[0], x, names(given), np.arange(400), "test split")
    assert found.accuracy.value == pytest.approx((fitted[0].answer(x).sets == given).all(axis=1).mean())
    assert found.multi is not None
    assert found.multi.exact_match == found.accuracy.value
    assert found.confusion == ()
    assert found.warnings == ()
    shown = Evaluation(**vars(found))
    assert "Exact match" in str(shown)
    assert "micro_f1" in shown.to_dict()["multi"]


def test_labels_that_the_model_does_not_know_count_as_wrong(fitted):
    x, given = tagged(50, seed=7)
    tags = [(*own, "snow") if row < 10 else own for row, own in enumerate(names(given))]
    found = score(fitted[0], x, tags, np.arange(50), "all items")
    assert found.accuracy.value <= 0.8
    assert found.per_class["snow"].recall == 0
    assert "10 items" in found.warnings[0]


def test_copies_make_the_interval_no_narrower(fitted):
    x, given = tagged(40, seed=8)
    once = score(fitted[0], x, names(given), np.arange(40), "all").accuracy
    twice = score(
        fitted[0], np.repeat(x, 2, 0), names(np.repeat(given, 2, 0)), np.repeat(np.arange(40), 2), "all"
    ).accuracy
    assert (twice.low, twice.high) == pytest.approx((once.low, once.high))


def test_confidence_that_is_right_as_often_as_it_says():
    random = np.random.default_rng(0)
    p = random.random((4000, 3)).astype(np.float32)
    given = random.random((4000, 3)) < p
    assert Outcomes(CLASSES, p, p >= 0.5, given, exclusive=False).calibration.ece < 0.04


def test_data_without_a_known_label_are_refused():
    check_test([("day",), (), ("night",), ("day",)], ["", "", "test", "test"])
    check_test([("day",), (), ()], ["", "test", "test"])
    with pytest.raises(DataError, match="share no label"):
        check_test([("day",), ("snow",)], ["train", "test"])


def test_warnings_speak_of_labels_one_by_one():
    tags = [("a",)] * 6 + [("a", "b")] + [("a", "c")] * 3 + [("a", "d")]
    splits = ["train"] * 10 + ["test"]
    data = Dataset(tuple(Text(f"t{i}") for i in range(11)), (), splits=tuple(splits), modality="text", tags=tuple(tags))
    given = data.select(range(10)).indicator
    notes = warn_of_the_labels(data, [str(i) for i in range(11)], np.arange(11), given, ("a", "b", "c"))
    assert [note.split(":")[0] for note in notes] == ["b", "c (3)", "a", "d", "b, c"]
    assert notes[-1] == "b, c: on no item of the test split, so the test score says nothing of it."
