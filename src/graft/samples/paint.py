"""Colours and grain: what every painted surface is made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from graft.samples.camera import Colour


class Sheet:
    """A picture that is painted in metres, from its upper left corner.

    Attributes:
        width: In metres.
        height: In metres.
        scale: Pixels per metre.
        image: The picture, RGB or RGBA.
    """

    def __init__(self, width: float, height: float, scale: float, colour: Colour, *, clear: bool = False) -> None:
        self.width, self.height = width, height
        size = (max(4, round(width * scale)), max(4, round(height * scale)))
        self.scale = size[1] / height
        self.image = Image.new("RGBA", size, (*colour, 0)) if clear else Image.new("RGB", size, colour)
        self._draw = ImageDraw.Draw(self.image)

    def _ink(self, colour: Sequence[int]) -> tuple[int, ...]:
        """An RGB colour is opaque on a sheet with transparency."""
        return tuple(colour) if len(colour) == 4 or self.image.mode == "RGB" else (*colour, 255)

    def box(self, x: float, y: float, right: float, bottom: float, colour: Sequence[int]) -> None:
        """A filled rectangle."""
        s, colour = self.scale, self._ink(colour)
        if right > x and bottom > y:
            left, upper = round(x * s), round(y * s)
            self._draw.rectangle(
                (left, upper, max(left, round(right * s) - 1), max(upper, round(bottom * s) - 1)), colour
            )

    def oval(self, x: float, y: float, right: float, bottom: float, colour: Sequence[int]) -> None:
        """A filled ellipse in the given rectangle."""
        s = self.scale
        self._draw.ellipse((x * s, y * s, right * s, bottom * s), fill=self._ink(colour))

    def line(self, points: Sequence[tuple[float, float]], thickness: float, colour: Sequence[int]) -> None:
        """A line through points; thickness in metres, at least one pixel."""
        s = self.scale
        self._draw.line([(x * s, y * s) for x, y in points], self._ink(colour), max(1, round(thickness * s)), "curve")

    def polygon(self, points: Sequence[tuple[float, float]], colour: Sequence[int]) -> None:
        """A filled polygon."""
        self._draw.polygon([(x * self.scale, y * self.scale) for x, y in points], fill=self._ink(colour))

    def bevel(self, x: float, y: float, right: float, bottom: float, edge: float, colour: Colour, depth: float) -> None:
        """A rectangle with lit and shaded edges; ``depth`` > 0 stands out, < 0 is sunk in, |depth| up to about 0.4."""
        for inset, tone in ((0.0, 1 + depth), (edge, 1 - depth)):
            corner = [(x, bottom), (x, y), (right, y)] if not inset else [(right, y), (right, bottom), (x, bottom)]
            self.polygon([*corner, ((x + right) / 2, (y + bottom) / 2)], shade(colour, tone))
        self.box(x + edge, y + edge, right - edge, bottom - edge, colour)

    def text(self, x: float, y: float, words: str, height: float, colour: Sequence[int]) -> None:
        """Words centred at a point; ``height`` of the letters in metres."""
        from PIL import ImageFont

        font = ImageFont.load_default(max(6.0, height * self.scale))
        self._draw.text((x * self.scale, y * self.scale), words, self._ink(colour), font, "mm")

    def grain(self, rng: np.random.Generator, cells: tuple[float, float], strength: float) -> None:
        """Darken the sheet unevenly, in soft spots of ``cells`` metres, by up to ``strength`` (0 to 1)."""
        spots = noise(rng, self.image.size, (cells[0] * self.scale, cells[1] * self.scale), strength)
        if self.image.mode == "RGBA":
            alpha = self.image.getchannel("A")
            rgb = ImageChops.multiply(self.image.convert("RGB"), Image.merge("RGB", (spots,) * 3))
            self.image = Image.merge("RGBA", (*rgb.split(), alpha))
        else:
            self.image = ImageChops.multiply(self.image, Image.merge("RGB", (spots,) * 3))
        self._draw = ImageDraw.Draw(self.image)


def noise(rng: np.random.Generator, size: tuple[int, int], cell: tuple[float, float], strength: float) -> Image.Image:
    """Soft random spots: an L picture with values from ``255 * (1 - strength)`` to 255; ``cell`` in pixels."""
    columns, rows = (max(2, round(n / max(c, 1.0)) + 1) for n, c in zip(size, cell, strict=True))
    coarse = (255 * (1 - strength * rng.random((rows, columns)))).astype(np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BILINEAR)


def shade(colour: Sequence[int], tone: float) -> Colour:
    """The colour made darker (tone < 1) or lighter (> 1)."""
    return min(255, round(colour[0] * tone)), min(255, round(colour[1] * tone)), min(255, round(colour[2] * tone))


def mix(a: Sequence[int], b: Sequence[int], share: float) -> Colour:
    """``a`` with a share of ``b`` in it."""
    r, g, b_ = (round(x + (y - x) * share) for x, y in zip(a[:3], b[:3], strict=True))
    return r, g, b_


def vary(rng: np.random.Generator, colour: Sequence[int], amount: float = 14.0) -> Colour:
    """The colour with a little of another mixed in, ``amount`` in levels of 255."""
    lighter = float(rng.normal(0, amount))  # mostly lighter or darker, less another hue
    r, g, b = (
        max(0, min(255, round(c + lighter + float(d))))
        for c, d in zip(colour, rng.normal(0, amount / 2, 3), strict=False)
    )
    return r, g, b


def choose(rng: np.random.Generator, colours: Sequence[Colour], amount: float = 10.0) -> Colour:
    """One of the colours, varied."""
    return vary(rng, colours[int(rng.integers(len(colours)))], amount)


WALLS: tuple[Colour, ...] = (
    (236, 230, 218), (222, 214, 200), (206, 214, 212), (188, 202, 190), (214, 190, 166), (176, 190, 206),
    (232, 206, 172), (200, 176, 164), (158, 170, 160), (240, 238, 234), (132, 148, 160), (226, 196, 190),
)  # fmt: skip
BRICKS: tuple[Colour, ...] = (
    (158, 84, 62),
    (136, 70, 58),
    (176, 110, 80),
    (190, 160, 132),
    (110, 84, 74),
    (212, 204, 194),
)
STONES: tuple[Colour, ...] = ((168, 162, 150), (142, 140, 136), (190, 180, 160), (120, 116, 112))
WOODS: tuple[Colour, ...] = (
    (150, 100, 58),
    (112, 70, 42),
    (178, 132, 84),
    (92, 58, 38),
    (196, 158, 112),
    (132, 82, 52),
)
PAINTS: tuple[Colour, ...] = (
    (236, 234, 228), (228, 224, 212), (150, 40, 40), (38, 70, 104), (46, 88, 70), (200, 160, 60), (60, 62, 68),
    (118, 150, 160), (168, 186, 150), (94, 52, 70), (204, 108, 64), (130, 134, 138), (82, 116, 158),
)  # fmt: skip
METALS: tuple[Colour, ...] = ((196, 170, 96), (190, 192, 196), (60, 58, 56), (150, 120, 80), (220, 220, 222))
GREENS: tuple[Colour, ...] = ((62, 104, 52), (88, 130, 66), (48, 84, 56), (116, 148, 82), (70, 110, 80))
FABRICS: tuple[Colour, ...] = ((150, 60, 56), (70, 90, 120), (186, 160, 110), (90, 92, 84), (120, 72, 60), (60, 80, 70))
