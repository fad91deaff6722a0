"""The sentences of the report."""

import dataclasses
import json
import math
from typing import Any

import pytest

from graft.contracts import NEVER
from graft.report import Report, new_classes, words
from graft.results.facts import JournalEffect
from graft.results.figures import (
    ClassesAdded,
    FalseAlarms,
    Forecast,
    GroupEffect,
    Interval,
    Judged,
    RecallChange,
    Unknown,
)


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0.942, "94.2 %"),
        (1.0, "100 %"),
        (0.0, "0.0 %"),
        (0.9997, "99.97 %"),
        (0.0002, "0.02 %"),
        (math.nan, "–"),
        (None, "–"),
    ],
)
def test_percent_never_rounds_up_to_certainty(share: float | None, shown: str) -> None:
    assert words.percent(share).replace(words.NBSP, " ") == shown


def test_headline_counts_out_of_a_hundred(doors: Report) -> None:
    report = dataclasses.replace(doors, test=None, accuracy=Interval(0.942, 0.901, 0.969))

    said = words.headline(report).replace(words.NBSP, " ")

    assert said == "Out of 100 new photos about 94 would be named rightly; between 90 and 97, 95 % sure."


def test_headline_speaks_of_a_given_test_split(doors: Report) -> None:
    report = dataclasses.replace(doors, accuracy=Interval(0.942, 0.901, 0.969), test=Interval(0.85, 0.7, 0.93, "test"))
    assert report.score == report.test
    assert "about 85 would be named rightly" in words.headline(report)
    assert [name for name, _ in words.scores(report)] == ["test split, 40", "cross-validated"]
    assert words.origin(report).startswith("Test.")
    unknown = dataclasses.replace(report, test=Interval(math.nan, math.nan, math.nan))
    assert "about 94 would be named rightly" in words.headline(unknown)


def test_headline_says_how_many_were_not_judged(doors: Report) -> None:
    report = dataclasses.replace(doors, test=None, accuracy=Interval(0.9, 0.6, 0.97), unjudged=0.29)
    said = words.headline(report)
    assert "29 of the 100 would be of classes that could not be judged: at worst all wrong, at best all right." in said
    few = dataclasses.replace(report, unjudged=0.001)
    assert " 1 of the 100 " in words.headline(few)
    assert words.doubt(dataclasses.replace(report, baselines={"majority": 0.84})) == ""  # as judged: 0.6 / 0.71


def test_headline_without_a_score(unscored: Report) -> None:
    assert words.headline(unscored) == "There is no score: too few photos were left to judge by."


def test_a_score_no_better_than_the_commonest_class_is_doubted(doors: Report) -> None:
    assert words.doubt(doors) == ""
    assert "commonest class" in words.doubt(dataclasses.replace(doors, accuracy=Interval(0.55, 0.48, 0.62)))
    near = dataclasses.replace(doors, baselines={"majority": 0.5, "nearest": 0.93})
    assert words.doubt(near) == "The interval reaches down to the baseline (nearest neighbour)."


def test_a_task_that_the_nearest_neighbour_solves_as_well(doors: Report) -> None:
    both = dataclasses.replace(doors, accuracy=Interval(1, 0.93, 1), baselines={"majority": 0.5, "nearest": 1.0})
    assert words.doubt(both) == "The single nearest neighbour does as well: this task is easy for the encoder."
    hard = dataclasses.replace(doors, accuracy=Interval(0.7, 0.6, 0.8), baselines={"majority": 0.5, "nearest": 0.72})
    assert words.doubt(hard) == "The single nearest neighbour does as well."


def test_a_threshold_that_nothing_passes_is_none(doors: Report) -> None:
    never = dataclasses.replace(doors, unknown=Unknown(NEVER, 0.05))
    assert words.unknown(never.unknown, never.modality) == "No threshold could be set: nothing was held out."
    assert never.to_dict()["unknown"] == {
        "threshold": None,
        "asked": 0.05,
        "rate": {"value": None, "low": 0.0, "high": 1.0, "method": ""},
    }
    asked = dataclasses.replace(doors, unknown=Unknown(NEVER, 0.0))
    assert words.unknown(asked.unknown, asked.modality) == "No threshold was asked for: nothing is called unknown."


def test_confusions_come_most_frequent_first(doors: Report) -> None:
    pairs = words.confusions(doors)

    assert [(pair.label, pair.predicted, pair.n, pair.of) for pair in pairs] == [
        ("open", "closed", 8, 100),
        ("closed", "open", 4, 100),
    ]


