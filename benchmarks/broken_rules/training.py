"""What training in a function must never do, or always does, and what a receipt says."""

from benchmarks.broken_rules.rule import Rule

ROOM = "src/graft/training_function"
ASSETS = "src/graft/export/serverless/assets"
TRAINING = "tests/training_function/test_training_in_function.py"
RUNS = "tests/training_function/test_training_runs.py"
LIMITS = "tests/training_function/test_limits.py"
EVENT = "tests/training_function/test_train_event.py"
TRAINER = "tests/export/serverless/test_trainer.py"
RECEIPTS = "tests/test_receipts.py"
PACKED = "tests/model/test_packed.py"

FUNCTIONS_THAT_TRAIN = (
    Rule(
        "of several that begin at once one trains",
        f"{ROOM}/runs.py",
        "_record(run, TRAINING, {}), create=True)",
        "_record(run, TRAINING, {}))",
        f"{RUNS}::test_of_eight_that_begin_at_once_one_trains",
    ),
    Rule(
        "nobody begins while another is at work",
        f"{ROOM}/runs.py",
        'if last.get("state") == TRAINING and _left(last):',
        "if False:",
        f"{RUNS}::test_the_next_begins_when_the_last_is_over_whatever_came_of_it",
    ),
    Rule(
        "a run that was killed counts as dead in the end",
        f"{ROOM}/runs.py",
        "return left if 0 < left < LONGEST else 0.0",
        "return left if left < LONGEST else 0.0",
        f"{RUNS}::test_a_run_that_was_killed_counts_as_dead_when_its_time_is_over",
    ),
    Rule(
        "a repeat trains nothing",
        f"{ROOM}/runs.py",
        "same = not force and",
        "same = False and",
        f"{TRAINING}::test_a_repeat_is_answered_as_before_and_trains_nothing",
    ),
    Rule(
        "a repeat trains where the model is another",
        f"{ROOM}/runs.py",
        'and last.get("etag") == etag_of(output)',
        "",
        f"{TRAINING}::test_a_repeat_trains_where_the_model_is_gone_or_another",
    ),
    Rule(
        "data that changed are other data",
        f"{ROOM}/training.py",
        'lines = "".join(f"{one.key}\\0{one.etag}\\0{one.size}\\n" for one in objects)',
        'lines = ""',
        f"{TRAINING}::test_a_folder_in_a_bucket_is_trained_on_as_fit_does_it",
    ),
    Rule(
        "the folder of a call is gone after it",
        f"{ROOM}/training.py",
        'with TemporaryDirectory(prefix="graft-") as folder:',
        'for folder in [__import__("tempfile").mkdtemp(prefix="graft-")]:',
        f"{TRAINING}::test_what_cannot_be_trained_leaves_the_good_model",
    ),
    Rule(
        "what is fetched lies in TMPDIR",
        f"{ROOM}/training.py",
        'os.environ["GRAFT_CACHE"] = folder',
        'os.environ["GRAFT_CACHE"] = "/var/graft-cache"',
        f"{TRAINING}::test_it_trains_without_a_home_a_disk_or_semaphores_and_says_nothing",
    ),
    Rule(
        "training ends while there is time to say why",
        f"{ROOM}/limits.py",
        "if self.left <= 0:",
        "if False:",
        f"{LIMITS}::test_it_ends_by_itself_while_there_is_time_to_say_why",
    ),
    Rule(
        "training ends before the memory is full",
        f"{ROOM}/limits.py",
        "held > FULL * self.allowed.memory_mb",
        "False",
        f"{LIMITS}::test_it_ends_by_itself_before_the_memory_is_full",
    ),
    Rule(
        "what takes too long is said beforehand",
        f"{ROOM}/limits.py",
        "if needed > self.left:",
        "if False:",
        f"{LIMITS}::test_what_takes_too_long_is_said_from_the_first_items",
    ),
    Rule(
        "what does not fit the memory is said beforehand",
        f"{ROOM}/limits.py",
        "if needed > self.allowed.memory_mb:",
        "if False:",
        f"{LIMITS}::test_what_does_not_fit_the_memory_is_said_before_anything_is_embedded",
    ),
    Rule(
        "an event reads no file of the function's machine",
        f"{ROOM}/event.py",
        'or BucketAddress.of(given).scheme == "file"',
        "",
        f"{EVENT}::test_what_cannot_be_meant_is_refused_by_name",
    ),
    Rule(
        "no model is written among the data",
        f"{ROOM}/event.py",
        "if _lies_in(output, given):",
        "if False:",
        f"{EVENT}::test_what_cannot_be_meant_is_refused_by_name",
    ),
    Rule(
        "an event names an encoder that comes with Graft",
        f"{ROOM}/event.py",
        '_check_encoder(event.get("encoder", "auto"))',
        "",
        f"{EVENT}::test_what_cannot_be_meant_is_refused_by_name",
    ),
    Rule(
        "over HTTP nobody trains whom nobody asked",
        f"{ASSETS}/train_events.py",
        'if not event["requestContext"].get("authorizer"):',
        "if False:",
        f"{TRAINER}::test_over_http_somebody_has_to_have_asked_who_calls",
    ),
    Rule(
        "an error is answered and not raised",
        f"{ASSETS}/train_events.py",
        "except GraftError as error:",
        "except ZeroDivisionError as error:",
        f"{TRAINER}::test_what_cannot_be_trained_is_answered_and_not_raised",
    ),
    Rule(
        "models among the objects are not answered",
        f"{ASSETS}/object_events.py",
        "if is_written(key):",
        "if False:",
        f"{TRAINER}::test_models_among_the_objects_are_not_answered",
    ),
    Rule(
        "a packed model holds nothing else",
        "src/graft/model/packed.py",
        'if len(entry.parts) != 2 or entry.is_link or not entry.parts[0].endswith(".graft"):',
        "if False:",
        f"{PACKED}::test_whatever_else_a_file_holds_is_refused_and_nothing_is_left",
    ),
    Rule(
        "a packed model is always the same bytes",
        "src/graft/files.py",
        "entry = zipfile.ZipInfo(name, _DATE)",
        "import time; entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, time.monotonic_ns() % 60))",
        f"{PACKED}::test_what_is_packed_is_the_folder_and_always_the_same_bytes",
    ),
    Rule(
        "a price that lacks is not taken for nothing",
        "src/graft/receipts.py",
        "if prices.per_gb_second is None:",
        "if False:",
        f"{RECEIPTS}::test_a_price_that_lacks_is_told_and_not_taken_for_nothing",
    ),
    Rule(
        "a price is a number from nought on",
        "src/graft/receipts.py",
        "    if not math.isfinite(price) or price < 0:\n",
        "    if math.isnan(price):\n",
        f"{RECEIPTS}::test_what_is_no_price_is_refused_by_name",
    ),
)
