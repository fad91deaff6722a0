"""Things around the door: on the wall, on the floor, in the way."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from graft.samples.camera import Camera, Point, Surface, fill, paste
from graft.samples.door import Door
from graft.samples.light import cast_shadow
from graft.samples.paint import BRICKS, FABRICS, GREENS, METALS, PAINTS, WALLS, WOODS, Sheet, choose, mix, shade
from graft.samples.room import Wall


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that stands on the floor.

    Attributes:
        kind: A key of ``THINGS``.
        x: Where it stands along the wall, in metres.
        z: How far in front of the wall, in metres.
        seed: Of its looks.
    """

    kind: str
    x: float
    z: float
    seed: int


def choose_things(door: Door, rng: np.random.Generator) -> list[Thing]:
    """Up to two things beside the door, now and then one partly in front of it."""
    things = []
    for _ in range(int(rng.choice([0, 0, 1, 1, 2, 2]))):
        beside = float(rng.uniform(0.3, 1.2))
        x = -beside if rng.random() < 0.5 else door.width + beside
        if rng.random() < 0.08:
            x = float(rng.choice([0.05, 0.95])) * door.width
        things.append(Thing(str(rng.choice(list(THINGS))), x, float(rng.uniform(0.2, 0.6)), int(rng.integers(1 << 30))))
    return things


def draw_thing(canvas: Image.Image, camera: Camera, thing: Thing) -> None:
    """Draw one thing with its shadow."""
    r = 0.24
    ring = [
        (thing.x + r * 1.25 * math.cos(a), 0.0, thing.z + r * math.sin(a))
        for a in np.linspace(0, 6.28, 12, endpoint=False)
    ]
    cast_shadow(canvas, camera, ring, 0.45, 0.05)
    THINGS[thing.kind](canvas, camera, thing, np.random.default_rng(thing.seed))


def hang_on_wall(wall: Wall, door: Door, outdoors: bool, rng: np.random.Generator) -> None:
    """Pictures, a switch, a lamp, a number, hooks, a notice, a window."""
    for side in (-1, 1):
        if rng.random() < 0.6:
            near = -0.22 if side < 0 else door.width + 0.22
            _SMALL[int(rng.integers(len(_SMALL)))](wall, near, rng)
        if rng.random() < 0.55:
            x = (-0.75 if side < 0 else door.width + 0.75) + float(rng.normal(0, 0.12)) + side * 0.2
            large = _OUTER if outdoors else _INNER
            large[int(rng.integers(len(large)))](wall, x, rng)


def _sprite(canvas: Image.Image, camera: Camera, thing: Thing, sheet: Sheet) -> None:
    """Stand a painted sheet upright on the floor, turned to the camera."""
    to = camera.position - np.array([thing.x, camera.position[1], thing.z])
    to = to / np.linalg.norm(to)
    right = (float(to[2]), 0.0, float(-to[0]))
    corner = (thing.x - right[0] * sheet.width / 2, sheet.height, thing.z - right[2] * sheet.width / 2)
    paste(canvas, camera, Surface(corner, right, (0, -1, 0), sheet.width, sheet.height, sheet.image))


def _blank(camera: Camera, thing: Thing, width: float, height: float) -> Sheet:
    return Sheet(width, height, 1.6 * camera.scale_at((thing.x, height / 2, thing.z)), (60, 80, 50), clear=True)


def _solid(colour: Sequence[int]) -> tuple[int, int, int, int]:
    return (colour[0], colour[1], colour[2], 255)


def _draw_plant(canvas: Image.Image, camera: Camera, thing: Thing, rng: np.random.Generator) -> None:
    high, wide = float(rng.uniform(0.6, 1.4)), float(rng.uniform(0.5, 0.9))
    sheet, pot, green = _blank(camera, thing, wide, high), choose(rng, BRICKS + PAINTS), choose(rng, GREENS)
    x, rim = wide / 2, high - float(rng.uniform(0.22, 0.34))
    for i, lean in enumerate(rng.uniform(-1, 1, 34).tolist()):
        tip = (x + lean * wide * 0.46, float(rng.uniform(0.02, 0.75)) * rim + 0.25 * abs(lean) * rim)
        bend = (x + lean * wide * 0.2, (tip[1] + rim) / 2 - 0.1)
        colour = shade(green, 0.7 + 0.45 * i / 34)
        sheet.line([(x, rim + 0.02), bend, tip], 0.009, _solid(shade(colour, 0.8)))
        side = 0.045 * (1 + abs(lean))
        sheet.polygon(
            [bend, (tip[0] - side * 0.4, tip[1] + side), tip, (tip[0] + side * 0.6, tip[1] + side * 1.2)],
            _solid(colour),
        )
    sheet.polygon([(x - 0.17, rim), (x + 0.17, rim), (x + 0.12, high - 0.005), (x - 0.12, high - 0.005)], _solid(pot))
    sheet.polygon(
        [(x + 0.04, rim), (x + 0.17, rim), (x + 0.12, high - 0.005), (x + 0.03, high - 0.005)], _solid(shade(pot, 0.78))
    )
    sheet.box(x - 0.18, rim - 0.02, x + 0.18, rim + 0.03, _solid(shade(pot, 1.12)))
    _sprite(canvas, camera, thing, sheet)


