"""A tuning in words."""

import dataclasses

import pytest

from graft.report import Report, runs
from graft.report.words import NBSP
from graft.results.history import Tuning


@pytest.fixture
def shipped(tuned: Report) -> Tuning:
    assert tuned.tuning is not None
    return tuned.tuning


@pytest.fixture
def kept(untouched: Report) -> Tuning:
    assert untouched.tuning is not None
    return untouched.tuning


def plain(text: str) -> str:
    return text.replace(NBSP, " ")


def test_every_run_has_a_row(shipped: Tuning, kept: Tuning) -> None:
    rows = runs.runs(shipped)

    assert [row.name for row in rows] == [f"trial {number}" for number in range(1, 6)]
    assert [row.epochs for row in rows] == ["10", "9", "10", "9", "6"]
    assert {row.best for row in rows} == {"6"}
    assert rows[0].loss == "0.420 to 0.159"
    assert plain(rows[0].each) == "7.9 s"
    assert plain(rows[0].seconds) == "1 min 21 s"
    assert (rows[0].ended, rows[-1].ended) == ("no longer better", "as planned")
    assert [(row.name, row.best, row.ended) for row in runs.runs(kept)] == [("trial", "0", "time was up")]


def test_what_was_unfrozen_and_where(shipped: Tuning, kept: Tuning) -> None:
    assert runs.trained(shipped) == (
        "Trained: block 4 to last convolution (13 parts) and the head, 3,345,250 numbers, on cpu in f32."
    )
    assert plain(runs.trained(kept)) == (
        "Trained: last <convolution> and the head, 3,345,250 numbers, on cpu in bf16. "
        "The weights that were kept lie 50 % of the way to those trained."
    )
    further = dataclasses.replace(kept, runs=(*kept.runs, dataclasses.replace(kept.runs[0], alpha=1.0)))
    assert plain(runs.trained(further)).endswith("kept lie 50 % to 100 % of the way to those trained.")
    alone = dataclasses.replace(shipped.runs[0], unfrozen=(), parameters=20)
    assert runs.trained(dataclasses.replace(kept, runs=(alone,))) == "Trained: the head, 20 numbers, on cpu in f32."


def test_what_it_took(shipped: Tuning, kept: Tuning) -> None:
    assert plain(runs.spent(shipped)) == "Method blocks: 5 trials, 44 epochs of 7.9 s on average; 6 min 21 s in all."
    assert plain(runs.spent(kept)) == "Method partway: 1 trial, 1 epoch of 8.1 s on average; 14 s in all."


def test_figures_before_and_after(shipped: Tuning) -> None:
    rows = [(when, plain(accuracy), loss) for when, accuracy, loss in runs.compared(shipped)]
    assert rows == [("before", "94.0 %", "0.171"), ("after", "97.5 %", "0.090")]
    assert runs.compared(dataclasses.replace(shipped, before={}))[0] == ("before", "–", "–")


def test_notes_say_in_which_run(shipped: Tuning) -> None:
    assert runs.notes(shipped) == [
        "Trial 2: The memory ran out: from here on the network takes 12 items at a time.",
        "Trial 2: <b>At step 31</b> the loss was not a number.",
    ]


def test_nothing_was_run(shipped: Tuning) -> None:
    nothing = dataclasses.replace(shipped, shipped=False, runs=())
    assert (runs.runs(nothing), runs.trained(nothing), runs.notes(nothing)) == ([], "", [])
