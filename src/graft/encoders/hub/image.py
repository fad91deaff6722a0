"""Pictures for models of the hub: their own processor's steps, without it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from graft.contracts import LIMITS, Array, Bool, Float32, Int, ItemLimits, Prepared
from graft.decoding import decode
from graft.decoding.measures import OF_PICTURES, of_picture
from graft.errors import EncoderError

KEPT_DETAIL = 4
"""A picture is decoded with at most so many times the pixels along a side that the model looks at."""
ALLOWED = 0.02
"""Largest difference of an input from what the model's own processor makes of the same picture; inputs span about 4."""


class ImagePreprocessor:
    """Files -> ``(h, w, 3) uint8`` pixels -> ``pixel_values (n, 3, h, w) float32``.

    Args:
        settings: ``resize`` (``{"short": s}``, ``{"height": h, "width": w}`` or ``None``), ``resample`` (Pillow's
            number), ``crop`` (``[h, w]`` or ``None``), ``size`` (``[h, w]`` of the result), ``gain`` and ``bias``
            (what a pixel's value is multiplied by and added to, by channel), ``bgr``.
    """

    statistics = OF_PICTURES
    batch_size = 8

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings
        self.gain = np.array(settings["gain"], np.float32)
        self.bias = np.array(settings["bias"], np.float32)

    def prepare(self, content: bytes, limits: ItemLimits = LIMITS) -> Prepared:
        """Decode, resize and crop one picture: the value is a tuple of one ``(h, w, 3) uint8``."""
        image, view = decode.render(content, self._frame, limits)
        pixels = self.see(image)
        statistics = of_picture(Image.fromarray(pixels), content, view.whole_width, view.whole_height)
        return Prepared((pixels,), statistics, (self._seen(view.whole_width, view.whole_height).box,))

    def see(self, image: Image.Image) -> Array:
        """What the model sees of an upright RGB picture: ``(h, w, 3) uint8``."""
        if self.settings["resize"]:
            image = image.resize(self._resized(*image.size), Image.Resampling(self.settings["resample"]))
        if self.settings["crop"]:
            image = _centre(image, *self.settings["crop"])
        return np.asarray(image)

    def calls(self, windows: Sequence[Array]) -> Iterator[tuple[Int, tuple[Array, ...], Bool | None]]:
        """What goes through the network at once: all pictures."""
        yield np.arange(len(windows)), self.inputs(windows), None

    def inputs(self, batch: Sequence[Array]) -> tuple[Float32]:
        """``n`` pictures ``(h, w, 3) uint8`` -> ``(n, 3, h, w) float32``."""
        pixels = np.stack(batch).astype(np.float32) * self.gain + self.bias
        if self.settings["bgr"]:
            pixels = pixels[..., ::-1]
        return (np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)),)

    def trial(self) -> list[list[tuple[Array]]]:
        """Pictures ``(h, w, 3) uint8`` as the model sees them, to try a graph with."""
        size = self.settings["size"][::-1]
        blurs = [Image.fromarray(_sample(8, 8, seed)).resize(size, Image.Resampling.BICUBIC) for seed in range(4)]
        pictures = [(np.asarray(blur),) for blur in blurs]
        return [pictures[:2], pictures[2:3], pictures[1:]]

    def _resized(self, width: int, height: int) -> tuple[int, int]:
        resize = self.settings["resize"]
        if "short" not in resize:
            return resize["width"], resize["height"]
        short, long = resize["short"], int(resize["short"] * max(width, height) / min(width, height))
        return (short, long) if width <= height else (long, short)

    def _seen(self, width: int, height: int) -> decode.View:
        """The part of a picture of this width and height that the model sees."""
        resized = self._resized(width, height) if self.settings["resize"] else (width, height)
        seen = self.settings["crop"][::-1] if self.settings["crop"] else resized
        part = (width * seen[0] / resized[0], height * seen[1] / resized[1])
        return decode.View(width, height, *part, *seen)

    def _frame(self, width: int, height: int) -> decode.View:
        wanted = self._resized(width, height) if self.settings["resize"] else (width, height)
        scale = min(1.0, max(KEPT_DETAIL * wanted[0] / width, KEPT_DETAIL * wanted[1] / height))
        result = max(1, round(width * scale)), max(1, round(height * scale))
        return decode.View(width, height, width, height, *result)


