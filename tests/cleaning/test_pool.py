"""What findings start from: of many pictures heads see the principal axes and no more."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

import graft
import shapes
from graft.cleaning import pool as room
from graft.recipe import Recipe
from graft.run import Run


@pytest.mark.parametrize(("many", "narrowed"), [(30, True), (31, False)])
def test_of_many_pictures_heads_see_the_first_axes(monkeypatch, many, narrowed):
    monkeypatch.setattr(room, "MANY_ROWS", many)
    monkeypatch.setattr(room, "COLUMNS", 8)
    pool = room.gather(shapes.dataset(circle=15, square=15), Recipe(), Run())
    found = pool.out_of_fold
    assert (found.choice.chosen.features == "given") is narrowed
    assert (found.choice.axes.z.shape[1] <= 8) is narrowed
    y = np.repeat([0, 1], 15)
    assert (found.p[found.scored].argmax(axis=1) == y[found.scored]).mean() > 0.8
    assert (pool.head.answer(pool.x).p.argmax(axis=1) == y).mean() > 0.9  # the same reduction, and it has learned them


def test_what_is_white_on_a_transparent_ground_is_said_where_findings_are():
    icons = []
    for row in range(8):
        image = Image.new("RGBA", (64, 64), (255, 255, 255, 0))
        draw = ImageDraw.Draw(image)
        (draw.ellipse if row % 2 else draw.rectangle)((4 + row, 8, 40 + row, 40), fill="white")
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        icons.append(buffer.getvalue())
    dataset = graft.Dataset.from_lists(icons, ["square", "circle"] * 4)
    (warning,) = room.gather(dataset, Recipe(), Run()).dataset.warnings
    assert warning.startswith("8 pictures of 2 classes are blank")
    assert room.gather(shapes.dataset(circle=5, square=5), Recipe(), Run()).dataset.warnings == ()
