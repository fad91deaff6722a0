"""What surrounds the door: wall and floor, and the frame in the wall."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from graft.samples.camera import Camera, Colour, Surface, cover, paste
from graft.samples.door import Door
from graft.samples.paint import BRICKS, FABRICS, GREENS, PAINTS, STONES, WALLS, WOODS, Sheet, choose, mix, shade, vary

_REACH = 14.0  # metres; a wall seen at a slant is painted no farther than this


@dataclass(frozen=True, slots=True)
class Wall:
    """A sheet for the wall, with the world's coordinates kept beside it.

    Attributes:
        sheet: What is painted on.
        left: World x of its left edge.
        top: World y of its upper edge.
    """

    sheet: Sheet
    left: float
    top: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the wall lies on the sheet."""
        return x - self.left, self.top - y

    def box(self, x: float, y: float, right: float, top: float, colour: Colour) -> None:
        """A rectangle in world coordinates, from its lower left corner."""
        self.sheet.box(x - self.left, self.top - top, right - self.left, self.top - y, colour)


def build_wall(camera: Camera, outdoors: bool, rng: np.random.Generator) -> Wall:
    """A wall as large as the camera sees, painted in a material at random."""
    corners = camera.corners_on(2, 0.0, _REACH)
    left, right = float(corners[:, 0].min()) - 0.1, float(corners[:, 0].max()) + 0.1
    bottom, top = min(-0.1, float(corners[:, 1].min()) - 0.1), float(corners[:, 1].max()) + 0.1
    bottom, top = max(bottom, -1.0), max(min(top, 6.0), 2.5)
    materials = OUTER_WALLS if outdoors else INNER_WALLS
    base = choose(rng, WALLS)
    wall = Wall(Sheet(right - left, top - bottom, camera.scale_at((0.5, 1.0, 0.0)), base), left, top)
    materials[int(rng.integers(len(materials)))](wall, base, rng)
    return wall


def paste_wall(canvas: Image.Image, camera: Camera, wall: Wall) -> None:
    """Draw the wall; it fills the picture."""
    sheet = wall.sheet
    surface = Surface((wall.left, wall.top, 0), (1, 0, 0), (0, -1, 0), sheet.width, sheet.height, sheet.image)
    low = max(-0.05, wall.top - sheet.height)  # the floor hides what is lower
    cover(canvas, camera, surface, [(wall.left, low, 0), (wall.left + sheet.width, low, 0), (wall.left, low, 0)])


def paste_floor(canvas: Image.Image, camera: Camera, door: Door, outdoors: bool, rng: np.random.Generator) -> None:
    """Draw the floor in front of the wall, now and then with a mat."""
    seen = np.concatenate([camera.corners_on(2, 0.0, _REACH), camera.corners_on(1, 0.0, _REACH / 2)])
    left, right = float(seen[:, 0].min()) - 0.1, float(seen[:, 0].max()) + 0.1
    deep = float(camera.position[2]) + 0.2
    floors = OUTER_FLOORS if outdoors else INNER_FLOORS
    sheet = Sheet(right - left, deep, 0.8 * camera.scale_at((0.5, 0.0, 0.3)), choose(rng, STONES))
    floors[int(rng.integers(len(floors)))](sheet, rng)
    if rng.random() < 0.4:
        _lay_mat(sheet, door.width / 2 - left + float(rng.normal(0, 0.06)), rng)
    paste(canvas, camera, Surface((left, 0, 0), (1, 0, 0), (0, 0, 1), sheet.width, sheet.height, sheet.image))