def settings_from(config: Mapping[str, Any], processor: Any, name: str) -> dict[str, Any]:
    """The settings that do what the model's own image processor does.

    Geometry is read from its configuration; what becomes of a pixel's value is measured on a black and a white picture,
    and all of it is checked on pictures of three shapes.

    Raises:
        EncoderError: The processor does something that cannot be done here.
    """
    black, white = (_processed(processor, np.full((96, 128, 3), value, np.uint8)) for value in (0, 255))
    bgr = bool(config.get("do_flip_channel_order"))
    bias = np.median(black, axis=(1, 2))  # the rim may be filled up
    gain = (np.median(white, axis=(1, 2)) - bias) / 255
    resize, crop = _geometry(config)
    settings = {
        "resize": resize,
        "resample": int(config.get("resample", Image.Resampling.BILINEAR)),
        "crop": crop,
        "size": list(black.shape[1:]),
        "gain": (gain[::-1] if bgr else gain).tolist(),
        "bias": (bias[::-1] if bgr else bias).tolist(),
        "bgr": bgr,
    }
    _check(ImagePreprocessor(settings), processor, name)
    return settings


def _geometry(config: Mapping[str, Any]) -> tuple[dict[str, int] | None, list[int] | None]:
    size = config.get("size") or {}
    size = {"shortest_edge": size} if isinstance(size, int) else size
    crop_size = config.get("crop_size") or {}
    crop = [crop_size["height"], crop_size["width"]] if config.get("do_center_crop") and crop_size else None
    if not config.get("do_resize", True):
        return None, crop
    short = size.get("shortest_edge")
    kind = str(config.get("image_processor_type", ""))
    if kind.startswith("ConvNext") and short:
        if short >= 384:
            return {"height": short, "width": short}, crop
        return {"short": int(short / config.get("crop_pct", 224 / 256))}, [short, short]
    if kind.startswith("Levit") and short:
        return {"short": int(256 / 224 * short)}, crop
    if kind.startswith("PoolFormer") and short:
        return {"short": int(short / config["crop_pct"])}, crop
    if short and not size.get("longest_edge"):
        return {"short": short}, crop
    if size.get("height") and size.get("width"):
        return {"height": size["height"], "width": size["width"]}, crop
    raise EncoderError(
        f"The image processor's size {dict(size)} is of a kind that Graft does not know.", "Use another model."
    )


def _centre(image: Image.Image, height: int, width: int) -> Image.Image:
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))  # beyond the picture: black


def _check(pictures: ImagePreprocessor, processor: Any, name: str) -> None:
    for seed, (height, width) in enumerate([(90, 130), (130, 90), (333, 257)]):
        picture = _sample(height, width, seed)
        theirs = _processed(processor, picture)
        ours = pictures.inputs([pictures.see(Image.fromarray(picture))])[0][0]
        fits = ours.shape == theirs.shape
        if not fits or np.abs(ours - theirs).max() > ALLOWED:
            apart = f"by {np.abs(ours - theirs).max():.2f}" if fits else f"in shape {theirs.shape}"
            raise EncoderError(
                f"The image processor of {name} ({type(processor).__name__}) does something that Graft does not know: "
                f"of the same picture it makes another input, {apart}.",
                "Use another model.",
            )


def _processed(processor: Any, picture: Array) -> Float32:
    return np.asarray(processor(images=Image.fromarray(picture), return_tensors="np")["pixel_values"][0], np.float32)


def _sample(height: int, width: int, seed: int) -> Array:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
