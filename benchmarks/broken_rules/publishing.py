"""Rules of what is sent to a hub, and of a Space's page."""

from __future__ import annotations

from benchmarks.broken_rules.rule import Rule

PUSH = "tests/publishing/test_push.py"
SPACE = "tests/export/space/test_space.py"

PUBLISHING = (
    Rule(
        "a repository that is made is seen by its owner alone",
        "src/graft/publishing/push.py",
        "private=private is not False",
        "private=bool(private)",
        f"{PUSH}::test_an_export_goes_up_in_one_commit_and_only_its_owner_sees_it",
    ),
    Rule(
        "who sees a repository never changes unasked",
        "src/graft/publishing/push.py",
        "if before is not None and private is not None and private != before.private:",
        "if False:",
        f"{PUSH}::test_who_sees_a_repository_never_changes_unasked",
    ),
    Rule(
        "a model is sent without what names its items",
        "src/graft/publishing/payload.py",
        "[] if key in LISTS_OF_ITEMS else without_items(value)",
        "value",
        f"{PUSH}::test_no_item_is_named_and_no_folder_of_this_machine",
    ),
    Rule(
        "files of others stay",
        "src/graft/publishing/push.py",
        "file for file in earlier if file in now.files and file not in payload.files",
        "file for file in now.files if file not in payload.files",
        f"{PUSH}::test_files_of_others_stay_and_those_of_an_earlier_export_go",
    ),
    Rule(
        "a card that somebody wrote stays",
        "src/graft/publishing/push.py",
        "return () if MARK in there or not there.strip() else (CARD,)",
        "return ()",
        f"{PUSH}::test_a_card_that_somebody_wrote_stays",
    ),
    Rule(
        "a commit is on what was looked at",
        "src/graft/publishing/hub.py",
        "repo_type=self.kind, parent_commit=parent",
        "repo_type=self.kind",
        f"{PUSH}::test_a_card_that_somebody_writes_meanwhile_stays",
    ),
    Rule(
        "the hub reads the card before anything is sent",
        "src/graft/publishing/push.py",
        "        place.check_card(payload.card)\n",
        "",
        f"{PUSH}::test_a_card_that_would_be_refused_is_found_before_anything_is_sent",
    ),
    Rule(
        "the token stands in no error",
        "src/graft/publishing/failures.py",
        "{hidden(_cause(error, status), token)}",
        "{_cause(error, status)}",
        f"{PUSH}::test_the_token_appears_nowhere",
    ),
    Rule(
        "a name that a certificate gives leads to a file inside the folder",
        "src/graft/publishing/payload.py",
        "len(names) <= MAX_FILES and all(map(_is_plain, names))",
        "len(names) <= MAX_FILES",
        f"{PUSH}::test_a_changed_file_or_a_folder_of_another_kind_is_not_sent",
    ),
    Rule(
        "names in a Space's page are text",
        "src/graft/export/space/assets/words.py",
        'return f"<bdi>{html.escape(label)}</bdi>"',
        'return f"<bdi>{label}</bdi>"',
        f"{SPACE}::test_names_are_text_whatever_they_look_like",
    ),
    Rule(
        "a Space's README says to every reader of YAML what the model is called",
        "src/graft/front_matter.py",
        'lines += [f"{key}: {quoted(value)}"] if value else []',
        'lines += [f"{key}: {value}"] if value else []',
        f"{SPACE}::test_whatever_the_model_is_called_its_readme_says_so_to_every_reader_of_yaml",
    ),
    Rule(
        "a Space refuses what is too large before it decodes it",
        "src/graft/export/templates/answering.py",
        "if width * height > MOST_PIXELS:",
        "if False:",
        f"{SPACE}::test_what_is_too_large_is_said_in_the_words_of_graft",
    ),
    Rule(
        "what verify --install started is ended, children too",
        "src/graft/export/installed.py",
        "os.killpg(process.pid, number)",
        "os.kill(process.pid, number)",
        "tests/export/space/test_installed.py::test_what_was_started_is_ended_with_all_that_it_started",
    ),
    Rule(
        "what is run was checked as it was copied",
        "src/graft/export/installed.py",
        "if hashlib.sha256(content).hexdigest() != digest:",
        "if False:",
        "tests/export/space/test_installed.py::test_what_changes_meanwhile_is_not_run",
    ),
    Rule(
        "ONNX Runtime reports to nobody",
        "src/graft/encoders/runtime.py",
        '    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")\n',
        '    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "0")\n',
        "tests/encoders/test_runtime.py::test_onnx_runtime_reports_to_nobody",
    ),
)
