"""The linear head in torch, on the same features as the fitted one: where tuning starts from (LP-FT)."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import numpy as np
import torch
from torch import nn

from graft.contracts import Float32, Linear, Stages
from graft.heads.features import FEATURES, GIVEN
from graft.heads.protocols import CalibratedHead


class TrainableHead(nn.Module):  # type: ignore[misc]
    """Embeddings in, logits out, both torch tensors.

    A network that is tuned under a random head first forgets; one that starts from the fitted head does not (LP-FT:
    Kumar, Raghunathan, Jones, Ma and Liang, ICLR 2022). At first the logits are the classifier's, divided by its
    temperature, less what words add.

    Attributes:
        weights: ``(d, k)``, a parameter.
        bias: ``(k,)``, a parameter.
    """

    def __init__(self, linear: Linear, stages: Stages, features: str, temperature: float = 1.0) -> None:
        super().__init__()
        self.weights: Any = nn.Parameter(_tensor(linear.weights.astype(np.float32) / temperature))
        self.bias: Any = nn.Parameter(_tensor(linear.bias / temperature))
        self._parts = _parts(stages, features)

    @classmethod
    def of(cls, classifier: CalibratedHead) -> TrainableHead:
        """The head of a fitted classifier."""
        return cls(classifier.linear, classifier.stages, classifier.features, classifier.temperature)

    def features(self, x: Any) -> Any:
        """``graft.heads.features.transform`` in torch: ``(n, dim)`` -> ``(n, d)``, float32."""
        x = x.float()
        if not self._parts:
            return x
        return torch.cat([_unit(x[:, columns], length) for columns, length in self._parts], dim=1)

    def logits(self, features: Any) -> Any:
        """``(n, d)`` -> ``(n, k)``."""
        return features @ self.weights + self.bias


def _unit(stage: Any, length: float) -> Any:
    norm = stage.norm(dim=1, keepdim=True)
    return stage * (length / norm.masked_fill(norm == 0, torch.inf))  # zeros stay zeros, and have no slope


def _parts(stages: Stages, features: str) -> list[tuple[slice, float]]:
    """The columns of each stage that counts, and its length."""
    if stages == GIVEN:
        return []
    earlier = FEATURES[features].earlier
    widths = [columns for network in stages for columns in network]
    lengths = [1.0 if last else earlier for network in stages for last in (*[False] * (len(network) - 1), True)]
    ends = accumulate(widths)
    return [
        (slice(end - columns, end), length)
        for columns, end, length in zip(widths, ends, lengths, strict=True)
        if length
    ]


def _tensor(array: Float32) -> Any:
    return torch.from_numpy(np.array(array, np.float32))
