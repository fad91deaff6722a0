"""The editor's page in a real browser, and its server over HTTP."""

from __future__ import annotations

import dataclasses
import http.client
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np
import pytest

import shapes
from graft.cleaning import Findings, find_issues
from graft.cleaning.agenda import Filter
from graft.cleaning.review import Review
from graft.data.journal import Journal
from graft.errors import GraftError

pytest.importorskip("starlette", reason="Starlette is not installed: pip install 'graft-learn[app]'")
from graft.app import Editor
from graft.app.scoring import worth_of

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
FLAGS = (
    "headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "disable-quic", "no-first-run",
    "disable-background-networking", "disable-component-update", "disable-sync",
)  # fmt: skip
HOSTILE = "<img src=x onerror=hacked=1>"
KEYS = {"right": "\ue014", "left": "\ue012", "enter": "\ue007"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shapes, two of them in the wrong folder, one there twice; a class and a file whose names are markup."""
    folder = shapes.folders(tmp_path_factory.mktemp("shapes"), {"circle": 10, HOSTILE: 10, "triangle": 10})
    for seed in (90, 91):
        (folder / "circle" / f"<b onclick=hacked=1>&amp;{seed}.png").write_bytes(shapes.encoded(HOSTILE, seed))
    (folder / "triangle" / "again.png").write_bytes((folder / "triangle" / "003.png").read_bytes())
    return folder


@pytest.fixture(scope="module")
def findings(data: Path) -> Findings:
    return find_issues(data)


@pytest.fixture
def editor(findings: Findings, tmp_path: Path) -> Iterator[Editor]:
    with Editor(
        findings, tmp_path / "shapes.journal", port=0, score=lambda applied: f"{len(applied.rows)} remain"
    ) as it:
        yield it


@pytest.fixture(scope="module")
def idle(findings: Findings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    """An editor in which nobody decides anything."""
    with Editor(findings, tmp_path_factory.mktemp("idle") / "shapes.journal", port=0) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium that keeps its console and says what it asked the network for."""
    if not (Path(CHROMIUM).exists() and Path(DRIVER).exists()):
        pytest.skip(f"no Chromium on this machine ({CHROMIUM} and {DRIVER}: Debian's chromium and chromium-driver)")
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = CHROMIUM
    for argument in FLAGS:
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def page(browser: Any, editor: Editor) -> Page:
    return Page(browser, editor)


class Page:
    """The editor's page as somebody uses it."""

    def __init__(self, browser: Any, editor: Editor) -> None:
        self.browser, self.editor = browser, editor
        self.size(1280)
        browser.get_log("browser")
        browser.get_log("performance")
        self.open()

    def open(self, fragment: str = "") -> None:
        self.browser.get("about:blank")
        self.browser.get(self.editor.address + fragment)
        self.until(lambda: self.js("return document.getElementById('graft')?.dataset.ready"))

    def size(self, width: int) -> None:
        size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 600}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def js(self, script: str, *values: Any) -> Any:
        return self.browser.execute_script(script, *values)

    def until(self, condition: Callable[[], Any]) -> Any:
        end = time.monotonic() + 20
        while not (found := condition()):
            assert time.monotonic() < end, f"it never came about; the page says {self.text('#said')!r}"
            time.sleep(0.02)
        return found

    def text(self, selector: str) -> str:
        return self.js("return document.querySelector(arguments[0])?.innerText ?? ''", selector)

    def click(self, selector: str) -> None:
        self.js("document.querySelector(arguments[0]).click()", selector)

    def press(self, key: str) -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.browser).send_keys(KEYS.get(key, key)).perform()

    @property
    def row(self) -> int | None:
        found = re.search(r"row=(\d+)", self.js("return location.hash"))
        return int(found[1]) if found else None

    @property
    def journal(self) -> list[tuple[str, str | None]]:
        path = self.editor.review.journal.path
        return [(made.action, made.to) for made in Journal(path).read()] if path.is_file() else []

    def moves(self, key: str) -> int | None:
        """Press a key that leads to another item."""
        before = self.row
        self.press(key)
        self.until(lambda: self.row != before)
        return self.row


