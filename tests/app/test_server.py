"""The editor's server over HTTP: who is let in, what is answered, and what a kill leaves."""

from __future__ import annotations

import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np
import pytest

from graft.app import Editor, _door
from graft.app.routes import MAX_BODY
from graft.cleaning import Findings
from graft.errors import GraftError
from graft.journal.journal import Journal
from pages import Page, ask, begin, where

pytest.importorskip("starlette", reason="Starlette is not installed: pip install 'graft-learn[app]'")

_files = resources.files
EVERYTHING = [
    *("/", "/?token=", "/?token=guessed", "/editor/page.html", "/editor/editor.js", "/editor/editor.css"),
    *("/editor/start", "/editor/state", "/editor/queue", "/editor/item/0", "/editor/picture/0", "/editor/sound/0"),
    *("/nothing", "/favicon.ico", "/editor/../page.html"),
]


@pytest.mark.parametrize("path", EVERYTHING)
def test_without_the_address_nothing_is_answered(idle: Editor, path: str) -> None:
    name, _, key = begin(idle.address).partition("=")
    token = urlsplit(idle.address).query
    for method in ("GET", "HEAD", "POST", "PUT", "OPTIONS"):
        for cookie in ("", name, f"{name}=", f"{name}=guessed", f"{name}={key}x", f"{name}={key[:-1]}", f"other={key}"):
            status, headers, content = ask(idle, method, path, {}, let_in=False, Cookie=cookie)
            assert (status, "set-cookie" in headers) == (403, False)
            assert b"shapes" not in content
            assert key.encode() not in content
    separator = "&" if "?" in path else "?"
    if not path.startswith("/?"):  # the token opens the page, and nothing else
        assert ask(idle, "GET", f"{path}{separator}{token}", let_in=False)[0] == (200 if path == "/" else 403)


def test_what_other_programs_left_beside_the_page_is_not_served(
    findings: Findings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = Path(shutil.copytree(resources.files("graft.app"), tmp_path / "app"))
    (package / "assets" / ".DS_Store").write_bytes(b"a list of files")
    (package / "assets" / "editor.js~").write_bytes(b"an older one")
    (package / "assets" / "__pycache__").mkdir()
    monkeypatch.setattr(resources, "files", lambda name: package if name == "graft.app" else _files(name))
    with Editor(findings, tmp_path / "shapes.journal", port=0) as editor:
        for name, status in (("editor.js", 200), (".DS_Store", 404), ("editor.js~", 404), ("__pycache__", 404)):
            assert ask(editor, "GET", f"/editor/{name}")[0] == status


def test_a_body_that_is_too_large_is_refused_before_it_ends(idle: Editor) -> None:
    cookie = begin(idle.address)
    line = http.client.HTTPConnection("127.0.0.1", idle.port, timeout=60)
    line.putrequest("POST", "/editor/decide")
    line.putheader("Cookie", cookie)
    line.putheader("Content-Length", str(1 << 30))
    line.endheaders()
    line.send(b"x" * (MAX_BODY + 1))  # and nothing more
    response = line.getresponse()
    assert (response.status, json.loads(response.read())["code"]) == (413, "too_large")
    line.close()


def test_a_head_that_never_ends_takes_no_memory(idle: Editor) -> None:
    head = b"".join(b"A%d: %s\r\n" % (number, b"x" * 60_000) for number in range(1000))  # it has no end
    line = socket.create_connection(("127.0.0.1", idle.port), timeout=30)
    with line, pytest.raises(OSError, match=r"reset|[Bb]roken pipe|aborted"):
        line.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + head)


def test_decisions_need_the_session_too(idle: Editor) -> None:
    for path in ("decide", "undo", "redo"):
        assert ask(idle, "POST", f"/editor/{path}", {"action": "drop", "rows": [0]}, let_in=False)[0] == 403
    assert not idle.review.journal.path.exists()


