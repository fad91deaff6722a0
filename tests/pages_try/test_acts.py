"""What people do with the try page: one run for each act, an answer stays with its item, keys for everything."""

from __future__ import annotations

import pytest

from try_states import MANY, TryPage

pytestmark = pytest.mark.browser
CONTROLS = "a[href], button, input, select, textarea, summary, [tabindex='0']"


@pytest.fixture
def photos(page: TryPage) -> TryPage:
    page.scheme("light")
    page.open()
    return page


def test_the_answer_that_is_shown_belongs_to_the_item_that_is_shown(photos: TryPage) -> None:
    photos.give("slow-bee.png")
    photos.reaches("answering")
    photos.give("unknown-4.png")  # a second file during the first, and a quick answer after a slow one
    photos.until(lambda: "none of these" in photos.text(".said .word"))
    photos.settled()
    assert "none of these" in photos.text(".said .word")
    assert photos.text(".facts").startswith("unknown-4.png")
    photos.click("#back")
    photos.answered()
    assert photos.text(".said .word") == "bee, 97 in 100"
    assert photos.text(".facts").startswith("slow-bee.png")
    assert [one["name"] for one in photos.asked] == ["slow-bee.png", "unknown-4.png"]
    assert photos.js("return window.most") == 1


def test_over_99_is_not_about_over_99(photos: TryPage) -> None:
    photos.give("certain.png")
    photos.answered()
    assert photos.text(".said .quiet") == "Of 100 answers as sure as this, over 99 are right."


def test_an_item_is_asked_once_however_many_are_given(photos: TryPage) -> None:
    photos.give(*MANY)
    photos.until(lambda: not photos.has("#progress") and photos.has(".tiles .sure"))
    photos.settled()
    asked = [one["name"] for one in photos.asked]
    assert sorted(asked) == sorted(name for name in MANY if not name.endswith(".heic"))
    assert photos.js("return window.most") == 1
    assert "10 photos: 3 bee, 2 ant, 1 wasp, 1 not sure, 1 unknown, 2 not read." in photos.text("#h-many")


def test_bytes_go_out_as_they_came(photos: TryPage) -> None:
    photos.give("bee-1.png")
    photos.answered()
    size = (photos.folder / "bee-1.png").stat().st_size
    assert [(one["kind"], one["size"]) for one in photos.asked] == [("image/png", size)]
    photos.click("#is-wrong")
    photos.click(".pick")
    photos.until(lambda: photos.saved)
    assert [(one or {})["size"] for one in photos.saved] == [size]


def test_a_correction_is_written_once_and_can_be_taken_back(photos: TryPage) -> None:
    photos.give("bee-1.png")
    photos.answered()
    photos.click("#is-wrong")
    photos.js("const pick = document.querySelector('.pick'); pick.click(); pick.click(); pick.click()")
    photos.until(lambda: photos.has(".said .chip.fixed"))
    assert len(photos.saved) == 1
    assert photos.text(".said .word") == "ant"
    assert "The model had said bee, 97 in 100" in photos.text(".said")
    photos.js("document.activeElement.blur()")
    photos.press("u")
    photos.until(lambda: photos.saved == [None])
    photos.until(lambda: photos.text(".said .word") == "bee, 97 in 100")
    photos.js("window.full = true")
    photos.click("#is-wrong")
    photos.click(".pick")
    photos.until(lambda: "Not saved. The disk is full. Make room." in photos.text("#toasts"))
    assert photos.text(".said .word") == "bee, 97 in 100"


SAVE = "document.querySelector('.choose .primary').click();"
NEW = """const f = document.querySelector('.choose input'); f.value = 'hornet'; f.dispatchEvent(new Event('input'));
[...document.querySelectorAll('.pick')].find((p) => p.innerText.includes('new class')).click()"""


@pytest.mark.parametrize(
    ("query", "act", "label"),
    [
        ("", "document.querySelector('.apart .pick').click()", None),
        ("?task=multi_label", f"document.querySelector('#picks input').click(); {SAVE}", ["bee"]),
        ("?task=regression", f"document.querySelector('#right-number').value = '11.5'; {SAVE}", 11.5),
        ("", NEW, "hornet"),
    ],
)
def test_what_it_is_instead(page: TryPage, query: str, act: str, label: object) -> None:
    page.open(query)
    page.give("bee-1.png")
    page.answered()
    page.click("#is-wrong")
    page.js(act)
    page.until(lambda: page.saved)
    assert [(one or {})["label"] for one in page.saved] == [label]


def test_heic_is_answered_in_words_and_never_asked(photos: TryPage) -> None:
    assert "hei" not in photos.js("return document.querySelector('#file').accept")
    photos.give("IMG_2051.heic")
    photos.reaches("failed-item")
    assert "This photo is HEIC, which is not read here." in photos.text(".note")
    assert "which converts it" in photos.text(".note")
    assert photos.asked == []
    photos.give("empty.png")
    photos.until(lambda: "This file is empty." in photos.text(".note"))
    assert photos.asked == []


