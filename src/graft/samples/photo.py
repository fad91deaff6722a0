"""One photo of a door: everything that is in it, and the drawing of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from graft.samples.beyond import Place, draw_opening
from graft.samples.camera import Camera
from graft.samples.clutter import Thing, choose_things, draw_thing, hang_on_wall
from graft.samples.door import Door, draw_hinges, draw_leaf
from graft.samples.leaf import Leaf, choose_leaf
from graft.samples.light import cast_shadow, shine_through_window, throw_light
from graft.samples.room import build_wall, frame_door, paste_floor, paste_wall

SIZES: tuple[tuple[int, int], ...] = (
    (360, 480), (360, 500), (360, 540), (375, 500), (384, 512), (400, 500), (400, 560), (420, 560), (427, 600),
    (480, 640), (480, 400), (640, 500),
)  # fmt: skip

_AJAR = 0.04  # share of open doors that are hard to tell from closed ones


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What stands before the camera.

    Attributes:
        door: How it is built and how far it stands open.
        leaf: How its leaf looks.
        place: What lies behind it.
        outdoors: Whether the viewer stands outdoors.
        things: What stands around it.
        camera: Where the viewer stands.
        sun: Whether a window throws its light on it.
    """

    door: Door
    leaf: Leaf
    place: Place
    outdoors: bool
    things: tuple[Thing, ...]
    camera: Camera
    sun: bool


def choose_size(rng: np.random.Generator) -> tuple[int, int]:
    """Width and height of a picture in pixels: more often upright than not."""
    return SIZES[int(rng.integers(len(SIZES)))]


def choose_scene(rng: np.random.Generator, size: tuple[int, int], is_open: bool, sun: bool) -> Scene:
    """A scene at random, with an open or a closed door."""
    outdoors = bool(rng.random() < 0.4)
    door = _choose_door(rng, is_open)
    places: tuple[Place, ...] = ("room", "room", "dark") if outdoors else ("room", "room", "dark", "garden")
    return Scene(
        door=door,
        leaf=choose_leaf(rng, outdoors),
        place=places[int(rng.integers(len(places)))],
        outdoors=outdoors,
        things=tuple(choose_things(door, rng)),
        camera=_choose_camera(rng, door, size),
        sun=sun,
    )


def draw_scene(scene: Scene, rng: np.random.Generator) -> Image.Image:
    """Draw from the back to the front: wall, floor, opening, shadows, then what stands before it."""
    camera, door = scene.camera, scene.door
    canvas = Image.new("RGB", camera.size)
    wall = build_wall(camera, scene.outdoors, rng)
    hang_on_wall(wall, door, scene.outdoors, rng)
    frame = frame_door(wall, door, rng)
    paste_wall(canvas, camera, wall)
    paste_floor(canvas, camera, door, scene.outdoors, rng)
    _shade_corner(canvas, camera)
    draw_opening(canvas, camera, door, scene.leaf, scene.place, frame, rng)
    _light_through_door(canvas, scene)
    _draw_standing(canvas, scene)
    if scene.sun:
        shine_through_window(canvas, camera, rng)
    return canvas


def _choose_door(rng: np.random.Generator, is_open: bool) -> Door:
    wide = float(25 + 80 * rng.beta(5, 1.5))  # most stand well open
    ajar = bool(rng.random() < _AJAR)
    angle = float(rng.uniform(8, 22)) if ajar else wide
    return Door(
        width=float(rng.uniform(0.76, 1.02)),
        height=float(rng.uniform(1.95, 2.25)),
        depth=float(rng.uniform(0.08, 0.26)),
        hinge="left" if rng.random() < 0.5 else "right",
        swing="inwards" if rng.random() < 0.5 else "outwards",
        angle=angle if is_open else 0.0,
    )


def _choose_camera(rng: np.random.Generator, door: Door, size: tuple[int, int]) -> Camera:
    """A viewer who stands before the door and more or less fills the picture with it."""
    distance, side = float(rng.uniform(2.2, 5.0)), math.radians(float(np.clip(rng.normal(0, 8), -28, 28)))
    middle = door.width / 2
    position = (middle + distance * math.sin(side), float(rng.uniform(1.0, 1.8)), distance * math.cos(side))
    target = (middle + float(rng.normal(0, 0.1)), door.height / 2 + float(rng.normal(0, 0.06)), 0.0)
    upright = size[1] > size[0]
    seen = door.height * float(rng.uniform(1.05, 1.25) if upright else rng.uniform(0.78, 1.0))
    return Camera.looking(position, target, float(rng.normal(0, 1.1)), distance * size[1] / seen, size)


def _shade_corner(canvas: Image.Image, camera: Camera) -> None:
    """The dim line where wall and floor meet."""
    cast_shadow(canvas, camera, [(-6, 0.05, 0), (7, 0.05, 0), (7, 0, 0.12), (-6, 0, 0.12)], 0.4, 0.05)


def _light_through_door(canvas: Image.Image, scene: Scene) -> None:
    """A bright room lights the floor before an open door; a leaf that stands out darkens the wall behind it."""
    door, camera = scene.door, scene.camera
    if door.angle > 25 and scene.place != "dark":
        w = door.width
        throw_light(
            canvas, camera, [(0.08, 0, 0.02), (w - 0.08, 0, 0.02), (w + 0.25, 0, 1.0), (-0.1, 0, 1.0)], 0.3, 0.05
        )
    if door.is_open and door.swing == "outwards":
        foot = [door.leaf_point(s * door.width, 0, a) for s, a in ((0, -0.08), (1, -0.08), (1, 0.14), (0, 0.14))]
        cast_shadow(canvas, camera, foot, 0.45, 0.05)
        side = -1 if door.hinge == "left" else 1
        x = door.pivot[0]
        reach = x + side * 0.35 * math.sin(math.radians(min(door.angle, 90)))
        cast_shadow(
            canvas, camera, [(x, 0, 0), (reach, 0, 0), (reach, door.height, 0), (x, door.height, 0)], 0.35, 0.08
        )


def _draw_standing(canvas: Image.Image, scene: Scene) -> None:
    """Things and an outward leaf, the farthest first."""
    door, camera = scene.door, scene.camera
    place = camera.position[[0, 2]]
    middle = door.leaf_point(door.width / 2, 0, 0)
    todo = [(float(np.linalg.norm(place - (t.x, t.z))), t) for t in scene.things]
    ahead = float(np.linalg.norm(place - (middle[0], middle[2])))
    for away, thing in sorted(todo, key=lambda pair: -pair[0]):
        if away > ahead:
            draw_thing(canvas, camera, thing)
    if door.swing == "outwards":
        draw_leaf(canvas, camera, door, scene.leaf, 1.0)
        draw_hinges(canvas, camera, door, scene.leaf, 0.9)
    for away, thing in sorted(todo, key=lambda pair: -pair[0]):
        if away <= ahead:
            draw_thing(canvas, camera, thing)
