"""Rules of models over HTTP: who is let in, what is taken, what a file may do, and the end."""

from __future__ import annotations

from benchmarks.broken_rules.rule import Rule

SERVING = (
    Rule(
        "without the key nothing is answered",
        "src/graft/serving/keys.py",
        "return hmac.compare_digest(_digest(given.strip()), self.digest) and",
        "return True or",
        "tests/serving/test_load.py::test_only_probes_and_the_page_need_no_key",
    ),
    Rule(
        "a request that is a batch counts as many",
        "src/graft/serving/admission.py",
        "self.waiting + n > self._limits.waiting",
        "self.waiting >= self._limits.waiting",
        "tests/serving/test_load.py::test_more_than_it_may_hold_is_told_to_come_again_and_the_others_are_answered",
    ),
    Rule(
        "whoever still sends reads why it was refused",
        "src/graft/serving/guard.py",
        "            await throw_away(scope, receive, self._limits)\n",
        "",
        "tests/serving/test_bodies.py::test_who_sends_all_of_it_before_reading_reads_413_as_well",
    ),
    Rule(
        "base64 with a plus that became a space is never another picture",
        "src/graft/decoding/base64_items.py",
        '    if " " in text:\n',
        '    text = text.replace(" ", "")\n    if " " in text:\n',
        "tests/serving/test_bodies.py::test_base64_that_is_not_whole_is_refused_and_never_another_picture",
    ),
    Rule(
        "a server that is about to end is not ready",
        "src/graft/serving/routes.py",
        "        self.server.draining.check()\n",
        "",
        "tests/serving/test_load.py::test_at_the_end_what_runs_is_finished_and_idle_connections_hold_nothing_up",
    ),
    Rule(
        "HEIC is refused by a server, whatever is installed",
        "src/graft/serving/batching.py",
        '(kind := kind_of(content[:HEAD])) != "heic"',
        '(kind := kind_of(content[:HEAD])) != "no kind"',
        "tests/serving/test_predict.py::test_where_no_item_can_be_answered_that_is_the_answer",
    ),
    Rule(
        "a decoding child takes no more than its memory",
        "src/graft/serving/decoding_child.py",
        "    _limit_memory()\n    with",
        "    with",
        "tests/serving/test_decoders.py::test_a_child_takes_no_more_than_its_memory_and_goes_on",
    ),
    Rule(
        "a decoding child has one thread",
        "src/graft/serving/decoders.py",
        'os.environ.update(dict.fromkeys(_THREADS, "1"))',
        "os.environ.update({})",
        "tests/serving/test_decoders.py::test_a_child_has_one_thread",
    ),
    Rule(
        "no answer holds NaN",
        "src/graft/serving/problems.py",
        "allow_nan=False",
        "allow_nan=True",
        "tests/serving/test_bodies.py::test_numbers_that_are_none_never_leave",
    ),
    Rule(
        "a page of another site cannot ask under a name of its own",
        "src/graft/serving/guard.py",
        "if self._host is not None and host and not is_own(host, self._host):",
        "if False:",
        "tests/serving/test_load.py::test_a_page_of_another_site_cannot_ask_under_a_name_of_its_own",
    ),
    Rule(
        "the head of a request has an end",
        "src/graft/serving/protocol.py",
        "if self._head > MOST_HEAD:",
        "if self._head > MOST_HEAD * 1_000_000:",
        "tests/serving/test_load.py::test_a_head_without_an_end_is_given_up",
    ),
    Rule(
        "a container's share of the processor counts",
        "src/graft/executors.py",
        "return min(cores, _granted())",
        "return cores",
        "tests/test_executors.py::test_as_many_threads_as_the_narrowest_of_affinity_and_quota",
    ),
)
