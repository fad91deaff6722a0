"""Of several who would train one model at once, one does."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from buckets import S3Server
from graft.buckets import write_bytes
from graft.errors import Busy
from graft.training_function.runs import DONE, FAILED, TrainingRun, begin, last_record

OUTPUT = "s3://private/runs/{}.graft.zip"


def test_of_eight_that_begin_at_once_one_trains(s3: S3Server) -> None:
    output = OUTPUT.format("eight")

    def attempt(_: int) -> TrainingRun | Busy:
        try:
            begun = begin(output, "digest", 60.0, force=False)
        except Busy as error:
            return error
        assert isinstance(begun, TrainingRun)
        return begun

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(attempt, range(8)))
    assert [one.number for one in found if isinstance(one, TrainingRun)] == [1]
    assert all("already" in one.message for one in found if isinstance(one, Busy))


def test_the_next_begins_when_the_last_is_over_whatever_came_of_it(s3: S3Server) -> None:
    output = OUTPUT.format("next")
    for number, state in enumerate((FAILED, DONE, FAILED), 1):
        begun = begin(output, "digest", 60.0, force=False)
        assert isinstance(begun, TrainingRun)
        assert begun.number == number
        with pytest.raises(Busy):
            begin(output, "another", 60.0, force=True)
        begun.end(state, {})


def test_a_run_that_was_killed_counts_as_dead_when_its_time_is_over(s3: S3Server) -> None:
    output = OUTPUT.format("dead")
    begun = begin(output, "digest", 0.0, force=False)
    assert isinstance(begun, TrainingRun)
    assert 0 < begun.until - time.time() <= 30
    number, record = last_record(output)
    write_bytes(
        f"{output.removesuffix('.zip')}.runs/{number:06}.json",
        json.dumps({**record, "until": time.time() - 1}).encode(),
    )
    again = begin(output, "digest", 0.0, force=False)
    assert isinstance(again, TrainingRun)
    assert again.number == 2


def test_what_is_no_record_stops_nobody(s3: S3Server) -> None:
    output = OUTPUT.format("odd")
    s3.put("runs/odd.graft.runs/notes.txt", b"hello")
    s3.put("runs/odd.graft.runs/000004.json", b"[" * 2000)
    begun = begin(output, "digest", 60.0, force=False)
    assert isinstance(begun, TrainingRun)
    assert begun.number == 5


@pytest.mark.parametrize("until", [1e300, 10**400, "tomorrow", None, True], ids=["far", "huge", "text", "none", "true"])
def test_a_record_of_a_run_that_no_platform_would_let_go_on_stops_nobody(s3: S3Server, until: object) -> None:
    output = OUTPUT.format(f"odd-{str(until)[:5]}")
    record = json.dumps({"run": 1, "digest": "digest", "state": "training", "until": until}).encode()
    write_bytes(f"{output.removesuffix('.zip')}.runs/000001.json", record)
    again = begin(output, "digest", 60.0, force=False)
    assert isinstance(again, TrainingRun)
    assert again.number == 2