def test_one_bad_item_stops_no_other_and_can_be_left_out(photos: TryPage) -> None:
    photos.give("bad-1.png", "bee-1.png")
    photos.until(lambda: not photos.has("#progress") and photos.has(".tiles .sure"))
    photos.until(lambda: photos.text(".tiles .failed .frame") == "This file is no picture.")
    photos.click(".tiles .failed button")
    photos.reaches("failed-item")
    photos.click(".failure .button")
    photos.until(lambda: photos.js("return document.querySelectorAll('.tiles li').length") == 1)
    photos.click("#toasts .button")
    photos.reaches("failed-item")


def test_everything_is_reached_and_done_by_keys(photos: TryPage) -> None:
    photos.give("bee-1.png", "unsure-3.png", "wasp-7.png")
    photos.until(
        lambda: not photos.has("#progress") and photos.js("return document.querySelectorAll('.opens').length") == 3
    )
    photos.until(lambda: photos.text(".tiles li .told").startswith("wasp or bee"))
    photos.click("#all")
    photos.js("document.querySelector('.opens').focus()")
    photos.press("right", "right", "left", "enter")
    photos.answered()
    assert photos.text(".said .word").startswith("bee")
    photos.press("w")
    photos.until(lambda: photos.js("return document.activeElement.matches('.why button')"))
    assert "covered, bee goes from 97 to 51 in 100" in photos.text("#cover")
    photos.press("right")  # over the picture, not to the next item
    assert photos.js("return document.activeElement.getAttribute('aria-label')").startswith("row 3, column 5")
    assert photos.text("#cover").startswith("This square covered")
    photos.press("x")
    photos.until(lambda: photos.has(".choose"))
    photos.press("escape")
    assert not photos.has(".choose")
    photos.press("x", "2")
    photos.until(lambda: photos.text(".said .word") == "beetle")
    photos.press("u")
    photos.until(lambda: photos.text(".said .word").startswith("bee,"))
    photos.press("?")
    assert photos.js("return document.querySelector('#help').open")
    photos.press("escape")
    assert not photos.js("return document.querySelector('#help').open")
    photos.press("escape")
    photos.reaches("many")
    assert photos.js("return document.activeElement.innerText").startswith("bee")  # where one came from


@pytest.mark.parametrize("query", ["", "?modality=text", "?modality=audio"])
def test_the_tab_key_reaches_every_control(page: TryPage, query: str) -> None:
    page.open(query)
    if "text" in query:
        page.write("my card")
        page.click("#ask button")
    else:
        page.give("hall-0031.wav" if "audio" in query else "bee-1.png")
    page.answered()
    wanted = set(
        page.js(
            f'return [...document.querySelectorAll("{CONTROLS}")].filter((n) => n.checkVisibility() && n.tabIndex >= 0'
            " && !n.disabled && !n.closest('.hidden') && (n.type !== 'radio' || n.checked))"
            ".map((n, i) => n.dataset.number = `${i}`)"
        )
    )
    page.js("document.activeElement.blur()")
    reached = set()
    for _ in range(len(wanted) + 6):
        page.press("tab")
        reached.add(page.js("return document.activeElement.dataset.number"))
    assert wanted <= reached


def test_letters_can_be_switched_off(photos: TryPage) -> None:
    photos.give("bee-1.png")
    photos.answered()
    photos.press("?")
    photos.click("#letters")
    photos.press("escape", "x")
    assert not photos.has(".choose")
    photos.js("localStorage.clear()")


def test_drop_paste_and_files_given_before_the_model_is_there(page: TryPage) -> None:
    drop = (
        "const data = new DataTransfer(); for (const name of arguments[0]) data.items.add(new File(['x'], name));"
        "document.dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true}))"
    )
    page.open("?open=slow", ready=False)
    page.reaches("busy")
    page.js(drop, ["bee-a.png"])
    page.until(lambda: "1 item waits" in page.text("main"))
    page.js("window.openNow = true")
    page.answered()
    page.js(drop, ["wasp-b.png", "unknown-c.png"])
    page.until(lambda: page.js("return document.querySelectorAll('.tiles li').length") == 3)
    paste = (
        "const data = new DataTransfer(); if (arguments[0]) data.items.add(new File(['x'], arguments[0]));"
        "if (arguments[1]) data.setData('text/plain', arguments[1]);"
        "document.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true}))"
    )
    page.js(paste, "likely-p.png", "")
    page.until(lambda: "4 photos" in page.text("#h-many"))
    page.open("?modality=text")
    page.js("document.activeElement.blur()")
    page.js(paste, "", "hello")
    page.answered()
    assert page.text(".said .chip") == "unknown"