def test_the_address_brings_a_cookie_that_no_script_and_no_other_site_has(idle: Editor) -> None:
    query = urlsplit(idle.address).query
    status, headers, page = ask(idle, "GET", f"/?{query}", let_in=False)
    cookie = headers["set-cookie"]
    assert status == 200
    assert {part.strip() for part in cookie.split(";")[1:]} == {"Path=/", "HttpOnly", "SameSite=Strict"}
    assert cookie.startswith(f"graft-{idle.port}=")  # browsers do not keep those of several ports apart
    assert headers["cache-control"] == "no-store"
    token = query.partition("=")[2].encode()
    assert token not in page
    assert token not in cookie.encode()
    assert "set-cookie" not in ask(idle, "GET", "/")[1]
    assert urlsplit(idle.address).query not in repr(idle.session)


def test_a_session_ends_with_its_editor(findings: Findings, tmp_path: Path) -> None:
    with Editor(findings, tmp_path / "one.journal", port=0) as first:
        cookie, port, address = begin(first.address), first.port, first.address
    with Editor(findings, tmp_path / "one.journal", port=port) as second:
        assert ask(second, "GET", "/editor/start", let_in=False, Cookie=cookie)[0] == 403
        assert ask(second, "GET", f"/?{urlsplit(address).query}", let_in=False)[0] == 403
        assert ask(second, "GET", "/editor/start")[0] == 200


def test_only_the_page_itself_may_decide(editor: Editor) -> None:
    drop = {"action": "drop", "rows": [0]}
    own = f"http://{editor.address.split('/')[2]}"
    for headers in ({"Host": "evil.example"}, {"Host": "127.0.0.1.evil.example:80"}, {"Host": "192.0.2.1"}):
        assert ask(editor, "GET", "/editor/start", **headers)[0] == 421
        assert ask(editor, "POST", "/editor/decide", drop, **headers)[0] == 421
    for origin in ("http://evil.example", "null", "http://[", own.replace("127.0.0.1", "localhost"), f"{own}0"):
        assert ask(editor, "POST", "/editor/decide", drop, Origin=origin)[0] == 403
    assert ask(editor, "GET", "/editor/picture/0", Sec_Fetch_Site="cross-site")[0] == 403
    assert not editor.review.journal.path.exists()

    assert ask(editor, "POST", "/editor/decide", drop, Origin=own)[0] == 200
    assert editor.review.decided.nonzero()[0].tolist() == [0]


@pytest.mark.browser
def test_the_token_leaves_the_address_of_the_page(page: Page) -> None:
    assert page.browser.current_url.split("#")[0] == f"http://127.0.0.1:{page.editor.port}/"
    assert page.js("return document.cookie") == ""
    page.browser.refresh()
    page.until(lambda: page.js("return document.getElementById('graft')?.dataset.ready"))


@pytest.mark.browser
def test_a_page_of_an_earlier_editor_says_so(browser: Any, findings: Findings, tmp_path: Path) -> None:
    with Editor(findings, tmp_path / "one.journal", port=0) as first:
        page, port = Page(browser, first), first.port
    page.until(lambda: "does not answer" in page.text("#said"))
    with Editor(findings, tmp_path / "one.journal", port=port) as second:
        page.until(lambda: "Open the address that it printed" in page.text("#said"))
        browser.get(second.address)
        page.until(lambda: page.js("return document.getElementById('graft')?.dataset.ready"))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"action": "drop", "rows": [10**9]}, 400),
        ({"action": "drop", "rows": "0"}, 400),
        ({"action": "drop", "rows": [True]}, 400),
        ({"action": "relabel", "rows": [0], "to": {"a": 1}}, 400),
        ({"action": ["drop"], "rows": [0]}, 400),
        ([1, 2], 400),
        ({"action": "drop", "rows": [0], "who": "x" * 1_000_000}, 413),
        ({"action": "drop"}, 400),
        ({"action": "drop", "rows": []}, 400),
        ({"action": "drop", "rows": [-1]}, 400),
        ({"action": "relabel", "rows": [0], "to": "\ud800"}, 400),
        ("drop", 400),
    ],
)
def test_requests_that_make_no_sense(idle: Editor, body: Any, status: int) -> None:
    assert ask(idle, "POST", "/editor/decide", body)[0] == status
    assert not idle.review.journal.path.exists()


