"""Camera and microphone of the try page: what is asked of the browser, and what the model gets."""

from __future__ import annotations

from urllib.parse import urlsplit

import numpy as np
import pytest

from graft.decoding.sound import decode_beginning
from try_states import BLACK, STAYED, TryPage

pytestmark = pytest.mark.browser

ASKED = """if (navigator.mediaDevices) { window.wanted = [];
  const own = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = (asked) => { window.wanted.push(asked); return own(asked); };
  const Real = window.AudioContext; window.contexts = [];
  window.AudioContext = class extends Real {
    constructor(...given) { super(...given); window.contexts.push([given, this.sampleRate]); } };
  window.open_ = new Set(); const {createObjectURL, revokeObjectURL} = URL;
  URL.createObjectURL = (blob) => { const url = createObjectURL(blob); window.open_.add(url); return url; };
  URL.revokeObjectURL = (url) => { window.open_.delete(url); revokeObjectURL(url); }; }"""


def live(page: TryPage, n: int = 1) -> None:
    page.until(lambda: int(page.js("return document.querySelector('main').dataset.answers ?? 0")) >= n)


def test_the_camera_is_rear_first_muted_inline_and_leaves_nothing_behind(page: TryPage) -> None:
    page.before(ASKED)
    page.open()
    page.click("input[name=way][value=camera]")
    live(page)
    assert page.js("return window.wanted.map((w) => [w.audio, w.video.facingMode.ideal])") == [[False, "environment"]]
    video = page.js("const v = document.querySelector('main video'); return [v.muted, v.playsInline, v.isConnected]")
    assert video == [True, True, True]
    few = page.js("return window.open_.size")
    live(page, 25)
    assert page.js("return window.open_.size") <= few + 1
    assert page.js("return window.most") == 1  # pictures are dropped, never queued
    page.click("input[name=way][value='']")
    page.reaches("empty")
    assert page.js("return window.open_.size") == 0
    n = len(page.asked)
    page.give("bee-1.png")
    page.answered()
    assert len(page.asked) == n + 1  # the camera is off: nothing else was asked


def test_only_the_view_is_mirrored(page: TryPage) -> None:
    page.before(BLACK)
    page.open("?sizes")
    page.click("input[name=way][value=camera]")
    page.reaches("camera-starting")
    page.until(lambda: page.js("return document.querySelector('main video')?.currentTime > 0.5"))  # black, so far
    page.until(lambda: page.js("window.light?.(); return document.documentElement.dataset.state") == "camera")
    live(page, 2)
    assert page.has(".live .fit.mirrored")
    page.click("#pause")
    page.until(lambda: page.has(".live input[name=why]") or page.has(".live .switch"))
    assert sum(page.asked[0]["pixels"][:3]) > 100  # the black pictures before the first light one were none
    left, right = page.asked[-1]["pixels"][:3], page.asked[-1]["pixels"][4:7]
    assert sum(left) > sum(right) + 100  # the light half is on the left, as the camera gave it
    size = page.asked[-1]["size"]
    page.click("input[name=why][value=why]")
    page.until(lambda: page.has(".live .fit.mirrored .why"))  # turned with the view: it lies where it belongs
    page.click("#is-wrong")
    page.click(".pick")
    page.until(lambda: page.saved)
    assert [((one or {})["size"], (one or {})["type"]) for one in page.saved] == [(size, "image/jpeg")]


def test_a_snapshot_becomes_an_item_with_undo(page: TryPage) -> None:
    page.open()
    page.click("input[name=way][value=camera]")
    live(page)
    page.click("#snap")
    page.until(lambda: "Kept as photo 1." in page.text("#toasts"))
    page.click("#toasts .button")
    page.click("#snap")
    page.until(lambda: "Kept as photo 1." in page.text("#toasts"))
    page.press("escape")
    page.reaches("many")
    page.until(lambda: page.text(".tiles .name") == "camera-1.jpg")


