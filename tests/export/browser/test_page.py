"""The page of an export as people use it: given a file, asked why, empty, failed, from a folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from accessibility import axe_script, serious_findings
from hosting import Reply, hosted
from visits import Visit

pytestmark = pytest.mark.browser
WIDTHS = (390, 1280)


def judged(page: Visit) -> None:
    """No sideways scroll, nothing serious by axe-core, at each width and in both schemes."""
    page.js(axe_script())
    for width in WIDTHS:
        size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 600}
        page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        for scheme in ("light", "dark"):
            features = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}  # no colour between two
            asked = [{"name": name, "value": value} for name, value in features.items()]
            page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": asked})
            assert page.js("return document.documentElement.scrollWidth <= innerWidth"), (width, scheme)
            assert serious_findings(page.browser) == [], (width, scheme)


def test_a_photo_is_answered_and_explained_by_keys_alone(elsewhere: Visit, photos: Path) -> None:
    assert elsewhere.open() == "yes"
    judged(elsewhere)
    elsewhere.browser.find_element("css selector", "#file").send_keys(str(photos / "circle" / "000.png"))
    elsewhere.until(lambda: "circle, " in elsewhere.said)
    elsewhere.press("w")
    elsewhere.until(lambda: "no matter" in elsewhere.said)
    judged(elsewhere)
    assert elsewhere.console == []
    assert elsewhere.hosts == {"127.0.0.1"}


def test_a_page_that_cannot_start_can_be_read_by_everybody(elsewhere: Visit, web: Path, tmp_path: Path) -> None:
    elsewhere.host.faults["model.onnx"] = lambda reply: Reply(404, {}, b"")
    assert elsewhere.open() == "failed"
    judged(elsewhere)
    shutil.copytree(web, tmp_path / "shapes")
    with hosted(web) as host:
        page = Visit(elsewhere.browser, host)
        assert page.open((tmp_path / "shapes" / "index.html").as_uri()) == "failed"
        judged(page)