def test_worst_class_comes_first_and_the_unscored_last(hundred: Report) -> None:
    rows = words.worst_first(hundred)
    recalls = [figures.recall for _, figures in rows if figures.n]

    assert recalls == sorted(recalls)
    assert rows[-1][1].n == 0


def test_a_forecast_of_nothing_says_so() -> None:
    assert words.outlook(Forecast("bees", 20, 0.0001, 0.0, 0.0004)) == "20 more of bees: no gain to be expected"
    assert "about" in words.outlook(Forecast("bees", 20, 0.0, -0.01, 0.01))


def test_classes_with_too_few_items_for_sets_are_said_to_be(doors: Report) -> None:
    assert "too few" not in words.sets(doors)
    short = dataclasses.replace(doors, sets=dataclasses.replace(doors.sets, short=1))
    assert words.sets(short).endswith("1 class has too few photos for that, and every set holds it.")


def test_forecast_in_words() -> None:
    forecast = Forecast("bees", 20, 0.012, 0.002, 0.024)

    assert words.outlook(forecast) == "20 more of bees: about +1.2 points (between +0.2 and +2.4)"
    assert words.outlook(Forecast("all", 5, -0.0002, math.nan, math.nan)) == "5 more of every class: about 0.0 points"


def test_verdict_on_an_item_that_was_right_but_unsure() -> None:
    said = words.verdict(Judged("a.jpg", "ants", "ants", 0.51, 0.51)).replace(words.NBSP, " ")

    assert said == "ants, and predicted so, but only 51 % sure"


@pytest.mark.parametrize("shift", [0.1, -0.1])
def test_leaning_confidence_is_named(doors: Report, shift: float) -> None:
    bins = tuple(dataclasses.replace(entry, confidence=entry.accuracy + shift) for entry in doors.calibration.bins)
    calibration = dataclasses.replace(doors.calibration, bins=bins)

    said = words.confidence(dataclasses.replace(doors, calibration=calibration))

    assert ("too sure of itself" if shift > 0 else "too modest") in said


def test_what_drives_a_terminal_or_reorders_a_line_is_replaced() -> None:
    hostile = "a\x1b[2Jb\x00c\nd\u202egpj\udcff"

    assert words.clean(hostile) == "a\ufffd[2Jb\ufffdc\ufffdd\ufffdgpj\ufffd"
    assert words.clean("été 蜂 نحلة 🐝") == "été 蜂 نحلة 🐝"


@pytest.mark.parametrize(
    ("modality", "noun"), [("image", "photos"), ("text", "texts"), ("audio", "recordings"), ("smell", "items")]
)
def test_every_modality_has_its_noun(doors: Report, modality: str, noun: str) -> None:
    changes: dict[str, Any] = {"modality": modality}

    assert noun in words.headline(dataclasses.replace(doors, **changes))


def test_nouns_follow_the_number() -> None:
    assert [words.noun("image", 1), words.noun("text", 2), words.noun("audio"), words.noun("smell", 0)] == [
        "photo",
        "texts",
        "recordings",
        "items",
    ]


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("  two\n words ", 20, "two words"),
        ("one two three four five", 9, "one two…"),
        ("one two three four five", 13, "one two three…"),
        ("abcdefghijkl", 5, "abcde…"),
        ("e\u0301" * 4, 5, "e\u0301e\u0301…"),
        ("👩‍🚀👩‍🚀", 4, "👩‍🚀…"),
        ("", 5, ""),
        ("a\x00b\u2067c", 9, "a\ufffdb\ufffdc"),
    ],
)
def test_excerpts_are_cut_between_words_and_characters(text: str, most: int, shown: str) -> None:
    assert words.excerpt(text, most) == shown


@pytest.mark.parametrize(
    ("n", "shown"), [(0, ""), (58_200, "58 KB"), (1_400, "1.4 KB"), (40, "0.1 KB"), (999_600, "1.0 MB")]
)
def test_sizes(n: int, shown: str) -> None:
    assert words.size(n).replace(words.NBSP, " ") == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.298, "0.3 s"), (12.2, "12 s"), (125, "2 min 5 s"), (3600, "1 h"), (4200, "1 h 10 min"), (math.nan, "")],
)
def test_durations(seconds: float, shown: str) -> None:
    assert words.duration(seconds).replace(words.NBSP, " ") == shown