def frame_door(wall: Wall, door: Door, rng: np.random.Generator) -> Colour:
    """Paint the casing around the opening; returns its colour."""
    colour = choose(rng, [*WOODS, *PAINTS[:2], *PAINTS[:2], *PAINTS], 6)
    wide = float(rng.uniform(0.05, 0.13))
    for grow, tone in ((wide + 0.012, 0.62), (wide, 1.0), (wide * 0.72, 0.93), (wide * 0.6, 1.05), (0.012, 0.7)):
        wall.box(-grow, 0, door.width + grow, door.height + grow, shade(colour, tone))
    if rng.random() < 0.25:
        wall.box(
            -wide - 0.05, door.height + wide, door.width + wide + 0.05, door.height + wide + 0.09, shade(colour, 1.04)
        )
        wall.box(
            -wide - 0.05, door.height + wide - 0.02, door.width + wide + 0.05, door.height + wide, shade(colour, 0.7)
        )
    return colour


def paint_planks(sheet: Sheet, base: Colour, rng: np.random.Generator, wide: float) -> None:
    """Boards that run towards the viewer."""
    for x in np.arange(0, sheet.width, wide).tolist():
        start = -float(rng.uniform(0, 1.4))
        while start < sheet.height:
            end = start + float(rng.uniform(0.9, 1.8))
            sheet.box(x, max(0.0, start), x + wide, min(end, sheet.height), shade(base, float(rng.uniform(0.86, 1.08))))
            sheet.box(x, max(0.0, end - 0.006), x + wide, min(end, sheet.height), shade(base, 0.6))
            start = end
        sheet.box(x, 0, x + 0.007, sheet.height, shade(base, 0.62))
    sheet.grain(rng, (0.02, 0.5), 0.14)


def _paint_plain(wall: Wall, base: Colour, rng: np.random.Generator) -> None:
    _add_baseboard(wall, rng)


def _paint_stripes(wall: Wall, base: Colour, rng: np.random.Generator) -> None:
    wide = float(rng.uniform(0.06, 0.16))
    other = mix(base, choose(rng, PAINTS), float(rng.uniform(0.1, 0.35)))
    for x in np.arange(wall.left - wall.left % (2 * wide), wall.left + wall.sheet.width, 2 * wide).tolist():
        wall.box(x, -1, x + wide, wall.top, other)
    _add_baseboard(wall, rng)


def _paint_pattern(wall: Wall, base: Colour, rng: np.random.Generator) -> None:
    step, other = float(rng.uniform(0.12, 0.2)), mix(base, choose(rng, GREENS + FABRICS), 0.4)
    for row, y in enumerate(np.arange(0, wall.sheet.height, step).tolist()):
        for x in np.arange(step / 2 * (row % 2), wall.sheet.width, step).tolist():
            wall.sheet.oval(x - step / 7, y - step / 4, x + step / 7, y + step / 4, other)
    _add_baseboard(wall, rng)


def _paint_two_tone(wall: Wall, base: Colour, rng: np.random.Generator) -> None:
    rail, lower = float(rng.uniform(0.8, 1.3)), choose(rng, WALLS + GREENS + PAINTS)
    wall.box(wall.left, -1, wall.left + wall.sheet.width, rail, lower)
    wall.box(wall.left, rail, wall.left + wall.sheet.width, rail + 0.04, shade(lower, 1.15))
    wall.box(wall.left, rail - 0.01, wall.left + wall.sheet.width, rail, shade(lower, 0.7))
    if rng.random() < 0.5:
        for x in np.arange(wall.left, wall.left + wall.sheet.width, 0.12).tolist():
            wall.box(x, -1, x + 0.008, rail, shade(lower, 0.8))
    _add_baseboard(wall, rng)


def _paint_tiled(wall: Wall, base: Colour, rng: np.random.Generator) -> None:
    size, tile = (
        float(rng.choice([0.12, 0.2, 0.3])),
        choose(rng, [(230, 232, 230), (160, 190, 196), (206, 200, 180), (96, 120, 116)]),
    )
    _lay_bricks(wall, tile, shade(tile, 0.8), size, size, 0.008, float(rng.choice([1.2, 1.6, 6])), 0.0, rng)


