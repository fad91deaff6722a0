"""The report in a terminal."""

import dataclasses
import math
import re
from collections.abc import Callable
from typing import Any

import pytest
from rich.cells import cell_len

from graft.report import Report
from graft.report.text import render
from report.conftest import EVERY_REPORT


@pytest.mark.parametrize("width", [60, 80, 100, 160])
@pytest.mark.parametrize("which", EVERY_REPORT)
def test_no_line_is_wider_than_the_terminal(which: str, width: int, request: pytest.FixtureRequest) -> None:
    report: Report = request.getfixturevalue(which)

    shown = render(report, width)

    assert max(cell_len(line) for line in shown.splitlines()) <= width
    assert "nan" not in shown.lower().replace("unanimous", "")
    assert "None" not in shown
    assert "\ue000" not in shown


def test_full_report_says_everything(doors: Report) -> None:
    shown = render(doors, 80)

    for said in (
        "94.0 %",
        "90.6–97.4",
        "test split, 40",
        "commonest class",
        "nearest neighbour",
        "Macro F1 0.940",
        "open taken for closed: 8 of 100",
        "ECE 0.021",
        "91.4 %",
        "called unknown",
        "20 more of every class: about +1.3 points (between +0.2 and +2.6)",
        "photos/0-1/IMG_1000_1.jpg",
        "4 photos could not be used: 2 truncated, 1 empty, 1 not a picture",
        "2 photos stand under two labels",
        "2.2 s in all",
        "180 of 240 embeddings came from the cache",
    ):
        assert said in re.sub(r"\s+", " ", shown), said
    assert len(shown.splitlines()) <= 55


def test_of_a_hundred_classes_the_worst_ten_are_shown(hundred: Report) -> None:
    shown = render(hundred, 80)
    bars = [line for line in shown.splitlines() if "━" in line and "species" in line]

    assert "The 10 worst of 100 classes." in shown
    assert len(bars) == 10
    assert len(shown.splitlines()) <= 70


def test_nothing_wrong_and_nothing_judged(perfect: Report, unscored: Report) -> None:
    assert "No mistakes on held-out items." in render(perfect, 80)
    assert "There is no score" in render(unscored, 80)
    assert "Nothing was judged." in render(unscored, 80)


@pytest.mark.parametrize("width", [60, 100])
def test_spaces_that_do_not_break_are_printed_as_spaces(
    messages: Report, recordings: Report, tuned: Report, width: int
) -> None:
    for report in (messages, recordings, tuned):
        assert "\u00a0" not in render(report, width)


def test_a_report_has_no_escape_sequences(doors: Report) -> None:
    assert "\x1b" not in render(doors, 80)


def test_labels_and_names_cannot_drive_the_terminal(make_report: Callable[..., Report]) -> None:
    report = make_report(("[bold red]x[/]", "\x1b]0;owned\x07\x1b[2J"), [[9, 1], [2, 8]], name=":bee: \x1b[31m")

    shown = render(report, 80)

    assert "[bold red]x[/]" in shown
    assert ":bee:" in shown
    assert "\x1b" not in shown
    assert "\x07" not in shown


def test_double_width_labels_stay_in_line(make_report: Callable[..., Report]) -> None:
    shown = render(make_report(("開いているドアの写真" * 4, "閉"), [[9, 1], [2, 8]]), 60)

    assert max(cell_len(line) for line in shown.splitlines()) <= 60


def test_str_of_a_report_is_the_terminal_report(doors: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    assert str(doors) == render(doors, 80)


def test_a_report_read_back_shows_the_same(doors: Report) -> None:
    again = Report.from_dict(doors.to_dict())

    assert render(again, 80) == render(doors, 80)


def test_figures_that_are_not_numbers_do_no_harm(doors: Report) -> None:
    changes: dict[str, Any] = {
        "baselines": {"majority": math.nan, "nearest": None},
        "macro_f1": math.nan,
        "overfit_gap": None,
        "seconds": {"total": math.nan},
        "cache": {},
        "head": dataclasses.replace(doors.head, strength=math.nan),
    }

    assert not re.search(r"\b(nan|None)\b", render(dataclasses.replace(doors, **changes), 80))


def test_many_warnings_are_cut_short(doors: Report) -> None:
    shown = render(dataclasses.replace(doors, warnings=tuple(f"warning {i}" for i in range(12))), 80)

    assert "warning 4" in shown
    assert "warning 5" not in shown
    assert "and 7 more" in shown


def test_negative_gap_is_not_called_overfitting(doors: Report) -> None:
    assert "no better on what it learned from" in render(dataclasses.replace(doors, overfit_gap=-0.02), 100)


def test_texts_are_read_in_the_terminal(messages: Report) -> None:
    shown = render(messages, 80)

    assert "I still have not received my new card" in shown
    assert "logistic head 58 KB" in shown
    assert "TF-IDF + logistic" in shown
    assert "(blank)  The text is empty." in shown
    assert not re.search("[\x00\x1b\u202e]", shown)


def test_groups_alarms_labels_and_new_classes_in_the_terminal(
    recordings: Report, tagged: Report, grown: Report
) -> None:
    heard, several, more = (re.sub(r"\s+", " ", render(report, 80)) for report in (recordings, tagged, grown))

    assert "New groups: 97.2 %, with each of the 36 groups held out whole." in heard
    assert "False alarms: 3.2 an hour of background (1.1 to 7.0; 2.4 hours judged)." in heard
    assert "Exact match" in several
    assert "mean average precision 0.934" in several
    assert "Confused" not in several
    assert "Sets" not in several
    assert "delivery lost 2 of 40 items to the new class refund." in more
    assert "delivery 97.5 % 92.5 % 2 40" in more


def test_long_labels_keep_both_ends(messages: Report) -> None:
    assert "balance_not_…branch" in render(messages, 80)
