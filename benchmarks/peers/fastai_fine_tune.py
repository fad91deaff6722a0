"""fastai's own recipe with the same weights: a new head for one epoch, then the whole network for four.

With ``--seconds`` the whole network learns for as many epochs as fit into that time: how long one takes is measured
before, on a network that is thrown away, for the rates follow from how many there will be. That is not charged.
"""

from __future__ import annotations

import argparse
import time

import torchvision_ops  # noqa: F401  (before fastai, which imports torchvision)

# isort: split
import fastai.callback.progress
import fastai.callback.schedule  # noqa: F401  (these two give learners no_bar and fine_tune)
from fastai.data.block import CategoryBlock, DataBlock
from fastai.data.core import DataLoaders
from fastai.data.transforms import ColReader, IndexSplitter, Normalize
from fastai.layers import apply_init
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from fastai.metrics import accuracy
from fastai.torch_core import set_seed
from fastai.vision.augment import Resize, aug_transforms
from fastai.vision.data import ImageBlock
from fastai.vision.learner import create_head, default_split
from network import MEAN, SCALE, SIZE, WIDTH, Body
from pandas import DataFrame
from protocol import Split, Task, play
from torch import nn

EPOCHS = 4
BATCH = 32
STEPS = 4
"""At least so many steps in an epoch: fastai drops the last, incomplete batch, which is much of a small set."""


def solve(task: Task) -> float:
    """``fine_tune`` on the training split; the accuracy on the test split, which is looked at once, at the end."""
    set_seed(task.seed)
    batch = max(2, min(BATCH, len(task.train) // STEPS))
    data = DataBlock(
        blocks=(ImageBlock, CategoryBlock(vocab=task.classes)),
        get_x=ColReader("path"),
        get_y=ColReader("label"),
        splitter=IndexSplitter([]),  # validating after each epoch would only cost it time
        item_tfms=Resize(SIZE, method="squash"),
        batch_tfms=[*aug_transforms(), Normalize.from_stats([MEAN / 255] * 3, [SCALE / 255] * 3)],
    ).dataloaders(_frame(task, task.train), bs=batch)
    epochs = task.options.epochs
    if task.options.seconds is not None:
        epochs = _epochs_within(task.options.seconds, data, task)
        set_seed(task.seed)
    learner = _learner(data, task)
    with learner.no_bar(), learner.no_logging():
        began = time.perf_counter()
        learner.fine_tune(epochs)
        task.details.update(training=time.perf_counter() - began, epochs=epochs)
        test = data.test_dl(_frame(task, task.test), with_labels=True)
        return float(learner.validate(dl=test)[1])


def _learner(data: DataLoaders, task: Task) -> Learner:
    head = create_head(WIDTH, len(task.classes))
    apply_init(head, nn.init.kaiming_normal_)
    model = nn.Sequential(Body(), head)
    return Learner(data, model, loss_func=CrossEntropyLossFlat(), splitter=default_split, metrics=accuracy)


def _epochs_within(seconds: float, data: DataLoaders, task: Task) -> int:
    """How many epochs of the whole network take these seconds together with that of the head; at least one."""
    learner = _learner(data, task)
    took = []
    with learner.no_bar(), learner.no_logging():
        for prepare in (learner.freeze, learner.unfreeze):
            prepare()
            began = time.perf_counter()
            learner.fit_one_cycle(1)
            took.append(time.perf_counter() - began)
    head, whole = took
    task.details["seconds an epoch"] = whole
    return max(1, round((seconds - head) / whole))


def _frame(task: Task, split: Split) -> DataFrame:
    return DataFrame({"path": split.items, "label": [task.classes[target] for target in split.targets]})


if __name__ == "__main__":
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--epochs", type=int, default=EPOCHS, help="Epochs of the whole network.")
    options.add_argument("--seconds", type=float, help="As many epochs as take so long.")
    play(solve, ("fastai", "torch", "torchvision", "pillow", "numpy"), options)
