"""The benchmark of simulated classes: a draw's figures stand beside the truth."""

import math
from dataclasses import replace

import pytest
from benchmarks import simulated
from benchmarks.simulated import CELLS, Cell, draw_once, summary


def test_a_draw_has_every_figure_beside_the_truth():
    cell = Cell("small", (30, 12), d=6, groups=6, shift=0.3)
    draw = draw_once(cell, 0)
    (value, low, high, truth) = draw.accuracy[0]
    assert low < value < high
    assert 0.5 < truth <= 1
    assert (len(draw.recall), len(draw.rare), len(draw.drop)) == (2, 1, 1)
    assert (len(draw.forecast), len(draw.single), len(draw.test)) == (1, 1, 0)
    assert draw == draw_once(cell, 0)


def test_a_test_split_is_judged_and_singletons_are_not():
    assert len(draw_once(Cell("test", (20, 20), d=6, test=30, grown=False), 1).test) == 1
    lone = draw_once(Cell("lone", (20, 20, 1), d=6, grown=False), 1)
    assert len(lone.recall) == 2


def test_a_summary_counts_what_holds():
    cell = Cell("labels at random", (10, 10), d=4, noise=1.0, grown=False)
    draw = draw_once(cell, 3)
    wrong = replace(draw, accuracy=((0.9, 0.8, 0.95, 0.5),))
    found = summary([wrong, replace(wrong, accuracy=((0.5, 0.4, 0.6, 0.5),))])
    assert (found["accuracy_n"], found["accuracy_holds"]) == (2, 0.5)
    assert found["accuracy_bias"] == pytest.approx(0.2)
    assert math.isnan(found["test_holds"])
    assert simulated._over_cells({"a": found}, "accuracy") == (0.5, 0.5)


def test_the_cells_are_those_that_were_asked_for():
    sizes = [cell.sizes for cell in CELLS]
    assert (5,) * 20 in sizes
    assert any(max(s) == 10 * min(s) for s in sizes)
    assert any(max(s) == 50 * min(s) for s in sizes)
    assert {cell.test_groups for cell in CELLS} >= {2, 5, 20}
