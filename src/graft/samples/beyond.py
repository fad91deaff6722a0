"""What lies behind the opening: a lit room, a dark one, or a garden; and the reveals of the wall."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from PIL import Image, ImageFilter

from graft.samples.camera import Camera, Colour, Point, Surface, bounds, fill, mask_of, paste
from graft.samples.door import Door, draw_leaf
from graft.samples.leaf import Leaf
from graft.samples.paint import FABRICS, GREENS, STONES, WALLS, WOODS, Sheet, choose, mix, shade
from graft.samples.room import paint_planks

Place = Literal["room", "dark", "garden"]

_COARSE = 70.0  # pixels per metre of what is behind; it is a little out of focus anyway


def draw_opening(
    canvas: Image.Image, camera: Camera, door: Door, leaf: Leaf, place: Place, frame: Colour, rng: np.random.Generator
) -> None:
    """Draw what is seen through the opening, with the leaf in it where it does not swing towards the viewer."""
    box = bounds(camera.project(door.opening), canvas.size)
    if box is None:
        return
    camera = camera.cropped(box)
    layer = canvas.crop(box)
    _PLACES[place](layer, camera, door, rng)
    layer = layer.filter(ImageFilter.BoxBlur(float(rng.uniform(0.3, 1.2))))
    light = {"room": 0.92, "dark": 0.62, "garden": 0.9}[place] if door.angle > 15 else 0.95
    if door.swing == "inwards":
        draw_leaf(layer, camera, door, leaf, light)
    _draw_reveals(layer, camera, door, frame)
    canvas.paste(layer, box[:2], mask_of(camera.project(door.opening), (0, 0, *layer.size)))


def _draw_reveals(layer: Image.Image, camera: Camera, door: Door, frame: Colour) -> None:
    """The thickness of the wall: left, right, top and threshold."""
    w, h = door.width, door.height
    back = -door.depth if door.swing == "outwards" or door.is_open else -door.depth + door.thickness
    faces: list[tuple[list[Point], Point, float]] = [
        ([(0, 0, 0), (0, h, 0), (0, h, back), (0, 0, back)], (1, 0, 0), 0.8),
        ([(w, 0, 0), (w, h, 0), (w, h, back), (w, 0, back)], (-1, 0, 0), 0.9),
        ([(0, h, 0), (w, h, 0), (w, h, back), (0, h, back)], (0, -1, 0), 0.62),
        ([(0, 0, 0), (w, 0, 0), (w, 0, back), (0, 0, back)], (0, 1, 0), 0.7),
    ]
    for points, normal, tone in faces:
        if camera.faces(points[0], normal):
            fill(layer, camera, points, shade(mix(frame, (110, 100, 92), 0.5) if normal[1] > 0 else frame, tone))


def _draw_room(layer: Image.Image, camera: Camera, door: Door, rng: np.random.Generator) -> None:
    _draw_box(layer, camera, door, rng, float(rng.uniform(0.85, 1.15)))


def _draw_dark(layer: Image.Image, camera: Camera, door: Door, rng: np.random.Generator) -> None:
    _draw_box(layer, camera, door, rng, float(rng.uniform(0.05, 0.22)))


def _draw_box(layer: Image.Image, camera: Camera, door: Door, rng: np.random.Generator, light: float) -> None:
    """A furnished room: back wall, side walls, ceiling and floor."""
    near, far, high = -door.depth, -door.depth - float(rng.uniform(1.6, 5.0)), float(rng.uniform(2.45, 2.9))
    left, right = -float(rng.uniform(0.2, 2.2)), door.width + float(rng.uniform(0.2, 2.2))
    paint = choose(rng, WALLS)
    fill(
        layer,
        camera,
        [(left, 0, near), (left, high, near), (left, high, far), (left, 0, far)],
        shade(paint, 0.82 * light),
    )
    fill(
        layer,
        camera,
        [(right, 0, near), (right, high, near), (right, high, far), (right, 0, far)],
        shade(paint, 0.9 * light),
    )
    fill(
        layer,
        camera,
        [(left, high, near), (right, high, near), (right, high, far), (left, high, far)],
        shade((236, 234, 228), 0.85 * light),
    )
    floor = Sheet(right - left, near - far, _COARSE, choose(rng, STONES))
    paint_planks(floor, shade(choose(rng, WOODS + STONES), light), rng, 0.14)
    paste(layer, camera, Surface((left, 0, far), (1, 0, 0), (0, 0, 1), floor.width, floor.height, floor.image))
    back = Sheet(right - left, high, _COARSE, shade(paint, light))
    for furnish in rng.permutation(len(_FURNITURE))[: int(rng.integers(1, 4))].tolist():
        _FURNITURE[furnish](back, rng, light)
    back.box(0, high - 0.08, back.width, high, shade((226, 222, 214), 0.9 * light))
    paste(layer, camera, Surface((left, high, far), (1, 0, 0), (0, -1, 0), back.width, back.height, back.image))


def _draw_garden(layer: Image.Image, camera: Camera, door: Door, rng: np.random.Generator) -> None:
    """Sky, a hedge or houses, a lawn with a path."""
    far, half = -door.depth - 9.0, 14.0
    grass = Sheet(2 * half, 9.0, 24.0, choose(rng, GREENS))
    middle = half + door.width / 2
    grass.polygon([(middle - 0.7, 9), (middle + 0.7, 9), (middle + 1.6, 0), (middle + 0.4, 0)], choose(rng, STONES))
    grass.grain(rng, (0.2, 0.2), 0.25)
    back = Sheet(2 * half, 9.0, 24.0, choose(rng, [(178, 206, 232), (206, 218, 226), (236, 214, 190), (140, 180, 222)]))
    for x in np.arange(0, 2 * half, 0.5).tolist():
        r, colour = float(rng.uniform(0.5, 1.7)), choose(rng, GREENS)
        back.oval(x - r, 9 - float(rng.uniform(1.2, 3.6)), x + r, 9.6, shade(colour, float(rng.uniform(0.7, 1.1))))
    back.grain(rng, (0.15, 0.15), 0.2)
    edge = -half + door.width / 2
    paste(layer, camera, Surface((edge, 9, far), (1, 0, 0), (0, -1, 0), 2 * half, 9, back.image))
    paste(layer, camera, Surface((edge, 0, far), (1, 0, 0), (0, 0, 1), 2 * half, 9, grass.image))


_PLACES: dict[Place, Callable[[Image.Image, Camera, Door, np.random.Generator], None]] = {
    "room": _draw_room,
    "dark": _draw_dark,
    "garden": _draw_garden,
}


def _add_window(back: Sheet, rng: np.random.Generator, light: float) -> None:
    x, wide = back.width * float(rng.uniform(0.1, 0.55)), float(rng.uniform(0.8, 1.3))
    y, low = back.height - 2.15, back.height - 0.95
    back.box(x - 0.06, y - 0.06, x + wide + 0.06, low + 0.06, shade((240, 238, 232), light))
    sky = (214, 230, 242) if light > 0.4 else (66, 84, 112)
    back.box(x, y, x + wide, low, sky)
    back.box(x, (y + low) / 2, x + wide, (y + low) / 2 + 0.04, shade((240, 238, 232), light))
    back.box(x + wide / 2 - 0.02, y, x + wide / 2 + 0.02, low, shade((240, 238, 232), light))
    curtain = shade(choose(rng, FABRICS), light)
    back.box(x - 0.2, y - 0.1, x + 0.08, low + 0.5, curtain)
    back.box(x + wide - 0.08, y - 0.1, x + wide + 0.2, low + 0.5, curtain)


def _add_shelf(back: Sheet, rng: np.random.Generator, light: float) -> None:
    x, wide, wood = (
        back.width * float(rng.uniform(0.05, 0.6)),
        float(rng.uniform(0.7, 1.2)),
        shade(choose(rng, WOODS), light),
    )
    top = back.height - float(rng.uniform(1.5, 2.1))
    back.box(x, top, x + wide, back.height, shade(wood, 0.6))
    for y in np.arange(top, back.height - 0.1, 0.35).tolist():
        spot = x + 0.04
        while spot < x + wide - 0.08:
            thick, high = float(rng.uniform(0.025, 0.07)), float(rng.uniform(0.18, 0.28))
            back.box(spot, y + 0.32 - high, spot + thick, y + 0.32, shade(choose(rng, FABRICS + WALLS, 24), light))
            spot += thick + float(rng.choice([0.004, 0.004, 0.1]))
        back.box(x, y + 0.32, x + wide, y + 0.35, wood)


def _add_sofa(back: Sheet, rng: np.random.Generator, light: float) -> None:
    x, wide, cloth, ground = (
        back.width * float(rng.uniform(0.0, 0.5)),
        1.5,
        shade(choose(rng, FABRICS), light),
        back.height,
    )
    back.box(x, ground - 0.85, x + wide, ground - 0.1, cloth)
    back.box(x + 0.1, ground - 0.5, x + wide - 0.1, ground - 0.3, shade(cloth, 1.15))
    back.box(x - 0.1, ground - 0.6, x + 0.1, ground - 0.05, shade(cloth, 0.85))
    back.box(x + wide - 0.1, ground - 0.6, x + wide + 0.1, ground - 0.05, shade(cloth, 0.85))


def _add_picture(back: Sheet, rng: np.random.Generator, light: float) -> None:
    x, y = back.width * float(rng.uniform(0.2, 0.7)), back.height - 1.9
    back.box(x, y, x + 0.6, y + 0.45, shade(choose(rng, WOODS), 0.7 * light))
    back.box(x + 0.04, y + 0.04, x + 0.56, y + 0.41, shade(choose(rng, FABRICS + GREENS + WALLS), light))
    back.oval(x + 0.15, y + 0.1, x + 0.4, y + 0.35, shade(choose(rng, FABRICS + GREENS + WALLS), light))


def _add_lamp(back: Sheet, rng: np.random.Generator, light: float) -> None:
    x, y = back.width * float(rng.uniform(0.2, 0.8)), back.height - 1.65
    back.box(x - 0.015, y, x + 0.015, back.height, shade((60, 54, 50), light))
    red, green, blue = np.asarray(back.image)[round(y * back.scale), round(x * back.scale)].tolist()
    glow: Colour = (red, green, blue)
    for r in np.linspace(0.6, 0.2, 12).tolist():
        glow = mix(glow, (255, 226, 170), 0.04)
        back.oval(x - r, y - r, x + r, y + r, glow)
    back.polygon(
        [(x - 0.12, y - 0.15), (x + 0.12, y - 0.15), (x + 0.2, y + 0.15), (x - 0.2, y + 0.15)], (255, 232, 186)
    )


_FURNITURE: tuple[Callable[[Sheet, np.random.Generator, float], None], ...] = (
    _add_window, _add_shelf, _add_sofa, _add_picture, _add_lamp,
)  # fmt: skip
