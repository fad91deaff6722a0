"""What findings start from: of many pictures heads see the principal axes and no more."""

import numpy as np
import pytest

import shapes
from graft.cleaning import pool as room
from graft.recipe import Recipe


@pytest.mark.parametrize(("many", "narrowed"), [(30, True), (31, False)])
def test_of_many_pictures_heads_see_the_first_axes(monkeypatch, many, narrowed):
    monkeypatch.setattr(room, "MANY_ROWS", many)
    monkeypatch.setattr(room, "COLUMNS", 8)
    found = room.gather(shapes.dataset(circle=15, square=15), Recipe(), None).out_of_fold
    assert (found.choice.chosen.features == "given") is narrowed
    assert (found.choice.axes.z.shape[1] <= 8) is narrowed
    y = np.repeat([0, 1], 15)
    assert (found.p[found.scored].argmax(axis=1) == y[found.scored]).mean() > 0.8
