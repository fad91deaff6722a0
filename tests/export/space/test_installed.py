"""A Space as its hub would run it: from its own requirements alone, in a fresh environment, asked by a browser too."""

import http.client
import io
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, redirect_stdout
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from chromium import chromium
from graft.cli import exit_code
from graft.errors import ExportError
from graft.export import installed
from graft.export.exported_folder import ExportedFolder
from graft.export.installed import answer_of
from graft.export.proof.golden_set import GoldenSet

needs_index = pytest.mark.installs


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """The package index can be reached."""
    words = ["download", "--no-deps", "--quiet", "--disable-pip-version-check", "--no-cache-dir", "groovy==0.1.2"]
    place = tmp_path_factory.mktemp("index")
    done = subprocess.run([sys.executable, "-m", "pip", *words, "-d", str(place)], capture_output=True)
    if done.returncode:
        pytest.skip("the package index cannot be reached from here")


@pytest.fixture(scope="module")
def browser():
    with chromium() as driver:
        yield driver


@pytest.fixture(scope="module")
def fresh(index, space, tmp_path_factory):
    """What ``graft verify --install`` says of the Space, and the Python of the environment that it made: a copy."""
    kept = tmp_path_factory.mktemp("environment") / "own"
    make = installed._environment

    def make_and_keep(place, work):
        made = make(place, work)
        shutil.copytree(work / "environment", kept, symlinks=True)
        return made

    told = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(told):
        patch.setattr(installed, "_environment", make_and_keep)
        code = exit_code(["verify", str(space), "--install", "--json"])
    return code, json.loads(told.getvalue()), kept / "bin" / "python"


@pytest.fixture
def python(fresh):
    return fresh[2]


@needs_index
def test_a_fresh_environment_installs_it_and_answers_as_the_model_did(fresh, space):
    code, found, _ = fresh
    own = found["installed"]
    assert (code, found["ok"], own["ok"], own["differing"], own["problem"]) == (0, True, True, [], None)
    assert own["agreement"] == 1.0
    pinned = [line for line in (space / "requirements.txt").read_text().splitlines() if "==" in line and line[0] != "#"]
    assert own["packages"] == len(pinned)
    assert 300 < own["mb"] < 600
    assert min(own["seconds"].values()) > 0
    assert not list(space.rglob("__pycache__"))


class Recorder(BaseHTTPRequestHandler):
    """A proxy that lets nothing through, and notes what was to go where."""

    asked: list[str]

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.asked.append(self.path)
        self.send_error(502)

    do_POST = do_CONNECT = do_HEAD = do_GET  # noqa: N815 - the server's own names


