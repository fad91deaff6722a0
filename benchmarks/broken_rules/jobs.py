"""Rules of training jobs, of images, and of batches of records."""

from __future__ import annotations

from benchmarks.broken_rules.rule import Rule

JOBS = (
    Rule(
        "a setting means the same with and without quotes",
        "src/graft/training_jobs/settings.py",
        "            value = json.loads(text)\n",
        "            break\n",
        "tests/training_jobs/test_settings.py::test_the_same_settings_however_they_came",
    ),
    Rule(
        "False is false",
        "src/graft/training_jobs/settings.py",
        "        return text in _TRUE\n",
        "        return bool(value)\n",
        "tests/training_jobs/test_settings.py::test_false_is_false",
    ),
    Rule(
        "names of a submitter's SDK are skipped, and no others",
        "src/graft/training_jobs/settings.py",
        "if name.startswith(SDK_PREFIX) or name in SDK_NAMES:",
        'if name.startswith("sagemaker") or name in SDK_NAMES:',
        "tests/training_jobs/test_settings.py::test_what_is_no_setting_is_refused",
    ),
    Rule(
        "a job that was told to end says stopped, and leaves no model",
        "src/graft/cli/train.py",
        "    stopping.heed()\n",
        "",
        "tests/training_jobs/test_training.py::test_sigterm_stops_it_and_the_next_start_goes_on",
    ),
    Rule(
        "what does not heed the signal is ended",
        "src/graft/training_jobs/stopping.py",
        "            timer.start()\n",
        "",
        "tests/training_jobs/test_training.py::test_work_that_does_not_heed_the_signal_is_ended",
    ),
    Rule(
        "a job leaves all or nothing",
        "src/graft/training_jobs/training.py",
        "                shutil.rmtree(place) if place.is_dir() else place.unlink()\n",
        "                pass\n",
        "tests/training_jobs/test_training.py::test_a_full_disk_leaves_nothing",
    ),
    Rule(
        "the checkpoints are used",
        "src/graft/training_jobs/training.py",
        "fit(dataset, settings.recipe, cache=cache,",
        "fit(dataset, settings.recipe, cache=None,",
        "tests/training_jobs/test_training.py::test_what_was_embedded_before_a_stop_is_not_embedded_again",
    ),
    Rule(
        "a crash is called one",
        "src/graft/cli/train.py",
        'f"Crashed: {type(error).__name__}: {error}"',
        "str(error)",
        "tests/training_jobs/test_training.py::test_a_crash_is_called_one",
    ),
    Rule(
        "every package of an image has one version",
        "src/graft/export/docker/pins.py",
        '    return f"{one.name}=={version}" if version in one.specifier',
        '    return f"{one.name}>={version}" if version in one.specifier',
        "tests/export/docker/test_folder.py::test_the_base_and_every_package_have_one_version",
    ),
    Rule(
        "a signal to a container meets no shell",
        "src/graft/export/docker/assets/Dockerfile-common.txt",
        'ENTRYPOINT ["graft"]',
        "ENTRYPOINT graft",
        "tests/export/docker/test_folder.py::test_a_signal_meets_no_shell",
    ),
    Rule(
        "a record's digits do not depend on where a batch was cut",
        "src/graft/serving/one_model.py",
        "self._keep, together=False)",
        "self._keep)",
        "tests/serving/test_records.py::test_splitting_elsewhere_changes_nothing",
    ),
    Rule(
        "a row with broken quotes costs its own line",
        "src/graft/serving/records.py",
        "            at += 1\n            continue\n",
        "            at = closes + 1\n            continue\n",
        "tests/serving/test_records.py::test_broken_quotes_cost_their_own_line",
    ),
    Rule(
        "a table whose later parts could not be read is refused",
        "src/graft/serving/records.py",
        "if not columns and len(cells) > 1 and set(cells) <= known:",
        "if False:",
        "tests/serving/test_records.py::test_columns_that_are_named_are_read_wherever_the_table_is_cut",
    ),
)
