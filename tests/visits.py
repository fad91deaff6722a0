"""A page that answers in the browser, as somebody uses it."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from hosting import Host

_READY = "return document.documentElement.dataset.ready"
_ASK = """
const [kind, value, options, done] = arguments;
const item = () => {
  if (kind === "text") return value;
  if (kind === "samples") return { samples: Float32Array.from(value.samples), rate: value.rate };
  return new Blob([Uint8Array.from(atob(value), (letter) => letter.charCodeAt(0))]);
};
const begun = performance.now();
import(new URL("answerer.js", document.baseURI).href)
  .then((answerer) => answerer.answer(item(), options))
  .then((answer) => done(answer), (error) => done({ rejected: { code: error.code, message: error.message } }));
"""


class Visit:
    """A page of a host, in a browser."""

    def __init__(self, browser: Any, host: Host) -> None:
        self.browser, self.host = browser, host
        browser.set_script_timeout(240)
        assert self.console is not None  # what came before is no matter of this page

    def open(self, address: str = "") -> str:
        """Go there, or once more; ``"yes"`` once it answers, else ``"failed"``."""
        self.browser.get("about:blank")
        self.browser.get(address or self.host.address)
        return self.ready()

    def reload(self) -> str:
        self.browser.refresh()
        return self.ready()

    def ready(self) -> str:
        return self.until(lambda: self.js(_READY))

    def js(self, script: str, *values: Any) -> Any:
        return self.browser.execute_script(script, *values)

    def until(self, condition: Callable[[], Any]) -> Any:
        end = time.monotonic() + 60
        while not (found := condition()):
            assert time.monotonic() < end, f"it never came about; the page says {self.said!r}"
            time.sleep(0.02)
        return found

    def press(self, key: str) -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.browser).send_keys(key).perform()

    @property
    def said(self) -> str:
        return self.js("return document.body?.innerText ?? ''")

    def ask(self, content: bytes, why: bool = False) -> Any:
        return self.browser.execute_async_script(_ASK, "file", base64.b64encode(content).decode(), {"why": why})

    def ask_text(self, text: str, why: bool = False) -> Any:
        return self.browser.execute_async_script(_ASK, "text", text, {"why": why})

    def ask_samples(self, samples: list[float], rate: int) -> Any:
        return self.browser.execute_async_script(_ASK, "samples", {"samples": samples, "rate": rate}, {})

    @property
    def console(self) -> list[str]:
        """What the browser complained of since it was last asked."""
        return [entry["message"] for entry in self.browser.get_log("browser")]

    @property
    def hosts(self) -> set[str | None]:
        """Whom it asked since it was last asked about it."""
        sent = [json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance")]
        asked = [urlsplit(m["params"]["request"]["url"]) for m in sent if m["method"] == "Network.requestWillBeSent"]
        return {part.hostname for part in asked if part.scheme not in ("data", "blob", "about")}
