"""Every state of the try page: accessible, within its width, silent in the console, asking no other host."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from accessibility import serious_findings
from graft import pages
from try_states import STATES, TryPage

pytestmark = pytest.mark.browser
WIDTHS = (390, 768, 1680, 1280)


def hosts(browser: Any) -> set[str]:
    """What the page asked the network for, by host."""
    found = set()
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            found.add(urlsplit(message["params"]["request"]["url"]).hostname or "")
    return found - {""}


@pytest.mark.parametrize("name", STATES)
def test_a_state_is_accessible_fits_its_width_and_asks_nobody_else(name: str, page: TryPage, axe: str) -> None:
    state = STATES[name]
    page.scheme("light")
    if state.before:
        page.before(state.before)
    page.open(state.query, ready=state.ready)
    state.reach(page)
    for width in WIDTHS:
        page.size(width)
        wide = page.js("return [document.documentElement.scrollWidth, innerWidth]")
        assert wide[0] <= wide[1], f"{name} scrolls sideways at {width} pixels"
    page.js(axe)
    for width, scheme in ((1280, "light"), (390, "dark")):
        page.size(width)
        page.scheme(scheme)
        serious = serious_findings(page.browser)
        assert not serious, f"{name} at {width} in {scheme}: {json.dumps(serious, indent=1)[:2000]}"
    assert [entry for entry in page.browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    assert hosts(page.browser) <= {"localhost"}


def test_the_page_holds_no_script_no_style_and_no_foreign_address() -> None:
    html = pages.text("try.html")
    assert f'content="{pages.POLICY}"' in html
    assert not re.findall(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=|javascript:", html)
    assert {*re.findall(r'(?:src|href)="([^"#]+)"', html)} <= {*pages.TRY}
    for name, kind in pages.TRY.items():
        found = re.findall(r"\bhttps?://[\w.-]+", pages.text(name))
        assert {*found} <= {"http://www.w3.org"}, f"{name} names a host"
        if kind == "text/javascript":
            assert not re.findall(
                r"\beval\(|new Function|innerHTML|insertAdjacentHTML|document\.write|\.style\.css", pages.text(name)
            ), name
            imported = {*re.findall(r'(?:from|import\()\s*"\./([^"]+)"', pages.text(name))}
            assert imported <= {*pages.TRY, "answerer.js"}, name
