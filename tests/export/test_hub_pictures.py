"""Encoders of the hub in a graph: what their image processors do, and how their outputs are read, rebuilt."""

import io
from dataclasses import replace
from functools import cache

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from encoders.hub import models
from graft.encoders import encoder_for, retuned
from graft.encoders.hub import hub_encoder
from graft.encoders.hub.encoder import HubEncoder
from graft.encoders.joined import JoinedEncoder
from graft.encoders.runtime import Backend
from graft.errors import ExportError
from graft.export import pictures
from graft.export.graph import OnnxGraph

F32 = Backend("onnxruntime", "f32")
SIZES = [(90, 110), (300, 211), (440, 500)]
"""Above four times what is kept, pictures in a file are halved on the way, which a graph does not repeat."""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    pytest.importorskip("transformers")

    @cache
    def make(name):
        return hub_encoder(str(models.make(name, tmp_path_factory.mktemp("hub") / name)), "image", F32)

    return make


def embedded(encoder, pixels):
    """What the graph of an encoder makes of a picture."""
    graph = OnnxGraph()
    front = pictures.front_of(encoder, None)
    for entry in front.inputs:
        graph.input(entry.name, entry.kind, entry.shape)
    graph.output("x", front.embed(graph), "float32", ("n", encoder.dim))
    return onnxruntime.InferenceSession(graph.finish({}, "fp32")).run(None, {"pixels": pixels[None]})[0][0]


def drawn(height, width):
    """A smooth picture with some noise."""
    chance = np.random.default_rng(height)
    coarse = Image.fromarray(chance.integers(0, 256, (6, 6, 3), dtype=np.uint8)).resize((width, height), 3)
    return np.clip(np.asarray(coarse) + chance.normal(0, 12, (height, width, 3)), 0, 255).astype(np.uint8)


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["resnet", "vit"])
def test_a_graph_embeds_as_the_encoder_does(made, name):
    encoder = made(name)
    for size in SIZES:
        pixels = drawn(*size)
        wanted = encoder.embed([encoder.prepare(png(pixels)).value])[0]
        found = embedded(encoder, pixels)
        # A picture that is resized in two steps is rounded between them in the library, and is not in the graph.
        least = 0.99999 if size == SIZES[0] else 0.999
        assert found @ wanted / np.linalg.norm(found) / np.linalg.norm(wanted) > least, size


def test_joined_encoders_look_at_the_same_pixels_and_tuned_weights_leave_too(made):
    built_in, resnet = encoder_for("image", backend="onnxruntime"), made("resnet")
    built_in = retuned(built_in, {"_conv_stem.weight": built_in.pinned()["_conv_stem.weight"] * np.float32(1.1)})
    joined = JoinedEncoder((built_in, resnet))
    pixels = drawn(300, 211)
    wanted = joined.embed([joined.prepare(png(pixels)).value])[0]
    found = embedded(joined, pixels)
    for part in (slice(0, built_in.dim), slice(built_in.dim, None)):
        a, b = found[part], wanted[part]
        assert a @ b / np.linalg.norm(a) / np.linalg.norm(b) > 0.999


def test_a_processor_that_no_graph_here_repeats_is_refused_with_the_reason(made):
    encoder = made("resnet")
    card = encoder.entry.card
    for changed, why in (({"resize": None}, "own size"), ({"resample": 0}, "filter 0"), ({"crop": [900, 900]}, "edge")):
        entry = replace(encoder.entry, card=replace(card, settings={**card.settings, **changed}))
        with pytest.raises(ExportError, match=why):
            pictures.front_of(HubEncoder(F32, entry=entry), None)