def _draw_lamp(canvas: Image.Image, camera: Camera, thing: Thing, rng: np.random.Generator) -> None:
    high = float(rng.uniform(1.35, 1.75))
    sheet, cloth, metal = _blank(camera, thing, 0.46, high), choose(rng, WALLS), choose(rng, METALS)
    sheet.box(0.22, 0.2, 0.24, high - 0.02, _solid(metal))
    sheet.oval(0.09, high - 0.06, 0.37, high - 0.002, _solid(shade(metal, 0.8)))
    sheet.polygon([(0.12, 0.01), (0.34, 0.01), (0.44, 0.32), (0.02, 0.32)], _solid(mix(cloth, (255, 224, 160), 0.5)))
    sheet.polygon([(0.19, 0.01), (0.27, 0.01), (0.3, 0.32), (0.16, 0.32)], _solid(mix(cloth, (255, 240, 206), 0.8)))
    _sprite(canvas, camera, thing, sheet)


def _draw_chair(canvas: Image.Image, camera: Camera, thing: Thing, rng: np.random.Generator) -> None:
    sheet, wood = _blank(camera, thing, 0.5, 0.95), choose(rng, WOODS + PAINTS)
    dark = _solid(shade(wood, 0.72))
    for x in (0.1, 0.38):
        sheet.box(x, 0.5, x + 0.03, 0.88, dark)
    for x in (0.04, 0.43):
        sheet.box(x, 0.02, x + 0.035, 0.94, _solid(wood))
    for y in (0.05, 0.17, 0.29):
        sheet.box(0.05, y, 0.45, y + 0.06, _solid(shade(wood, 1.05)))
    sheet.polygon([(0.08, 0.46), (0.42, 0.46), (0.48, 0.55), (0.02, 0.55)], _solid(choose(rng, FABRICS + WOODS)))
    sheet.box(0.02, 0.55, 0.48, 0.585, dark)
    _sprite(canvas, camera, thing, sheet)


def _draw_stand(canvas: Image.Image, camera: Camera, thing: Thing, rng: np.random.Generator) -> None:
    """An umbrella stand."""
    sheet, metal = _blank(camera, thing, 0.4, 0.95), choose(rng, METALS + PAINTS)
    for lean in rng.uniform(-0.1, 0.1, int(rng.integers(1, 4))).tolist():
        colour = _solid(choose(rng, FABRICS + PAINTS))
        sheet.line([(0.2, 0.8), (0.2 + lean, 0.16)], 0.045, colour)
        sheet.line(
            [(0.2 + lean, 0.18), (0.2 + lean * 1.15, 0.06), (0.24 + lean * 1.15, 0.05)],
            0.018,
            _solid(shade(choose(rng, WOODS), 0.8)),
        )
    sheet.box(0.08, 0.45, 0.32, 0.945, _solid(metal))
    sheet.box(0.22, 0.45, 0.32, 0.945, _solid(shade(metal, 0.75)))
    sheet.oval(0.08, 0.42, 0.32, 0.48, _solid(shade(metal, 0.5)))
    _sprite(canvas, camera, thing, sheet)


def _draw_shoes(canvas: Image.Image, camera: Camera, thing: Thing, rng: np.random.Generator) -> None:
    sheet = _blank(camera, thing, 0.5, 0.3)
    for x in (0.03, 0.27):
        leather = choose(rng, FABRICS + WOODS)
        sheet.box(x + 0.1, 0.02, x + 0.2, 0.28, _solid(leather))
        sheet.oval(x - 0.02, 0.15, x + 0.2, 0.29, _solid(leather))
        sheet.box(x - 0.01, 0.265, x + 0.2, 0.29, _solid(shade(leather, 0.5)))
    _sprite(canvas, camera, thing, sheet)


