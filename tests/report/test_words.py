"""The sentences of the report."""

import dataclasses
import math
from typing import Any

import pytest

from graft.heads.unknown import NEVER
from graft.report import words
from graft.report.content import Forecast, Interval, Judged, Report, Unknown


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
    report = dataclasses.replace(doors, accuracy=Interval(0.942, 0.901, 0.969))

    said = words.headline(report).replace(words.NBSP, " ")

    assert said == "Out of 100 new photos about 94 would be named rightly; between 90 and 97, 95 % sure."


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
    assert words.unknown(never) == "No threshold could be set: nothing was held out."
    assert never.to_dict()["unknown"] == {"threshold": None, "rate": 0.05}
    asked = dataclasses.replace(doors, unknown=Unknown(NEVER, 0.0))
    assert words.unknown(asked) == "No threshold was asked for: nothing is called unknown."


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
