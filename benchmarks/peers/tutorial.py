"""The usual tutorial: a frozen network, a dense head, ten epochs over flipped and turned images, Adam."""

from __future__ import annotations

import random

import torch
from network import WIDTH, pretrained
from photos import batches
from protocol import Task, play
from torch import Tensor, nn

EPOCHS = 10


class Classifier(nn.Module):
    """The frozen network with a new head on its pooled features."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.network = pretrained().requires_grad_(False)
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(WIDTH, classes))

    def forward(self, x: Tensor) -> Tensor:
        """``(n, 3, 224, 224)`` to scores ``(n, classes)``."""
        with torch.no_grad():
            pooled = self.network.features(x).mean((2, 3))
        return self.head(pooled)


def solve(task: Task) -> float:
    """Train as the tutorials do; the accuracy on the test split."""
    torch.manual_seed(task.seed)
    random.seed(task.seed)
    model = Classifier(len(task.classes))
    optimiser = torch.optim.Adam(model.head.parameters())
    loss = nn.CrossEntropyLoss()
    train = batches(task.train, augment=True, shuffle=True)
    for _ in range(EPOCHS):
        model.head.train()
        for x, y in train:
            optimiser.zero_grad()
            loss(model(x), y).backward()
            optimiser.step()
    model.head.eval()
    with torch.inference_mode():
        right = sum(int((model(x).argmax(1) == y).sum()) for x, y in batches(task.test))
    return right / len(task.test)


if __name__ == "__main__":
    play(solve, ("torch", "pillow", "numpy"))