def _paint_brick(wall: Wall, base: Colour, rng: np.random.Generator) -> None:
    brick = choose(rng, BRICKS)
    grout = mix((190, 184, 174), brick, float(rng.uniform(0, 0.6)))
    _lay_bricks(wall, brick, grout, 0.24, 0.085, 0.014, 9.0, 0.5, rng)


def _paint_stone(wall: Wall, base: Colour, rng: np.random.Generator) -> None:
    stone = choose(rng, STONES)
    _lay_bricks(
        wall,
        stone,
        shade(stone, 0.7),
        float(rng.uniform(0.35, 0.6)),
        float(rng.uniform(0.18, 0.32)),
        0.016,
        9.0,
        0.5,
        rng,
    )


def _paint_siding(wall: Wall, base: Colour, rng: np.random.Generator) -> None:
    board, colour = float(rng.uniform(0.11, 0.2)), choose(rng, WALLS + PAINTS + WOODS)
    for y in np.arange(-1, wall.top, board).tolist():
        wall.box(wall.left, y, wall.left + wall.sheet.width, y + board, shade(colour, float(rng.uniform(0.97, 1.03))))
        wall.box(wall.left, y, wall.left + wall.sheet.width, y + 0.014, shade(colour, 0.68))


def _paint_stucco(wall: Wall, base: Colour, rng: np.random.Generator) -> None:
    wall.sheet.box(0, 0, wall.sheet.width, wall.sheet.height, choose(rng, WALLS + STONES))
    wall.sheet.grain(rng, (0.02, 0.02), 0.2)
    if rng.random() < 0.5:
        wall.box(wall.left, -1, wall.left + wall.sheet.width, float(rng.uniform(0.2, 0.6)), choose(rng, STONES))


def _lay_bricks(
    wall: Wall,
    colour: Colour,
    grout: Colour,
    wide: float,
    high: float,
    joint: float,
    top: float,
    shift: float,
    rng: np.random.Generator,
) -> None:
    wall.box(wall.left, -1, wall.left + wall.sheet.width, top, grout)
    rows = np.arange(-1.0, min(top, wall.top), high).tolist()
    columns = np.arange(-wide, wall.sheet.width + wide, wide).tolist()
    tones = [shade(colour, t) for t in np.linspace(0.82, 1.1, 12)]
    picks = rng.integers(0, 12, (len(rows), len(columns))).tolist()
    start = wall.left - wall.left % wide
    for row, y in enumerate(rows):
        for column, x in enumerate(columns):
            left = start + x + shift * wide * (row % 2)
            wall.box(left, y, left + wide - joint, min(top, y + high - joint), tones[picks[row][column]])


def _add_baseboard(wall: Wall, rng: np.random.Generator) -> None:
    high, colour = float(rng.uniform(0.06, 0.16)), choose(rng, [*WOODS, *PAINTS[:2], *PAINTS[:2]])
    wall.box(wall.left, -1, wall.left + wall.sheet.width, high, colour)
    wall.box(wall.left, high - 0.012, wall.left + wall.sheet.width, high, shade(colour, 0.8))


def _floor_planks(sheet: Sheet, rng: np.random.Generator) -> None:
    paint_planks(sheet, choose(rng, WOODS), rng, float(rng.uniform(0.09, 0.18)))


def _floor_tiles(sheet: Sheet, rng: np.random.Generator) -> None:
    size, light = float(rng.uniform(0.25, 0.5)), choose(rng, STONES + WALLS)
    dark = light if rng.random() < 0.6 else mix(light, (40, 40, 44), float(rng.uniform(0.2, 0.7)))
    for i, x in enumerate(np.arange(0, sheet.width, size).tolist()):
        for j, y in enumerate(np.arange(0, sheet.height, size).tolist()):
            colour = shade(light if (i + j) % 2 else dark, float(rng.uniform(0.96, 1.03)))
            sheet.box(x, y, x + size - 0.008, y + size - 0.008, colour)


