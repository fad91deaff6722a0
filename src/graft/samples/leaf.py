"""The leaf of a door seen straight on: panels, glass, handle, and what hangs on it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from graft.samples.camera import Colour
from graft.samples.paint import GREENS, METALS, PAINTS, WOODS, Sheet, choose, mix, shade

Area = tuple[float, float, float, float]  # left, top, right, bottom

_GLASS = 205  # opacity of a pane, of 255


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """How a leaf looks.

    Attributes:
        style: A key of ``STYLES``.
        colour: Of its wood or paint.
        metal: Of its fittings.
        wooden: Whether it shows its grain.
        handle: ``"knob"``, ``"lever"`` or ``"bar"``.
        extras: What hangs on it: a number, a letter slot, a wreath, a name plate, a peephole, a note.
        seed: Of its grain and its small print.
    """

    style: str
    colour: Colour
    metal: Colour
    wooden: bool
    handle: str
    extras: tuple[str, ...]
    seed: int


def choose_leaf(rng: np.random.Generator, outdoors: bool) -> Leaf:
    """A leaf at random."""
    wooden = bool(rng.random() < 0.4)
    emblem = rng.choice(["number", "plate", "wreath", ""], p=[0.3, 0.15, 0.12, 0.43])
    extras = {str(emblem): 1.0, "slot": 0.3 * outdoors, "peephole": 0.2, "note": 0.1}
    return Leaf(
        style=str(rng.choice(_USUAL if rng.random() < 0.75 else list(STYLES))),
        colour=choose(rng, WOODS if wooden else PAINTS),
        metal=choose(rng, METALS, 5),
        wooden=wooden,
        handle=str(rng.choice(["knob", "lever", "lever", "bar"])),
        extras=tuple(name for name, share in extras.items() if rng.random() < share),
        seed=int(rng.integers(1 << 30)),
    )


def paint_leaf(leaf: Leaf, width: float, height: float, scale: float, *, hinge_left: bool, tone: float) -> Image.Image:
    """A face of the leaf seen straight on, RGBA (panes let through what is behind them)."""
    rng = np.random.default_rng(leaf.seed)
    colour = shade(leaf.colour, tone)
    sheet = Sheet(width, height, scale, colour, clear=True)
    sheet.box(0, 0, width, height, colour)
    STYLES[leaf.style](sheet, colour, rng)
    if leaf.wooden:
        sheet.grain(rng, (0.012, 0.6), 0.22)
    _add_extras(sheet, leaf, rng, tone)
    _add_handle(sheet, leaf, width - 0.07 if hinge_left else 0.07, -1 if hinge_left else 1, tone)
    return sheet.image


def _panels(sheet: Sheet, colour: Colour, rows: tuple[tuple[float, float], ...], columns: int) -> None:
    w, h, margin = sheet.width, sheet.height, 0.12
    each = (w - margin * (columns + 1)) / columns
    for top, bottom in rows:
        for column in range(columns):
            x = margin + column * (each + margin)
            y, right, low = top * h, x + each, bottom * h
            sheet.bevel(x, y, right, low, 0.022, shade(colour, 0.97), -0.22)
            sheet.bevel(x + 0.045, y + 0.045, right - 0.045, low - 0.045, 0.016, shade(colour, 1.03), 0.12)


def _six_panels(sheet: Sheet, colour: Colour, rng: np.random.Generator) -> None:
    _panels(sheet, colour, ((0.06, 0.2), (0.26, 0.56), (0.63, 0.93)), 2)


def _four_panels(sheet: Sheet, colour: Colour, rng: np.random.Generator) -> None:
    _panels(sheet, colour, ((0.06, 0.52), (0.6, 0.93)), 2)


def _two_panels(sheet: Sheet, colour: Colour, rng: np.random.Generator) -> None:
    _panels(sheet, colour, ((0.07, 0.5), (0.58, 0.92)), 1)


def _flush(sheet: Sheet, colour: Colour, rng: np.random.Generator) -> None:
    if rng.random() < 0.5:
        sheet.box(0, sheet.height - 0.22, sheet.width, sheet.height - 0.03, mix(colour, (170, 172, 176), 0.6))


def _pane(sheet: Sheet, area: Area, colour: Colour, rng: np.random.Generator) -> None:
    """Glass with a slanted reflection."""
    x, y, right, bottom = area
    sheet.bevel(x - 0.018, y - 0.018, right + 0.018, bottom + 0.018, 0.018, colour, -0.25)
    tint = mix((150, 172, 182), colour, 0.1)
    sheet.box(x, y, right, bottom, (*tint, _GLASS))
    shift, slant = float(rng.uniform(0, 0.6)) * (right - x), 0.35 * (right - x)
    end = min(right, x + shift + slant)
    band = [(x + shift, bottom), (end, y), (right, y), (end, bottom)]
    sheet.polygon(band, (*shade(tint, 1.2), _GLASS - 20))


def _half_glass(sheet: Sheet, colour: Colour, rng: np.random.Generator) -> None:
    w, h = sheet.width, sheet.height
    columns, rows = (1, 1) if rng.random() < 0.4 else (2, 3)
    _lattice(sheet, (0.13, 0.07 * h, w - 0.13, 0.5 * h), columns, rows, colour, rng)
    sheet.bevel(0.13, 0.58 * h, w - 0.13, 0.92 * h, 0.022, colour, -0.22)


def _full_glass(sheet: Sheet, colour: Colour, rng: np.random.Generator) -> None:
    columns, rows = [(1, 1), (1, 4), (2, 5)][int(rng.integers(3))]
    _lattice(sheet, (0.12, 0.06 * sheet.height, sheet.width - 0.12, 0.88 * sheet.height), columns, rows, colour, rng)


def _lattice(sheet: Sheet, area: Area, columns: int, rows: int, colour: Colour, rng: np.random.Generator) -> None:
    x, y, right, bottom = area
    bar, wide, high = 0.03, (right - x) / columns, (bottom - y) / rows
    for i in range(columns):
        for j in range(rows):
            left, top = x + i * wide, y + j * high
            _pane(sheet, (left + bar / 2, top + bar / 2, left + wide - bar / 2, top + high - bar / 2), colour, rng)


def _planks(sheet: Sheet, colour: Colour, rng: np.random.Generator) -> None:
    n = int(rng.integers(5, 9))
    for i in range(n):
        x = i * sheet.width / n
        sheet.box(x, 0, x + sheet.width / n, sheet.height, shade(colour, float(rng.uniform(0.9, 1.06))))
        sheet.box(x, 0, x + 0.008, sheet.height, shade(colour, 0.55))
    for y in (0.1, 0.48, 0.86):
        top = y * sheet.height
        sheet.bevel(0.03, top, sheet.width - 0.03, top + 0.13, 0.012, shade(colour, 0.94), 0.2)


def _louvres(sheet: Sheet, colour: Colour, rng: np.random.Generator) -> None:
    for top, bottom in ((0.06, 0.47), (0.54, 0.93)):
        y = top * sheet.height
        while y < bottom * sheet.height:
            sheet.box(0.11, y, sheet.width - 0.11, y + 0.028, shade(colour, 1.06))
            sheet.box(0.11, y + 0.028, sheet.width - 0.11, y + 0.042, shade(colour, 0.6))
            y += 0.042


def _vision(sheet: Sheet, colour: Colour, rng: np.random.Generator) -> None:
    x = sheet.width * float(rng.choice([0.2, 0.62, 0.4]))
    _pane(sheet, (x, 0.16 * sheet.height, x + 0.16, 0.48 * sheet.height), shade(colour, 0.8), rng)
    sheet.box(0.02, sheet.height - 0.25, sheet.width - 0.02, sheet.height - 0.03, mix(colour, (176, 178, 182), 0.7))


STYLES: dict[str, Callable[[Sheet, Colour, np.random.Generator], None]] = {
    "six panels": _six_panels,
    "four panels": _four_panels,
    "two panels": _two_panels,
    "flush": _flush,
    "half glass": _half_glass,
    "full glass": _full_glass,
    "planks": _planks,
    "louvres": _louvres,
    "vision": _vision,
}


_USUAL = ("six panels", "four panels", "two panels", "half glass", "planks")


def _add_handle(sheet: Sheet, leaf: Leaf, x: float, inwards: int, tone: float) -> None:
    """A knob, lever or bar at ``x``; ``inwards`` is +1 where the leaf's middle lies to the right of it."""
    metal, dark, y = shade(leaf.metal, tone), shade(leaf.metal, tone * 0.6), sheet.height - 1.04
    if leaf.handle == "bar":
        sheet.box(x - 0.012, y - 0.22, x + 0.02, y + 0.24, shade(leaf.colour, tone * 0.6))
        sheet.box(x - 0.014, y - 0.24, x + 0.012, y + 0.22, metal)
        return
    sheet.box(x - 0.022, y - 0.08, x + 0.022, y + 0.15, mix(metal, dark, 0.3))
    sheet.oval(x - 0.007, y + 0.09, x + 0.007, y + 0.105, (20, 18, 18))
    if leaf.handle == "knob":
        sheet.oval(x - 0.032, y - 0.026, x + 0.036, y + 0.044, shade(leaf.colour, tone * 0.55))
        sheet.oval(x - 0.032, y - 0.032, x + 0.032, y + 0.032, metal)
        sheet.oval(x - 0.02, y - 0.022, x, y - 0.004, shade(metal, 1.35))
    else:
        left, right = sorted((x, x + inwards * 0.13))
        sheet.box(left - 0.01, y + 0.01, right + 0.01, y + 0.032, shade(leaf.colour, tone * 0.55))
        sheet.box(left - 0.012, y - 0.012, right + 0.012, y + 0.014, metal)


