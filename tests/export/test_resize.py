"""Resizing in a graph against Pillow's own, pixel by pixel."""

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from graft.export.graph import OnnxGraph
from graft.export.resize import FILTERS, Axis, Resizing, Span, resized, size_of
from graft.export.shrinking import MAX_PIXELS, divided, factor_for

SIZES = [(1, 1), (1, 90), (90, 1), (3, 7), (224, 224), (448, 448), (333, 257), (375, 500), (30, 2000), (1100, 1300)]


def network(kind, size, box):
    """A graph that resizes the part ``box`` (left, top, right, bottom as shares) of any picture."""
    graph = OnnxGraph()
    pixels = graph.input("pixels", "uint8", ("n", "h", "w", 3))
    axes = []
    for axis, length, (low, high) in ((1, size[0], box[1::2]), (2, size[1], box[::2])):
        own = size_of(graph, pixels, axis)
        whole = graph.cast(own, "float64")
        edges = (graph.add("Mul", whole, np.float64(edge)) for edge in (low, high))
        axes.append(Axis(Span(own, *edges), (Resizing(length, kind),)))
    graph.output("seen", resized(graph, pixels, *axes), "float32", ("n", 3, *size))
    return onnxruntime.InferenceSession(graph.finish({}, "fp32"))


@pytest.mark.parametrize("kind", FILTERS, ids=lambda kind: kind.name.lower())
@pytest.mark.parametrize("box", [(0, 0, 1, 1), (0.1, 0.27, 0.83, 0.9)], ids=["whole", "part"])
def test_hardly_a_pixel_differs_and_none_by_more_than_one_step(kind, box):
    session = network(kind, (57, 64), box)
    chance = np.random.default_rng(1)
    for height, width in SIZES:
        picture = chance.integers(0, 256, (height, width, 3), dtype=np.uint8)
        edges = tuple(share * whole for share, whole in zip(box, (width, height) * 2, strict=True))
        wanted = np.asarray(Image.fromarray(picture).resize((64, 57), kind, box=edges)).astype(int)
        (found,) = session.run(None, {"pixels": picture[None]})
        apart = np.abs(found[0].transpose(1, 2, 0) - wanted)
        assert apart.max() <= 1, (height, width)
        # Where one size is a multiple of the other, sums of simple weights lie right on the edge between two steps.
        assert (apart > 0).mean() < (0.001 if kind == Image.Resampling.HAMMING else 0.03), (height, width)


def test_flat_pictures_stay_flat_and_pictures_of_a_batch_do_not_meet():
    session = network(Image.Resampling.HAMMING, (32, 32), (0, 0, 1, 1))
    levels = np.array([0, 1, 127, 128, 254, 255], np.uint8)
    pictures = np.broadcast_to(levels[:, None, None, None], (6, 101, 77, 3))
    (found,) = session.run(None, {"pixels": pictures})
    assert (found == levels[:, None, None, None]).all()


@pytest.mark.parametrize(
    ("size", "factor"), [((1000, 2000), 1), ((1001, 2000), 2), ((3000, 4000), 3), ((31, 65535), 2)]
)
def test_large_pictures_are_divided_by_the_least_factor_that_does(size, factor):
    assert factor_for(*size) == factor
    height, width = size
    assert (height // factor) * (width // factor) <= MAX_PIXELS


def test_a_divided_pixel_is_the_mean_of_its_square_rounded_half_up_and_the_rest_stays_out_on_both_sides():
    picture = np.random.default_rng(0).integers(0, 256, (1003, 2003, 3), dtype=np.uint8)
    found = divided(picture)
    assert found.shape == (501, 1001, 3)  # of 1003 and 2003 one row and one column are left over: at the end
    square = picture[2 * 7 : 2 * 7 + 2, 2 * 9 : 2 * 9 + 2].astype(float)
    assert (found[7, 9] == np.floor(square.mean(axis=(0, 1)) + 0.5)).all()
    tall = np.zeros((3002, 3002, 3), np.uint8)  # divided by 3, and 2 left over: one on either side
    tall[1:4, 1:4] = 255
    assert (divided(tall)[0, 0] == 255).all()
    assert divided(tall).sum() == 3 * 255


def test_a_picture_that_is_small_enough_stays_as_it_is():
    picture = np.zeros((1000, 2000, 3), np.uint8)
    assert divided(picture) is picture
