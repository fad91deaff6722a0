"""The metrics against scikit-learn and SciPy, and by their properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from sklearn import metrics as reference

from graft import metrics
from graft.evaluation.outcomes import Outcomes


def draw(seed, n=200, k=4, skill=1.5):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    scores = rng.normal(size=(n, k)) + skill * np.eye(k)[y]
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return y, p, p.argmax(axis=1)


@pytest.mark.parametrize("seed", range(5))
def test_class_figures_agree_with_scikit_learn(seed):
    y, p, predicted = draw(seed)
    assert metrics.accuracy(y, predicted) == pytest.approx(reference.accuracy_score(y, predicted))
    assert (metrics.confusion_matrix(y, predicted, 4) == reference.confusion_matrix(y, predicted)).all()
    said = Outcomes.of_classes("abcd", p, y)
    ours = [(figures.precision, figures.recall, figures.n) for figures in said.per_class(np.arange(len(y))).values()]
    precision, recall, _, n = reference.precision_recall_fscore_support(y, predicted)
    for mine, *other in zip(ours, precision, recall, n, strict=True):
        assert mine == pytest.approx(other)
    assert said.macro_f1 == pytest.approx(reference.f1_score(y, predicted, average="macro"))
    assert metrics.log_loss(y, p) == pytest.approx(reference.log_loss(y, p))


def test_macro_f1_leaves_out_classes_that_never_occur_and_counts_those_only_predicted():
    y, predicted = np.array([0, 0, 1]), np.array([0, 2, 1])
    expected = reference.f1_score(y, predicted, average="macro", zero_division=0)
    given, named = (of[:, None] == np.arange(5) for of in (y, predicted))
    assert metrics.label_f1(given, named)[1] == pytest.approx(expected)
    figures = Outcomes("abcde", named.astype(float), named, given).per_class(np.arange(3))
    assert [figures[label].n for label in "abcde"] == [2, 1, 0, 0, 0]
    assert np.isnan([figures["d"].precision, figures["d"].recall]).all()


def test_log_loss_stays_finite_at_probability_zero():
    p = np.array([[1.0, 0.0]], dtype=np.float32)
    assert metrics.log_loss(np.array([1]), p) == pytest.approx(-np.log(np.finfo(np.float32).eps))


def test_calibration_error_of_a_case_worked_by_hand():
    p = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    result = metrics.expected_calibration_error(np.array([0, 1, 0, 0]), p, bins=10)
    assert result.ece == pytest.approx(0.5 * 0.4 + 0.5 * 0.4)
    assert result.n.tolist() == [0, 0, 0, 0, 0, 2, 0, 0, 2, 0]
    assert result.accuracy[5] == 1
    assert result.confidence[8] == pytest.approx(0.9)
    assert np.isnan(result.accuracy[0])


def test_a_calibrated_model_has_a_small_calibration_error_and_a_boastful_one_a_large_one():
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1, 1, 1], 20000)
    y = (rng.random(20000)[:, None] > p.cumsum(axis=1)).sum(axis=1).clip(max=2)
    assert metrics.expected_calibration_error(y, p).ece < 0.02
    boastful = p**3 / (p**3).sum(axis=1, keepdims=True)
    assert metrics.expected_calibration_error(y, boastful).ece > 0.1


@pytest.mark.parametrize(("n", "bins"), [(1, 5), (100, 5), (200, 10), (300, 15), (5000, 15)])
def test_few_items_are_put_into_few_bins(n, bins):
    assert len(metrics.expected_calibration_error(np.zeros(n, np.int64), np.full((n, 2), 0.5)).n) == bins


@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 40), st.just(3)), elements=st.floats(0.01, 1)), st.data())
def test_calibration_bins_hold_every_item_and_make_up_the_error(raw, data):
    p = raw / raw.sum(axis=1, keepdims=True)
    y = data.draw(hnp.arrays(np.int64, len(p), elements=st.integers(0, 2)))
    result = metrics.expected_calibration_error(y, p)
    assert result.n.sum() == len(p)
    used = result.n > 0
    gaps = np.abs(result.confidence - result.accuracy)[used]
    assert result.ece == pytest.approx((gaps * result.n[used]).sum() / len(p))
    edges = np.linspace(0, 1, len(result.n) + 1)
    assert (result.confidence[used] <= edges[1:][used] + 1e-9).all()
    assert (result.confidence[used] >= edges[:-1][used] - 1e-9).all()


@given(
    st.lists(
        st.tuples(st.booleans(), st.sampled_from([-1.0, 0.0, 0.5, 2.0, float("inf")])), min_size=2, max_size=60
    ).filter(lambda rows: len({positive for positive, _ in rows}) == 2)
)
def test_auroc_counts_ties_as_half(rows):
    positive = np.array([row[0] for row in rows])
    score = np.array([row[1] for row in rows])
    a, b = score[positive][:, None], score[~positive][None, :]
    assert metrics.auroc(positive, score) == pytest.approx(np.mean((a > b) + 0.5 * (a == b)))


@pytest.mark.parametrize("seed", range(3))
def test_auroc_agrees_with_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    positive = rng.random(300) < 0.3
    score = np.round(rng.normal(size=300) + positive, 1)
    assert metrics.auroc(positive, score) == pytest.approx(reference.roc_auc_score(positive, score))


@given(st.integers(1, 500), st.floats(0, 1), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_wilson_agrees_with_scipy(n, share, level):
    successes = round(share * n)
    theirs = stats.binomtest(successes, n).proportion_ci(level, method="wilson")
    assert metrics.wilson(successes, n, level) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@given(st.floats(0, 1e6), st.floats(0, 1))
def test_wilson_holds_the_share_for_fractional_sizes_and_narrows_as_they_grow(n, share):
    low, high = metrics.wilson(share * n, n)
    assert 0 <= low <= high <= 1
    if n:
        assert low <= share * n / n <= high
        wider = metrics.wilson(share * n / 2, n / 2)
        assert wider[1] - wider[0] >= high - low - 1e-12


def test_wilson_refuses_more_successes_than_trials():
    with pytest.raises(ValueError, match="3 of 2"):
        metrics.wilson(3, 2)


def test_sets_are_measured():
    sets = np.array([[True, False, True], [False, True, False], [False, False, False]])
    assert metrics.set_coverage(sets, np.array([2, 0, 1])) == pytest.approx(1 / 3)
    assert metrics.set_size(sets) == pytest.approx(1)


def test_nothing_to_measure_is_said_so():
    nothing, no_p, no_sets = np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros((0, 3), bool)
    assert np.isnan(metrics.accuracy(nothing, nothing))
    assert np.isnan(metrics.label_f1(no_sets, no_sets)).all()
    assert np.isnan(metrics.log_loss(nothing, no_p))
    assert np.isnan(metrics.expected_calibration_error(nothing, no_p).ece)
    assert np.isnan(metrics.auroc(np.ones(3, bool), np.ones(3)))
    assert np.isnan(metrics.set_coverage(no_sets, nothing))
    assert np.isnan(metrics.set_size(no_sets))
    assert metrics.confusion_matrix(nothing, nothing, 2).tolist() == [[0, 0], [0, 0]]
    assert metrics.wilson(0, 0) == (0.0, 1.0)


def test_chance_is_taken_off_the_calibration_error():
    # one bin of 20 items that are 0.75 sure, 12 of which are right: g = 0.15, s = sqrt(0.75 * 0.25 / 20) = 0.0968
    y, p = np.repeat([0, 1], [12, 8]), np.tile([0.75, 0.25], (20, 1))
    s, gap = np.sqrt(0.75 * 0.25 / 20), 0.15
    folded = s * np.sqrt(2 / np.pi) * np.exp(-(gap**2) / (2 * s**2)) + gap * (1 - 2 * stats.norm.cdf(-gap / s))
    assert metrics.debiased_calibration_error(y, p) == pytest.approx(2 * gap - folded)
    assert metrics.expected_calibration_error(y, p).ece == pytest.approx(gap)
    assert np.isnan(metrics.debiased_calibration_error(np.empty(0, np.int64), np.empty((0, 2))))


def test_a_calibrated_model_of_100_items_is_not_called_off():
    plain, debiased = [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        sure = rng.uniform(0.5, 1, 100)
        y, p = (rng.random(100) > sure).astype(np.int64), np.stack([sure, 1 - sure], axis=1)
        plain.append(metrics.expected_calibration_error(y, p).ece)
        debiased.append(metrics.debiased_calibration_error(y, p))
    assert np.mean(plain) > 0.05
    assert np.mean(debiased) < 0.65 * np.mean(plain)
    boastful = np.tile([0.95, 0.05], (2000, 1))
    assert metrics.debiased_calibration_error(np.arange(2000) % 2, boastful) == pytest.approx(0.45, abs=0.01)


def test_f1_of_labels_is_the_mean_of_those_that_occur():
    given = np.array([[True, False, False], [True, True, False]])
    predicted = np.array([[True, False, False], [False, True, False]])
    micro, macro = metrics.label_f1(given, predicted)
    assert micro == pytest.approx(2 * 2 / (3 + 2))
    assert macro == pytest.approx((2 / 3 + 1) / 2)