def _floor_carpet(sheet: Sheet, rng: np.random.Generator) -> None:
    sheet.box(0, 0, sheet.width, sheet.height, choose(rng, FABRICS + WALLS))
    sheet.grain(rng, (0.015, 0.015), 0.2)


def _floor_concrete(sheet: Sheet, rng: np.random.Generator) -> None:
    sheet.box(0, 0, sheet.width, sheet.height, choose(rng, STONES))
    sheet.grain(rng, (0.03, 0.03), 0.12)
    sheet.grain(rng, (0.3, 0.3), 0.2)


def _floor_paving(sheet: Sheet, rng: np.random.Generator) -> None:
    stone, size = choose(rng, STONES), float(rng.uniform(0.3, 0.6))
    sheet.box(0, 0, sheet.width, sheet.height, shade(stone, 0.65))
    for j, y in enumerate(np.arange(0, sheet.height, size).tolist()):
        for x in np.arange(-size * (j % 2) / 2, sheet.width, size).tolist():
            sheet.box(max(0.0, x), y, x + size - 0.018, y + size - 0.018, shade(stone, float(rng.uniform(0.88, 1.08))))


def _floor_garden(sheet: Sheet, rng: np.random.Generator) -> None:
    grass = choose(rng, GREENS)
    _floor_paving(sheet, rng)
    path = sheet.width * float(rng.uniform(0.42, 0.5))
    for left, right in ((0.0, path - 0.9), (path + 1.1, sheet.width)):
        sheet.box(left, 0.3, right, sheet.height, grass)
        spots = rng.uniform((left, 0.3), (max(left + 0.1, right), sheet.height), (160, 2)).tolist()
        for x, y in spots:
            sheet.line([(x, y), (x + 0.03, y - 0.08)], 0.02, vary(rng, grass, 14))


def _lay_mat(sheet: Sheet, x: float, rng: np.random.Generator) -> None:
    wide, deep, near = float(rng.uniform(0.55, 0.9)), float(rng.uniform(0.35, 0.5)), float(rng.uniform(0.06, 0.3))
    colour = choose(rng, [*FABRICS, (120, 96, 66), (56, 54, 52)])
    sheet.box(
        x - wide / 2 - 0.02,
        near - 0.01,
        x + wide / 2 + 0.02,
        near + deep + 0.03,
        shade(mix(colour, (60, 50, 46), 0.5), 0.7),
    )
    sheet.box(x - wide / 2, near, x + wide / 2, near + deep, colour)
    for inset in (0.04, 0.07):
        tone = 0.75 if inset < 0.05 else 1.05
        sheet.box(x - wide / 2 + inset, near + inset, x + wide / 2 - inset, near + deep - inset, shade(colour, tone))
    if rng.random() < 0.5:
        sheet.text(
            x, near + deep / 2, str(rng.choice(["WELCOME", "HELLO", "HOME"])), 0.11, mix(colour, (30, 26, 24), 0.7)
        )


INNER_WALLS: tuple[Callable[[Wall, Colour, np.random.Generator], None], ...] = (
    _paint_plain, _paint_plain, _paint_stripes, _paint_pattern, _paint_two_tone, _paint_tiled, _paint_brick,
)  # fmt: skip
OUTER_WALLS: tuple[Callable[[Wall, Colour, np.random.Generator], None], ...] = (
    _paint_brick, _paint_stone, _paint_siding, _paint_stucco,
)  # fmt: skip
INNER_FLOORS: tuple[Callable[[Sheet, np.random.Generator], None], ...] = (
    _floor_planks, _floor_planks, _floor_tiles, _floor_carpet, _floor_concrete,
)  # fmt: skip
OUTER_FLOORS: tuple[Callable[[Sheet, np.random.Generator], None], ...] = (
    _floor_paving, _floor_concrete, _floor_garden, _floor_tiles, _floor_planks,
)  # fmt: skip
