"""Rules of a model that is watched: what an alarm costs, what it is raised for, and when there is no figure."""

from __future__ import annotations

from benchmarks.broken_rules.rule import Rule

_WATCHING = "src/graft/monitoring/watching.py"
_BETTING = "src/graft/monitoring/betting.py"
_MONITORING = "src/graft/monitoring/monitoring.py"
_CLI = "tests/cli/test_monitor.py::"
_STREAMS = "tests/monitoring/test_watching.py::"
_BETS = "tests/monitoring/test_betting.py::"

MONITORING = (
    Rule(
        "an alarm is not raised before enough items",
        _WATCHING,
        "        capital[:LEAST_ITEMS] = _NEVER\n",
        "",
        _STREAMS + "test_too_little_raises_no_alarm_whatever_it_is",
    ),
    Rule(
        "the tests share five percent",
        _WATCHING,
        'LEVELS = {"input": 0.02, "answers": 0.02, "unknown": 0.01}',
        'LEVELS = {"input": 0.05, "answers": 0.05, "unknown": 0.05}',
        _STREAMS + "test_all_that_is_bet_on_shares_five_percent",
    ),
    Rule(
        "an alarm needs a capital of one over its level",
        _WATCHING,
        "np.flatnonzero(capital >= -np.log(level))",
        "np.flatnonzero(capital >= np.log(2))",
        _STREAMS + "test_a_capital_below_one_over_the_level_is_no_alarm",
    ),
    Rule(
        "fixed scores of the inputs share their level",
        _WATCHING,
        "    price = np.log(len(columns)) - np.log(_SHARED)\n",
        "    price = 0.0\n",
        _STREAMS + "test_all_that_is_bet_on_shares_five_percent",
    ),
    Rule(
        "learned scores of the inputs share their level",
        _WATCHING,
        "        price = np.log((number + 1) * (number + 2)) - np.log(1 - _SHARED)\n",
        "        price = 0.0\n",
        _STREAMS + "test_all_that_is_bet_on_shares_five_percent",
    ),
    Rule(
        "classes share the level of the answers",
        _WATCHING,
        " - np.log(len(columns))\n        yield _Bet(capital, now",
        "\n        yield _Bet(capital, now",
        _STREAMS + "test_all_that_is_bet_on_shares_five_percent",
    ),
    Rule(
        "a direction is bet on with items that it was not learned from",
        _WATCHING,
        "        capital = shifted(ranks(pool, score[begins : begins + LIFE], jitter), len(pool), RISES, late=False)\n",
        "        capital = shifted(ranks(pool, score[: len(jitter)], jitter), len(pool), RISES, late=False)\n",
        _STREAMS + "test_a_direction_knows_nothing_of_what_it_is_bet_on_with",
    ),
    Rule(
        "heads are asked of items of the reference that they have not seen",
        _WATCHING,
        "scorer = _fit(reference, np.flatnonzero(fold != one))",
        "scorer = _fit(reference, np.arange(len(reference)))",
        _STREAMS + "test_the_reference_is_asked_out_of_fold",
    ),
    Rule(
        "what the scorer was fitted to is not ranked",
        _WATCHING,
        "    before, now = scorer.score(reference.x[ranked]), scorer.score(x)\n",
        "    before, now = scorer.score(reference.x[fitted]), scorer.score(x)\n",
        _STREAMS + "test_new_items_are_as_strange_as_those_that_they_are_ranked_among",
    ),
    Rule(
        "ties are broken by chance",
        _BETTING,
        "lower + jitter[start : start + _BLOCK] * (equal + 1)",
        "lower + (equal + 1)",
        _BETS + "test_ranks_count_what_came_before_and_break_ties_by_chance",
    ),
    Rule(
        "items are ranked among all before them",
        _BETTING,
        '        before = np.sort(np.concatenate([before, block]), kind="stable")\n',
        "",
        _BETS + "test_ranks_count_what_came_before_and_break_ties_by_chance",
    ),
    Rule(
        "a bet pays one in the mean",
        _BETTING,
        "logs - np.log(np.exp(logs).mean(axis=1, keepdims=True))",
        "logs",
        _BETS + "test_the_capital_seldom_grows_while_nothing_changes",
    ),
    Rule(
        "a late change is bet on too",
        _BETTING,
        "    begun = paid + np.logaddexp.accumulate(laid - before, axis=1)\n",
        "    begun = paid + laid[0]\n",
        _BETS + "test_a_change_is_found_soon_whenever_it_begins",
    ),
    Rule(
        "copies of the reference count once",
        "src/graft/monitoring/reference.py",
        "        kept = distinct(x.astype(np.float16).astype(np.float32), stages)\n",
        "        kept = np.arange(len(x))\n",
        _STREAMS + "test_copies_of_the_reference_count_once",
    ),
    Rule(
        "an item of a log counts once",
        "src/graft/monitoring/log.py",
        "        if (one.of, one.key) in seen:\n",
        "        if (one.of, one.key) in set():\n",
        _CLI + "test_repeats_and_broken_lines_are_told_apart_and_change_nothing",
    ),
    Rule(
        "items that the model was fitted to are left out",
        _MONITORING,
        "    whole, logged = logged, logged.without(reference.digests)\n",
        "    whole = logged\n",
        _CLI + "test_items_that_the_model_was_fitted_to_are_left_out",
    ),
    Rule(
        "other inputs leave no figure of the accuracy",
        _MONITORING,
        "        if change.changed and not _is_explained(reference, change, confusion, counts):\n",
        "        if change is None:\n",
        _CLI + "test_other_inputs_leave_no_figure_but_how_many_to_label",
    ),
    Rule(
        "what the mix of classes explains is no other input",
        _MONITORING,
        "    return left < max(",
        "    return left < 0 * max(",
        "tests/monitoring/test_monitoring.py::test_what_the_mix_of_classes_explains_is_no_other_input",
    ),
    Rule(
        "from a few items no accuracy is estimated",
        _MONITORING,
        "    if len(logged) < LEAST_ITEMS:\n",
        "    if not len(logged):\n",
        _CLI + "test_eight_items_all_alike_are_no_change_and_give_no_figure",
    ),
    Rule(
        "from one answer alone no accuracy is estimated",
        _MONITORING,
        "    if (counts > 0).sum() < 2:\n",
        "    if (counts > 0).sum() < 1:\n",
        _CLI + "test_a_class_that_vanished_is_named_and_one_answer_leaves_no_accuracy",
    ),
    Rule(
        "a class that the reference never had is named",
        _MONITORING,
        "set(_labels(logged)) - set(_known(reference))",
        "set(_labels(logged)) - set(model.classes)",
        _CLI + "test_a_class_that_the_reference_never_had_is_named",
    ),
    Rule(
        "a class that vanished is named",
        _MONITORING,
        "name not in answered and share",
        "name in answered and share",
        _CLI + "test_a_class_that_vanished_is_named_and_one_answer_leaves_no_accuracy",
    ),
    Rule(
        "a class is missed only where it should have come several times",
        _MONITORING,
        "share * len(logged) >= _GONE",
        "share * len(logged) >= 1",
        _CLI + "test_eight_items_all_alike_are_no_change_and_give_no_figure",
    ),
    Rule(
        "the accuracy follows the shares of classes",
        "src/graft/monitoring/accuracy.py",
        "np.maximum(p, 1e-9) * (now / before)",
        "np.maximum(p, 1e-9)",
        "tests/monitoring/test_accuracy.py::test_shares_of_classes_are_found_again",
    ),
    Rule(
        "near copies in a log are told",
        _MONITORING,
        "    return len(x) - len(distinct(x, reference.stages)) if len(x) else 0\n",
        "    return 0\n",
        _CLI + "test_one_photo_over_and_over_is_told_as_such",
    ),
    Rule(
        "groups of given data are told",
        "src/graft/monitoring/normal.py",
        "name, tuple(own), groups)",
        "name, tuple(own), ())",
        _CLI + "test_a_reference_that_comes_in_groups_is_said_to",
    ),
    Rule(
        "groups of what a model was fitted to are told",
        "src/graft/monitoring/normal.py",
        "tuple(labels), [groups[one] for one in found])",
        "tuple(labels), ())",
        _CLI + "test_a_reference_that_comes_in_groups_is_said_to",
    ),
    Rule(
        "a change ends with its own exit code",
        "src/graft/cli/monitor.py",
        "    return ALARM if found.alarm else 0\n",
        "    return 0\n",
        _CLI + "test_a_change_ends_with_3_and_is_shown",
    ),
)
