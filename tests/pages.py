"""A browser that shows the editor's page, and requests to its server as a browser sends them."""

from __future__ import annotations

import http.client
import json
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from graft.journal.journal import Journal

if TYPE_CHECKING:
    from graft.app import Editor

FLAGS = (
    "headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "disable-quic", "no-first-run",
    "disable-background-networking", "disable-component-update", "disable-sync",
)  # fmt: skip
HOSTILE = "<img src=x onerror=hacked=1>"
KEYS = {"right": "\ue014", "left": "\ue012", "enter": "\ue007", "tab": "\ue004", "escape": "\ue00c"}


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
        end = time.monotonic() + 240
        while not (found := condition()):
            assert time.monotonic() < end, f"it never came about; the page says {self.text('#said')!r}"
            time.sleep(0.02)
        return found

    def text(self, selector: str) -> str:
        return self.js("return document.querySelector(arguments[0])?.innerText ?? ''", selector)

    def click(self, selector: str) -> None:
        self.js("document.querySelector(arguments[0]).click()", selector)

    def hold(self, held: str, key: str) -> None:
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.common.keys import Keys

        with_it = getattr(Keys, held.upper())
        ActionChains(self.browser).key_down(with_it).send_keys(KEYS.get(key, key)).key_up(with_it).perform()

    def click_with_shift(self, selector: str) -> None:
        script = "const how = {bubbles: true, shiftKey: true}; document.querySelector(arguments[0])"
        script += ".dispatchEvent(new MouseEvent('click', how))"
        self.js(script, selector)

    def give(self, selector: str, value: str) -> None:
        """Put a value into a field, as somebody does who leaves it then."""
        script = "const [field, value] = [document.querySelector(arguments[0]), arguments[1]];"
        self.js(f"{script} field.value = value; field.dispatchEvent(new Event('change'))", selector, value)

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


def ask(
    editor: Editor, method: str, path: str, body: Any = None, *, let_in: bool = True, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Ask the editor as a browser does that has opened its address, or one that has not."""
    connection = http.client.HTTPConnection(*where(editor), timeout=240)
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
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=240)
    connection.request("GET", f"/?{parts.query}")
    response = connection.getresponse()
    assert response.status == 200
    return response.getheader("set-cookie").split(";")[0]
