"""The page: whole, safe, self-contained."""

import base64
import dataclasses
import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from graft.data.dataset import File, Memory, Skipped
from graft.errors import GraftError, OutputExists
from graft.report import Report, exhibits
from graft.report.html import render
from graft.report.writing import check_free, write
from graft.results.figures import Judged
from report.conftest import EVERY_REPORT

VOID = {"br", "meta", "wbr"}


class Reader(HTMLParser):
    """Checks balance and keeps tags, texts, ids and what the attributes point to."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, key, value or "") for key, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.texts))

    def values(self, key: str, tag: str | None = None) -> list[str]:
        return [value for of, name, value in self.attributes if name == key and tag in (None, of)]


@pytest.mark.parametrize("which", EVERY_REPORT)
def test_page_is_balanced_and_its_links_lead_somewhere(which: str, request: pytest.FixtureRequest) -> None:
    page = Reader(render(request.getfixturevalue(which)))

    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {link.removeprefix("#") for link in page.values("href")} <= set(ids)
    assert set(page.values("aria-labelledby")) <= set(ids)
    assert page.tags["h1"] == 1
    assert all(svg for svg in page.values("aria-label", "svg"))
    assert not re.search(r"\b(nan|None|inf)\b", page.text)


@pytest.mark.parametrize("which", EVERY_REPORT)
def test_page_asks_for_nothing(which: str, request: pytest.FixtureRequest) -> None:
    page = render(request.getfixturevalue(which))

    assert "http://" not in page
    assert "https://" not in page
    assert "@import" not in page
    assert all(source.startswith("data:audio/") for source in Reader(page).values("src"))
    assert set(re.findall(r"url\((.{5})", page)) <= {"data:"}


def test_policy_names_the_hashes_of_what_the_page_brings(doors: Report) -> None:
    page = render(doors)
    policy = next(value for value in Reader(page).values("content") if "default-src" in value)

    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; img-src data:;")
    for kind in ("style", "script"):
        [source] = re.findall(f"<{kind}>(.*?)</{kind}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert not Reader(page).values("style")


def test_hostile_labels_and_names_are_only_text(make_report: Callable[..., Report]) -> None:
    script, quote = "<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>"
    plain = make_report(("ants", "bees"), [[9, 1], [2, 8]])
    hostile = make_report(
        (script, quote),
        [[9, 1], [2, 8]],
        name=script,
        encoder=quote,
        judged_on=script,
        warnings=(script, "</style><script>alert(1)</script>"),
        skipped=(Skipped(f"photos/{quote}/\udcff\x00.jpg", script, quote),),
        hardest=(Judged(f"{quote}/{script}", script, quote, 0.9, 0.1),),
        recipe={"encoder": script, "head": quote},
        fingerprint=script,
        version=quote,
        seconds={script: 1.0},
        items={},
    )

    page = render(hostile)
    read = Reader(page)

    assert read.tags["script"] == 1
    assert read.tags["img"] == 0
    assert set(read.tags) <= set(Reader(render(plain)).tags)
    assert not [key for _, key, _ in read.attributes if key.startswith("on")]
    assert script in read.text
    page.encode("utf-8")


def test_page_says_everything(doors: Report) -> None:
    text = Reader(render(doors)).text.replace("\u00a0", " ")

    for said in (
        "Out of 100 new photos about 95 would be named rightly; between 84 and 99, 95 % sure.",
        "test split, 40",
        "nearest neighbour",
        "Macro F1 is 0.940.",
        "open taken for closed",
        "20 more of every class: about +1.3 points (between +0.2 and +2.6)",
        "ECE 0.021",
        "Cross-conformal: at least 80 % for certain, 90 % in practice.",
        "called unknown",
        "photos/open/readme.txt",
        "4 photos could not be used: 2 truncated, 1 empty, 1 not a picture.",
        "2 photos stand under two labels",
        "2.2 s in all",
        '"seed": 0',
        doors.fingerprint,
        "Graft 0.1.0",
    ):
        assert said in text, said


def test_each_picture_is_in_the_page_once(doors: Report) -> None:
    page = render(doors)
    shown = Counter(re.findall(r'class="picture (p\d+)"', page))

    assert page.count("data:image/jpeg;base64,") == len({judged.path for judged in (*doors.hardest, *doors.mistakes)})
    assert max(shown.values()) == 2


def test_no_page_holds_more_pictures_than_its_limit(hundred: Report) -> None:
    page = render(hundred)

    assert 0 < page.count("data:image/jpeg;base64,") <= exhibits.MOST


def test_pictures_are_limited(make_report: Callable[..., Report], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exhibits, "MOST", 5)
    report = make_report(("ants", "bees"), [[5, 9], [8, 5]], pictures=9)

    page = render(report)

    assert page.count("data:image/jpeg;base64,") == 5
    assert page.count('class="picture gone"') > 0


def test_items_that_are_gone_or_broken_leave_their_name(doors: Report, tmp_path: Path) -> None:
    first, second, *_ = doors.mistakes
    items = {
        **doors.items,
        first.path: File(tmp_path / "gone.jpg", first.path),
        second.path: Memory(b"\xff\xd8 not a picture", second.path),
    }

    page = render(dataclasses.replace(doors, items=items))

    assert page.count('class="picture gone"') >= 2
    assert first.path.rsplit("/", 1)[1] in page


def test_report_without_its_items_is_still_a_page(doors: Report) -> None:
    page = render(Report.from_dict(doors.to_dict()))

    assert "data:image" not in page
    assert Reader(page).tags["figure"] > 0


def test_texts_are_shown_as_text(make_report: Callable[..., Report]) -> None:
    report = make_report(("ham", "spam"), [[9, 1], [2, 8]], modality="text")
    items = {path: Memory("Win <b>now</b>\n été ".encode() * 40, path) for path in report.items}

    page = Reader(render(dataclasses.replace(report, items=items)))

    assert page.tags["blockquote"] > 0
    assert "Win <b>now</b> été Win" in page.text
    assert "IMG_" in page.text, "the name of a file stands below its text"


def test_a_text_is_not_its_own_file_name(messages: Report) -> None:
    page = Reader(render(messages))

    assert page.tags["blockquote"] > 20
    assert 'class="file"' not in render(messages)
    assert set(page.values("dir", "blockquote")) == {"auto"}
    assert "skipped (blank)" not in page.text
    assert "(blank)The text is empty." in page.text
    assert not re.search("[\x00\x1b\u202e]", page.text)


def test_a_text_whose_item_is_gone_is_quoted_from_its_name(messages: Report) -> None:
    again = Reader(render(Report.from_dict(messages.to_dict())))

    assert "I still have not received my new card" in again.text


def test_seventy_seven_long_labels_stay_small(messages: Report) -> None:
    page = render(messages)

    assert "These are the 20 of 77 classes" in Reader(page).text
    assert "transfer_<wbr>fee_<wbr>charged" in page
    assert len(page) < 150_000


def test_each_recording_travels_once(recordings: Report) -> None:
    page = Reader(render(recordings))
    sources = page.values("src", "audio")

    assert len(sources) == len(set(sources)) > 5
    assert set(page.values("data-as", "audio")) <= set(page.values("id", "audio"))
    assert set(page.values("preload", "audio")) == {"none"}
    assert not page.values("autoplay")
    assert "media-src data:;" in render(recordings)
    assert "Not kept in this page." in page.text
    assert "It cannot be played in this page" in page.text, "what is no recording cannot be made small either"


def test_recordings_are_limited(recordings: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exhibits, "SOUND_BYTES", 30_000)
    few = Reader(render(recordings)).values("src", "audio")
    assert 0 < sum(map(len, few)) < 30_000 * 4 / 3 + 100 * len(few)

    monkeypatch.setattr(exhibits, "SOUNDS", 2)
    assert len(Reader(render(recordings)).values("src", "audio")) <= 2


def test_pages_without_sound_allow_none(doors: Report) -> None:
    assert "media-src" not in render(doors)


def test_groups_and_false_alarms_stand_beside_the_score(recordings: Report, doors: Report) -> None:
    assert "New groups: 97.2" in Reader(render(recordings)).text
    assert "False alarms: 3.2 an hour of background" in Reader(render(recordings)).text
    assert "New groups" not in Reader(render(doors)).text


def test_several_labels_have_figures_and_no_matrix(tagged: Report) -> None:
    page = Reader(render(tagged))

    assert "matrix" not in page.values("class")
    assert not page.values("id", "a")
    for said in ("Exact match", "micro F1", "0.912", "Hamming loss", "275 photos with 3 labels", "cat, outdoors"):
        assert said in page.text, said
    assert "no label" in page.text
    assert "Mistakes" in page.text
    assert "Prediction sets" not in page.text


def test_new_classes_show_what_they_took(grown: Report) -> None:
    page = Reader(render(grown))

    assert "delivery lost 2 of 40 items to the new class refund." in page.text
    assert "97.5 %92.5 %−5.0" in page.text.replace("\u00a0", " ")
    assert "The other 2 old classes" in page.text


def test_of_a_hundred_classes_the_most_confused_are_shown(hundred: Report) -> None:
    page = render(hundred)
    text = Reader(page).text
    [matrix] = re.findall(r'<table class="matrix many">.*?</table>', page, re.DOTALL)

    assert "These are the 20 of 100 classes that are confused most" in text
    assert "The other 80 classes" in text
    assert matrix.count('scope="row"') == 20
    assert "never scored" in text


def test_empty_states_are_friendly(perfect: Report, unscored: Report) -> None:
    flawless, nothing = Reader(render(perfect)), Reader(render(unscored))

    assert "Not one mistake on held-out items." in flawless.text
    assert "too few photos for a learning curve" in flawless.text
    assert "Skipped" not in flawless.text
    assert "There is no score" in nothing.text
    assert "never scored" in nothing.text


def test_figures_that_are_not_numbers_do_no_harm(doors: Report) -> None:
    changes: dict[str, Any] = {
        "baselines": {"majority": math.nan, "nearest": None},
        "macro_f1": math.nan,
        "overfit_gap": None,
        "seconds": {"total": math.nan},
        "cache": {},
        "head": dataclasses.replace(doors.head, strength=math.nan),
    }

    assert not re.search(r"\b(nan|None)\b", Reader(render(dataclasses.replace(doors, **changes))).text)


def test_page_is_the_same_every_time(doors: Report) -> None:
    assert render(doors) == render(doors)


def test_write_and_refuse(doors: Report, tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.html"

    page = doors.to_html(path)
    assert path.read_bytes() == page.encode()
    with pytest.raises(OutputExists, match=r"report\.html is already there"):
        write("other", path, overwrite=False)
    assert path.read_text(encoding="utf-8") == page
    write("other", path, overwrite=True)

    assert path.read_text(encoding="utf-8") == "other"
    assert [entry.name for entry in path.parent.iterdir()] == ["report.html"]


def test_write_where_no_file_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(OutputExists, match="is a folder"):
        write("page", tmp_path, overwrite=True)
    with pytest.raises(GraftError, match="cannot be written"):
        check_free(tmp_path / "file" / "report.html", overwrite=False)
    with pytest.raises(GraftError, match="cannot be written"):
        write("page", tmp_path / "file" / "report.html", overwrite=True)


def test_the_hardest_are_neither_shown_twice_nor_right_and_sure(doors: Report) -> None:
    sure = Judged("photos/easy.jpg", doors.classes[0], doors.classes[0], 0.97, 0.97)
    page = render(dataclasses.replace(doors, hardest=(*doors.hardest, sure)))
    hardest = page.split('id="hardest"')[1].split("<section")[0]
    opened = page.split('id="pair-1-0"')[1].split("</section>")[0]

    assert "easy.jpg" not in hardest
    assert "unsure.jpg" in hardest
    names = [set(re.findall(r'title="([^"]+\.jpg)"', part)) for part in (hardest, opened)]
    assert names[0]
    assert names[1]
    assert not names[0] & names[1]


def test_typical_examples_stand_by_class(doors: Report) -> None:
    paths = [(f"photos/{label}/{n}.jpg", label) for label in doors.classes for n in "ab"]
    typical = tuple(Judged(path, label, label, 0.98, 0.98) for path, label in paths)
    page = render(dataclasses.replace(doors, typical=typical))
    shown = page.split('id="typical"')[1].split("<section")[0]

    assert re.findall(r"<h3><bdi>(\w+)</bdi></h3>", shown) == list(doors.classes)
    assert re.findall(r'title="([^"]+)"', shown) == [path for path, _ in paths]
    assert Report.from_dict(dataclasses.replace(doors, typical=typical).to_dict()).typical == typical
    assert 'id="typical"' not in render(doors)


def test_what_to_do_is_said_with_its_command(doors: Report) -> None:
    from graft.data.guard import Inputs
    from graft.report import steps

    page = render(dataclasses.replace(doors, model="Küche & Büro.graft", inputs=Inputs.of("my photos")))

    assert "graft predict &#x27;Küche &amp; Büro.graft&#x27; PHOTO.jpg" in page
    assert f"{steps.suspects(doors)} labels look wrong" in page
    assert "graft clean &#x27;my photos&#x27; --app" in page
    assert "graft predict" not in render(dataclasses.replace(doors, model=None))
