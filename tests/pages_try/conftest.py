"""The page that tries a model, beside an answerer that answers by the name of a file; and a browser with a camera."""

from __future__ import annotations

import http.server
import threading
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from accessibility import axe_script
from chromium import chromium
from graft import pages
from try_states import MANY, TryPage

CAMERA = (
    "use-fake-device-for-media-stream",
    "use-fake-ui-for-media-stream",
    "host-resolver-rules=MAP try.test 127.0.0.1",
)
DOUBLE = Path(__file__).with_name("answerer_double.js")


@pytest.fixture(scope="package")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that people give: pictures of several shapes, what is none, and a recording."""
    folder = tmp_path_factory.mktemp("given")
    sizes = {"bee-portrait.png": (320, 480), "panorama-bee.png": (800, 200)}
    for seed, name in enumerate([*MANY, "slow-9.png", "nothing.png", "bee-2.png", "slow-bee.png", "certain.png"]):
        if name.endswith(".heic"):
            (folder / name).write_bytes(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00" + b"x" * 300)
        elif name.startswith("bad"):
            (folder / name).write_bytes(b"no picture" * 20)
        else:
            width, height = sizes.get(name, (300, 240))
            pixels = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
            Image.fromarray(pixels).resize((width, height)).save(folder / name)
    (folder / "empty.png").write_bytes(b"")
    (folder / "texts.txt").write_text("first line\n\nsecond line\n", encoding="utf-8")
    beats = np.sin(np.arange(48_000 * 2) / 12) * np.linspace(0, 1, 48_000 * 2)
    with wave.open(str(folder / "hall-0031.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(np.repeat((20_000 * beats).astype("<i2")[:, None], 2, axis=1).tobytes())
    return folder


@pytest.fixture(scope="package")
def address(given: Path) -> Iterator[str]:
    """Where the page lies: in a folder of a server, behind a path, with the headers of a strict policy."""
    sample = (given / "bee-1.png").read_bytes()

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            name = self.path.partition("?")[0].removeprefix("/some/where/") or "try.html"
            files = {"answerer.js": (DOUBLE.read_bytes(), "text/javascript"), "sample.png": (sample, "image/png")}
            files |= {name: (pages.content(name), kind) for name, kind in pages.TRY.items()}
            framing = b"<!doctype html><title>f</title><iframe src='./' allow=\"camera 'none'\"></iframe>"
            files["framing.html"] = (framing, "text/html")
            content, kind = files.get(name, (b"", ""))
            self.send_response(200 if content else 404)
            self.send_header("content-type", kind or "text/plain")
            self.send_header("content-length", str(len(content)))
            if name != "framing.html":
                self.send_header("content-security-policy", f"{pages.POLICY}; frame-ancestors 'self'")
            self.end_headers()
            self.wfile.write(content)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://localhost:{server.server_address[1]}/some/where/"
        server.shutdown()


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """A headless Chromium with a camera and a microphone that play a test picture and beeps."""
    with chromium(*CAMERA) as driver:
        yield driver


@pytest.fixture
def page(browser: Any, address: str, given: Path) -> TryPage:
    browser.get_log("browser")
    browser.get_log("performance")
    return TryPage(browser, address, given)


@pytest.fixture(scope="package")
def axe() -> str:
    """The script of axe-core."""
    return axe_script()
