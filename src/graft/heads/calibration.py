"""From scores to probabilities."""

from __future__ import annotations

import numpy as np

from graft.contracts import Float32


def probabilities(logits: Float32, temperature: float) -> Float32:
    """``softmax(logits / temperature)`` over the last axis, float32; rows of ``nan`` stay ``nan``."""
    scaled = logits / np.float32(temperature)
    scaled -= scaled.max(axis=-1, keepdims=True)
    p = np.exp(scaled, out=scaled)
    p /= p.sum(axis=-1, keepdims=True)
    return np.asarray(p, dtype=np.float32)