@pytest.mark.browser
def test_page_asks_nobody_else_and_fits(page: Page) -> None:
    for width in (1280, 390):
        page.size(width)
        page.open()
        assert page.js("return document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.press("x")
    page.until(lambda: page.journal)

    sent = [json.loads(entry["message"])["message"] for entry in page.browser.get_log("performance")]
    asked = [m["params"]["request"]["url"] for m in sent if m["method"] == "Network.requestWillBeSent"]
    assert len(asked) > 20
    parts = [urlsplit(url) for url in asked]
    assert {part.hostname for part in parts if part.scheme not in ("data", "blob", "about")} == {"127.0.0.1"}
    assert page.browser.get_log("browser") == []


@pytest.mark.browser
def test_keys_decide_and_each_is_in_the_journal_at_once(page: Page) -> None:
    first = page.row
    second = page.moves("right")
    assert page.moves("left") == first

    assert page.moves("x") == second
    assert page.journal == [("drop", None)]
    third = page.moves("3")
    given = page.editor.review.findings.dataset.labels[second]
    assert page.journal[1:] == [("relabel", "triangle") if given != "triangle" else ("keep", None)]
    page.moves("k")
    page.moves("?")
    assert [action for action, _ in page.journal[2:]] == ["keep", "unsure"]

    page.press("u")
    page.until(lambda: "Taken back" in page.text("#said"))
    assert page.journal[-1] == ("undo", None)
    assert "Not decided" in page.text("#band")
    page.press("u")
    page.until(lambda: page.row == third)
    page.press("U")
    page.until(lambda: "Made again" in page.text("#said"))
    assert "Kept" in page.text("#band")
    assert page.editor.review.decided.sum() == 3
    assert page.text("#count").startswith("3 of ")


@pytest.mark.browser
def test_reload_keeps_place_and_decisions(page: Page) -> None:
    page.moves("x")
    place = page.moves("right")
    count = page.text("#count")
    page.browser.refresh()
    page.until(lambda: page.js("return document.getElementById('graft')?.dataset.ready"))
    assert (page.row, page.text("#count")) == (place, count)
    page.open()  # without the fragment: the place is remembered
    assert page.row == place


@pytest.mark.browser
def test_confusion_cell_shows_its_items(page: Page) -> None:
    page.click("#confusion td button")
    page.until(lambda: page.text("#pair"))
    table = page.editor.review.findings.confusion()
    i, j = np.argwhere(table)[0]
    classes = page.editor.review.findings.classes
    assert page.text("#where") == f"1 of {table[i, j]}"
    assert page.text("#pair").startswith(f"called {classes[i]}, looks like {classes[j]}")
    assert page.text("#given").endswith(classes[i])


@pytest.mark.browser
def test_copies_are_merged_with_one_key(page: Page) -> None:
    page.open("#kind=exact_duplicate")
    rows = page.js("return [...document.querySelectorAll('#copies li')].length")
    page.js("document.querySelectorAll('#copies .small')[1].click()")
    page.until(lambda: page.text("#copies li b"))
    page.press("m")
    page.until(lambda: "Merged" in page.text("#said"))
    (made,) = page.editor.review.decisions
    assert made.action == "merge"
    assert len(made.items) == rows
    page.press("u")
    page.until(lambda: "Taken back" in page.text("#said"))
    assert not page.editor.review.decided.any()


@pytest.mark.browser
def test_names_are_never_markup(page: Page) -> None:
    page.open("#kind=all&label=" + "circle&undecided=0")
    names = []
    for _ in range(12):
        names.append(page.text(".called"))
        page.press("right")
        time.sleep(0.05)
    page.until(lambda: page.text("#end"))
    assert any("<b onclick=hacked=1>&amp;90.png" in name for name in names)
    page.open("#kind=label&undecided=0")
    assert HOSTILE in page.text("#classes")
    assert page.js("return typeof hacked") == "undefined"
    assert (
        page.js("return document.querySelectorAll('#graft [onclick], #graft [onerror], #graft img[src=x]').length") == 0
    )


@pytest.mark.browser
def test_a_class_is_found_or_made_by_typing(page: Page) -> None:
    page.press("/")
    page.until(lambda: page.js("return document.querySelector('#search')?.open"))
    page.press("tri")
    page.until(lambda: page.text("#found").startswith("triangle"))
    for letter in ("\ue003",) * 3:
        page.press(letter)
    page.press("<u>hexagon")
    page.until(lambda: "New class <u>hexagon" in page.text("#found"))
    page.moves("enter")
    assert page.journal == [("relabel", "<u>hexagon")]
    page.until(lambda: "<u>hexagon" in page.text("#classes"))


@pytest.mark.browser
def test_what_others_decide_is_seen(page: Page) -> None:
    other = Review(page.editor.review.findings, Journal(page.editor.review.journal.path))
    other.decide("drop", [page.row], who="Ada <i>")
    page.until(lambda: "Dropped by Ada <i>" in page.text("#band"))
    assert "Ada <i> dropped" in page.text("#others")
    page.moves("k")
    assert len(page.editor.review.applied().conflicts) == 1


@pytest.mark.browser
def test_score_follows_the_decisions(page: Page) -> None:
    n = len(page.editor.review.findings)
    page.until(lambda: f"{n} remain" in page.text("#score"))
    page.moves("x")
    page.until(lambda: f"{n - 1} remain" in page.text("#score"))


def test_score_is_the_accuracy_before_and_after(findings: Findings, tmp_path: Path) -> None:
    score = worth_of(findings)
    review = Review(findings, Journal(tmp_path / "shapes.journal"))
    assert re.fullmatch(r"Accuracy \d+\.\d\s% with the labels as they are", score(review.applied()))
    for row in review.queue(Filter("label")).tolist():
        review.decide("relabel", [row], findings["predicted_label"][row])
    words = score(review.applied())
    assert re.fullmatch(r"Accuracy [\d.]+\s% with the decisions: \S+ points, 95 % interval \S+ to \S+", words)


@pytest.mark.browser
def test_what_cannot_be_written_is_not_shown_as_made(page: Page) -> None:
    page.moves("x")
    journal = page.editor.review.journal.path
    kept = journal.read_bytes()
    journal.unlink()
    journal.mkdir()
    row = page.row
    page.press("x")
    page.until(lambda: "is no file" in page.text("#said"))
    assert page.row == row
    assert "Not decided" in page.text("#band")
    journal.rmdir()
    journal.write_bytes(kept)
    page.moves("x")
    assert page.journal == [("drop", None)] * 2


@pytest.mark.browser
def test_nothing_found_is_said_kindly(browser: Any, findings: Findings, tmp_path: Path) -> None:
    columns = {
        name: np.zeros_like(values) if name.startswith("is_") and name.endswith("_issue") else values
        for name, values in findings.columns.items()
    }
    clean = dataclasses.replace(findings, columns=columns)
    with Editor(clean, tmp_path / "clean.journal", port=0) as editor:
        page = Page(browser, editor)
        assert "Nothing was found that looks wrong" in page.text("#end")
        page.click("#end button")
        page.until(lambda: page.row is not None)


def ask(
    editor: Editor, method: str, path: str, body: Any = None, *, let_in: bool = True, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Ask the editor as a browser does that has opened its address, or one that has not."""
    connection = http.client.HTTPConnection(*where(editor), timeout=20)
    given = {"Cookie": begin(editor.address)} if let_in else {}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, json.dumps(body) if body is not None else None, given)
    response = connection.getresponse()
    return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()


def where(editor: Editor) -> tuple[str, int]:
    return urlsplit(editor.address).hostname, editor.port


def begin(address: str) -> str:
    """The cookie that the printed address brings."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    connection.request("GET", f"/?{parts.query}")
    response = connection.getresponse()
    assert response.status == 200
    return response.getheader("set-cookie").split(";")[0]


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
    for origin in ("http://evil.example", "null", own.replace("127.0.0.1", "localhost"), f"{own}0"):
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
    connection = http.client.HTTPConnection(*where(idle), timeout=20)
    connection.request("POST", "/editor/decide", content, {"Cookie": begin(idle.address)})
    response = connection.getresponse()
    assert response.status in (400, 413)
    assert set(json.loads(response.read())) == {"code", "message", "hint"}


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


SERVER = """
import os, sys, uvicorn, starlette.routing
from graft.app import Editor
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
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
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
