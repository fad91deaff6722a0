"""What came of a tuning, in a terminal."""

import dataclasses
import re

import pytest
from rich.cells import cell_len

from graft.report import Report
from graft.report.verdict import render


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("which", ["tuned", "untouched"])
def test_no_line_is_wider_than_the_terminal(which: str, width: int, request: pytest.FixtureRequest) -> None:
    report: Report = request.getfixturevalue(which)
    assert report.tuning is not None

    lines = render(report.tuning, "image", width).splitlines()

    assert max(map(cell_len, lines)) <= width


def test_it_says_everything(tuned: Report) -> None:
    assert tuned.tuning is not None
    shown = render(tuned.tuning, "image", 80)

    assert re.search(r"Before +accuracy 94.0 %, log loss 0.171", shown)
    assert re.search(r"After +accuracy 97.5 %, log loss 0.090", shown)
    assert re.search(r"trial 1 +10 +6 +7.9 s +no longer better", shown)
    assert re.search(r"trial 5 +6 +6 +7.9 s +as planned", shown)
    for said in ("200 photos", "block 4 to last convolution (13 parts) and the head", "6 min 21 s in all"):
        assert said in re.sub(r"\s+", " ", shown), said


def test_what_was_skipped_is_told_if_anything_was(tuned: Report) -> None:
    assert tuned.tuning is not None
    shown = render(tuned.tuning, "image", 80, skipped=tuned.skipped)

    assert re.search(r"Skipped +4 photos could not be used: 2 truncated, 1 empty, 1 not a picture", shown)
    assert max(map(cell_len, shown.splitlines())) <= 80
    assert "Skipped" not in render(tuned.tuning, "image", 80)


def test_notes_cannot_drive_the_terminal(untouched: Report) -> None:
    assert untouched.tuning is not None
    run = dataclasses.replace(untouched.tuning.runs[0], unfrozen=("\x1b[2J",), stopped="\x1b[2J")
    shown = render(dataclasses.replace(untouched.tuning, runs=(run,), reason="\x1b[2J"), "image", 80)

    assert "\x1b" not in shown
