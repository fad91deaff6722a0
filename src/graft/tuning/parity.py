"""Whether a tuned encoder, which runs without torch, gives what the network gave that was trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from graft.encoders import Tunable, moved_to
from graft.encoders.lru import LOADED
from graft.encoders.runtime import Backend
from graft.errors import EncoderError
from graft.executors import checkpoint

ALLOWED = 1e-3
"""Largest difference of an embedding, as a share of the largest number in any."""
LOOKED_AT = 8
"""Items that it is looked at on."""


def hold_to_network(encoder: Tunable, network: Any, values: Sequence[Any]) -> float:
    """Compare an encoder with the network whose weights it has, in single precision.

    Args:
        encoder: The tuned one.
        network: A ``Network`` on the CPU, in evaluation mode.
        values: Prepared items; some of them are looked at.

    Returns:
        The largest difference of two numbers, as a share of the largest number.

    Raises:
        EncoderError: It is more than ``ALLOWED``.
    """
    some = [values[row] for row in np.linspace(0, len(values) - 1, min(LOOKED_AT, len(values))).astype(int)]
    with torch.no_grad():
        wanted = network(network.batch(some)).float().numpy()
    checkpoint()
    checked = moved_to(encoder, Backend("onnxruntime", "f32"))
    found = checked.embed(some)
    LOADED.forget(checked)
    apart = float(np.abs(found - wanted).max() / max(float(np.abs(wanted).max()), 1e-12))
    if not apart <= ALLOWED:
        raise EncoderError(
            f"The graph of {encoder.name} gives something else than the network that was trained: embeddings differ by "
            f"{apart:.1e} of the largest number, and {ALLOWED:.0e} is allowed.",
            "Tune with another method, or fit with another encoder.",
        )
    return apart
