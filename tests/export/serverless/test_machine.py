"""What a function's machine lacks, and that a thousand calls leave nothing behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import serverless
import shapes
from export.serverless.test_function import encoded, problem, said
from serverless import over_http

PHOTO = shapes.encoded("circle", 93)
NO_SEMAPHORES = """
import _multiprocessing, runpy, sys

class SemLock(_multiprocessing.SemLock):
    def __new__(*_):
        raise OSError(38, "Function not implemented")

_multiprocessing.SemLock = SemLock
sys.path.insert(0, ".")
sys.argv = ["awslambdaric", "handler.handler"]
runpy.run_module("awslambdaric", run_name="__main__")
"""


def resident(process):
    return int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * 4096


def test_a_read_only_disk_no_home_no_user_no_shared_memory_no_description_of_the_processor(task, tmp_path):
    tmp_path.chmod(0o777)
    if not serverless.can_be_alone(tmp_path):
        pytest.skip("mounts of its own are not allowed here")
    with serverless.function(task, tmp_path, command=("-c", NO_SEMAPHORES), before=serverless.alone(tmp_path)) as ask:
        answers = [ask(over_http(encoded(PHOTO), flag=True)) for _ in range(3)]
    assert said(answers[0])["predictions"][0]["label"] == "circle"
    assert answers[1] == answers[0] == answers[2]
    assert list(tmp_path.iterdir()) == []
    assert [line for line in ask.log.splitlines() if "rror" in line or "arn" in line] == []


def test_without_semaphores_the_answer_is_the_same(task, shapes_function, tmp_path):
    with serverless.function(task, tmp_path, command=("-c", NO_SEMAPHORES)) as ask:
        assert ask(over_http(encoded(PHOTO), flag=True)) == shapes_function(over_http(encoded(PHOTO), flag=True))
    assert ask.log == ""


def test_threads_are_counted_by_what_may_be_used(task, tmp_path):
    """Lambda shows its machine's processors, and gives time on them by memory."""
    count = "import os, answering\nfor mb in (128, 1024, 1769, 2654, 10240):\n"
    count += "    os.environ['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'] = str(mb)\n"
    count += "    os.sched_getaffinity = lambda _: set(range(64))\n    print(answering.cores(), end=' ')\n"
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", count], cwd=task, env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["1", "1", "1", "2", "6"], done.stderr


def test_on_one_processor_nothing_is_said(task, shapes_function, tmp_path):
    one = ("taskset", "-c", str(min(os.sched_getaffinity(0))))
    with serverless.function(task, tmp_path, before=one, AWS_LAMBDA_FUNCTION_MEMORY_SIZE="10240") as ask:
        assert said(ask(over_http(encoded(PHOTO), flag=True)))["predictions"][0]["label"] == "circle"
        threads = len(list(Path(f"/proc/{ask.process.pid}/task").iterdir()))
    assert ask.log == ""
    assert threads <= 4


def test_many_calls_leave_nothing_behind(task, tmp_path):
    sizes = [shapes.encoded(form, 94 + n) for n in range(3) for form in shapes.FORMS]
    events = [over_http(encoded(one), flag=True) for one in sizes]
    bad = [
        over_http(encoded(b"secret item of somebody"), flag=True),
        over_http(encoded(PHOTO[:400]), flag=True),
        over_http('{"images": ["c2VjcmV0"]}'),
        over_http('{"images": "secret"}'),
    ]
    with serverless.function(task, tmp_path) as ask:
        first = [ask(event) for event in [*events, *bad, *events]]
        before = resident(ask.process)
        for _ in range(4):
            assert [ask(event) for event in [*events, *bad, *events]] == first
        assert resident(ask.process) - before < 20e6
        assert "secret" not in json.dumps([problem(one, one["statusCode"]) for one in first[len(events) :][: len(bad)]])
    assert list(tmp_path.iterdir()) == []
    assert ask.log == ""
