"""How states become embeddings, in torch: what ``graft.encoders.hub.architectures.read_out`` does in numpy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def read_out(states: Tensor, mask: Tensor | None, readout: Mapping[str, Any], dense: Mapping[str, Tensor]) -> Tensor:
    """One embedding for each window from the network's output.

    Args:
        states: ``(w, t, d)``, ``(w, d)``, or ``(w, c, h, w)`` of a convolutional network.
        mask: ``(w, t) bool``: which of the tokens count; ``None``: all.
        readout: As in an encoder's card.
        dense: Weights of the dense layers, by the names that the layers give.

    Returns:
        ``(w, dim) float32``.
    """
    states = states.float()
    if states.ndim == 4:
        x = states.flatten(2).mean(dim=2)
    elif states.ndim == 2:
        x = states
    else:
        inside = torch.ones_like(states[:, :, 0], dtype=torch.bool) if mask is None else mask
        x = torch.cat([POOLINGS[name](states, inside) for name in readout["pooling"]], dim=1)
    for layer in readout["layers"]:
        if layer["kind"] == "normalise":
            x = functional.normalize(x)
        else:
            bias = dense[layer["bias"]] if layer.get("bias") else None
            x = ACTIVATIONS[layer["activation"]](functional.linear(x, dense[layer["weight"]], bias))
    return x


def _weighted(states: Tensor, weights: Tensor) -> Tensor:
    return (states * weights[:, :, None]).sum(dim=1)


def _first(states: Tensor, mask: Tensor) -> Tensor:
    return states[torch.arange(len(states), device=states.device), mask.int().argmax(dim=1)]


def _last(states: Tensor, mask: Tensor) -> Tensor:
    return _first(states.flip(1), mask.flip(1))


def _mean(states: Tensor, mask: Tensor) -> Tensor:
    return _weighted(states, mask / mask.sum(dim=1, keepdim=True))


def _mean_of_root(states: Tensor, mask: Tensor) -> Tensor:
    return _weighted(states, mask / mask.sum(dim=1, keepdim=True).sqrt())


def _weighted_mean(states: Tensor, mask: Tensor) -> Tensor:
    weights = mask * torch.arange(1, mask.shape[1] + 1, device=states.device, dtype=states.dtype)
    return _weighted(states, weights / weights.sum(dim=1, keepdim=True))


def _max(states: Tensor, mask: Tensor) -> Tensor:
    return states.masked_fill(~mask[:, :, None], -torch.inf).amax(dim=1)


POOLINGS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cls": _first,
    "mean": _mean,
    "max": _max,
    "lasttoken": _last,
    "mean_sqrt_len_tokens": _mean_of_root,
    "weightedmean": _weighted_mean,
    "given": _mean,
}
"""The keys of ``architectures.POOLINGS``; ``(w, t, d)`` and mask ``(w, t)`` -> ``(w, d)``."""

ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "Identity": lambda x: x,
    "Tanh": torch.tanh,
    "ReLU": functional.relu,
}