@pytest.mark.parametrize(
    "path",
    [
        "/file=/etc/passwd",
        "/etc/passwd",
        "/editor/item/999999",
        f"/editor/item/{'9' * 5000}",
        "/editor/item/-1",
        "/editor/item/%2e%2e",
        "/editor/picture/999999",
        "/editor/picture/0/../../etc/passwd",
        "/editor/sound/٣",
        "/editor/..%2fgate.py",
        "/editor/%2fetc%2fpasswd",
        "/editor/editor.py",
        "/editor//etc/passwd",
        "/docs",
        "/openapi.json",
    ],
)
def test_nothing_else_is_served(idle: Editor, path: str) -> None:
    assert ask(idle, "GET", quote(path, safe="/%=.-"))[0] == 404
    assert ask(idle, "POST", quote(path, safe="/%=.-"), {})[0] in (404, 405)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b'{"rows": [' + b"9" * 5000 + b"]}", b"NaN"]
)
def test_what_is_no_json_is_refused(idle: Editor, content: bytes) -> None:
    connection = http.client.HTTPConnection(*where(idle), timeout=240)
    connection.request("POST", "/editor/decide", content, {"Cookie": begin(idle.address)})
    response = connection.getresponse()
    assert response.status in (400, 413)
    assert set(json.loads(response.read())) == {"code", "message", "hint"}


def test_who_goes_away_amid_a_request_leaves_no_trace(
    findings: Findings, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with Editor(findings, tmp_path / "one.journal", port=0) as editor:
        head = "POST /editor/decide HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 60\r\n"
        with socket.create_connection(where(editor), timeout=20) as connection:
            cookie = f"Cookie: {begin(editor.address)}\r\n\r\n"
            connection.sendall((head + cookie).encode() + b'{"action": "drop", "rows": [0]')
        assert ask(editor, "GET", "/editor/state")[0] == 200
    assert not editor.review.journal.path.exists()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "query", [f"keep={'9' * 5000}", "keep=-1", "keep=%D9%A3", "kind=%00", "label=%FF%FE&undecided=2"]
)
def test_queues_that_make_no_sense(idle: Editor, query: str) -> None:
    assert ask(idle, "GET", f"/editor/queue?{query}")[0] in (200, 400)


def test_pictures_are_made_anew_and_typed(idle: Editor) -> None:
    status, headers, content = ask(idle, "GET", "/editor/picture/0?side=960")
    assert (status, headers["content-type"], content[:3]) == (200, "image/jpeg", b"\xff\xd8\xff")
    assert headers["x-content-type-options"] == "nosniff"
    _, headers, _ = ask(idle, "GET", "/")
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["content-type"].startswith("text/html")


def test_a_port_that_is_taken_is_said(idle: Editor, findings: Findings, tmp_path: Path) -> None:
    with pytest.raises(GraftError, match="cannot listen"):
        Editor(findings, tmp_path / "other.journal", port=urlsplit(idle.address).port)
    with pytest.raises(GraftError, match=r"cannot listen at 127\.0\.0\.1, port 70000: "):
        Editor(findings, tmp_path / "other.journal", port=70_000)


SERVER = """
import os, sys, uvicorn, starlette.routing
from graft.app import Editor, _door
from graft.app.routes import MAX_BODY
from graft.cleaning import find_issues
findings = find_issues(sys.argv[1])
for _ in sys.stdin:
    if not os.fork():
        with Editor(findings, sys.argv[2], port=0) as editor:
            print(os.getpid(), editor.address, flush=True)
            editor.wait()
        os._exit(0)
"""