class Prefix(BaseHTTPRequestHandler):
    """A proxy that shows a server under ``/space/``, and calls it by another name than the browser does."""

    protocol_version = "HTTP/1.1"
    inner: int
    missed: list[str]

    def log_message(self, *args):
        pass

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self.path.startswith("/space/"):
            self.missed.append(self.path)
            self.send_error(404)
            return
        connection = http.client.HTTPConnection("127.0.0.1", self.inner)
        dropped = ("host", "connection", "accept-encoding")
        headers = {key: value for key, value in self.headers.items() if key.lower() not in dropped}
        connection.request(self.command, self.path.removeprefix("/space"), body, headers)
        answer = connection.getresponse()
        self.send_response(answer.status)
        for key, value in answer.getheaders():
            if key.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(key, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        while part := answer.read1(65536):
            self.wfile.write(part)
            self.wfile.flush()

    do_POST = do_HEAD = do_GET  # noqa: N815


@contextmanager
def serving(handler):
    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request, client_address):
            """A browser that went away is no news."""

    server = Quiet(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def page(fresh, space, tmp_path_factory):
    """The page on loopback: its address, and what it wanted of other machines."""
    work = tmp_path_factory.mktemp("running")
    asked: list[str] = []
    with serving(type("Noting", (Recorder,), {"asked": asked})) as port:
        proxy = f"http://127.0.0.1:{port}"
        names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
        own = dict.fromkeys(names, proxy) | {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
        with pytest.MonkeyPatch.context() as patch:
            clean = installed._own
            patch.setattr(installed, "_own", lambda place: clean(place) | own)  # of the page alone, not of the browser
            with installed._running([str(fresh[2]), "-E", "-s", "-B", "app.py"], space, work) as address:
                yield address, asked


def until(condition):
    end = time.monotonic() + 240
    while not (found := condition()):
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.05)
    return found


def said(browser):
    return browser.execute_script("return document.querySelector('.answer')?.innerText ?? ''")


def give(browser, path):
    before = said(browser)
    find = "return document.querySelector('input[type=file]')"
    field = browser.execute_script(find)
    if field is None:  # an item is shown: its cross takes it away
        browser.execute_script("document.querySelector('button[aria-label=Clear], button[title=Clear]').click()")
        field = until(lambda: browser.execute_script(find))
    field.send_keys(str(path))
    return until(lambda: (now := said(browser)) != before and now)


@needs_index
@pytest.mark.browser
def test_in_a_browser_under_a_path_it_answers_and_asks_nobody_else(page, browser, photos, model_in_f32, tmp_path):
    address, wanted = page
    missed: list[str] = []
    handler = type("Placed", (Prefix,), {"inner": urlsplit(address).port, "missed": missed})
    one = sorted(photos.rglob("*.png"))[0]
    (tmp_path / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64))
    with serving(handler) as port:
        browser.get_log("performance")
        browser.get(f"http://localhost:{port}/space/")
        until(lambda: browser.execute_script("return document.querySelector('input[type=file]')"))
        known = model_in_f32.predict_one(one)
        assert give(browser, one).startswith(f"{known.label}, ")
        browser.get(f"http://localhost:{port}/space/")
        until(lambda: browser.execute_script("return document.querySelector('input[type=file]')"))
        assert "a HEIC picture, as phones make them" in give(browser, tmp_path / "photo.heic")
        events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    hosts = {urlsplit(url).netloc for url in asked if url.startswith(("http", "ws"))}
    assert hosts == {f"localhost:{port}"}
    assert missed == []
    assert wanted == []


@needs_index
@pytest.mark.parametrize("kind", ["alpha", "turned", "palette", "grey and alpha"])
def test_the_model_gets_the_file_as_it_came(page, python, model_in_f32, photos, tmp_path, kind):
    path = drawn(kind, sorted(photos.rglob("*.png"))[7], tmp_path)
    words = [str(python), "-B", "-c", installed._ASK, page[0], "image", str(path)]
    done = subprocess.run(words, capture_output=True, check=True, env={"PATH": os.environ["PATH"]})
    found, known = json.loads(done.stdout), model_in_f32.predict_one(path)
    assert (found["label"], found["unknown"], found["set"]) == (known.label, known.unknown, list(known.set))
    assert max(abs(found["scores"][label] - p) for label, p in known.scores.items()) < 0.02


def drawn(kind: str, photo: Path, folder: Path) -> Path:
    picture = Image.open(photo).convert("RGB").resize((400, 300))
    path = folder / ("item.jpg" if kind == "turned" else "item.png")
    if kind == "turned":
        exif = Image.Exif()
        exif[0x0112] = 7
        picture.save(path, quality=95, exif=exif.tobytes())
        return path
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    if kind == "palette":
        picture.convert("RGB").quantize(32).save(path, transparency=3)
    else:
        picture.convert("LA" if kind.startswith("grey") else "RGBA").save(path)
    return path