def test_a_snapshot_while_the_camera_stutters_keeps_the_picture_that_was_seen_last(page: TryPage) -> None:
    page.open()
    page.click("input[name=way][value=camera]")
    live(page)
    page.js("Object.defineProperty(HTMLMediaElement.prototype, 'readyState', {get: () => 1})")
    page.click("#snap")
    page.until(lambda: "Kept as photo 1." in page.text("#toasts"))


def test_without_https_the_page_says_so_and_takes_a_single_photo(page: TryPage) -> None:
    parts = urlsplit(page.address)
    page.address = page.address.replace("localhost", "try.test")
    page.open()
    page.click("input[name=way][value=camera]")
    page.reaches("camera-no-https")
    assert "this page came over http from try.test" in page.text(".note.error")
    assert page.js("const i = document.querySelector('#capture'); return [i.accept, i.getAttribute('capture')]") == [
        "image/*",
        "environment",
    ]
    page.browser.find_element("id", "capture").send_keys(str(page.folder / "bee-1.png"))
    page.answered()
    page.open("?modality=audio")
    page.click("input[name=way][value=record]")
    page.reaches("microphone-no-https")
    assert parts.port


def test_in_a_frame_without_permission_the_page_says_so(page: TryPage) -> None:
    page.browser.get(f"{page.address}framing.html")
    page.browser.switch_to.frame(0)
    page.until(lambda: page.js("return document.documentElement.dataset.ready"))
    page.click("input[name=way][value=camera]")
    page.reaches("camera-frame")
    assert "inside this frame" in page.text(".note.error")
    page.browser.switch_to.default_content()


def test_the_microphone_gives_raw_samples_at_its_own_rate(page: TryPage) -> None:
    page.before(ASKED)
    page.open("?modality=audio")
    page.click("input[name=way][value=record]")
    page.reaches("record")
    wanted = page.js("return window.wanted.map(({audio, video}) => [video, audio])")
    off = {"echoCancellation": False, "noiseSuppression": False, "autoGainControl": False}
    assert wanted == [[False, off]]
    assert [given for given, _ in page.js("return window.contexts")] == [[]]  # no rate is forced
    page.until(lambda: page.text("#long") >= "0.3 s")
    page.click("#stop")
    page.answered()
    rate = page.js("return window.contexts[0][1]")
    (asked,) = [one for one in page.asked if not one["why"]]
    assert (asked["kind"], asked["rate"]) == ("samples", rate)
    assert asked["size"] >= 0.2 * rate
    assert asked["wav"] == 58 + 4 * asked["size"]
    assert not page.has(".note.warning")


def test_what_stayed_on_though_it_was_asked_off_is_said(page: TryPage) -> None:
    page.before(STAYED)
    page.open("?modality=audio")
    page.click("input[name=way][value=record]")
    page.reaches("record")
    assert "This browser kept noise suppression on." in page.text(".note.warning")
    page.click("#discard")
    page.reaches("empty")
    assert page.asked == []


def test_a_recording_stops_by_itself(page: TryPage) -> None:
    page.open("?modality=audio&seconds=0.5")
    page.click("input[name=way][value=record]")
    page.answered()
    (asked,) = [one for one in page.asked if not one["why"]]
    assert asked["size"] / asked["rate"] == pytest.approx(0.5, abs=0.05)


def test_samples_go_to_a_server_as_they_are(page: TryPage) -> None:
    """The answerer of a server makes a file of them: nothing is rounded, and the rate stays."""
    page.open("?modality=audio")
    given = np.float32([0.0, 0.25, -0.5, 0.1, -1.0, 1.0] * 4000)
    script = (
        "const [samples, rate, done] = arguments; import(new URL('wav.js', document.baseURI)).then(async ({wav}) =>"
        "done([...new Uint8Array(await wav({samples: new Float32Array(samples), rate}).arrayBuffer())]))"
    )
    content = bytes(page.browser.execute_async_script(script, given.tolist(), 48_000))
    found, rate, seconds = decode_beginning(content, 10.0)
    assert (rate, seconds) == (48_000, 0.5)
    np.testing.assert_array_equal(np.ravel(found), given)
