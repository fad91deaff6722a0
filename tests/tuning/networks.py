"""A small real network that keeps the protocol, and data that it can learn: quick, and the same for the same seed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from graft.contracts import Linear
from graft.learning.logistic import Logistic
from graft.tuning.batches import Samples
from graft.tuning.head import TrainableHead
from graft.tuning.network import Groups

SIDE = 8
STAGES = ((6, 10),)
CLASSES = 3


class SmallNetwork(torch.nn.Module):
    """A convolution, a batch normalisation, two linear layers: pictures ``(8, 8) float32`` -> ``(n, 16)``.

    Args:
        room: Items that its "device" holds; more than that is out of memory.
        slow: Seconds that every forward pass takes beside the work.
        bad_steps: Numbers of forward passes with gradients whose output is not a number.
    """

    def __init__(self, room: int = 10**9, slow: float = 0.0, bad_steps: Sequence[int] = ()) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(5)
            self.first = torch.nn.Conv2d(1, 6, 3, padding=1)
            self.norm = torch.nn.BatchNorm2d(6)
            self.second = torch.nn.Linear(6 * 16, 20)
            self.third = torch.nn.Linear(20, 10)
        self.dropout = torch.nn.Dropout(0.1)
        self.room, self.slow, self.bad_steps = room, slow, tuple(bad_steps)
        self.passes = self.looks = self.largest = 0
        self.eval()

    def batch(self, values: Sequence[Any]) -> tuple[Any, ...]:
        return (torch.from_numpy(np.stack(values))[:, None],)

    def forward(self, batch: tuple[Any, ...]) -> Any:
        (x,) = batch
        if len(x) > self.room:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        time.sleep(self.slow)
        self.largest = max(self.largest, len(x))
        x = torch.relu(self.norm(self.first(x)))
        early = x.mean(dim=(2, 3))
        hidden = torch.relu(self.second(torch.nn.functional.avg_pool2d(x, 2).flatten(1)))
        late = self.third(self.dropout(hidden))
        if torch.is_grad_enabled():
            self.passes += 1
            if self.passes in self.bad_steps:
                late = late * float("nan")
        else:
            self.looks += 1
        return torch.cat([early, late], dim=1)

    def groups(self) -> Groups:
        return {
            "first": [*self.first.parameters(), *self.norm.parameters()],
            "second": [*self.second.parameters()],
            "third": [*self.third.parameters()],
        }

    def train_mode(self, frozen_batch_norm: bool = True) -> None:
        self.train()
        if frozen_batch_norm:
            self.norm.eval()


def rows(n: int, seed: int) -> Samples:
    """Stripes across, stripes down and checks, in noise."""
    chance = np.random.default_rng(seed)
    y = np.arange(n) % CLASSES
    down, across = np.indices((SIDE, SIDE)) % 2
    forms = np.stack([down, across, down ^ across]).astype(np.float32)
    values = 0.5 * forms[y] + chance.normal(scale=0.6, size=(n, SIDE, SIDE)).astype(np.float32)
    return Samples(list(values.astype(np.float32)), y.astype(np.int64))


def embed(network: SmallNetwork, items: Samples) -> Any:
    with torch.no_grad():
        return network(network.batch(items.values)).numpy()


def fitted_head(
    network: SmallNetwork, items: Samples, features: str = "even", temperature: float = 1.5
) -> TrainableHead:
    """The head that Graft fits on the frozen embeddings."""
    return TrainableHead(fitted_linear(network, items, features), STAGES, features, temperature)


def fitted_linear(network: SmallNetwork, items: Samples, features: str = "even") -> Linear:
    from graft.heads.features import transform

    phi = transform(embed(network, items), STAGES, features)
    weights = np.ones((1, len(items)), np.float32)
    return Logistic().fit(phi, items.y, CLASSES, weights, [10.0])[0][0]
