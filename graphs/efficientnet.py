"""EfficientNet-Lite0, from its block table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from onnx import TensorProto, helper

from graft.contracts import Float32
from graft.encoders.efficientnet import BLOCKS, SIDE, STEM_WIDTH, WIDTHS, same_padding
from graphs.builder import Builder, floats


def build(weights: Mapping[str, Float32], pooled: Sequence[int]) -> bytes:
    """``images (n, 224, 224, 3) uint8`` RGB -> ``embedding (n, d) float32``.

    Args:
        weights: As ``efficientnet.folded`` gives them.
        pooled: Which of ``WIDTHS`` are averaged over the picture and joined, by index.
    """
    return _Network(weights).build(pooled)


class _Network(Builder):
    def build(self, pooled: Sequence[int]) -> bytes:
        features = self._features(self._pixels("images"))
        pools = [self.add("Flatten", [self.add("GlobalAveragePool", [features[index]])]) for index in pooled]
        self.add("Concat", pools, output="embedding", axis=1)
        inputs = [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", SIDE, SIDE, 3])]
        outputs = [floats("embedding", "n", sum(WIDTHS[index] for index in pooled))]
        # IR version 8 and opset 17 are read by every runtime of the last years.
        return self.model("efficientnet_lite0", inputs, outputs, opset=17, ir_version=8)

    def _pixels(self, images: str) -> str:
        channels_first = self.add("Transpose", [images], perm=[0, 3, 1, 2])
        numbers = self.add("Cast", [channels_first], to=TensorProto.FLOAT)
        centred = self.add("Sub", [numbers, self.floats("pixel.mean", [127])])
        return self.add("Mul", [centred, self.floats("pixel.scale", [1 / 128])])

    def _features(self, x: str) -> list[str]:
        """The outputs of all stages, as in ``WIDTHS``."""
        x, size = self._convolution(x, SIDE, "_conv_stem", stride=2)
        features, width, index = [], STEM_WIDTH, 0
        for stage in BLOCKS:
            for repeat in range(stage.repeats):
                stride = stage.stride if repeat == 0 else 1
                block, before = f"_blocks.{index}", x
                if stage.expansion != 1:
                    x, size = self._convolution(x, size, f"{block}._expand_conv")
                x, size = self._convolution(x, size, f"{block}._depthwise_conv", stride, depthwise=True)
                x, size = self._convolution(x, size, f"{block}._project_conv", linear=True)
                if stride == 1 and width == stage.width:
                    x = self.add("Add", [x, before])
                width = stage.width
                index += 1
            features.append(x)
        x, size = self._convolution(x, size, "_conv_head")
        return [*features, x]

    def _convolution(
        self, x: str, size: int, name: str, stride: int = 1, *, depthwise: bool = False, linear: bool = False
    ) -> tuple[str, int]:
        """Convolution, and ReLU6 unless ``linear``; the tensor and its side in pixels."""
        channels, _, *kernel = self.shapes[f"{name}.kernel"]
        before, after, out = same_padding(size, kernel[0], stride)
        x = self.add(
            "Conv",
            [x, self.weight(f"{name}.kernel"), self.weight(f"{name}.bias")],
            kernel_shape=kernel,
            strides=[stride, stride],
            pads=[before, before, after, after],
            group=channels if depthwise else 1,
        )
        if not linear:
            x = self.add("Clip", [x, self.floats("zero", 0), self.floats("six", 6)])
        return x, out