def test_a_lost_model_is_said_and_found_again(photos: TryPage) -> None:
    photos.js("window.gone = true")
    photos.give("bee-1.png")
    photos.until(lambda: "The model does not answer." in photos.text("#banner"))
    photos.js("window.gone = false")
    photos.click("#banner .button")
    photos.answered()
    assert photos.text("#banner") == ""


def test_the_page_starts_again_after_it_failed(page: TryPage) -> None:
    page.open("?open=fails")
    assert "runtime.wasm came with 4,112,384 bytes" in page.text(".note.error")
    page.click(".failure .primary")
    page.reaches("empty")


def test_texts_come_one_by_one_by_lines_and_from_a_file(page: TryPage) -> None:
    page.open("?modality=text")
    page.click("#ask button")
    assert "There is no text yet." in page.text("#text-help")
    page.click("input[name=way][value=texts]")
    page.js("document.querySelector('#many-given').value = 'my card\\n\\nhello\\n'")
    page.click("#lines button")
    page.until(lambda: "2 texts: 1 bee, 1 unknown." in page.text("#h-many"))
    page.give("texts.txt")
    page.until(lambda: "4 texts" in page.text("#h-many"))
    page.until(lambda: [one["kind"] for one in page.asked] == ["text"] * 4)


def test_words_are_marked_where_they_stand_though_letters_take_two_units(page: TryPage) -> None:
    page.open("?modality=text")
    page.js("document.querySelector('#given').value = arguments[0]", "\U0001f600 card aa bb \U0001f41d gone")
    page.click("#ask button")
    page.until(lambda: page.has(".read span"))
    marked = page.js("return [...document.querySelectorAll('.read span')].map((n) => n.textContent)")
    assert marked == ["card", "aa", "bb", "gone"]


def test_why_is_not_asked_again_and_given_up_when_nobody_looks(page: TryPage) -> None:
    page.open("?ms=400")
    page.give("bee-1.png", "wasp-7.png")
    page.until(
        lambda: not page.has("#progress") and page.js("return document.querySelectorAll('.tiles .sure').length") == 2
    )
    page.click(".opens")
    page.answered()
    page.click("input[name=why][value=why]")
    page.until(lambda: "Covering one square after another" in page.text("#cover"))
    page.press("escape")
    page.reaches("many")
    page.settled()
    page.click(".opens")
    page.until(lambda: page.has(".why button"))
    page.click("input[name=why][value=photo]")
    page.click("input[name=why][value=why]")
    page.until(lambda: page.has(".why button"))
    assert sum(one["why"] for one in page.asked) == 2  # one given up, one answered


def test_squares_lie_on_what_the_model_saw(page: TryPage) -> None:
    page.open("?cut")
    page.give("bee-1.png")
    page.answered()
    page.click("input[name=why][value=why]")
    page.until(lambda: page.has(".why button"))
    box, fit = page.js("return ['.why', '.fit'].map((s) => document.querySelector(s).getBoundingClientRect().toJSON())")
    assert box["width"] == pytest.approx(0.75 * fit["width"], abs=1)
    assert box["left"] - fit["left"] == pytest.approx(0.125 * fit["width"], abs=1)
    assert box["height"] == pytest.approx(fit["height"], abs=1)


def test_a_table_of_answers_holds_no_formula(photos: TryPage) -> None:
    script = (
        "const done = arguments[0]; import(new URL('many.js', document.baseURI)).then(({csv}) => done(csv(["
        "{name: '=cmd|x', kind: 'file', answer: {label: 'a,\"b', confidence: 0.5, unknown: false, set: ['a'],"
        " scores: {a: 0.5}}}, {name: 'x', kind: 'file', answer: {error: {}}}],"
        " {modality: 'image', task: 'classification', classes: ['a', '-b']})))"
    )
    found = photos.browser.execute_async_script(script)
    assert found["n"] == 1
    assert found["text"].split("\r\n") == [
        "file,label,confidence,unknown,set,a,'-b",
        '\'=cmd|x,"a,""b",0.5,false,a,0.5,',
        "",
    ]


def test_the_order_stays_while_the_focus_is_in_the_grid(page: TryPage) -> None:
    page.open("?ms=300")
    page.give("bee-1.png", "likely-2.png", "unsure-3.png", "unknown-4.png")
    page.until(lambda: page.has(".tiles .opens"))
    page.js("document.querySelector('.opens').focus()")
    names = "return [...document.querySelectorAll('.tiles .name')].map((n) => n.textContent)"
    page.until(lambda: not page.has("#progress"))
    assert page.js(names) == ["bee-1.png", "likely-2.png", "unsure-3.png", "unknown-4.png"]
    page.js("document.activeElement.blur()")
    page.until(lambda: page.js(names) == ["unknown-4.png", "unsure-3.png", "likely-2.png", "bee-1.png"])