def _draw_boxes(canvas: Image.Image, camera: Camera, thing: Thing, rng: np.random.Generator) -> None:
    """One parcel, or two on top of each other."""
    bottom = 0.0
    for _ in range(int(rng.choice([1, 1, 2]))):
        w, h, d = (float(v) for v in rng.uniform((0.3, 0.2, 0.25), (0.55, 0.42, 0.4)))
        _draw_block(canvas, camera, (thing.x - w / 2, bottom, thing.z - d / 2), (w, h, d), rng)
        bottom += h


def _draw_block(canvas: Image.Image, camera: Camera, at: Point, size: Point, rng: np.random.Generator) -> None:
    (x, y, z), (w, h, d) = at, size
    card = choose(
        rng, [(186, 146, 100), (170, 130, 88), (206, 170, 124), (150, 116, 82), (216, 214, 208), (74, 100, 128)]
    )
    sides: list[tuple[list[Point], Point, float]] = [
        ([(x, y + h, z), (x + w, y + h, z), (x + w, y + h, z + d), (x, y + h, z + d)], (0, 1, 0), 1.12),
        ([(x, y, z), (x, y + h, z), (x, y + h, z + d), (x, y, z + d)], (-1, 0, 0), 0.9),
        ([(x + w, y, z), (x + w, y + h, z), (x + w, y + h, z + d), (x + w, y, z + d)], (1, 0, 0), 0.7),
        ([(x, y, z + d), (x + w, y, z + d), (x + w, y + h, z + d), (x, y + h, z + d)], (0, 0, 1), 1.0),
    ]
    for points, normal, tone in sides:
        if camera.faces(points[0], normal):
            fill(canvas, camera, points, shade(card, tone))
    m, front = x + w / 2, z + d + 0.001
    fill(
        canvas,
        camera,
        [(m - 0.03, y, front), (m + 0.03, y, front), (m + 0.03, y + h, front), (m - 0.03, y + h, front)],
        shade(card, 0.86),
    )


THINGS: dict[str, Callable[[Image.Image, Camera, Thing, np.random.Generator], None]] = {
    "plant": _draw_plant,
    "boxes": _draw_boxes,
    "lamp": _draw_lamp,
    "chair": _draw_chair,
    "stand": _draw_stand,
    "shoes": _draw_shoes,
}


def _hang_switch(wall: Wall, x: float, rng: np.random.Generator) -> None:
    wall.box(x - 0.042, 1.06, x + 0.042, 1.145, (190, 188, 184))
    wall.box(x - 0.04, 1.065, x + 0.04, 1.145, (240, 238, 232))
    wall.box(x - 0.018, 1.08, x + 0.018, 1.13, (222, 220, 214))


def _hang_number(wall: Wall, x: float, rng: np.random.Generator) -> None:
    plate, ink = ((40, 60, 110), (240, 240, 236)) if rng.random() < 0.5 else ((236, 232, 224), (30, 30, 34))
    wall.box(x - 0.1, 1.58, x + 0.1, 1.74, shade(plate, 0.6))
    wall.box(x - 0.09, 1.59, x + 0.09, 1.73, plate)
    wall.sheet.text(*wall.at(x, 1.66), str(rng.integers(1, 200)), 0.09, ink)


def _hang_bell(wall: Wall, x: float, rng: np.random.Generator) -> None:
    metal = choose(rng, METALS)
    wall.box(x - 0.03, 1.15, x + 0.03, 1.29, metal)
    a, b = wall.at(x, 1.22)
    wall.sheet.oval(a - 0.016, b - 0.016, a + 0.016, b + 0.016, shade(metal, 0.6))


def _hang_notice(wall: Wall, x: float, rng: np.random.Generator) -> None:
    wall.box(x - 0.105, 1.25, x + 0.105, 1.55, mix((250, 250, 244), choose(rng, PAINTS), 0.1))
    for y in np.arange(1.29, 1.5, 0.028).tolist():
        wall.box(x - 0.08, y, x + float(rng.uniform(0.0, 0.08)), y + 0.01, (110, 110, 116))


_SMALL: tuple[Callable[[Wall, float, np.random.Generator], None], ...] = (
    _hang_switch, _hang_number, _hang_bell, _hang_notice,
)  # fmt: skip


