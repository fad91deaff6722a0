"""Answers are kept beside the road: whatever happens to the log, they are the same and not held up."""

import threading

import numpy as np
import pytest

from graft.monitoring import keeping
from graft.monitoring.keeping import LogKeeper
from graft.monitoring.log import PredictionLog, read_log
from graft.monitoring.log_format import LoggedModel
from graft.results.prediction import Prediction

MODEL = LoggedModel("0123456789ab", "classification", ("closed", "open"), 8)
ANSWER = Prediction("", "open", 0.9, scores={"closed": 0.1, "open": 0.9})


def offer(keeper, start, n=1):
    rows = np.zeros((n, 8), np.float32)
    keeper.offer(rows, [ANSWER] * n, [f"item {start + k}".encode() for k in range(n)])


def test_what_waits_is_written_before_it_ends(tmp_path):
    keeper = LogKeeper(PredictionLog(tmp_path / "log.jsonl", MODEL), pytest.fail)
    for k in range(50):
        offer(keeper, k)
    keeper.stop(60)
    assert len(read_log(tmp_path / "log.jsonl")) == 50


def test_a_disk_that_refuses_is_said_once(tmp_path):
    said = []
    keeper = LogKeeper(PredictionLog(tmp_path / "gone" / "log.jsonl", MODEL), said.append)
    for k in range(5):
        offer(keeper, k)
    keeper.stop(60)
    assert said == [f"Answers are not kept in {tmp_path}/gone/log.jsonl: No such file or directory."]


def test_what_comes_too_fast_is_let_go_and_said_once(tmp_path, monkeypatch):
    """The writer waits for a lock that somebody holds."""
    monkeypatch.setattr(keeping, "WAITING", 10)
    from graft.journal.appending import opened

    said = []
    path = tmp_path / "log.jsonl"
    keeper = LogKeeper(PredictionLog(path, MODEL), said.append)
    before = sum(thread.name == "graft-log" for thread in threading.enumerate())
    with opened(path):
        for k in range(40):
            offer(keeper, k)
        assert sum(thread.name == "graft-log" for thread in threading.enumerate()) <= before + 1
    keeper.stop(60)
    assert said == ["Answers come faster than the log can be written: some of them are not kept in it."]
    assert 10 <= len(read_log(path)) <= 11
