"""Rules of data: reading, splits, copies, decisions."""

from __future__ import annotations

from benchmarks.broken_rules.rule import Rule

DATA = (
    Rule(
        "copies within a test split leak nothing",
        "src/graft/data/split.py",
        "for learned, tested in sides.values() if learned and tested]",
        "for learned, tested in sides.values() if learned or tested]",
        "tests/evaluation/test_notices.py::test_copies_within_the_test_split_leak_nothing",
    ),
    Rule(
        "a class of one group is never scored",
        "src/graft/data/split.py",
        "        fixed |= np.isin(groups, lonely)\n",
        "        return fixed\n",
        "tests/data/test_split.py::test_a_class_in_one_group_is_trained_on_and_never_scored",
    ),
    Rule(
        "an undo that is undone counts no more",
        "src/graft/journal/resolution.py",
        "if decision.undoes is None or decision.id in undone:",
        "if decision.undoes is None:",
        "tests/data/test_standing.py::test_undo_redo_and_undo_again",
    ),
    Rule(
        "the later decision holds",
        "src/graft/journal/resolution.py",
        "    for decision in once:\n        if decision.id in undone:",
        "    for decision in reversed(once):\n        if decision.id in undone:",
        "tests/data/test_standing.py::test_the_later_decision_holds",
    ),
    Rule(
        "no member of a zip reaches outside",
        "src/graft/decoding/archive.py",
        '".." in parts or ',
        "",
        "tests/data/test_archive.py::test_members_that_reach_outside_are_refused",
    ),
    Rule(
        "what was read is not written over",
        "src/graft/data/guard.py",
        "            if real == place or (own is not None and own == there):\n",
        "            if real != place and real == place:\n",
        "tests/cli/test_outputs.py::test_methods_of_python_refuse_too",
    ),
    Rule(
        "leaks are counted in items",
        "src/graft/data/split.py",
        "    return len(torn), sum(torn)\n",
        "    return len(torn), len(torn)\n",
        "tests/evaluation/test_notices.py::test_leaks_are_counted_in_items_and_not_in_clusters",
    ),
    Rule(
        "bursts of any size are whole",
        "src/graft/duplicates/clusters.py",
        "        self._whole.join(a, b)\n",
        "        self._whole.join(a, b, self._limit)\n",
        "tests/data/test_split.py::test_a_burst_stays_whole_where_its_classes_have_other_items",
    ),
    Rule(
        "what fills a class is cut",
        "src/graft/duplicates/clusters.py",
        "fills = np.unique(pairs[0][2 * counts > of_class[pairs[1]]])",
        "fills = pairs[0][:0]",
        "tests/data/test_split.py::test_a_burst_that_may_be_a_class_before_one_camera_is_cut_and_doubted",
    ),
    Rule(
        "what shows nothing is no copy",
        "src/graft/duplicates/likeness.py",
        "blank[rows] = show_nothing(prints)",
        "blank[rows] = False",
        "tests/model/test_likeness.py::test_patches_of_colour_are_no_copies_of_one_another",
    ),
    Rule(
        "a dash marks a class",
        "src/graft/reading/folders.py",
        "label, is_negative = _unmarked(printable(entry.parts[0]))",
        "label, is_negative = printable(entry.parts[0]), False",
        "tests/model/test_noises.py::test_a_dash_marks_a_class_as_none_of_the_others_and_is_no_part_of_its_name",
    ),
    Rule(
        "a decimal comma is no number",
        "src/graft/cells.py",
        "float(cell) if _NUMBER.fullmatch(cell)",
        'float(cell.replace(",", ".")) if _NUMBER.fullmatch(cell.replace(",", "."))',
        "tests/cli/test_regression.py::test_a_label_that_is_no_number_is_named",
    ),
)
