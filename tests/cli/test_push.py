"""``graft push`` as a command."""

import json

import pytest

from graft.cli import exit_code
from hubs import READER, TOKEN, PushHub

pytest.importorskip("huggingface_hub")


@pytest.fixture
def hub(monkeypatch):
    server = PushHub()
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    yield server
    server.shutdown()
    server.server_close()


def test_a_model_is_sent_once_and_the_second_time_nothing_is(hub, saved, capsys):
    assert exit_code(["push", str(saved), "ann/shapes"]) == 0
    first = capsys.readouterr().out
    assert first.startswith("Made and sent 5 files")
    assert f"{hub.url}/ann/shapes" in first
    assert "only its owner sees it" in first
    assert exit_code(["push", str(saved), "ann/shapes"]) == 0
    assert "nothing was sent" in capsys.readouterr().out


def test_json_is_one_value_and_errors_are_one_too(hub, saved, capsys, tmp_path):
    assert exit_code(["push", str(saved), "ann/shapes", "--public", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["private"] is False
    assert found["commit"] == hub.repo("ann/shapes").head
    (file := tmp_path / "token").write_text(READER)
    assert exit_code(["push", str(saved), "ann/shapes", "--token-file", str(file), "--json"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "hub"
    assert error["message"] == "The token may only read."


def test_a_bad_name_is_a_matter_of_usage(hub, saved, capsys):
    assert exit_code(["push", str(saved), "shapes"]) == 2
    assert "owner/name" in capsys.readouterr().err
    assert not hub.steps