def test_a_text_task_that_the_words_alone_solve(messages: Report) -> None:
    assert words.doubt(messages) == ""
    solved = dataclasses.replace(messages, baselines={"majority": 0.1, "nearest": 0.5, "tf-idf": 0.97})
    assert words.doubt(solved).startswith("TF-IDF with logistic regression does as well")


def test_groups_in_words() -> None:
    said = words.groups(GroupEffect(6, 0.972, 0.991, 0.019, 0.006, 0.034), "audio").replace(words.NBSP, " ")
    assert said == (
        "New groups: 97.2 %, with each of the 6 groups held out whole. Had recordings of one group stood on both sides "
        "of the split, the score would have looked like 99.1 %: 1.9 points too much (between +0.6 and +3.4)."
    )
    unclear = words.groups(GroupEffect(6, 0.972, 0.97, -0.002, -0.01, 0.005), "audio")
    assert unclear.endswith("no clear difference (−0.2 points, between −1.0 and +0.5).")
    assert words.groups(GroupEffect(6, math.nan, 0.97, math.nan, math.nan, math.nan), "audio") == ""


def test_false_alarms_in_words() -> None:
    found = FalseAlarms("background", 3.21, 1.1, 7.04, 2.4, 8)
    assert words.false_alarms(found) == "False alarms: 3.2 an hour of background (1.1 to 7.0; 2.4 hours judged)."
    short = words.false_alarms(dataclasses.replace(found, hours=0.25)).replace(words.NBSP, " ")
    assert short.endswith("15 min judged).")
    assert words.false_alarms(dataclasses.replace(found, hours=0.0, per_hour=math.nan)) == ""
    share = {"per_thousand": 12.4, "per_thousand_low": 3.1, "per_thousand_high": 44.0, "of": 250}
    assert words.false_alarms(dataclasses.replace(found, **share), "audio") == (
        "False alarms: 3.2 an hour of background (1.1 to 7.0; 2.4 hours judged); 12 of 1,000 recordings would be taken "
        "for another class (3 to 44; 250 judged)."
    )
    photos = FalseAlarms("other", math.nan, math.nan, math.nan, 0.0, 3, **share)
    assert words.false_alarms(photos, "image") == (
        "False alarms: 12 of 1,000 photos of other would be taken for another class (3 to 44; 250 judged)."
    )


def test_what_old_classes_lost_in_words() -> None:
    change = {f"c{i}": RecallChange(1.0, 0.9, 10 * i, i) for i in range(6)}
    assert new_classes.added(ClassesAdded(("x", "y"), change)) == (
        "c5 lost 5 of 50 items to the new classes x and y, c4 4 of 40, c3 3 of 30, 2 other classes 3 in all."
    )
    assert new_classes.added(ClassesAdded(("x",), {})) == "No old class lost an item to the new class x."


@pytest.mark.parametrize("which", ["messages", "recordings", "tagged", "grown", "doors", "tuned", "untouched"])
def test_a_report_comes_back_from_json(which: str, request: pytest.FixtureRequest) -> None:
    report: Report = request.getfixturevalue(which)

    values = json.loads(json.dumps(report.to_dict(), allow_nan=False))

    assert Report.from_dict(values).to_dict() == report.to_dict()
    assert ("groups" in values) == (report.groups is not None)
    assert ("sets" in values) == (report.sets is not None)


def test_a_report_of_an_earlier_version_is_read(doors: Report) -> None:
    values = doors.to_dict()
    del values["multi_label"], values["head"]["bytes"]
    assert "tuning" not in values

    assert Report.from_dict(values).to_dict() == doors.to_dict()


def test_what_a_journal_did_is_one_line() -> None:
    effect = JournalEffect("doors.journal", "0" * 32, relabelled=1_200, dropped=3, kept=0, unsure=0, unmatched=2)
    assert words.journal(effect) == "1,200 relabelled, 3 dropped, 2 could not be matched"
    assert words.journal(JournalEffect("doors.journal", "0" * 32, 0, 0, 0, 0, 0)) == "no decisions"


def test_the_journal_stands_in_the_text_and_in_the_page_and_can_be_saved(doors: Report) -> None:
    effect = JournalEffect("<b>\u202e.journal", "0" * 32, relabelled=1, dropped=0, kept=4, unsure=5, unmatched=0)
    report = dataclasses.replace(doors, journal=effect)
    assert "Journal     1 relabelled, 4 kept, 5 unsure" in str(report)
    assert "Journal &lt;b&gt;\ufffd.journal: 1 relabelled, 4 kept, 5 unsure" in report.to_html()
    assert Report.from_dict(report.to_dict()).journal == effect
