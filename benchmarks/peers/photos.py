"""Photos as torch wants them, decoded by Pillow in as many processes as there are cores."""

from __future__ import annotations

import os
import random

import numpy as np
import torch
from network import MEAN, SCALE, SIZE
from PIL import Image, ImageOps
from protocol import Split
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

BATCH = 32
TURN = 36.0  # degrees either way: a tenth of a full turn, the usual layer's 0.1
GREY = (127, 127, 127)  # what a turned picture leaves bare; 0 to the network


class Photos(Dataset):
    """The pictures of a split at 224 x 224, flipped and turned at random where ``augment`` says so."""

    def __init__(self, split: Split, augment: bool) -> None:
        self.split = split
        self.augment = augment

    def __len__(self) -> int:
        return len(self.split)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        with Image.open(self.split.items[row]) as file:
            picture = ImageOps.exif_transpose(file).convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR)
        if self.augment:
            if random.random() < 0.5:
                picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            picture = picture.rotate(random.uniform(-TURN, TURN), Image.Resampling.BILINEAR, fillcolor=GREY)
        pixels = (np.asarray(picture, dtype=np.float32) - MEAN) / SCALE
        return torch.from_numpy(pixels).permute(2, 0, 1), self.split.targets[row]


def batches(split: Split, augment: bool = False, shuffle: bool = False) -> DataLoader:
    """Batches ``((n, 3, 224, 224) float32, (n,) int64)`` of a split; the processes live on between epochs."""
    return DataLoader(
        Photos(split, augment),
        batch_size=BATCH,
        shuffle=shuffle,
        num_workers=os.cpu_count() or 1,
        persistent_workers=True,
    )
