"""What a notebook that somebody else starts must never do, or always does."""

from benchmarks.broken_rules.rule import Rule

ROUTES = "src/graft/serving/notebook_routes.py"
RUNS = "src/graft/serving/notebook_runs.py"
FUNCTION = "src/graft/notebooks/function.py"
IMAGE = "src/graft/export/notebook/image.py"
SERVED = "tests/serving/test_notebook.py"
EXPORTED = "tests/export/notebook/test_image.py"
EXAMPLES = "tests/notebooks/test_examples.py"

SERVED_NOTEBOOKS = (
    Rule(
        "a page of another site begins no run",
        ROUTES,
        "own_pages=True,",
        "own_pages=False,",
        f"{SERVED}::test_a_page_of_another_site_begins_and_ends_nothing",
    ),
    Rule(
        "a run is begun by JSON alone",
        ROUTES,
        'if parameters(request.headers.get("content-type", ""))[0] != JSON:',
        "if False:",
        f"{SERVED}::test_a_page_of_another_site_begins_and_ends_nothing",
    ),
    Rule(
        "a file of a run is one of those that are listed",
        ROUTES,
        "path = self._ended(run_id).files.get(name)",
        "path = self._ended(run_id).output / name",
        f"{SERVED}::test_what_it_left_is_listed_and_fetched_by_name",
    ),
    Rule(
        "a secret is not shown among the parameters",
        RUNS,
        "name: HIDDEN if self._is_secret(name) else value",
        "name: value",
        f"{SERVED}::test_a_secret_stands_nowhere",
    ),
    Rule(
        "only so many runs wait",
        RUNS,
        "if len(self._queue) >= self.limits.waiting:",
        "if False:",
        f"{SERVED}::test_a_run_is_cancelled_those_that_wait_too_and_more_are_told_to_come_again",
    ),
    Rule(
        "a run has no more time than the server gives",
        RUNS,
        "ServedRun(self._place, parameters, shown, min(limits, default=None))",
        "ServedRun(self._place, parameters, shown, None)",
        f"{SERVED}::test_a_run_has_a_time_limit",
    ),
    Rule(
        "only the last runs are kept",
        RUNS,
        "while len(over) > 1 and (len(over) > self.limits.kept or size > self.limits.kept_bytes):",
        "while False:",
        f"{SERVED}::test_of_those_that_have_ended_the_last_are_kept",
    ),
    Rule(
        "nothing new begins at the end",
        RUNS,
        "return bool(self._queue) and not self.draining.begun",
        "return bool(self._queue)",
        f"{SERVED}::test_a_run_that_is_done_in_time_is_finished_and_no_other_begins",
    ),
    Rule(
        "at the end the folder of all runs is removed",
        RUNS,
        "shutil.rmtree(self._place, ignore_errors=True)",
        "pass",
        f"{SERVED}::test_at_the_end_what_runs_is_finished_in_time_and_stopped_after_that",
    ),
    Rule(
        "the key of the server is none of the notebook's",
        "src/graft/notebooks/kernel.py",
        '"GRAFT_KEY",  # it belongs',
        '"GRAFT_NO_SUCH",  # it belongs',
        f"{SERVED}::test_the_notebook_has_no_key_of_the_server",
    ),
    Rule(
        "a function URL runs nothing without a key",
        FUNCTION,
        'if not key and os.environ.get(NO_KEY) != "1":',
        "if False:",
        f"{EXPORTED}::test_an_event_of_lambda_gives_parameters_and_nothing_is_left",
    ),
    Rule(
        "a function leaves nothing in the temporary folder",
        FUNCTION,
        "shutil.rmtree(place, ignore_errors=True)",
        "pass",
        f"{EXPORTED}::test_an_event_of_lambda_gives_parameters_and_nothing_is_left",
    ),
    Rule(
        "what an image copies can be read by any user",
        "src/graft/export/serverless/folder.py",
        "path.chmod(0o755 if path.is_dir() else 0o644)",
        "path.chmod(0o755 if path.is_dir() else 0o600)",
        f"{EXPORTED}::test_every_file_can_be_read_by_any_other_user",
    ),
    Rule(
        "the first cell of an example changes nothing that is loaded",
        "notebooks/photos.ipynb",
        'careful = [\\"--upgrade-strategy\\", \\"only-if-needed\\", \\"--constraint\\", str(pins), ',
        'careful = [\\"--upgrade-strategy\\", \\"only-if-needed\\", ',
        f"{EXAMPLES}::test_the_first_cell_never_changes_what_is_loaded_and_says_so",
    ),
)
