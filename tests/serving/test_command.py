"""``graft serve`` as a command: what it refuses, and how it finds its model and port in a cloud's container."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import graft.cli as command_line
import graft.cli.serve as command
import shapes
from graft.errors import GraftError, NotABundle, UsageError
from serving_checks import ServerProcess

PHOTO = shapes.encoded("circle", 1)


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What the command says where it does not serve."""

    def ask(*arguments: object, **environment: str) -> str:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        assert command_line.exit_code(["serve", *map(str, arguments)]) in (1, 2)
        said = capsys.readouterr()
        return said.out + said.err

    return ask


def test_other_machines_are_not_let_in_without_a_key(refused, saved: Path):
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org"):
        said = refused(saved, "--host", host)
        assert "there is no key" in said
        assert "--no-key" in said
    assert "there is no key" in refused(saved, GRAFT_HOST="0.0.0.0")
    assert "one of them" in refused(saved, "--key", "x", "--no-key")
    assert "--key is empty" in refused(saved, "--key", "")


def test_what_cannot_be_served_is_said_in_words(refused, saved: Path, tmp_path: Path, pictures):
    assert "fit a model" in refused(tmp_path / "nothing.graft")
    assert "cannot listen" in refused(saved, "--port", pictures.port)
    assert json.loads(refused(saved, "--port", pictures.port, "--json"))["error"]["message"]


def test_a_container_that_is_started_with_the_bare_word(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(command, "CLOUD", tmp_path)
    with pytest.raises(NotABundle, match="no model in"):
        command._found(tmp_path)
    shutil.copytree(saved, tmp_path / "shapes.graft")
    assert command._found(tmp_path) == tmp_path / "shapes.graft"
    assert command._found(tmp_path / "shapes.graft") == tmp_path / "shapes.graft"
    shutil.copytree(saved, tmp_path / "other.graft")
    with pytest.raises(NotABundle, match="2 models"):
        command._found(tmp_path)
    with pytest.raises(NotABundle):
        command._found(tmp_path / "missing")


def test_an_image_s_own_model_answers_if_the_cloud_has_put_none(saved: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(command, "CLOUD", tmp_path)
    monkeypatch.setenv("GRAFT_MODEL", str(saved))
    assert command._unnamed() == saved
    shutil.copytree(saved, tmp_path / "put.graft")
    assert command._unnamed() == tmp_path / "put.graft"
    shutil.copytree(saved, tmp_path / "other.graft")
    with pytest.raises(NotABundle, match="2 models"):
        command._unnamed()


@pytest.mark.parametrize(
    ("environment", "port"),
    [
        ({}, 8080),
        ({"PORT": "9000"}, 9000),
        ({"PORT": "9000", "AIP_HTTP_PORT": "9001"}, 9001),
        ({"SAGEMAKER_BIND_TO_PORT": "8081", "PORT": ""}, 8081),
    ],
)
def test_the_port_that_a_cloud_gives(environment: dict[str, str], port: int):
    assert command._port(environment) == port


@pytest.mark.parametrize("given", ["many", "70000", "-1", "٣"])
def test_a_port_that_is_none(given: str):
    with pytest.raises(UsageError, match="PORT"):
        command._port({"PORT": given})


def test_all_by_the_environment_as_in_a_container(saved: Path):
    """The host and its openness come from there; a key is not printed, nor is it in the figures."""
    server = ServerProcess(
        saved,
        "--json",
        environment={
            "GRAFT_HOST": "127.0.0.1",
            "GRAFT_KEY": "of-the-environment",
            "PORT": "0",
            "GRAFT_PRECISION": "f32",
        },
    )
    try:
        told = json.loads(server.said)
        assert told["address"].startswith("http://127.0.0.1:")
        assert told["model"] == "shapes"
        server.until_ready()
        assert server.predict(PHOTO, "image/png").status == 401
        reply = server.predict(PHOTO, "image/png", Authorization="Bearer of-the-environment")
        assert reply.json["predictions"][0]["label"] == "circle"
        figures = server.ask("GET", "/metrics", Authorization="Bearer of-the-environment").body
        assert b"of-the-environment" not in figures
        assert b"graft_requests_total" in figures
    finally:
        code, said = server.stop()
    assert (code, said) == (0, "")


def test_a_server_without_its_packages_says_how_to_have_them(saved: Path, monkeypatch: pytest.MonkeyPatch):
    from graft.serving import server

    monkeypatch.setattr(server, "find_spec", lambda name: None if name == "fastapi" else object())
    with pytest.raises(GraftError, match="FastAPI"):
        server.check_installed()


@pytest.mark.skipif(shutil.which("taskset") is None, reason="there is no taskset on this machine")
def test_pinned_to_one_core_it_starts_and_has_one_child(saved: Path):
    core = min(os.sched_getaffinity(0))
    server = ServerProcess(saved, "--port", 0, before=("taskset", "-c", str(core)))
    try:
        server.until_ready()
        answers = [server.predict(PHOTO, "image/png").json["predictions"][0]["label"] for _ in range(3)]
        assert answers == ["circle"] * 3
        assert len(server.children()) == 1
    finally:
        code, said = server.stop()
    assert (code, said) == (0, f"Loading {saved}\n")
