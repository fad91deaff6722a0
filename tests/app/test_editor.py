"""The editor's page in a real browser: one item after another."""

from __future__ import annotations

import dataclasses
import json
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from graft.app import Editor
from graft.app.scoring import effect_scorer
from graft.cleaning import Findings
from graft.cleaning.review import Review
from graft.cleaning.review_queue import Filter
from graft.journal.journal import Journal
from pages import HOSTILE, Page

pytest.importorskip("starlette", reason="Starlette is not installed: pip install 'graft-learn[app]'")


@pytest.mark.browser
def test_page_asks_nobody_else_and_fits(page: Page) -> None:
    for width in (1280, 390):
        page.size(width)
        page.open()
        assert page.js("return document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.press("x")
    page.until(lambda: page.journal)

    sent = [json.loads(entry["message"])["message"] for entry in page.browser.get_log("performance")]
    asked = [m["params"]["request"]["url"] for m in sent if m["method"] == "Network.requestWillBeSent"]
    assert len(asked) > 20
    parts = [urlsplit(url) for url in asked]
    assert {part.hostname for part in parts if part.scheme not in ("data", "blob", "about")} == {"127.0.0.1"}
    assert page.browser.get_log("browser") == []


@pytest.mark.browser
def test_keys_decide_and_each_is_in_the_journal_at_once(page: Page) -> None:
    first = page.row
    second = page.moves("right")
    assert page.moves("left") == first

    assert page.moves("x") == second
    assert page.journal == [("drop", None)]
    third = page.moves("3")
    given = page.editor.review.findings.dataset.labels[second]
    assert page.journal[1:] == [("relabel", "triangle") if given != "triangle" else ("keep", None)]
    page.moves("k")
    page.moves("?")
    assert [action for action, _ in page.journal[2:]] == ["keep", "unsure"]

    page.press("u")
    page.until(lambda: "Taken back" in page.text("#said"))
    assert page.journal[-1] == ("undo", None)
    assert "Not decided" in page.text("#band")
    page.press("u")
    page.until(lambda: page.row == third)
    page.press("U")
    page.until(lambda: "Made again" in page.text("#said"))
    assert "Kept" in page.text("#band")
    assert page.editor.review.decided.sum() == 3
    assert page.text("#count").startswith("3 of ")


@pytest.mark.browser
def test_reload_keeps_place_and_decisions(page: Page) -> None:
    page.moves("x")
    place = page.moves("right")
    count = page.text("#count")
    page.browser.refresh()
    page.until(lambda: page.js("return document.getElementById('graft')?.dataset.ready"))
    assert (page.row, page.text("#count")) == (place, count)
    page.open()  # without the fragment: the place is remembered
    assert page.row == place


@pytest.mark.browser
def test_confusion_cell_shows_its_items(page: Page) -> None:
    page.click("#confusion td button")
    page.until(lambda: page.text("#pair"))
    table = page.editor.review.findings.confusion()
    i, j = np.argwhere(table)[0]
    classes = page.editor.review.findings.classes
    assert page.text("#where") == f"1 of {table[i, j]}"
    assert page.text("#pair").startswith(f"called {classes[i]}, looks like {classes[j]}")
    assert page.text("#given").endswith(classes[i])


@pytest.mark.browser
def test_copies_are_merged_with_one_key(page: Page) -> None:
    page.open("#kind=exact_duplicate")
    rows = page.js("return [...document.querySelectorAll('#copies li')].length")
    page.js("document.querySelectorAll('#copies .small')[1].click()")
    page.until(lambda: page.text("#copies li b"))
    page.press("m")
    page.until(lambda: "Merged" in page.text("#said"))
    (made,) = page.editor.review.decisions
    assert made.action == "merge"
    assert len(made.items) == rows
    page.press("u")
    page.until(lambda: "Taken back" in page.text("#said"))
    assert not page.editor.review.decided.any()


@pytest.mark.browser
def test_names_are_never_markup(page: Page) -> None:
    page.open("#kind=all&label=" + "circle&undecided=0")
    names = []
    for _ in range(12):
        names.append(page.text(".called"))
        page.press("right")
        time.sleep(0.05)
    page.until(lambda: page.text("#end"))
    assert any("<b onclick=hacked=1>&amp;90.png" in name for name in names)
    page.open("#kind=label&undecided=0")
    assert HOSTILE in page.text("#classes")
    assert page.js("return typeof hacked") == "undefined"
    assert (
        page.js("return document.querySelectorAll('#graft [onclick], #graft [onerror], #graft img[src=x]').length") == 0
    )


@pytest.mark.browser
def test_a_class_is_found_or_made_by_typing(page: Page) -> None:
    page.press("/")
    page.until(lambda: page.js("return document.querySelector('#search')?.open"))
    page.press("tri")
    page.until(lambda: page.text("#found").startswith("triangle"))
    for letter in ("\ue003",) * 3:
        page.press(letter)
    page.press("<u>hexagon")
    page.until(lambda: "New class <u>hexagon" in page.text("#found"))
    page.moves("enter")
    assert page.journal == [("relabel", "<u>hexagon")]
    page.until(lambda: "<u>hexagon" in page.text("#classes"))


@pytest.mark.browser
def test_what_others_decide_is_seen(page: Page) -> None:
    other = Review(page.editor.review.findings, Journal(page.editor.review.journal.path))
    other.decide("drop", [page.row], who="Ada <i>")
    page.until(lambda: "Dropped by Ada <i>" in page.text("#band"))
    assert "Ada <i> dropped" in page.text("#others")
    page.moves("k")
    assert len(page.editor.review.applied().conflicts) == 1


@pytest.mark.browser
def test_score_follows_the_decisions(page: Page) -> None:
    n = len(page.editor.review.findings)
    page.until(lambda: f"{n} remain" in page.text("#score"))
    page.moves("x")
    page.until(lambda: f"{n - 1} remain" in page.text("#score"))


def test_score_is_one_accuracy_and_what_the_decisions_bring(findings: Findings, tmp_path: Path) -> None:
    score = effect_scorer(findings)
    review = Review(findings, Journal(tmp_path / "shapes.journal"))
    before = score(review.applied())
    assert re.fullmatch(r"Accuracy \d+\.\d\s% with the labels as given", before)
    for row in review.queue(Filter("label")).tolist():
        review.decide("relabel", [row], findings["predicted_label"][row])
    given, brought = score(review.applied()).split("; ")
    assert given == before
    assert re.fullmatch(r"the decisions bring \S+ points \(95 % interval \S+ to \S+\)", brought)


@pytest.mark.browser
def test_what_cannot_be_written_is_not_shown_as_made(page: Page) -> None:
    page.moves("x")
    journal = page.editor.review.journal.path
    kept = journal.read_bytes()
    journal.unlink()
    journal.mkdir()
    row = page.row
    page.press("x")
    page.until(lambda: "is no file" in page.text("#said"))
    assert page.row == row
    assert "Not decided" in page.text("#band")
    journal.rmdir()
    journal.write_bytes(kept)
    page.moves("x")
    assert page.journal == [("drop", None)] * 2


@pytest.mark.browser
def test_nothing_found_is_said_kindly(browser: Any, findings: Findings, tmp_path: Path) -> None:
    columns = {
        name: np.zeros_like(values) if name.startswith("is_") and name.endswith("_issue") else values
        for name, values in findings.columns.items()
    }
    clean = dataclasses.replace(findings, columns=columns)
    with Editor(clean, tmp_path / "clean.journal", port=0) as editor:
        page = Page(browser, editor)
        assert "Nothing was found that looks wrong" in page.text("#end")
        page.click("#end button")
        page.until(lambda: page.row is not None)


def test_why_is_drawn_over_the_item_and_taken_away_again(page: Page) -> None:
    page.press("w")
    page.until(lambda: page.js("return document.querySelectorAll('#exhibit .why i').length") == 49)
    assert "Covered square by square" in page.text("#why")
    assert page.js("return document.querySelector('#why button').getAttribute('aria-pressed')") == "true"
    page.press("w")
    assert page.js("return document.querySelectorAll('#exhibit .why').length") == 0
    page.press("w")
    page.press("right")
    page.until(lambda: page.js("return document.querySelector('#why button').getAttribute('aria-pressed')") == "false")
    assert page.js("return document.querySelectorAll('#exhibit .why').length") == 0
