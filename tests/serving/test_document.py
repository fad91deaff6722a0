"""The OpenAPI document says what is true: requests that are made from it, and broken ones, are answered as it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import shapes
from serving_checks import wait_until

pytest.importorskip("fastapi", reason="FastAPI is not installed: pip install 'graft-learn[serve]'")

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def test_requests_made_from_the_document(pictures, tmp_path: Path):
    pytest.importorskip("schemathesis", reason="it makes the requests: pip install schemathesis")
    server = pictures
    before = server.server.decoders.died
    done = subprocess.run(
        [
            *(Path(sys.executable).with_name("schemathesis"), "run", f"http://127.0.0.1:{server.port}/openapi.json"),
            *("--checks", CHECKS, "-n", "4", "--mode", "all", "--seed", "1", "--phases", "coverage,fuzzing"),
            *("--continue-on-failure", "--generation-database", "none"),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "NO_COLOR": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    counted = re.search(r"(\d+) generated", done.stdout)
    assert counted
    assert int(counted[1]) > 200
    assert server.server.decoders.died == before
    assert server.server.budget.taken == server.server.admission.waiting == 0


def test_broken_files_are_answered_each_for_itself(pictures, tmp_path: Path):
    expected = shapes.bad_files(tmp_path)
    for name, code in expected.items():
        reply = pictures.predict((tmp_path / name).read_bytes(), "image/png")
        assert 400 <= reply.status < 500
        assert reply.problem["code"] == code, name
    whole = shapes.encoded("circle", 1, "JPEG", 300)
    for cut in range(0, len(whole), 211):
        assert pictures.predict(whole[:cut], "image/jpeg").status in (200, 413, 415, 422)


def test_the_page_needs_nothing_from_elsewhere(pictures):
    page = pictures.ask("GET", "/docs")
    text = page.body.decode()
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert not re.search(r"<script|style=|https?://", text)
    links = re.findall(r'(?:href|src)="([^"]+)"', text)
    assert links
    for link in links:  # relative, so that the page works behind a path
        assert pictures.ask("GET", f"/{link}").status == 200
    told = pictures.ask("GET", "/openapi.json").json
    for path in told["paths"]:
        assert path in text


def test_every_route_is_in_the_document(pictures):
    from graft.serving.routes import ModelRoutes

    told = pictures.ask("GET", "/openapi.json").json["paths"]
    served = {(path, method.lower()) for method, path, _ in ModelRoutes(pictures.server).table()}
    pages = {("/docs", "get"), ("/docs/style.css", "get"), ("/openapi.json", "get")}
    assert served - pages - {("/search", "post")} == {(path, method) for path, own in told.items() for method in own}


def test_paths_and_methods_that_there_are_not(pictures):
    assert pictures.ask("GET", "/predict").problem["status"] == 405
    assert pictures.ask("GET", "/predict").headers["allow"] == "POST"
    assert pictures.ask("DELETE", "/healthz").status == 405
    assert pictures.ask("POST", "/nothing", b"x" * 2_000_000).problem["code"] == "not_found"
    assert pictures.ask("HEAD", "/healthz").status == 200


def test_what_nobody_foresaw_is_told_without_its_details(start, saved: Path, monkeypatch: pytest.MonkeyPatch, caplog):
    server = start(saved)

    async def fail(*_: object) -> None:
        raise RuntimeError("a secret of the server")

    monkeypatch.setattr(server.server.batcher, "predictions", fail)
    reply = server.predict(shapes.encoded("circle", 1), "image/png")
    assert (reply.status, reply.problem["code"]) == (500, "internal")
    assert "secret" not in reply.body.decode()
    wait_until(lambda: "a secret of the server" in caplog.text)
    reply = server.ask(
        "POST", "/v2/models/shapes/infer", {"inputs": [{"datatype": "BYTES", "shape": [1], "data": [""]}]}
    )
    assert (reply.status, list(reply.json)) == (500, ["error"])
    assert server.ask("GET", "/healthz").status == 200


def test_the_requests_of_the_documentation(start, saved: Path, tmp_path: Path):
    if shutil.which("curl") is None:
        pytest.skip("there is no curl on this machine")
    shutil.copytree(saved, tmp_path / "doors.graft")
    (tmp_path / "new.jpg").write_bytes(shapes.encoded("square", 2, "JPEG", 300))
    server = start(tmp_path / "doors.graft")
    page = (Path(__file__).parents[2] / "docs" / "serve.md").read_text(encoding="utf-8")
    asked = [found for found in re.findall(r"^\$ (.*)$", page, re.MULTILINE) if "curl" in found]
    assert len(asked) > 5
    for command in asked:
        here = command.replace("127.0.0.1:8080", f"127.0.0.1:{server.port}").replace("curl ", "curl -sS --fail ")
        done = subprocess.run(here, shell=True, capture_output=True, text=True, cwd=tmp_path, check=False)
        assert done.returncode == 0, (command, done.stderr)
        if "/predict" in command or "/infer" in command:
            assert '"square"' in done.stdout
