"""The rules that are broken on purpose: what stands in the code, what takes its place, the test that must fail."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule and how it is broken.

    Attributes:
        name: What holds.
        file: Where, from the project's root.
        text: Stands there exactly once.
        instead: What is put in its place.
        test: The id of a test that has to fail then.
    """

    name: str
    file: str
    text: str
    instead: str
    test: str


_ENDS = "tests/model/test_rules.py::"
"""Tests of what a fit comes to in the end."""

RULES = (
    Rule(
        "groups stay whole in folds",
        "src/graft/tasks/examples.py",
        "units = merge(found.clusters, dataset.groups)",
        "units = found.clusters",
        f"{_ENDS}test_groups_stay_whole_in_every_fold",
    ),
    Rule(
        "copies stay whole in folds",
        "src/graft/tasks/examples.py",
        "units = merge(found.clusters, dataset.groups)",
        "units = merge(np.arange(len(dataset)), dataset.groups)",
        f"{_ENDS}test_copies_stay_whole_in_every_fold",
    ),
    Rule(
        "a row has no vote on the head that judges it",
        "src/graft/learning/classifier.py",
        "unswayed = _without_own_vote(choice, p, y, folds, scored)",
        "unswayed = p",
        f"{_ENDS}test_a_row_does_not_vote_on_the_head_that_judges_it",
    ),
    Rule(
        "rows that do not vote do not count",
        "src/graft/learning/selection.py",
        "counts = np.isin(common, rows, invert=True).astype(np.float32)",
        "counts = np.ones(len(common), np.float32)",
        "tests/heads/test_classifier.py::test_a_row_has_no_say_in_the_choice_of_its_own_head",
    ),
    Rule(
        "the unknown threshold follows the rate that was asked for",
        "src/graft/learning/classifier.py",
        "logits, recipe.unknown_rate)",
        "logits, 0.05)",
        f"{_ENDS}test_as_many_are_called_unknown_as_was_asked_for",
    ),
    Rule(
        "the unknown threshold lets nearly all known items pass",
        "src/graft/learning/unknown.py",
        "ceil((n + 1) * (1 - rate) - 1e-9) / n)",
        "ceil((n + 1) * rate - 1e-9) / n)",
        f"{_ENDS}test_as_many_are_called_unknown_as_was_asked_for",
    ),
    Rule(
        "what points away from all classes is unknown",
        "src/graft/heads/unknown.py",
        "total = (distance - self.distance[0]) / self.distance[1] - (margin",
        "total = 0 * (distance - self.distance[0]) / self.distance[1] - (margin",
        f"{_ENDS}test_what_points_away_from_all_classes_is_called_unknown",
    ),
    Rule(
        "copies in a test split count once",
        "src/graft/model/fitting.py",
        "copies = examples.alike.clusters[test]",
        "copies = np.arange(len(test))",
        f"{_ENDS}test_copies_in_the_test_split_count_once",
    ),
    Rule(
        "prediction sets have the level that was asked for",
        "src/graft/learning/classifier.py",
        "fit_sets(p[scored], y[scored], k, recipe.set_level)",
        "fit_sets(p[scored], y[scored], k, 0.9)",
        f"{_ENDS}test_sets_have_the_level_that_was_asked_for",
    ),
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
        f"{_ENDS}test_chance_is_told_from_skill",
    ),
    Rule(
        "few groups widen intervals by Student's t",
        "src/graft/evaluation/intervals.py",
        " * (quantile / _STUDENT[-1]) ** 2",
        "",
        f"{_ENDS}test_few_groups_make_the_interval_wide",
    ),
    Rule(
        "few units widen paired intervals by Student's t",
        "src/graft/cleaning/worth.py",
        "half = _student(len(totals) - 1) * ",
        "half = 1.96 * ",
        "tests/cleaning/test_worth.py::test_few_units_widen_the_paired_interval",
    ),
    Rule(
        "accuracy is corrected for choosing among heads",
        "src/graft/learning/rule.py",
        "out = (counts == 0).astype(np.float32)",
        "out = (counts >= 0).astype(np.float32)",
        "tests/heads/test_selection.py::test_choosing_among_chance_is_corrected_to_chance",
    ),
    Rule(
        "probabilities are divided by a temperature",
        "src/graft/learning/classifier.py",
        "temperature=float(choice.temperatures[choice.index]),",
        "temperature=1.0,",
        f"{_ENDS}test_probabilities_are_calibrated",
    ),
    Rule(
        "a fold is not calibrated by its own labels",
        "src/graft/learning/calibration.py",
        "others = np.flatnonzero((block >= 0) & ~inside)",
        "others = np.flatnonzero(block >= 0)",
        "tests/heads/test_calibration.py::test_a_fold_does_not_see_its_own_labels",
    ),
    Rule(
        "few items are not believed to be separated for good",
        "src/graft/learning/calibration.py",
        "smoothing = min(1.0, k / ((k - 1) * (items + 2)))",
        "smoothing = 0.0",
        "tests/heads/test_calibration.py::test_perfect_separation_supports_no_more_than_its_items",
    ),
    Rule(
        "conformal sets are corrected for finite samples",
        "src/graft/learning/conformal.py",
        "rank = ceil((len(own) + 1) * level - 1e-9)",
        "rank = ceil(len(own) * level - 1e-9)",
        "tests/heads/test_conformal.py::test_too_few_items_return_every_class_and_say_so",
    ),
    Rule(
        "conformal sets are calibrated class by class",
        "src/graft/learning/conformal.py",
        "own = np.sort(given[label == c])[::-1]",
        "own = np.sort(given)[::-1]",
        "tests/heads/test_conformal.py::test_every_class_is_covered_not_only_the_easy_one",
    ),
    Rule(
        "copies within a test split leak nothing",
        "src/graft/data/split.py",
        "for learned, tested in sides.values() if learned and tested]",
        "for learned, tested in sides.values() if learned or tested]",
        "tests/evaluation/test_notices.py::test_copies_within_the_test_split_leak_nothing",
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
        f"{_ENDS}test_copies_in_the_test_split_count_once",
    ),
    Rule(
        "a row's nearest neighbour is of another fold",
        "src/graft/evaluation/judging.py",
        "train = np.flatnonzero(folds != fold)",
        "train = np.flatnonzero(folds != -2)",
        "tests/evaluation/test_judging.py::test_baselines",
    ),
    Rule(
        "a class of one group is never scored",
        "src/graft/data/split.py",
        "        fixed |= np.isin(groups, lonely)\n",
        "        return fixed\n",
        "tests/data/test_split.py::test_a_class_in_one_group_is_trained_on_and_never_scored",
    ),
    Rule(
        "a test split is not learnt from",
        "src/graft/tasks/examples.py",
        "train, test = np.flatnonzero(~held_out), np.flatnonzero(held_out)",
        "train, test = np.arange(len(dataset)), np.flatnonzero(held_out)",
        f"{_ENDS}test_a_test_split_is_not_learnt_from",
    ),
    Rule(
        "classes stand in the order of their names",
        "src/graft/tasks/classification.py",
        "classes = tuple(sorted(set(learned.labels)))",
        "classes = tuple(dict.fromkeys(learned.labels))",
        f"{_ENDS}test_classes_stand_in_the_order_of_their_names",
    ),
    Rule(
        "what is reported is of the words that a head keeps",
        "src/graft/learning/packing.py",
        "rescore(choice, logits, y)",
        "pass",
        "tests/heads/test_packing.py::test_what_is_reported_is_of_heads_that_keep_their_words_in_few_bytes",
    ),
    Rule(
        "the n-grams that move scores most are kept",
        "src/graft/learning/packing.py",
        'np.argsort(-moved, kind="stable")',
        'np.argsort(moved, kind="stable")',
        "tests/heads/test_packing.py::test_the_ngrams_that_move_scores_most_are_kept",
    ),
    Rule(
        "rare classes weigh more",
        "src/graft/learning/selection.py",
        "raw = 1 / np.sqrt(sizes[y])",
        "raw = 1 / np.sqrt(sizes.mean() + 0 * sizes[y])",
        "tests/heads/test_selection.py::test_class_weights_help_rare_classes_halfway",
    ),
    Rule(
        "an undo that is undone counts no more",
        "src/graft/journal/standing.py",
        "if decision.undoes is None or decision.id in undone:",
        "if decision.undoes is None:",
        "tests/data/test_standing.py::test_undo_redo_and_undo_again",
    ),
    Rule(
        "the later decision holds",
        "src/graft/journal/standing.py",
        "    for decision in once:\n        if decision.id in undone:",
        "    for decision in reversed(once):\n        if decision.id in undone:",
        "tests/data/test_standing.py::test_the_later_decision_holds",
    ),
    Rule(
        "a file is replaced as a whole",
        "src/graft/files.py",
        "        write_synced(temporary, data)\n        temporary.replace(path)\n",
        "        path.write_bytes(data)\n",
        "tests/test_files.py::test_who_reads_the_old_file_reads_it_to_its_end",
    ),
    Rule(
        "the cache tells encoders apart",
        "src/graft/encoders/embed.py",
        'f"{encoder.fingerprint}:{digest}".encode()',
        'f"{encoder.name}:{digest}".encode()',
        "tests/encoders/test_embed.py::test_another_backend_has_entries_of_its_own",
    ),
    Rule(
        "the cache goes by content and not by name",
        "src/graft/encoders/embed.py",
        "contents[row] = item.read()",
        "contents[row] = item.name.encode()",
        "tests/encoders/test_embed.py::test_the_same_content_under_another_name_is_a_hit",
    ),
    Rule(
        "what extend was given again counts once",
        "src/graft/model/extending.py",
        "zip(embedded.digests, new.labels, strict=True)) if pair not in known]",
        "zip(embedded.digests, new.labels, strict=True)) if pair]",
        "tests/model/test_extending.py::test_it_can_be_saved_and_extended_again",
    ),
    Rule(
        "extend judges old classes on their own items",
        "src/graft/model/extending.py",
        "(fitted.examples.train < n_before) & out_of_fold.scored",
        "(fitted.examples.train >= n_before) & out_of_fold.scored",
        "tests/model/test_extending.py::test_a_class_is_added_without_the_old_photos",
    ),
    Rule(
        "a tuned model is better beyond chance",
        "src/graft/tuning/gate.py",
        "ships = bool(high < 0 and right_after >= right_before)",
        "ships = bool(mean < 0 and right_after >= right_before)",
        "tests/tuning/test_gate.py::test_one_item_more_may_be_chance",
    ),
    Rule(
        "a tuned model is not less accurate",
        "src/graft/tuning/gate.py",
        "ships = bool(high < 0 and right_after >= right_before)",
        "ships = bool(high < 0)",
        "tests/tuning/test_gate.py::test_a_lower_loss_with_lower_accuracy_does_not_ship",
    ),
    Rule(
        "training has to help beyond names",
        "src/graft/tuning/gate.py",
        "        if left >= 0:\n",
        "        if left >= 100:\n",
        "tests/tuning/test_gate.py::test_what_names_alone_bring_is_not_the_trainings",
    ),
    Rule(
        "no member of a zip reaches outside",
        "src/graft/decoding/archive.py",
        '".." in parts or ',
        "",
        "tests/data/test_archive.py::test_members_that_reach_outside_are_refused",
    ),
    Rule(
        "weights are the pinned ones",
        "src/graft/encoders/sources.py",
        "            if found == self.sha256:\n",
        "            if found:\n",
        "tests/encoders/test_weights.py::test_another_file_is_refused_by_its_hash",
    ),
    Rule(
        "a packed network is the pinned one",
        "src/graft/encoders/structures.py",
        "            return packed == self.sha256 and ",
        "            return packed != self.name and ",
        "tests/encoders/test_structures.py::test_what_is_damaged_is_written_anew",
    ),
    Rule(
        "a changed file of a bundle is noticed",
        "src/graft/bundle.py",
        "        if _sha256(contents[name]) != sha256:\n",
        "        if not sha256:\n",
        "tests/test_bundle.py::test_a_flipped_bit_anywhere_is_noticed",
    ),
    Rule(
        "a changed head is noticed by its own digest",
        "src/graft/tensors.py",
        "    if metadata[_DIGEST] != _digest(",
        "    if not _digest(",
        "tests/prediction/test_loading.py::test_a_flipped_bit_anywhere_in_the_head_is_noticed",
    ),
    Rule(
        "numbers that are not finite are refused",
        "src/graft/tensors.py",
        "& 0x7C00) == 0x7C00).any()",
        "& 0x7C00) == 0x7C01).any()",
        "tests/test_tensors.py::test_numbers_that_are_not_finite_are_neither_written_nor_read",
    ),
    Rule(
        "what was read is not written over",
        "src/graft/data/guard.py",
        "            if real == place or (own is not None and own == there):\n",
        "            if real != place and real == place:\n",
        "tests/cli/test_outputs.py::test_methods_of_python_refuse_too",
    ),
    Rule(
        "the editor is closed to those without its session",
        "src/graft/app/gate.py",
        'if not begins and not self.session.is_begun(headers.get("cookie", "")):',
        "if not begins and not headers:",
        "tests/app/test_server.py::test_without_the_address_nothing_is_answered",
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
        "src/graft/evaluation/held_out.py",
        "effect = group_design_effect(right, groups) if grouped else 1.0",
        "effect = 1.0",
        f"{_ENDS}test_groups_in_the_test_split_widen_its_interval",
    ),
    Rule(
        "a confident gate looks at the lower bound",
        "src/graft/cli/evaluate.py",
        "_refusal(evaluation.accuracy, min_accuracy, confident)",
        "_refusal(evaluation.accuracy, min_accuracy, False)",
        "tests/cli/test_evaluate.py::test_a_confident_gate_looks_at_the_lower_bound",
    ),
    Rule(
        "a bundle fetches nothing unless told to",
        "src/graft/prediction/made_with.py",
        'with staying_here(f"{place} was made with", unless=allow_download):',
        'with staying_here(f"{place} was made with", unless=True):',
        "tests/model/test_broken_bundles.py::test_a_broken_bundle_is_refused_with_its_reason",
    ),
    Rule(
        "an entry of the cache is what was written",
        "src/graft/encoders/cache.py",
        "    if statistics[len(_CHECKSUM) : start] != _checksum(vector, statistics[start:]):\n",
        "    if not statistics:\n",
        "tests/encoders/test_cache.py::test_an_entry_that_is_not_what_was_written_is_missing",
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
        "what is doubtful widens the interval",
        "src/graft/evaluation/doubt.py",
        "low=min(found.low, least.low)",
        "low=found.low",
        "tests/evaluation/test_doubt.py::test_the_interval_of_a_doubtful_score_reaches_down_to_guessing",
    ),
    Rule(
        "what shows nothing is no copy",
        "src/graft/duplicates/likeness.py",
        "blank[rows] = show_nothing(prints)",
        "blank[rows] = False",
        "tests/model/test_likeness.py::test_patches_of_colour_are_no_copies_of_one_another",
    ),
    Rule(
        "suggestions are not asked about",
        "src/graft/cleaning/worth.py",
        "untouched = edited.kept & ~followed",
        "untouched = edited.kept",
        "tests/cleaning/test_worth.py::test_a_score_does_not_confirm_what_the_model_suggested",
    ),
    Rule(
        "a fold's heads learn no suggestion that its labels led to",
        "src/graft/cleaning/worth.py",
        "own = labels.without(followed & ~self._standing[task], self._given)",
        "own = labels",
        "tests/cleaning/test_worth.py::test_a_score_does_not_confirm_what_the_model_suggested",
    ),
    Rule(
        "noise is asked",
        "src/graft/model/noises.py",
        "if share > MUCH",
        "if share > 1",
        "tests/model/test_noises.py::test_a_class_that_takes_noise_is_named",
    ),
    Rule(
        "background may take noise",
        "src/graft/model/noises.py",
        "if label not in allowed",
        "if label",
        "tests/model/test_noises.py::test_background_may_take_it",
    ),
    Rule(
        "a dash marks a class",
        "src/graft/reading/folders.py",
        "label, is_negative = _unmarked(printable(entry.parts[0]))",
        "label, is_negative = printable(entry.parts[0]), False",
        "tests/model/test_noises.py::test_a_dash_marks_a_class_as_none_of_the_others_and_is_no_part_of_its_name",
    ),
)
