"""The page that tries a model in a real browser, asking a real model: also through a proxy with a path of its own."""

from __future__ import annotations

import http.client
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import graft
import shapes
import try_states
from accessibility import axe_script, serious_findings
from graft.app import TryPage
from graft.similarity import Index

pytest.importorskip("starlette", reason="Starlette is not installed: pip install 'graft-learn[app]'")
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("given")
    for name in ("turn 6", "turn 5", "clear RGBA", "clear LA", "plain"):
        (folder / f"{name}.{'jpg' if name.startswith('turn') else 'png'}").write_bytes(shapes.AWKWARD[name])
    (folder / "bad.png").write_bytes(b"Dear all,\n")
    return folder


@pytest.fixture(scope="module")
def server(saved: Path, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TryPage]:
    with TryPage(
        graft.load(saved),
        index=Index.of(photos, encoder=str(saved)),
        corrections=tmp_path_factory.mktemp("kept") / "corrections",
        port=0,
    ) as running:
        yield running


@pytest.fixture
def page(browser: Any, server: TryPage, given: Path) -> try_states.TryPage:
    browser.get_log("browser")
    browser.get_log("performance")
    return try_states.TryPage(browser, server.address, given)


def hundred(p: float) -> str:
    return "over 99" if p >= 0.995 else "under 1" if p < 0.01 else str(round(100 * p))


@pytest.mark.parametrize("name", ["turn 6.jpg", "turn 5.jpg", "clear RGBA.png", "clear LA.png", "plain.png"])
def test_the_page_says_of_a_file_what_predict_says(
    page: try_states.TryPage, saved: Path, given: Path, name: str
) -> None:
    page.open()
    page.give(name)
    page.answered()
    found = graft.load(saved).predict_one(str(given / name))
    shown = page.js("return [...document.querySelectorAll('.bars li, .bars tr, .bars > *')].map((n) => n.innerText)")
    told = " ".join(shown)
    for label, p in found.scores.items():
        assert label in told
        near = {hundred(p + off) for off in (-0.002, 0, 0.002)}  # where rounding turns
        assert any(f"{label} {one}" in " ".join(told.split()) for one in near), (label, p, told)
    if found.unknown:
        assert "none of these" in page.text(".said").lower()
    else:
        assert found.label in page.text(".said")


def test_why_and_the_nearest_are_shown_and_no_other_host_is_asked(
    page: try_states.TryPage, server: TryPage, photos: Path
) -> None:
    page.open()
    (page.folder / "again.png").write_bytes((photos / "circle" / "002.png").read_bytes())
    page.give("again.png")
    page.answered()
    page.until(lambda: page.js("return [...document.querySelectorAll('img[src*=nearest]')].length") == 6)
    page.until(
        lambda: page.js("return [...document.querySelectorAll('img[src*=nearest]')].every((n) => n.naturalWidth > 0)")
    )
    page.click("input[name=why][value=why]")
    page.until(lambda: page.js("return document.querySelectorAll('.why button').length") == 49)
    assert [entry for entry in page.browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    asked = " ".join(entry["message"] for entry in page.browser.get_log("performance"))
    assert "http://127.0.0.1" in asked
    assert "https://" not in asked.replace("https://chromedevtools", "")


def test_the_answers_of_a_model_are_accessible(page: try_states.TryPage, photos: Path) -> None:
    page.scheme("dark")
    page.open()
    for name in ("002.png", "003.png"):
        (page.folder / name).write_bytes((photos / "circle" / name).read_bytes())
    page.give("002.png")
    page.answered()
    page.click("input[name=why][value=why]")
    page.until(lambda: page.has(".why button"))
    page.click("#is-wrong")
    page.js(axe_script())
    assert serious_findings(page.browser) == []
    page.give("003.png", "bad.png")
    page.reaches("many")
    page.until(lambda: not page.has("#progress"))
    page.size(390)
    assert serious_findings(page.browser) == []


def test_this_is_wrong_keeps_the_bytes_and_undo_takes_them_back(
    page: try_states.TryPage, server: TryPage, given: Path
) -> None:
    page.open()
    page.give("turn 5.jpg")
    page.answered()
    page.click("#is-wrong")
    page.until(lambda: page.has(".choose"))
    page.js("const [pick] = document.querySelectorAll('.pick'); pick.click(); pick.click();")
    page.until(lambda: page.has(".chip.fixed"))
    (kept,) = server.corrections.read()
    assert (server.corrections.path / kept.path).read_bytes() == (given / "turn 5.jpg").read_bytes()
    page.js("[...document.querySelectorAll('button')].find((n) => /undo/i.test(n.innerText)).click()")
    page.until(lambda: server.corrections.read() == [])


def test_a_bad_item_is_said_and_the_page_goes_on(page: try_states.TryPage) -> None:
    page.open()
    page.give("bad.png")
    page.reaches("failed-item")
    assert "not a picture" in page.text("main")
    assert [entry for entry in page.browser.get_log("browser") if entry["level"] == "SEVERE"] == []


@pytest.fixture(scope="module")
def proxied(saved: Path, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, TryPage]]:
    """The page as a proxy shows it under a path: the path is taken away, and ``Host`` is this machine's."""
    place: list[TryPage] = []

    class Proxy(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

        def _pass(self) -> None:
            inner = http.client.HTTPConnection("127.0.0.1", place[0].port, timeout=240)
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {**dict(self.headers.items()), "Host": f"127.0.0.1:{place[0].port}"}
            inner.request(self.command, self.path.removeprefix("/deep/try") or "/", body, headers)
            answer = inner.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for key, value in answer.getheaders():
                if key.lower() not in ("content-length", "connection", "transfer-encoding"):
                    self.send_header(key, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _pass  # noqa: N815 - so they are called

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as outer:
        public = f"http://localhost:{outer.server_address[1]}/deep/try/"
        with TryPage(
            graft.load(saved),
            index=Index.of(photos, encoder=str(saved)),
            corrections=tmp_path_factory.mktemp("proxied") / "corrections",
            port=0,
            behind=public,
        ) as running:
            place.append(running)
            threading.Thread(target=outer.serve_forever, daemon=True).start()
            yield running.address, running
            outer.shutdown()


def test_behind_a_proxy_everything_works_under_its_path(
    browser: Any, proxied: tuple[str, TryPage], given: Path
) -> None:
    address, server = proxied
    assert urlsplit(address).path == "/deep/try/"
    browser.get_log("browser")
    page = try_states.TryPage(browser, address, given)
    page.open()
    page.give("plain.png")
    page.answered()
    page.until(
        lambda: page.js(
            "const near = [...document.querySelectorAll('img[src*=nearest]')];"
            "return near.length === 6 && near.every((n) => n.naturalWidth > 0)"
        )
    )
    page.click("#is-wrong")
    page.until(lambda: page.has(".choose"))
    page.click(".pick")
    page.until(lambda: len(server.corrections.read()) == 1)
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_texts_are_asked_through_the_page(browser: Any, tmp_path: Path) -> None:
    texts = graft.fit(
        ["win a free prize", "free cash now", "see you at lunch", "home by seven"] * 4,
        ["spam", "spam", "ham", "ham"] * 4,
    )
    with TryPage(texts, corrections=tmp_path / "c", port=0) as server:
        page = try_states.TryPage(browser, server.address, tmp_path)
        page.open()
        page.write("win a free prize tonight")
        page.click("#ask button")
        page.answered()
        assert texts.predict_one("win a free prize tonight").label in page.text(".said")
        page.until(lambda: "what it changes of" in page.text("main"))