def _add_extras(sheet: Sheet, leaf: Leaf, rng: np.random.Generator, tone: float) -> None:
    middle, h = sheet.width / 2, sheet.height
    metal = shade(leaf.metal, tone)
    if "number" in leaf.extras:
        sheet.box(middle - 0.09, 0.22 * h - 0.05, middle + 0.09, 0.22 * h + 0.05, metal)
        sheet.text(middle, 0.22 * h, str(rng.integers(1, 300)), 0.075, (30, 28, 28))
    if "slot" in leaf.extras:
        sheet.box(middle - 0.14, 0.55 * h - 0.035, middle + 0.14, 0.55 * h + 0.035, metal)
        sheet.box(middle - 0.12, 0.55 * h - 0.008, middle + 0.12, 0.55 * h + 0.012, (24, 22, 22))
    if "peephole" in leaf.extras:
        sheet.oval(middle - 0.016, h - 1.55, middle + 0.016, h - 1.518, metal)
    if "plate" in leaf.extras:
        words = str(rng.choice(["OFFICE", "STAFF", "PRIVATE", "ROOM 12", "STORE", "LAB"]))
        sheet.box(middle - 0.17, 0.16 * h, middle + 0.17, 0.16 * h + 0.1, shade((236, 236, 232), tone))
        sheet.text(middle, 0.16 * h + 0.05, words, 0.06, (40, 44, 60))
    if "note" in leaf.extras:
        x, y = middle + float(rng.uniform(-0.12, 0.1)), h * float(rng.uniform(0.22, 0.4))
        paper = [(x, y), (x + 0.15, y + 0.01), (x + 0.14, y + 0.22), (x - 0.01, y + 0.2)]
        sheet.polygon(paper, shade((244, 240, 214), tone))
    if "wreath" in leaf.extras:
        _add_wreath(sheet, middle, 0.3 * h, rng, tone)


def _add_wreath(sheet: Sheet, x: float, y: float, rng: np.random.Generator, tone: float) -> None:
    for turn in rng.uniform(0, 2 * math.pi, 90):
        r = 0.16 + float(rng.normal(0, 0.022))
        a, b = x + r * math.cos(turn), y + r * math.sin(turn)
        sheet.oval(a - 0.025, b - 0.016, a + 0.025, b + 0.016, shade(choose(rng, GREENS, 12), tone))
    for turn in rng.uniform(0, 2 * math.pi, 9):
        a, b = x + 0.16 * math.cos(turn), y + 0.16 * math.sin(turn)
        sheet.oval(a - 0.014, b - 0.014, a + 0.014, b + 0.014, shade((190, 40, 44), tone))