def test_what_was_started_is_ended_with_all_that_it_started(tmp_path):
    (tmp_path / "child.py").write_text("import time; time.sleep(600)")
    (tmp_path / "page.py").write_text(
        "import os, socket, subprocess, sys, signal\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, 'child.py'])\n"
        "open('pids', 'w').write(f'{os.getpid()} {child.pid}')\n"
        "own = socket.create_server(('127.0.0.1', int(os.environ['GRADIO_SERVER_PORT'])))\n"
        "while True: own.accept()\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(installed, "_STOP_SECONDS", 0.2)
        with installed._running([sys.executable, "page.py"], tmp_path, tmp_path):
            numbers = [int(word) for word in (tmp_path / "pids").read_text().split()]
    for number in numbers:
        until(lambda number=number: not is_running(number))


def is_running(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_sigterm_ends_all_of_it_too(tmp_path):
    (tmp_path / "page.py").write_text(
        "import os, socket\n"
        "open('pid', 'w').write(str(os.getpid()))\n"
        "own = socket.create_server(('127.0.0.1', int(os.environ['GRADIO_SERVER_PORT'])))\n"
        "while True: own.accept()\n"
    )
    code = (
        "import os, signal, sys; from pathlib import Path; from graft.export import installed; place = Path.cwd()\n"
        "from graft.executors import on_sigterm\n"
        "with on_sigterm(installed._end_in_order), installed._running([sys.executable, 'page.py'], place, place):\n"
        "    os.kill(os.getpid(), signal.SIGTERM); signal.pause()\n"
    )
    own = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=own)
    assert done.returncode == 143
    number = int((tmp_path / "pid").read_text())
    until(lambda: not is_running(number))


def test_a_page_that_ends_says_why(tmp_path):
    (tmp_path / "page.py").write_text("raise SystemExit('there is no such module')")
    with (
        pytest.raises(Exception, match=r"ended before it answered: there is no such module"),
        installed._running([sys.executable, "page.py"], tmp_path, tmp_path),
    ):
        pass


def test_a_space_is_tried_with_the_python_of_its_hub_where_that_is_at_hand(tmp_path, monkeypatch):
    assert installed._interpreter(tmp_path) == sys.executable
    monkeypatch.setattr(installed, "PYTHON_VERSION", "3.99")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert installed._of_another_python(tmp_path) == ""  # no Space: its example is for any Python
    (tmp_path / "app.py").touch()
    assert installed._interpreter(tmp_path) == sys.executable
    assert "the Space runs on 3.99" in installed._of_another_python(tmp_path)
    other = tmp_path / "python3.99"
    other.touch(mode=0o755)
    assert installed._interpreter(tmp_path) == str(other)
    assert installed._of_another_python(tmp_path) == ""
    (tmp_path / "app.py").unlink()
    assert installed._interpreter(tmp_path) == sys.executable


def test_nobody_hands_on_a_token(tmp_path, monkeypatch):
    for name in ("HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "PIP_INDEX_URL"):
        monkeypatch.setenv(name, "hf_secret")
    assert "hf_secret" not in installed._own(tmp_path).values()


@pytest.mark.parametrize(
    "said",
    [None, [], {}, "x", {"scores": {"a": 1.0}}, {"scores": {"a": "x", "b": 0}, "unknown_score": 0, "set": []},
     {"scores": {"a": 1, "b": 0}, "unknown_score": None, "set": []}, {"error": {}}],
)  # fmt: skip
def test_what_is_no_answer_is_a_text(said):
    assert isinstance(answer_of(said, ("a", "b")), str)


def test_an_answer_of_a_page_and_of_an_example_are_alike():
    page = {"scores": {"b": 0.25, "a": 0.75}, "unknown_score": -1.0, "set": ["a"]}
    example = {"probabilities": [0.75, 0.25], "unknown_score": -1.0, "set": ["a"], "label": "a"}
    first, second = (answer_of(said, ("a", "b")) for said in (page, example))
    assert first.keys() == second.keys() == {"probabilities", "unknown_score", "set"}
    assert all(np.array_equal(first[name], second[name]) for name in first)
    number = {"value": 1.5, "low": 1, "high": 2, "unknown_score": 0}
    assert answer_of(number, ()).keys() == number.keys()


def test_a_changed_file_is_neither_installed_nor_run(space, capsys, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(space, copy)
    (copy / "app.py").write_text("raise SystemExit")
    assert exit_code(["verify", str(copy), "--install", "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert "installed" not in found
    assert found["files"]["changed"] == ["app.py"]


def test_what_changes_meanwhile_is_not_run(space, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(space, copy)
    folder = ExportedFolder.open(copy)
    (copy / "app.py").write_text("raise SystemExit")
    with pytest.raises(ExportError, match=r"app\.py is not what the certificate says; nothing was installed or run"):
        installed.install(folder, GoldenSet((), folder.certificate.boundary))
