"""Rules of what judges: evaluation, cleaning, what reports say, and the gate of a command."""

from __future__ import annotations

from benchmarks.broken_rules.rule import ENDS, Rule

JUDGING = (
    Rule(
        "labels are doubted only by heads that beat chance",
        "src/graft/cleaning/label_errors.py",
        ".mean() > chance + 2 * error)",
        ".mean() < chance + 2 * error)",
        "tests/cleaning/test_label_errors.py::test_wrong_labels_score_low_and_are_flagged",
    ),
    Rule(
        "labels of noise are not doubted",
        "src/graft/cleaning/label_errors.py",
        ".mean() > chance + 2 * error)",
        ".mean() > chance - 2 * error)",
        "tests/cleaning/test_label_errors.py::test_labels_are_not_doubted_by_heads_that_know_nothing",
    ),
    Rule(
        "a score that chance could reach is doubted",
        "src/graft/report/words.py",
        "known(value, score.low) and value >= score.low / judged]",
        "known(value, score.low) and value <= score.low / judged]",
        f"{ENDS}test_chance_is_told_from_skill",
    ),
    Rule(
        "few groups widen intervals by Student's t",
        "src/graft/evaluation/intervals.py",
        " * (quantile / _STUDENT[-1]) ** 2",
        "",
        f"{ENDS}test_few_groups_make_the_interval_wide",
    ),
    Rule(
        "few units widen paired intervals by Student's t",
        "src/graft/cleaning/effect.py",
        "half = student_quantile(0.95, len(totals) - 1) * ",
        "half = 1.96 * ",
        "tests/cleaning/test_worth.py::test_few_units_widen_the_paired_interval",
    ),
    Rule(
        "cross-validated items count for less than independent ones",
        "src/graft/evaluation/intervals.py",
        "effective_size(clusters) / correlation / design_effect",
        "effective_size(clusters) / design_effect",
        "tests/evaluation/test_intervals.py::test_cross_validation_widens_it",
    ),
    Rule(
        "copies count once in every interval",
        "src/graft/evaluation/intervals.py",
        "return float(sizes.sum() ** 2 / (sizes**2).sum())",
        "return float(sizes.sum())",
        f"{ENDS}test_copies_in_the_test_split_count_once",
    ),
    Rule(
        "a row's nearest neighbour is of another fold",
        "src/graft/evaluation/judging.py",
        "train = np.flatnonzero(folds != fold)",
        "train = np.flatnonzero(folds != -2)",
        "tests/evaluation/test_judging.py::test_baselines",
    ),
    Rule(
        "a score takes five judged items of two classes",
        "src/graft/evaluation/intervals.py",
        "(np.bincount(y) >= LEAST_ITEMS).sum()",
        "(np.bincount(y) >= 1).sum()",
        "tests/evaluation/test_intervals.py::test_a_score_takes_five_items_of_two_classes",
    ),
    Rule(
        "items that were not judged may be right",
        "src/graft/evaluation/intervals.py",
        "high=judged * found.high + share)",
        "high=judged * found.high)",
        "tests/evaluation/test_intervals.py::test_items_that_were_not_judged_may_be_wrong_or_right",
    ),
    Rule(
        "the interval of a given test split is for new groups",
        "src/graft/evaluation/outcomes.py",
        "effect = group_design_effect(right, groups) if grouped else 1.0",
        "effect = 1.0",
        f"{ENDS}test_groups_in_the_test_split_widen_its_interval",
    ),
    Rule(
        "a confident gate looks at the lower bound",
        "src/graft/cli/evaluate.py",
        "_refusal(evaluation.accuracy, min_accuracy, confident)",
        "_refusal(evaluation.accuracy, min_accuracy, False)",
        "tests/cli/test_evaluate.py::test_a_confident_gate_looks_at_the_lower_bound",
    ),
    Rule(
        "what is doubtful widens the interval",
        "src/graft/evaluation/doubt.py",
        "low=min(found.low, least.low)",
        "low=found.low",
        "tests/evaluation/test_doubt.py::test_the_interval_of_a_doubtful_score_reaches_down_to_guessing",
    ),
    Rule(
        "suggestions are not asked about",
        "src/graft/cleaning/effect.py",
        "untouched = edited.kept & ~followed",
        "untouched = edited.kept",
        "tests/cleaning/test_worth.py::test_a_score_does_not_confirm_what_the_model_suggested",
    ),
    Rule(
        "a fold's heads learn no suggestion that its labels led to",
        "src/graft/cleaning/effect.py",
        "labels.without(followed & ~self._credible[task], self._given)",
        "labels",
        "tests/cleaning/test_worth.py::test_a_score_does_not_confirm_what_the_model_suggested",
    ),
    Rule(
        "errors of numbers count copies once",
        "src/graft/evaluation/regression.py",
        "np.unique(units, return_inverse=True)[1].reshape(-1), influence)",
        "np.arange(len(units)), influence)",
        "tests/evaluation/test_regression.py::test_copies_do_not_narrow_an_interval",
    ),
)
