"""Cells of tables that are written."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graft.cells import TableWriter, guarded, shown, unguarded, unlike


@pytest.mark.parametrize("cell", ["=1+1", "+49 30", "-x", "@me", "\t=1", "\r=1", "'=1", "''+1", "＝1"])
def test_a_formula_is_a_text(cell):
    assert guarded(cell) == f"'{cell}"
    assert unguarded(guarded(cell)) == cell


@pytest.mark.parametrize("cell", ["", "a=1", "'tis", "' '", "3-4", "'", " -", "-1", "-1.5e-3", "+49"])
def test_anything_else_stays(cell):
    assert guarded(cell) == unguarded(cell) == cell


@given(st.text())
def test_what_was_guarded_comes_back(cell):
    assert unguarded(guarded(cell)) == cell


def test_nothing_drives_a_terminal():
    assert shown("a\x1b[31mb\x07\x9b2J\u202ec\nd\te") == "a\ufffd[31mb\ufffd\ufffd2J\ufffdc\nd\te"
    assert shown("\x1b=1") == "\ufffd=1"


def test_numbers_stay_numbers():
    stream = io.StringIO()
    TableWriter(stream).writerow(["-1", -1, -0.5, None, "a,b", '"'])
    assert stream.getvalue() == '-1,-1,-0.5,,"a,b",""""\n'
    assert next(csv.reader(io.StringIO(stream.getvalue())))[4] == "a,b"


def test_columns_that_collide_get_a_prefix():
    assert unlike(["a", "b"], ["c"], "score_") == ["a", "b"]
    assert unlike(["error", "score_error", "Unknown"], ["error", "unknown"], "score_") == [
        "score_score_error",
        "score_error",
        "score_Unknown",
    ]
