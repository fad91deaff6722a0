"""``graft predict --log``: what was answered is kept, and the answers are the same."""

import shutil

import pytest

from graft.bundle import version_of
from graft.encoders.embed import content_digest
from graft.monitoring.log import items_of, read_log


def test_answers_are_kept(run, saved, photos, tmp_path):
    log = tmp_path / "log.jsonl"
    plain = run("predict", saved, photos, "--json")
    found = run("predict", saved, photos, tmp_path / "no.png", "--json", "--log", log)
    assert found.json[:-1] == plain.json
    assert found.err == ""
    kept = read_log(log)
    assert kept.model.digest == version_of(saved)
    assert sorted(kept.labels) == sorted(answer["label"] for answer in plain.json)
    told = dict(zip(kept.keys, kept.labels, strict=True))
    circle = min((photos / "circle").iterdir()).read_bytes()
    assert told[kept.header.key_of(content_digest(circle))] == "circle"
    assert not items_of(log).exists()


def test_with_items_and_look_alikes(run, saved, photos, tmp_path):
    index, log = tmp_path / "photos.index", tmp_path / "log.jsonl"
    assert run("index", photos, "-o", index).code == 0
    found = run("predict", saved, photos / "circle", "--index", index, "--json", "--log", log, "--log-items")
    assert all(answer["neighbours"] for answer in found.json)
    contents = {path.read_bytes() for path in (photos / "circle").iterdir()}
    assert {path.read_bytes() for path in items_of(log).iterdir() if path.name != "bytes"} == contents


def test_a_file_that_is_no_log_is_left_alone(run, saved, photos, tmp_path):
    mine = tmp_path / "notes.txt"
    mine.write_text("mine\n")
    found = run("predict", saved, photos / "circle", "--log", mine)
    assert (found.code, found.out, mine.read_text()) == (1, "", "mine\n")
    assert "is no prediction log" in found.err


def test_how_to_keep_without_where_is_a_mistake(run, saved, photos):
    found = run("predict", saved, photos, "--log-items")
    assert found.code == 2
    assert "--log FILE" in found.err


def test_a_log_that_goes_away_fails_no_answer(run, saved, photos, tmp_path, monkeypatch):
    from graft.monitoring.log import PredictionLog

    folder = tmp_path / "logs"
    folder.mkdir()
    check = PredictionLog.check

    def gone_after(log):
        check(log)
        shutil.rmtree(folder)

    monkeypatch.setattr(PredictionLog, "check", gone_after)
    found = run("predict", saved, photos, "--json", "--log", folder / "log.jsonl")
    assert found.code == 0
    assert len(found.json) == 36
    assert found.err.count("Answers are not kept in") == 1


@pytest.mark.parametrize("size", ["0", "5000"])
def test_a_limit_is_one(run, saved, photos, size, tmp_path):
    assert run("predict", saved, photos, "--log", tmp_path / "log", "--log-mb", size).code == 2
