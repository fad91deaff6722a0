"""Rules of why, of the page that tries a model, and of what is corrected there."""

from __future__ import annotations

from benchmarks.broken_rules.rule import Rule

PAGES = (
    Rule(
        "a covered square is the one that it is counted as",
        "src/graft/explanation/pictures.py",
        "row, column = divmod(place, SIDE)",
        "column, row = divmod(place, SIDE)",
        "tests/explanation/test_explain.py::test_an_effect_is_what_the_probability_loses_when_the_square_is_covered",
    ),
    Rule(
        "a word that is left out is left out of what the head reads of words, too",
        "src/graft/explanation/texts.py",
        "            texts.append(rest)\n",
        "            texts.append(text)\n",
        "tests/explanation/test_explain.py::test_the_words_of_a_head_that_reads_words_are_left_out_for_it_too",
    ),
    Rule(
        "silence is as quiet as the recording",
        "src/graft/explanation/recordings.py",
        "_noise(len(samples)) * level * math.sqrt(3)",
        "_noise(len(samples)) * math.sqrt(3)",
        "tests/explanation/test_explain.py::test_silence_is_as_quiet_as_the_recording_and_touches_nothing_else",
    ),
    Rule(
        "a correction is kept once",
        "src/graft/app/corrections.py",
        "if own is not None and own.label == label:",
        "if False:",
        "tests/app/test_corrections.py::test_nothing_is_written_twice_and_another_label_takes_the_place_of_the_first",
    ),
    Rule(
        "corrections of many hands wait for one another",
        "src/graft/app/corrections.py",
        "with appending.opened(self.path / _LOCK):",
        "with contextlib.nullcontext():",
        "tests/app/test_corrections.py::test_many_hands_write_into_one_folder",
    ),
    Rule(
        "a manifest leads nowhere but to its own items",
        "src/graft/app/corrections.py",
        "if found.path and not _PATH.fullmatch(found.path):",
        "if False:",
        "tests/app/test_corrections.py::test_a_manifest_that_names_files_elsewhere_is_refused",
    ),
    Rule(
        "what a page is asked enters no cache",
        "src/graft/app/try_routes.py",
        "embedder.submit(model.encoder, [content], None, SERVED)",
        "embedder.submit(model.encoder, [content], __import__('graft.encoders.cache').encoders.cache.Cache(), SERVED)",
        "tests/app/test_try_page.py::test_what_is_asked_enters_no_cache",
    ),
    Rule(
        "the page has the limits of a server",
        "src/graft/app/try_routes.py",
        "embedder.submit(model.encoder, [content], None, SERVED)",
        "embedder.submit(model.encoder, [content], None)",
        "tests/app/test_try_page.py::test_a_bad_item_is_answered_in_words",
    ),
    Rule(
        "another site's page cannot ask",
        "src/graft/app/gate.py",
        'if origin is not None and site != "same-origin" and',
        "if False and",
        "tests/app/test_try_page.py::test_another_site_may_neither_ask_nor_correct",
    ),
)