def _hang_picture(wall: Wall, x: float, rng: np.random.Generator) -> None:
    w, h, y = float(rng.uniform(0.2, 0.4)), float(rng.uniform(0.2, 0.4)), float(rng.uniform(1.4, 1.7))
    wood, sky = choose(rng, WOODS + METALS), choose(rng, WALLS + FABRICS)
    wall.box(x - w - 0.01, y - h - 0.035, x + w + 0.03, y + h, shade(sky, 0.4))
    wall.box(x - w, y - h, x + w, y + h, wood)
    wall.box(x - w + 0.03, y - h + 0.03, x + w - 0.03, y + h - 0.03, (240, 238, 230))
    wall.box(x - w + 0.07, y - h + 0.07, x + w - 0.07, y + h - 0.07, sky)
    a, b = wall.at(x, y)
    w, h = w - 0.07, h - 0.07
    hill = [
        (a - w, b + h),
        (a - w, b),
        (a - w / 3, b - h / 2),
        (a + w / 4, b + h / 4),
        (a + w, b - h / 5),
        (a + w, b + h),
    ]
    wall.sheet.polygon(hill, choose(rng, GREENS + FABRICS))
    wall.sheet.oval(a + w * 0.2, b - h * 0.8, a + w * 0.5, b - h * 0.4, choose(rng, WALLS))


def _hang_clock(wall: Wall, x: float, rng: np.random.Generator) -> None:
    (a, b), r = wall.at(x, 1.85), float(rng.uniform(0.13, 0.2))
    wall.sheet.oval(a - r, b - r, a + r, b + r, choose(rng, METALS + WOODS))
    wall.sheet.oval(a - r * 0.88, b - r * 0.88, a + r * 0.88, b + r * 0.88, (244, 242, 236))
    for length, turn in ((0.5, float(rng.uniform(0, 6.28))), (0.75, float(rng.uniform(0, 6.28)))):
        wall.sheet.line(
            [(a, b), (a + length * r * math.cos(turn), b + length * r * math.sin(turn))], 0.014, (30, 30, 32)
        )


def _hang_coats(wall: Wall, x: float, rng: np.random.Generator) -> None:
    wall.box(x - 0.35, 1.68, x + 0.35, 1.76, choose(rng, WOODS))
    for offset in (-0.24, 0.0, 0.24):
        if rng.random() < 0.6:
            a, b = wall.at(x + offset, 1.68)
            cloth, long = choose(rng, FABRICS + PAINTS), float(rng.uniform(0.55, 0.95))
            wall.sheet.polygon([(a - 0.03, b), (a + 0.03, b), (a + 0.14, b + long), (a - 0.14, b + long)], cloth)
            wall.sheet.polygon([(a, b), (a + 0.03, b), (a + 0.14, b + long), (a + 0.05, b + long)], shade(cloth, 0.8))


def _hang_window(wall: Wall, x: float, rng: np.random.Generator) -> None:
    frame, w, low, high = choose(rng, [*PAINTS[:2], *WOODS]), float(rng.uniform(0.3, 0.48)), 1.0, 2.05
    wall.box(x - w - 0.1, low - 0.07, x + w + 0.1, low, shade(frame, 0.75))
    wall.box(x - w - 0.05, low, x + w + 0.05, high + 0.05, frame)
    glass = choose(rng, [(120, 150, 170), (60, 72, 86), (180, 200, 212), (230, 206, 150)])
    for left in (x - w, x + 0.02):
        for bottom in (low + 0.03, (low + high) / 2 + 0.02):
            wall.box(
                left,
                bottom,
                left + w - 0.02,
                bottom + (high - low) / 2 - 0.05,
                shade(glass, float(rng.uniform(0.9, 1.1))),
            )


def _hang_lantern(wall: Wall, x: float, rng: np.random.Generator) -> None:
    (a, b), metal = wall.at(x, 2.0), choose(rng, METALS)
    wall.sheet.box(a - 0.015, b - 0.2, a + 0.015, b + 0.05, shade(metal, 0.7))
    wall.sheet.polygon(
        [(a - 0.1, b - 0.08), (a + 0.1, b - 0.08), (a + 0.07, b + 0.16), (a - 0.07, b + 0.16)], (255, 232, 176)
    )
    wall.sheet.polygon([(a - 0.13, b - 0.07), (a, b - 0.19), (a + 0.13, b - 0.07)], shade(metal, 0.6))
    wall.sheet.box(a - 0.08, b + 0.15, a + 0.08, b + 0.18, shade(metal, 0.6))


_INNER: tuple[Callable[[Wall, float, np.random.Generator], None], ...] = (
    _hang_picture, _hang_picture, _hang_clock, _hang_coats,
)  # fmt: skip
_OUTER: tuple[Callable[[Wall, float, np.random.Generator], None], ...] = (_hang_window, _hang_window, _hang_lantern)