def test_kill_loses_no_decision_that_was_acknowledged(data: Path, tmp_path: Path) -> None:
    journal = tmp_path / "killed.journal"
    acknowledged: list[str] = []
    command = [sys.executable, "-c", SERVER, str(data), str(journal)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as nursery:
        try:
            for life in range(5):
                nursery.stdin.write("\n")
                nursery.stdin.flush()
                pid, address = nursery.stdout.readline().split()
                people = [
                    threading.Thread(target=decide_on, args=(address, f"{life} {who}", acknowledged))
                    for who in range(3)
                ]
                before = len(acknowledged)
                for person in people:
                    person.start()
                while len(acknowledged) < before + 10:
                    time.sleep(0.01)
                time.sleep(random.uniform(0, 0.2))
                os.kill(int(pid), signal.SIGKILL)
                for person in people:
                    person.join(30)
                written = {decision.to for decision in Journal(journal).read()}
                assert set(acknowledged) <= written
        finally:
            nursery.stdin.close()
            nursery.kill()
    assert len(acknowledged) >= 50


def decide_on(address: str, who: str, acknowledged: list[str]) -> None:
    """Decide as fast as the server answers, until it answers no more."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=240)
    try:
        cookie = begin(address)
        for number in range(100_000):
            label = f"{who} {number}"
            values = json.dumps({"action": "relabel", "rows": [number % 30], "to": label, "who": who})
            connection.request("POST", "/editor/decide", values, {"cookie": cookie})
            response = connection.getresponse()
            response.read()
            assert response.status == 200
            acknowledged.append(label)
    except (OSError, http.client.HTTPException):
        return


def test_what_to_do_with_the_address_is_said(findings: Findings, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    with Editor(findings, tmp_path / "one.journal", port=0) as editor:
        said = " ".join(editor.instructions)
        assert "Open it in a browser" in said
        assert "Ctrl-C" in said
        assert str(tmp_path / "one.journal") in said
        monkeypatch.setenv("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22")
        assert f"ssh -L {editor.port}:127.0.0.1:{editor.port} " in " ".join(editor.instructions)
    with Editor(findings, tmp_path / "one.journal", port=0, host="0.0.0.0") as editor:
        assert editor.address.startswith("http://127.0.0.1:")
        assert "not encrypted" in " ".join(editor.instructions)
        assert ask(editor, "GET", "/editor/start", Host=f"192.0.2.7:{editor.port}")[0] == 200


@pytest.mark.browser
def test_the_browser_is_led_to_the_address(page: Page) -> None:
    page.browser.delete_all_cookies()
    with _door(page.editor.address) as door:
        page.browser.get(door)
        page.until(lambda: page.js("return document.getElementById('graft')?.dataset.ready"))


@pytest.mark.skipif(os.name != "posix", reason="needs the permissions of POSIX")
def test_no_other_user_sees_the_address_while_a_browser_is_opened() -> None:
    with _door("http://127.0.0.1:1/?token=secret") as page:
        path = Path(urlsplit(page).path)
        assert "token=secret" not in page
        assert "token=secret" in path.read_text()
        assert path.parent.stat().st_mode & 0o077 == 0
    assert not path.exists()


@pytest.mark.skipif(os.name != "posix", reason="sends Ctrl-C as POSIX does")
def test_the_command_prints_an_address_that_works_until_ctrl_c(data: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "graft", "clean", str(data), "--app", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as running:
        try:
            address = next(line.strip() for line in running.stdout if line.startswith("http://"))
            assert begin(address)
            port = urlsplit(address).port
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            connection.request("GET", "/")
            assert connection.getresponse().status == 403
            running.send_signal(signal.SIGINT)
            _, said = running.communicate(timeout=60)
        finally:
            running.kill()
    assert running.returncode == 0
    assert "Open it in a browser" in said
    assert "Traceback" not in said


def test_the_server_needs_nothing_but_its_extra(data: Path, tmp_path: Path) -> None:
    script = (
        "import sys; from graft.app import Editor; from graft.cleaning import find_issues\n"
        "with Editor(find_issues(sys.argv[1]), sys.argv[2], port=0): print(*sys.modules)"
    )
    command = [sys.executable, "-c", script, str(data), str(tmp_path / "one.journal")]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert {"starlette", "uvicorn"} <= set(found.stdout.split())
    assert not {"gradio", "fastapi", "pydantic"} & set(found.stdout.split())


def test_why_speaks_of_the_class_that_an_item_is_taken_for(idle: Editor) -> None:
    findings = idle.review.findings
    row = int(np.flatnonzero(findings["is_label_issue"])[0])
    status, _, content = ask(idle, "GET", f"/editor/why/{row}")
    found = json.loads(content)
    assert status == 200
    assert found["label"] == findings["predicted_label"][row]
    assert (found["kind"], found["rows"], found["columns"], found["row"]) == ("squares", 7, 7, row)
    assert np.abs(found["effects"]).max() <= 1
    assert ask(idle, "GET", "/editor/why/99999")[0] == 404
    assert json.loads(ask(idle, "GET", "/editor/start")[2])["why"] is True
