"""all-MiniLM-L6-v2 (Wang et al. 2020; trained on pairs of sentences by Reimers et al. 2021), its shape once.

A BERT of 6 layers (``make graphs`` builds the ONNX graph that embeds texts). Several short texts stand one after
another in a row of tokens, so that hardly any padding is computed; tokens see their own text only.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from graft.contracts import Float32
from graft.encoders.structures import Structure

LAYERS = 6
WIDTH = 384
HEADS = 12
HEAD_WIDTH = WIDTH // HEADS
EPSILON = 1e-12
"""Of the layer normalisations."""


VOCABULARY = 30522
LONGEST = 512
"""Positions that it knows."""
POOLED = (3, 6)
"""After which layers the states are given, joined: 0 is the embedding of the tokens, 6 the last layer.

The last layer knows what a text is about, the third how it is written: questions by kind of answer, and spam, are told
apart five points better by both than by the last alone (8 texts a class).
"""
STRUCTURE = Structure(
    "all-minilm-l6-v2",
    "a84989c8420a08d35b2bf0615ee36d983d8f88ee5235a712f6996440dc73bc92",
    {"tokens": (VOCABULARY, WIDTH), "positions": (LONGEST, WIDTH)},
)
"""Rows of ``t`` tokens: ``vectors (r, t, 384) float32``, ``texts (r, t) int32`` -> ``states (r, t, 768) float32``.

A vector is the sum of those that the tables have for a token and for its position in its own text, and ``texts`` is a
number for the text that a token belongs to. Vectors are looked up outside the graph: the tables are half of all
weights, and a runtime would copy them several times.
"""


def arranged(weights: Mapping[str, Float32]) -> dict[str, Float32]:
    """The tables, and what the graph takes: kernels turned, those of the queries scaled.

    Args:
        weights: The pretrained tensors, by their own names.
    """
    # A row of BERT's can hold a second text, of another type: here every token is of the first.
    positions = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    found = {"tokens": weights["embeddings.word_embeddings.weight"], "positions": positions}
    for name, array in sorted(weights.items()):  # a file of safetensors has no order
        layer, _, kind = name.rpartition(".")
        scale = 1 / np.sqrt(HEAD_WIDTH, dtype=np.float32) if layer.endswith(".query") else np.float32(1)
        if layer.endswith("LayerNorm"):
            found[name] = array
        elif layer.startswith("encoder."):
            found[f"{layer}.kernel" if kind == "weight" else f"{layer}.shift"] = array.T * scale
    return found
