"""A notebook over HTTP: its runs begin, are followed, end, are stopped, and leave nothing behind."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="FastAPI is not installed: pip install 'graft-learn[serve]'")
pytest.importorskip("nbclient", reason="it runs notebooks: pip install 'graft-learn[notebooks]'")

import graft.cli as command_line
from graft.errors import GraftError, UsageError
from graft.notebooks import folder as notebook_folder
from graft.serving.notebook_routes import NotebookRoutes
from graft.serving.notebook_runs import NotebookRuns, RunLimits
from notebook_files import notebook_file, printed
from serving_checks import LONG, NotebookHere, Reply, ServerProcess, wait_until

SECRET = "hidden-from-everybody"
SETS = "n = 3\nname = 'world'\napi_key = ''\nwait = 0.0\ngo = ''"
WORKS = """
import os, subprocess, time
print("hello", name, flush=True)
print("with", api_key)
if go:
    child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    open(go + ".new", "w").write(f"{os.getpid()} {child.pid}")
    os.rename(go + ".new", go)
time.sleep(wait)
"""
LEAVES = """
from pathlib import Path
print(sorted(path.name for path in Path(".").rglob("*")), "GRAFT_KEY" in os.environ)
Path("out").mkdir()
Path("out/doubled.txt").write_text(str(2 * n))
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A notebook with a file beside it, a hidden one, and a link."""
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "beside.txt").write_text("beside")
    (folder / ".hidden").write_text("hidden")
    (folder / "link").symlink_to("beside.txt")
    return notebook_file(folder / "tiny.ipynb", "md:# Tiny", SETS, WORKS, LEAVES, "assert n < 10, f'{n} is too large'")


@pytest.fixture(scope="module")
def server(tiny: Path) -> Iterator[NotebookHere]:
    """Runs one at a time; one more may wait."""
    running = NotebookHere(tiny, own_host="127.0.0.1", limits=RunLimits(waiting=1, kept=50))
    yield running
    running.stop()
    assert not running.runs._place.exists()


@pytest.fixture(scope="module")
def whole(server: NotebookHere) -> tuple[str, Reply, dict[str, Any]]:
    """A run to its end: its address, what was said at its begin, what it came to."""
    begun = server.ask("POST", "/runs", {"parameters": {"n": 4, "name": "you", "api_key": SECRET}})
    return begun.headers["location"], begun, server.ended(begun.headers["location"])


def alive(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def busy(server: NotebookHere, go: Path) -> tuple[str, list[int]]:
    """The address of a run that has begun its work, and the processes of it."""
    address = server.begin(wait=1000.0, go=str(go))
    wait_until(go.exists)
    return address, [int(pid) for pid in go.read_text().split()]


def test_a_run_is_known_by_its_address_and_has_the_keys_of_the_command(server, whole):
    address, begun, ended = whole
    assert begun.status == 202
    assert begun.json["id"] in address
    assert begun.json["state"] in ("queued", "running")
    assert (ended["state"], ended["ok"], ended["error"]) == ("done", True, None)
    assert (ended["notebook"], ended["files"], ended["models"]) == ("tiny.ipynb", ["out/doubled.txt"], [])
    assert {"seconds", "shell", "warnings"} < ended.keys()
    assert ended["progress"] == {"cell": 5, "cells": 5}
    assert server.ask("GET", "/runs").json["runs"][-1]["id"] == begun.json["id"]


def test_what_it_left_is_listed_and_fetched_by_name(server, whole):
    address, _, _ = whole
    told = server.ask("GET", f"{address}/result").json
    assert [one["name"] for one in told["files"]] == ["out/doubled.txt", "tiny.ipynb"]
    file = server.ask("GET", f"{address}/result/out/doubled.txt")
    assert file.body == b"8"
    assert file.headers["content-disposition"] == "attachment"
    assert "sandbox" in file.headers["content-security-policy"]
    packed = server.ask("GET", f"{address}/result.zip")
    with zipfile.ZipFile(io.BytesIO(packed.body)) as archive:
        assert archive.namelist() == ["out/doubled.txt", "tiny.ipynb"]
    for name in ("../result.zip", "/etc/passwd", "..%2f..%2frun.json", "run.json", "out", "%2e%2e/notebook", ""):
        assert server.ask("GET", f"{address}/result/{name}").problem["code"] in ("no_file", "not_found")


def test_names_that_can_stand_in_no_address_are_plain_and_a_link_to_itself_is_copied(tmp_path: Path):
    home, copy = tmp_path / "home", tmp_path / "copy"
    home.mkdir()
    (home / "loop").symlink_to("loop")
    notebook = notebook_file(home / "n.ipynb", "n = 1")
    assert notebook_folder.copy_folder(notebook, b"{}", copy).read_bytes() == b"{}"
    assert (copy / "loop").is_symlink()
    for name in (b"bad\xffname", b"line\nbreak", b"esc\x1b[31m", "Tür 日本".encode(), b"line_break"):
        (copy / os.fsdecode(name)).write_bytes(name)
    found = notebook_folder.files_of(copy)
    assert set(found) == {"bad_name", "line_break", "line_break_", "esc_[31m", "Tür 日本", "n.ipynb"}
    assert found["bad_name"].read_bytes() == b"bad\xffname"
    assert {found[name].read_bytes() for name in ("line_break", "line_break_")} == {b"line\nbreak", b"line_break"}


def test_its_events_are_told_and_followed_again_from_any_of_them(server, whole):
    address, _, _ = whole
    stream = server.ask("GET", f"{address}/events")
    assert stream.headers["content-type"].startswith("text/event-stream")
    told = stream.body.decode().split("\n\n")[:-1]
    printed_first = next(one for one in told if "event: stdout" in one)
    assert json.loads(printed_first.partition("data: ")[2])["text"] == "hello you\n"
    assert told[-1].startswith("event: end\n")
    assert json.loads(told[-1].partition("data: ")[2])["state"] == "done"
    again = server.ask("GET", f"{address}/events", Last_Event_ID="2").body.decode()
    assert again.startswith("id: 3\n")


def test_a_secret_stands_nowhere(server, whole):
    address, begun, ended = whole
    copy = server.ask("GET", f"{address}/result/tiny.ipynb").body.decode()
    events = server.ask("GET", f"{address}/events").body.decode()
    listed = server.ask("GET", "/runs").body.decode()
    assert not [text for text in (begun.body.decode(), json.dumps(ended), copy, events, listed) if SECRET in text]
    assert ended["parameters"]["api_key"] == "[hidden]"
    assert "with [hidden]" in events


def test_each_run_has_the_folder_for_itself_and_the_notebooks_own_stays(server, whole, tiny: Path, tmp_path: Path):
    address, _, _ = whole
    (tmp_path / "copy.ipynb").write_bytes(server.ask("GET", f"{address}/result/tiny.ipynb").body)
    assert "['beside.txt', 'link', 'tiny.ipynb']" in "".join(printed(tmp_path / "copy.ipynb"))
    assert sorted(path.name for path in tiny.parent.iterdir()) == [".hidden", "beside.txt", "link", "tiny.ipynb"]
    assert str(tiny.parent) not in (tmp_path / "copy.ipynb").read_text()


def test_a_run_that_fails_says_in_which_cell_and_keeps_what_it_left(server):
    address = server.begin(n=12)
    ended = server.ended(address)
    assert (ended["state"], ended["ok"]) == ("failed", False)
    assert ended["error"] == {"cell": 5, "name": "AssertionError", "message": "12 is too large"}
    assert server.ask("GET", f"{address}/result/out/doubled.txt").body == b"24"


def test_a_run_has_a_time_limit(server, tmp_path: Path):
    go = tmp_path / "go"
    ended = server.ended(server.begin(time_limit=4, wait=1000.0, go=str(go)))
    assert (ended["state"], ended["error"]["name"], ended["error"]["cell"]) == ("failed", "TimeLimit", 3)
    assert not [pid for pid in map(int, go.read_text().split()) if alive(pid)]


def test_a_run_is_cancelled_those_that_wait_too_and_more_are_told_to_come_again(server, tmp_path: Path):
    address, pids = busy(server, tmp_path / "go")
    assert all(map(alive, pids))
    waiting = server.begin()
    assert server.ask("GET", waiting).json["state"] == "queued"
    over = server.ask("POST", "/runs", {})
    assert (over.status, over.problem["code"]) == (429, "overloaded")
    assert int(over.headers["retry-after"]) > 0
    assert server.ask("GET", f"{address}/result").problem["code"] == "not_ended"
    assert server.ask("GET", "/healthz").status == 200
    assert b'graft_runs_now{state="running"} 1.0' in server.ask("GET", "/metrics").body
    assert server.ask("POST", f"{waiting}/cancel").json["state"] == "stopped"
    assert server.ask("POST", f"{address}/cancel").status == 202
    ended = server.ended(address)
    assert (ended["state"], ended["ok"], ended["error"]["cell"]) == ("stopped", False, 3)
    assert not [pid for pid in pids if alive(pid)]
    assert server.ask("POST", f"{address}/cancel").problem["code"] == "ended"
    assert [one["name"] for one in server.ask("GET", f"{address}/result").json["files"]] == ["tiny.ipynb"]


def test_what_cannot_be_run_is_refused_in_words_before_it_waits(server):
    def refused(body: Any, **headers: str) -> tuple[int, str]:
        reply = server.ask("POST", "/runs", body, **headers)
        return reply.status, reply.problem["message"]

    status, message = refused({"parameters": {"m": 1}})
    assert status == 422
    assert "name" in message or "m" in message
    assert refused({"parameters": {"n": "many"}})[0] == 422
    assert refused({"parameters": [1]})[0] == refused({"more": 1})[0] == refused({"time_limit": 0})[0] == 422
    assert refused({"time_limit": True})[0] == 422
    for broken in (b"{", b'{"parameters": {"n": NaN}}', b"[" * 100_000):
        assert refused(broken, Content_Type="application/json")[0] == 400
    assert refused(b"x" * (2 << 20), Content_Type="application/json")[0] == 413
    assert server.ask("GET", "/runs/nothing").problem["code"] == "no_run"
    assert server.ask("DELETE", "/runs").problem["code"] == "wrong_method"


def test_a_page_of_another_site_begins_and_ends_nothing(server, whole):
    known = len(server.runs.all())
    for headers in ({"Origin": "https://evil.example"}, {"Sec_Fetch_Site": "cross-site"}, {"Origin": "null"}):
        assert server.ask("POST", "/runs", {}, **headers).problem["code"] == "other_site"
        assert server.ask("POST", f"{whole[0]}/cancel", **headers).problem["code"] == "other_site"
    # What a page may send without asking first is of none of the types that are taken.
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        assert server.ask("POST", "/runs", b"{}", Content_Type=kind).problem["code"] == "unsupported_media_type"
    assert server.ask("POST", "/runs", {}, Host="evil.example").problem["code"] == "wrong_host"
    assert len(server.runs.all()) == known
    own = {"Origin": f"http://127.0.0.1:{server.port}", "Sec_Fetch_Site": "same-origin"}
    assert server.ended(server.ask("POST", "/runs", {}, **own).headers["location"])["ok"]


def test_every_route_is_in_the_document_and_its_page(server):
    told = server.ask("GET", "/openapi.json").json["paths"]
    served = {(path.replace(":path", ""), method.lower()) for method, path, _ in NotebookRoutes(server.runs).table()}
    pages = {("/docs", "get"), ("/docs/style.css", "get"), ("/openapi.json", "get")}
    assert served - pages == {(path, method) for path, own in told.items() for method in own}
    page = server.ask("GET", "/docs").body.decode()
    assert not [path for path in told if path not in page]


def test_requests_made_from_the_document(tmp_path: Path):
    pytest.importorskip("schemathesis", reason="it makes the requests: pip install schemathesis")
    server = NotebookHere(notebook_file(tmp_path / "none.ipynb", "n = 1"), limits=RunLimits(waiting=1, seconds=0.001))
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    done = subprocess.run(
        [
            *(Path(sys.executable).with_name("schemathesis"), "run", f"http://127.0.0.1:{server.port}/openapi.json"),
            *("--checks", checks, "-n", "3", "--mode", "all", "--seed", "1", "--phases", "coverage,fuzzing"),
            *("--continue-on-failure", "--generation-database", "none"),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "NO_COLOR": "1"},
        check=False,
    )
    server.stop()
    assert done.returncode == 0, done.stdout[-6000:]


def test_of_those_that_have_ended_the_last_are_kept(tmp_path: Path):
    note = notebook_file(tmp_path / "large.ipynb", "size = 10\nfail = False", "open('f', 'wb').write(bytes(size))")
    runs = NotebookRuns(note, limits=RunLimits(at_once=2, kept=2, kept_bytes=300_000))
    runs.start()

    def ran(**given: str) -> str:
        run = runs.add(given, given, None)
        wait_until(lambda: run.is_over)
        return run.id

    assert [ran() for _ in range(3)][1:] == [run.id for run in runs.all()]
    large = ran(size="400000")
    assert [run.id for run in runs.all()] == [large]  # the last one, whatever it takes
    wait_until(lambda: len(list(runs._place.iterdir())) == 1)
    runs.stop()
    assert not runs._place.exists()


def test_two_go_on_at_once_where_that_was_said(tmp_path: Path):
    meet = "other = ''\nown = ''", "import os, time\nopen(own, 'w')\nwhile not os.path.exists(other): time.sleep(0.05)"
    runs = NotebookRuns(notebook_file(tmp_path / "meet.ipynb", *meet), limits=RunLimits(at_once=2, seconds=LONG))
    runs.start()
    marks = [str(tmp_path / name) for name in "ab"]
    pair = [runs.add({"own": own, "other": other}, {}, None) for own, other in (marks, reversed(marks))]
    wait_until(lambda: all(run.is_over for run in pair))
    assert [run.state for run in pair] == ["done", "done"]
    runs.stop()


def test_at_the_end_what_runs_is_finished_in_time_and_stopped_after_that(tiny: Path, tmp_path: Path):
    server = ServerProcess(
        *("--notebook", tiny, "--port", 0, "--drain-limit", 3),
        environment={"GRAFT_KEY": SECRET, "TMPDIR": str(tmp_path)},
    )
    key = {"Authorization": f"Bearer {SECRET}"}
    assert server.ask("POST", "/runs", {}).status == 401
    assert server.ask("GET", "/readyz").status == 200
    go = tmp_path / "go"
    begun = server.ask("POST", "/runs", {"parameters": {"go": str(go), "wait": 1000.0}}, **key)
    address = begun.headers["location"]
    followed = threading.Thread(target=server.ask, args=("GET", f"{address}/events"), kwargs=key)
    followed.start()
    wait_until(go.exists)
    pids = [int(pid) for pid in go.read_text().split()]
    server.process.send_signal(signal.SIGTERM)
    wait_until(lambda: server.ask("GET", "/readyz").status == 503)
    assert server.ask("POST", "/runs", {}, **key).problem["code"] == "draining"
    assert server.ask("GET", address, **key).json["state"] == "running"
    code, said = server.stop()
    followed.join(LONG)
    assert (code, SECRET in said) == (0, False), said
    assert not [pid for pid in pids if alive(pid)]
    assert not list(tmp_path.glob("graft-runs-*"))


def test_the_notebook_has_no_key_of_the_server(tiny: Path, tmp_path: Path):
    server = ServerProcess("--notebook", tiny, "--port", 0, environment={"GRAFT_KEY": SECRET, "TMPDIR": str(tmp_path)})
    key = {"Authorization": f"Bearer {SECRET}"}
    address = server.ask("POST", "/runs", {}, **key).headers["location"]
    wait_until(lambda: server.ask("GET", address, **key).json["ended"] is not None)
    events = server.ask("GET", f"{address}/events", **key).body.decode()
    assert server.stop()[0] == 0
    assert "'tiny.ipynb'] False" in events


def test_a_run_that_is_done_in_time_is_finished_and_no_other_begins(tiny: Path):
    server = NotebookHere(tiny, limits=RunLimits(waiting=2))
    running, waiting = server.begin(wait=0.5), server.begin()
    wait_until(lambda: server.ask("GET", running).json["state"] == "running")
    runs = server.runs
    server.stop()
    assert [run.state for run in runs.all()] == ["done", "stopped"]
    assert waiting.endswith(runs.all()[1].id)
    assert runs.all()[1].to_dict()["started"] is None


@pytest.mark.parametrize("given", [["--host", "0.0.0.0"], ["MODEL"], ["--name", "x"], ["--index", "."]])
def test_the_command_refuses_what_does_not_go_with_a_notebook(tiny: Path, capsys, given: list[str], saved: Path):
    words = [str(saved) if word == "MODEL" else word for word in given]
    assert command_line.exit_code(["serve", "--notebook", str(tiny), *words]) in (1, 2)
    said = capsys.readouterr().err
    assert "there is no key" in said if "--host" in given else "--notebook was given" in said


def test_the_command_refuses_what_is_for_a_notebook_alone(saved: Path, capsys):
    assert command_line.exit_code(["serve", str(saved), "--runs", "2"]) in (1, 2)
    assert "--runs is for --notebook" in capsys.readouterr().err


def test_what_is_no_notebook_or_needs_another_place_is_said_before_anything_listens(tmp_path: Path, monkeypatch):
    with pytest.raises(GraftError, match="no file"):
        NotebookRuns(tmp_path / "none.ipynb")
    colab = notebook_file(tmp_path / "colab.ipynb", "from google.colab import files")
    with pytest.raises(GraftError, match="colab"):
        NotebookRuns(colab)
    monkeypatch.setattr(notebook_folder, "MOST_BYTES", 10)
    with pytest.raises(UsageError, match=r"Beside plain\.ipynb"):
        NotebookRuns(notebook_file(tmp_path / "plain.ipynb", "n = 1"))
    assert not re.search("graft-runs", " ".join(map(str, tmp_path.iterdir())))
