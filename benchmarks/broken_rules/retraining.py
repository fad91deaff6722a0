"""Rules of the prediction log and of retraining: what counts once, what decides, what is whole at every instant."""

from __future__ import annotations

from benchmarks.broken_rules.rule import Rule

RETRAINING = (
    Rule(
        "copies of what the model has seen do not judge",
        "src/graft/retraining/material.py",
        "        np.isin(units, units[known]),\n",
        "        known,\n",
        "tests/retraining/test_retraining.py::test_copies_of_what_it_was_fitted_to_do_not_judge",
    ),
    Rule(
        "a correction takes the place of its item",
        "src/graft/retraining/material.py",
        "for row, digest in enumerate(embedded.digests) if digest not in last]",
        "for row, digest in enumerate(embedded.digests)]",
        "tests/retraining/test_retraining.py::test_copies_of_what_it_was_fitted_to_do_not_judge",
    ),
    Rule(
        "what the model has seen of a test split does not judge",
        "src/graft/retraining/judging.py",
        "material.tested & ~material.seen & ~learned",
        "material.tested",
        "tests/retraining/test_retraining.py::test_a_test_split_decides_alone_without_what_the_model_has_seen",
    ),
    Rule(
        "items that decide again pay",
        "src/graft/retraining/decisions.py",
        "    return 1.0 + sum(counts",
        "    return 1.0 + 0 * sum(counts",
        "tests/retraining/test_retraining.py::test_the_same_items_pay_each_time",
    ),
    Rule(
        "the level rises with each use",
        "src/graft/retraining/gate.py",
        "max(uses, 1.0) ** 2",
        "1.0",
        "tests/retraining/test_gate.py::test_months_that_use_the_same_items_never_go_wrong_more_often_than_in_5_of_100",
    ),
    Rule(
        "labels that contradict the old ones do not ship",
        "src/graft/retraining/retraining.py",
        "old := asked(~new)).difference.high < 0",
        "old := asked(~new)).difference.high < -9",
        "tests/retraining/test_retraining.py::"
        "test_new_labels_that_contradict_the_old_ones_do_not_ship_although_they_are_learned",
    ),
    Rule(
        "a class does not get lost",
        "src/graft/retraining/retraining.py",
        "sorted(set(used.classes) - set(learned.classes))",
        "sorted(set(used.classes) - set(used.classes))",
        "tests/retraining/test_retraining.py::test_a_class_that_is_missing_does_not_go",
    ),
    Rule(
        "what may be worse by more than a point stays",
        "src/graft/retraining/gate.py",
        "difference.low > -MARGIN and",
        "difference.low > -9 and",
        "tests/retraining/test_gate.py::test_worse_ones_stay_and_better_ones_ship",
    ),
    Rule(
        "copies count once in the gate",
        "src/graft/retraining/gate.py",
        "    totals = np.bincount(np.unique(units, return_inverse=True)[1].reshape(-1), difference)\n",
        "    totals = difference\n",
        "tests/retraining/test_gate.py::test_copies_count_once",
    ),
    Rule(
        "two names change places in one step",
        "src/graft/retraining/placing.py",
        '    if exchange(new, place):\n        return new\n    aside = beside(place, "old")',
        '    aside = place.with_name("aside")',
        "tests/retraining/test_placing.py::test_who_reads_meanwhile_always_finds_one",
    ),
    Rule(
        "one at a time",
        "src/graft/retraining/placing.py",
        "        if not mine:\n",
        "        if False:\n",
        "tests/retraining/test_placing.py::test_one_at_a_time_and_free_again_at_the_end",
    ),
    Rule(
        "a logged item counts once",
        "src/graft/monitoring/log.py",
        "        if (one.of, one.key) in seen:\n",
        "        if False:\n",
        "tests/monitoring/test_log.py::test_an_item_counts_once",
    ),
    Rule(
        "half a last line of a log waits",
        "src/graft/monitoring/log.py",
        'b"" if length > MAX_LINE else None',
        'b"" if length else None',
        "tests/monitoring/test_log.py::test_half_a_last_line_waits_and_the_next_writer_ends_it",
    ),
    Rule(
        "a full disk leaves no line of a log in part",
        "src/graft/journal/appending.py",
        "            os.ftruncate(descriptor, size)\n",
        "            pass\n",
        "tests/monitoring/test_log.py::test_a_full_disk_leaves_no_line_in_part",
    ),
    Rule(
        "a log takes ever fewer items",
        "src/graft/monitoring/log.py",
        "int(key[:8], 16) % every == 0",
        "int(key[:8], 16) % 1 == 0",
        "tests/monitoring/test_log.py::test_it_grows_ever_slower_and_stays_below_its_limit",
    ),
    Rule(
        "a log is its owner's alone",
        "src/graft/monitoring/log.py",
        "os.fchmod(descriptor, 0o600)",
        "os.fchmod(descriptor, 0o644)",
        "tests/monitoring/test_log.py::test_neither_items_nor_names_nor_digests_stand_in_it",
    ),
    Rule(
        "keys of two logs cannot be joined",
        "src/graft/monitoring/log_format.py",
        "key=self.salt, ",
        "",
        "tests/monitoring/test_log.py::test_neither_items_nor_names_nor_digests_stand_in_it",
    ),
    Rule(
        "what goes wrong with a log is said once",
        "src/graft/monitoring/keeping.py",
        "        if kind not in self._said:\n",
        "        if True:\n",
        "tests/monitoring/test_keeping.py::test_a_disk_that_refuses_is_said_once",
    ),
    Rule(
        "nothing waits without end for a log",
        "src/graft/monitoring/keeping.py",
        "self._items + len(rows) > WAITING or ",
        "",
        "tests/monitoring/test_keeping.py::test_what_comes_too_fast_is_let_go_and_said_once",
    ),
)
