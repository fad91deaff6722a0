"""Graft's embeddings of texts or recordings, standardised; then scikit-learn's logistic regression, tuned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from protocol import Split, Task, play
from sklearn.preprocessing import StandardScaler
from tuned import FOR_STANDARDISED, accuracy_of

from graft.data.dataset import as_item
from graft.encoders import encoder_for
from graft.encoders.embed import embed

MODALITIES = {"path": "image", "text": "text", "audio": "audio"}


def solve(task: Task) -> float:
    """Embed both splits, fit on one, score on the other."""
    modality = MODALITIES[task.column]
    scaler = StandardScaler()
    train = scaler.fit_transform(embedded(task.train, modality))
    return accuracy_of(task, train, scaler.transform(embedded(task.test, modality)), FOR_STANDARDISED)


def embedded(split: Split, modality: str) -> np.ndarray:
    """Graft's embeddings of a split ``(n, d) float32``.

    Raises:
        ValueError: An item cannot be read; then the two sides would not be judged on the same ones.
    """
    items = [as_item(item if modality == "text" else Path(item), 0, modality) for item in split.items]
    found = embed(encoder_for("auto", modality), items)
    if found.skipped:
        raise ValueError(f"{len(found.skipped)} items cannot be read")
    return found.x


if __name__ == "__main__":
    play(solve, ("graft-learn", "scikit-learn", "numpy"))
