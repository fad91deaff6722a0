"""Hosts as they are: paths, types, faults, no network, another export at the same address, and no host at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import graft
import shapes
from chromium import chromium
from graft.export.exporting import export_model
from graft.export.options import TargetOptions
from hosting import Reply, hosted
from visits import Visit

pytestmark = pytest.mark.browser
WASM = "runtime/ort-wasm.wasm"
PAGE = b"<!doctype html><html><title>Not found</title><p>There is nothing here."


def as_page(reply: Reply) -> Reply:
    """A host that shows a page with status 200 in the place of what is missing."""
    return Reply(200, {"Content-Type": "text/html"}, PAGE)


def missing(reply: Reply) -> Reply:
    return Reply(404, {"Content-Type": "text/html"}, PAGE)


def cut(reply: Reply) -> Reply:
    """A line that breaks: less comes than was announced."""
    return replace(reply, body=reply.body[: len(reply.body) // 2], claimed=len(reply.body))


def cut_unseen(reply: Reply) -> Reply:
    """A file that was cut when it was copied to the host."""
    return replace(reply, body=reply.body[: len(reply.body) // 2])


def longer(reply: Reply) -> Reply:
    return replace(reply, body=reply.body + b"\0")


def changed(reply: Reply) -> Reply:
    middle = len(reply.body) // 2
    return replace(reply, body=reply.body[:middle] + bytes([reply.body[middle] ^ 1]) + reply.body[middle + 1 :])


def of_type(kind: str) -> Callable[[Reply], Reply]:
    return lambda reply: replace(reply, headers=reply.headers | {"Content-Type": kind})


@pytest.mark.parametrize(
    ("name", "fault", "said"),
    [
        ("model.onnx", missing, "model.onnx is missing: the host answers 404"),
        ("model.onnx", as_page, "model.onnx is missing: the host answers with a web page in its place"),
        ("model.onnx", cut, "model.onnx was cut off"),
        ("model.onnx", cut_unseen, "model.onnx was cut off"),
        ("model.onnx", longer, "model.onnx is longer than"),
        ("model.onnx", changed, "model.onnx is not the file of this export"),
        (WASM, as_page, f"{WASM} is missing: the host answers with a web page in its place"),
        (WASM, changed, f"{WASM} is not the file of this export"),
        ("labels.json", changed, "labels.json is not the file of this export"),
        ("about.json", missing, "about.json is missing"),
        ("runtime/ort.js", missing, "runtime/ort.js is missing: the host answers 404"),
        ("runtime/ort-wasm.js", as_page, "runtime/ort-wasm.js is missing: the host answers with a web page"),
        ("local/worker.js", missing, "local/worker.js is missing"),
        ("local/pictures.js", of_type("text/plain"), "local/pictures.js comes as text/plain"),
        ("local/answerer.js", missing, "local/answerer.js is missing"),
        ("try.js", as_page, "try.js is missing: the host answers with a web page"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value))[:24],
)  # fmt: skip
def test_a_file_at_fault_is_named(elsewhere: Any, name: str, fault: Callable[[Reply], Reply], said: str) -> None:
    elsewhere.host.faults[name] = fault
    assert elsewhere.open() == "failed"
    elsewhere.until(lambda: said in elsewhere.said)


def test_wasm_of_a_generic_type_under_a_strict_policy_starts(elsewhere: Any, photos: Path) -> None:
    """And each large file is fetched once."""
    policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; object-src 'none'"
    elsewhere.host.faults[WASM] = of_type("application/octet-stream")
    elsewhere.host.faults["*"] = lambda reply: replace(
        reply, headers=reply.headers | {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"}
    )
    assert elsewhere.open() == "yes"
    assert elsewhere.ask(next(photos.rglob("*.png")).read_bytes())["label"]
    assert [elsewhere.host.asked.count(name) for name in ("model.onnx", WASM)] == [1, 1]
    assert elsewhere.console == []


def test_a_policy_that_forbids_wasm_is_told(elsewhere: Any) -> None:
    elsewhere.host.faults["*"] = lambda reply: replace(
        reply, headers=reply.headers | {"Content-Security-Policy": "script-src 'self'"}
    )
    assert elsewhere.open() == "failed"
    assert "content policy forbids WebAssembly" in elsewhere.said
    assert "'wasm-unsafe-eval'" in elsewhere.said


def test_it_answers_without_a_network(driver: Any, web: Path, photos: Path) -> None:
    content = next(photos.rglob("*.png")).read_bytes()
    with hosted(web, "/a/b/") as host:
        page = Visit(driver, host)
        assert page.open() == "yes"
        label = page.ask(content)["label"]
        page.until(lambda: page.js("return navigator.serviceWorker.controller !== null"))
    assert page.console == []
    assert page.reload() == "yes"  # the host is gone
    assert page.ask(content)["label"] == label
    assert page.console == []


def test_without_https_it_answers_and_checks_its_files_all_the_same(web: Path, photos: Path) -> None:
    """As a page of the local network: such a browser has no service worker, no store of files and no digest."""
    content = next(photos.rglob("*.png")).read_bytes()
    with chromium("host-resolver-rules=MAP pages.example 127.0.0.1") as browser, hosted(web) as host:
        page = Visit(browser, host)
        address = f"http://pages.example:{host.port}/"
        assert page.open(address) == "yes"
        assert page.js("return [isSecureContext, navigator.serviceWorker, crypto.subtle]") == [False, None, None]
        assert page.ask(content)["label"]
        assert page.console == []
        host.faults["model.onnx"] = changed
        assert page.open(address) == "failed"
        assert "model.onnx is not the file of this export" in page.said


def test_another_export_at_the_same_address_is_told_and_one_reload_brings_it(
    elsewhere: Any, web: Path, photos: Path, ort_files: Path, tmp_path: Path
) -> None:
    other = graft.fit(shapes.folders(tmp_path / "data", {"square": 10, "circle": 10}))
    export_model(other, "browser", tmp_path / "other", options=TargetOptions(runtime=ort_files))
    shutil.copytree(web, tmp_path / "shown")
    elsewhere.host.folder = tmp_path / "shown"
    about = (
        "return import(new URL('answerer.js', document.baseURI).href).then((a) => a.open()).then((it) => it.classes)"
    )
    assert elsewhere.open() == "yes"
    elsewhere.until(lambda: elsewhere.js("return navigator.serviceWorker.controller !== null"))
    content = next(photos.rglob("*.png")).read_bytes()
    before = elsewhere.ask(content)

    # While the files are being copied, the browser has the old ones and no mixture.
    shutil.copy(tmp_path / "other" / "sw.js", tmp_path / "shown")
    shutil.copy(tmp_path / "other" / "labels.json", tmp_path / "shown")
    assert elsewhere.reload() == "yes"
    assert elsewhere.ask(content) == before

    installing = (
        "return navigator.serviceWorker.getRegistration().then((registration) => registration.installing !== null)"
    )
    elsewhere.until(lambda: not elsewhere.js(installing))
    elsewhere.host.folder = tmp_path / "other"
    elsewhere.js("return navigator.serviceWorker.ready.then((registration) => registration.update())")
    elsewhere.until(lambda: "newer version" in elsewhere.said)
    assert elsewhere.ask(content) == before  # what is open stays as it is
    elsewhere.host.asked.clear()
    assert elsewhere.reload() == "yes"
    assert set(elsewhere.ask(content)["scores"]) == {"circle", "square"}
    assert elsewhere.js(about) == ["circle", "square"]
    assert WASM not in elsewhere.host.asked


def test_a_page_of_one_export_with_scripts_of_another_is_fetched_once_more(elsewhere: Any) -> None:
    """As a browser has it that kept an old copy of the page, and a host that has only a part."""
    first: list[Reply] = []

    def old(reply: Reply) -> Reply:
        first.append(reply)
        return replace(
            reply, body=reply.body.replace(b'name="graft-export" content="', b'name="graft-export" content="0')
        )

    elsewhere.host.faults["index.html"] = lambda reply: reply if first else old(reply)
    assert elsewhere.open() == "yes"
    elsewhere.js("sessionStorage.clear()")
    elsewhere.host.faults["index.html"] = old
    with hosted(elsewhere.host.folder) as other:
        other.faults["index.html"] = old
        elsewhere.host = other
        assert elsewhere.open() == "failed"
        assert "index.html is of another export" in elsewhere.said


def test_a_tab_that_was_closed_for_want_of_memory_does_not_try_for_ever(elsewhere: Any) -> None:
    version = json.loads((elsewhere.host.folder / "local" / "export.js").read_text().split("=")[1].split(";")[0])
    elsewhere.browser.get(elsewhere.host.address + "mark.svg")
    elsewhere.js("sessionStorage.setItem('graft-starting /', arguments[0])", version)
    assert elsewhere.open() == "failed"
    assert "there was not enough memory" in elsewhere.said
    elsewhere.js("document.querySelector('#main .button.primary').click()")  # by hand it is tried again
    elsewhere.until(lambda: elsewhere.js("return document.documentElement.dataset.ready") == "yes")


WATCHED = """
const plainly = start;
start = async (contents) => {
  const given = Object.values(contents).map((content) => new WeakRef(content));
  await plainly(contents);
  const left = () => given.reduce((sum, one) => sum + (one.deref()?.byteLength ?? 0), 0);
  for (let i = 0; i < 40 && left(); i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 25));
    gc();
  }
  const found = `${left()} bytes of ${given.length} files`;
  await (await caches.open("seen by a test")).put("/left", new Response(found));
};
"""


def test_what_was_downloaded_is_given_back_once_the_session_stands(web: Path, photos: Path) -> None:
    """A phone has no memory for weights and runtime twice: of both, nothing but the session is left."""
    with chromium("js-flags=--expose-gc") as browser, hosted(web) as host:
        host.faults["local/worker.js"] = lambda reply: replace(reply, body=reply.body + WATCHED.encode())
        page = Visit(browser, host)
        assert page.open() == "yes"
        left = "return caches.match('/left').then((found) => found?.text())"
        assert page.until(lambda: page.js(left)) == "0 bytes of 2 files"
        assert page.ask(next(photos.rglob("*.png")).read_bytes())["label"]


def test_opened_as_a_file_it_says_how_to_serve_it(driver: Any, web: Path, tmp_path: Path) -> None:
    folder = tmp_path / 'shapes of "Łódź"'
    shutil.copytree(web, folder)
    with hosted(folder) as host:
        page = Visit(driver, host)
        assert page.open((folder / "index.html").as_uri()) == "failed"
    assert "cannot run from a folder" in page.said
    command = page.js("return document.querySelector('#cannot-start code').textContent")
    assert command.startswith("python3 -m http.server")
    assert 'shapes of \\"Łódź\\""' in command
