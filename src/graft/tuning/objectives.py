"""What tuning makes smaller."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import cross_entropy as entropy

TEMPERATURE = 0.1
"""Of the likenesses in the contrastive loss."""


def cross_entropy(logits: Any, y: Any, smoothing: float = 0.0, mixed: tuple[Any, float] | None = None) -> Any:
    """The sum over ``n`` items.

    Args:
        logits: ``(n, k)``.
        y: ``(n,)``.
        smoothing: Share of a label that is spread over all classes.
        mixed: Of mixed items the labels of the others ``(n,)``, and how much of an item is its own.
    """
    own = entropy(logits, y, label_smoothing=smoothing, reduction="sum")
    if mixed is None:
        return own
    others, share = mixed
    return share * own + (1 - share) * entropy(logits, others, label_smoothing=smoothing, reduction="sum")


def contrastive(features: Any, y: Any) -> Any:
    """The sum over ``n`` items of the supervised contrastive loss (Khosla et al., NeurIPS 2020, equation 2).

    Every item is drawn to the others of its class in the batch and away from the rest of it. An item that is alone of
    its class counts 0.

    Args:
        features: ``(n, d)``, of any length.
        y: ``(n,)``.
    """
    z = torch.nn.functional.normalize(features, dim=1)
    itself = torch.eye(len(y), dtype=torch.bool, device=z.device)
    likeness = (z @ z.T / TEMPERATURE).masked_fill(itself, -torch.inf)
    log_share = likeness - likeness.logsumexp(dim=1, keepdim=True)
    friends = (y[:, None] == y[None, :]) & ~itself
    sums = log_share.masked_fill(~friends, 0.0).sum(dim=1)
    return -(sums / friends.sum(dim=1).clamp_min(1)).sum()


def mix(batch: Any, alpha: float, generator: Any) -> tuple[Any, Any, float]:
    """Every item with another one of the batch (mixup: Zhang, Cisse, Dauphin and Lopez-Paz, ICLR 2018).

    Args:
        batch: ``(n, ...)``.
        alpha: Parameter of the Beta distribution, more than 0.
        generator: The chance to use, of the processor.

    Returns:
        The mixed batch, for every item which other one it was mixed with ``(n,)``, and its own share in [0.5, 1].
    """
    halves = torch._standard_gamma(torch.full((2,), alpha, dtype=torch.float64), generator=generator)
    share = float((halves / halves.sum().clamp_min(1e-300)).max())
    others = torch.randperm(len(batch), generator=generator).to(batch.device)
    return share * batch + (1 - share) * batch[others], others, share
