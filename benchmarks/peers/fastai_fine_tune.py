"""fastai's own recipe with the same weights: a new head for one epoch, then the whole network for four."""

from __future__ import annotations

import torchvision_ops  # noqa: F401  (before fastai, which imports torchvision)

# isort: split
import fastai.callback.progress
import fastai.callback.schedule  # noqa: F401  (these two give learners no_bar and fine_tune)
from fastai.data.block import CategoryBlock, DataBlock
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
    head = create_head(WIDTH, len(task.classes))
    apply_init(head, nn.init.kaiming_normal_)
    model = nn.Sequential(Body(), head)
    learner = Learner(data, model, loss_func=CrossEntropyLossFlat(), splitter=default_split, metrics=accuracy)
    with learner.no_bar(), learner.no_logging():
        learner.fine_tune(EPOCHS)
        test = data.test_dl(_frame(task, task.test), with_labels=True)
        return float(learner.validate(dl=test)[1])


def _frame(task: Task, split: Split) -> DataFrame:
    return DataFrame({"path": split.items, "label": [task.classes[target] for target in split.targets]})


if __name__ == "__main__":
    play(solve, ("fastai", "torch", "torchvision", "pillow", "numpy"))
