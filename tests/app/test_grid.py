"""The editor's page in a real browser: many items at once, what leads, what follows, and what fits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import graft
import shapes
from graft.app import Editor
from graft.cleaning import Findings, find_issues
from graft.cleaning.review import Review
from graft.cleaning.review_queue import Filter
from graft.errors import UsageError
from graft.journal.journal import Journal
from pages import Page

pytest.importorskip("starlette", reason="Starlette is not installed: pip install 'graft-learn[app]'")

CELL = "#grid li:nth-child({})"
SHAPES = {
    "portrait": (180, 900),
    "landscape": (900, 600),
    "panorama": (1600, 120),
    "tall": (60, 1600),
    "tiny": (20, 14),
}


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """Photos of every shape."""
    folder = shapes.folders(tmp_path_factory.mktemp("odd"), {"circle": 6, "square": 6})
    for name, size in SHAPES.items():
        image = shapes.picture("circle", 7).resize(size)
        image.save(folder / "circle" / f"a_photo_with_a_rather_long_name_that_is_{name}.png")
        turned = Image.Exif()
        turned[0x0112] = 6  # it lies on its side; the frame has to know it upright
        image.save(folder / "square" / f"turned_{name}.jpg", exif=turned)
    return find_issues(folder)


@pytest.fixture
def shown(browser: Any, odd: Findings, tmp_path: Path) -> Iterator[Page]:
    with Editor(odd, tmp_path / "odd.journal", port=0, score=lambda _: "") as editor:
        yield Page(browser, editor)


LEAVES = """
const box = (node) => node.getBoundingClientRect();
const beyond = (a, b) => Math.max(b.left - a.left, a.right - b.right, b.top - a.top, a.bottom - b.bottom);
const gap = (a, b) => Math.max(b.top - a.bottom, a.top - b.bottom, b.left - a.right, a.left - b.right);
const image = document.querySelector("#exhibit img"), frame = document.querySelector("#exhibit .frame");
const beside = document.querySelectorAll("#band, .called, #reason, #given, #choices, #around, #matrix");
const page = document.documentElement;
const [shown, natural] = [box(image), image.naturalWidth / image.naturalHeight];
return image.complete && image.naturalWidth ? [
  beyond(shown, box(frame)) <= 1 ? "" : "the picture leaves its frame",
  [...beside].every((node) => !box(node).height || gap(box(frame), box(node)) >= -1) ? "" : "it lies over others",
  page.scrollWidth <= page.clientWidth ? "" : "the page is wider than the window",
  Math.abs(shown.width - shown.height * natural) <= 0.03 * shown.width + natural + 1 ? "" : "it is out of shape",
].filter(Boolean) : null;
"""


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 768, 1280])
def test_no_photo_leaves_its_frame(shown: Page, width: int) -> None:
    shown.size(width)
    shown.open("#kind=all&undecided=0")
    for place in range(len(shown.editor.review.findings)):
        wrong = shown.until(lambda: (found := shown.js(LEAVES)) is not None and [found])
        assert wrong == [[]], f"{shown.text('.called')} at {width}"
        if place + 1 < len(shown.editor.review.findings):
            shown.moves("right")


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_no_photo_leaves_the_grid(shown: Page, width: int) -> None:
    shown.size(width)
    shown.open("#kind=all&undecided=0&view=grid")
    script = """
      const images = [...document.querySelectorAll("#grid img")];
      images.forEach((image) => { image.loading = "eager"; });
      if (!images.every((image) => image.complete && image.naturalWidth)) return null;
      const fits = (image) => {
        const [a, b] = [image, image.closest(".frame")].map((node) => node.getBoundingClientRect());
        return Math.max(b.left - a.left, a.right - b.right, b.top - a.top, a.bottom - b.bottom) <= 1;
      };
      return [document.documentElement.scrollWidth <= document.documentElement.clientWidth, ...images.map(fits)];
    """
    found = shown.until(lambda: shown.js(script))
    assert len(found) == len(shown.editor.review.findings) + 1
    assert all(found)


@pytest.mark.browser
def test_what_is_suggested_leads_and_is_what_enter_does(several: Page) -> None:
    several.open("#kind=label")
    row, findings = several.row, several.editor.review.findings
    likely = findings["predicted_label"][row]
    assert several.text("#suggested").startswith(f"\u2192 {likely}")
    assert several.js("return document.querySelectorAll('#graft .button.primary').length") == 1
    several.moves("enter")
    assert several.journal == [("relabel", likely)]
    several.moves("left")
    assert several.text("#suggested").startswith("Next"), "what was decided is not decided anew by going on"
    several.moves("enter")
    assert len(several.journal) == 1

    several.open(
        "#kind=all&undecided=0&row="
        + str(next(row for row in range(len(findings)) if row not in findings.issues("label")))
    )
    assert several.text("#suggested").startswith("Keep")
    several.press("enter")
    several.until(lambda: several.journal[1:])
    assert several.journal[1:] == [("keep", None)]


@pytest.mark.browser
def test_several_are_chosen_with_shift_and_relabelled_and_taken_back_together(several: Page) -> None:
    several.open("#kind=all&undecided=0&view=grid")
    rows = several.js("return [...document.querySelectorAll('#grid li')].map((cell) => Number(cell.dataset.row))")
    several.click(CELL.format(2))
    several.click_with_shift(CELL.format(6))
    several.click(CELL.format(4))
    assert several.text("#bulk .n") == "4 chosen"
    several.press("/")
    several.press("hexagon")
    several.press("enter")
    several.until(lambda: several.journal)
    review = several.editor.review
    assert sorted(review.decided.nonzero()[0].tolist()) == sorted(rows[at] for at in (1, 2, 4, 5))
    assert {review.label(rows[at]) for at in (1, 2, 4, 5)} == {"hexagon"}
    several.until(lambda: "4 items" in several.text("#said"))
    several.click("#said button")
    several.until(lambda: "Taken back: 4 items" in several.text("#said"))
    assert not review.decided.any()
    several.press("U")
    several.until(lambda: review.decided.sum() == 4)


@pytest.mark.browser
def test_the_grid_works_by_keys_alone(several: Page) -> None:
    several.press("g")
    several.until(lambda: several.js("return document.querySelector('#grid li')"))
    for _ in range(30):
        if several.js("return document.activeElement.closest('#grid li') !== null"):
            break
        several.press("tab")
    rows = several.js("return [...document.querySelectorAll('#grid li')].map((cell) => Number(cell.dataset.row))")
    several.press(" ")
    several.hold("shift", "right")
    several.hold("shift", "right")
    several.until(lambda: several.text("#bulk .n") == "3 chosen")
    several.press("x")
    several.until(lambda: several.journal)
    assert several.journal == [("drop", None)]
    assert sorted(several.editor.review.decided.nonzero()[0].tolist()) == sorted(rows[:3])
    several.press("u")
    several.until(lambda: "Taken back: 3 items" in several.text("#said"))
    several.hold("control", "a")
    several.until(lambda: several.text("#bulk .n") == f"{len(rows)} chosen")
    several.press("escape")
    several.until(lambda: not several.text("#bulk .n"))
    several.press("right")
    several.press("enter")
    several.until(lambda: several.text("#band"))
    assert several.row in rows
    assert several.js("return document.querySelector('#grid')") is None


@pytest.mark.browser
def test_all_suggestions_above_a_bound_are_accepted_at_once(several: Page) -> None:
    review = several.editor.review
    findings = review.findings
    p = sorted(review.review_queue.suggestion(row).p for row in findings.issues("label").tolist())
    bound = round((p[1] + p[2]) / 2, 4)
    several.open("#kind=any&view=grid")
    several.give("#above", str(bound))
    several.until(lambda: several.text("#accept") == f"Accept {len(p) - 2}")
    expected = {row for row in findings.issues("label").tolist() if review.review_queue.suggestion(row).p >= bound}
    several.click("#accept")
    several.until(lambda: f"Accepted: {len(expected)} items" in several.text("#said"))
    assert set(review.decided.nonzero()[0].tolist()) == expected
    assert all(review.label(row) == findings["predicted_label"][row] for row in expected)
    assert several.text("#accept") == "Accept 0"
    several.press("u")
    several.until(lambda: "Taken back" in several.text("#said"))
    assert not review.decided.any()


@pytest.mark.browser
def test_counts_and_classes_follow_the_decisions(several: Page) -> None:
    several.open("#kind=label&undecided=0")
    n = len(several.editor.review.findings)
    given = several.editor.review.findings.dataset.labels
    assert several.text("#size").startswith(f"{n} photos in 3 classes")
    cells = several.js(
        "return [...document.querySelectorAll('#confusion td button')].reduce((n, b) => n + Number(b.innerText), 0)"
    )
    assert cells == 5
    first = several.row
    several.moves("x")
    several.until(lambda: several.text("#size").startswith(f"{n - 1} of {n} photos in 3 classes"))
    assert f"{given[first]} ({given.count(given[first]) - 1})" in several.text("#class")
    several.press("/")
    several.press("hexagon")
    several.moves("enter")
    several.until(lambda: "in 4 classes" in several.text("#size"))
    assert "hexagon (1)" in several.text("#class")
    cells = several.js(
        "return [...document.querySelectorAll('#confusion td button')].reduce((n, b) => n + Number(b.innerText), 0)"
    )
    assert cells == 3
    several.give("#class", str(several.text("#class").split("\n").index("hexagon (1)") - 1))
    several.until(lambda: several.text("#where") == "1 of 1")
    assert "Relabelled to hexagon" in several.text("#band")


@pytest.mark.browser
def test_items_of_several_labels_lose_none_in_the_grid(browser: Any, tmp_path: Path) -> None:
    items, _ = shapes.lists(circle=6, square=6)
    tags = [("round", "dark") if row < 6 else ("dark",) for row in range(12)]
    findings = find_issues(graft.Dataset.from_lists(items, tags))
    with Editor(findings, tmp_path / "tags.journal", port=0, score=lambda _: "") as editor:
        page = Page(browser, editor)
        page.open("#kind=all&undecided=0&view=grid")
        page.click(CELL.format(1))
        page.press("1")
        page.until(lambda: "one by one" in page.text("#said"))
        assert not page.journal
        page.press("x")
        page.until(lambda: page.journal)


@pytest.mark.browser
def test_relabelling_is_at_the_thumb(several: Page) -> None:
    several.size(390)
    several.open("#kind=label")
    visible = several.js("""return [...document.querySelectorAll('#actions .button')].filter((button) => {
      const b = button.getBoundingClientRect();
      return b.width && b.left >= 0 && b.right <= innerWidth + 1 && b.bottom <= innerHeight + 1 && b.height >= 43
        && button.scrollWidth <= button.clientWidth + 1; }).map((button) => button.innerText.trim())""")
    assert {"Keep", "Relabel", "Drop", "Unsure", "Undo"} <= set(visible)
    assert any(text.startswith("\u2192 ") for text in visible)
    several.click("#actions .finger")
    assert several.until(lambda: several.js("return document.querySelector('#search')?.open"))


@pytest.mark.browser
def test_who_came_to_a_button_by_keys_stays_there(several: Page) -> None:
    keep = "return document.activeElement.matches('#actions [aria-keyshortcuts=k]')"
    several.open("#kind=label")
    for _ in range(40):
        if several.js(keep):
            break
        several.press("tab")
    several.moves("enter")
    several.until(lambda: several.js(keep))
    several.moves("enter")
    assert several.journal == [("keep", None)] * 2
    several.click("#actions [aria-keyshortcuts=k]")  # by mouse: the keys mean what they say
    several.until(lambda: len(several.journal) == 3)


@pytest.mark.browser
def test_a_picture_that_is_gone_is_said(browser: Any, tmp_path: Path) -> None:
    folder = shapes.folders(tmp_path / "photos", {"circle": 6, "square": 6})
    findings = find_issues(folder)
    with Editor(findings, tmp_path / "photos.journal", port=0, score=lambda _: "") as editor:
        (folder / "circle" / "000.png").unlink()
        page = Page(browser, editor)
        row = [item.name for item in findings.dataset.items].index("circle/000.png")
        page.open(f"#kind=all&undecided=0&row={row}")
        page.until(lambda: "cannot be read any more" in page.text("#exhibit"))
        assert page.js("return document.querySelector('.look')") is None
        page.press("x")
        page.until(lambda: page.journal)
        page.press("g")
        page.until(lambda: "cannot be read any more" in page.text("#grid"))


@pytest.mark.browser
def test_a_picture_is_looked_at_closely(several: Page) -> None:
    place = several.row
    several.press("z")
    several.until(lambda: several.js("return document.querySelector('#zoom img')?.complete"))
    wide = several.js("return document.querySelector('#zoom img').offsetWidth")
    several.press("+")
    several.until(lambda: "%" in several.text("#zoom output"))
    several.press("+")
    several.until(lambda: several.js("return document.querySelector('#zoom img').offsetWidth") != wide)
    several.press("x")
    several.press("escape")
    several.until(lambda: several.js("return document.querySelector('#zoom')") is None)
    assert (several.row, several.journal) == (place, []), "keys that are meant for the picture decide nothing"


@pytest.mark.browser
@pytest.mark.parametrize("fragment", ["#kind=all&undecided=0", "#kind=all&undecided=0&view=grid"])
def test_everything_that_is_pressed_has_a_name(several: Page, fragment: str) -> None:
    several.open(fragment)
    nameless = several.js("""
      const named = (node) => node.ariaLabel || node.getAttribute("aria-labelledby") || node.labels?.length
        || node.innerText?.trim() || node.hasAttribute("alt") || node.matches("[role=status]");
      return [...document.querySelectorAll("#graft :is(button, input, select, img, [role])")]
        .filter((node) => node.offsetWidth && !named(node)).map((node) => node.outerHTML);
    """)
    assert nameless == []
    assert several.browser.get_log("browser") == []


def test_lone_copies_are_left_alone(findings: Findings, tmp_path: Path) -> None:
    review = Review(findings, Journal(tmp_path / "shapes.journal"))
    found = max(findings.duplicates, key=lambda found: len(found.rows))
    proposed = [row for row in found.rows if review.review_queue.suggestion(row).action == "merge"][:3]
    with pytest.raises(UsageError, match="others are not chosen"):
        review.accept(proposed[:1])
    assert not review.journal.path.exists()
    review.accept(proposed)
    assert set(review.decided.nonzero()[0].tolist()) == set(proposed), "nothing is decided about what was not chosen"
    kept = [row for row in proposed if review.outcome(row).action == "keep"]
    assert kept == [row for row in review.review_queue.best_first(found) if row in proposed][:1]


def test_what_is_decided_at_once_is_taken_back_at_once(doubtful: Findings, tmp_path: Path) -> None:
    review = Review(doubtful, Journal(tmp_path / "doubtful.journal"))
    rows = review.suggested(Filter("any"), 0.0).tolist()
    assert len(rows) == 5
    review.decide("drop", [0], who="ada")
    review.accept(rows, who="ada")
    review.decide("keep", [1], who="bob")
    assert len(review.decisions) > 3, "several labels are several lines"
    later = Review(doubtful, review.journal)
    assert set(later.rows_of(later.undo("ada"))) == set(rows)
    assert set(later.decided.nonzero()[0].tolist()) == {0, 1}
    assert set(later.rows_of(later.redo("ada"))) == set(rows)
    assert set(later.decided.nonzero()[0].tolist()) == {0, 1, *rows}
    later.undo("ada")
    later.decide("drop", rows[:2], who="bob")
    later.accept(rows, who="ada", undecided=True)
    assert [later.outcome(row).decision.who for row in rows] == ["bob", "bob", "ada", "ada", "ada"]
    with pytest.raises(UsageError, match="meanwhile"):
        later.accept(rows, who="ada", undecided=True)
    assert set(later.rows_of(later.undo("ada"))) == set(rows[2:])
    assert later.rows_of(later.undo("ada")) == (0,)
    assert later.undo("ada") is None
