"""EfficientNet-Lite0 in torch, from the table of blocks that its ONNX graph is built from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from graft.encoders import BuiltIn
from graft.encoders.efficientnet import BLOCKS, EPSILON, HEAD_WIDTH, POOLED, STEM_WIDTH, same_padding
from graft.tuning.module import EncoderModule, signed_root
from graft.tuning.network import Batch, Groups

MOMENTUM = 0.01
"""Of the batch normalisations where their statistics are learnt: that of the network's makers."""


class EfficientNet(EncoderModule):
    """Pictures -> ``(n, 1752)``; a batch is one tensor, RGB from 0 to 255 ``(n, 3, h, w)``, uint8 or float."""

    def __init__(self, encoder: BuiltIn) -> None:
        super().__init__(encoder)
        self._conv_stem = _Convolution(3, STEM_WIDTH, 3, stride=2)
        self._bn0 = _norm(STEM_WIDTH)
        self._blocks = nn.ModuleList()
        self._ends: list[int] = []  # after how many blocks each stage ends
        width = STEM_WIDTH
        for stage in BLOCKS:
            for repeat in range(stage.repeats):
                stride = stage.stride if repeat == 0 else 1
                self._blocks.append(_Block(width, stage.width, stage.kernel, stride, stage.expansion))
                width = stage.width
            self._ends.append(len(self._blocks))
        self._conv_head = _Convolution(width, HEAD_WIDTH, 1)
        self._bn1 = _norm(HEAD_WIDTH)
        self.load_pinned().to(memory_format=torch.channels_last)  # on a processor a step takes two thirds of the time

    def batch(self, values: Sequence[Any]) -> Batch:
        """Pictures ``(224, 224, 3) uint8`` each -> ``(n, 3, 224, 224) uint8``."""
        pictures = torch.from_numpy(np.stack(values)).to(self.device)
        return (pictures.permute(0, 3, 1, 2),)  # the channels stay last in memory, which convolutions like

    def forward(self, batch: Batch) -> Tensor:
        """Embeddings ``(n, 1752) float32``."""
        x = (batch[0].to(torch.float32) - 127) / 128
        x = functional.relu6(self._bn0(self._conv_stem(x)))
        stages = []
        for count, block in enumerate(self._blocks, 1):
            x = block(x)
            if count in self._ends:
                stages.append(x)
        stages.append(functional.relu6(self._bn1(self._conv_head(x))))
        return signed_root(torch.cat([stages[index].float().mean(dim=(2, 3)) for index in POOLED], dim=1))

    def groups(self) -> Groups:
        """Stem, 16 blocks, head convolution."""
        blocks = {f"block {index}": [*block.parameters()] for index, block in enumerate(self._blocks)}
        stem = [*self._conv_stem.parameters(), *self._bn0.parameters()]
        return {"stem": stem, **blocks, "last convolution": [*self._conv_head.parameters(), *self._bn1.parameters()]}


class _Block(nn.Module):  # type: ignore[misc]
    """An inverted residual."""

    def __init__(self, width: int, out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = width * expansion
        self.expands, self.adds = expansion != 1, stride == 1 and width == out
        if self.expands:
            self._expand_conv = _Convolution(width, wide, 1)
            self._bn0 = _norm(wide)
        self._depthwise_conv = _Convolution(wide, wide, kernel, stride, groups=wide)
        self._bn1 = _norm(wide)
        self._project_conv = _Convolution(wide, out, 1)
        self._bn2 = _norm(out)

    def forward(self, before: Tensor) -> Tensor:
        x = before
        if self.expands:
            x = functional.relu6(self._bn0(self._expand_conv(x)))
        x = functional.relu6(self._bn1(self._depthwise_conv(x)))
        x = self._bn2(self._project_conv(x))
        return x + before if self.adds else x


class _Convolution(nn.Conv2d):  # type: ignore[misc]
    """With TensorFlow's SAME padding, which is not the same on both sides."""

    def __init__(self, width: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(width, out, kernel, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        top, bottom, _ = same_padding(x.shape[2], kernel, stride)
        left, right, _ = same_padding(x.shape[3], kernel, stride)
        if (top, left) != (bottom, right):
            x, top, left = functional.pad(x, (left, right, top, bottom)), 0, 0
        return functional.conv2d(x, self.weight, None, stride, (top, left), 1, self.groups)


def _norm(width: int) -> Any:
    return nn.BatchNorm2d(width, eps=EPSILON, momentum=MOMENTUM)
