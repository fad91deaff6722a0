"""Drawn pictures whose number is known: discs counted, the angle of a hand, the height of a bar."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIZE = 224
"""Pixels of a side."""
DISCS = (1, 16)
"""The fewest and the most discs."""
ANGLES = (0.0, 180.0)
"""Degrees of a hand, clockwise from straight up. Networks that were trained on mirrored pictures hardly tell left from
right, so the hand stays on one side."""
BARS = (5.0, 95.0)
"""Height of a bar as a share of its frame, in percent."""
Colour = tuple[int, int, int]


def discs(rng: np.random.Generator) -> tuple[Image.Image, float]:
    """Discs of one colour and of several sizes that do not touch; how many there are."""
    count = int(rng.integers(DISCS[0], DISCS[1] + 1))
    image, ink = _ground(rng)
    pen = ImageDraw.Draw(image)
    placed: list[tuple[float, float, float]] = []
    while len(placed) < count:
        radius = float(rng.uniform(9, 17))
        x, y = rng.uniform(radius + 2, SIZE - radius - 2, 2)
        if all(np.hypot(x - a, y - b) > radius + r + 3 for a, b, r in placed):
            placed.append((float(x), float(y), radius))
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ink)
    return _taken(image, rng), float(count)


def hand(rng: np.random.Generator) -> tuple[Image.Image, float]:
    """A hand on a dial; its angle in degrees."""
    angle = float(rng.uniform(*ANGLES))
    image, ink = _ground(rng)
    pen = ImageDraw.Draw(image)
    radius = float(rng.uniform(78, 100))
    x, y = SIZE / 2 + rng.uniform(-8, 8, 2)
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=ink, width=3)
    for mark in np.radians(np.linspace(*ANGLES, 13)):
        tick = [(x + r * np.sin(mark), y - r * np.cos(mark)) for r in (0.88 * radius, 0.96 * radius)]
        pen.line(tick, fill=ink, width=2)
    length, turn = radius * float(rng.uniform(0.7, 0.85)), np.radians(angle)
    tip = (x + length * np.sin(turn), y - length * np.cos(turn))
    pen.line([(x, y), tip], fill=ink, width=int(rng.integers(4, 8)))
    pen.ellipse((x - 7, y - 7, x + 7, y + 7), fill=ink)
    return _taken(image, rng), angle


def bar(rng: np.random.Generator) -> tuple[Image.Image, float]:
    """A bar in a frame; its height in percent of the frame's."""
    height = float(rng.uniform(*BARS))
    image, ink = _ground(rng)
    pen = ImageDraw.Draw(image)
    left, wide = float(rng.uniform(40, 110)), float(rng.uniform(30, 70))
    top, bottom = 18 + rng.uniform(-6, 6), 206 + rng.uniform(-6, 6)
    pen.rectangle((left, top, left + wide, bottom), outline=ink, width=2)
    pen.rectangle((left, bottom - height / 100 * (bottom - top), left + wide, bottom), fill=ink)
    return _taken(image, rng), height


DRAWN: Mapping[str, Callable[[np.random.Generator], tuple[Image.Image, float]]] = {
    "discs": discs,
    "hand": hand,
    "bar": bar,
}
"""What is drawn, by name."""


def drawn(name: str, n: int, seed: int) -> tuple[list[bytes], list[float]]:
    """``n`` pictures as PNG files, and their numbers; the same seed draws the same."""
    contents, numbers = [], []
    for number in range(n):
        image, value = DRAWN[name](np.random.default_rng([seed, number]))
        buffer = io.BytesIO()
        image.save(buffer, "PNG", compress_level=1)
        contents.append(buffer.getvalue())
        numbers.append(value)
    return contents, numbers


def _ground(rng: np.random.Generator) -> tuple[Image.Image, Colour]:
    """A ground of two colours that run into each other, with a few faint lines, and a colour that stands out."""
    light = bool(rng.random() < 0.7)
    ends = rng.uniform(150, 250, (2, 3)) if light else rng.uniform(10, 90, (2, 3))
    along = np.linspace(0, 1, SIZE)
    way = np.add.outer(along * rng.uniform(-1, 1), along * rng.uniform(-1, 1))
    way = (way - way.min()) / max(float(np.ptp(way)), 1e-9)
    image = Image.fromarray((ends[0] + way[..., None] * (ends[1] - ends[0])).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(2, 6))):
        shade = tuple(int(v) for v in ends[0] + rng.uniform(-25, 25, 3))
        pen.line([tuple(p) for p in rng.uniform(0, SIZE, (2, 2)).tolist()], fill=shade, width=int(rng.integers(1, 4)))
    ink = rng.uniform(0, 100, 3) if light else rng.uniform(160, 255, 3)
    return image, (int(ink[0]), int(ink[1]), int(ink[2]))


def _taken(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """As a camera would have it: a little out of focus, and with noise."""
    blurred = np.asarray(image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 1)))), np.float64)
    noisy = blurred + rng.normal(0, rng.uniform(1, 6), blurred.shape)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
