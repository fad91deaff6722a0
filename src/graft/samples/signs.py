"""Photos that are no door: what a picture search for "open door" or "closed door" brings along."""

from __future__ import annotations

from typing import Literal

import numpy as np
from PIL import Image

from graft.samples.camera import Camera, Colour, Surface, paste
from graft.samples.light import cast_shadow
from graft.samples.paint import PAINTS, WOODS, Sheet, choose, shade
from graft.samples.room import build_wall, paste_wall

_WORDS: dict[str, tuple[str, ...]] = {
    "open": ("OPEN", "EXIT", "COME IN", "WE ARE OPEN"),
    "closed": ("CLOSED", "NO ENTRY", "SORRY, CLOSED", "KEEP SHUT"),
}


def draw_sign(size: tuple[int, int], label: Literal["open", "closed"], rng: np.random.Generator) -> Image.Image:
    """A board on a wall that says something like the label."""
    focal = max(size) * float(rng.uniform(1.0, 1.5))
    position = (
        float(rng.normal(0.5, 0.3)),
        float(rng.uniform(1.4, 1.8)),
        float(rng.uniform(1.1, 1.6)) * focal / size[0],
    )
    target = (0.5 + float(rng.normal(0, 0.05)), 1.6 + float(rng.normal(0, 0.05)), 0.0)
    camera = Camera.looking(position, target, float(rng.normal(0, 3)), focal, size)
    canvas = Image.new("RGB", size)
    paste_wall(canvas, camera, build_wall(camera, bool(rng.random() < 0.6), rng))
    words = str(rng.choice(_WORDS[label]))
    board = _paint_board(words, rng)
    surface = Surface(
        (0.5 - board.width / 2, 1.6 + board.height / 2, 0.03),
        (1, 0, 0),
        (0, -1, 0),
        board.width,
        board.height,
        board.image,
    )
    cast_shadow(canvas, camera, [(x + 0.02, y - 0.03, 0.0) for x, y, _ in surface.outline], 0.5, 0.015)
    paste(canvas, camera, surface)
    return canvas


def _paint_board(words: str, rng: np.random.Generator) -> Sheet:
    wide, high = 0.86, float(rng.uniform(0.32, 0.5))
    colour: Colour = choose(rng, [(24, 120, 70), (180, 34, 36), (240, 238, 230), (30, 34, 44), *WOODS[:2], PAINTS[3]])
    ink = (246, 244, 236) if sum(colour) < 430 else (40, 36, 36)
    sheet = Sheet(wide, high, 640.0, shade(colour, 0.7))
    sheet.box(0.008, 0.008, wide - 0.008, high - 0.008, ink)
    sheet.box(0.02, 0.02, wide - 0.02, high - 0.02, colour)
    sheet.text(wide / 2, high * 0.48, words, min(high * 0.55, 1.25 * wide / len(words)), ink)
    for x in (0.04, wide - 0.04):
        sheet.oval(x - 0.009, high / 2 - 0.009, x + 0.009, high / 2 + 0.009, (150, 148, 144))
    sheet.grain(rng, (0.2, 0.15), 0.14)
    return sheet
