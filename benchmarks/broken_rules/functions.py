"""What a function on somebody's machine must never do, or always does."""

from benchmarks.broken_rules.rule import Rule

ASSETS = "src/graft/export/serverless/assets"
OBJECTS = "tests/export/serverless/test_objects.py"
FUNCTION = "tests/export/serverless/test_function.py"
PACKAGES = "tests/export/serverless/test_packages.py"
CONTAINER = "tests/export/serverless/test_container.py"

FUNCTIONS = (
    Rule(
        "a function never answers its own answers",
        f"{ASSETS}/object_events.py",
        'if into == bucket and key.startswith(prefix) and key.endswith(".json"):',
        "if False:",
        f"{OBJECTS}::test_it_never_answers_its_own_answers",
    ),
    Rule(
        "an input under the output prefix is answered",
        f"{ASSETS}/object_events.py",
        'if into == bucket and key.startswith(prefix) and key.endswith(".json"):',
        "if into == bucket and key.startswith(prefix):",
        f"{OBJECTS}::test_prefixes_that_overlap_and_another_bucket",
    ),
    Rule(
        "a key is decoded once",
        f"{ASSETS}/object_events.py",
        'key = unquote_plus(str(record["s3"]["object"]["key"]))',
        'key = unquote_plus(unquote_plus(str(record["s3"]["object"]["key"])))',
        f"{OBJECTS}::test_a_key_is_decoded_once_and_named_as_its_owner_wrote_it",
    ),
    Rule(
        "without an output prefix objects are refused",
        f"{ASSETS}/object_events.py",
        "if not into or not prefix:",
        "if False:",
        f"{OBJECTS}::test_without_an_output_prefix_it_refuses",
    ),
    Rule(
        "an object that cannot be read puts nothing over an answer",
        f"{ASSETS}/object_events.py",
        "        return {**told, **failed(error)}\n    if isinstance(content, NotRead):",
        '        content = NotRead("gone", "Gone.", "")\n    if isinstance(content, NotRead):',
        f"{OBJECTS}::test_each_object_has_its_own_answer_or_error_and_a_repeat_writes_the_same",
    ),
    Rule(
        "the event's own flag says how a body stands in it",
        f"{ASSETS}/http_events.py",
        'if KEY != "texts" and event.get("isBase64Encoded") is not True:',
        "if False:",
        f"{FUNCTION}::test_what_does_not_fit_is_told",
    ),
    Rule(
        "header names count in any case",
        f"{ASSETS}/http_events.py",
        "{str(name).lower(): str(value)",
        "{str(name): str(value)",
        f"{FUNCTION}::test_what_does_not_fit_is_told",
    ),
    Rule(
        "the glibc of a library is compared",
        "src/graft/export/serverless/libraries.py",
        "if needed > machine.glibc:",
        "if False:",
        f"{PACKAGES}::test_a_library_that_the_machine_cannot_load_is_named",
    ),
    Rule(
        "the processor of a library is compared",
        "src/graft/export/serverless/libraries.py",
        "if kind != MACHINES[machine.platform]:",
        "if False:",
        f"{PACKAGES}::test_wheels_of_another_machine_are_refused_and_nothing_is_written",
    ),
    Rule(
        "dates in a function's zip can be held by one",
        "src/graft/files.py",
        "_DATE = (1980, 1, 1, 0, 0, 0)",
        "_DATE = (1980, 1, 1, 0, 0, 2)",
        f"{PACKAGES}::test_every_entry_can_be_read_by_anybody_and_the_bytes_are_the_same",
    ),
    Rule(
        "a container copies its files so that any user reads them",
        f"{ASSETS}/Dockerfile",
        "COPY --chmod=755 packages/ ./",
        "COPY packages/ ./",
        f"{CONTAINER}::test_one_plain_image_for_a_named_processor",
    ),
    Rule(
        "a container asks for the key",
        f"{ASSETS}/start.py",
        "        if not self.opened():",
        "        if False:",
        f"{CONTAINER}::test_as_a_server_it_needs_the_key_from_the_environment",
    ),
    Rule(
        "a container without a key does not start",
        f"{ASSETS}/start.py",
        'if not key and os.environ.get(NO_KEY) != "1":',
        "if False:",
        f"{CONTAINER}::test_a_start_that_fails_ends_with_words",
    ),
    Rule(
        "an item is decoded from memory",
        "src/graft/export/templates/answering.py",
        "source: Any = io.BytesIO(item) if isinstance(item, bytes) else item",
        "import tempfile\n    source: Any = tempfile.mkstemp()[1] if isinstance(item, bytes) else item\n"
        "    open(source, 'wb').write(item)",
        "tests/export/serverless/test_machine.py::test_many_calls_leave_nothing_behind",
    ),
    Rule(
        "a wheel of Graft has the same bytes each time",
        "src/graft/files.py",
        "entry = zipfile.ZipInfo(name, _DATE)",
        "import time; entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, time.monotonic_ns() % 60))",
        "tests/test_own_wheel.py::test_the_same_package_gives_the_same_bytes",
    ),
)
