"""Features once, from torch in eager mode; then scikit-learn's logistic regression on the standardised features."""

from __future__ import annotations

import numpy as np
import torch
from network import EfficientNetLite0, pretrained
from photos import batches
from protocol import Split, Task, play
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def embed(network: EfficientNetLite0, split: Split) -> np.ndarray:
    """The pooled last maps of a split ``(n, 1280) float32``."""
    with torch.inference_mode():
        return np.concatenate([network.features(x).mean((2, 3)).numpy() for x, _ in batches(split)])


def solve(task: Task) -> float:
    """Embed both splits, fit on one, score on the other."""
    network = pretrained()
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, random_state=task.seed))
    model.fit(embed(network, task.train), task.train.targets)
    return float(model.score(embed(network, task.test), task.test.targets))


if __name__ == "__main__":
    play(solve, ("torch", "scikit-learn", "pillow", "numpy"))
