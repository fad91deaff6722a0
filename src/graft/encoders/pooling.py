"""What is done to the pooled activations of a network before they are an embedding."""

from __future__ import annotations

import numpy as np

from graft.contracts import Float32


def signed_root(x: Float32) -> Float32:
    """``sign(x) * sqrt(|x|)``: tames the few units that dominate a pooled activation of a convolutional network.

    Power normalisation: Perronnin, Sánchez and Mensink, ECCV 2010. States of transformers have no such few, and are
    better left as they are.

    Args:
        x: Pooled activations ``(n, d) float32``.
    """
    return np.copysign(np.sqrt(np.abs(x)), x)
