"""The states of the page that tries a model, each reached as somebody reaches it, and the page that is driven."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from pages import KEYS

DENIED = (
    "if (navigator.mediaDevices) navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', '{}'))"
)
BLACK = """if (navigator.mediaDevices) { const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (asked) => { (await real(asked)).getTracks().forEach((t) => t.stop());
  const canvas = Object.assign(document.createElement('canvas'), {width: 64, height: 48});
  const pen = canvas.getContext('2d'); pen.fillRect(0, 0, 64, 48);
  window.light = () => { pen.fillStyle = '#c84'; pen.fillRect(0, 0, 40, 48); };
  setInterval(() => pen.fillRect(0, 0, 1, 1), 50);
  return canvas.captureStream(10); } }"""
ASKING = "if (navigator.mediaDevices) navigator.mediaDevices.getUserMedia = () => new Promise(() => {})"
STAYED = """const old = MediaStreamTrack.prototype.getSettings;
MediaStreamTrack.prototype.getSettings = function () { return {...old.call(this), noiseSuppression: true}; }"""


class TryPage:
    """The page as somebody uses it."""

    def __init__(self, browser: Any, address: str, folder: Path) -> None:
        self.browser, self.address, self.folder = browser, address, folder
        self.scripts: list[str] = []
        self.size(1280)

    def size(self, width: int, height: int = 844) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def scheme(self, name: str) -> None:
        """Light or dark, and at once: a transition shows colours that are neither."""
        given = {"prefers-color-scheme": name, "prefers-reduced-motion": "reduce"}
        features = [{"name": feature, "value": value} for feature, value in given.items()]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def before(self, script: str) -> None:
        """Run a script before those of the page: what a browser would do that refuses, or has no camera."""
        given = self.browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})
        self.scripts.append(given["identifier"])

    def open(self, query: str = "", *, ready: bool = True) -> None:
        self.browser.get("about:blank")
        self.browser.get(f"{self.address}{query}")
        while self.scripts:
            given = {"identifier": self.scripts.pop()}
            self.browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", given)
        if ready:
            self.until(lambda: self.js("return document.documentElement.dataset.ready"))

    def js(self, script: str, *values: Any) -> Any:
        return self.browser.execute_script(script, *values)

    def until(self, condition: Callable[[], Any]) -> Any:
        end = time.monotonic() + 60
        while not (found := condition()):
            assert time.monotonic() < end, f"it never came about; the page shows {self.text('main')!r}"
            time.sleep(0.02)
        return found

    def text(self, selector: str) -> str:
        return str(self.js("return document.querySelector(arguments[0])?.innerText ?? ''", selector))

    def has(self, selector: str) -> bool:
        script = "return [...document.querySelectorAll(arguments[0])].some((n) => n.checkVisibility())"
        return bool(self.js(script, selector))

    def click(self, selector: str) -> None:
        self.js("document.querySelector(arguments[0]).click()", selector)

    def press(self, *keys: str) -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        for key in keys:
            ActionChains(self.browser).send_keys(KEYS.get(key, key)).perform()

    @property
    def state(self) -> str:
        return str(self.js("return document.documentElement.dataset.state ?? ''"))

    def reaches(self, *states: str) -> None:
        self.until(lambda: self.state in states)

    def give(self, *names: str) -> None:
        """Choose files."""
        paths = "\n".join(str(self.folder / name) for name in names)
        self.browser.find_element("id", "file").send_keys(paths)

    def answered(self) -> None:
        self.until(lambda: self.state == "item" and self.text(".said"))
        self.settled()

    def settled(self) -> None:
        self.until(lambda: self.js("return document.documentElement.dataset.busy") != "yes")

    def write(self, text: str) -> None:
        self.browser.find_element("id", "given").send_keys(text)

    @property
    def asked(self) -> list[dict[str, Any]]:
        return list(self.js("return window.asked"))

    @property
    def saved(self) -> list[dict[str, Any] | None]:
        return list(self.js("return window.saved"))


class State(NamedTuple):
    """How a state is reached: what is in the address, what the browser does first, and what somebody does."""

    query: str
    reach: Callable[[TryPage], None]
    before: str = ""
    ready: bool = True


def _one(name: str, *after: Callable[[TryPage], None]) -> Callable[[TryPage], None]:
    def reach(page: TryPage) -> None:
        page.give(name)
        page.answered()
        for act in after:
            act(page)

    return reach


def _why(page: TryPage) -> None:
    page.click("input[name=why][value=why]")
    page.until(lambda: page.has(".why button"))


def _wrong(page: TryPage) -> None:
    page.click("#is-wrong")
    page.until(lambda: page.has(".choose"))


def _corrected(page: TryPage) -> None:
    _wrong(page)
    page.click(".pick")
    page.until(lambda: page.has(".chip.fixed"))


def _refused(page: TryPage) -> None:
    page.give("bad-1.png")
    page.reaches("failed-item")


def _heic(page: TryPage) -> None:
    page.give("IMG_2051.heic")
    page.reaches("failed-item")


def _answering(page: TryPage) -> None:
    page.give("slow-9.png")
    page.until(lambda: page.has(".said progress"))


MANY = ("bee-1.png", "likely-2.png", "unsure-3.png", "unknown-4.png", "bee-portrait.png", "panorama-bee.png",
        "wasp-7.png", "ant-8.png", "bad-1.png", "IMG_2051.heic")  # fmt: skip


def _many(page: TryPage) -> None:
    page.give(*MANY)
    page.reaches("many")
    page.settled()
    page.until(lambda: page.js("return document.querySelectorAll('.tiles .sure').length") >= 6)
    page.until(lambda: not page.has("#progress"))
    page.until(lambda: page.js("return document.querySelector('.tiles li').className") == "failed")


def _coming(page: TryPage) -> None:
    page.give(*MANY[:4], "slow-9.png", "wasp-7.png", "ant-8.png")
    page.until(lambda: page.js("return document.querySelectorAll('.tiles .sure').length") >= 2)


def _filtered(page: TryPage) -> None:
    _many(page)
    page.click("#sieve .chip[data-key='= bee']")
    page.until(lambda: page.js("return document.querySelectorAll('.tiles li').length") == 3)


def _camera(page: TryPage) -> None:
    page.click("input[name=way][value=camera]")


def _live(page: TryPage) -> None:
    _camera(page)
    page.until(lambda: int(page.js("return document.querySelector('main').dataset.answers ?? 0")) > 2)


def _paused(page: TryPage) -> None:
    _live(page)
    page.click("#pause")
    page.until(lambda: page.has(".live input[name=why]") or page.has(".live .switch"))


def _paused_why(page: TryPage) -> None:
    _paused(page)
    _why(page)


def _camera_is(state: str) -> Callable[[TryPage], None]:
    def reach(page: TryPage) -> None:
        _camera(page)
        page.reaches(state)

    return reach


def _asks(text: str, *after: Callable[[TryPage], None]) -> Callable[[TryPage], None]:
    def reach(page: TryPage) -> None:
        page.write(text)
        page.click("#ask button")
        page.answered()
        for act in after:
            act(page)

    return reach


CARD = (
    "I still have not received my new card, although the app says that it was sent two weeks ago. "
    "Is there a way to track it, or do I have to order another one?"
)


def _words(page: TryPage) -> None:
    page.until(lambda: page.has(".read span"))


def _long_text(page: TryPage) -> None:
    page.js("document.querySelector('#given').value = arguments[0]", f"{CARD} {'On Monday I called again. ' * 40}")
    page.click("#ask button")
    page.answered()
    _words(page)


def _lines(page: TryPage) -> None:
    page.click("input[name=way][value=texts]")
    page.until(lambda: page.has("#many-given"))


def _texts(page: TryPage) -> None:
    _lines(page)
    lines = ["My card still has not come", "hello", "There is a fee that I do not know", "the machine ate my card"]
    page.js("document.querySelector('#many-given').value = arguments[0]", "\n".join(lines))
    page.click("#lines button")
    page.reaches("many")
    page.settled()
    page.until(lambda: not page.has("#progress"))


def _spans(page: TryPage) -> None:
    page.until(lambda: page.has("#only") and page.has("#axis text"))


def _record(page: TryPage) -> None:
    page.click("input[name=way][value=record]")


def _recording(page: TryPage) -> None:
    _record(page)
    page.reaches("record")
    page.until(lambda: page.text("#loud") and page.text("#long") not in ("0.0 s", ""))


def _recorded(page: TryPage) -> None:
    _recording(page)
    page.click("#stop")
    page.answered()
    _spans(page)


def _shortcuts(page: TryPage) -> None:
    page.press("?")
    page.until(lambda: page.js("return document.querySelector('#help').open"))


def _dropping(page: TryPage) -> None:
    page.js(
        "const data = new DataTransfer(); data.items.add(new File(['x'], 'x.png'));"
        "document.dispatchEvent(new DragEvent('dragenter', {dataTransfer: data, bubbles: true, cancelable: true}))"
    )


def _sends(event: str, detail: str) -> Callable[[TryPage], None]:
    def act(page: TryPage) -> None:
        page.js(f"window.events.dispatchEvent(new CustomEvent('{event}', {{detail: {detail}}}))")

    return act


def _lost(page: TryPage) -> None:
    page.js("window.gone = true")
    page.give("bee-1.png")
    page.until(lambda: page.has("#banner .note"))


def _nothing(page: TryPage) -> None:
    pass


def _until_state(state: str) -> Callable[[TryPage], None]:
    return lambda page: page.reaches(state)


def _all_classes(page: TryPage) -> None:
    page.click(".masthead .more")
    page.click(".rest .more")


def _many_of_long(page: TryPage) -> None:
    page.give(*MANY)
    page.settled()
    page.until(lambda: not page.has("#progress") and page.has(".tiles .failed"))


STATES: dict[str, State] = {
    "empty": State("", _until_state("empty")),
    "samples": State("?samples", _until_state("empty")),
    "one": State("", _one("bee-1.png")),
    "likely": State("", _one("likely-2.png")),
    "unsure": State("", _one("unsure-3.png")),
    "unknown": State("", _one("unknown-4.png")),
    "why": State("", _one("bee-1.png", _why)),
    "why-cut": State("?cut", _one("bee-1.png", _why)),
    "portrait": State("", _one("bee-portrait.png", _why)),
    "panorama": State("", _one("panorama-bee.png", _why)),
    "wrong": State("", _one("unsure-3.png", _wrong)),
    "wrong-many": State("?many", _one("bee-1.png", _wrong)),
    "corrected": State("", _one("unsure-3.png", _corrected)),
    "unread": State("", _refused),
    "heic": State("", _heic),
    "answering": State("", _answering),
    "drop": State("", _dropping),
    "plain": State("?plain", _one("bee-1.png")),
    "many": State("", _many),
    "many-coming": State("?ms=60", _coming),
    "many-filtered": State("", _filtered),
    "camera": State("", _live),
    "camera-paused": State("", _paused_why),
    "camera-asking": State("", _camera_is("camera-asking"), ASKING),
    "camera-starting": State("", _camera_is("camera-starting"), BLACK),
    "camera-denied": State("", _camera_is("camera-denied"), DENIED.format("NotAllowedError")),
    "camera-none": State("", _camera_is("camera-none"), DENIED.format("NotFoundError")),
    "camera-in-use": State("", _camera_is("camera-in-use"), DENIED.format("NotReadableError")),
    "text-empty": State("?modality=text", _until_state("empty")),
    "text-samples": State("?modality=text&samples", _until_state("empty")),
    "text": State("?modality=text", _asks(CARD, _words)),
    "text-long": State("?modality=text", _long_text),
    "text-wrong": State("?modality=text&many", _asks(CARD, _wrong)),
    "texts-empty": State("?modality=text", _lines),
    "texts": State("?modality=text", _texts),
    "classes-40": State("?modality=text&many", _asks(CARD, _all_classes)),
    "sound-empty": State("?modality=audio", _until_state("empty")),
    "recording": State("?modality=audio", _one("hall-0031.wav", _spans)),
    "record": State("?modality=audio", _recording),
    "record-stayed": State("?modality=audio", _recording, STAYED),
    "recorded": State("?modality=audio", _recorded),
    "microphone-denied": State("?modality=audio", _record, DENIED.format("NotAllowedError")),
    "numbers": State("?task=regression", _one("bee-1.png", _why)),
    "numbers-unknown": State("?task=regression", _one("unknown-4.png")),
    "numbers-wrong": State("?task=regression", _one("bee-1.png", _wrong)),
    "labels": State("?task=multi_label", _one("bee-1.png")),
    "labels-none": State("?task=multi_label", _one("nothing.png")),
    "labels-wrong": State("?task=multi_label", _one("bee-1.png", _wrong)),
    "long": State("?long", _one("unsure-3.png")),
    "long-sure": State("?long", _one("likely-2.png")),
    "long-many": State("?long", _many_of_long),
    "busy": State("?open=slow", _until_state("busy"), ready=False),
    "failed": State("?open=fails", _until_state("failed")),
    "lost": State("", _lost),
    "offline": State("", _one("bee-1.png", _sends("offline", "{works: true}"))),
    "new-version": State("", _one("bee-1.png", _sends("newversion", "{now: '0.9.0', next: '0.9.1'}"))),
    "shortcuts": State("", _one("bee-1.png", _shortcuts)),
    "sent": State("?sent", _until_state("empty")),
}
