"""The page's section on tuning."""

import dataclasses
import math
import re

from graft.report import Report
from graft.report.html import render
from graft.results.history import Epoch


def section(report: Report) -> str:
    """The section's markup."""
    found = re.search(r'<section id="tuning".*?</section>', render(report), re.DOTALL)
    return found[0] if found else ""


def test_there_are_curves_of_every_run(tuned: Report) -> None:
    shown = section(tuned)

    titles = re.findall(r"<figcaption>(.*?)</figcaption>", shown)
    assert titles == ["Validation log loss", "Training loss", "Learning rates", "Seconds for each epoch"]
    charts = re.findall(r"<figure>.*?</figure>", shown, re.DOTALL)
    assert [chart.count("<polyline") for chart in charts] == [5, 5, 15, 5]
    assert charts[0].count("<circle") == 5, "a dot on the epoch of each trial whose weights were kept"
    assert [chart.count("<span>") for chart in charts] == [0, 0, 3, 0], "keys of the parts, for lines of three kinds"


def test_it_says_why_and_what_and_how_long(tuned: Report) -> None:
    shown = re.sub(r"<[^>]+>|\s+", " ", section(tuned)).replace("\u00a0", " ")

    for said in (
        "The tuned model ships: on 200 items held out from both its bounded log loss is lower",
        "200 photos decided",
        "94.0 %",
        "0.090",
        "block 4 to last convolution (13 parts) and the head, 3,345,250 numbers, on cpu in f32",
        "44 epochs of 7.9 s on average",
        "no longer better",
        "The memory ran out",
        "2.9e-4",
    ):
        assert said in shown, said
    assert "There is no learning curve: each of its points would take a tuning" in render(tuned)


def test_names_and_notes_are_only_text(tuned: Report, untouched: Report) -> None:
    assert "&lt;b&gt;At step 31&lt;/b&gt;" in section(tuned)
    assert "last &lt;convolution&gt;" in section(untouched)


def test_a_model_that_stayed_says_why(untouched: Report) -> None:
    shown = section(untouched)

    assert "The model stays as it was" in shown
    assert len(re.findall(r"<figure>", shown)) == 4
    assert "Tuning" in str(untouched)


def test_nothing_measured_draws_nothing(untouched: Report) -> None:
    assert untouched.tuning is not None
    nothing = Epoch(0, 0, math.nan, math.nan, math.nan, (), 0.0)
    stopped = dataclasses.replace(untouched.tuning.runs[0], epochs=(nothing,), stopped="diverged")
    shown = section(dataclasses.replace(untouched, tuning=dataclasses.replace(untouched.tuning, runs=(stopped,))))

    assert "<figure>" not in shown
    assert "diverged" in shown
    assert "nan" not in shown


def test_a_report_without_tuning_has_no_such_section(doors: Report) -> None:
    assert section(doors) == ""
