"""The page in a real browser."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from graft.report import Report
from graft.report.words import EXCERPT
from report.conftest import EVERY_REPORT

pytestmark = pytest.mark.browser

# Relative luminance and contrast as in WCAG 2.2; translucent backgrounds are laid over what is behind them.
CONTRAST = """
const parse = (c) => { const m = c.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
const behind = (e) => {
  if (!e) return [255, 255, 255, 1];
  const c = parse(getComputedStyle(e).backgroundColor);
  return c[3] === 1 ? c : over(c, behind(e.parentElement));
};
const light = (c) => {
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const [r, g, b] = c.slice(0, 3).map((v) => linear(v / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const low = [];
for (const e of document.querySelectorAll("body *")) {
  if (!e.checkVisibility() || ![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
  const style = getComputedStyle(e);
  const ink = parse(e.namespaceURI.endsWith("svg") ? style.fill : style.color);
  const [a, b] = [light(ink), light(behind(e))].sort((x, y) => y - x);
  const contrast = (a + 0.05) / (b + 0.05);
  if (contrast < 4.5) low.push(`${e.tagName} ${e.getAttribute("class")} ${e.textContent.slice(0, 20)} ${contrast}`);
}
return low;
"""


def show(browser: Any, report: Report, folder: Path, width: int = 1280, scheme: str = "light") -> None:
    """Open the report's page in a window of that width."""
    path = folder / "report.html"
    report.to_html(path)
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    theme = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", theme)
    browser.get_log("browser")
    browser.get(path.as_uri())


def panels(browser: Any) -> list[str]:
    """The ids of the panels that can be seen."""
    return [
        panel.get_attribute("id") for panel in browser.find_elements("css selector", ".panel") if panel.is_displayed()
    ]


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
@pytest.mark.parametrize("which", EVERY_REPORT)
def test_page_fits_has_contrast_and_leaves_the_console_silent(
    browser: Any, which: str, width: int, scheme: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    show(browser, request.getfixturevalue(which), tmp_path, width, scheme)

    reach = browser.execute_script(
        "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert reach[0] <= reach[1]
    assert browser.execute_script(CONTRAST) == []
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("which", ["messages", "recordings"])
def test_nothing_stands_outside_its_column(
    browser: Any, which: str, width: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    show(browser, request.getfixturevalue(which), tmp_path, width)

    outside = """const room = document.documentElement.clientWidth + 0.5;
    return [...document.querySelectorAll("audio, blockquote, figcaption, p")]
      .filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > room).length"""
    assert browser.execute_script(outside) == 0


def test_dark_is_dark(browser: Any, doors: Report, tmp_path: Path) -> None:
    colours = []
    for scheme in ("light", "dark"):
        show(browser, doors, tmp_path, scheme=scheme)
        colours.append(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))

    assert colours == ["rgb(255, 255, 255)", "rgb(20, 24, 26)"]


def test_clicking_a_cell_shows_its_pictures(browser: Any, doors: Report, tmp_path: Path) -> None:
    show(browser, doors, tmp_path)
    assert panels(browser) == ["pair-1-0"], "the most frequent mistake is open at first"

    browser.find_element("css selector", 'a[href="#pair-0-1"]').click()

    assert panels(browser) == ["pair-0-1"]
    panel = browser.find_element("id", "pair-0-1")
    assert "closed taken for open" in panel.text
    pictures = panel.find_elements("css selector", ".picture")
    assert len(pictures) == 4
    for picture in pictures:
        assert picture.is_displayed()
        assert picture.size["width"] >= 100
        painted = picture.value_of_css_property("background-image")
        decoded = "const p = new Image(); p.src = arguments[0]; return p.decode().then(() => p.naturalWidth)"
        assert browser.execute_script(decoded, painted[5:-2]) > 50
    current = browser.find_elements("css selector", ".matrix a[aria-current]")
    assert [link.get_attribute("hash") for link in current] == ["#pair-0-1"]


def test_keyboard_moves_between_cells(browser: Any, doors: Report, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    show(browser, doors, tmp_path)
    cells = browser.find_elements("css selector", ".matrix a")
    assert [cell.get_attribute("tabindex") for cell in cells].count("0") == 1, "the matrix is one stop of the Tab key"

    for _ in range(10):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        if browser.switch_to.active_element.get_attribute("hash") == "#pair-1-0":
            break
    focused = [browser.switch_to.active_element.get_attribute("hash")]
    for key in (Keys.ARROW_UP, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT):
        browser.switch_to.active_element.send_keys(key)
        focused.append(browser.switch_to.active_element.get_attribute("hash"))

    assert focused == ["#pair-1-0", "#pair-0-0", "#pair-0-1", "#pair-0-1"]
    assert panels(browser) == ["pair-0-1"]


def test_wide_matrix_scrolls_in_its_box(browser: Any, hundred: Report, tmp_path: Path) -> None:
    show(browser, hundred, tmp_path, 360)

    box = browser.find_element("css selector", ".scroll")
    assert box.get_property("scrollWidth") > box.get_property("clientWidth")
    browser.execute_script("arguments[0].scrollLeft = 300", box)
    head = browser.find_element("css selector", '.matrix th[scope="row"]')
    assert head.rect["x"] == pytest.approx(box.rect["x"], abs=1), "the row's label stays in sight"


def test_without_scripts_every_panel_is_open(browser: Any, doors: Report, tmp_path: Path) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        show(browser, doors, tmp_path)
        assert panels(browser) == ["pair-0-0", "pair-0-1", "pair-1-0"]
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_hostile_labels_run_nothing(browser: Any, make_report: Any, tmp_path: Path) -> None:
    labels = ("<script>document.title='owned'</script>", "\"'><img src=x onerror=\"document.title='owned'\">")
    show(browser, make_report(labels, [[9, 3], [2, 8]], name="</title><script>alert(1)</script>"), tmp_path)

    assert "owned" not in browser.title
    assert browser.get_log("browser") == []
    assert labels[0] in browser.find_element("css selector", ".classes").text


@pytest.mark.parametrize("width", [390, 1280])
def test_recordings_are_played_where_they_are_shown(
    browser: Any, recordings: Report, width: int, tmp_path: Path
) -> None:
    from selenium.webdriver.common.keys import Keys

    show(browser, recordings, tmp_path, width)
    assert not browser.execute_script("return [...document.querySelectorAll('audio')].some((a) => a.autoplay)")

    players = [player for player in browser.find_elements("css selector", "audio") if player.is_displayed()]
    assert {bool(player.get_attribute("data-as")) for player in players} == {True, False}, "some borrow their sound"
    assert all(player.accessible_name for player in players)
    assert width > 600 or min(player.size["width"] for player in players) > 300
    long = next(player for player in players if player.accessible_name.startswith("long meeting"))
    other = next(player for player in players if player.get_attribute("data-as") and player != long)
    for player in (long, other):
        player.send_keys(Keys.SPACE)
        begun = "const a = arguments[0]; return a.played.length ? 1 : new Promise((done) => { a.ontimeupdate = done; })"
        browser.execute_script(begun, player)

    state = "return [arguments[0].paused, arguments[0].ended, Math.round(arguments[0].duration)]"
    assert browser.execute_script(state, long) == [True, False, 8], "one plays at a time"
    assert browser.get_log("browser") == []


def test_a_player_is_a_stop_of_the_tab_key(browser: Any, recordings: Report, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    show(browser, recordings, tmp_path)
    player = next(found for found in browser.find_elements("css selector", ".panel audio") if found.is_displayed())
    browser.execute_script("arguments[0].scrollIntoView()", player)

    browser.find_element("css selector", ".matrix a[aria-current]").send_keys(Keys.TAB)

    assert browser.switch_to.active_element == player


def test_without_scripts_a_borrowed_sound_is_linked(browser: Any, recordings: Report, tmp_path: Path) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        show(browser, recordings, tmp_path)
        links = [a for a in browser.find_elements("link text", "Play it further up.") if a.is_displayed()]
        assert links
        home = browser.find_element("id", str(links[0].get_attribute("href")).rsplit("#", 1)[1])
        assert str(home.get_attribute("src")).startswith("data:audio/")
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_texts_stand_in_their_own_direction(browser: Any, messages: Report, tmp_path: Path) -> None:
    show(browser, messages, tmp_path, 390)

    quotes = [found for found in browser.find_elements("css selector", "#hardest blockquote") if found.text]
    directions = {quote.text[:4]: quote.value_of_css_property("direction") for quote in quotes}
    assert directions["لماذ"] == "rtl"
    assert directions["I st"] == "ltr"
    assert max(len(quote.text) for quote in quotes) <= EXCERPT + 1
    assert "owned" not in browser.title


def test_a_picture_opens_larger_and_the_arrows_go_on(browser: Any, doors: Report, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.wait import WebDriverWait

    show(browser, doors, tmp_path, width=390)
    gallery = browser.find_element("css selector", ".panel:not([hidden]) .gallery")
    first, second, *_ = gallery.find_elements("css selector", "button.opens")
    first.send_keys(Keys.ENTER)

    dialog = browser.find_element("css selector", "dialog")
    assert dialog.is_displayed()
    large = dialog.find_element("css selector", ".picture")
    assert large.size["width"] > 1.5 * first.size["width"]
    assert large.get_attribute("class") == first.find_element("css selector", ".picture").get_attribute("class")
    name = first.find_element("xpath", "ancestor::figure").find_element("css selector", ".file").text
    assert name in dialog.text
    assert "/" in name, "the folder is part of the name"
    assert browser.execute_script(CONTRAST) == []

    browser.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    assert large.get_attribute("class") == second.find_element("css selector", ".picture").get_attribute("class")
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not dialog.is_displayed()
    WebDriverWait(browser, 20).until(lambda page: page.switch_to.active_element == second)  # once it hears of closing


def test_a_command_is_copied_or_else_selected(browser: Any, doors: Report, tmp_path: Path) -> None:
    show(browser, dataclasses.replace(doors, model="my doors.graft"), tmp_path)
    browser.execute_script("navigator.clipboard.writeText = (t) => { window.copied = t; return Promise.resolve(); }")
    command, *_ = browser.find_elements("css selector", ".command")
    command.find_element("css selector", "button").click()
    assert browser.execute_script("return window.copied") == "graft predict 'my doors.graft' PHOTO.jpg"

    browser.execute_script("navigator.clipboard.writeText = () => Promise.reject()")
    command.find_element("css selector", "button").click()
    chosen = browser.execute_async_script("setTimeout(() => arguments[0](String(getSelection())), 50)")
    assert chosen == "graft predict 'my doors.graft' PHOTO.jpg"


def test_a_wide_table_says_on_which_side_it_goes_on(browser: Any, hundred: Report, tmp_path: Path) -> None:
    show(browser, hundred, tmp_path, width=390)
    more = "const box = document.querySelector('.scroll'); return box.dataset.more ?? ''"
    assert browser.execute_script(more) == "right"
    moved = "const box = document.querySelector('.scroll'); box.scrollLeft = {}; box.dispatchEvent(new Event('scroll'))"
    browser.execute_script(moved.format(40))
    assert browser.execute_script(more) == "left right"
    browser.execute_script(moved.format(99999))
    assert browser.execute_script(more) == "left"
    bar = "const b = document.querySelector('.scroll'); return b.offsetHeight - b.clientHeight"
    assert browser.execute_script(bar) > 4, "the bar is there before anybody scrolls"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_warnings_have_a_colour_of_their_own(browser: Any, doors: Report, tmp_path: Path, scheme: str) -> None:
    near = dataclasses.replace(doors.accuracy, low=doors.baselines["nearest"] - 0.01)
    show(browser, dataclasses.replace(doors, accuracy=near), tmp_path, scheme=scheme)
    colours = browser.execute_script(
        "return [...document.querySelectorAll('.doubt, .notes li')].map((e) => getComputedStyle(e).borderLeftColor)"
    )
    accent = browser.execute_script("return getComputedStyle(document.querySelector('.figure')).color")
    assert len(colours) == 2
    assert set(colours) == {colours[0]}
    assert colours[0] != accent
